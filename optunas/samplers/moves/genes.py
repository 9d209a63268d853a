"""Which parameters belong together, and children made of whole groups of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from optunas.space import JointSpace, Space

__all__ = ["Group", "Level", "crossed", "levels", "mutated"]

Group = tuple[str, ...]
"""Names of parameters that are inherited together."""

Level = tuple[Group, ...]
"""Groups that hold every parameter of a space once, in its order."""

_EDGE = re.compile(r"edge\d+-(\d+)")


def levels(space: Space[Any]) -> tuple[Level, ...]:
    """The ways to take a space apart, from its largest pieces to its smallest.

    They follow from the parameters' names, whose dots say what is part of what; the edges of a cell
    that end in one node belong together:

    - NAS-Bench-201: the nodes, each with the edges that it receives;
    - two-input cells: normal and reduction cell; the nodes, each with its inputs and operations;
    - macro: the layers, with their skips and joins;
    - elastic: the stages; the blocks;
    - a stack: the cells; the nodes of each cell;
    - joint: the parts; then the levels of each part, side by side;
    - hyperparameters, and Optuna's own distributions: each by itself, those of one ``group``
      alternative together.

    What stands alone (a depth, a width) is a group of its own. A level of one group is left out; a
    space without another has each parameter by itself.
    """
    found = [level for level in _raw(space) if len(level) > 1]
    return tuple(dict.fromkeys(found)) or (tuple((name,) for name in space.parameters()),)


def _raw(space: Space[Any]) -> list[Level]:
    if not isinstance(space, JointSpace):
        return _by_name(list(space.parameters()))
    parts = [
        [tuple(tuple(f"{part}.{n}" for n in group) for group in level) for level in levels(one)]
        for part, one in space.spaces.items()
    ]
    whole = tuple(tuple(n for group in part[0] for n in group) for part in parts)
    deepest = max(map(len, parts))
    return [
        whole,
        *(
            tuple(group for part in parts for group in part[min(depth, len(part) - 1)])
            for depth in range(deepest)
        ),
    ]


def _by_name(names: Sequence[str]) -> list[Level]:
    paths = {name: _path(name) for name in names}
    deepest = max(len(path) for path in paths.values())
    found = []
    for depth in range(1, max(deepest, 2)):
        groups: dict[tuple[str, ...], list[str]] = {}
        for name, path in paths.items():
            inner = path[: min(depth, len(path) - 1)] or path
            groups.setdefault(inner, []).append(name)
        found.append(tuple(tuple(group) for group in groups.values()))
    return found


def _path(name: str) -> tuple[str, ...]:
    """The name's components; an edge is a component of the node that it ends at."""
    *outer, last = name.split(".")
    edge = _EDGE.fullmatch(last)
    return (*outer, f"node{edge[1]}", last) if edge else (*outer, last)


def crossed(
    space: Space[Any], a: Any, b: Any, ways: Sequence[Level], rng: np.random.Generator
) -> Any:
    """A child that has whole groups of each parent, of a level drawn at random.

    Each group is ``a``'s or ``b``'s with equal chance, but not all of them one parent's. A
    parameter that counts in the child and in one parent only has that parent's value.
    """
    level = ways[int(rng.integers(len(ways)))]
    from_b = rng.random(len(level)) < 0.5
    if len(level) > 1 and (from_b.all() or not from_b.any()):
        from_b[int(rng.integers(len(level)))] ^= True
    names = {name for group, taken in zip(level, from_b, strict=True) if taken for name in group}
    return space.decode(_mixed(space, space.encode(a), space.encode(b), names))


def _mixed(
    space: Space[Any], a: Mapping[str, Any], b: Mapping[str, Any], from_b: Collection[str]
) -> Mapping[str, Any]:
    if not space.conditions():
        return {name: (b if name in from_b else a)[name] for name in a}
    in_a, in_b = set(space.active(a)), set(space.active(b))
    values = {
        name: (b if name in in_b and (name in from_b or name not in in_a) else a)[name]
        for name in a
    }
    return space.canonical(values)


def mutated(
    space: Space[Any], member: Any, rng: np.random.Generator, rate: float | None = None
) -> Any:
    """A member with changed genes.

    Args:
        space: with more than one member.
        member: of it; stays as it is.
        rng: draws the genes and their new values.
        rate: None changes exactly one gene; else each one that counts changes with this chance,
            and one does in any case.
    """
    if rate is None:
        return space.mutate(member, rng)
    values, table = space.encode(member), space.parameters()
    before = set(space.active(values))
    names = [name for name in table if name in before and table[name].size > 1]
    chosen = rng.random(len(names)) < rate
    chosen[int(rng.integers(len(names)))] = True
    for name, changes in zip(names, chosen.tolist(), strict=True):
        if changes:
            values[name] = table[name].neighbour(values[name], rng)
    fresh = {name: p.sample(rng) for name, p in table.items() if name not in before}
    return space.decode(space.canonical(values | fresh))
