"""Your own space: parameters, two translations, and ``build`` for networks of your own kind.

It is a study file as well: ``optunas study run examples/05_own_space.py``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import nn

import optunas
from optunas import Choice, Int, Space, StudyHandle, StudySpec


class Stack(NamedTuple):
    """An architecture: convolutions in a row, the mean over the pixels, a classifier."""

    depth: int
    channels: int
    kernel: int


class StackSpace(Space[Stack]):
    """Sampling, mutation, digests, storing and suggesting all follow from these methods."""

    def parameters(self) -> dict[str, Any]:
        return {"depth": Int(1, 4), "channels": Int(4, 32, log=True), "kernel": Choice((1, 3, 5))}

    def encode(self, architecture: Stack) -> dict[str, Any]:
        return architecture._asdict()

    def decode(self, values: Mapping[str, Any]) -> Stack:
        return Stack(**values)

    def build(self, stack: Stack, input_shape: Any, outputs: int, settings: Any) -> nn.Module:
        """(N, *input_shape) -> (N, outputs); settings are those of the training."""
        net, size = nn.Sequential(), input_shape[0]
        for _ in range(stack.depth):
            net.append(nn.Conv2d(size, stack.channels, stack.kernel, padding=stack.kernel // 2))
            net.extend([nn.BatchNorm2d(stack.channels), nn.ReLU()])
            size = stack.channels
        return net.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(size, outputs)])


study = StudySpec(
    name="stacks",
    space=StackSpace(),
    task="optunas.tasks:digits",
    objectives=("accuracy", "params"),
    training={"epochs": 5, "lr": 0.1},
)


def main(n_trials: int = 20) -> StudyHandle:
    """Run this file's study until it has so many trials."""
    return optunas.run(__file__, trials=n_trials)


if __name__ == "__main__":
    print(main().front())
