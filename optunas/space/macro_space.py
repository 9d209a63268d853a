"""The space of macro architectures."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space.base import Space, Values
from optunas.space.conditions import Condition
from optunas.space.macro import Dense, Layer, Macro
from optunas.space.macro_check import faults
from optunas.space.macro_digest import macro_digest
from optunas.space.macro_graph import live_graph
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
from optunas.space.macro_options import (
    clean_kernels,
    clean_names,
    clean_numbers,
    clean_operations,
    clean_range,
    clean_shares,
    clean_skips,
    clean_strides,
)
from optunas.space.macro_slots import DenseSlots, LayerSlots, Options, Slot, Slots
from optunas.space.operations import Operation
from optunas.space.parameters import Parameter
from optunas.space.references import Resolve, operation_definition, operation_from_definition

__all__ = ["MacroSpace"]


class MacroSpace(Space[Macro]):
    """Depth, layers, widths, skip connections and how they join, and a dense part.

    Every combination is a network on every input (images from 1x1 on): sizes are
    ``ceil(size / stride)``, and skips are brought to the shape they join. Layers are numbered from
    1, node 0 is the input. Parameters, as far as there is more than one option: ``depth``,
    ``layer1.operation``, ``layer1.filters``, ``layer1.kernel``, ``layer1.pool_kernel``,
    ``layer1.stride``, ``layer1.activation``, ``layer1.norm``, ``layer3.join``, ``layer3.skip0``
    (whether node 0 is joined), ``readout``, ``dense_depth``, ``dense1.units``,
    ``dense1.activation``, ``dense1.norm``, ``dense1.dropout``. A parameter counts when its layer is
    there and its operation (or a join) has it. ``depth=0`` is a multilayer perceptron.

    Pools and identities keep all the channels that a concatenation gives them, so that each can
    double the width: in deep spaces, leave ``concat`` out, list the skips, or constrain the
    parameters, which are known without building.

    Attributes:
        depth: lowest and highest number of layers, up to 300; one int stands for both. 0 is
            allowed.
        operations: of ``MACRO_OPERATIONS``: ``conv``, ``sep_conv`` (depthwise, then 1x1),
            ``dil_conv`` (full convolution with dilation 2), ``max_pool``, ``avg_pool``,
            ``identity``, ``zero``; or own ones, ``Operation(name, factory, cost)``, which take
            filters and a stride.
        filters: output channels of convolutions and own operations.
        kernels: odd sides of the convolutions' windows.
        pool_kernels: sides of the pools' windows; pools always halve the resolution.
        strides: of convolutions and own operations, 1, 2 or both; by default pools alone halve.
        activations: ``relu``, ``relu6``, ``gelu``, ``silu``; after the norm.
        norms: ``batch``, ``group``, ``none``.
        skips: whether layers may skip from earlier nodes: all, none, or the (source node, target
            layer) pairs listed. The previous node is always an input.
        joins: how, besides ``sequential``: ``add``, ``concat``; none is as ``skips=False``.
        dense_depth: as ``depth``, of the fully connected layers before the classifier.
        units, dense_activations, dense_norms, dropouts: of these; norms ``batch``, ``layer``,
            ``none``; dropouts in [0, 1).
        readouts: ``average``, ``max``, ``flatten``.

    Raises:
        InvalidSpaceError: for arguments that cannot be, all at once, and where nothing is searched.
        UnknownNameError: for a name that is none of the above.
    """

    default_name: ClassVar[str] = "macro"

    def __init__(
        self,
        depth: int | Sequence[int] = (1, 6),
        operations: Iterable[str | Operation] = ("conv", "sep_conv", "max_pool", "identity"),
        *,
        filters: Iterable[int] = (16, 32, 64),
        kernels: Iterable[int] = (3, 5),
        pool_kernels: Iterable[int] = (2, 3),
        strides: Iterable[int] = (1,),
        activations: Iterable[str] = ("relu",),
        norms: Iterable[str] = ("batch",),
        skips: bool | Iterable[Sequence[int]] = True,
        joins: Iterable[str] = ("add", "concat"),
        dense_depth: int | Sequence[int] = (0, 1),
        units: Iterable[int] = (64, 128),
        dense_activations: Iterable[str] = ("relu",),
        dense_norms: Iterable[str] = ("none",),
        dropouts: Iterable[float] = (0.0,),
        readouts: Iterable[str] = ("average",),
    ) -> None:
        found: list[str] = []
        self.depth = clean_range("depth", depth, found)
        self.operations = clean_operations(operations, found)
        self.filters = clean_numbers("filters", filters, found)
        self.kernels = clean_kernels("kernels", kernels, found)
        self.pool_kernels = clean_numbers("pool_kernels", pool_kernels, found, low=2)
        self.strides = clean_strides("strides", strides, found)
        self.activations = clean_names("activations", activations, "activation", ACTIVATIONS, found)
        self.norms = clean_names("norms", norms, "norm", NORMS, found)
        self.skips = clean_skips(skips, self.depth, found)
        self.joins = clean_names("joins", joins, "join", JOINS, found, may_be_empty=True)
        self.dense_depth = clean_range("dense_depth", dense_depth, found)
        self.units = clean_numbers("units", units, found)
        self.dense_activations = clean_names(
            "dense_activations", dense_activations, "activation", ACTIVATIONS, found
        )
        self.dense_norms = clean_names(
            "dense_norms", dense_norms, "norm of a dense layer", DENSE_NORMS, found
        )
        self.dropouts = clean_shares("dropouts", dropouts, found)
        self.readouts = clean_names("readouts", readouts, "readout", READOUTS, found)
        if found:
            raise InvalidSpaceError("\n".join(f"MacroSpace: {line}" for line in found))
        self._prepare()

    def _prepare(self) -> None:
        self._own = tuple(o for o in self.operations if isinstance(o, Operation))
        self._zeros = frozenset(o.name for o in self._own if o.zero)
        self._operation_names = tuple(
            o.name if isinstance(o, Operation) else o for o in self.operations
        )
        self._slots = Slots(
            Options(
                self.depth,
                self._operation_names,
                self.filters,
                self.kernels,
                self.pool_kernels,
                self.strides,
                self.activations,
                self.norms,
                self._sources(),
                self.joins,
                self.dense_depth,
                self.units,
                self.dense_activations,
                self.dense_norms,
                self.dropouts,
                self.readouts,
            )
        )
        _ = self._conditions  # refuse a space without parameters here, not at the first use
        table = self._slots.parameters
        self._firsts = {name: parameter.first for name, parameter in table.items()}
        self._columns = [(name, parameter.values()) for name, parameter in table.items()]
        self._sizes = np.array([len(options) for _, options in self._columns])

    def _sources(self) -> dict[int, tuple[int, ...]]:
        """By layer, the nodes it may skip from: those before the previous node."""
        if not self.joins:
            return {}
        if isinstance(self.skips, bool):
            layers = range(2, self.depth[1] + 1) if self.skips else range(0)
            return {layer: tuple(range(layer - 1)) for layer in layers}
        listed: dict[int, tuple[int, ...]] = {}
        for source, layer in self.skips:
            listed[layer] = (*listed.get(layer, ()), source)
        return listed

    def parameters(self) -> dict[str, Parameter]:
        return dict(self._slots.parameters)

    def conditions(self) -> dict[str, Condition]:
        return dict(self._slots.conditions)

    def encode(self, architecture: Macro) -> Values:
        values = dict(self._firsts)
        for slot, value in self._settings(architecture):
            if slot.parameter is not None:
                values[slot.name] = value
        return values

    def _settings(self, macro: Macro) -> Iterator[tuple[Slot, Any]]:
        """What stands in each place that counts, as far as the space has it."""
        slots = self._slots
        yield slots.depth, len(macro.layers)
        for places, layer in zip(slots.layers, macro.layers, strict=False):
            yield places.operation, layer.operation
            yield from _layer_settings(places, layer)
        if slots.readout is not None and macro.layers:
            yield slots.readout, macro.readout
        yield slots.dense_depth, len(macro.dense)
        for fields, dense in zip(slots.dense, macro.dense, strict=False):
            yield fields.units, dense.units
            yield fields.activation, dense.activation
            yield fields.norm, dense.norm
            yield fields.dropout, dense.dropout

    def decode(self, values: Mapping[str, Any]) -> Macro:
        slots = self._slots
        layers = [self._layer(p, values) for p in slots.layers[: slots.depth.read(values)]]
        dense = [_dense(p, values) for p in slots.dense[: slots.dense_depth.read(values)]]
        readout = slots.readout.read(values) if slots.readout and layers else "flatten"
        return Macro(tuple(layers), tuple(dense), readout, self._own)

    def _layer(self, places: LayerSlots, values: Mapping[str, Any]) -> Layer:
        name = places.operation.read(values)
        join, skips = "sequential", tuple[int, ...]()
        if places.join is not None:
            join = places.join.read(values)
            if join != "sequential":
                skips = tuple([node for node, slot in places.skips if slot.read(values)])
        if name in POOLS:
            return Layer(
                name, None, _there(places.pool_kernel).read(values), 2, None, None, join, skips
            )
        if name in ("identity", "zero"):
            return Layer(name, join=join, skips=skips)
        filters, stride = _there(places.filters).read(values), _there(places.stride).read(values)
        if name not in CONVOLUTIONS:
            return Layer(name, filters, None, stride, None, None, join, skips)
        kernel, norm = _there(places.kernel).read(values), _there(places.norm).read(values)
        activation = _there(places.activation).read(values)
        return Layer(name, filters, kernel, stride, activation, norm, join, skips)

    def sample(self, rng: np.random.Generator) -> Macro:
        picks = rng.integers(self._sizes).tolist()
        columns = zip(self._columns, picks, strict=True)
        # What does not count is drawn too, but decode does not read it.
        return self.decode({name: options[pick] for (name, options), pick in columns})

    def validate(self, architecture: Macro) -> None:
        found = faults(architecture, self._operation_names)
        if not found.keys().isdisjoint({"", "layers", "dense"}):
            raise InvalidArchitectureError("\n".join(found.values()))
        for slot, value in self._settings(architecture):
            place = slot.name.replace("pool_kernel", "kernel")  # one field of a layer
            if place not in found and value not in slot.options:
                found[place] = _outside(slot, value)
        for number, layer in enumerate(architecture.layers, start=1):
            if layer.join != "sequential" or layer.skips:
                self._check_join(number, layer, found)
        if found:
            raise InvalidArchitectureError("\n".join(found.values()))

    def _check_join(self, number: int, layer: Layer, found: dict[str, str]) -> None:
        """Joins and skips for which the space has no place."""
        if number > len(self._slots.layers) or f"layer{number}.join" in found:
            return
        places = self._slots.layers[number - 1]
        if places.join is None:
            found[f"layer{number}.join"] = (
                f"layer{number}.join is {layer.join!r}, but in this space layer {number} has no "
                "skips, so it must be 'sequential'."
            )
        elif f"layer{number}.skips" not in found:
            allowed = [node for node, _ in places.skips]
            for node in layer.skips:
                if node not in allowed:
                    found.setdefault(
                        f"layer{number}.skip{node}",
                        f"layer{number}.skips: in this space layer {number} may skip from the "
                        f"nodes {', '.join(map(str, allowed))}, not from node {node}.",
                    )

    def digest(self, architecture: Macro) -> str:
        """Equal only for macros that compute the same function with the same parameters.

        See :func:`optunas.space.macro_digest.macro_digest`; identities, dead layers, zeros in sums
        and joins without skips do not count.
        """
        try:
            return macro_digest(architecture, self._zeros)
        except (AttributeError, AssertionError, LookupError, TypeError):
            self.validate(architecture)
            raise

    def is_connected(self, architecture: Macro) -> bool:
        """Whether the output depends on the input; not when zero layers cut every path."""
        return live_graph(architecture, self._zeros).connected

    @property
    def _kind(self) -> str:
        return "macro"

    def to_json(self, architecture: Macro) -> str:
        return architecture.to_json()

    def from_json(self, text: str) -> Macro:
        architecture = Macro.from_json(text, self._own)
        self.validate(architecture)
        return architecture

    def _given(self) -> dict[str, Any]:
        """The constructor's arguments by name, in its order."""
        return {name: getattr(self, name) for name in inspect.signature(MacroSpace).parameters}

    def definition(self) -> dict[str, Any]:
        if type(self) is not MacroSpace:  # a user's subclass is stored by reference
            return super().definition()
        arguments = self._given()
        arguments["operations"] = [
            operation_definition(o) if isinstance(o, Operation) else o for o in self.operations
        ]
        return {"kind": "macro", "version": 1, **{k: _listed(v) for k, v in arguments.items()}}

    @classmethod
    def from_definition(cls, definition: Mapping[str, Any], resolve: Resolve) -> MacroSpace:
        """The space that ``definition()`` described.

        Raises:
            InvalidSpaceError: for arguments that cannot be.
            UnknownNameError: for a name that this optunas does not know.
        """
        arguments = {name: definition[name] for name in inspect.signature(MacroSpace).parameters}
        arguments["operations"] = [
            data
            if isinstance(data, str) and data in MACRO_OPERATIONS
            else operation_from_definition(data, resolve)
            for data in arguments["operations"]
        ]
        return MacroSpace(**arguments)

    def _identity(self) -> object:
        return tuple(self._given().values())

    def __repr__(self) -> str:
        """The arguments that differ from the defaults."""
        defaults = inspect.signature(MacroSpace).parameters
        shown = [
            f"{name}={list(self._operation_names) if name == 'operations' else value!r}"
            for name, value in self._given().items()
            if value != defaults[name].default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


def _layer_settings(places: LayerSlots, layer: Layer) -> Iterator[tuple[Slot, Any]]:
    name = layer.operation
    if name in places.operation.options and name not in ("identity", "zero"):
        if name in POOLS:
            yield _there(places.pool_kernel), layer.kernel
        else:
            yield _there(places.filters), layer.filters
            yield _there(places.stride), layer.stride
        if name in CONVOLUTIONS:
            yield _there(places.kernel), layer.kernel
            yield _there(places.activation), layer.activation
            yield _there(places.norm), layer.norm
    if places.join is not None:
        yield places.join, layer.join
        if layer.join != "sequential" and isinstance(layer.skips, tuple):
            skips = {node for node in layer.skips if isinstance(node, int)}
            for node, slot in places.skips:
                yield slot, node in skips


def _there(slot: Slot | None) -> Slot:
    assert slot is not None  # the operation has this field, so the space has its slot
    return slot


def _dense(places: DenseSlots, values: Mapping[str, Any]) -> Dense:
    units, activation, norm, dropout = places
    return Dense(
        units.read(values), activation.read(values), norm.read(values), dropout.read(values)
    )


def _outside(slot: Slot, value: object) -> str:
    if slot.name in ("depth", "dense_depth"):
        low, high = slot.options[0], slot.options[-1]
        part = "layers" if slot.name == "depth" else "dense layers"
        wanted = f"{low}" if low == high else f"from {low} to {high}"
        return f"There are {value!r} {part}, but this space's {slot.name} is {wanted}."
    wanted = ", ".join(repr(option) for option in slot.options)
    only = "one of " if len(slot.options) > 1 else ""
    return f"{slot.name} is {value!r}, but it must be {only}{wanted}."


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value
