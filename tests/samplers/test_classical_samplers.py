"""What all classical samplers promise: every space, no repetition, no state but the trials."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from sampler_cases import (
    CELL,
    CHOICES,
    SAMPLERS,
    SMALL,
    SPACES,
    Make,
    go_on,
    members,
    new_study,
    values_of,
)

from optunas import codec
from optunas.errors import InvalidSpecError
from optunas.samplers import SeededSampler

EVERY = pytest.mark.parametrize("make", SAMPLERS.values(), ids=SAMPLERS.keys())
LEARNING = [name for name in SAMPLERS if name != "unique_random"]


def wrapped(sampler: BaseSampler, seed: int) -> SeededSampler:
    """As a study makes it by name: one sampler for all trials."""
    return SeededSampler(lambda _: sampler, seed)


@EVERY
@pytest.mark.parametrize("kind", SPACES)
@pytest.mark.parametrize("objectives", [1, 3])
def test_every_space_is_searched_without_repetition(make: Make, kind: str, objectives: int) -> None:
    space = SPACES[kind]
    study = new_study(make(space, seed=1), objectives)
    go_on(study, space, 18)
    digests = [space.digest(member) for member in members(study, space)]
    assert len(set(digests)) == 18


@EVERY
@pytest.mark.parametrize(("kind", "objectives"), [("cell", 3), ("hyper", 1)])
def test_a_resumed_run_suggests_what_an_uninterrupted_one_would(
    make: Make, kind: str, objectives: int
) -> None:
    space = SPACES[kind]
    whole, parts = (new_study(make(space, seed=1), objectives) for _ in range(2))
    go_on(whole, space, 24)
    for part in (9, 1, 14):
        go_on(parts, space, part)
        parts.sampler = make(space, seed=1)  # as a new process makes it
    assert members(parts, space) == members(whole, space)


@EVERY
def test_it_can_be_wrapped_as_a_study_does(make: Make) -> None:
    plain, by_study = new_study(make(CELL, seed=1), 3), new_study(make(CELL, seed=1), 3)
    by_study.sampler = wrapped(by_study.sampler, 5)
    for study in (plain, by_study):
        go_on(study, CELL, 20)
    assert members(plain, CELL) == members(by_study, CELL)


@EVERY
def test_another_seed_suggests_something_else(make: Make) -> None:
    studies = [new_study(make(CELL, seed=seed)) for seed in (1, 2)]
    for study in studies:
        go_on(study, CELL, 6)
    assert members(studies[0], CELL) != members(studies[1], CELL)


@EVERY
@pytest.mark.parametrize("objectives", [1, 3])
def test_workers_with_one_seed_do_not_collide(make: Make, objectives: int) -> None:
    storage = optuna.storages.InMemoryStorage()
    first = new_study(make(CELL, seed=1), objectives, storage=storage, study_name="s")
    workers = [first] + [
        optuna.load_study(study_name="s", storage=storage, sampler=make(CELL, seed=1))
        for _ in range(2)
    ]
    asked = []
    for turn in range(12):
        trials = [worker.ask() for worker in workers]
        cells = [codec.suggest(trial, CELL) for trial in trials]
        asked += cells
        order = [0, 1, 2] if turn % 2 else [2, 0, 1]
        for at in order:
            workers[at].tell(trials[at], values_of(CELL, cells[at], objectives))
    assert len({CELL.digest(cell) for cell in asked}) == 36


@EVERY
def test_trials_under_way_and_waiting_are_not_proposed_again(make: Make) -> None:
    study = new_study(make(SMALL, seed=1))
    listed = {SMALL.digest(m): m for m in SMALL.enumerate() if SMALL.is_connected(m)}
    for member in list(listed.values())[:3]:
        study.enqueue_trial(codec.to_params(SMALL, member))
    trials = [study.ask() for _ in listed]
    found = [SMALL.digest(codec.suggest(trial, SMALL)) for trial in reversed(trials)]
    assert sorted(found) == sorted(listed)


@EVERY
@pytest.mark.parametrize("identity", ["digest", "code"])
def test_a_small_space_is_gone_through_whole_and_then_again(make: Make, identity: Any) -> None:
    study = new_study(make(SMALL, identity=identity, seed=1))
    allowed = [m for m in SMALL.enumerate() if SMALL.is_connected(m)]
    wanted = set(allowed) if identity == "code" else {SMALL.digest(m) for m in allowed}
    for _ in range(len(wanted)):
        trial = study.ask()
        study.tell(trial, values_of(SMALL, codec.suggest(trial, SMALL), 1))
    found = members(study, SMALL)
    assert {m if identity == "code" else SMALL.digest(m) for m in found} == wanted
    trial = study.ask()  # nothing is left: one of them again
    assert SMALL.is_connected(codec.suggest(trial, SMALL))


@EVERY
def test_infeasible_members_are_never_proposed(make: Make) -> None:
    def feasible(cell: Any) -> bool:
        return sum(edge.operation == "nor_conv_3x3" for edge in cell.edges) <= 1

    study = new_study(make(CELL, feasible=feasible, seed=1), 3)
    go_on(study, CELL, 30)
    found = members(study, CELL)
    assert all(feasible(cell) and CELL.is_connected(cell) for cell in found)


@EVERY
def test_a_space_without_a_feasible_member_still_gets_one(make: Make) -> None:
    study = new_study(make(SMALL, feasible=lambda cell: False, seed=1))
    go_on(study, SMALL, 6)
    assert len(study.trials) == 6


@EVERY
@pytest.mark.filterwarnings("ignore:The value nan is not acceptable")
@pytest.mark.parametrize("bad", [float("inf"), -float("inf"), float("nan")])
def test_values_that_are_not_finite_do_no_harm(make: Make, bad: float) -> None:
    study = new_study(make(CELL, seed=1), 2)
    for number in range(24):
        trial = study.ask()
        values = values_of(CELL, codec.suggest(trial, CELL), 2)
        study.tell(trial, [bad, values[1]] if number % 3 == 0 else values)
    assert len({CELL.digest(cell) for cell in members(study, CELL)}) == 24


@EVERY
def test_a_study_of_failures_alone_goes_on(make: Make) -> None:
    study = new_study(make(CELL, seed=1), 3)
    for _ in range(15):
        trial = study.ask()
        codec.suggest(trial, CELL)
        study.tell(trial, state=TrialState.FAIL)
    assert len(set(members(study, CELL))) == 15


@EVERY
def test_trials_of_other_parameters_are_passed_over(make: Make) -> None:
    study = new_study(make(CELL, seed=1))
    for value in (1.0, 2.0):
        study.add_trial(
            optuna.create_trial(
                value=value, params={"x": 0.5}, distributions={"x": FloatDistribution(0, 1)}
            )
        )
    trial = study.ask()
    study.tell(trial, state=TrialState.FAIL)  # asked for nothing
    go_on(study, CELL, 12)
    assert len(study.trials) == 15


@EVERY
def test_without_a_space_optunas_distributions_do(make: Make) -> None:
    study = new_study(make(seed=1), 2)
    for _ in range(25):
        trial = study.ask()
        x = trial.suggest_float("x", 0, 1)
        y = trial.suggest_int("y", 0, 9, step=3)
        kind = trial.suggest_categorical("kind", [None, True, 1.5, "a"])
        study.tell(trial, [x + y, y - x + [None, True, 1.5, "a"].index(kind)])
    found = [tuple(t.params.items()) for t in study.trials]
    assert len(set(found)) == 25


@EVERY
def test_a_trial_that_asks_for_more_than_the_space_gets_it(make: Make) -> None:
    study = new_study(make(CELL, seed=1))
    for _ in range(10):
        trial = study.ask()
        codec.suggest(trial, CELL)
        study.tell(trial, trial.suggest_float("more", 0, 1))
    assert len({t.params["more"] for t in study.trials}) == 10


@EVERY
def test_one_sampler_serves_several_studies(make: Make) -> None:
    alone = [new_study(make(CELL, seed=1), k) for k in (1, 2)]
    shared = make(CELL, seed=1)
    both = [new_study(shared, k) for k in (1, 2)]
    for _ in range(3):
        for study in (*alone, *both):
            go_on(study, CELL, 5)
    for one, other in zip(alone, both, strict=True):
        assert members(one, CELL) == members(other, CELL)


@EVERY
def test_threads_share_a_sampler(make: Make) -> None:
    study = new_study(make(CELL, seed=1), 2)

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        return tuple(values_of(CELL, codec.suggest(trial, CELL), 2))

    study.optimize(objective, n_trials=30, n_jobs=3)
    assert all(t.state == TrialState.COMPLETE for t in study.trials)
    assert len(study.trials) == 30


@EVERY
def test_fixed_distributions_are_enough(make: Make) -> None:
    study = new_study(make(seed=1))
    known = {
        "a": CategoricalDistribution(["p", "q"]),
        "b": IntDistribution(1, 3),
        "c": CategoricalDistribution(["only"]),
    }
    found = set()
    for _ in range(6):
        trial = study.ask(known)
        study.tell(trial, float(trial.params["b"]))
        found.add((trial.params["a"], trial.params["b"]))
    assert len(found) >= 5  # the first is Optuna's own, drawn before the space is known


@EVERY
def test_a_stored_study_gives_what_one_in_memory_gives(make: Make, tmp_path: Any) -> None:
    journal = JournalStorage(JournalFileBackend(str(tmp_path / "s.log")))
    memory = new_study(make(CELL, seed=1), 2)
    stored = new_study(make(CELL, seed=1), 2, storage=journal)
    for study in (memory, stored):
        go_on(study, CELL, 12)
    assert members(memory, CELL) == members(stored, CELL)


@pytest.mark.parametrize("name", SAMPLERS)
def test_it_can_be_pickled_in_the_middle_of_a_study(name: str) -> None:
    study = new_study(SAMPLERS[name](CELL, seed=1), 2)
    go_on(study, CELL, 12)
    again = pickle.loads(pickle.dumps(study.sampler))
    other = new_study(SAMPLERS[name](CELL, seed=1), 2)
    go_on(other, CELL, 12)
    other.sampler = again
    for one in (study, other):
        go_on(one, CELL, 6)
    assert members(study, CELL) == members(other, CELL)


@pytest.mark.parametrize("name", LEARNING)
def test_it_beats_random_search(name: str) -> None:
    def best(make: Make) -> list[float]:
        found = []
        for seed in range(6):
            study = new_study(make(CHOICES, seed=seed))
            for _ in range(60):
                trial = study.ask()
                study.tell(trial, values_of(CHOICES, codec.suggest(trial, CHOICES), 1))
            found.append(study.best_value)
        return found

    assert np.mean(best(SAMPLERS[name])) > np.mean(best(SAMPLERS["unique_random"]))


@EVERY
@pytest.mark.parametrize(
    ("argument", "value", "sentence"),
    [
        ("space", "nb201", r"space must be a Space such as optunas\.NB201, or None, got 'nb201'"),
        ("identity", "network", r"unknown identity 'network'.*Known: code, digest"),
        ("seed", -1, r"seed must be an integer from 0 on, or None, got -1"),
        ("seed", 1.5, r"seed must be an integer from 0 on, or None, got 1\.5"),
        ("name", 7, r"name must be a string, or None, got 7"),
        ("feasible", True, r"feasible must be a function of a member, or None, got True"),
        ("known", {1: 2.0}, r"known must be a function of a member, or None, got \{1: 2\.0\}"),
    ],
)
def test_what_all_samplers_take_is_checked(
    make: Make, argument: str, value: Any, sentence: str
) -> None:
    with pytest.raises(InvalidSpecError, match=sentence):
        make(**{argument: value})


@EVERY
def test_all_faults_are_named_at_once(make: Make) -> None:
    with pytest.raises(InvalidSpecError, match=r"(?s)space must be.*identity.*seed must be"):
        make("x", identity=1, seed="a")
