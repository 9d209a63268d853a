"""Does a search by gradient find where a study of DARTS cells should start?

Real images (scikit-learn's digits, 1,797 of 8 x 8, no download), a normal and a reduction cell,
minutes on two cores: search, then refine what was found, in a study of three objectives::

    optunas darts search studies/digits_darts.py -o genotype.json
    optunas study create studies/digits_darts.py
    optunas study seed digits-darts genotype.json --neighbours 3
    optunas study run digits-darts
"""

from optunas import Budget, CellSpace, Choice, Float, HyperSpace, JointSpace, StudySpec
from optunas.darts import SearchSettings

study = StudySpec(
    name="digits-darts",
    description="DARTS cells, learning rate and width on 8 x 8 digits, seeded by a search",
    space=JointSpace(
        # DARTS's seven operations on three nodes: with the paper's four a cell is a third larger,
        # and digits do not ask for it.
        cell=CellSpace(num_nodes=3),
        train=HyperSpace(
            # Half a decade on each side of .05 to .1, where twelve epochs of SGD do best here.
            lr=Float(0.015, 0.3, log=True),
            # Channels of the first cell; 16 is the papers' width, digits need less.
            channels=Choice((4, 8)),
        ),
    ),
    task="optunas.tasks:digits",
    objectives=("accuracy", "latency_ms", "params"),
    metrics=("flops",),
    training={
        # The least that has all of it: a reduction cell at one and at two thirds, one before them.
        "num_cells": 3,
        # Accuracy levels off between 8 and 12 epochs.
        "epochs": 12,
        "batch_size": 64,
    },
    budget=Budget(trials=40),
    seed=0,
)

search = SearchSettings(
    # 30 passes over half of 1,078 images are 270 steps, enough for the scaled rate of the alphas
    # to carry them away from equal weights; 3e-4, the paper's, leaves them there.
    epochs=30,
    batch_size=64,
    # The final network's own depth and largest width: what is searched is what is built.
    channels=8,
    num_cells=3,
)
