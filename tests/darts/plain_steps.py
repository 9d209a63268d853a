"""Small problems for the tests of the search: spaces, networks in float64, batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from optunas.darts.bilevel import Bilevel
from optunas.darts.settings import SearchSettings
from optunas.darts.supernet import SuperNetwork, edges_of
from optunas.darts.variants import make_variant
from optunas.space import CellSpace, DenseCellSpace
from optunas.tasks import InMemoryTask, Part

DENSE = DenseCellSpace(("none", "skip_connect", "nor_conv_3x3", "avg_pool_3x3"), num_nodes=3)
PAIR = CellSpace(("max_pool_3x3", "skip_connect", "sep_conv_3x3", "dil_conv_3x3"), num_nodes=2)
SPACES = (DENSE, PAIR)
SHAPE, CLASSES = (1, 6, 6), 3


def blobs(samples: int = 40, seed: int = 0, name: str = "blobs", size: int = 6) -> InMemoryTask:
    """Images whose class is the place of a bright square, with noise."""
    random = np.random.RandomState(seed)
    parts = {}
    for part in ("train", "validation", "test"):
        y = np.arange(samples) % CLASSES
        x = random.normal(size=(samples, 1, size, size)).astype(np.float32)
        for row, label in enumerate(y):
            x[row, 0, label : label + 2, label : label + 2] += 2.0
        parts[part] = Part(x, y.astype(np.int64))
    return InMemoryTask(name, parts, "accuracy", options={}, classes=tuple(range(CLASSES)))


def batch(seed: int, samples: int = 8, dtype: torch.dtype = torch.float64) -> Any:
    """Random images and labels."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, *SHAPE, generator=generator, dtype=dtype)
    return x, torch.randint(CLASSES, (samples,), generator=generator)


def network_of(space: Any, partial: int = 1, channels: int = 4, seed: int = 0) -> SuperNetwork:
    """A small supernet in float64."""
    torch.manual_seed(seed)
    cells = 1 if isinstance(space, DenseCellSpace) else 3
    return SuperNetwork(space, SHAPE, CLASSES, channels, cells, partial=partial).double()


def alphas_of(space: Any, settings: SearchSettings, seed: int = 0) -> dict[str, torch.Tensor]:
    """Leaves in float64, far enough from each other to matter."""
    variant = make_variant(settings, edges_of(space))
    kinds = ("normal", "reduce") if isinstance(space, CellSpace) else ("cell",)
    generator = torch.Generator().manual_seed(seed)
    drawn = variant.alphas(kinds, (len(edges_of(space)), len(space.operations)), generator)
    return {k: (300 * a.detach().double()).requires_grad_() for k, a in drawn.items()}


def bilevel_of(
    network: SuperNetwork, space: Any, settings: SearchSettings, steps: int = 100, seed: int = 0
) -> Bilevel:
    """The step over a network, its alphas in float64."""
    variant = make_variant(settings, edges_of(space))
    leaves = alphas_of(space, settings, seed)
    return Bilevel(network, leaves, variant, F.cross_entropy, settings, steps)
