"""Parameters that only count when another one has a certain value: a forest of conditions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any

from optunas.errors import InvalidSpaceError, nearest
from optunas.space.parameters import Choice, Parameter, Scalar

__all__ = ["Condition", "When", "active", "combinations", "count", "group", "linked"]

Table = Mapping[str, Parameter]
Conditions = Mapping[str, "Condition"]


@dataclass(frozen=True)
class Condition:
    """A parameter counts when ``parent`` counts and has one of ``values``.

    Attributes:
        parent: name of a parameter that comes earlier in the space.
        values: of the parent.
    """

    parent: str
    values: tuple[Scalar, ...]


class When:
    """A parameter with its condition: ``When(Float(0.5, 0.99), optimizer="sgd")``.

    Args:
        parameter: what is searched where the condition holds.
        condition: one name and the value (or a tuple of values) that it must have; a mapping for a
            name that is no Python identifier.

    Raises:
        InvalidSpaceError: for another thing than a parameter, or not exactly one name.
    """

    def __init__(
        self, parameter: Parameter, condition: Mapping[str, Any] | None = None, /, **named: Any
    ) -> None:
        if not isinstance(parameter, Parameter):
            raise InvalidSpaceError(f"When: expected a Choice, Int or Float, got {parameter!r}.")
        if condition is not None and not isinstance(condition, Mapping):
            raise InvalidSpaceError(
                "When: the condition is one name and its value, such as optimizer='sgd' or "
                f"{{'optimizer': 'sgd'}}, got {condition!r}."
            )
        given = {**(condition or {}), **named}
        if len(given) != 1:
            raise InvalidSpaceError(
                f"When: give the one parameter that this depends on, such as optimizer='sgd', "
                f"got {given!r}; a chain of conditions goes through that parameter's own."
            )
        ((parent, values),) = given.items()
        listed = values if isinstance(values, (list, tuple)) else (values,)
        self.parameter, self.condition = parameter, Condition(parent, tuple(listed))

    def __repr__(self) -> str:
        return f"When({self.parameter!r}, {{{self.condition.parent!r}: {self.condition.values!r}}})"


def group(
    name: str, alternatives: Mapping[str, Mapping[str, Parameter | When]]
) -> dict[str, Parameter | When]:
    """A choice between alternatives, each with parameters of its own, for a ``HyperSpace``.

    ``group("model", {"svm": {"C": Float(...)}, "knn": {"k": Int(1, 30)}})`` is the choice
    ``model`` of ``svm`` and ``knn``, and the parameters ``svm.C`` and ``knn.k``, which count when
    theirs is chosen. An alternative's own ``When`` refers to names within the alternative.

    Raises:
        InvalidSpaceError: for no alternatives, or one that is no mapping of parameters.
    """
    if not isinstance(name, str) or not name:
        raise InvalidSpaceError(f"group: the name of the choice is a string, got {name!r}.")
    if not isinstance(alternatives, Mapping) or not alternatives:
        raise InvalidSpaceError(
            f"group {name!r}: give at least one alternative with its parameters, such as "
            f"{{'svm': {{'C': Float(0.1, 10.0)}}}}, got {alternatives!r}."
        )
    table: dict[str, Parameter | When] = {name: Choice(tuple(alternatives))}
    for option, parameters in alternatives.items():
        if not isinstance(parameters, Mapping):
            raise InvalidSpaceError(
                f"group {name!r}: the alternative {option!r} needs a mapping of its parameters "
                f"({{}} when it has none), got {parameters!r}."
            )
        for key, given in parameters.items():
            if isinstance(given, When):
                inner = given.condition
                table[f"{option}.{key}"] = When(
                    given.parameter, {f"{option}.{inner.parent}": inner.values}
                )
            else:
                table[f"{option}.{key}"] = When(given, {name: option})
    return table


def linked(table: Table, conditions: Conditions, what: str) -> dict[str, Condition]:
    """The conditions, checked against the table, their values those of the parent.

    Raises:
        InvalidSpaceError: all that is wrong at once: an unknown name, a parent that does not come
            earlier, or a value that it cannot have.
    """
    order = {name: at for at, name in enumerate(table)}
    found, checked = [], {}
    sound: dict[Any, Condition] = {}  # many parameters share a long list of values
    for name, condition in conditions.items():
        key = _key(condition)
        if key in sound and order[sound[key].parent] < order.get(name, -1):
            checked[name] = sound[key]
            continue
        fault = _fault(name, condition, table, order)
        if fault:
            found.append(fault)
            continue
        parent = table[condition.parent]
        values = tuple(parent.cast(value) for value in condition.values)
        checked[name] = Condition(condition.parent, values)
        if key is not None:
            sound[key] = checked[name]
    if found:
        raise InvalidSpaceError("\n".join(f"{what}: {line}" for line in found))
    return checked


def _key(condition: Any) -> Any:
    """Equal for equal conditions, True and 1 apart; None for what is no sound one."""
    values: Any = getattr(condition, "values", None)
    scalars = isinstance(values, tuple) and all(isinstance(v, Scalar) for v in values)
    return (condition.parent, values, tuple(map(type, values))) if scalars else None


def _fault(name: str, condition: Condition, table: Table, order: Mapping[str, int]) -> str | None:
    """What is wrong with one condition."""
    if not isinstance(condition, Condition):
        return f"the condition of {name!r} must be a Condition(parent, values), got {condition!r}."
    parent, values = condition.parent, condition.values
    for known in (name, parent):
        if known not in table:
            return f"condition on an unknown parameter {known!r}{nearest(str(known), table)}"
    if order[parent] >= order[name]:
        return f"{name!r} depends on {parent!r}, which must come before it."
    if isinstance(values, str) or not isinstance(values, (tuple, list)):
        return f"the condition of {name!r} needs a tuple of values of {parent!r}, got {values!r}."
    if not values:
        return f"{name!r} depends on {parent!r}, but on none of its values."
    wrong = [value for value in values if not table[parent].contains(value)]
    if wrong:
        return (
            f"{name!r} depends on {parent!r} being {wrong[0]!r}, but that must be "
            f"{table[parent].describe()}."
        )
    if table[parent].size == math.inf:
        return (
            f"{name!r} depends on {parent!r}, a continuous number, which is never exactly "
            f"{values[0]!r}; give {parent!r} a step, or make it a Choice."
        )
    return None


def active(table: Table, conditions: Conditions, values: Mapping[str, Any]) -> dict[str, None]:
    """The names that count, in the table's order; what ``values`` lacks switches nothing on."""
    names: dict[str, None] = {}
    for name in table:
        condition = conditions.get(name)
        if condition is None or (
            condition.parent in names
            and _holds(condition, table[condition.parent], values.get(condition.parent))
        ):
            names[name] = None
    return names


def _holds(condition: Condition, parent: Parameter, value: Any) -> bool:
    if isinstance(value, (str, Number)) and value in condition.values:
        return True
    # 0.1 + 2 * 0.1 is the 0.3 of a grid.
    return (
        isinstance(value, float)
        and parent.contains(value)
        and (parent.cast(value) in condition.values)
    )


def count(table: Table, conditions: Conditions) -> int | float:
    """How many different settings of the parameters that count there are, exactly."""
    children: dict[str, list[str]] = {}
    for name, condition in conditions.items():
        children.setdefault(condition.parent, []).append(name)
    sizes: dict[str, int | float] = {}
    for name in reversed(list(table)):  # children come after their parents
        parameter = table[name]
        below = children.get(name, [])
        if parameter.size == math.inf or any(sizes[child] == math.inf for child in below):
            sizes[name] = math.inf
        elif not below:
            sizes[name] = parameter.size
        else:
            # A range can be long: what switches nothing on is only counted.
            listed = {v for child in below for v in conditions[child].values}
            listed = {value for value in listed if parameter.contains(value)}
            sizes[name] = (
                int(parameter.size)
                - len(listed)
                + sum(
                    math.prod(int(sizes[c]) for c in below if value in conditions[c].values)
                    for value in listed
                )
            )
    roots = [sizes[name] for name in table if name not in conditions]
    return math.inf if math.inf in roots else math.prod(int(size) for size in roots)


def combinations(table: Table, conditions: Conditions) -> Iterator[dict[str, Any]]:
    """Every setting once, in lexicographic order; what does not count has its first value."""
    names = list(table)
    columns = [parameter.values() for parameter in table.values()]
    if not conditions and sum(map(len, columns)) < 1_000_000:  # product keeps copies of them
        for row in itertools.product(*columns):
            yield dict(zip(names, row, strict=True))
        return
    # An odometer, not a recursion: spaces of a thousand parameters are real.
    picks = [0] * len(names)
    values: dict[str, Any] = {}
    counting: dict[str, bool] = {}

    def start(first: int) -> None:
        for at in range(first, len(names)):
            name, condition = names[at], conditions.get(names[at])
            counting[name] = condition is None or (
                counting[condition.parent] and values[condition.parent] in condition.values
            )
            picks[at] = 0
            values[name] = columns[at][0] if counting[name] else table[name].first

    start(0)
    while True:
        yield dict(values)
        at = len(names) - 1
        while at >= 0 and not (counting[names[at]] and picks[at] + 1 < len(columns[at])):
            at -= 1
        if at < 0:
            return
        picks[at] += 1
        values[names[at]] = columns[at][picks[at]]
        start(at + 1)
