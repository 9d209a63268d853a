"""How much an input may be changed, and on how many samples that is tried."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

from optunas.errors import InvalidSpecError

__all__ = ["RobustnessBudget"]


@dataclass(frozen=True)
class RobustnessBudget:
    """The budgets of the robustness metrics; shares are of the range of the data's pixels.

    Attributes:
        noise_std: of Gaussian noise; for vectors, a share of each feature's own deviation.
        eps: the most that FGSM and PGD change a pixel by; 8/255 is usual for small colour images
            (Madry et al. 2018).
        steps: of PGD.
        step_size: of one step of PGD, a quarter of ``eps`` by default.
        severities: of each corruption, any of 1 to 5; the accuracy is their mean.
        samples: drawn from the data without replacement.
        seed: of the draw, of noise and of PGD's start.

    Raises:
        InvalidSpecError: naming all that cannot be, one a line.
    """

    noise_std: float = 0.1
    eps: float = 8 / 255
    steps: int = 10
    step_size: float = 2 / 255
    severities: tuple[int, ...] = (1, 2, 3, 4, 5)
    samples: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        faults = []
        for name in ("noise_std", "eps", "step_size"):
            value = getattr(self, name)
            number = isinstance(value, Real) and not isinstance(value, bool)
            if not number or not 0 <= value < math.inf:
                faults.append(f"{name} must be a finite number from 0 on, got {value!r}.")
        for name, low in (("steps", 1), ("samples", 1), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                faults.append(f"{name} must be a whole number from {low} on, got {value!r}.")
        given = self.severities if isinstance(self.severities, (tuple, list)) else ()
        if not given or any(one not in (1, 2, 3, 4, 5) for one in given):
            faults.append(f"severities must be some of 1 to 5, got {self.severities!r}.")
        if faults:
            raise InvalidSpecError("\n".join(faults))
