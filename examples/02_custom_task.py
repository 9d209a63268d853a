"""Your own task and metric in a stored study: your data and networks, trained by optunas.

It is a study file as well: ``optunas study run examples/02_custom_task.py``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from torch import nn

import optunas
from optunas import Float, HyperSpace, Int, Metric, StudyHandle, StudySpec
from optunas.tasks.in_memory import InMemoryTask, Part


class Biopsies(InMemoryTask):
    """569 biopsies of 30 measurements, malignant or benign; the candidates are small MLPs."""

    network_keys = ("width", "depth")

    def __init__(self) -> None:
        x, y = load_breast_cancer(return_X_y=True)
        x = x.astype(np.float32).reshape(-1, 30, 1, 1)  # images of 30 channels and one pixel
        train, validation, test = np.split(np.random.default_rng(0).permutation(569), [341, 455])
        rows = {"train": train, "validation": validation, "test": test}
        parts = {name: Part(x[r], y[r]) for name, r in rows.items()}
        super().__init__("biopsies", parts, "balanced_accuracy", {}, classes=("malign", "benign"))

    def build(self, architecture: None, hyperparameters: Mapping[str, Any]) -> nn.Module:
        """The network of one candidate: ``depth`` hidden layers of ``width``."""
        net, size, width = nn.Sequential(nn.Flatten()), 30, hyperparameters["width"]
        for _ in range(hyperparameters["depth"]):
            net, size = net.extend([nn.Linear(size, width), nn.ReLU()]), width
        return net.append(nn.Linear(size, 2))


def kilobytes(network: nn.Module, input_shape: tuple[int, ...]) -> float:
    """Your own metric: any function of a network and the shape of one input."""
    return sum(p.numel() * p.element_size() for p in network.parameters()) / 1024


study = StudySpec(
    name="biopsies",
    space=HyperSpace(width=Int(2, 64, log=True), depth=Int(1, 3), lr=Float(1e-3, 0.3, log=True)),
    task=Biopsies,
    objectives=("balanced_accuracy", Metric("size", "minimize", "KB", True, compute=kilobytes)),
    training={"epochs": 10, "batch_size": 32},
    reference=False,  # a small ResNet has nothing to see in one pixel
)


def main(n_trials: int = 30) -> StudyHandle:
    """Run this file's study until it has so many trials."""
    return optunas.run(__file__, trials=n_trials)


if __name__ == "__main__":
    print(main().front())
