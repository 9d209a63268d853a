"""Accuracy under noise, common corruptions and small adversarial changes of the inputs.

Every budget is stated in shares of the range that the data's pixels have, so it means the same on
bytes and on fractions; inputs stay inside that range in the normalised space that the network sees.
"""

from optunas.metrics.robustness.attacks import fgsm, pgd
from optunas.metrics.robustness.budget import RobustnessBudget
from optunas.metrics.robustness.corruptions import CORRUPTIONS, corrupt
from optunas.metrics.robustness.measuring import check_robustness, robust_accuracies
from optunas.metrics.robustness.reporting import RobustnessReport, robustness_report
from optunas.metrics.robustness.subset import Subset, draw_subset

__all__ = [
    "CORRUPTIONS",
    "RobustnessBudget",
    "RobustnessReport",
    "Subset",
    "check_robustness",
    "corrupt",
    "draw_subset",
    "fgsm",
    "pgd",
    "robust_accuracies",
    "robustness_report",
]
