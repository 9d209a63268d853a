"""NSGA-II whose children are networks: whole nodes, cells or stages, one new gene, none twice."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import NSGAIISampler
from optuna.trial import FrozenTrial, TrialState

from optunas.samplers.arguments import Arguments
from optunas.samplers.moves.genes import Level, crossed, levels, mutated
from optunas.samplers.scalarise import Pareto, fitness
from optunas.samplers.space_sampler import SpaceSampler, View
from optunas.samplers.trials.adapter import (
    elite_selection,
    fixed_params,
    set_system_attr,
    study_key,
)
from optunas.samplers.trials.members import Identity
from optunas.samplers.trials.parents import Parents
from optunas.samplers.trials.seen import Feasible, Known, Seen
from optunas.space import Space

__all__ = ["GENERATION", "ArchitectureNSGAII"]

GENERATION = "NSGAIISampler:generation"
"""System attribute of a trial, Optuna's own: a study may go on with either sampler."""

TRIES = 200
"""Children that are drawn until one is new and allowed."""


class ArchitectureNSGAII(SpaceSampler):
    """Optuna's NSGA-II with children that know what a network is.

    Generations, their sizes, the selection of parents (with constraints) and what is stored of them
    are Optuna's. The parents of a child are the winners of two binary tournaments by non-dominated
    rank, then crowding distance. It inherits whole groups of parameters of each (nodes, cells,
    layers, stages, see :func:`~optunas.samplers.moves.genes.levels`); then one gene may change. A
    child that was tried, is under way or breaks a limit is drawn again before anything is trained.

    Every trial that has values is in a population: what Optuna leaves out, trials whose parameters
    were all enqueued and trials added to the study, joins the first generation.

    Deb, Pratap, Agarwal and Meyarivan 2002, "A Fast and Elitist Multiobjective Genetic Algorithm:
    NSGA-II". Works with one objective, too.

    Args:
        space, name, known, feasible, identity, seed: see :class:`SpaceSampler`.
        population_size: trials of a generation, from 2 on.
        crossover_rate: the chance of two parents instead of one.
        mutation_rate: the chance that one gene of the child changes. A child of one parent always
            has a changed gene.

    Raises:
        InvalidSpecError: for arguments that cannot be.
    """

    def __init__(
        self,
        space: Space[Any] | None = None,
        *,
        population_size: int = 50,
        crossover_rate: float = 0.9,
        mutation_rate: float = 0.8,
        name: str | None = None,
        known: Known | None = None,
        feasible: Feasible | None = None,
        identity: Identity = "digest",
        seed: int | None = None,
    ) -> None:
        super().__init__(
            space, name=name, known=known, feasible=feasible, identity=identity, seed=seed
        )
        arguments = Arguments("ArchitectureNSGAII")
        arguments.whole("population_size", population_size, 2)
        arguments.share("crossover_rate", crossover_rate)
        arguments.share("mutation_rate", mutation_rate)
        arguments.finish()
        self._crossover_rate, self._mutation_rate = float(crossover_rate), float(mutation_rate)
        self._population_size = int(population_size)
        self._generations: tuple[tuple[int, int], NSGAIISampler] | None = None
        """Of the study that asked last."""
        self._asked: dict[int, int] = {}
        """The generations of trials that are asking, by number."""
        self._levels: tuple[Space[Any], tuple[Level, ...]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without what is read anew from the study, and cannot be pickled."""
        return {**self.__dict__, "_generations": None}

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Give an enqueued trial its generation: it may have all of its parameters already."""
        if fixed_params(trial):
            self._generation(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A child's parameters; the trial's generation is noted in it."""
        self._asked[trial.number] = self._generation(study, trial)
        try:
            return super().sample_relative(study, trial, search_space)
        finally:
            self._asked.pop(trial.number, None)

    def propose(self, view: View, rng: np.random.Generator) -> Any:
        """A child of the generation's parents; a random member in the first generation."""
        numbers = {parent.number for parent in self._chosen(view)}
        parents = [seen for seen in view.complete if seen.number in numbers]
        if not parents:
            return view.random(rng)
        places = fitness(Pareto(), parents, view.study.directions)
        child = view.members.drawn(
            lambda: self._child(view.space, parents, places, rng), view.keys, TRIES
        )
        return view.random(rng) if child is None else child

    def _chosen(self, view: View) -> list[FrozenTrial]:
        """The parents of the trial's generation."""
        key = study_key(view.study)
        if self._generations is None or self._generations[0] != key:
            self._generations = key, _generations(self._population_size)
        return self._generations[1].get_parent_population(view.study, self._asked[view.number])

    def _child(
        self,
        space: Space[Any],
        parents: list[Seen],
        places: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> Any:
        child = parents[_winner(places, rng)].member
        two = len(parents) > 1 and rng.random() < self._crossover_rate
        if two:
            other = parents[_winner(places, rng)].member
            child = crossed(space, child, other, self._ways(space), rng)
        if not two or rng.random() < self._mutation_rate:
            child = mutated(space, child, rng)
        return child

    def _ways(self, space: Space[Any]) -> tuple[Level, ...]:
        if self._levels is None or self._levels[0] is not space:
            self._levels = space, levels(space)
        return self._levels[1]

    def _generation(self, study: Study, trial: FrozenTrial) -> int:
        """The trial's generation, set where it has none.

        Optuna's rule, but that complete trials without a generation count for the first one.
        """
        own = trial.system_attrs.get(GENERATION)
        if own is not None:
            return int(own)
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        found = [int(t.system_attrs.get(GENERATION, 0)) for t in complete]
        latest = max(found, default=0)
        full = found.count(latest) >= self._population_size
        generation = latest + 1 if full else latest
        if trial.state == TrialState.RUNNING:
            set_system_attr(study, trial, GENERATION, generation)
        return generation


def _winner(places: NDArray[np.intp], rng: np.random.Generator) -> int:
    one, other = rng.integers(len(places), size=2).tolist()
    return one if places[one] >= places[other] else other


class _Selection:
    """Optuna's choice of the parents, among trials that have no generation too."""

    def __init__(self, population_size: int) -> None:
        self._elite = elite_selection(population_size)

    def __call__(self, study: Study, population: list[FrozenTrial]) -> list[FrozenTrial]:
        there = {trial.number for trial in population}
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        others = [t for t in complete if GENERATION not in t.system_attrs and t.number not in there]
        return self._elite(study, [*population, *others])


def _generations(population_size: int) -> NSGAIISampler:
    """Optuna's sampler, for the parents of each generation alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        sampler = NSGAIISampler(
            population_size=population_size,
            elite_population_selection_strategy=_Selection(population_size),
        )
    Parents().share_with(sampler)
    return sampler
