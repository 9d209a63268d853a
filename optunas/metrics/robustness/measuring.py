"""The robustness metrics of a trained network on a task's data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.measures import ROBUSTNESS
from optunas.metrics.counting import in_mode
from optunas.metrics.robustness.attacks import fgsm, pgd
from optunas.metrics.robustness.budget import RobustnessBudget
from optunas.metrics.robustness.corruptions import CORRUPTIONS, corrupt
from optunas.metrics.robustness.subset import draw_subset
from optunas.train import resolve_device

__all__ = ["Measured", "check_robustness", "robust_accuracies"]

PIXELS_AT_ONCE = 1 << 18
SMALL_IMAGE = 16 * 16
"""Pixels of an image for which a second thread costs more than it brings."""


def robust_accuracies(
    network: nn.Module,
    task: Any,
    names: Sequence[str] = ROBUSTNESS,
    budget: RobustnessBudget | None = None,
    part: str = "validation",
    device: str = "cpu",
) -> dict[str, float]:
    """The wanted robustness metrics, by name; shares of samples that are classified right.

    - ``accuracy_noise``: under Gaussian noise of ``budget.noise_std``.
    - ``accuracy_corrupted``: the mean over all of ``CORRUPTIONS`` and the budget's severities.
    - ``accuracy_fgsm``, ``accuracy_pgd``: under the attacks, within ``budget.eps``.

    The network moves to ``device``; its modes and weights stay as they are. Equal budgets give
    equal numbers.

    Args:
        network: trained on the task.
        task: a classification of images; for ``accuracy_noise`` of vectors too.
        names: some of ``ROBUSTNESS``.
        budget: None for the default one.
        part: ``validation`` or ``test``.
        device: ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        UnknownNameError: for another name.
        InvalidSpecError: for a task that cannot be asked this.
        DeviceError: when the device is not there.
    """
    check_robustness(task, names)
    measured = Measured(network, task, budget or RobustnessBudget(), part, device)
    with measured.running():
        return {name: measured.value(name) for name in names}


def check_robustness(task: Any, names: Sequence[str]) -> None:
    """Refuse what the task cannot be asked, before any training.

    Raises:
        UnknownNameError: for a name that is no robustness metric.
        InvalidSpecError: for a task without classes, batches or images.
    """
    for name in names:
        if name not in ROBUSTNESS:
            raise UnknownNameError("robustness metric", name, ROBUSTNESS)
    if not names:
        return
    told, shape = ", ".join(names), getattr(task, "input_shape", None)
    if shape is None or not hasattr(task, "batches"):
        raise InvalidSpecError(
            f"{told}: the task {task.name!r} trains no network whose inputs could be changed; "
            "robustness is of tasks that train networks on images."
        )
    if getattr(task, "kind", "classification") != "classification":
        raise InvalidSpecError(
            f"{told}: the task {task.name!r} is a regression, and robustness is the share of "
            "samples that are still classified right; it has none."
        )
    wrong = [name for name in names if name != "accuracy_noise" and len(shape) != 3]
    if wrong:
        raise InvalidSpecError(
            f"{', '.join(wrong)}: the inputs of {task.name!r} are vectors of {shape[0]} features, "
            "and the budgets are shares of a pixel's range; only accuracy_noise is of vectors too."
        )


class Measured:
    """One network, one subset, one budget."""

    def __init__(
        self, network: nn.Module, task: Any, budget: RobustnessBudget, part: str, device: str
    ) -> None:
        self.network, self.budget = network.to(resolve_device(device)), budget
        self.subset = draw_subset(task, part, budget.samples, budget.seed, device)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Evaluation mode, and one thread for small images; as before afterwards."""
        threads = torch.get_num_threads()
        small = self.subset.x[0].numel() / len(self.subset.x[0]) <= SMALL_IMAGE
        if small and self.subset.x.device.type == "cpu":
            torch.set_num_threads(1)
        try:
            with in_mode(self.network, False):
                yield
        finally:
            torch.set_num_threads(threads)

    def value(self, name: str) -> float:
        """One of ``ROBUSTNESS``."""
        if name == "accuracy_noise":
            return self.noisy()
        if name == "accuracy_corrupted":
            severities = self.budget.severities
            found = [self.corrupted(kind, s) for kind in CORRUPTIONS for s in severities]
            return sum(found) / len(found)
        return self.attacked(name.removeprefix("accuracy_"))

    def clean(self) -> float:
        """Accuracy on the inputs as they are."""
        return self._accuracy(lambda x, y, generator: x)

    def noisy(self) -> float:
        """Accuracy under Gaussian noise; images are clipped to their range, vectors are not."""
        subset, std = self.subset, self.budget.noise_std

        def add(x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
            noise = std * torch.randn(x.shape, generator=generator).to(x)
            if x.ndim == 2:
                return x + noise
            return (x + subset.span * noise).clamp(min=subset.low, max=subset.high)

        return self._accuracy(add)

    def corrupted(self, kind: str, severity: int) -> float:
        """Accuracy under one corruption."""
        low, span = self.subset.low, self.subset.span.clamp(min=1e-12)
        return self._accuracy(
            lambda x, y, generator: (
                low + span * corrupt(((x - low) / span).clamp(0, 1), kind, severity, generator)
            )
        )

    def attacked(self, how: str) -> float:
        """Accuracy under ``fgsm`` or ``pgd``."""
        subset, budget = self.subset, self.budget
        eps, size = budget.eps * subset.span, budget.step_size * subset.span
        box = (eps, subset.low, subset.high)

        def attack(x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
            if how == "fgsm":
                return fgsm(self.network, x, y, *box)
            return pgd(self.network, x, y, *box, size, budget.steps, generator)

        return self._accuracy(attack)

    def _accuracy(self, change: Callable[[Tensor, Tensor, torch.Generator], Tensor]) -> float:
        subset = self.subset
        # Seeded anew: a value does not depend on what was measured before it.
        generator = torch.Generator().manual_seed(self.budget.seed)
        pixels = max(1, subset.x[0].numel() // len(subset.x[0]))
        size = min(max(PIXELS_AT_ONCE // pixels, 16), 1024)
        right = 0
        for x, y in zip(subset.x.split(size), subset.y.split(size), strict=True):
            changed = change(x, y, generator)
            with torch.no_grad():
                right += int((self.network(changed).argmax(dim=1) == y).sum())
        return right / len(subset.y)
