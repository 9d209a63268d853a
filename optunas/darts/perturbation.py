"""DARTS-PT: keep on each edge the operation whose removal hurts most (Wang et al. 2021).

Algorithm 1 of arXiv:2108.04392: the size of an alpha says little about an operation's worth in the
supernet. Edges come in random order; each candidate is taken out in turn, the supernet judged on
the alphas' half without it, the operation whose absence costs most is kept alone, and the weights
are tuned before the next edge. Where a node keeps two edges, they are then chosen likewise, by
taking edges out. The alphas are not moved, the search's own network is not touched.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from optunas.darts.choices import choosable, closed_of, edges_of, operations_of
from optunas.darts.data import Batch, Halves, check_seed, mixed
from optunas.darts.judging import Judgement, check_search, judge
from optunas.darts.making import Supernet
from optunas.darts.mixing import Mixing
from optunas.darts.numbers import check_whole
from optunas.darts.record import Search
from optunas.darts.searching import few_threads
from optunas.darts.settings import SearchSettings
from optunas.darts.variants import make_variant
from optunas.errors import TrainingError
from optunas.space import CellSpace
from optunas.tasks import NetworkTask
from optunas.train import TrainSettings, resolve_device
from optunas.train.random_state import RandomState

__all__ = ["Perturbation", "perturb"]

TUNING_RATE = 0.1
"""The weights' rate while tuning, of the search's (as in the authors' code)."""

EDGES_KEPT = 2
"""Into each node of a two-input cell."""

LEFT_OUT = 0.5
"""Weight of the operation of an edge that is left out: the edge comes after those that are kept."""


@dataclass(frozen=True)
class Perturbation:
    """What was kept, and at what cost.

    Attributes:
        weights: (E, O) for each kind of cell, as ``discretize`` takes them: 1 for the operation
            kept, 0 for all others; .5 in place of 1 on edges that a two-input node leaves out.
        judged: passes over the alphas' half.
        tuned: steps of the weights.
        seconds: of wall time.
    """

    weights: Mapping[str, np.ndarray]
    judged: int
    tuned: int
    seconds: float

    @property
    def words(self) -> str:
        """The cost in a sentence."""
        return (
            f"The perturbations took {self.judged} passes over the alphas' half and {self.tuned} "
            f"steps of tuning, {self.seconds:.1f} s."
        )


def perturb(
    search: Search,
    task: NetworkTask,
    *,
    tuning_steps: int | None = None,
    seed: int | None = None,
    device: str = "cpu",
) -> Perturbation:
    """Choose by perturbation in place of the alphas; equal seeds give equal bits on a CPU.

    Args:
        search: with its trained supernet.
        task: the one that was searched on; its halves are those of the search.
        tuning_steps: of the weights between two decisions; None is half an epoch, 0 is none (the
            paper tunes for five epochs, on ten times the data).
        seed: of the edges' order; None is the search's.
        device: where to compute.

    Raises:
        InvalidSpecError: for another task than the search's, something that is no search with its
            supernet, or a number of steps or a seed that cannot be.
        TrainingError: when the outputs are not finite.
    """
    check_search(search, task)
    check_whole("tuning_steps", tuning_steps, 0, optional=True)
    if seed is not None:
        check_seed(seed)
    started = time.perf_counter()
    chosen = search.seed if seed is None else seed
    run = _Projection(search, task, tuning_steps, chosen, resolve_device(device))
    with few_threads(task), RandomState(chosen, run.device).active():
        run.decide()
    return Perturbation(run.outcome(), run.judged, run.tuned, time.perf_counter() - started)


class _Projection:
    """A supernet on its way to a single architecture."""

    def __init__(
        self,
        search: Search,
        task: NetworkTask,
        tuning_steps: int | None,
        seed: int,
        device: torch.device,
    ) -> None:
        self.space, self.task, self.settings = search.space, task, search.settings
        self.device, self.ends = device, edges_of(search.space)
        self.network: Supernet = deepcopy(search.network).to(device)  # type: ignore[assignment]
        self.halves = Halves(task, self.settings.batch_size, search.seed, device)
        self.batches = list(self.halves.validation())
        variant = make_variant(self.settings, self.ends, closed_of(self.space))
        alphas = {k: torch.from_numpy(a).float().to(device) for k, a in search.alphas.items()}
        with torch.no_grad():
            self.settled = variant.settled(alphas)
        self.kinds = tuple(self.settled.weights)
        self.random = np.random.RandomState(mixed(seed, 3) % 2**32)
        self.steps = self.halves.steps() // 2 if tuning_steps is None else tuning_steps
        self.kept: dict[str, dict[int, int]] = {kind: {} for kind in self.kinds}
        self.left_out: dict[str, set[int]] = {kind: set() for kind in self.kinds}
        self.judged = self.tuned = 0
        self.sign = 1.0 if task.direction == "maximize" else -1.0
        self.tuning = _Tuning(self.network, self.settings, task, self._pairs())

    def decide(self) -> None:
        """Operations edge by edge, then the edges of each node."""
        edges = [(kind, e) for kind in self.kinds for e in range(len(self.ends))]
        nodes = []
        if isinstance(self.space, CellSpace):
            nodes = [(kind, n) for kind in self.kinds for n in range(3, self.space.num_nodes + 2)]
        left = len(edges) + len(nodes)
        for at in self.random.permutation(len(edges)):
            kind, edge = edges[at]
            self.kept[kind][edge] = self._most_missed_operation(kind, edge)
            left -= 1
            self._tune(left)
        for at in self.random.permutation(len(nodes)):
            kind, node = nodes[at]
            self._choose_edges(kind, node)
            left -= 1
            self._tune(left)

    def mixing(self, without: tuple[str, int, int | None] | None = None) -> Mixing:
        """What stands so far, without one operation, or one edge, of one kind of cell.

        Weights are not scaled up for what is taken out, as in the authors' code.
        """
        weights, active, bypass = {}, {}, {}
        for kind, like in self.settled.weights.items():
            table = like.clone()
            edges = torch.ones(len(table), dtype=table.dtype, device=table.device)
            for edge, operation in self.kept[kind].items():
                total = table[edge].sum()
                table[edge] = 0.0
                table[edge, operation] = total
            edges[list(self.left_out[kind])] = 0.0
            if without is not None and without[0] == kind:
                _, row, column = without
                if column is None:
                    edges[row] = 0.0
                else:
                    table[row, column] = 0.0
            weights[kind] = table * edges[:, None]
            active[kind] = (weights[kind] > 0).cpu().numpy()
            if kind in self.settled.bypass:
                bypass[kind] = self.settled.bypass[kind] * edges
        return Mixing(weights, active, bypass)

    def outcome(self) -> dict[str, np.ndarray]:
        """One operation an edge."""
        table = {k: np.zeros(tuple(w.shape)) for k, w in self.settled.weights.items()}
        for kind, kept in self.kept.items():
            for edge, operation in kept.items():
                table[kind][edge, operation] = LEFT_OUT if edge in self.left_out[kind] else 1.0
        return table

    def _most_missed_operation(self, kind: str, edge: int) -> int:
        """``none`` is never kept where there is another: taking it out changes nothing."""
        zeros = np.array([operation.zero for operation in operations_of(self.space)])
        allowed = choosable(self.space)[edge]
        candidates = np.flatnonzero(allowed & ~zeros).tolist() or np.flatnonzero(allowed).tolist()
        judged = [self._judge((kind, edge, o)) for o in candidates]
        return candidates[_worst(judged, self.sign)]

    def _choose_edges(self, kind: str, node: int) -> None:
        """Leave out all edges into a node but the two that are missed most."""
        edges = [e for e, (_, target) in enumerate(self.ends) if target == node]
        judged = [self._judge((kind, e, None)) for e in edges]
        order = sorted(range(len(edges)), key=lambda at: _harm(judged[at], self.sign))
        self.left_out[kind].update(edges[at] for at in order[:-EDGES_KEPT])

    def _judge(self, without: tuple[str, int, int | None]) -> Judgement:
        self.judged += 1
        return judge(self.network, self.mixing(without), self.batches, self.task)

    def _tune(self, left: int) -> None:
        """A few steps of the weights; none after the last decision, which nothing follows."""
        if left:
            self.tuning.steps(self.mixing(), self.steps)
            self.tuned += self.steps

    def _pairs(self) -> Iterator[Batch]:
        """Training batches without end, of epochs after the search's own."""
        epoch = self.settings.epochs
        while True:
            for train, _ in self.halves.pairs(epoch):
                yield train
            epoch += 1


class _Tuning:
    """SGD on the weights at a tenth of the search's rate."""

    def __init__(
        self,
        network: Supernet,
        settings: SearchSettings,
        task: NetworkTask,
        batches: Iterator[Batch],
    ) -> None:
        self.network, self.batches, self.clip = network, batches, settings.grad_clip
        self.loss = task.goal.loss(TrainSettings())
        self.weights: list[Tensor] = list(network.parameters())
        self.optimizer = torch.optim.SGD(
            self.weights,
            lr=TUNING_RATE * settings.lr,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )

    def steps(self, mixing: Mixing, count: int) -> None:
        """So many steps under a mixing.

        Raises:
            TrainingError: when the loss is no longer finite.
        """
        self.network.train()
        for _ in range(count):
            x, y = next(self.batches)
            value = self.loss(self.network(x, mixing), y)
            if not math.isfinite(value.item()):
                raise TrainingError("The loss became infinite while tuning; lower lr.")
            self.optimizer.zero_grad(set_to_none=True)
            value.backward()
            nn.utils.clip_grad_norm_(self.weights, self.clip, foreach=True)
            self.optimizer.step()


def _harm(judgement: Judgement, sign: float) -> tuple[float, float]:
    """The larger, the more is missed: first by the score, among equal scores by the loss."""
    return -sign * judgement.score, judgement.loss


def _worst(judged: list[Judgement], sign: float) -> int:
    """Where most was missed; of equal ones the first."""
    return max(range(len(judged)), key=lambda at: _harm(judged[at], sign))
