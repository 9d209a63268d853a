"""Does a search by gradient find where a study of convolution cells on clothes should start?

Fashion-MNIST (Debian's package ``dataset-fashion-mnist``, or ``OPTUNAS_FASHION_MNIST`` with its
directory). The space, the data and the training are those of ``fashion_mnist_cells.py``, so that
the two studies differ in their first generation alone: search, then refine what was found, some
minutes and an hour or two on two cores::

    optunas darts search studies/fashion_mnist_darts.py -o genotype.json
    optunas study create studies/fashion_mnist_darts.py
    optunas study seed fashion-mnist-darts genotype.json --neighbours 3
    optunas study run fashion-mnist-darts --workers 2
"""

from optunas import NB201, Budget, Choice, Float, HyperSpace, JointSpace, StudySpec
from optunas.darts import SearchSettings

study = StudySpec(
    name="fashion-mnist-darts",
    description="NAS-Bench-201 cells, learning rate and width on Fashion-MNIST, seeded by a search",
    space=JointSpace(
        # NAS-Bench-201's cells and not DARTS's: a search of them takes minutes, one cell of six
        # edges is compared with all 15,625, and Fashion-MNIST at this size does not need more.
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
        # A third of the images; the search has half of them for the weights, half for the alphas.
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
    # Five generations of twenty, as in the study without seeds; half of it should do.
    budget=Budget(trials=100),
    seed=0,
)

search = SearchSettings(
    # 12 passes over 10,000 images in batches of 64 are 1,880 steps. The alphas' rate is scaled to
    # them: the paper's 3e-4 would leave the weights of the operations near equal.
    epochs=12,
    # Half of the trainings' batch, as in the paper: more steps for the alphas out of one epoch.
    batch_size=64,
    # The narrowest that the study tries, as deep as its networks: a third of the time of 24
    # channels, and what a cell is good for showed at this width in networks trained from scratch.
    channels=8,
    num_cells=1,
)
