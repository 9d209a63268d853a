"""A trained network's robustness as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from optunas.metrics.robustness.budget import RobustnessBudget
from optunas.metrics.robustness.corruptions import CORRUPTIONS
from optunas.metrics.robustness.measuring import Measured, check_robustness

__all__ = ["RobustnessReport", "robustness_report"]


@dataclass(frozen=True)
class RobustnessReport:
    """Accuracies by what was done to the inputs.

    Attributes:
        rows: (what, at which budget, accuracy), the clean one first.
        samples: on how many.
        part: of which data.
    """

    rows: tuple[tuple[str, str, float], ...]
    samples: int
    part: str

    def __str__(self) -> str:
        """A Markdown table; the last column is what is lost against clean inputs."""
        clean = self.rows[0][2]
        lines = ["| inputs | budget | accuracy | lost |", "|---|---|---:|---:|"]
        for what, budget, accuracy in self.rows:
            lines.append(f"| {what} | {budget} | {accuracy:.3f} | {clean - accuracy:.3f} |")
        return "\n".join([*lines, "", f"{self.samples} samples of the {self.part} data."])


def robustness_report(
    network: nn.Module,
    task: Any,
    budget: RobustnessBudget | None = None,
    part: str = "test",
    device: str = "cpu",
) -> RobustnessReport:
    """Accuracy of a trained network on clean, noisy, corrupted and attacked inputs.

    Of a task of vectors there are the clean and the noisy row alone. Arguments as in
    :func:`optunas.metrics.robust_accuracies`.

    Raises:
        InvalidSpecError: for a task that trains no network, or a regression.
    """
    check_robustness(task, ["accuracy_noise"])
    budget = budget or RobustnessBudget()
    measured = Measured(network, task, budget, part, device)
    images = measured.subset.x.ndim == 4
    with measured.running():
        rows = [("clean", "", measured.clean())]
        share = "of the range" if images else "of each feature's deviation"
        rows.append(("Gaussian noise", f"std {budget.noise_std:g} {share}", measured.noisy()))
        if images:
            for kind in CORRUPTIONS:
                found = [measured.corrupted(kind, severity) for severity in budget.severities]
                told = ", ".join(map(str, budget.severities))
                rows.append((kind, f"mean of severities {told}", sum(found) / len(found)))
            eps = f"eps {budget.eps:.4g} of the range"
            steps = f"{eps}, {budget.steps} steps of {budget.step_size:.4g}"
            rows.append(("FGSM", eps, measured.attacked("fgsm")))
            rows.append(("PGD", steps, measured.attacked("pgd")))
    return RobustnessReport(tuple(rows), len(measured.subset.y), part)
