"""From some members to others: what a child inherits, which members lie beside one.

``genes`` (whole groups of parameters) and ``neighbours`` (one gene) change members, ``candidates``
draws and breeds many, ``climb`` is where a local search stands.
"""
