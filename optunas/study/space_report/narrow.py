"""How a space could be made smaller, and by how much."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from optunas.space import Choice, HyperSpace, JointSpace, Operation, Parameter, Space
from optunas.space.conditions import count

__all__ = ["Narrowing", "discrete_size", "narrowings", "options", "options_of", "stem"]

RANGE = 5
"""Options that a range of numbers counts for: neighbours tell of one another, choices do not."""


@dataclass(frozen=True)
class Narrowing:
    """One change that makes a space smaller.

    Attributes:
        change: in words.
        factor: size before over size after, continuous parameters not counted.
        options: of all parameters after it.
    """

    change: str
    factor: float
    options: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def options_of(parameter: Parameter) -> int:
    """How many values a sampler has to tell apart: none for a fixed one, at most 5 of a range."""
    if parameter.size <= 1:
        return 0
    return int(parameter.size if isinstance(parameter, Choice) else min(parameter.size, RANGE))


def options(space: Space) -> int:
    """The options of all parameters together."""
    return sum(options_of(parameter) for parameter in space.parameters().values())


def discrete_size(space: Space) -> int:
    """The number of members, a continuous parameter counting as one value."""
    if space.size != math.inf:
        return int(space.size)
    return _size(space.parameters(), space)


def _size(table: Mapping[str, Parameter], space: Space) -> int:
    fixed = {n: Choice((p.first,)) if p.size == math.inf else p for n, p in table.items()}
    return int(count(fixed, space.conditions()))


def stem(name: str) -> str:
    """A parameter's name with ``*`` for each number: what parameters of one kind share."""
    return re.sub(r"\d+", "*", name)


def narrowings(space: Space) -> list[Narrowing]:
    """Changes that make the space smaller, the most effective first; tried out, not guessed.

    Where a space can be made anew from its constructor's arguments, each argument is shortened in
    turn; elsewhere the parameters of one kind lose half of their options, and a single parameter
    is fixed.
    """
    before, found = discrete_size(space), {}
    for key, change, size, left in _changes(space):
        if 0 < size < before or (size == before and left < options(space)):
            best = found.get(key)
            narrowing = Narrowing(change, _ratio(before, size), left)
            if best is None or narrowing.factor > best.factor:
                found[key] = narrowing
    return sorted(found.values(), key=lambda n: (-n.factor, n.options))


def _ratio(before: int, after: int) -> float:
    """``before / after``, as the largest float beyond it."""
    try:
        return before / after
    except OverflowError:
        return 1.7e308


Change = tuple[str, str, int, int]
"""What is changed, the change in words, and the discrete size and options after it."""


def _changes(space: Space) -> Iterator[Change]:
    if isinstance(space, JointSpace):
        others_size, others_options = discrete_size(space), options(space)
        for name, part in space.spaces.items():
            size, left = discrete_size(part), options(part)
            for key, change, new_size, new_options in _changes(part):
                yield (
                    f"{name}.{key}",
                    f"{name}: {change}",
                    others_size // size * new_size,
                    others_options - left + new_options,
                )
        return
    found = [] if isinstance(space, HyperSpace) else list(_remade(space))
    yield from found or _fewer_values(space)


def _remade(space: Space) -> Iterator[Change]:
    """The space made anew with one argument shortened."""
    arguments: dict[str, Any] = {}
    for name, parameter in inspect.signature(type(space)).parameters.items():
        variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if variable or not hasattr(space, name):
            return
        arguments[name] = getattr(space, name)
    for name, value in arguments.items():
        for change, shorter in _shortened(name, value):
            try:
                other = type(space)(**{**arguments, name: shorter})
                size, left = discrete_size(other), options(other)
            except Exception:  # this argument cannot be shortened so
                continue
            if size < discrete_size(space):
                yield name, change, size, left
                break


def _shortened(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Ways to shorten an argument, the gentlest that are worth it first: (in words, value)."""
    if isinstance(value, bool):
        yield f"{name}={not value} instead of {value}", not value
    elif isinstance(value, int) and value > 1:
        yield f"{name}={value - 1} instead of {value}", value - 1
    elif isinstance(value, Space):
        yield from _shortened_space(name, value)
    elif isinstance(value, (tuple, list)) and len(value) > 1:
        low, high = value[0], value[-1]
        whole = [isinstance(v, int) and not isinstance(v, bool) for v in value]
        if len(value) == 2 and all(whole) and low < high and name.endswith("depth"):
            yield _said(name, value, (low, (low + high) // 2))
        if any(isinstance(v, (tuple, list)) for v in value):
            halves = tuple(_half(v) if isinstance(v, (tuple, list)) else v for v in value)
            yield _said(name, value, halves)
        elif not all(isinstance(v, Operation) for v in value):
            yield _said(name, value, _half(value))
        elif len(value) > 3:  # fewer than three are no choice
            kept = _some_operations(value)
            yield f"{len(kept)} instead of {len(value)} {name}", kept


def _shortened_space(name: str, space: Space) -> Iterator[tuple[str, Any]]:
    """A space that is an argument, with one of its own arguments shortened."""
    for inner in inspect.signature(type(space)).parameters:
        for change, shorter in _shortened(inner, getattr(space, inner, None)):
            arguments = {n: getattr(space, n) for n in inspect.signature(type(space)).parameters}
            yield f"{name}: {change}", type(space)(**{**arguments, inner: shorter})


def _said(name: str, before: Any, after: Any) -> tuple[str, Any]:
    return f"{name}={_brief(after)} instead of {_brief(before)}", after


def _brief(values: Any) -> str:
    text = str(tuple(values)) if isinstance(values, (tuple, list)) else str(values)
    return text if len(text) <= 40 else text[:36].rstrip(", (") + " ..."


def _half(values: Any) -> tuple[Any, ...]:
    """The first half, at least one."""
    return tuple(values[: (len(values) + 1) // 2])


def _some_operations(operations: Any) -> tuple[Operation, ...]:
    """Three fifths of the operations, those with an identity or with weights before the others."""
    order = sorted(operations, key=lambda o: (not o.identity, o.zero, o.weightless))
    kept = order[: max(3, round(0.6 * len(operations)))]
    return tuple(o for o in operations if o in kept)


def _fewer_values(space: Space) -> Iterator[Change]:
    """Parameters of one kind with half of their options, or a single one fixed."""
    table = space.parameters()
    kinds: dict[tuple[str, str], list[str]] = {}
    for name, parameter in table.items():
        if parameter.size > 1:
            kinds.setdefault((stem(name), parameter.describe()), []).append(name)
    for (kind, _), names in kinds.items():
        first = table[names[0]]
        if len(names) == 1 or first.size == math.inf or first.size < 3:
            new = {name: Choice((table[name].first,)) for name in names}
            change = f"fix {names[0] if len(names) == 1 else kind}"
        else:
            kept = Choice(_half(first.values()))
            new = dict.fromkeys(names, kept)
            change = f"{kept.size} instead of {first.size} values of {kind}"
        after: dict[str, Parameter] = {**table, **new}
        left = sum(options_of(parameter) for parameter in after.values())
        yield kind, change, _size(after, space), left
