"""Limits of a device: what breaks one is never trained; the winners meet harder inputs."""

import optunas
from optunas import NB201, Budget, Choice, HyperSpace, JointSpace, StudyHandle, StudySpec

study = StudySpec(
    name="small-device",
    space=JointSpace(cell=NB201, train=HyperSpace(channels=Choice((2, 4, 8)))),
    task="optunas.tasks:digits",
    objectives=("accuracy", "latency_ms", "peak_memory_bytes"),
    metrics=("accuracy_noise",),  # of the trained network, on noisy images
    # From the board's data sheet: it ranks networks, it does not time them. Measured prices of
    # your own device come from "optunas latency calibrate FILE -o mine.json": latency="mine.json".
    latency="raspberry_pi_4",
    constraints={"latency_ms": 0.2, "peak_memory_bytes": 20_000},
    training={"num_cells": 1, "epochs": 4, "lr": 0.1},
    sampler="cheap_aware",
    budget=Budget(trials=10),
    reference=False,
)


def main(n_trials: int = 10) -> StudyHandle:
    """Run the study; every trial of it keeps both limits."""
    handle = optunas.run(study, trials=n_trials)
    for trial in handle.trials():
        noisy = trial.user_attrs.get("accuracy_noise", "pruned before it was measured")
        print(f"trial {trial.number}: {trial.values}, on noisy images {noisy}")
    return handle


if __name__ == "__main__":
    print(main().front())
