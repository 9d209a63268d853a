"""NAS-Bench-201: which of 15,625 networks for CIFAR-10 are best for their latency and size?

Every network was trained when the benchmark was made, so two hundred of them take a minute here
and cost hundreds of recorded hours. No download beyond ``pip install 'optunas[bench]'``::

    optunas study run studies/nb201_front.py
"""

from optunas import NB201, Budget, StudySpec

study = StudySpec(
    name="nb201-front",
    description="The front of NAS-Bench-201 on CIFAR-10, from recorded trainings",
    space=NB201,
    task="optunas.tasks:nas_bench_201",
    # The latency that the benchmark's authors recorded; other devices come from a file.
    task_options={"dataset": "cifar10", "device_latency": "recorded"},
    objectives=("accuracy", "latency_ms", "params"),
    metrics=("flops", "fit_seconds"),
    # A trial is one step long: there is nothing to prune.
    pruner="none",
    # The table has a row for each code: what a code was recorded with is what it gets.
    reuse=False,
    budget=Budget(
        trials=200,
        # A network took half an hour in the median: two hundred fit, unless all are slow ones.
        device_hours=150.0,
    ),
    seed=0,
)
