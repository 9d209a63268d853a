"""Spaces and shortcuts that the tests of the space report share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import toy_task

from optunas import (
    Choice,
    Space,
    StudySpec,
)
from optunas.errors import DataError
from optunas.study.space_report import describe_space

FIVE = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


class Tower(NamedTuple):
    """A user's own architecture, with channels a stage."""

    widths: tuple[int, ...]


class Towers(Space[Tower]):
    """Two stages, each of one of the given widths."""

    def __init__(self, first: tuple[int, ...] = (8, 16), second: tuple[int, ...] = (16, 32)):
        self.first, self.second = first, second

    def parameters(self) -> dict[str, Any]:
        return {"first": Choice(self.first), "second": Choice(self.second)}

    def encode(self, architecture: Tower) -> dict[str, Any]:
        return dict(zip(("first", "second"), architecture.widths, strict=True))

    def decode(self, values: Mapping[str, Any]) -> Tower:
        return Tower((values["first"], values["second"]))


class Built(Towers):
    """Towers that build their networks themselves."""

    def build(self, tower: Tower, input_shape: Any, outputs: int, settings: Any) -> Any:
        from torch import nn

        first, second = tower.widths
        size = math.prod(input_shape)
        layers = nn.Linear(size, first), nn.Linear(first, second), nn.Linear(second, outputs)
        return nn.Sequential(nn.Flatten(), *layers)


class Unbuildable(Towers):
    """Towers of which the wide ones break."""

    def build(self, tower: Tower, input_shape: Any, outputs: int, settings: Any) -> Any:
        raise ValueError(f"no room for {tower.widths[0]} channels")


class Cut(Towers):
    """Towers of which one in four is cut, without operations that say so."""

    def is_connected(self, architecture: Tower) -> bool:
        return architecture.widths != (8, 16)


def no_data() -> Any:
    """A task whose data is not there."""
    raise DataError("Fetch the images first.")


def spec(space: Space[Any], **changes: Any) -> StudySpec:
    """A study of the toy task over another space."""
    return toy_task.spec(**({"space": space, "training": {"width": 4}} | changes))


def report(space: Space[Any], sample: int = 100, **changes: Any) -> dict[str, Any]:
    return describe_space(spec(space, **changes), sample)


def levels(body: dict[str, Any]) -> dict[str, str]:
    return {found["code"]: found["level"] for found in body["warnings"]}
