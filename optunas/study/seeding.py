"""Seeds of a study: networks that are known before it runs, trained before anything is sampled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from optunas import codec
from optunas.darts.choices import Searchable
from optunas.darts.choose import ranked
from optunas.darts.numbers import check_whole
from optunas.darts.result import SearchResult, read_result
from optunas.darts.spread import spread_over_costs
from optunas.errors import InvalidSpecError
from optunas.samplers.by_name import generation_key
from optunas.space import Cell, Genotype, JointSpace, Macro
from optunas.study.final_network import complete, final_counts, searched_part
from optunas.study.handle import StudyHandle
from optunas.study.spec import StudySpec

__all__ = ["MOST", "Descent", "descent", "members_of", "seed"]

MOST = 10_000
"""Neighbours or spread of one search: more take minutes to rank, and nobody trains them."""


def seed(
    handle: StudyHandle,
    members: Iterable[Any] | SearchResult | str | Path,
    source: str | None = None,
    *,
    neighbours: int = 0,
    spread: int = 0,
) -> int:
    """Enqueue members of the study's space, to be trained before anything is sampled.

    They join the sampler's population as its first generation (the current one, in a study that has
    run). Members that the study has seen, by digest, are left out.

    Args:
        handle: the study.
        members: of its space, one or several; for a joint space also architectures alone,
            which get sensible hyperparameters (:func:`optunas.study.final_network.complete`). Or
            what ``optunas darts search`` wrote, the file's name or what ``read_result`` gives: the
            network it kept, those of the other restarts, ``neighbours`` and ``spread``.
        source: shown with each trial; None is ``"darts"`` for a search's result, else ``"seed"``.
        neighbours: of a search's result: so many next best networks by its alphas, within its
            limits and the study's own on parameters and FLOPs.
        spread: of a search's result: so many networks from its size to the smallest possible, each
            the best by its alphas that is no larger
            (:func:`optunas.darts.spread.spread_over_costs`), within the same limits; half of them
            at the smallest width and depth, where these are searched.

    Returns:
        How many were enqueued.

    Raises:
        InvalidArchitectureError: when one is not a member; nothing is enqueued then.
        InvalidSpecError: for a result of another space, neighbours or spread of anything else, and
            where ``handle`` is no study of optunas.
    """
    if not isinstance(handle, StudyHandle):
        raise InvalidSpecError(
            "Seeds go into what optunas.create(...) or optunas.load(...) returns; got a "
            f"{type(handle).__name__}."
        )
    space = handle.spec.space
    if isinstance(members, (str, Path)):
        members = read_result(members)
    if isinstance(members, SearchResult):
        given, source = members_of(handle, members, neighbours, spread), source or "darts"
    elif neighbours or spread:
        what = f"neighbours={neighbours!r}" if neighbours else f"spread={spread!r}"
        raise InvalidSpecError(
            f"{what} is of a search's result; read one with optunas.darts.read_result, or give "
            "the members themselves."
        )
    else:
        given = [_completed(handle, member) for member in _listed(members)]
    for member in given:
        space.validate(member)
    known = {trial.user_attrs.get("digest") for trial in handle.trials()}
    count = 0
    for member in given:
        digest = space.digest(member)
        if digest in known:
            continue
        known.add(digest)
        attrs = {"source": source or "seed", "digest": digest}
        handle.study.enqueue_trial(codec.to_params(space, member), user_attrs=attrs)
        count += 1
    return count


def _listed(members: Any) -> list[Any]:
    """Several members, or the only one."""
    single = (Cell, Genotype, Macro, Mapping)
    alone = isinstance(members, single) or not isinstance(members, Iterable)
    return [members] if alone else list(members)


def _completed(handle: StudyHandle, member: Any) -> Any:
    if isinstance(member, (Cell, Genotype, Macro)) and isinstance(handle.spec.space, JointSpace):
        return complete(handle.spec.space, member, final_counts(handle.spec))
    return member


def members_of(
    handle: StudyHandle, result: SearchResult, neighbours: int = 0, spread: int = 0
) -> list[Any]:
    """The study's members that a search's result stands for, distinct and best first.

    The network that was kept, then those of the other restarts, then the ``neighbours`` next best
    by the kept one's alphas, then its ``spread`` over costs, both within the limits of the file and
    of the study. The first ones may break the study's limits; it then rules them out, untrained.

    Raises:
        InvalidSpecError: when the search was over another space, when no other network keeps the
            limits, and for counts that are no whole numbers from 0 to :data:`MOST`.
    """
    for name, count in (("neighbours", neighbours), ("spread", spread)):
        check_whole(name, count, 0)
        if count > MOST:
            raise InvalidSpecError(
                f"{name} is at most {MOST:,}, got {count:,}: each is a network to train."
            )
    space = handle.spec.space
    part = searched_part(space).space
    if part.definition() != result.space:
        raise InvalidSpecError(_another_space(handle, result))
    network = result.network
    rest = (row for row in result.restarts if row is not result.best)
    found: list[Any] = [row.network() for row in (result.best, *rest)]
    if neighbours:
        near = ranked(
            part,
            result.best.arrays(),
            alternatives=neighbours,
            limits=_limits(handle.spec, result),
            **network.arguments(),
        )
        found += [one.architecture for one in near]
    pairs = [(architecture, network.counts()) for architecture in found]
    if spread:
        pairs += _spread(handle.spec, part, result, spread)
    # Own operations are found again by name.
    own = [(part.from_json(architecture.to_json()), counts) for architecture, counts in pairs]
    members = [complete(space, architecture, counts) for architecture, counts in own]
    return list({space.digest(member): member for member in members}.values())


def _spread(
    spec: StudySpec, part: Searchable, result: SearchResult, count: int
) -> list[tuple[Any, dict[str, int]]]:
    """Networks of falling size, each with its width and depth."""
    ends = final_counts(spec), final_counts(spec, smallest=True)
    searched = {name: least for name, least in ends[1].items() if least != ends[0][name]}
    shares = [(result.network, count)]
    if searched:
        narrow = replace(result.network, **searched)  # type: ignore[arg-type]
        shares = [(result.network, count - count // 2), (narrow, count // 2)]
    limits, weights = _limits(spec, result), result.best.arrays()
    found: list[tuple[Any, dict[str, int]]] = []
    refused = None
    for network, share in shares:
        if not share:
            continue
        try:
            rows = spread_over_costs(part, weights, network, share, limits)
        except InvalidSpecError as error:  # too large at the larger width, mostly
            refused = error
            continue
        found += [(one.architecture, network.counts()) for one in rows]
    if refused is not None and not found:
        raise refused
    return found


def _limits(spec: StudySpec, result: SearchResult) -> dict[str, float]:
    """The tighter of the file's limits and the study's, on what the weights can be read under.

    The study's own count where its networks have the file's width and depth, or search them.
    """
    found, here = dict(result.limits), result.network.counts()
    most, least = final_counts(spec), final_counts(spec, smallest=True)
    if any(most[name] == least[name] != here[name] for name in here):
        return found
    for name in ("params", "flops"):
        if name in spec.constraints:
            found[name] = min(found.get(name, math.inf), spec.constraints[name])
    return found


def _another_space(handle: StudyHandle, result: SearchResult) -> str:
    mine, theirs = searched_part(handle.spec.space).space.definition(), result.space
    names = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
    differ = "; ".join(
        f"{n}: {_short(theirs.get(n))} there, {_short(mine.get(n))} here" for n in names
    )
    return (
        f"The search was over another space than the study {handle.name!r} has ({differ}); search "
        "with the study's own file."
    )


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(v.get("name")) if isinstance(v, dict) else str(v) for v in value)
    return str(value)


@dataclass(frozen=True)
class Descent:
    """How much of a front comes from seeds.

    Attributes:
        front: trials on it.
        seeds: of them, seeds themselves.
        descendants: of the others, those that descend from seeds; None where the sampler has no
            generations, and descent no meaning.
        enqueued: seeds that the study has been given.
        sources: what they are marked with.
    """

    front: int
    seeds: int
    descendants: int | None
    enqueued: int
    sources: tuple[str, ...]

    @property
    def share(self) -> float:
        """Of the front, seeds and descendants; 0 while it is empty."""
        return (self.seeds + (self.descendants or 0)) / self.front if self.front else 0.0

    def __str__(self) -> str:
        """One line for a person."""
        words = f"{self.enqueued} given ({', '.join(self.sources)})"
        if not self.front:
            return words
        words += f"; of {self.front} on the front {self.seeds} {_are(self.seeds)}"
        if self.descendants is None:
            return f"{words} ({self.share:.0%})"
        return f"{words}, {self.descendants} more by their genes from seeds ({self.share:.0%})"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, with the share."""
        return {**asdict(self), "sources": list(self.sources), "share": self.share}


def _are(count: int) -> str:
    return "is a seed" if count == 1 else "are seeds"


def descent(handle: StudyHandle) -> Descent | None:
    """How much of the front descends from seeds; None for a study without any.

    Optuna does not store the parents of a trial. A network of a later generation is taken for a
    child of those networks of earlier generations that share most of its parameters' values; it
    descends from seeds when all of these are seeds or descend from them. This is an estimate: two
    networks can agree by chance, and a tie between a seed's line and another counts as no descent.
    """
    trials = handle.trials()
    seeds = [trial for trial in trials if trial.user_attrs.get("source")]
    if not seeds:
        return None
    front = handle.front_trials()
    own = [trial for trial in front if trial.user_attrs.get("source")]
    key = generation_key(handle.spec.sampler)
    descendants = None
    if key:
        line = _Line(trials, key)
        descendants = sum(line.holds(t) for t in front if not t.user_attrs.get("source"))
    sources = tuple(sorted({str(trial.user_attrs["source"]) for trial in seeds}))
    return Descent(len(front), len(own), descendants, len(seeds), sources)


class _Line:
    """Which trials descend from seeds, by their genes."""

    def __init__(self, trials: Iterable[FrozenTrial], key: str) -> None:
        self._key, self._known = key, dict[int, bool]()
        self._parents = [t for t in trials if t.state == TrialState.COMPLETE and self._of(t) >= 0]

    def _of(self, trial: FrozenTrial) -> int:
        return int(trial.system_attrs.get(self._key, -1))

    def holds(self, trial: FrozenTrial) -> bool:
        """Whether the trial is a seed or descends from seeds alone."""
        if trial.number not in self._known:
            self._known[trial.number] = bool(trial.user_attrs.get("source")) or self._descends(
                trial
            )
        return self._known[trial.number]

    def _descends(self, trial: FrozenTrial) -> bool:
        earlier = [t for t in self._parents if self._of(t) < self._of(trial)]
        shared = [sum(_same(t.params.get(k), v) for k, v in trial.params.items()) for t in earlier]
        most = max(shared, default=0)
        nearest = [t for t, count in zip(earlier, shared, strict=True) if count == most]
        return most > 0 and all(self.holds(t) for t in nearest)


def _same(one: Any, other: Any) -> bool:
    """Equal values; crossover gives back numbers that it takes over with another last bit."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)
