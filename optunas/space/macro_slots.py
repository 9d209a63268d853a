"""The places of a macro architecture that a space fills: a parameter each, or a fixed value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from optunas.space.conditions import Condition
from optunas.space.macro_operations import CONVOLUTIONS, POOLS
from optunas.space.parameters import Choice, Parameter
from optunas.space.ranges import Int

__all__ = ["DenseSlots", "LayerSlots", "Options", "Slot", "Slots"]


class Slot(NamedTuple):
    """One place.

    Attributes:
        name: such as ``layer1.filters``.
        options: in order.
        parameter: None where there is one option.
        condition: on which the place is there; of the parameter.
    """

    name: str
    options: Sequence[Any]
    parameter: Parameter | None
    condition: Condition | None

    def read(self, values: Mapping[str, Any]) -> Any:
        """The value of this place in a parameter dictionary, as the plain object."""
        if self.parameter is None:
            return self.options[0]
        return self.parameter.cast(values[self.name])


class LayerSlots(NamedTuple):
    """The places of one layer; None where no operation of the space has such a field."""

    operation: Slot
    filters: Slot | None
    kernel: Slot | None
    pool_kernel: Slot | None
    stride: Slot | None
    activation: Slot | None
    norm: Slot | None
    join: Slot | None
    skips: tuple[tuple[int, Slot], ...]


class DenseSlots(NamedTuple):
    """The places of one fully connected layer."""

    units: Slot
    activation: Slot
    norm: Slot
    dropout: Slot


class Options(NamedTuple):
    """What is allowed where, checked; names as the arguments of ``MacroSpace``."""

    depth: tuple[int, int]
    operations: tuple[str, ...]
    filters: tuple[int, ...]
    kernels: tuple[int, ...]
    pool_kernels: tuple[int, ...]
    strides: tuple[int, ...]
    activations: tuple[str, ...]
    norms: tuple[str, ...]
    sources: Mapping[int, tuple[int, ...]]
    """The nodes that a layer, by its number, may skip from."""
    joins: tuple[str, ...]
    dense_depth: tuple[int, int]
    units: tuple[int, ...]
    dense_activations: tuple[str, ...]
    dense_norms: tuple[str, ...]
    dropouts: tuple[float, ...]
    readouts: tuple[str, ...]


class Slots:
    """All places of a space, and the tables that follow from them.

    Attributes:
        depth, readout, dense_depth: single places; no readout without layers.
        layers, dense: one entry a layer, up to the deepest.
        parameters: by name, in order.
        conditions: by name.
    """

    def __init__(self, options: Options) -> None:
        # Equal choices are one object in every layer.
        self._choices: dict[tuple[Any, ...], Choice] = {}
        self.depth = _depth("depth", options.depth)
        self.layers = [self._layer(number, options) for number in _upto(options.depth)]
        self.readout = None
        if options.depth[1] > 0:
            condition = _deeper("depth", 1, options.depth)
            self.readout = self._slot("readout", options.readouts, condition)
        self.dense_depth = _depth("dense_depth", options.dense_depth)
        self.dense = [self._dense(number, options) for number in _upto(options.dense_depth)]
        searched = [slot for slot in self._all() if slot.parameter is not None]
        self.parameters: dict[str, Parameter] = {
            slot.name: slot.parameter for slot in searched if slot.parameter is not None
        }
        self.conditions = {s.name: s.condition for s in searched if s.condition is not None}

    def _all(self) -> Iterator[Slot]:
        yield self.depth
        for layer in self.layers:
            yield from [slot for slot in layer[:-1] if isinstance(slot, Slot)]
            yield from [slot for _, slot in layer.skips]
        if self.readout is not None:
            yield self.readout
        yield self.dense_depth
        for dense in self.dense:
            yield from dense

    def _slot(self, name: str, options: Sequence[Any], condition: Condition | None) -> Slot:
        if len(options) == 1:
            return Slot(name, options, None, None)
        key = tuple((type(option), option) for option in options)
        choice = self._choices.setdefault(key, Choice(tuple(options)))
        return Slot(name, options, choice, condition)

    def _layer(self, number: int, options: Options) -> LayerSlots:
        there = _deeper("depth", number, options.depth)
        names = options.operations
        own = tuple(n for n in names if n not in (*CONVOLUTIONS, *POOLS, "identity", "zero"))

        def by_operation(field: str, values: Sequence[Any], *having: str) -> Slot | None:
            having = tuple(name for name in names if name in having)
            if not having:
                return None
            some = Condition(f"layer{number}.operation", having)
            return self._slot(
                f"layer{number}.{field}", values, there if len(having) == len(names) else some
            )

        join, skips = None, tuple[tuple[int, Slot], ...]()
        sources = options.sources.get(number, ())
        if sources:
            join = self._slot(f"layer{number}.join", ("sequential", *options.joins), there)
            joined = Condition(join.name, options.joins)
            skips = tuple(
                (node, self._slot(f"layer{number}.skip{node}", (False, True), joined))
                for node in sources
            )
        return LayerSlots(
            self._slot(f"layer{number}.operation", names, there),
            by_operation("filters", options.filters, *CONVOLUTIONS, *own),
            by_operation("kernel", options.kernels, *CONVOLUTIONS),
            by_operation("pool_kernel", options.pool_kernels, *POOLS),
            by_operation("stride", options.strides, *CONVOLUTIONS, *own),
            by_operation("activation", options.activations, *CONVOLUTIONS),
            by_operation("norm", options.norms, *CONVOLUTIONS),
            join,
            skips,
        )

    def _dense(self, number: int, options: Options) -> DenseSlots:
        there = _deeper("dense_depth", number, options.dense_depth)
        fields = (
            ("units", options.units),
            ("activation", options.dense_activations),
            ("norm", options.dense_norms),
            ("dropout", options.dropouts),
        )
        slots = [self._slot(f"dense{number}.{field}", values, there) for field, values in fields]
        return DenseSlots(*slots)


def _upto(depth: tuple[int, int]) -> range:
    return range(1, depth[1] + 1)


def _depth(name: str, bounds: tuple[int, int]) -> Slot:
    low, high = bounds
    return Slot(name, range(low, high + 1), Int(low, high) if low < high else None, None)


def _deeper(name: str, number: int, bounds: tuple[int, int]) -> Condition | None:
    """That there are at least ``number`` layers; None where there always are."""
    low, high = bounds
    return Condition(name, tuple(range(number, high + 1))) if number > low else None
