"""How deep, how wide, which layers and which skip connections for handwritten digits?

Whole networks layer by layer (real images, scikit-learn's digits, no download), three objectives,
minutes on two cores: ``optunas study run studies/digits_macro.py``.
"""

from optunas import Budget, MacroSpace, StudySpec

study = StudySpec(
    name="digits-macro",
    description="Depth, layers, widths, skip connections and a dense part on 8 x 8 digits",
    space=MacroSpace(
        # A single layer reads nine digits of ten; at 8 x 8 pixels a fifth hardly adds to four.
        depth=(1, 5),
        operations=("conv", "sep_conv", "max_pool", "identity"),
        # 4 to 32 in factors of two: less than that is lost in the noise of 359 validation images.
        filters=(4, 8, 16, 32),
        # 3 is the usual one; 5 sees most of an 8 x 8 image at once.
        kernels=(3, 5),
        # Halved once to three times, an image still has a pixel; more does no harm.
        strides=(1, 2),
        activations=("relu", "silu"),
        skips=True,
        joins=("add", "concat"),
        dense_depth=(0, 1),
        units=(16, 64),
    ),
    task="optunas.tasks:digits",
    objectives=("accuracy", "latency_ms", "params"),
    metrics=("flops",),
    training={
        # Accuracy levels off between 8 and 12 epochs, as for cells.
        "epochs": 12,
        "batch_size": 64,
        # Of .02, .05, .1 and .2 the best for most of a dozen random members.
        "lr": 0.1,
    },
    # Some 40 parameters, five generations of sixteen.
    budget=Budget(trials=80),
    seed=0,
)
