"""Random without repetition is uniform over what is left."""

from __future__ import annotations

import numpy as np
import pytest
from sampler_cases import SMALL, new_study
from scipy.stats import chisquare

from optunas import codec
from optunas.samplers.unique_random import UniqueRandomSampler
from optunas.space import DARTS, NB201, Choice, HyperSpace

ALLOWED = {SMALL.digest(m): m for m in SMALL.enumerate() if SMALL.is_connected(m)}


def test_a_draw_is_uniform_over_networks_that_are_left() -> None:
    tried = list(ALLOWED)[:2]
    counts = dict.fromkeys(list(ALLOWED)[2:], 0)
    for seed in range(300):
        study = new_study(UniqueRandomSampler(SMALL, seed=seed))
        for digest in tried:
            study.enqueue_trial(codec.to_params(SMALL, ALLOWED[digest]))
        for _ in tried:
            trial = study.ask()
            codec.suggest(trial, SMALL)
            study.tell(trial, 0.0)
        counts[SMALL.digest(codec.suggest(study.ask(), SMALL))] += 1  # a KeyError is a repetition
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_a_space_too_large_to_list_is_drawn_from() -> None:
    study = new_study(UniqueRandomSampler(DARTS, seed=1))
    found = {DARTS.digest(codec.suggest(study.ask(), DARTS)) for _ in range(10)}
    assert len(found) == 10


def test_rare_feasible_members_are_found() -> None:
    def feasible(cell: object) -> bool:
        return "none" not in str(cell) and "pool" not in str(cell) and "skip" not in str(cell)

    study = new_study(UniqueRandomSampler(NB201, feasible=feasible, identity="code", seed=1))
    found = {codec.suggest(study.ask(), NB201) for _ in range(64)}
    assert len(found) == 64  # two operations on six edges
    assert all(map(feasible, found))


@pytest.mark.parametrize("options", [1, 2])
def test_the_smallest_spaces_do(options: int) -> None:
    space = HyperSpace(a=Choice(tuple(range(options))), b=Choice(("x",)))
    study = new_study(UniqueRandomSampler(space, seed=1))
    found = []
    for _ in range(4):
        trial = study.ask()
        found.append(codec.suggest(trial, space)["a"])
        study.tell(trial, 0.0)
    assert set(found[:options]) == set(range(options))
    assert np.isin(found, range(options)).all()
