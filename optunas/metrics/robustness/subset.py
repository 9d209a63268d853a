"""Some of a task's data, and the range that its inputs have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Subset", "draw_subset"]


@dataclass(frozen=True)
class Subset:
    """Samples as a network sees them.

    Attributes:
        x: (N, channels, height, width) or (N, features), normalised as the task does.
        y: (N,) classes.
        low: smallest value that an input can have, (channels, 1, 1) or (features,).
        high: the largest; the budgets are shares of ``high - low``.
    """

    x: Tensor
    y: Tensor
    low: Tensor
    high: Tensor

    @property
    def span(self) -> Tensor:
        """``high - low``."""
        return self.high - self.low


def draw_subset(
    task: Any, part: str = "validation", samples: int = 512, seed: int = 0, device: str = "cpu"
) -> Subset:
    """Draw up to ``samples`` of a part, each equally likely, in the part's order.

    The range of an in-memory task is that of its training data (0 to 255 for bytes); of a task that
    only shows batches, each channel's range in what is drawn.
    """
    generator = torch.Generator().manual_seed(seed)
    xs: list[Tensor] = []
    ys: list[Tensor] = []
    keys: list[Tensor] = []
    for x, y in task.batches(part, torch.device(device)):
        xs.append(x)
        ys.append(torch.as_tensor(np.asarray(y)))
        keys.append(torch.rand(len(x), generator=generator))
        if sum(map(len, xs)) > 4 * samples:  # a long stream is thinned on the way
            xs, ys, keys = _smallest(xs, ys, keys, samples)
    xs, ys, keys = _smallest(xs, ys, keys, samples)
    x, y = xs[0], ys[0].to(xs[0].device)
    low, high = _range(task, x)
    return Subset(x, y.long(), low, high)


def _smallest(
    xs: list[Tensor], ys: list[Tensor], keys: list[Tensor], samples: int
) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Those with the smallest keys, as one batch in their old order."""
    x, y, key = torch.cat(xs), torch.cat(ys), torch.cat(keys)
    chosen = key.argsort()[:samples].sort().values
    return [x[chosen.to(x.device)]], [y[chosen]], [key[chosen]]


def _range(task: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    shape = (-1, *(1,) * (x.ndim - 2))
    mean, std = getattr(task, "input_mean", None), getattr(task, "input_std", None)
    if mean is None or std is None or not hasattr(task, "part"):
        others = [axis for axis in range(x.ndim) if axis != 1]
        return x.amin(others).reshape(shape), x.amax(others).reshape(shape)
    raw = task.part("train").x
    bounds = (0.0, 255.0) if raw.dtype == np.uint8 else (float(raw.min()), float(raw.max()))
    low, high = (
        torch.tensor([(bound - m) / s for m, s in zip(mean, std, strict=True)]) for bound in bounds
    )
    return low.reshape(shape).to(x), high.reshape(shape).to(x)
