"""How much each candidate promises, from what is predicted of it.

``improvement`` is for one number a member. ``hypervolume_gain`` is for several objectives, over the
``boxes`` that no point of a front dominates; ``outlook`` brings a study's trials to it, ``past``
those of an earlier study.
"""
