"""The best multilayer perceptron for handwritten digits, and how to train it.

One objective, TPE and the median pruner (real images, scikit-learn's digits, no download), two
minutes on two cores: ``optunas study run studies/digits_hpo.py``. ``optunas study show digits-hpo``
gives the best value, its parameters, and how much each of them mattered.
"""

from optunas import Budget, Choice, Float, JointSpace, MacroSpace, StudySpec, training_space

study = StudySpec(
    name="digits-hpo",
    description="Layers, units, dropout and activation of an MLP, with learning rate and optimizer",
    space=JointSpace(
        # A macro space without layers of feature maps: the image is flattened.
        mlp=MacroSpace(
            depth=0,
            dense_depth=(1, 3),
            units=(16, 32, 64, 128),
            dense_activations=("relu", "gelu", "silu"),
            # In steps of a tenth up to a little less than a half, which starves so few units.
            dropouts=(0.0, 0.1, 0.2, 0.3, 0.4),
        ),
        train=training_space(
            "optimizer",
            "lr",
            "batch_size",
            ranges={
                # Both optimizers' best rates lie inside, AdamW's near .003 and SGD's near .1.
                "lr": Float(1e-3, 0.3, log=True),
                "batch_size": Choice((16, 32, 64)),
            },
        ),
    ),
    task="optunas.tasks:digits",
    objectives=("accuracy",),
    # Perceptrons of this size still gain between the 12th and the 20th epoch.
    training={"epochs": 20},
    # By name; "random" and "grid" (five values of lr) are there to compare with.
    sampler="tpe",
    pruner="median",
    # Ten random trials, TPE's own default, and four times as many that learn from them.
    budget=Budget(trials=50),
    # A reference for the accuracy alone would be a convolution network of another kind.
    reference=False,
    seed=0,
)
