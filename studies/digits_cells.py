"""Which small convolution cell reads handwritten digits best for its latency and size?

Real images (scikit-learn's digits, 1,797 of 8 x 8, no download), three objectives, minutes on two
cores: ``optunas study run studies/digits_cells.py``.
"""

from optunas import NB201, Budget, Choice, Float, HyperSpace, JointSpace, StudySpec

study = StudySpec(
    name="digits-cells",
    description="NAS-Bench-201 cells, learning rate and width on 8 x 8 digits",
    space=JointSpace(
        cell=NB201,
        train=HyperSpace(
            # Half a decade on each side of .05 to .1, where twelve epochs of SGD do best here.
            lr=Float(0.015, 0.3, log=True),
            # Channels of the first stage; 16 is the papers' width, digits need less.
            channels=Choice((4, 8, 16)),
        ),
    ),
    task="optunas.tasks:digits",
    objectives=("accuracy", "latency_ms", "params"),
    metrics=("flops",),
    training={
        # One cell per stage: 8 x 8 images are down to 2 x 2 in the last of the three stages.
        "num_cells": 1,
        # Accuracy levels off between 8 and 12 epochs.
        "epochs": 12,
        "batch_size": 64,
    },
    budget=Budget(trials=40),
    seed=0,
)
