"""Which network and which training go together on handwritten digits?

Architecture and hyperparameters in one study (real images, scikit-learn's digits, no download),
three objectives, minutes on two cores: ``optunas study run studies/digits_joint.py``.
"""

from optunas import Budget, DenseCellSpace, Float, JointSpace, StackSpace, StudySpec, training_space

study = StudySpec(
    name="digits-joint",
    description="Three different cells, their widths and all of their training on 8 x 8 digits",
    space=JointSpace(
        net=StackSpace(
            # Three nodes and four operations: 64 cells a position, not NAS-Bench-201's 15,625.
            cell=DenseCellSpace(
                # Without "none", which would cut a quarter of these networks in two.
                ("skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"),
                num_nodes=3,
            ),
            num_cells=3,
            # Where, and how often, the resolution is halved: 8 x 8 pixels allow two times.
            num_reductions=(1, 2),
            widths=((4, 8), (8, 16), (16, 32)),
        ),
        # Momentum and its Nesterov form only count with sgd.
        train=training_space(
            "optimizer",
            "lr",
            "momentum",
            "nesterov",
            "weight_decay",
            "batch_size",
            "schedule",
            "label_smoothing",
            "augmentation",
            "dropout",
            # Both optimizers' best rates on small cell networks lie inside.
            ranges={"lr": Float(1e-3, 0.3, log=True)},
        ),
    ),
    task="optunas.tasks:digits",
    objectives=("accuracy", "latency_ms", "params"),
    metrics=("flops",),
    # Accuracy levels off between 8 and 12 epochs.
    training={"epochs": 12},
    # More trials than the 74 options of its parameters, in five generations of sixteen.
    budget=Budget(trials=80),
    seed=0,
)
