"""Small networks and batches on which a proxy can be computed the slow way."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.metrics.proxies import Batch, noise_batch


def seeded_net(make: type[nn.Module] | None = None, seed: int = 3) -> nn.Module:
    """A small convolutional network in float64 with norm, ReLU, pool and classifier."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = SmallNet() if make is None else make()
    return net.double()


class SmallNet(nn.Module):
    """Two convolutions and a classifier: (N, 2, 5, 5) -> (N, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(2, 3, 2, padding=1), nn.BatchNorm2d(3), nn.ReLU())
        self.second = nn.Conv2d(3, 4, 2, stride=2, bias=False)
        self.classifier = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.second(self.first(x)))
        return self.classifier(x.mean(dim=(2, 3)))


class Chain(nn.Module):
    """Linear layers without biases, ReLU between: (N, 4) -> (N, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4, 6, bias=False),
            nn.ReLU(),
            nn.Linear(6, 5, bias=False),
            nn.ReLU(),
            nn.Linear(5, 3, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Smooth(nn.Sequential):
    """No unit is ever off: (N, 4) -> (N, 3)."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))


def small_batch(size: int = 8, seed: int = 0) -> Batch:
    """Noise for :class:`SmallNet`, in float64."""
    batch = noise_batch((2, 5, 5), 3, size, seed)
    return Batch(batch.x.double(), batch.y, batch.loss, seed)


def vectors(size: int = 8, seed: int = 0) -> Batch:
    """Noise for :class:`Chain`, in float64."""
    batch = noise_batch((4,), 3, size, seed)
    return Batch(batch.x.double(), batch.y, batch.loss, seed)
