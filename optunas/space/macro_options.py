"""The arguments of a macro space, checked: each function returns the clean value.

What is wrong is told in ``found``, so that all of it comes at once; names that optunas does not
know are raised on their own, with the nearest one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from optunas.errors import UnknownNameError
from optunas.space.macro_operations import MACRO_OPERATIONS
from optunas.space.operations import Operation

__all__ = [
    "Pair",
    "clean_kernels",
    "clean_names",
    "clean_numbers",
    "clean_operations",
    "clean_range",
    "clean_shares",
    "clean_skips",
    "clean_strides",
]

Pair = tuple[int, int]
MOST_LAYERS = 300
"""Far deeper than anybody can train; the parameters of each layer are written down."""


def clean_range(name: str, value: object, found: list[str]) -> Pair:
    """``(lowest, highest)``, 0 or more; one int stands for both."""
    pair: Any = (value, value) if isinstance(value, int) else value
    if (
        not isinstance(pair, Sequence)
        or isinstance(pair, str)
        or len(pair) != 2
        or not all(_is_int(bound) and bound >= 0 for bound in pair)
    ):
        found.append(
            f"{name} is one integer or (lowest, highest), each 0 or more, such as (1, 6); "
            f"got {value!r}."
        )
        return (0, 0)
    low, high = pair
    if max(pair) > MOST_LAYERS:
        found.append(f"{name} is at most {MOST_LAYERS:,}, got {max(pair):,}.")
        return (0, 0)
    if low > high:
        found.append(f"{name} is reversed: got ({low}, {high}), write ({high}, {low}).")
    return (low, high)


def clean_numbers(name: str, values: object, found: list[str], low: int = 1) -> tuple[int, ...]:
    """Distinct integers from ``low`` on."""
    return _listed(
        name,
        values,
        lambda value: _is_int(value) and value >= low,
        "positive integers" if low == 1 else f"integers from {low} on",
        found,
    )


def clean_kernels(name: str, values: object, found: list[str]) -> tuple[int, ...]:
    """Distinct odd positive integers."""
    return _listed(
        name,
        values,
        lambda value: _is_int(value) and value >= 1 and value % 2 == 1,
        "odd positive integers (1, 3, 5, 7, ...)",
        found,
    )


def clean_strides(name: str, values: object, found: list[str]) -> tuple[int, ...]:
    """1, 2 or both."""
    return _listed(name, values, lambda value: _is_int(value) and value in (1, 2), "1 or 2", found)


def clean_shares(name: str, values: object, found: list[str]) -> tuple[float, ...]:
    """Distinct numbers in [0, 1)."""
    shares = _listed(
        name,
        values,
        lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and 0 <= v < 1,
        "shares from 0 to below 1",
        found,
    )
    return tuple(float(share) for share in shares)


def clean_names(
    name: str,
    values: object,
    what: str,
    known: Sequence[str],
    found: list[str],
    may_be_empty: bool = False,
) -> tuple[str, ...]:
    """Distinct names out of ``known``.

    Raises:
        UnknownNameError: for the first that is none of them.
    """
    if may_be_empty and isinstance(values, (tuple, list)) and not values:
        return ()
    names: tuple[str, ...] = _listed(name, values, lambda value: True, "names", found)
    for one in names:
        if not isinstance(one, str) or one not in known:
            raise UnknownNameError(what, one, known)
    return names


def clean_operations(values: object, found: list[str]) -> tuple[str | Operation, ...]:
    """Built-in names and own operations, by distinct names.

    Raises:
        UnknownNameError: for a name that is not built in.
    """
    listed = _listed("operations", values, lambda value: True, "names and Operations", found)
    for one in listed:
        if isinstance(one, Operation):
            if one.name in MACRO_OPERATIONS:
                found.append(
                    f"operations: the name {one.name!r} is a built-in operation's; give your own "
                    "Operation another."
                )
            elif one.factory is None:
                found.append(
                    f"operations: {one.name!r} has no factory; give the Operation "
                    "factory(channels_in, channels_out, stride) -> torch.nn.Module, or take one of "
                    f"{', '.join(MACRO_OPERATIONS)}."
                )
        elif not isinstance(one, str) or one not in MACRO_OPERATIONS:
            raise UnknownNameError("operation", one, MACRO_OPERATIONS)
    names = [one.name for one in listed if isinstance(one, Operation)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice and len(set(listed)) == len(listed):
        found.append(f"operations must have distinct names, got {', '.join(twice)} twice.")
    return listed


def clean_skips(value: object, depth: Pair, found: list[str]) -> bool | tuple[Pair, ...]:
    """True, False, or the allowed (source node, target layer) pairs, by target."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) or not isinstance(value, Iterable):
        found.append(
            "skips is True, False or a list of (source node, target layer) pairs such as "
            f"[(0, 2)]; got {value!r}."
        )
        return False
    pairs: list[Pair] = []
    for pair in value:
        fault = _pair_fault(pair, max(depth))
        if fault:
            found.append(fault)
        else:
            pairs.append((pair[0], pair[1]))
    twice = sorted({pair for pair in pairs if pairs.count(pair) > 1})
    if twice:
        found.append(f"skips must be distinct, got {', '.join(map(str, twice))} twice.")
    return tuple(sorted(pairs, key=lambda pair: (pair[1], pair[0])))


def _pair_fault(pair: Any, deepest: int) -> str | None:
    if (
        isinstance(pair, str)
        or not isinstance(pair, Sequence)
        or len(pair) != 2
        or not all(_is_int(end) for end in pair)
    ):
        return f"skips: each is a pair (source node, target layer), such as (0, 2); got {pair!r}."
    source, target = pair
    if source < 0 or not 1 <= target <= deepest:
        return (
            f"skips: ({source}, {target}) needs a source node from 0 on and a target layer from 1 "
            f"to {deepest}, the highest depth."
        )
    if source == target - 1:
        return (
            f"skips: ({source}, {target}) is the previous node, which layer {target} always reads; "
            "leave it out."
        )
    if source >= target:
        return (
            f"skips: ({source}, {target}) goes backwards, from node {source}, which is not earlier "
            f"than layer {target}; its sources are below {target - 1}."
        )
    return None


def _listed(name: str, values: Any, good: Any, wanted: str, found: list[str]) -> tuple[Any, ...]:
    """``values`` as a tuple; empty where they are not such a list."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        found.append(f"{name} is a list of {wanted}, got {values!r}; write [{values!r}].")
        return ()
    listed = tuple(values)
    if not listed:
        found.append(f"{name} needs at least one value, got an empty list.")
    wrong = [value for value in listed if not good(value)]
    if wrong:
        shown = ", ".join(repr(value) for value in wrong)
        found.append(f"{name} must be {wanted}, got {shown}.")
        return ()
    twice = [value for at, value in enumerate(listed) if value in listed[:at]]
    if twice:
        found.append(f"{name} must be distinct, got {', '.join(map(repr, twice))} twice.")
    return listed


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
