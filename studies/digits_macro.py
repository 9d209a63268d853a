"""How deep, how wide, which layers and which skip connections for handwritten digits?

Whole networks layer by layer (real images, scikit-learn's digits, no download), three objectives,
minutes on two cores: ``optunas study run studies/digits_macro.py``.
"""

from optunas import Budget, MacroSpace, StudySpec

study = StudySpec(
    name="digits-macro",
    description="Depth, layers, widths, skip connections and a dense part on 8 x 8 digits",
    space=MacroSpace(
        # A single layer reads nine digits of ten; at 8 x 8 pixels a fourth hardly adds to three.
        depth=(1, 4),
        operations=("conv", "sep_conv", "max_pool", "identity"),
        # In factors of two: less than that is lost in the noise of 359 validation images.
        filters=(8, 16, 32),
        # 3 is the usual one; 5 sees most of an 8 x 8 image at once.
        kernels=(3, 5),
        pool_kernels=(2,),
        # Halved three times, an image still has a pixel; a fourth time does no harm.
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
    # More trials than the 80 options of its parameters, in five generations of twenty.
    budget=Budget(trials=100),
    seed=0,
)
