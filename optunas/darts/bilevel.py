"""One step of the bilevel search: alphas on the validation batch, then weights on the training one.

Liu, Simonyan and Yang 2019, algorithm 1 and equations 6 to 8. In the alphas' phase the weights need
no gradient and in the weights' phase the alphas need none; each pass computes only its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from optunas.darts.data import Batch
from optunas.darts.making import Supernet
from optunas.darts.mixing import Mixing
from optunas.darts.settings import SearchSettings
from optunas.darts.supernet import untracked
from optunas.darts.variants.base import Variant

__all__ = ["Bilevel"]

Loss = Callable[[Tensor, Tensor], Tensor]

FINITE_DIFFERENCE = 0.01
"""Length of the step along the gradient in the finite difference (the paper's footnote)."""


class Bilevel:
    """The two optimizers and the step that uses them.

    Args:
        network: the supernet.
        alphas: the variant's leaves, by name.
        variant: makes mixing weights of them.
        loss: ``(outputs, y) -> scalar``.
        settings: see :class:`SearchSettings`.
        steps: in which the alphas move, which their learning rate goes by.
    """

    def __init__(
        self,
        network: Supernet,
        alphas: dict[str, Tensor],
        variant: Variant,
        loss: Loss,
        settings: SearchSettings,
        steps: int,
    ) -> None:
        self.network, self.alphas, self.variant = network, alphas, variant
        self.loss, self.settings = loss, settings
        self.weights: list[Tensor] = list(network.parameters())
        self.weight_optimizer = _sgd(self.weights, settings)
        self.alpha_optimizer = torch.optim.Adam(
            list(alphas.values()),
            lr=settings.rate_of_alphas(steps),
            betas=(0.5, 0.999),
            weight_decay=settings.alpha_weight_decay if variant.alphas_decay else 0.0,
        )

    def step(
        self,
        train: Batch,
        validation: Batch,
        lr: float,
        generator: torch.Generator,
        progress: float = 0.0,
        move_alphas: bool = True,
    ) -> tuple[Tensor, Tensor]:
        """Move the alphas (unless told not to), then the weights; the two losses, detached.

        Args:
            train, validation: batches of the two halves.
            lr: the weights' rate at this step.
            generator: of what the variant draws.
            progress: share of the search that is done.
            move_alphas: False while the weights warm up; the second loss is then NaN.
        """
        held_out = torch.full((), float("nan"))
        for group in self.weight_optimizer.param_groups:
            group["lr"] = lr
        if move_alphas:
            if self.settings.order == 2:
                held_out = self._second_order(train, validation, lr, generator, progress)
            else:
                held_out = self._first_order(validation, generator, progress)
            self.alpha_optimizer.step()
        return self._move_weights(train, generator, progress), held_out

    def _value(self, batch: Batch, mixing: Mixing) -> Tensor:
        return self.loss(self.network(batch[0], mixing), batch[1])

    def _first_order(
        self, validation: Batch, generator: torch.Generator, progress: float
    ) -> Tensor:
        mixing = self.variant.mix(self.alphas, generator, progress)
        leaves = mixing.leaves()
        with _frozen(self.weights):
            value = self._value(validation, leaves)
            self._set_gradients(mixing, _gradients(value, leaves.tensors()), progress)
        return value.detach()

    def _set_gradients(self, mixing: Mixing, gradients: list[Tensor], progress: float) -> None:
        """The alphas' gradients, given those of the mixing weights; the penalty's come on top."""
        leaves = list(self.alphas.values())
        total = torch.autograd.grad(mixing.tensors(), leaves, gradients, allow_unused=True)
        penalty = self.variant.penalty(self.alphas, progress)
        more = [None] * len(leaves) if penalty is None else _gradients(penalty, leaves)
        for leaf, gradient, extra in zip(leaves, total, more, strict=True):
            leaf.grad = torch.zeros_like(leaf) if gradient is None else gradient
            if extra is not None:
                leaf.grad = leaf.grad + extra

    def _second_order(
        self,
        train: Batch,
        validation: Batch,
        lr: float,
        generator: torch.Generator,
        progress: float,
    ) -> Tensor:
        """Equations 7 and 8: the gradient at the weights one step ahead, less a Hessian's product.

        The step ahead is the one that the optimizer would take, momentum and decay included, as in
        the paper's code. Only the pass over the validation batch counts for the statistics of batch
        norms. Everything is done to the mixing weights; the chain rule's last link, from these to
        the alphas, is the same for both terms and comes at the end.
        """
        mixing = self.variant.mix(self.alphas, generator, progress)
        leaves, before = mixing.leaves(), [w.detach().clone() for w in self.weights]
        try:
            with untracked(self.network):
                slope = _gradients(self._value(train, mixing.detached()), self.weights)
            with torch.no_grad():
                torch._foreach_add_(self.weights, self._direction(slope), alpha=-lr)
            value = self._value(validation, leaves)
            found = _gradients(value, [*leaves.tensors(), *self.weights])
            count = len(leaves.tensors())
            product = self._hessian_product(train, before, found[count:], leaves)
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self.weights, before)
        total = [g - lr * h for g, h in zip(found[:count], product, strict=True)]
        self._set_gradients(mixing, total, progress)
        return value.detach()

    def _direction(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """What SGD would subtract: gradient and decay, added to the decayed momentum."""
        s = self.settings
        direction = [g + s.weight_decay * w for g, w in zip(gradients, self.weights, strict=True)]
        for at, weight in enumerate(self.weights):
            buffer = self.weight_optimizer.state[weight].get("momentum_buffer")
            if buffer is not None:
                direction[at] = direction[at] + s.momentum * buffer
        return [d.detach() for d in direction]

    def _hessian_product(
        self, train: Batch, before: list[Tensor], vector: list[Tensor], leaves: Mixing
    ) -> list[Tensor]:
        """Equation 8: ``d2 L_train / d mixing d w`` times the vector, by a central difference."""
        length = torch.stack(torch._foreach_norm(vector)).norm().clamp_min(1e-12)
        size = float(FINITE_DIFFERENCE / length)
        ends = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                torch._foreach_copy_(self.weights, before)
                torch._foreach_add_(self.weights, vector, alpha=sign * size)
            with _frozen(self.weights), untracked(self.network):
                ends.append(_gradients(self._value(train, leaves), leaves.tensors()))
        return [(plus - minus) / (2 * size) for plus, minus in zip(*ends, strict=True)]

    def _move_weights(self, train: Batch, generator: torch.Generator, progress: float) -> Tensor:
        with torch.no_grad():
            mixing = self.variant.mix(self.alphas, generator, progress)
        value = self._value(train, mixing)
        self.weight_optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(self.weights, self.settings.grad_clip, foreach=True)
        self.weight_optimizer.step()
        return value.detach()


def _gradients(value: Tensor, leaves: Sequence[Tensor]) -> list[Tensor]:
    """Zeros where the value does not depend on a leaf: a draw of ``none`` everywhere, say."""
    if not value.requires_grad:
        return [torch.zeros_like(x) for x in leaves]
    found = torch.autograd.grad(value, leaves, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True)]


@contextmanager
def _frozen(weights: Sequence[Tensor]) -> Iterator[None]:
    """While inside, no gradient of the weights is computed, and nothing kept for one."""
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


def _sgd(weights: Sequence[Tensor], settings: SearchSettings) -> torch.optim.SGD:
    optimizer = torch.optim.SGD(
        weights,
        lr=settings.lr,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    if settings.momentum > 0:  # fused SGD breaks where some weights get their first gradient late
        for weight in weights:
            optimizer.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
    return optimizer
