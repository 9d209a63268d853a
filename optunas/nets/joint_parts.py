"""What a network is built from in a member of a joint space."""

from __future__ import annotations

from collections.abc import Iterator

from optunas.errors import InvalidArchitectureError
from optunas.nets.skeleton import Architecture
from optunas.space.hyper import Hyperparameters
from optunas.space.joint import Joint

__all__ = ["unpack"]


def unpack(
    architecture: Architecture | Joint, channels: int | None, num_cells: int | None
) -> tuple[Architecture, int | None, int | None]:
    """The architecture of a joint value, with the width and depth among its hyperparameters.

    What is given goes before what the hyperparameters hold. Anything but a ``Joint`` stays as it
    is.

    Raises:
        InvalidArchitectureError: for a joint value without exactly one architecture.
    """
    if not isinstance(architecture, Joint):
        return architecture, channels, num_cells
    parts = list(_leaves(architecture))
    found = [part for _, part in parts if isinstance(part, Architecture)]
    if len(found) != 1:
        names = ", ".join(repr(name) for name, _ in parts) or "none at all"
        raise InvalidArchitectureError(
            "A network is built from a Joint with exactly one architecture (Cell, Genotype, Stack, "
            f"Macro or Subnet), this one has {len(found)} among its parts {names}; build a part of "
            "it, or what space.parts(value) gives first."
        )
    counts: dict[str, int | None] = {"channels": channels, "num_cells": num_cells}
    for _, part in parts:
        if isinstance(part, Hyperparameters):
            for name in counts:
                if counts[name] is None:
                    counts[name] = part.get(name)  # type: ignore[assignment]
    return found[0], counts["channels"], counts["num_cells"]


def _leaves(joint: Joint) -> Iterator[tuple[str, object]]:
    for name, part in joint.items():
        if isinstance(part, Joint):
            yield from _leaves(part)
        else:
            yield name, part
