"""Macro spaces whose skeleton is fixed: only the operation of each layer is left to choose.

A search by gradient mixes all candidates of a layer, so that they must all give the same shape. The
candidates are the operations with their windows, activations and norms: ``conv`` with ``kernels=(3,
5)`` is two of them. No torch here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space.macro import Dense, Layer, Macro
from optunas.space.macro_operations import CONVOLUTIONS, POOLS
from optunas.space.macro_space import MacroSpace
from optunas.space.operations import Operation

__all__ = ["Candidate", "MacroSkeleton", "candidate_names", "macro_skeleton"]

KEEPERS = ("identity", "zero")
"""Operations that keep both the channels and the resolution of what they read."""


class Candidate(NamedTuple):
    """What can stand in a layer: its name and properties, and the layer itself."""

    operation: Operation
    layer: Layer


@dataclass(frozen=True)
class MacroSkeleton:
    """A macro space in which nothing but the layers' operations is free.

    Attributes:
        space: that it is of.
        candidates: of every layer.
        closed: (layers, candidates) booleans: where a candidate would change the layer's width. The
            first layer reads the input's channels, which pools, identity and zero keep; where other
            candidates have filters, they do not stand there.
    """

    space: MacroSpace
    candidates: tuple[Candidate, ...]
    closed: np.ndarray

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.closed)

    def choosable(self) -> np.ndarray:
        """(layers, candidates): what a search may end with; a zero would cut the network."""
        zeros = np.array([candidate.operation.zero for candidate in self.candidates])
        return ~self.closed & ~zeros

    def macro(self, columns: Sequence[int]) -> Macro:
        """The member with these candidates, one a layer."""
        space = self.space
        own = tuple(o for o in space.operations if isinstance(o, Operation))
        layers = tuple(self.candidates[column].layer for column in columns)
        fields = (space.units, space.dense_activations, space.dense_norms, space.dropouts)
        dense = Dense(*(options[0] for options in fields))  # type: ignore[arg-type]
        return Macro(layers, (dense,) * space.dense_depth[0], space.readouts[0], own)

    def columns(self, macro: Macro) -> list[int]:
        """The candidates of a member, one a layer.

        Raises:
            InvalidArchitectureError: for a member that the supernet does not hold.
        """
        known = {candidate.layer: at for at, candidate in enumerate(self.candidates)}
        found = [known.get(layer, -1) for layer in macro.layers]
        if any(at < 0 or self.closed[row, at] for row, at in enumerate(found)):
            raise InvalidArchitectureError(
                f"{macro} is not in the skeleton that is searched: its first layer keeps the "
                "input's channels, and the other candidates there have filters."
            )
        return found


def macro_skeleton(space: MacroSpace) -> MacroSkeleton:
    """The skeleton of a space, and the candidates of its layers.

    Raises:
        InvalidSpaceError: where more is free than the layers' operations, all of it in one
            sentence with how to fix it; where a layer has nothing to choose between; where two
            candidates would have one name.
    """
    free = _free(space)
    if free:
        raise InvalidSpaceError(
            "A search by gradient chooses the operation of each layer of a MacroSpace, in a "
            f"skeleton that is fixed; in this one more is free: {'; '.join(free)}."
        )
    candidates = tuple(_candidates(space))
    names = [candidate.operation.name for candidate in candidates]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidSpaceError(
            f"Two candidates of a layer are called {twice[0]!r}; give your own operation another "
            "name."
        )
    closed = np.zeros((space.depth[0], len(candidates)), dtype=bool)
    widths = [candidate.layer.filters is not None for candidate in candidates]
    if any(widths):
        closed[0] = [not wide for wide in widths]
    found = MacroSkeleton(space, candidates, closed)
    if found.choosable().sum(axis=1).max() < 2:
        listed = ", ".join(repr(name) for name in names)
        raise InvalidSpaceError(
            "A search by gradient chooses between operations, and the layers of this space have no "
            f"two to choose between (of {listed}, zeros are never chosen, and the first layer "
            "takes what has filters); give it another operation, or a kernel."
        )
    return found


def candidate_names(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """The candidates' names, of the definition that a space's ``definition()`` gives."""
    names = [o if isinstance(o, str) else o["name"] for o in definition["operations"]]
    fields = ("kernels", "pool_kernels", "activations", "norms")
    settings = _settings(names, *(definition[field] for field in fields))
    return tuple(name for name, *_ in settings)


def _candidates(space: MacroSpace) -> Iterator[Candidate]:
    own = {o.name: o for o in space.operations if isinstance(o, Operation)}
    names = [o.name if isinstance(o, Operation) else o for o in space.operations]
    fields = (space.kernels, space.pool_kernels, space.activations, space.norms)
    filters, stride = space.filters[0], space.strides[0]
    for title, name, kernel, activation, norm in _settings(names, *fields):
        if name in own:
            yield Candidate(own[name], Layer(name, filters, None, stride))
        elif name in POOLS:
            pool = Operation(title, parameter_free=True, weightless=True)
            yield Candidate(pool, Layer(name, None, kernel, 2))
        elif name in KEEPERS:
            zero = name == "zero"
            keeper = Operation(name, None, None, True, zero, zero=zero, identity=not zero)
            yield Candidate(keeper, Layer(name))
        else:
            layer = Layer(name, filters, kernel, stride, activation, norm)
            yield Candidate(Operation(title), layer)


Setting = tuple[str, str, int | None, str | None, str | None]


def _settings(
    names: Sequence[str],
    kernels: Sequence[int],
    pool_kernels: Sequence[int],
    activations: Sequence[str],
    norms: Sequence[str],
) -> Iterator[Setting]:
    """Name of the candidate, of its operation, kernel, activation, norm."""
    for name in names:
        if name in CONVOLUTIONS:
            for kernel, activation, norm in product(kernels, activations, norms):
                more = [f"{kernel}x{kernel}"]
                more += [activation] if len(activations) > 1 else []
                more += [norm] if len(norms) > 1 else []
                yield "_".join([name, *more]), name, kernel, activation, norm
        elif name in POOLS:
            for kernel in pool_kernels:
                yield f"{name}_{kernel}x{kernel}", name, kernel, None, None
        else:
            yield name, name, None, None, None


def _free(space: MacroSpace) -> list[str]:
    """What is free beside the layers' operations, in words, each with how to fix it."""
    low, high = space.depth
    names = [o.name if isinstance(o, Operation) else o for o in space.operations]
    wide = [name for name in names if name not in (*POOLS, *KEEPERS)]
    found = []
    if low != high:
        found.append(f"the depth, {low} to {high} (give one, depth={high})")
    if high == 0:
        found.append("nothing but the dense part, for there are no layers (give a depth)")
    if wide and len(space.filters) > 1:
        found.append(_several("the widths", "filters", space.filters))
    if wide and len(space.strides) > 1:
        found.append(_several("the strides", "strides", space.strides))
    else:
        found += _resolutions(names, wide, space.strides[0])
    if space.joins and space.skips and high > 1:
        found.append("skip connections and how they join (give skips=False)")
    if len(space.readouts) > 1:
        found.append(_several("the readout", "readouts", space.readouts))
    low, high = space.dense_depth
    if low != high:
        found.append(f"the dense layers, {low} to {high} (give one number, dense_depth={low})")
    if high > 0:
        for name in ("units", "dense_activations", "dense_norms", "dropouts"):
            options = getattr(space, name)
            if len(options) > 1:
                found.append(_several(name.replace("_", " "), name, options))
    return found


def _several(what: str, name: str, options: Sequence[Any]) -> str:
    return f"{what}, {', '.join(map(str, options))} (give one, {name}=({options[-1]!r},))"


def _resolutions(names: Sequence[str], wide: Sequence[str], stride: int) -> list[str]:
    """Whether some candidates halve the resolution and others keep it."""
    halving = [name for name in names if name in POOLS or (name in wide and stride == 2)]
    keeping = [name for name in names if name not in halving]
    if not halving or not keeping:
        return []
    way = f"leave {' and '.join(halving)} or {' and '.join(keeping)} out"
    if stride == 1 and not any(name in KEEPERS for name in keeping):
        way += ", or give strides=(2,)"
    return [
        f"the resolution, for {' and '.join(halving)} {'halve' if len(halving) > 1 else 'halves'} "
        f"it and {' and '.join(keeping)} {'keep' if len(keeping) > 1 else 'keeps'} it ({way})"
    ]
