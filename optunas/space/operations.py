"""Candidate operations: their names, the layers that they are made of, and so what they cost.

No torch here: an operation's module is made by :mod:`optunas.nets.operations`. Names are those of
NAS-Bench-201 (Dong and Yang 2020) and DARTS (Liu et al. 2019). All convolutions follow the papers'
ReLU-Conv-BN order with affine batch norms and no bias; sizes follow "same" padding, so an output is
``ceil(size / stride)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from optunas.errors import InvalidSpaceError, UnknownNameError
from optunas.space.layers import (
    Tally,
    factorized_reduce,
    relu_conv_norm,
    relu_separable_norm,
)

__all__ = ["LAYERS", "VOCABULARY", "Cost", "Operation", "resolve_operations"]


class Cost(NamedTuple):
    """What one operation costs: trainable parameters, and multiply-accumulates for one image."""

    params: int
    macs: int


CostFunction = Callable[[int, int, int, int, int], Cost]
"""``cost(channels_in, channels_out, stride, height, width)``; the sizes are those of the input."""


@dataclass(frozen=True)
class Operation:
    """One candidate operation.

    Attributes:
        name: used in parameters, strings and JSON; letters, digits and underscores.
        factory: ``factory(channels_in, channels_out, stride) -> torch.nn.Module`` for an own
            operation, a callable importable by name; None for the built-in vocabulary.
        cost: closed-form cost; None means "count it on the built network".
        parameter_free: no weights and no bias at stride 1 with equal channels (pools, skip).
        weightless: no weights at any stride (pools, none).
        zero: always outputs zeros.
        identity: passes its input on unchanged at stride 1 with equal channels.
    """

    name: str
    factory: Callable[[int, int, int], Any] | None = field(default=None, compare=False)
    cost: CostFunction | None = field(default=None, compare=False)
    parameter_free: bool = False
    weightless: bool = False
    zero: bool = False
    identity: bool = False

    def __post_init__(self) -> None:
        name: object = self.name
        if not isinstance(name, str) or not name.replace("_", "").isalnum():
            raise InvalidSpaceError(
                "An operation's name must consist of letters, digits and underscores, "
                f"got {name!r}."
            )
        for role in ("factory", "cost"):
            code = getattr(self, role)
            if code is not None and not callable(code):
                raise InvalidSpaceError(
                    f"Operation {name!r}: {role} must be a function or class, got {code!r}."
                )
        for flag in ("parameter_free", "weightless", "zero", "identity"):
            if not isinstance(getattr(self, flag), bool):
                raise InvalidSpaceError(
                    f"Operation {name!r}: {flag} must be True or False, "
                    f"got {getattr(self, flag)!r}."
                )


Layers = Callable[[Tally, int, int, int], int]
"""``layers(net, x, channels_out, stride)``: tells ``net`` of an operation's layers on tensor x."""


def _skip(net: Tally, x: int, channels: int, stride: int) -> int:
    """Identity where shapes allow, else a factorized reduction or a 1x1 convolution."""
    if stride == 2:
        return factorized_reduce(net, x, channels)
    return x if net.shapes[x][0] == channels else relu_conv_norm(net, x, channels)


def _separable(net: Tally, x: int, channels: int, stride: int, kernel: int) -> int:
    """Depthwise-pointwise twice, the stride in the first (DARTS)."""
    x = relu_separable_norm(net, x, net.shapes[x][0], stride, kernel)
    return relu_separable_norm(net, x, channels, 1, kernel)


def _none(net: Tally, x: int, channels: int, stride: int) -> int:
    _, height, width = net.shapes[x]
    return net.zeros((channels, -(-height // stride), -(-width // stride)))


def _pool(net: Tally, x: int, channels: int, stride: int, kind: str) -> int:
    return net.pool(x, kind, stride)


LAYERS: dict[str, Layers] = {
    "none": _none,
    "skip_connect": _skip,
    "nor_conv_1x1": partial(relu_conv_norm, kernel=1),
    "nor_conv_3x3": partial(relu_conv_norm, kernel=3),
    "nor_conv_5x5": partial(relu_conv_norm, kernel=5),
    "sep_conv_3x3": partial(_separable, kernel=3),
    "sep_conv_5x5": partial(_separable, kernel=5),
    "dil_conv_3x3": partial(relu_separable_norm, kernel=3),
    "dil_conv_5x5": partial(relu_separable_norm, kernel=5),
    "max_pool_3x3": partial(_pool, kind="max"),
    "avg_pool_3x3": partial(_pool, kind="avg"),
}
"""What the built-in operations are made of."""


def _cost(name: str, c_in: int, c_out: int, stride: int, height: int, width: int) -> Cost:
    net = Tally((c_in, height, width))
    LAYERS[name](net, 0, c_out, stride)
    return Cost(net.params, net.macs)


_WEIGHTLESS = ("none", "max_pool_3x3", "avg_pool_3x3")

VOCABULARY: dict[str, Operation] = {
    name: Operation(
        name,
        cost=partial(_cost, name),
        parameter_free=name in (*_WEIGHTLESS, "skip_connect"),
        weightless=name in _WEIGHTLESS,
        zero=name == "none",
        identity=name == "skip_connect",
    )
    for name in LAYERS
}
"""The built-in operations by name."""


def resolve_operations(operations: Iterable[str | Operation]) -> tuple[Operation, ...]:
    """Return the operations of a space, names looked up in :data:`VOCABULARY`.

    Raises:
        InvalidSpaceError: when the list is empty, a text, or has a name twice.
        UnknownNameError: for a name outside the vocabulary, with the nearest known one.
    """
    if isinstance(operations, str):
        raise InvalidSpaceError(
            f"The operations of a space are a list of names, got the text {operations!r}; "
            f"write [{operations!r}]."
        )
    if not isinstance(operations, Iterable):
        raise InvalidSpaceError(
            f"The operations of a space are a list of names and Operations, got {operations!r}."
        )
    resolved = []
    for operation in operations:
        if isinstance(operation, Operation):
            resolved.append(operation)
        elif isinstance(operation, str) and operation in VOCABULARY:
            resolved.append(VOCABULARY[operation])
        else:
            raise UnknownNameError("operation", operation, VOCABULARY)
    names = [operation.name for operation in resolved]
    if not names:
        raise InvalidSpaceError(
            "A space needs at least one operation, got an empty list; "
            f"the vocabulary is {', '.join(VOCABULARY)}."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidSpaceError(f"Operations must be distinct, got {', '.join(twice)} twice.")
    return tuple(resolved)
