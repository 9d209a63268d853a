"""Members of any space as rows of numbers, in named blocks, for predictors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from optunas.errors import InvalidArchitectureError, OptunasError
from optunas.metrics import closed_form
from optunas.samplers.prediction.cell_graphs import CellGraphs, statistics_of
from optunas.samplers.trials.seen import Floats
from optunas.space import (
    Cell,
    CellSpace,
    Choice,
    DenseCellSpace,
    ElasticSpace,
    HyperSpace,
    JointSpace,
    Macro,
    MacroSpace,
    Space,
    StackSpace,
    Subnet,
)
from optunas.space.operations import VOCABULARY, Operation

__all__ = ["Encoder", "encode_members", "encoder_of"]

INPUT_SHAPE, OUTPUTS = (3, 32, 32), 10
"""Of the network whose costs are features: only how members compare matters."""

SEPARATE = 48
"""Numbers of hyperparameters up to which each is a block that a predictor can weigh."""

REMEMBERED = 20_000
"""Members whose costs are kept: all of NAS-Bench-201, for the next sampler of a process too."""

SCALED_ON = 200
"""Random members by which the columns of a space are scaled."""

Rows = Sequence[Sequence[float]]
Block = tuple[str, Callable[[Sequence[Any]], Floats]]


class Encoder:
    """Encodes members of one space in blocks: columns that belong together.

    Dense cells: ``edges`` (one-hot, dead edges zero), ``paths`` (how many paths from input to
    output apply which operations in which order, identities left out), ``graph`` (counts of
    operations, work along the longest, shortest and mean path), ``costs`` (logarithms of parameters
    and multiply-accumulates, in closed form). Two-input cells: the same for each half, with
    operations by depth for ``edges``. Macros, sub-networks and stacks: their parameters, statistics
    over their layers or cells, costs. Hyperparameters: one-hot choices, numbers on their (log)
    scale in [0, 1]; of a few each is a block of its own. Joint spaces: the blocks of their parts.

    Args:
        space: any.
        costs: whether to encode costs too; spaces of own operations without a stated cost, which
            only torch could count, have none in any case.

    Attributes:
        names: of the blocks, in order.
        sizes: columns of each block.

    The path encoding is that of White et al. 2021 (BANANAS, arXiv:1910.11858, section 3), here of
    live paths, counted, and without identities.
    """

    def __init__(self, space: Space[Any], costs: bool = True) -> None:
        self.space = space
        self._blocks = _blocks(space, costs)
        rng = np.random.default_rng(0)
        sample = [space.sample(rng) for _ in range(SCALED_ON)]
        found = [encode(sample) for _, encode in self._blocks]
        self.names = [name for name, _ in self._blocks]
        self.sizes = [block.shape[1] for block in found]
        self._scaled = [_scale(block) for block in found]

    @property
    def width(self) -> int:
        """Number of columns."""
        return sum(self.sizes)

    def encode(self, members: Iterable[Any]) -> Floats:
        """The plain rows, (n, width); what is not finite is 0.

        Raises:
            InvalidArchitectureError: for what is no member of the space.
        """
        listed = list(members)
        if not listed:
            return np.zeros((0, self.width))
        try:
            found = np.concatenate([encode(listed) for _, encode in self._blocks], axis=1)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            for member in listed:
                self.space.validate(member)
            raise InvalidArchitectureError(f"A member cannot be encoded: {error}") from error
        return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)

    def scaled(self, members: Iterable[Any]) -> Floats:
        """The rows, centred, and each block so that two random members are 2 apart, squared.

        Centre and scale are those of :data:`SCALED_ON` random members, the same in every process.
        """
        rows = self.encode(members)
        start = 0
        for size, (centre, scale) in zip(self.sizes, self._scaled, strict=True):
            rows[:, start : start + size] = (rows[:, start : start + size] - centre) * scale
            start += size
        return rows


def encoder_of(space: Space[Any]) -> Encoder:
    """The encoder of a space, with what it remembers, shared by the samplers of a process.

    Spaces with own operations are not: two are equal when their names are, and their costs differ.
    """
    own = any(operation.name not in VOCABULARY for operation in _operations(space))
    return Encoder(space) if own else _shared(space)


@lru_cache(maxsize=4)
def _shared(space: Space[Any]) -> Encoder:
    return Encoder(space)


def _operations(space: Space[Any]) -> list[Operation]:
    """The candidates of the cells in a space, of its parts too."""
    if isinstance(space, JointSpace):
        return [o for part in space.spaces.values() for o in _operations(part)]
    found = [*getattr(space, "operations", ())]
    found += getattr(getattr(space, "cell", None), "operations", ())
    return [operation for operation in found if isinstance(operation, Operation)]


def encode_members(space: Space[Any], members: Iterable[Any]) -> Floats:
    """Rows for regressors, (n, F): see :class:`Encoder`, which is faster when kept.

    Raises:
        InvalidArchitectureError: for what is no member of the space.
    """
    return Encoder(space).encode(members)


def _scale(block: Floats) -> tuple[Floats, Floats]:
    """Centre and scale; statistics and costs are first brought to one size, counts are not."""
    block = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
    centre, deviation = block.mean(axis=0), block.std(axis=0)
    if np.abs(block - np.round(block)).max(initial=0.0) < 1e-12 and block.max(initial=0.0) <= 64:
        total = math.sqrt(float((deviation**2).sum()))
        return centre, np.full(len(centre), 1.0 / total if total > 0 else 1.0)
    varying = deviation > 1e-9 * np.maximum(np.abs(centre), 1.0)
    count = max(1, int(varying.sum()))
    return centre, np.where(varying, 1.0 / np.where(varying, deviation, 1.0), 1.0) / count**0.5


def _blocks(space: Space[Any], costs: bool) -> list[Block]:
    if isinstance(space, JointSpace):
        return [
            (f"{part}.{name}", _of_part(part, encode))
            for part, inner in space.spaces.items()
            for name, encode in _blocks(inner, costs)
        ]
    if isinstance(space, DenseCellSpace):
        graphs = CellGraphs(space.operations, space.num_nodes, 1)
        blocks = _cell_blocks(graphs, lambda cell: cell, "")
    elif isinstance(space, CellSpace):
        graphs = CellGraphs(space.operations, space.num_nodes + 2, 2)
        blocks = _cell_blocks(graphs, lambda g: g.normal, "normal.")
        blocks += _cell_blocks(graphs, lambda g: g.reduce, "reduce.")
    elif isinstance(space, StackSpace):
        blocks = [*_table_blocks(space), *_stack_blocks(space)]
    elif isinstance(space, (MacroSpace, ElasticSpace)):
        describe = _macro if isinstance(space, MacroSpace) else _subnet
        blocks = [*_table_blocks(space), ("layers", _each(describe))]
    else:
        blocks = _table_blocks(space)
    if costs and space.num_architectures():
        blocks += _cost_blocks(space)
    return blocks


def _of_part(part: str, encode: Callable[[Sequence[Any]], Floats]) -> Any:
    return lambda members: encode([member[part] for member in members])


def _each(describe: Callable[[Any], Sequence[float] | Floats]) -> Any:
    return lambda members: np.array([describe(member) for member in members], dtype=float)


def _cell_blocks(graphs: CellGraphs, cell_of: Callable[[Any], Cell], prefix: str) -> list[Block]:
    def block(at: int) -> Callable[[Sequence[Any]], Floats]:
        return lambda members: np.array([graphs.rows(cell_of(m))[at] for m in members], dtype=float)

    return [(prefix + name, block(at)) for at, name in enumerate(("edges", "paths", "graph"))]


def _table_blocks(space: Space[Any]) -> list[Block]:
    """The parameters themselves; those that do not count are zero."""
    table = space.parameters()
    if not isinstance(space, HyperSpace) or len(table) > SEPARATE:
        return [("values", lambda members: _values(space, members))]
    widths = [len(p.options) if isinstance(p, Choice) else 1 for p in table.values()]
    ends = np.cumsum([0, *widths])
    cache: dict[str, Any] = {}

    def block(at: int) -> Callable[[Sequence[Any]], Floats]:
        def encode(members: Sequence[Any]) -> Floats:
            if cache.get("members") is not members:  # all blocks are asked for the same list
                cache["members"], cache["rows"] = members, _values(space, members)
            rows: Floats = cache["rows"]
            return rows[:, ends[at] : ends[at + 1]]

        return encode

    return [(name, block(at)) for at, name in enumerate(table)]


def _values(space: Space[Any], members: Sequence[Any]) -> Floats:
    """As ``space.features``, a column of all members at a time."""
    table = space.parameters()
    conditions = space.conditions()
    encoded = [space.encode(member) for member in members]
    counting = [set(space.active(values)) for values in encoded] if conditions else None
    columns = []
    for name, parameter in table.items():
        values = [row[name] for row in encoded]
        if isinstance(parameter, Choice):
            place = {option: at for at, option in enumerate(parameter.options)}
            block = np.eye(len(parameter.options))[[place[value] for value in values]]
        else:
            block = np.array([parameter.features(value) for value in values], dtype=float)
        if counting is not None and name in conditions:
            block[[name not in row for row in counting]] = 0.0
        columns.append(block)
    return np.concatenate(columns, axis=1)


def _stack_blocks(space: StackSpace) -> list[Block]:
    rng = np.random.default_rng(0)
    example = space.sample(rng)
    inner = space.cell
    num_inputs = example.num_inputs
    nodes = inner.num_nodes + (2 if num_inputs == 2 else 0)
    graphs = CellGraphs(inner.operations, nodes, num_inputs)

    def mean(stack: Any, at: int) -> Floats:
        return np.mean([graphs.rows(cell)[at] for cell in stack.cells], axis=0)

    blocks: list[Block] = [
        (name, _each(lambda stack, at=at: mean(stack, at)))  # type: ignore[misc]
        for at, name in enumerate(("edges", "paths", "graph"))
    ]

    def widths(stack: Any) -> list[float]:
        logarithms = [math.log(width) for width in stack.widths]
        return [len(stack.cells), len(logarithms), *statistics_of(logarithms)]

    return [*blocks, ("widths", _each(widths))]


def _macro(macro: Macro) -> Floats:
    """Statistics over the layers, whatever their number."""
    layers = macro.layers
    lists: Mapping[str, list[float]] = {
        "filters": [math.log(layer.filters) for layer in layers if layer.filters],
        "kernels": [float(layer.kernel) for layer in layers if layer.kernel],
        "skips": [float(len(layer.skips)) for layer in layers],
        "units": [math.log(dense.units) for dense in macro.dense],
        "dropout": [dense.dropout for dense in macro.dense],
    }
    strides = sum(layer.stride == 2 for layer in layers)
    weighty = sum(layer.filters is not None for layer in layers)
    joined = [sum(layer.join == join for layer in layers) for join in ("add", "concat")]
    numbers = [len(layers), strides, weighty, *joined]
    return np.concatenate([numbers, *(statistics_of(values) for values in lists.values())])


def _subnet(subnet: Subnet) -> Floats:
    blocks = [block for stage in subnet.stages for block in stage.blocks]
    return np.concatenate(
        [
            [math.log(subnet.stem), math.log1p(subnet.head), math.log1p(subnet.features)],
            statistics_of([float(block.kernel) for block in blocks]),
            statistics_of([float(block.expansion) for block in blocks]),
            statistics_of([math.log(stage.width) for stage in subnet.stages]),
            statistics_of([float(len(stage.blocks)) for stage in subnet.stages]),
        ]
    )


def _cost_blocks(space: Space[Any]) -> list[Block]:
    """Logarithms of parameters and MACs; none for a space whose costs are not in closed form."""
    if any(o.factory is not None and o.cost is None for o in _operations(space)):
        return []
    try:
        _cost(space.sample(np.random.default_rng(0)))
    except Exception:  # no closed form: a user's own kind of architecture
        return []
    return [("costs", _each(lru_cache(maxsize=REMEMBERED)(_cost)))]


def _cost(architecture: Any) -> tuple[float, float]:
    try:
        params, macs = closed_form.cost(architecture, INPUT_SHAPE, OUTPUTS)
    except OptunasError:
        return math.nan, math.nan  # a network that this input does not fit
    return math.log1p(params), math.log1p(macs)
