"""Whether a search has collapsed, said in words, with what to do about it.

DARTS is known to end in cells of skip connections (Zela et al. 2020; Chu et al. 2020): they train
fastest in the supernet and leave a poor network. Four things are looked at: the share of operations
without parameters in the chosen cells against what choosing blindly gives; the discretization gap,
what the supernet loses on the alphas' half when all but the chosen operations are taken out; how
far the alphas moved; and whether the choice stood still at the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from optunas.darts.choices import (
    Member,
    choosable,
    closed_of,
    edges_of,
    one_hot,
    operations_of,
)
from optunas.darts.choose import discretize
from optunas.darts.data import Halves
from optunas.darts.judging import check_search, judge, selected
from optunas.darts.making import Supernet
from optunas.darts.record import Search
from optunas.darts.searching import few_threads
from optunas.darts.variants import make_variant
from optunas.errors import InvalidSpecError
from optunas.space import MacroSpace
from optunas.tasks import NetworkTask
from optunas.train import resolve_device

__all__ = ["Report", "collapse_report"]

IMPROBABLE = 0.05
"""A share that choosing blindly exceeds less often than so is no accident."""

BARELY_MOVED = 0.05
"""Largest distance from the uniform weight up to which an argmax is as good as a guess."""

UNSTABLE = 0.8
"""Share of the edges whose leader stayed over the last third, below which the choice is open."""


@dataclass(frozen=True)
class Report:
    """How a search ended.

    Attributes:
        share_parameter_free: share of the chosen edges whose operation has no weights (skips, pools
            and ``none``; a skip at stride 2 is counted with them).
        share_by_chance: what a uniform choice gives in the mean.
        skips, edges: chosen skip connections, and chosen edges in all.
        supernet_score: of the whole supernet on the alphas' half.
        discrete_score: of the chosen operations alone, with the supernet's weights.
        gap: what is lost between the two, above 0 for a loss.
        moved: largest distance of an operation's weight from uniform.
        stability: share of the edges whose leader stayed over the last third of the epochs.
        collapsed: whether the cells hold more without weights than chance explains.
        undecided: whether the alphas say little, or keep changing.
        words: sentences, the most important first.
        remedy: what to do, empty when nothing is wrong.
    """

    share_parameter_free: float
    share_by_chance: float
    skips: int
    edges: int
    supernet_score: float
    discrete_score: float
    gap: float
    moved: float
    stability: float
    collapsed: bool
    undecided: bool
    words: tuple[str, ...]
    remedy: str

    def __str__(self) -> str:
        return "\n".join([*self.words, *([self.remedy] if self.remedy else [])])


def collapse_report(
    search: Search,
    task: NetworkTask,
    *,
    architecture: Member | None = None,
    device: str = "cpu",
) -> Report:
    """Judge a search by its alphas, its choice, and the supernet's score with and without the rest.

    Args:
        search: with its trained supernet.
        task: the one that was searched on; its halves are those of the search.
        architecture: that was chosen; None is what ``discretize`` chooses without limits.
        device: where to compute.

    Raises:
        InvalidSpecError: for another task, or something that is no search with its supernet.
        InvalidArchitectureError: for an architecture that is no member of the space.
        TrainingError: when the outputs are not finite.
    """
    check_search(search, task)
    if not search.records:
        raise InvalidSpecError("The search has no epochs yet: there is nothing to judge.")
    chosen = discretize(search.space, search.weights) if architecture is None else architecture
    search.space.validate(chosen)  # type: ignore[arg-type]
    table = one_hot(search.space, chosen)
    scores = _scores(search, task, table, resolve_device(device))
    return _report(search, task, table, scores)


def _scores(
    search: Search, task: NetworkTask, table: Mapping[str, np.ndarray], device: torch.device
) -> tuple[float, float]:
    """Of the supernet, and of the chosen operations alone."""
    ends, closed = edges_of(search.space), closed_of(search.space)
    variant = make_variant(search.settings, ends, closed)
    alphas = {k: torch.from_numpy(a).float().to(device) for k, a in search.alphas.items()}
    with torch.no_grad():
        settled = variant.settled(alphas)
    alone = selected(search.space, settled, table)
    halves = Halves(task, search.settings.batch_size, search.seed, device)
    network = search.network
    assert isinstance(network, Supernet)
    home = next(network.parameters()).device
    network.to(device)
    try:
        with few_threads(task):
            first, second = (
                judge(network, mixing, halves.validation(), task).score
                for mixing in (settled, alone)
            )
    finally:
        network.to(home)
    return first, second


def _report(
    search: Search,
    task: NetworkTask,
    table: Mapping[str, np.ndarray],
    scores: tuple[float, float],
) -> Report:
    space = search.space
    free = np.array([operation.parameter_free for operation in operations_of(space)])
    skip = np.array([operation.identity for operation in operations_of(space)])
    counts = sum(rows.sum(axis=0) for rows in table.values())
    edges = int(np.sum(counts))
    frees, skips = int(np.sum(counts[free])), int(np.sum(counts[skip]))
    sign = 1.0 if task.direction == "maximize" else -1.0
    gap = sign * (scores[0] - scores[1])
    last = search.records[search.epoch]
    moved, stability = max(last.moved.values()), search.stability()
    chance = _by_chance(search, free)
    by_free = _tail(frees, edges, chance) < IMPROBABLE
    by_skips = _tail(skips, edges, _by_chance(search, skip)) < IMPROBABLE
    collapsed = by_free or by_skips
    undecided = moved < BARELY_MOVED or stability < UNSTABLE
    words = [
        _of_shares(frees, skips, edges, chance, collapsed),
        _of_gap(task.score_name, *scores, gap),
        _of_alphas(moved, stability, undecided),
        *([search.stopped] if search.stopped else []),
    ]
    return Report(
        share_parameter_free=frees / edges,
        share_by_chance=chance,
        skips=skips,
        edges=edges,
        supernet_score=scores[0],
        discrete_score=scores[1],
        gap=gap,
        moved=moved,
        stability=stability,
        collapsed=collapsed,
        undecided=undecided,
        words=tuple(words),
        remedy=_remedy(search, collapsed, moved, stability),
    )


def _by_chance(search: Search, sort: np.ndarray) -> float:
    """Share of operations of a sort that a blind choice gives, in the mean over the edges."""
    allowed = choosable(search.space)
    shares = (allowed & sort).sum(axis=1) / allowed.sum(axis=1)
    return float(shares[0] if (shares == shares[0]).all() else shares.mean())


def _tail(hits: int, count: int, chance: float) -> float:
    """Probability of at least so many hits in so many blind choices."""
    if not 0 < chance < 1:  # whatever is chosen, it could not be otherwise
        return 1.0
    return sum(
        math.comb(count, k) * chance**k * (1 - chance) ** (count - k)
        for k in range(hits, count + 1)
    )


def _of_shares(frees: int, skips: int, edges: int, chance: float, collapsed: bool) -> str:
    verdict = "The search has collapsed: " if collapsed else ""
    return (
        f"{verdict}{frees} of the {edges} chosen operations have no weights ({skips} of them skip "
        f"connections); choosing blindly gives {chance * edges:.1f} in the mean."
    )


def _of_gap(name: str, whole: float, alone: float, gap: float) -> str:
    if abs(gap) <= 0.005 * max(abs(whole), abs(alone)):  # errors have the targets' unit
        return f"The chosen operations alone keep the supernet's {name} of {whole:.3g}."
    verb = "gets worse" if gap > 0 else "improves"
    return (
        f"On the alphas' half the {name} {verb} from {whole:.3g} (the supernet) to {alone:.3g} "
        "(the chosen operations alone, with the supernet's weights): the discretization gap is "
        f"{gap:.3g}."
    )


def _of_alphas(moved: float, stability: float, undecided: bool) -> str:
    begin = "The search is undecided: the" if undecided else "The"
    return (
        f"{begin} operations' weights moved by up to {moved:.3f} from uniform, and {stability:.0%} "
        "of the edges kept their leader over the last third of the epochs."
    )


def _remedy(search: Search, collapsed: bool, moved: float, stability: float) -> str:
    """What to try, the surest first."""
    s, todo = search.settings, []
    if collapsed:
        if s.beta_decay == 0:
            todo.append(
                "set beta_decay, from 1 on (the paper's 50 holds short searches at uniform)"
            )
        if s.halt == "none":
            todo.append("stop early with halt='eigenvalue' or halt='skips'")
        todo.append("choose with optunas.darts.perturb in place of the alphas")
        if s.variant == "darts":
            cells = not isinstance(search.space, MacroSpace)
            todo.append(f"take another variant, drnas{' or pc_darts' if cells else ''}")
    if moved < BARELY_MOVED and s.beta_decay > 0:
        todo.append("lower beta_decay, which holds the alphas near uniform")
    elif moved < BARELY_MOVED:
        rate = "raise alpha_lr" if s.alpha_lr is not None else "set a larger alpha_lr"
        todo.append(f"search for more epochs, or {rate}")
    elif stability < UNSTABLE and not collapsed:
        todo.append("search for more epochs")
    if not todo:
        return ""
    return f"To mend it: {'; or '.join(todo)}."
