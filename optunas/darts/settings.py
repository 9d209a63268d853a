"""How a differentiable search runs, as plain data that loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from optunas.darts.numbers import is_number, is_whole
from optunas.errors import InvalidSpecError, UnknownNameError

__all__ = ["HALTS", "ORDERS", "SELECTIONS", "VARIANTS", "SearchSettings"]

VARIANTS = ("darts", "pc_darts", "gdas", "drnas")
ORDERS = (1, 2)
HALTS = ("none", "skips", "eigenvalue")
SELECTIONS = ("argmax", "perturbation")
"""How a finished search is turned into an architecture; no setting of the search itself."""

PAPER_STEPS = 19_550
"""Steps of the paper's search: 50 epochs of 25,000 images in batches of 64."""

ALPHA_LR = 3e-4
"""The paper's, for so many steps."""

HIGHEST_ALPHA_LR = 0.02
"""Where Adam's steps begin to throw the alphas about: a few hundred of them span the softmax."""


@dataclass(frozen=True)
class SearchSettings:
    """The settings of one search; the defaults are those of DARTS (Liu et al. 2019, appendix A.1).

    But for the variant: in five searches of 940 steps on Fashion-MNIST, NAS-Bench-201's space, the
    softmax of DARTS chose cells below the median of random ones, pools on most edges, and DrNAS
    none (``tests/benchmarks/darts_quality.py``).

    Attributes:
        epochs: passes over the training half.
        batch_size: of both halves, at least 2: batch norms need two samples.
        variant: ``drnas``, ``darts``, ``pc_darts`` or ``gdas``.
        order: 1, or 2 for the second-order step of the paper's equation 8.
        channels, num_cells: of the supernet, as for ``optunas.build``; macro spaces bring theirs.
        lr: of the weights' SGD, down to ``lr_min`` along a cosine.
        momentum, weight_decay: of the same.
        alpha_lr: of the alphas' Adam (betas .5 and .999); None scales the paper's 3e-4 with the
            number of steps, see :meth:`rate_of_alphas`.
        alpha_weight_decay: of the same; the weight of the anchor in ``drnas``.
        grad_clip: largest norm of the weights' gradient.
        warmup_epochs: epochs before the alphas begin to move; None is the variant's own share.
        beta_decay: weight of the beta-decay regularisation at the last epoch; it grows linearly
            from 0. 0 leaves it out; the paper's is 50, for 20,000 steps. In a few hundred steps on
            Fashion-MNIST 50 held all weights within .016 of uniform, and 1 let them move.
        partial: PC-DARTS mixes one in so many channels.
        checkpointing: keep only the states of a cell and compute the rest again in the backward
            pass: about a third of the memory for 1.6 times the time, with every variant and order.
            The curvature of ``halt="eigenvalue"`` is a second derivative and is taken without it.
        halt: what ends a search that collapses, and takes it back to before the collapse: ``none``,
            ``skips`` (more than ``halt_skips`` skip connections in the normal cell that would be
            chosen, for ``halt_patience`` epochs in a row) or ``eigenvalue`` (the curvature of the
            validation loss in the alphas has risen by a third over ``halt_patience`` epochs).
        halt_patience: see ``halt``.
        halt_skips: see ``halt``.

    Raises:
        InvalidSpecError: all impossible values at once.
        UnknownNameError: for another variant.
    """

    epochs: int = 50
    batch_size: int = 64
    variant: str = "drnas"
    order: int = 1
    channels: int = 16
    num_cells: int = 8
    lr: float = 0.025
    lr_min: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 3e-4
    alpha_lr: float | None = None
    alpha_weight_decay: float = 1e-3
    grad_clip: float = 5.0
    warmup_epochs: int | None = None
    beta_decay: float = 0.0
    partial: int = 4
    checkpointing: bool = False
    halt: str = "none"
    halt_patience: int = 5  # searches were seen to have more skips for a few epochs and recover
    halt_skips: int = 2  # what P-DARTS leaves in a cell of eight operations

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise UnknownNameError("variant", self.variant, VARIANTS)
        if self.halt not in HALTS:
            raise UnknownNameError("halt", self.halt, HALTS)
        found = self._wrong_values()
        found = found or self._wrong_together()
        if found:
            raise InvalidSpecError("\n".join(found))

    def _wrong_values(self) -> list[str]:
        found = [
            f"{name} must be a whole number from {least} on, got {getattr(self, name)!r}."
            for name, least in _WHOLE.items()
            if not is_whole(getattr(self, name), least)
        ]
        if not is_whole(self.order, 1) or self.order not in ORDERS:
            found.append(f"order must be 1 or 2, got {self.order!r}.")
        if self.warmup_epochs is not None and not is_whole(self.warmup_epochs, 0):
            found.append(
                f"warmup_epochs must be a whole number from 0 on or None, got "
                f"{self.warmup_epochs!r}."
            )
        found += [
            f"{name} must be a number above 0, got {getattr(self, name)!r}."
            for name in ("lr", "grad_clip")
            if not is_number(getattr(self, name)) or getattr(self, name) <= 0
        ]
        found += [
            f"{name} must be a number of at least 0, got {getattr(self, name)!r}."
            for name in ("lr_min", "weight_decay", "alpha_weight_decay", "beta_decay")
            if not is_number(getattr(self, name)) or getattr(self, name) < 0
        ]
        if self.alpha_lr is not None and (not is_number(self.alpha_lr) or self.alpha_lr <= 0):
            found.append(f"alpha_lr must be a number above 0 or None, got {self.alpha_lr!r}.")
        if not is_number(self.momentum) or not 0 <= self.momentum < 1:
            found.append(f"momentum must be a number in [0, 1), got {self.momentum!r}.")
        if not isinstance(self.checkpointing, bool):
            found.append(f"checkpointing must be True or False, got {self.checkpointing!r}.")
        return found

    def _wrong_together(self) -> list[str]:
        """What each value allows, and all of them together do not."""
        found = []
        if self.lr_min > self.lr:
            found.append(f"lr_min must be at most lr={self.lr}, got {self.lr_min}.")
        if self.variant == "gdas" and self.order == 2:
            found.append(
                "order=2 looks one step of the weights ahead, and with gdas that step draws other "
                "operations than the ones looked at; choose order=1, or another variant."
            )
        if self.warmup_epochs is not None and self.warmup_epochs >= self.epochs:
            found.append(
                f"warmup_epochs must be below epochs={self.epochs}, or the alphas never move; got "
                f"{self.warmup_epochs}."
            )
        if self.variant == "pc_darts" and self.channels % self.partial:
            found.append(
                f"pc_darts mixes one in partial={self.partial} channels, so channels must be a "
                f"multiple of it, got {self.channels}."
            )
        return found

    def rate_of_alphas(self, steps: int) -> float:
        """The alphas' learning rate for a search of so many steps.

        Adam moves a parameter by about its rate a step, so 3e-4 over the paper's 19,550 steps can
        carry an alpha by 6; over the few hundred steps of a small data set it stays at its start
        (softmax within .003 of uniform, measured), and the argmax is noise. The rate is scaled to
        the same reach, up to .02.
        """
        if self.alpha_lr is not None:
            return self.alpha_lr
        return min(max(ALPHA_LR * PAPER_STEPS / max(steps, 1), ALPHA_LR), HIGHEST_ALPHA_LR)


_WHOLE = {
    "epochs": 1,
    "batch_size": 2,
    "channels": 1,
    "num_cells": 1,
    "partial": 1,
    "halt_patience": 1,
    "halt_skips": 0,
}
