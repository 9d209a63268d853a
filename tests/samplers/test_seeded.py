"""A trial's suggestions depend on the study's seed, its number and the history, on nothing else."""

from __future__ import annotations

from collections.abc import Callable

import optuna
import pytest
from optuna.samplers import (
    BaseSampler,
    BruteForceSampler,
    NSGAIISampler,
    RandomSampler,
    TPESampler,
)
from optuna.trial import TrialState

from optunas.samplers import SeededSampler

Factory = Callable[[int], BaseSampler]


def random(seed: int) -> BaseSampler:
    return RandomSampler(seed=seed)


def nsga2(seed: int) -> BaseSampler:
    return NSGAIISampler(population_size=4, seed=seed)


def tpe(seed: int) -> BaseSampler:
    return TPESampler(n_startup_trials=3, seed=seed)


def brute_force(seed: int) -> BaseSampler:
    return BruteForceSampler(seed=seed)


def new_study(factory: Factory, seed: int = 7) -> optuna.Study:
    return optuna.create_study(
        directions=["minimize", "maximize"], sampler=SeededSampler(factory, seed)
    )


def go_on(study: optuna.Study, trials: int) -> None:
    for _ in range(trials):
        trial = study.ask()
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_int("y", 0, 9)
        kind = trial.suggest_categorical("kind", ["a", "b", "c"])
        study.tell(trial, [x + y, y - x + len(kind)])


def suggested(study: optuna.Study) -> list[dict[str, object]]:
    return [t.params for t in study.get_trials(deepcopy=False)]


@pytest.mark.parametrize("factory", [random, nsga2, tpe])
def test_a_resumed_run_suggests_what_an_uninterrupted_one_would(factory: Factory) -> None:
    whole, parts = new_study(factory), new_study(factory)
    go_on(whole, 14)
    for part in (3, 4, 7):
        go_on(parts, part)
        parts.sampler = SeededSampler(factory, 7)  # as a new process makes it
    assert suggested(parts) == suggested(whole)


@pytest.mark.parametrize("factory", [random, nsga2, tpe])
def test_no_trial_repeats_another_ones_stream(factory: Factory) -> None:
    study = new_study(factory)
    go_on(study, 3)  # drawn at random by all of them
    assert len({t["x"] for t in suggested(study)}) == 3


def test_another_seed_suggests_something_else() -> None:
    studies = [new_study(random, seed) for seed in (1, 2)]
    for study in studies:
        go_on(study, 5)
    assert suggested(studies[0]) != suggested(studies[1])


def test_workers_that_begin_together_do_not_repeat_each_other() -> None:
    storage = optuna.storages.InMemoryStorage()
    optuna.create_study(study_name="s", storage=storage, directions=["minimize", "minimize"])
    workers = [
        optuna.load_study(study_name="s", storage=storage, sampler=SeededSampler(random, 7))
        for _ in range(4)
    ]
    trials = [worker.ask() for worker in workers]
    assert len({trial.suggest_float("x", 0, 1) for trial in trials}) == 4


def test_interleaved_trials_suggest_what_separate_ones_would() -> None:
    apart, mixed = new_study(random), new_study(random)
    for _ in range(2):
        trial = apart.ask()
        values = [trial.suggest_float(name, 0, 1) for name in "xy"]
        assert values[0] != values[1]
        apart.tell(trial, [0.0, 0.0])
    pair = [mixed.ask(), mixed.ask()]
    for name in "xy":
        for trial in pair:
            trial.suggest_float(name, 0, 1)
    assert suggested(mixed) == suggested(apart)


def test_samplers_of_ended_trials_are_let_go() -> None:
    made = []

    def counted(seed: int) -> BaseSampler:
        made.append(seed)
        return RandomSampler(seed=seed)

    study = optuna.create_study(sampler=SeededSampler(counted, 7))
    for _ in range(20):
        study.tell(study.ask(), 0.0)
    assert len(study.sampler._inners) <= 1  # type: ignore[attr-defined]
    assert len(set(made)) >= 20


def test_it_says_what_it_wraps() -> None:
    assert "RandomSampler" in str(SeededSampler(random, 3))
    assert isinstance(SeededSampler(nsga2, 3).inner, NSGAIISampler)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_an_exhausted_sampler_is_told_apart_from_a_broken_one() -> None:
    study = optuna.create_study(sampler=SeededSampler(brute_force, 7))
    for number in range(3):
        assert not study.sampler.exhausted  # type: ignore[attr-defined]
        trial = study.ask()
        trial.suggest_categorical("a", ["p", "q", "r"])
        study.tell(trial, float(number))
    assert study.sampler.exhausted  # type: ignore[attr-defined]
    assert {t["a"] for t in suggested(study)} == {"p", "q", "r"}


def test_other_errors_of_a_sampler_are_not_hidden() -> None:
    class Broken(RandomSampler):
        def after_trial(self, study, trial, state, values):  # type: ignore[no-untyped-def]
            raise RuntimeError("the population is gone")

    study = optuna.create_study(sampler=SeededSampler(lambda seed: Broken(seed=seed), 7))
    trial = study.ask()
    with pytest.raises(RuntimeError, match=r"the population is gone"):
        study.tell(trial, 1.0)
    assert study.trials[0].state == TrialState.COMPLETE
