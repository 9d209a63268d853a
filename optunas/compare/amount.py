"""What every run of a comparison may spend: one amount, in one unit."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.study import Budget

__all__ = ["AXES", "Amount", "amount"]

AXES = {
    "trials": "trials",
    "networks": "distinct networks trained",
    "epochs": "epochs",
    "seconds": "seconds of training",
}
"""Costs that results are shown against, in words."""

_HOURS = {"h": 1.0, "hours": 1.0, "min": 60.0, "minutes": 60.0, "s": 3600.0, "seconds": 3600.0}
_UNITS = ("trials", "epochs", *_HOURS)
_EXAMPLES = "'100trials', '500epochs' or '2h' (hours of training; recorded ones for tables)"


@dataclass(frozen=True)
class Amount:
    """A budget with a single limit.

    Attributes:
        axis: of :data:`AXES`: ``trials``, ``epochs`` or ``seconds``.
        limit: in the axis's unit.
    """

    axis: str
    limit: float

    @property
    def budget(self) -> Budget:
        """The same as a study's budget."""
        if self.axis == "seconds":
            return Budget(trials=None, device_hours=self.limit / 3600)
        count = int(self.limit)
        return Budget(trials=count) if self.axis == "trials" else Budget(None, epochs=count)

    def __str__(self) -> str:
        if self.axis != "seconds":
            return f"{self.limit:g} {self.axis}"
        if self.limit < 3600:
            return f"{self.limit:g} seconds of training"
        return f"{self.limit / 3600:g} hours of training"


def amount(given: str | int | Budget | None) -> Amount:
    """Read a budget: ``"100trials"``, ``100``, ``"500epochs"``, ``"2h"``, ``"90min"``, ``"30s"``.

    A ``Budget`` has exactly one limit, of trials, epochs or device hours.

    Raises:
        InvalidSpecError: for anything else; wall time and patience are no equal budgets.

    >>> amount("2h")
    Amount(axis='seconds', limit=7200.0)
    """
    if given is None:
        raise InvalidSpecError(
            f"A comparison needs a budget for every run, for instance --budget {_EXAMPLES}."
        )
    if isinstance(given, Budget):
        return _single(given)
    if isinstance(given, bool) or not isinstance(given, (str, int)):
        raise InvalidSpecError(f"The budget must be {_EXAMPLES}, got {given!r}.")
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*", str(given))
    if not found:
        raise InvalidSpecError(f"The budget must be {_EXAMPLES}, got {given!r}.")
    number, unit = float(found[1]), found[2].lower() or "trials"
    if unit in ("trial", "epoch", "hour", "minute", "second"):
        unit += "s"
    if unit not in _UNITS:
        raise UnknownNameError("unit of the budget:", unit, _UNITS)
    if number <= 0:
        raise InvalidSpecError(f"The budget must be positive, got {given!r}.")
    if unit in _HOURS:
        return Amount("seconds", number * 3600 / _HOURS[unit])
    if number != int(number):
        raise InvalidSpecError(f"The budget must be a whole number of {unit}, got {given!r}.")
    return Amount(unit, number)


def _single(budget: Budget) -> Amount:
    limits = {name: value for name, value in asdict(budget).items() if value is not None}
    if len(limits) != 1 or not limits.keys() & {"trials", "epochs", "device_hours"}:
        raise InvalidSpecError(
            "Every run of a comparison spends the same: give one limit of trials, epochs or "
            f"device_hours, got {', '.join(f'{k}={v:g}' for k, v in limits.items())}."
        )
    ((name, value),) = limits.items()
    if name == "device_hours":
        return Amount("seconds", value * 3600)
    return Amount(name, float(value))
