"""What goes wrong in a user's own operation is told as theirs, in cells and in macros."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import optunas
from optunas import DenseCellSpace, MacroSpace, Operation, Space
from optunas.errors import InvalidSpaceError
from optunas.space import Cost


def same(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    return nn.Conv2d(channels_in, channels_out, 1, stride)


def lacking(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    raise LookupError("no weights here")


class Asserting(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise AssertionError("never")


def asserting(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    return Asserting()


def spaces(operation: Operation) -> list[Space[Any]]:
    return [
        DenseCellSpace((operation, "skip_connect"), num_nodes=2),
        MacroSpace(depth=1, operations=(operation, "identity"), dense_depth=0),
    ]


def first(space: Space[Any]) -> Any:
    """The first member holds the operation."""
    return next(iter(space.enumerate(1)))


@pytest.mark.parametrize("kind", [0, 1], ids=["cell", "macro"])
@pytest.mark.parametrize(
    ("cost", "message"),
    [
        (lambda *_: 17, r"must be a Cost\(params, macs\) of two whole numbers, got 17"),
        (lambda *_: (1.5, 2), r"two whole numbers, got \(1.5, 2\)"),
        (lambda *_: (1, 2, 3), r"two whole numbers, got \(1, 2, 3\)"),
        (lambda *_: 1 // 0, r"cost of operation 'mine' fails with \(.*ZeroDivisionError"),
    ],
)
def test_a_cost_that_is_none(kind: int, cost: Any, message: str) -> None:
    space = spaces(Operation("mine", same, cost))[kind]
    with pytest.raises(InvalidSpaceError, match=message):
        optunas.metrics.params(first(space), (3, 8, 8), 10)


@pytest.mark.parametrize("kind", [0, 1], ids=["cell", "macro"])
def test_a_cost_of_other_whole_numbers_counts(kind: int) -> None:
    def of(cost: Any) -> int:
        space = spaces(Operation("mine", same, cost))[kind]
        return optunas.metrics.params(first(space), (3, 8, 8), 10)

    import numpy as np

    plain = of(lambda *_: Cost(5, 7))
    assert of(lambda *_: (np.int64(5), np.int64(7))) == plain
    assert of(lambda *_: Cost(6, 7)) > plain


@pytest.mark.parametrize("kind", [0, 1], ids=["cell", "macro"])
@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (lacking, "factory of operation 'mine' fails with channels_in=.*LookupError: no weights"),
        (asserting, "'mine' .*fails on an input of .*never"),
    ],
)
def test_a_factory_or_module_that_fails(kind: int, factory: Any, message: str) -> None:
    space = spaces(Operation("mine", factory))[kind]
    with pytest.raises(InvalidSpaceError, match=message):
        optunas.build(first(space), (3, 8, 8), 10)
