"""One network with every candidate operation on every edge, mixed by weights (DARTS, equation 2).

Liu, Simonyan and Yang 2019 (arXiv:1806.09055). The skeletons are those of ``optunas.build``; the
operations are the same modules in their search form. The mixing weights are given to each forward
pass, so that a variant of DARTS is a way to make them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.darts.choices import edges_of, kinds_of
from optunas.darts.mixing import Mixing
from optunas.darts.norms import normed
from optunas.darts.partial import Around, check_partial
from optunas.darts.recompute import recomputed
from optunas.darts.source import Source, combined
from optunas.darts.stacked import stackable, stacked
from optunas.darts.sums import DenseGradient, Sum, Sums
from optunas.errors import InvalidSpaceError
from optunas.nets.build import ResidualBlock
from optunas.nets.cells import preprocess
from optunas.nets.operations import FactorizedReduce, make
from optunas.nets.skeleton import DenseLayer, PairLayer, ResidualLayer, skeleton
from optunas.space import CellSpace, DenseCellSpace, Operation

__all__ = ["SuperCell", "SuperNetwork", "edges_of", "kinds_of", "untracked"]


class SuperNetwork(nn.Module):
    """Every operation of ``space`` on every edge; (N, *input_shape), weights -> (N, num_outputs).

    ``parameters()`` are the operations' weights; the mixing weights are arguments of ``forward``.

    Args:
        space: a cell space with at least two operations.
        input_shape: (channels, height, width), without batch.
        num_outputs: of the classifier.
        channels, num_cells: as for ``optunas.build``.
        checkpoint: compute what leaves each state of a cell again in the backward pass instead of
            keeping it: less memory, more time; not twice differentiable. The last cells are kept as
            far as they take no more than the largest state does while it is computed again.
        partial: one in so many channels is mixed (PC-DARTS); the mixing then needs ``bypass``.

    Raises:
        InvalidSpaceError: for another kind of space, or one with a single operation.
        InvalidSpecError: for channels that cannot be divided by ``partial``.
    """

    def __init__(
        self,
        space: CellSpace | DenseCellSpace,
        input_shape: tuple[int, ...],
        num_outputs: int,
        channels: int = 16,
        num_cells: int = 8,
        checkpoint: bool = False,
        partial: int = 1,
    ) -> None:
        super().__init__()
        check_partial(channels, partial)
        if not isinstance(space, (CellSpace, DenseCellSpace)):
            raise InvalidSpaceError(
                f"DARTS searches a CellSpace or a DenseCellSpace, got a {type(space).__name__}."
            )
        if len(space.operations) < 2:
            raise InvalidSpaceError(
                f"DARTS chooses between operations, and this space has only "
                f"{space.operations[0].name!r}; give it at least two."
            )
        self.kinds, self.checkpoint = kinds_of(space), checkpoint
        self.space: CellSpace | DenseCellSpace = space
        self.sizes = (tuple(input_shape), num_outputs, channels, num_cells)
        self.shape = (len(edges_of(space)), len(space.operations))
        member: Any = next(iter(space.enumerate(1)))
        plan = skeleton(member, input_shape, num_outputs, channels, num_cells)
        self.stem = nn.Sequential(
            nn.Conv2d(plan.stem.channels_in, plan.stem.channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(plan.stem.channels_out),
        )
        self.cells = nn.ModuleList(
            ResidualBlock(layer)
            if isinstance(layer, ResidualLayer)
            else SuperCell(space, layer, partial)
            for layer in plan.layers
        )
        self.norm = nn.BatchNorm2d(plan.head.channels) if plan.head.norm else None
        self.classifier = nn.Linear(plan.head.channels, plan.head.num_classes)
        _choose_kept([cell for cell in self.cells if isinstance(cell, SuperCell)])

    def forward(self, x: Tensor, mixing: Mixing) -> Tensor:
        """(N, C_in, H, W) -> (N, num_outputs); the mixing's rows are those of ``edges_of``."""
        x = x.contiguous(memory_format=torch.channels_last)
        before = previous = self.stem(x)
        for cell in self.cells:
            if not isinstance(cell, SuperCell):
                before = previous = cell(previous)
                continue
            kind = cell.kind
            mask = None if mixing.active is None else mixing.active[kind]
            inputs = (before, previous) if cell.num_inputs == 2 else (previous,)
            weights, around = mixing.weights[kind], mixing.bypass.get(kind)
            result = cell(inputs, weights, mask, around, self.checkpoint and cell.again)
            before, previous = previous, result
        if self.norm is not None:
            previous = F.relu(self.norm(previous))
        return self.classifier(previous.mean(dim=(2, 3)))


class SuperCell(nn.Module):
    """One cell with every operation on every edge; runs through its states one source at a time."""

    def __init__(
        self,
        space: CellSpace | DenseCellSpace,
        layer: DenseLayer | PairLayer,
        partial: int = 1,
    ) -> None:
        super().__init__()
        self.partial, width = partial, layer.channels // partial
        self.numbers = width * -(-layer.height // layer.stride) * -(-layer.width // layer.stride)
        self.again = True
        self.ends = edges_of(space)
        self.num_inputs = 2 if isinstance(space, CellSpace) else 1
        self.num_states = self.ends[-1][1] + 1
        self.stride = layer.stride
        self.kind = kinds_of(space)[layer.stride - 1]
        self.operations: tuple[Operation, ...] = space.operations
        if isinstance(layer, PairLayer):
            self.before = preprocess(layer.before, "search")
            self.previous = preprocess(layer.previous, "search")
        pools: dict[tuple[int, str], nn.Module] = {}
        self.edges = nn.ModuleList()
        for start, _ in self.ends:
            modules = nn.ModuleList()
            for o in self.operations:
                module = make(o, width, width, self._stride(start), "search")
                if _is_pool(o):  # the same numbers on every edge from a state: one module for all
                    module = pools.setdefault((start, o.name), module)
                modules.append(module)
            self.edges.append(modules)
        sources = range(self.num_states - 1)
        self.rows = [[e for e, (s, _) in enumerate(self.ends) if s == at] for at in sources]

    def _stride(self, source: int) -> int:
        return self.stride if source < self.num_inputs else 1

    def forward(
        self,
        inputs: tuple[Tensor, ...],
        weights: Tensor,
        active: np.ndarray | None = None,
        bypass: Tensor | None = None,
        checkpoint: bool = False,
    ) -> Tensor:
        """The cell's inputs and the mixing weights (E, O) -> its output; bypass is (E,)."""
        if self.num_inputs == 2:
            inputs = self.before(inputs[0]), self.previous(inputs[1])
        around = None if bypass is None else Around(bypass, self.ends, self.partial)
        size = (*inputs[0].shape[:2], *(-(-n // self.stride) for n in inputs[0].shape[2:]))
        sums = Sums(inputs, self.num_states, size, around)
        blocks = weights[[e for rows in self.rows for e in rows]].split([len(r) for r in self.rows])
        for at, block in enumerate(blocks):
            state = sums.state(at)
            if around is not None:
                state = around.split(state, self._stride(at))
            if checkpoint and torch.is_grad_enabled():
                leave = functools.partial(self._apart, at, size, active)
                leaving = nn.ModuleList([self.edges[e] for e in self.rows[at]])
                sums.take(recomputed(leave, (state, block), leaving))
            else:
                self._leave(at, state, block, sums, active)
        nodes = [sums.state(at) for at in range(self.num_inputs, self.num_states)]
        if self.num_inputs == 1:
            return nodes[-1]
        return torch.cat([DenseGradient.apply(node) for node in nodes], dim=1)

    def _apart(
        self, at: int, size: tuple[int, ...], active: Any, state: Tensor, weights: Tensor
    ) -> list[Tensor | None]:
        """What leaves a state, in sums of its own."""
        sums = Sums((), self.num_states, size)
        self._leave(at, state, weights, sums, active)
        return sums.parts()

    def _leave(
        self, at: int, state: Tensor, weights: Tensor, sums: Sums, active: np.ndarray | None
    ) -> None:
        """Add what the K edges from a state bring to the states they end in; weights (K, O)."""
        source, rows = Source(state, self._stride(at)), self.rows[at]
        columns = weights.unbind(1)  # taken apart once: indexing for every operation costs more
        targets = [self.ends[e][1] for e in rows]
        free, plain, phased = {}, Sum(), Sum()
        for o, operation in enumerate(self.operations):
            wanted = [k for k, e in enumerate(rows) if active is None or active[e, o]]
            if not wanted or operation.zero:
                continue
            modules = [self.module_of(e, o) for e in rows]
            every, vocabulary = len(wanted) == len(rows), operation.factory is None
            part = _parameter_free(operation, modules[wanted[0]], source)
            phases = vocabulary and source.in_phases(operation.name)
            if part is not None and every:
                free[o] = part
            elif vocabulary and every and stackable(operation.name, source, len(rows)):
                term = stacked(operation.name, source, modules, columns[o])
                (phased if phases else plain).add(term)
            else:
                each = columns[o].unbind()
                for k in wanted:
                    if part is not None:
                        term = part * each[k]
                    else:
                        term = _weighted(operation, modules[k], source, each[k])
                    sums.add(targets[k], term, phases)
        for together, phases in ((plain.value, False), (phased.value, True)):
            if together is not None:
                sums.add_all(targets, together.chunk(len(rows), dim=1), phases)
        if free:
            weights = torch.stack([columns[o] for o in free], dim=1)
            sums.add_all(targets, combined(list(free.values()), weights))

    def module_of(self, edge: int, operation: int) -> nn.Module:
        """The module at a row and a column of the alphas."""
        return cast(nn.ModuleList, self.edges[edge])[operation]


def _choose_kept(cells: list[SuperCell]) -> None:
    """Choose the last cells that even a supernet with checkpoints keeps, mostly one or none.

    The backward pass begins with them, so what they keep is gone when it comes to the large ones:
    it adds nothing to the peak as long as it is no more than the largest state needs.
    """
    room = max(cell.numbers * max(len(rows) for rows in cell.rows) for cell in cells)
    for cell in reversed(cells):
        room -= cell.numbers * len(cell.ends)
        cell.again = room < 0


@contextmanager
def untracked(module: nn.Module) -> Iterator[None]:
    """While inside, the module's batch norms neither use nor change running statistics."""
    every = (nn.BatchNorm1d, nn.BatchNorm2d)  # the dense part of a macro network has the former
    norms = [m for m in module.modules() if isinstance(m, every) and m.track_running_stats]
    for layer in norms:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in norms:
            layer.track_running_stats = True


def _is_pool(operation: Operation) -> bool:
    return operation.factory is None and "_pool_" in operation.name


def _parameter_free(operation: Operation, module: nn.Module, source: Source) -> Tensor | None:
    """What an operation without weights gives on every edge from this state; None for others."""
    if _is_pool(operation):
        pool, layer = cast(nn.Sequential, module)
        return normed(pool(source.x), [cast(nn.BatchNorm2d, layer)])
    if operation.factory is None and isinstance(module, nn.Identity):
        return source.x
    return None


def _weighted(operation: Operation, module: Any, source: Source, weight: Tensor) -> Tensor:
    """The operation's term on one edge, scaled."""
    if operation.factory is not None:
        return module(source.x) * weight
    if isinstance(module, FactorizedReduce):
        return source.reduced(module, weight)
    apply = {
        "nor_conv": source.convolved,
        "sep_conv": source.separable,
        "dil_conv": source.dilated,
    }
    return apply[operation.name[:8]](module, weight)
