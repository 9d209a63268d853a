"""How a space could be made smaller, and by how much."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from optunas.space import Choice, HyperSpace, JointSpace, Parameter, Space
from optunas.space.conditions import count
from optunas.study.space_report.candidates import as_operation

__all__ = ["Narrowing", "discrete_size", "narrowings", "options", "options_of", "stem"]

LONGEST = 50
"""Characters of an argument that are shown."""

RANGE = 3
"""Options that a range of numbers counts for: low, middle and high are what it takes to see a
single optimum, because neighbours tell of one another; the options of a choice do not."""


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
    """How many values a sampler has to tell apart: none for a fixed one, at most 3 of a range."""
    if parameter.size <= 1:
        return 0
    return int(parameter.size if isinstance(parameter, Choice) else min(parameter.size, RANGE))


def options(space: Space) -> int:
    """The options of all parameters together, conditional ones in full."""
    return _options(space.parameters(), space)


def _options(table: Mapping[str, Parameter], space: Space) -> int:
    """The same for other values of the parameters; what can never count is left out."""
    conditions, total, reached = space.conditions(), 0, set()
    for name, parameter in table.items():
        when = conditions.get(name)
        if when is None or (
            when.parent in reached and any(table[when.parent].contains(v) for v in when.values)
        ):
            reached.add(name)
            total += options_of(parameter)
    return total


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
    """Changes that make the space smaller, those first that leave the fewest options.

    Tried out, not guessed: the size after each is counted.
    Where a space can be made anew from its constructor's arguments, each argument is shortened in
    turn; elsewhere the parameters of one kind lose half of their options, and a single parameter
    is fixed.
    """
    found: dict[str, Narrowing] = {}
    before = discrete_size(space)
    for key, change, size, left in _changes(space):
        if 0 < size < before or (size == before and left < options(space)):
            best = found.get(key)
            narrowing = Narrowing(change, _ratio(before, size), left)
            if best is None or narrowing.factor > best.factor:
                found[key] = narrowing
    return sorted(found.values(), key=lambda n: (n.options, -n.factor))


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
    arguments, before = _arguments(space), discrete_size(space)
    for name, value in arguments.items():
        for change, shorter in _shortened(name, value):
            try:
                other = type(space)(**{**arguments, name: shorter})
                size, left = discrete_size(other), options(other)
            except Exception:  # this argument cannot be shortened so
                continue
            if size < before:
                yield name, change, size, left
                break


def _arguments(space: Space) -> dict[str, Any]:
    """The constructor's arguments that make an equal space; {} where they cannot be read.

    An argument whose attribute is another thing (a method) keeps its default.
    """
    arguments: dict[str, Any] = {}
    for name, parameter in inspect.signature(type(space)).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            return {}
        value = getattr(space, name, None)
        if hasattr(space, name) and not callable(value):
            arguments[name] = value
        elif parameter.default is parameter.empty:
            return {}
    try:
        return arguments if discrete_size(type(space)(**arguments)) == discrete_size(space) else {}
    except Exception:
        return {}


def _shortened(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Ways to shorten an argument, the one to be tried first first: (in words, value)."""
    if isinstance(value, bool):
        if name == "skips":  # what makes deep networks trainable is not given up for size
            return
        yield f"{name}={not value} instead of {value}", not value
    elif isinstance(value, int) and value > 1:
        yield f"{name}={value - 1} instead of {value}", value - 1
    elif name == "share" and value == "none":
        yield "share='stage' instead of 'none'", "stage"
    elif isinstance(value, Space):
        yield from _shortened_space(name, value)
    elif isinstance(value, (tuple, list)) and value:
        yield from _shortened_list(name, value)


def _shortened_list(name: str, value: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    if name == "operations":
        kept = _some_operations(value)
        if len(kept) < len(value):
            yield f"{len(kept)} instead of {len(value)} operations", kept
    elif name.endswith(("depth", "reductions")) and len(value) == 2:
        low, high = value
        yield _said(name, value, (low, (low + high) // 2))
    elif all(isinstance(v, (tuple, list)) for v in value):
        halves = tuple(_half(v) for v in value)
        if len(set(halves)) == 1 and len(set(value)) == 1:
            change, _ = _said(name, value[0], halves[0])
            yield change, halves
        else:
            yield f"half of the options of {name} at each stage", halves
    elif len(value) > 1:
        yield _said(name, value, _half(value))


def _shortened_space(name: str, space: Space) -> Iterator[tuple[str, Any]]:
    """A space that is an argument, with one of its own arguments shortened; the best first."""
    found, arguments = [], _arguments(space)
    for inner, value in arguments.items():
        for change, shorter in _shortened(inner, value):
            try:
                other = type(space)(**{**arguments, inner: shorter})
            except Exception:
                continue
            found.append((discrete_size(other), f"{name}: {change}", other))
    yield from ((change, other) for _, change, other in sorted(found, key=lambda one: one[0]))


def _said(name: str, before: Any, after: Any) -> tuple[str, Any]:
    now, then = str(tuple(after)), str(tuple(before))
    if len(then) > LONGEST:
        return f"{len(after)} instead of {len(before)} options of {name}", after
    return f"{name}={now} instead of {then}", after


def _half(values: Sequence[Any]) -> tuple[Any, ...]:
    """The first half, at least one."""
    return tuple(values[: (len(values) + 1) // 2])


def _some_operations(operations: Sequence[Any]) -> tuple[Any, ...]:
    """Three fifths of the operations, at least three; identity and what has weights stay."""
    known = {at: as_operation(one) for at, one in enumerate(operations)}

    def last(at: int) -> tuple[bool, ...]:
        one = known[at]
        return (True,) if one is None else (not one.identity, one.zero, one.weightless)

    kept = sorted(sorted(known, key=last)[: max(3, round(0.6 * len(operations)))])
    return tuple(operations[at] for at in kept)


def _fewer_values(space: Space) -> Iterator[Change]:
    """Parameters of one kind with half of their options, or a single one fixed."""
    table = space.parameters()
    kinds: dict[tuple[str, str], list[str]] = {}
    for name, parameter in table.items():
        if parameter.size > 1:
            kinds.setdefault((stem(name), parameter.describe()), []).append(name)
    for (kind, _), names in kinds.items():
        first = table[names[0]]
        alone = len(names) == 1
        if first.size == math.inf or first.size < 3 or (alone and not isinstance(first, Choice)):
            new = {name: Choice((table[name].first,)) for name in names}
            change = f"fix {names[0] if alone else kind}"
        elif alone:
            new = {names[0]: Choice(_half(first.values()))}
            change, _ = _said(names[0], first.values(), new[names[0]].values())
        else:
            kept = Choice(_half(first.values()))
            new = dict.fromkeys(names, kept)
            change = f"{kept.size} instead of {first.size} values of {kind}"
        after: dict[str, Parameter] = {**table, **new}
        yield kind, change, _size(after, space), _options(after, space)
