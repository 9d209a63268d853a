"""Regularised evolution: the young live, the old die, however good they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from optunas.samplers.arguments import Arguments
from optunas.samplers.moves.genes import Level, crossed, levels, mutated
from optunas.samplers.scalarise import Pareto, fitness, scalarisation
from optunas.samplers.space_sampler import ScalarisedSampler, View
from optunas.samplers.trials.members import Identity
from optunas.samplers.trials.seen import Feasible, Known, Seen, by_completion
from optunas.space import Space

__all__ = ["RegularizedEvolutionSampler"]

TRIES = 200
"""Children that are drawn until one is new and allowed."""


class RegularizedEvolutionSampler(ScalarisedSampler):
    """Mutates the best of a few random trials among the latest ones.

    The population is the last ``population_size`` trials with values, in the order in which they
    ended; until there are so many, members are drawn at random. The best of ``tournament`` of them
    (drawn with replacement) is the parent, its child differs in one gene. A child that was tried,
    is under way or breaks a limit is drawn again. Trials that failed, were pruned or have an
    infinite value never join; those that break constraints lose against all that keep them.

    Real, Aggarwal, Huang and Le 2019, "Regularized Evolution for Image Classifier Architecture
    Search" (arXiv:1802.01548), algorithm 1. Beyond it: no member twice, crossover, several
    objectives.

    Args:
        space, name, known, feasible, identity, seed: see :class:`SpaceSampler`.
        population_size: P of the paper, from 2 on.
        tournament: S of the paper, from 1 on; 1 is selection by age alone.
        mutation_rate: None changes exactly one gene, as in the paper; a number is the chance of
            each gene that counts to change, and one of them does in any case.
        crossover_rate: the chance that the parent is first crossed with the winner of another
            tournament, by whole nodes, cells or stages; 0 as in the paper.
        scalarise: how several objectives are compared, see
            :func:`~optunas.samplers.scalarise.scalarisation`; by default (``"pareto"``) the
            non-dominated rank within the population, then the crowding distance.

    Raises:
        InvalidSpecError: for arguments that cannot be.
    """

    called, otherwise = "regularized_evolution", Pareto()

    def __init__(
        self,
        space: Space[Any] | None = None,
        *,
        population_size: int = 30,
        tournament: int = 10,
        mutation_rate: float | None = None,
        crossover_rate: float = 0.0,
        scalarise: Any = None,
        name: str | None = None,
        known: Known | None = None,
        feasible: Feasible | None = None,
        identity: Identity = "digest",
        seed: int | None = None,
    ) -> None:
        super().__init__(
            space, name=name, known=known, feasible=feasible, identity=identity, seed=seed
        )
        arguments = Arguments("RegularizedEvolutionSampler")
        arguments.whole("population_size", population_size, 2)
        arguments.whole("tournament", tournament, 1)
        arguments.share("mutation_rate", mutation_rate, none=True)
        arguments.share("crossover_rate", crossover_rate)
        arguments.finish()
        self._form = scalarisation(scalarise)
        self._population_size, self._tournament = int(population_size), int(tournament)
        self._mutation_rate, self._crossover_rate = mutation_rate, float(crossover_rate)
        self._levels: tuple[Space[Any], tuple[Level, ...]] | None = None

    def propose(self, view: View, rng: np.random.Generator) -> Any:
        """A child of the population; a random member while that is filling."""
        directions = view.study.directions
        form = self._form_for(directions)
        complete = by_completion(view.complete)
        if len(complete) < self._population_size:
            return view.random(rng)
        population = complete[-self._population_size :]
        values: Any = [seen.values for seen in complete]
        places = fitness(form, population, directions, values)
        child = view.members.drawn(
            lambda: self._child(view.space, population, places, rng), view.keys, TRIES
        )
        return view.random(rng) if child is None else child

    def _child(
        self, space: Space[Any], population: Sequence[Seen], places: Any, rng: np.random.Generator
    ) -> Any:
        child = population[self._winner(places, rng)].member
        if self._crossover_rate > 0 and rng.random() < self._crossover_rate:
            other = population[self._winner(places, rng)].member
            child = crossed(space, child, other, self._ways(space), rng)
        return mutated(space, child, rng, self._mutation_rate)

    def _ways(self, space: Space[Any]) -> tuple[Level, ...]:
        if self._levels is None or self._levels[0] is not space:
            self._levels = space, levels(space)
        return self._levels[1]

    def _winner(self, places: Any, rng: np.random.Generator) -> int:
        drawn = rng.integers(len(places), size=self._tournament)
        return int(drawn[np.argmax(places[drawn])])
