"""Candidate operations: their names, what they compute with, and their cost in closed form.

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

__all__ = ["VOCABULARY", "Cost", "Operation", "resolve_operations"]


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


def _out(size: int, stride: int) -> int:
    return -(-size // stride)


def _conv(kernel: int, c_in: int, c_out: int, stride: int, height: int, width: int) -> Cost:
    """ReLU, convolution, BN."""
    weights = kernel * kernel * c_in * c_out
    return Cost(weights + 2 * c_out, weights * _out(height, stride) * _out(width, stride))


def _separable(kernel: int, c_in: int, c_out: int, stride: int, height: int, width: int) -> Cost:
    """ReLU, depthwise (strided), pointwise, BN; then the same again at stride 1 (DARTS)."""
    first = kernel * kernel * c_in + c_in * c_in
    second = kernel * kernel * c_in + c_in * c_out
    area = _out(height, stride) * _out(width, stride)
    return Cost(first + second + 2 * c_in + 2 * c_out, (first + second) * area)


def _dilated(kernel: int, c_in: int, c_out: int, stride: int, height: int, width: int) -> Cost:
    """ReLU, dilated depthwise, pointwise, BN (DARTS)."""
    weights = kernel * kernel * c_in + c_in * c_out
    area = _out(height, stride) * _out(width, stride)
    return Cost(weights + 2 * c_out, weights * area)


def _skip(c_in: int, c_out: int, stride: int, height: int, width: int) -> Cost:
    """Identity, or a factorized reduction: two strided 1x1 halves and one batch norm."""
    if stride == 1 and c_in == c_out:
        return Cost(0, 0)
    return Cost(c_in * c_out + 2 * c_out, c_in * c_out * _out(height, stride) * _out(width, stride))


def _free(c_in: int, c_out: int, stride: int, height: int, width: int) -> Cost:
    return Cost(0, 0)


VOCABULARY: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("none", None, _free, True, True, zero=True),
        Operation("skip_connect", None, _skip, parameter_free=True, identity=True),
        Operation("nor_conv_1x1", None, partial(_conv, 1)),
        Operation("nor_conv_3x3", None, partial(_conv, 3)),
        Operation("nor_conv_5x5", None, partial(_conv, 5)),
        Operation("sep_conv_3x3", None, partial(_separable, 3)),
        Operation("sep_conv_5x5", None, partial(_separable, 5)),
        Operation("dil_conv_3x3", None, partial(_dilated, 3)),
        Operation("dil_conv_5x5", None, partial(_dilated, 5)),
        Operation("max_pool_3x3", None, _free, True, True),
        Operation("avg_pool_3x3", None, _free, True, True),
    )
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
