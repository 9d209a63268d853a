"""What samplers know of a study and of its space, before any of them reasons.

``seen`` reads a study's trials, ``members`` lists and draws what may be proposed, ``within`` says
what keeps the limits, ``known`` what is known before training. ``plain_space`` is the space of a
study that knows no other, ``parents`` keeps those of a generation, ``adapter`` has what is needed
of Optuna and has no public name there.
"""
