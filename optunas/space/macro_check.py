"""What makes a macro architecture a network at all, whatever space it comes from."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from optunas.errors import InvalidArchitectureError, nearest
from optunas.space.macro import Dense, Layer, Macro
from optunas.space.macro_operations import (
    ACTIVATIONS,
    CONVOLUTIONS,
    DENSE_NORMS,
    JOINS,
    MACRO_OPERATIONS,
    NORMS,
    POOLS,
    READOUTS,
)
from optunas.space.operations import Operation

__all__ = ["Faults", "faults", "require_network"]

Faults = dict[str, str]
"""Sentences by place, such as ``layer2.filters``."""

_JOINS = ("sequential", *JOINS)
_PLAIN = frozenset((str, int, float, type(None), tuple, list))


def require_network(macro: Macro) -> None:
    """Refuse a macro that no network can be built from.

    Raises:
        InvalidArchitectureError: naming every problem at once, and where it is.
    """
    found = faults(macro)
    if found:
        raise InvalidArchitectureError("\n".join(found.values()))


def faults(macro: object, known: Collection[str] = (), trust_names: bool = False) -> Faults:
    """All that is wrong with a macro, one sentence a place; empty when it is a network.

    Args:
        macro: anything.
        known: the operations of a space, own ones included; none stand for all built-in ones and
            those that the macro carries.
        trust_names: take an unknown operation for an own one that is not at hand.
    """
    if not isinstance(macro, Macro):
        return {"": f"A macro space holds Macros, got a {type(macro).__name__}."}
    found: Faults = {}
    carried = macro.operations
    if not isinstance(carried, tuple) or not all(isinstance(o, Operation) for o in carried):
        return {"": f"operations must be a tuple of Operations, got {carried!r}."}
    own = {operation.name for operation in carried}
    own.update(name for name in known if name not in MACRO_OPERATIONS)
    names = known or (*MACRO_OPERATIONS, *own)
    for part, kind in (("layers", Layer), ("dense", Dense)):
        listed = getattr(macro, part)
        if not isinstance(listed, tuple) or not all(isinstance(one, kind) for one in listed):
            found[part] = f"{part} must be a tuple of {kind.__name__}s, got {listed!r}."
            continue
        name = "layer" if kind is Layer else "dense"
        lines = [
            text
            for at, one in enumerate(listed, 1)
            if not _PLAIN.issuperset(map(type, vars(one).values()))
            for text in _collections(f"{name}{at}", one)
        ]
        if lines:
            found[part] = "\n".join(lines)
    if found:
        return found
    for number, layer in enumerate(macro.layers, start=1):
        _layer(number, layer, own, names, trust_names, found)
    if not isinstance(macro.readout, str) or macro.readout not in READOUTS:
        found["readout"] = f"readout is {macro.readout!r}{nearest(str(macro.readout), READOUTS)}"
    for number, dense in enumerate(macro.dense, start=1):
        _dense(f"dense{number}", dense, found)
    return found


def _layer(
    number: int,
    layer: Layer,
    own: Collection[str],
    names: Collection[str],
    trust_names: bool,
    found: Faults,
) -> None:
    where, name = f"layer{number}", layer.operation
    if layer.skips or layer.join != "sequential" or layer.skips != ():
        _join(number, layer, found)
    if not isinstance(name, str) or (name not in MACRO_OPERATIONS and name not in own):
        # The form of an own operation: filters and stride, nothing else.
        others = (layer.kernel, layer.activation, layer.norm)
        own_form = layer.filters is not None and others == (None, None, None)
        if not (trust_names and isinstance(name, str) and own_form):
            key = f"{where}.operation"
            found[key] = f"{where}: unknown operation {name!r}{nearest(str(name), names)}"
            return
    convolves = name in CONVOLUTIONS
    if convolves or name not in MACRO_OPERATIONS:
        if not _is_count(layer.filters):
            _tell(found, where, "filters", layer.filters, "a positive integer", name)
        if layer.stride not in (1, 2) or not _is_count(layer.stride):
            _tell(found, where, "stride", layer.stride, "1 or 2", name)
    else:
        if layer.filters is not None:
            _tell(found, where, "filters", layer.filters, "None, for it keeps them", name)
        stride = 2 if name in POOLS else 1
        if layer.stride != stride or not _is_count(layer.stride):
            _tell(found, where, "stride", layer.stride, str(stride), name)
    _window(where, layer, convolves, found)


def _window(where: str, layer: Layer, convolves: bool, found: Faults) -> None:
    name, kernel = layer.operation, layer.kernel
    if convolves:
        if not _is_count(kernel) or kernel % 2 == 0:  # type: ignore[operator]
            _tell(found, where, "kernel", kernel, "an odd positive integer", name)
        for field, options in (("activation", ACTIVATIONS), ("norm", NORMS)):
            value = getattr(layer, field)
            if value not in options:
                text = f"{where}.{field} is {value!r}{nearest(str(value), options)}"
                found[f"{where}.{field}"] = text
        return
    if name in POOLS:
        if not _is_count(kernel) or kernel < 2:  # type: ignore[operator]
            _tell(found, where, "kernel", kernel, "an integer from 2 on", name)
    elif kernel is not None:
        _tell(found, where, "kernel", kernel, "None", name)
    for field in ("activation", "norm"):
        if getattr(layer, field) is not None:
            _tell(found, where, field, getattr(layer, field), "None", name)


def _join(number: int, layer: Layer, found: Faults) -> None:
    where, join, skips = f"layer{number}", layer.join, layer.skips
    if join not in _JOINS:
        found[f"{where}.join"] = f"{where}.join is {join!r}{nearest(str(join), _JOINS)}"
    elif number == 1 and join != "sequential":
        found[f"{where}.join"] = (
            f"layer1.join is {join!r}, but the first layer has nothing but the input to read; "
            "it is 'sequential'."
        )
    if not isinstance(skips, tuple) or not all(_is_count(node, 0) for node in skips):
        found[f"{where}.skips"] = (
            f"{where}.skips must be a tuple of node numbers (0 is the input), got {skips!r}."
        )
        return
    for node in skips:
        if node >= number - 1:
            found[f"{where}.skip{node}"] = _late(number, node)
    if list(skips) != sorted(set(skips)):
        found[f"{where}.skips"] = f"{where}.skips must be ascending and distinct, got {skips!r}."
    if skips and join == "sequential":
        found[f"{where}.skips"] = (
            f"{where} is sequential but has skips from {skips!r}; join them by 'add' or 'concat'."
        )


def _late(number: int, node: int) -> str:
    if node == number - 1:
        return (
            f"layer{number}.skips: node {node} is the previous node, which layer {number} always "
            "reads; leave it out."
        )
    if node == number:
        return f"layer{number}.skips: a skip from layer {number} to itself; take an earlier node."
    return (
        f"layer{number}.skips: a skip from the later layer {node} to layer {number}; "
        f"nodes 0 to {number - 2} can be skipped from."
        if number > 1
        else f"layer1.skips: a skip from the later layer {node}; the first layer has none."
    )


def _collections(where: str, part: Layer | Dense) -> list[str]:
    """Fields that hold a collection which none can be; an array would not even compare."""
    return [
        f"{where}.{name} cannot be {value!r}."
        for name, value in vars(part).items()
        if hasattr(value, "__len__") and not isinstance(value, (str, tuple, list))
    ]


def _dense(where: str, dense: Dense, found: Faults) -> None:
    if not _is_count(dense.units):
        _tell(found, where, "units", dense.units, "a positive integer")
    for field, options in (("activation", ACTIVATIONS), ("norm", DENSE_NORMS)):
        value = getattr(dense, field)
        if value not in options:
            found[f"{where}.{field}"] = (
                f"{where}.{field} is {value!r}{nearest(str(value), options)}"
            )
    share: Any = dense.dropout
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share < 1:
        _tell(found, where, "dropout", share, "a share from 0 to below 1")


def _tell(
    found: Faults, where: str, field: str, value: object, wanted: str, operation: str = ""
) -> None:
    of = f" of a {operation}" if operation else ""
    found[f"{where}.{field}"] = f"{where}.{field}{of} must be {wanted}, got {value!r}."


def _is_count(value: object, low: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low
