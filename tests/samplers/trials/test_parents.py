"""Parents that are kept are those that the study holds."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.samplers import NSGAIIISampler, NSGAIISampler
from optuna.storages import InMemoryStorage

from optunas.samplers import SeededSampler
from optunas.samplers.trials.parents import KEPT, Parents

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")

Kind = type[NSGAIISampler] | type[NSGAIIISampler]
BOTH = pytest.mark.parametrize("kind", [NSGAIISampler, NSGAIIISampler])


class Counting(InMemoryStorage):
    """Counts how often the study's system attributes are read."""

    reads = 0

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        self.reads += 1
        return super().get_study_system_attrs(study_id)


def run(kind: Kind, trials: int, parents: Parents | None) -> tuple[optuna.Study, int]:
    """A study with a new sampler for each trial, as :class:`SeededSampler` makes it."""

    def make(seed: int) -> NSGAIISampler | NSGAIIISampler:
        sampler = kind(population_size=4, seed=seed)
        if parents is not None:
            parents.share_with(sampler)
        return sampler

    storage = Counting()
    study = optuna.create_study(
        storage=storage, directions=["minimize", "maximize"], sampler=SeededSampler(make, 3)
    )
    storage.reads = 0
    for _ in range(trials):
        trial = study.ask()
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_int("y", 0, 9)
        kinds = trial.suggest_categorical("kind", ["a", "b", "c"])
        study.tell(trial, [x + y, y - x + "abc".index(kinds)])
    return study, storage.reads


@BOTH
def test_a_study_goes_as_without_them(kind: Kind) -> None:
    plain, _ = run(kind, 30, None)
    kept, _ = run(kind, 30, Parents())
    assert [t.params for t in kept.trials] == [t.params for t in plain.trials]


@BOTH
def test_the_study_is_read_twice_a_generation(kind: Kind) -> None:
    _, plain = run(kind, 80, None)
    _, kept = run(kind, 80, Parents())
    assert kept <= 3 * (80 // 4)
    assert kept < plain


def test_few_generations_are_kept() -> None:
    parents = Parents()
    run(NSGAIISampler, 60, parents)
    assert len(parents._kept) == KEPT


def test_parents_that_another_process_selected_win() -> None:
    parents = Parents()
    study, _ = run(NSGAIISampler, 8, parents)
    sampler = NSGAIISampler(population_size=4, seed=1)
    parents.share_with(sampler)
    sampler.get_parent_population(study, 2)  # selects, and writes
    others = [t._trial_id for t in study.trials[:2]]
    study._storage.set_study_system_attr(study._study_id, "NSGAIISampler:parent:2", others)
    for _ in range(2):
        assert [t._trial_id for t in sampler.get_parent_population(study, 2)] == others


def test_what_is_handed_out_is_a_copy() -> None:
    parents = Parents()
    study, _ = run(NSGAIISampler, 12, parents)
    sampler = NSGAIISampler(population_size=4, seed=1)
    parents.share_with(sampler)
    first = sampler.get_parent_population(study, 1)
    first.clear()
    assert sampler.get_parent_population(study, 1)
