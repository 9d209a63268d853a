"""The two standard attacks within a box around each input: one step, and many.

Only the inputs get gradients: the network's weights, their ``.grad`` and its mode stay as they are;
put it into evaluation mode first.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["fgsm", "pgd"]

Bound = Tensor | float


def fgsm(network: nn.Module, x: Tensor, y: Tensor, eps: Bound, low: Bound, high: Bound) -> Tensor:
    """One step of ``eps`` along the sign of the loss's gradient (Goodfellow et al. 2015).

    Args:
        network: (N, ...) -> (N, classes).
        x: inputs, left as they are.
        y: (N,) classes.
        eps: the most that a value changes by; a number or a tensor that fits to ``x``.
        low, high: the range that the result keeps, likewise.

    Returns:
        Inputs of ``x``'s shape, none further than ``eps`` from it.
    """
    gradient, _ = _gradient(network, x, y)
    return _inside(x + eps * gradient.sign(), low, high)


def pgd(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    eps: Bound,
    low: Bound,
    high: Bound,
    step_size: Bound,
    steps: int = 10,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Steps along the gradient's sign from a random start, kept in the box (Madry et al. 2018).

    Of each input the point with the largest loss on the way is returned, its own place included.

    Args:
        step_size: of one step; as ``eps``.
        steps: how many.
        generator: of the start, on the CPU; None draws from torch's own.

    The other arguments, and what is returned, are those of :func:`fgsm`.
    """
    noise = 2 * torch.rand(x.shape, generator=generator).to(x) - 1
    at, best = _inside(x + eps * noise, low, high), x.clone()
    with torch.no_grad():
        most = F.cross_entropy(network(x).float(), y, reduction="none")
    for _ in range(steps):
        gradient, loss = _gradient(network, at, y)
        best, most = _worse(best, most, at, loss)
        at = torch.minimum(torch.maximum(at + step_size * gradient.sign(), x - eps), x + eps)
        at = _inside(at, low, high)
    with torch.no_grad():
        loss = F.cross_entropy(network(at).float(), y, reduction="none")
    return _worse(best, most, at, loss)[0]


def _gradient(network: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Of each sample's own loss, and that loss."""
    with torch.enable_grad():
        given = x.detach().clone().requires_grad_(True)
        loss = F.cross_entropy(network(given).float(), y, reduction="none")
        (gradient,) = torch.autograd.grad(loss.sum(), given)
    return gradient, loss.detach()


def _worse(best: Tensor, most: Tensor, at: Tensor, loss: Tensor) -> tuple[Tensor, Tensor]:
    larger = loss > most
    shape = (-1, *(1,) * (at.ndim - 1))
    return torch.where(larger.reshape(shape), at, best), torch.where(larger, loss, most)


def _inside(x: Tensor, low: Bound, high: Bound) -> Tensor:
    low, high = (torch.as_tensor(bound).to(x) for bound in (low, high))
    return torch.minimum(torch.maximum(x, low), high)
