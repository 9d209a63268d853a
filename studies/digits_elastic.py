"""Depth, width and kernel of a small Once-for-All network for handwritten digits.

Inverted residual blocks (real images, scikit-learn's digits, no download), three objectives,
minutes on two cores: ``optunas study run studies/digits_elastic.py``.
"""

from optunas import Budget, ElasticSpace, StudySpec

study = StudySpec(
    name="digits-elastic",
    description="Depth, width, kernel and expansion of inverted residual blocks on 8 x 8 digits",
    space=ElasticSpace(
        # Three stages at 8 x 8, 4 x 4 and 2 x 2 pixels; each twice or as wide as the one before.
        widths=((8, 12), (16, 24), (24, 32)),
        strides=(1, 2, 2),
        depths=(1, 2, 3),
        # The paper's 3, 5 and 7, but 7 is nearly the whole image.
        kernels=(3, 5),
        # The paper's 3, 4 and 6, halved at the lower end for networks as small as these.
        expansions=(2, 4),
        stem=8,
    ),
    task="optunas.tasks:digits",
    objectives=("accuracy", "latency_ms", "params"),
    metrics=("flops",),
    # Accuracy levels off between 8 and 12 epochs, as for cells; .1 suits batch norm at this size.
    training={"epochs": 12, "batch_size": 64, "lr": 0.1},
    # Five generations of ten.
    budget=Budget(trials=50),
    seed=0,
)
