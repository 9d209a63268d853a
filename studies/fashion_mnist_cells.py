"""Which convolution cell tells clothes apart best for its latency and size?

Fashion-MNIST (Debian's package ``dataset-fashion-mnist``, or ``OPTUNAS_FASHION_MNIST`` with its
directory), the digits study's space with wider networks, an hour or two on two cores:
``optunas study run studies/fashion_mnist_cells.py --workers 2``; ``--dry-run`` estimates it first.
"""

from optunas import NB201, Budget, Choice, Float, HyperSpace, JointSpace, StudySpec

study = StudySpec(
    name="fashion-mnist-cells",
    description="NAS-Bench-201 cells, learning rate and width on Fashion-MNIST at 14 x 14",
    space=JointSpace(
        cell=NB201,
        train=HyperSpace(
            # A decade and a half around .1, a usual rate for SGD with batches of 128.
            lr=Float(0.02, 0.6, log=True),
            # Sixteen channels are the papers' width; half of it is the cheap end, and at one and
            # a half times of it parameters more than double.
            channels=Choice((8, 16, 24)),
        ),
    ),
    task="optunas.tasks:fashion_mnist",
    task_options={
        # Half the width and height: a quarter of the FLOPs and of an epoch's time, and much the
        # same accuracy after the first epochs.
        "size": 14,
        # A third of the images: to compare cells takes fewer of them than to train the last one.
        "train_size": 20_000,
        # Near 90 % the standard error of the accuracy is then .3 points.
        "val_size": 10_000,
    },
    objectives=("accuracy", "latency_ms", "params"),
    metrics=("flops",),
    training={
        # One cell per stage: images of 14 x 14 are down to 4 x 4 in the last of the three stages.
        "num_cells": 1,
        # Long enough for the cosine to anneal, short enough to compare many cells.
        "epochs": 10,
        # Twice the digits' batch: there are twenty times as many images.
        "batch_size": 128,
    },
    # Five generations of twenty, and what is pruned counts too.
    budget=Budget(trials=100),
    seed=0,
)
