"""``trainability``: whether gradients pass each block neither shrunk nor blown up.

    mean over neighbouring blocks of 2 - s - 1 / (s + 1e-6)

0 at s = 1, its best. s is the largest singular value of the estimated Jacobian of a block, E[g_in
g_out^T] with random signs g_out sent backwards; where the block changes the resolution, the pixels
of the finer one that belong to a pixel of the coarser one count as channels. A block that hands its
input on untouched scores -inf, as in the authors' code; blocks in parallel are
left out. Lee and Ham 2024, "AZ-NAS" (arXiv:2403.19232), section 3.1. See ``blocks``.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.blocks import as_maps, block_features

__all__ = ["score"]


def score(network: nn.Module, batch: Batch) -> float:
    """More is better; ``network`` is a private copy."""
    features, draw = block_features(network, batch, least=2), batch.generator()
    found = [_of_block(before, after, draw) for before, after in pairwise(features)]
    values = [value for value in found if value is not None]
    return sum(values) / len(values) if values else -math.inf


def _of_block(before: Tensor, after: Tensor, draw: torch.Generator) -> float | None:
    """Of the block that makes ``after`` of ``before``, both (N, C, ...); None beside each other.

    ``after`` may depend on earlier blocks alone, where layers stand in parallel.
    """
    signs = (2 * torch.randint(2, after.shape, generator=draw) - 1).to(after)
    if not after.requires_grad or not before.requires_grad:
        return None
    (grad,) = torch.autograd.grad(after, before, signs, retain_graph=True, allow_unused=True)
    if grad is None:
        return None
    if not bool(grad.isfinite().all()):
        return math.nan
    if grad.shape == signs.shape and torch.equal(grad, signs):
        return -math.inf
    inward, outward = _aligned(as_maps(grad), as_maps(signs))  # (N, C_in, H, W), (N, C_out, H, W)
    inward, outward = (g.double().movedim(1, -1).flatten(0, -2) for g in (inward, outward))
    jacobian = inward.T @ outward / len(outward)  # (C_in, C_out)
    tall = jacobian if jacobian.shape[0] >= jacobian.shape[1] else jacobian.T
    largest = math.sqrt(max(float(torch.linalg.eigvalsh(tall.T @ tall)[-1]), 0.0))
    return 2 - largest - 1 / (largest + 1e-6)


def _aligned(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both at the coarser of the two resolutions, finer pixels as channels."""
    for axis in (2, 3):
        if a.shape[axis] > b.shape[axis]:
            a = _folded(a, axis, b.shape[axis])
        elif b.shape[axis] > a.shape[axis]:
            b = _folded(b, axis, a.shape[axis])
    return a, b


def _folded(x: Tensor, axis: int, size: int) -> Tensor:
    """``x`` with ``size`` pixels along ``axis``; zeros fill up or the last ones are cut off."""
    factor = max(1, round(x.shape[axis] / size))
    missing = size * factor - x.shape[axis]
    x = F.pad(x, (0, missing) if axis == 3 else (0, 0, 0, missing))
    x = x.unflatten(axis, (size, factor)).movedim(axis + 1, 2)  # (N, C, factor, H, W)
    return x.flatten(1, 2)
