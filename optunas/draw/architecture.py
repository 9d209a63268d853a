"""Any architecture as an SVG or a PNG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optunas.draw.cell import cells_picture
from optunas.draw.macro import macro_picture
from optunas.draw.picture import Picture, framed
from optunas.draw.raster import svg_to_png
from optunas.draw.stack import stack_picture
from optunas.draw.subnet import subnet_picture
from optunas.draw.table import table_picture
from optunas.errors import InvalidArchitectureError
from optunas.space.cell import Cell, Genotype
from optunas.space.hyper import Hyperparameters
from optunas.space.joint import Joint
from optunas.space.macro import Macro
from optunas.space.stack import Stack
from optunas.space.subnet import Subnet

__all__ = ["can_draw", "parameters_svg", "to_png", "to_svg"]

_NETWORKS = (Cell, Genotype, Macro, Subnet, Stack)
_NAMES = "a Cell, a Genotype, a Macro, a Subnet, a Stack, Hyperparameters or a Joint of these"


def can_draw(architecture: Any) -> bool:
    """Whether :func:`to_svg` knows this kind of architecture."""
    if isinstance(architecture, Joint):
        networks, _, unknown = _taken_apart(architecture)
        return not unknown and len(networks) <= 1
    return isinstance(architecture, (*_NETWORKS, Hyperparameters))


def to_svg(architecture: Any, title: str | None = None) -> str:
    """Draw an architecture as SVG text.

    A cell, or a genotype's normal and reduction cell side by side; a macro network as a row of
    layers with its skip connections as arcs above; a subnet with a row for each stage; a stack with
    a panel for each run of equal cells; a joint member with a table of its hyperparameters; and
    hyperparameters alone as that table. What no signal from the input to the output passes is
    faint. The same architecture always gives the same text.

    Args:
        architecture: what :func:`can_draw` says yes to.
        title: above the drawing; cut when it is too long.

    Raises:
        InvalidArchitectureError: for anything else.
    """
    if not can_draw(architecture):
        raise InvalidArchitectureError(
            f"A drawing shows {_NAMES}, got {_kind(architecture)}; "
            "can_draw(architecture) tells beforehand, parameters_svg draws a table of any values."
        )
    name = type(architecture).__name__.lower()
    return framed(_picture(architecture), title, f"{title or name}: {architecture}")


def to_png(architecture: Any, title: str | None = None, scale: float = 2.0) -> bytes:
    """:func:`to_svg` as PNG bytes, ``scale`` pixels for each unit of the SVG.

    Raises:
        InvalidArchitectureError: for what cannot be drawn.
        InvalidSpecError: for a scale that is not positive, or a picture that would be too large.
    """
    return svg_to_png(to_svg(architecture, title), scale)


def parameters_svg(values: Mapping[str, Any], title: str | None = None) -> str:
    """A table of parameters as SVG text, for an architecture that has no drawing of its own."""
    words = ", ".join(f"{name} = {value}" for name, value in values.items())
    return framed(table_picture(values), title, f"{title or 'parameters'}: {words}")


def _picture(architecture: Any) -> Picture:
    if isinstance(architecture, Cell):
        return cells_picture([("", architecture)])
    if isinstance(architecture, Genotype):
        halves = [("normal cell", architecture.normal), ("reduction cell", architecture.reduce)]
        return cells_picture(halves)
    if isinstance(architecture, Macro):
        return macro_picture(architecture)
    if isinstance(architecture, Subnet):
        return subnet_picture(architecture)
    if isinstance(architecture, Stack):
        return stack_picture(architecture)
    if isinstance(architecture, Hyperparameters):
        return table_picture(architecture)
    networks, values, _ = _taken_apart(architecture)
    if not networks:
        return table_picture(values)
    picture = _picture(networks[0])
    if values:
        picture.below = table_picture(values, picture.width)
    return picture


def _taken_apart(joint: Joint, prefix: str = "") -> tuple[list[Any], dict[str, Any], list[Any]]:
    """The networks of a joint member, its hyperparameters by full name, and what is neither."""
    networks: list[Any] = []
    values: dict[str, Any] = {}
    unknown: list[Any] = []
    for name, part in joint.items():
        if isinstance(part, Joint):
            inner = _taken_apart(part, f"{prefix}{name}.")
            networks += inner[0]
            values |= inner[1]
            unknown += inner[2]
        elif isinstance(part, Hyperparameters):
            values |= {f"{prefix}{name}.{key}": value for key, value in part.items()}
        else:
            (networks if isinstance(part, _NETWORKS) else unknown).append(part)
    return networks, values, unknown


def _kind(architecture: Any) -> str:
    if not isinstance(architecture, Joint):
        return type(architecture).__name__
    networks, _, unknown = _taken_apart(architecture)
    return "a Joint of " + ", ".join(type(part).__name__ for part in [*networks, *unknown])
