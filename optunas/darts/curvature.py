"""The largest curvature of the validation loss in the alphas (Zela et al. 2020, section 4.1).

The Hessian is that of all alphas of the operations together, at the mixing without draws. Its
products with vectors are second backward passes, in float64: the same in float32 were up to half
off. (Central differences of gradients measure something else: between two points a ReLU's kink
counts, and on small networks the result hung on the step, from -2.4 to .2.) Lanczos's method finds
the extreme eigenvalues from as many products as a power iteration needs for a rough one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

import torch
from torch import Tensor

from optunas.darts.data import Batch
from optunas.darts.making import Supernet
from optunas.darts.supernet import untracked
from optunas.darts.variants.base import Alphas, Variant

__all__ = ["dominant", "lanczos"]


def dominant(
    network: Supernet,
    alphas: Alphas,
    variant: Variant,
    loss: Callable[[Tensor, Tensor], Tensor],
    batch: Batch,
    seed: int = 0,
    products: int = 10,
) -> float:
    """The eigenvalue of largest size of the Hessian of the loss in the alphas, with its sign.

    Args:
        network: not changed; a copy in float64 is judged.
        alphas: the variant's leaves, not changed.
        variant: makes the mixing of them.
        loss: ``(outputs, y) -> scalar``.
        batch: of the validation half.
        seed: of the first vector.
        products: most Hessian-vector products.
    """
    wide = deepcopy(network).double().train().requires_grad_(False)
    wide.checkpoint = False
    leaves = {name: alpha.detach().double() for name, alpha in alphas.items()}
    moved = [leaf.requires_grad_() for leaf in leaves.values() if leaf.dim() == 2]
    with untracked(wide):
        value = loss(wide(batch[0].double(), variant.settled(leaves)), batch[1])
    # A small network may have cells of one kind only: the other's alphas then do not count.
    slope = _flat(torch.autograd.grad(value, moved, create_graph=True, allow_unused=True), moved)

    def product(vector: Tensor) -> Tensor:
        parts = torch.autograd.grad(slope, moved, vector, retain_graph=True, allow_unused=True)
        return _flat(parts, moved)

    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(len(slope), generator=generator, dtype=torch.float64).to(slope.device)
    return lanczos(product, start, min(products, len(slope)))


def _flat(parts: Sequence[Tensor | None], like: Sequence[Tensor]) -> Tensor:
    both = zip(parts, like, strict=True)
    return torch.cat([(torch.zeros_like(x) if p is None else p).flatten() for p, x in both])


def lanczos(product: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> float:
    """The eigenvalue of largest size of a symmetric matrix, given by its products with vectors.

    Exact after as many steps as the matrix has rows; every vector is made orthogonal to all others
    anew, so that rounding adds no copies of an eigenvalue.
    """
    basis, diagonal, beside = [start / start.norm()], [], []
    for step in range(steps):
        image = product(basis[-1])
        diagonal.append(float(image @ basis[-1]))
        known = torch.stack(basis)
        for _ in range(2):
            image = image - known.T @ (known @ image)
        length = float(image.norm())
        if step == steps - 1 or length <= 1e-10 * max(map(abs, diagonal), default=0.0) + 1e-300:
            break
        beside.append(length)
        basis.append(image / length)
    small = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    for at, value in enumerate(beside[: len(diagonal) - 1]):
        small[at, at + 1] = small[at + 1, at] = value
    values = torch.linalg.eigvalsh(small)
    return float(values[values.abs().argmax()])
