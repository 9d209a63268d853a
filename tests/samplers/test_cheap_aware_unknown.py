"""The sampler that knows the costs, where it is told none: several objectives to be predicted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import optuna
import pytest
from sampler_cases import SMALL, values_of

from optunas import codec, pareto
from optunas.samplers.cheap_aware import CheapAwareSampler
from optunas.space import Choice, HyperSpace

GENES, SIZES = 5, tuple("abcd")
SPACE = HyperSpace({f"c{at}": Choice(SIZES) for at in range(GENES)})
"""1,024 members: listed."""
WORTH = np.array([1.0, 1.2, 1.4, 0.4, 0.3])
WORK = np.array([1.0, 2.0, 3.0, 1.0, 2.0])


def measured(member: Mapping[str, str]) -> list[float]:
    """A skill and two costs, each a function of a sum over genes; the third has many ties."""
    size = np.array([SIZES.index(member[f"c{at}"]) for at in range(GENES)])
    skill = 0.5 + float((np.sqrt(size) * WORTH).sum()) / 20.0
    return [skill, float(1.0 + (size * WORK).sum()) ** 1.5, 3.0 + float((size - 1).clip(0).sum())]


def losses(values: list[list[float]]) -> np.ndarray:
    table = np.array(values)
    return np.c_[-table[:, 0], np.log(table[:, 1:])]


@pytest.mark.parametrize("seed", [0, 2])
def test_the_front_is_found_where_no_objective_is_known(seed: int) -> None:
    whole = losses([measured(member) for member in SPACE.enumerate()])
    low, high = whole.min(axis=0), whole.max(axis=0)

    def volume(points: np.ndarray) -> float:
        return pareto.hypervolume((points - low) / (high - low), ["minimize"] * 3, [1.01] * 3)

    sampler = CheapAwareSampler(SPACE, seed=seed)
    study = optuna.create_study(directions=["maximize", *["minimize"] * 2], sampler=sampler)
    for _ in range(40):
        trial = study.ask()
        study.tell(trial, measured(codec.suggest(trial, SPACE)))
    found = losses([list(t.values) for t in study.trials])
    assert volume(found) / volume(whole) > 0.83


def test_an_earlier_study_that_knows_no_costs_either_chooses_among_all_of_them() -> None:
    rng = np.random.default_rng(0)
    drawn = [SPACE.sample(rng) for _ in range(60)]
    earlier = [(member, measured(member)) for member in drawn]
    sampler = CheapAwareSampler(SPACE, seed=0, earlier=earlier)
    study = optuna.create_study(directions=["maximize", *["minimize"] * 2], sampler=sampler)
    for _ in range(8):
        trial = study.ask()
        study.tell(trial, measured(codec.suggest(trial, SPACE)))
    skills = np.array([t.values[0] for t in study.trials])
    best = max(measured(member)[0] for member in SPACE.enumerate())
    assert skills.max() > best - 0.06  # these cost most


@pytest.mark.parametrize("floor", [0.0, 0.3, 1.0])
def test_any_floor_goes_with_several_unknown_objectives(floor: float) -> None:
    sampler = CheapAwareSampler(SMALL, seed=0, floor=floor, startup_trials=4)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    for _ in range(9):
        trial = study.ask()
        study.tell(trial, values_of(SMALL, codec.suggest(trial, SMALL), 2))
    assert len({str(t.params) for t in study.trials}) == 9
