"""Regularised evolution: who is in the population, who wins, what a child is."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from sampler_cases import SMALL, new_study, seen_of, values_of

from optunas import codec
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers.evolution import RegularizedEvolutionSampler
from optunas.samplers.trials.seen import by_completion
from optunas.space import NB201, Cell


def distance(one: Cell, other: Cell) -> int:
    """Genes in which two cells differ."""
    pairs = zip(NB201.encode(one).values(), NB201.encode(other).values(), strict=True)
    return sum(a != b for a, b in pairs)


def filled(sampler: RegularizedEvolutionSampler, values: list[float], **more: Any) -> Any:
    """A study whose trials have these values, in order; cells that are far from each other."""
    study = new_study(sampler, **more)
    rng, cells = np.random.default_rng(0), list[Cell]()
    while len(cells) < len(values):
        cell = NB201.sample(rng)
        if all(distance(cell, other) >= 3 for other in cells):
            cells.append(cell)
    for cell, value in zip(cells, values, strict=True):
        study.add_trial(
            optuna.create_trial(
                value=value,
                params=codec.to_params(NB201, cell),
                distributions=codec.distributions(NB201),
            )
        )
    return study, cells


def asked(study: optuna.Study, times: int) -> list[Cell]:
    return [codec.suggest(study.ask(), NB201) for _ in range(times)]


def test_a_child_differs_from_the_winner_in_one_gene() -> None:
    sampler = RegularizedEvolutionSampler(NB201, population_size=6, tournament=60, seed=1)
    study, cells = filled(sampler, [0.1, 0.9, 0.2, 0.3, 0.4, 0.5])
    for child in asked(study, 10):
        assert distance(child, cells[1]) == 1


def test_the_old_die_however_good_they_were() -> None:
    sampler = RegularizedEvolutionSampler(NB201, population_size=3, tournament=60, seed=1)
    study, cells = filled(sampler, [0.9, 0.8, 0.1, 0.3, 0.2])
    for child in asked(study, 10):
        assert distance(child, cells[3]) == 1


def test_a_tournament_of_one_is_no_selection() -> None:
    sampler = RegularizedEvolutionSampler(NB201, population_size=4, tournament=1, seed=1)
    study, cells = filled(sampler, [0.9, 0.8, 0.1, 0.3])
    parents = {
        min(range(4), key=lambda at: distance(child, cells[at])) for child in asked(study, 40)
    }
    assert parents == {0, 1, 2, 3}


def test_members_are_random_until_the_population_is_full() -> None:
    sampler = RegularizedEvolutionSampler(NB201, population_size=7, tournament=60, seed=1)
    study, cells = filled(sampler, [0.1, 0.9, 0.2, 0.3, 0.4, 0.5])
    nearest = [min(distance(child, cell) for cell in cells) for child in asked(study, 20)]
    assert max(nearest) > 1


def test_the_direction_counts() -> None:
    sampler = RegularizedEvolutionSampler(NB201, population_size=4, tournament=60, seed=1)
    study, cells = filled(sampler, [0.5, 0.1, 0.3, 0.9])
    down = optuna.create_study(direction="minimize", sampler=sampler)
    down.add_trials(study.trials)
    assert all(distance(child, cells[1]) == 1 for child in asked(down, 5))


def test_trials_that_break_constraints_lose() -> None:
    sampler = RegularizedEvolutionSampler(NB201, population_size=3, tournament=60, seed=1)
    study, cells = filled(sampler, [0.2, 0.1, 0.3])
    known = codec.distributions(NB201)
    best = NB201.sample(np.random.default_rng(9))
    study.add_trial(
        optuna.create_trial(
            value=1.0,
            params=codec.to_params(NB201, best),
            distributions=known,
            constraints={"latency": 0.5},
        )
    )
    assert all(distance(child, cells[2]) == 1 for child in asked(study, 5))


def test_with_several_objectives_the_front_wins_and_never_the_first_objective_alone() -> None:
    study = new_study(
        RegularizedEvolutionSampler(NB201, population_size=4, tournament=60, seed=1), 2
    )
    _, cells = filled(RegularizedEvolutionSampler(NB201), [0.0] * 4)
    for cell, values in zip(cells, [[0.9, 9.0], [0.1, 1.0], [0.8, 9.5], [0.05, 2.0]], strict=True):
        study.add_trial(
            optuna.create_trial(
                values=values,
                params=codec.to_params(NB201, cell),
                distributions=codec.distributions(NB201),
            )
        )
    children = asked(study, 12)
    assert all(min(distance(c, cells[0]), distance(c, cells[1])) == 1 for c in children)
    study.sampler = RegularizedEvolutionSampler(
        NB201,
        population_size=4,
        tournament=60,
        scalarise={"form": "weights", "weights": [0.0, 1.0]},
        seed=2,
    )
    assert all(distance(child, cells[1]) == 1 for child in asked(study, 10))


def test_crossover_mixes_two_winners_by_nodes() -> None:
    sampler = RegularizedEvolutionSampler(
        NB201, population_size=2, tournament=1, crossover_rate=1.0, seed=1
    )
    study, cells = filled(sampler, [0.5, 0.5])
    far = [min(distance(child, cell) for cell in cells) for child in asked(study, 30)]
    assert max(far) > 1  # a mutated clone of one parent would be at 1


def test_a_mutation_rate_changes_more_than_one_gene() -> None:
    sampler = RegularizedEvolutionSampler(
        NB201, population_size=2, tournament=60, mutation_rate=0.9, seed=1
    )
    study, cells = filled(sampler, [0.9, 0.1])
    assert all(distance(child, cells[0]) >= 3 for child in asked(study, 10))


def test_trials_are_in_the_order_in_which_they_ended() -> None:
    study = new_study(RegularizedEvolutionSampler(SMALL, seed=1))
    trials = [study.ask() for _ in range(3)]
    cells = [codec.suggest(trial, SMALL) for trial in trials]
    for at in (2, 0, 1):
        study.tell(trials[at], values_of(SMALL, cells[at], 1))
    rows = [
        seen_of(SMALL, cell, t.values, t.number)._replace(trial=t)
        for cell, t in zip(cells, study.trials, strict=True)
    ]
    assert [row.number for row in by_completion(rows)] == [2, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"population_size": 1}, r"population_size must be an integer from 2 on, got 1"),
        ({"population_size": 5.0}, r"population_size must be an integer from 2 on, got 5\.0"),
        ({"population_size": True}, r"population_size must be an integer"),
        ({"tournament": 0}, r"tournament must be an integer from 1 on, got 0"),
        ({"mutation_rate": 1.5}, r"mutation_rate must be a number in \[0, 1\], or None, got 1\.5"),
        ({"crossover_rate": "0.5"}, r"crossover_rate must be a number in \[0, 1\], got '0\.5'"),
        ({"crossover_rate": float("nan")}, r"crossover_rate must be a number"),
        ({"tournament": -1, "population_size": None}, r"(?s)population_size.*tournament"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSpecError, match=sentence):
        RegularizedEvolutionSampler(NB201, **arguments)


def test_a_bad_form_is_refused_at_once_and_one_that_does_not_fit_when_it_is_asked() -> None:
    with pytest.raises(UnknownNameError, match=r"form of scalarise 'best'"):
        RegularizedEvolutionSampler(NB201, scalarise="best")
    study = new_study(RegularizedEvolutionSampler(NB201, scalarise="log_cost", seed=1))
    with pytest.raises(InvalidSpecError, match=r"no objective besides the score"):
        codec.suggest(study.ask(), NB201)
