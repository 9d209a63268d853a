"""What the samplers that learn promise: every space, no repetition, no state but the trials."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from sampler_cases import SMALL, SPACES, go_on, members, new_study, values_of

from optunas import codec
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers.reinforce import ReinforceSampler
from optunas.samplers.surrogate import SurrogateSampler

Make = Callable[..., BaseSampler]


def reinforce(*args: Any, **more: Any) -> BaseSampler:
    return ReinforceSampler(*args, **{"hidden_size": 6, "batch_size": 3, **more})


def surrogate(*args: Any, **more: Any) -> BaseSampler:
    settings = {"regressor": "bayesian_ridge", "startup_trials": 4, "candidates": 12}
    return SurrogateSampler(*args, **{**settings, **more})


SAMPLERS: dict[str, Make] = {"reinforce": reinforce, "surrogate": surrogate}
EVERY = pytest.mark.parametrize("make", SAMPLERS.values(), ids=SAMPLERS.keys())
HYPER = SPACES["hyper"]


@EVERY
@pytest.mark.parametrize("kind", SPACES)
@pytest.mark.parametrize("objectives", [1, 3])
def test_every_space_is_searched_without_repetition(
    make: Make, kind: str, objectives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To list more takes seconds.
    monkeypatch.setattr("optunas.samplers.trials.members.ENUMERATED", 1000)
    space = SPACES[kind]
    study = new_study(make(space, seed=1), objectives)
    go_on(study, space, 14)
    digests = [space.digest(member) for member in members(study, space)]
    assert len(set(digests)) == 14


@EVERY
@pytest.mark.parametrize("kind", ["joint", "hyper"])
@pytest.mark.parametrize("objectives", [1, 3])
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


ELSEWHERE = """
import json, sys
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
sys.path.insert(0, sys.argv[1])
from sampler_cases import SPACES
from samplers.test_learning_samplers import SAMPLERS
from optunas import codec

storage = JournalStorage(JournalFileBackend(sys.argv[2]))
found = []
for name in SAMPLERS:
    sampler = SAMPLERS[name](SPACES["hyper"], seed=1)
    study = optuna.load_study(study_name=name, storage=storage, sampler=sampler)
    found.append(dict(codec.suggest(study.ask(), SPACES["hyper"])))
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_new_process_suggests_the_same_bit_for_bit(tmp_path: Path) -> None:
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "log")))
    here = []
    for name, make in SAMPLERS.items():
        study = new_study(make(HYPER, seed=1), 2, storage=storage, study_name=name)
        go_on(study, HYPER, 20)
        trial = study.ask()
        here.append(dict(codec.suggest(trial, HYPER)))
        # The other process asks for a trial of the same number with the same history.
        copied = optuna.create_study(directions=["maximize", "minimize"])
        copied.add_trials(study.trials[:-1])
        optuna.delete_study(study_name=name, storage=storage)
        again = optuna.create_study(
            study_name=name, storage=storage, directions=["maximize", "minimize"]
        )
        again.add_trials(copied.trials)
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(Path(__file__).parents[1]), str(tmp_path / "log")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"},
    )
    assert json.loads(done.stdout.splitlines()[-1]) == here


@EVERY
def test_another_seed_suggests_something_else(make: Make) -> None:
    studies = [new_study(make(HYPER, seed=seed)) for seed in (1, 2)]
    for study in studies:
        go_on(study, HYPER, 6)
    assert members(studies[0], HYPER) != members(studies[1], HYPER)


@EVERY
def test_one_sampler_serves_two_studies_in_turn(make: Make) -> None:
    sampler = make(HYPER, seed=1)
    alone = [new_study(make(HYPER, seed=1)), new_study(make(HYPER, seed=1), 3)]
    shared = [new_study(sampler), new_study(sampler, 3)]
    for study in alone:
        go_on(study, HYPER, 12)
    for _ in range(4):
        for study in shared:
            go_on(study, HYPER, 3)
    assert [members(s, HYPER) for s in shared] == [members(s, HYPER) for s in alone]


@EVERY
@pytest.mark.parametrize("objectives", [1, 3])
@pytest.mark.parametrize("space", [SMALL, HYPER], ids=["listed", "continuous"])
def test_workers_with_one_seed_do_not_collide(make: Make, objectives: int, space: Any) -> None:
    storage = optuna.storages.InMemoryStorage()
    first = new_study(make(space, seed=1), objectives, storage=storage, study_name="s")
    workers = [first] + [
        optuna.load_study(study_name="s", storage=storage, sampler=make(space, seed=1))
        for _ in range(2)
    ]
    asked = []
    for turn in range(3):  # the small space has ten networks
        trials = [worker.ask() for worker in workers]
        found = [codec.suggest(trial, space) for trial in trials]
        asked += found
        for at in [0, 1, 2] if turn % 2 else [2, 0, 1]:
            workers[at].tell(trials[at], values_of(space, found[at], objectives))
    assert len({space.digest(member) for member in asked}) == 9


@EVERY
def test_what_runs_or_waits_is_not_proposed_again(make: Make) -> None:
    study = new_study(make(SMALL, seed=1))
    listed = {SMALL.digest(m): m for m in SMALL.enumerate() if SMALL.is_connected(m)}
    for member in list(listed.values())[:3]:
        study.enqueue_trial(codec.to_params(SMALL, member))
    go_on(study, SMALL, 4)
    trials = [study.ask() for _ in range(len(listed) - 4)]
    found = [SMALL.digest(codec.suggest(trial, SMALL)) for trial in reversed(trials)]
    found += [SMALL.digest(member) for member in members(study, SMALL)[:4]]
    assert sorted(found) == sorted(listed)


@EVERY
def test_infeasible_members_are_never_proposed(make: Make) -> None:
    def feasible(cell: Any) -> bool:
        return sum(edge.operation == "nor_conv_3x3" for edge in cell.edges) <= 1

    study = new_study(make(SMALL, feasible=feasible, seed=1), 3)
    wanted = {SMALL.digest(m) for m in SMALL.enumerate() if feasible(m) and SMALL.is_connected(m)}
    go_on(study, SMALL, len(wanted))
    assert {SMALL.digest(cell) for cell in members(study, SMALL)} == wanted


@EVERY
def test_a_space_without_a_feasible_member_still_gets_one(make: Make) -> None:
    study = new_study(make(SMALL, feasible=lambda cell: False, seed=1))
    go_on(study, SMALL, 6)
    assert len(study.trials) == 6


@EVERY
@pytest.mark.filterwarnings("ignore:The value nan is not acceptable")
@pytest.mark.parametrize("bad", [float("inf"), -float("inf"), float("nan")])
def test_values_that_are_not_finite_do_no_harm(make: Make, bad: float) -> None:
    study = new_study(make(HYPER, seed=1), 2)
    for number in range(16):
        trial = study.ask()
        good = values_of(HYPER, codec.suggest(trial, HYPER), 2)
        study.tell(trial, [bad, good[1]] if number % 3 == 2 else good)
    assert len(study.trials) == 16


@EVERY
def test_studies_in_which_nothing_ends_well_go_on(make: Make) -> None:
    study = new_study(make(HYPER, seed=1))
    for number in range(15):
        trial = study.ask()
        codec.suggest(trial, HYPER)
        study.tell(trial, state=TrialState.PRUNED if number % 2 else TrialState.FAIL)
    assert len({HYPER.digest(member) for member in members(study, HYPER)}) == 15


@EVERY
def test_enqueued_trials_are_run_and_learned_from(make: Make) -> None:
    best = {"optimizer": "sgd", "momentum": 0.9, "lr": 0.1, "width": 64, "epochs": 10}
    studies = [new_study(make(HYPER, seed=1)) for _ in range(2)]
    studies[0].enqueue_trial(best)
    for study in studies:
        go_on(study, HYPER, 30)
    assert studies[0].trials[0].params == best
    assert members(studies[0], HYPER)[9:] != members(studies[1], HYPER)[9:]


@EVERY
def test_it_survives_pickling(make: Make) -> None:
    study = new_study(make(HYPER, seed=1))
    go_on(study, HYPER, 9)
    copied = pickle.loads(pickle.dumps(study.sampler))
    other = new_study(copied)
    other.add_trials(study.trials)
    for each in (study, other):
        go_on(each, HYPER, 3)
    assert members(study, HYPER) == members(other, HYPER)


@EVERY
def test_threads_may_share_it(make: Make) -> None:
    study = new_study(make(HYPER, seed=1))
    study.optimize(
        lambda trial: values_of(HYPER, codec.suggest(trial, HYPER), 1)[0], n_trials=16, n_jobs=3
    )
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 16


@EVERY
def test_the_scalarisation_is_what_counts(make: Make) -> None:
    """With all weight on one objective it goes as a study of that objective alone."""
    several = new_study(make(HYPER, seed=1, scalarise={"form": "weights", "weights": [0, 1]}), 2)
    alone = optuna.create_study(direction="minimize", sampler=make(HYPER, seed=1))
    for _ in range(18):
        for study in (several, alone):
            trial = study.ask()
            values = values_of(HYPER, codec.suggest(trial, HYPER), 2)
            study.tell(trial, values if study is several else values[1])
    assert members(several, HYPER) == members(alone, HYPER)


@EVERY
def test_several_objectives_are_not_the_first_alone(make: Make) -> None:
    several, alone = new_study(make(HYPER, seed=1), 2), new_study(make(HYPER, seed=1))
    for study in (several, alone):
        go_on(study, HYPER, 20)
    assert members(several, HYPER) != members(alone, HYPER)


@EVERY
def test_a_scalarisation_that_does_not_fit_the_study_is_refused(make: Make) -> None:
    sampler = make(HYPER, scalarise={"form": "weights", "weights": [1, 2, 3]}, seed=1)
    trial = new_study(sampler, 2).ask()
    with pytest.raises(InvalidSpecError, match=r"3 weights for 2 objectives"):
        codec.suggest(trial, HYPER)


@EVERY
def test_an_unknown_scalarisation_is_refused(make: Make) -> None:
    with pytest.raises(UnknownNameError, match=r"form of scalarise 'chebychev'"):
        make(HYPER, scalarise="chebychev")


@EVERY
def test_broken_constraints_count_as_bad(make: Make) -> None:
    """The same values, but wide members break a constraint: they are tried less."""

    def mean_width(bound: float) -> float:
        found = []
        for seed in range(3):
            study = new_study(make(HYPER, seed=seed))
            for _ in range(45):
                trial = study.ask()
                member = codec.suggest(trial, HYPER)
                trial.set_constraint("width", member["width"] - bound)
                study.tell(trial, values_of(HYPER, member, 1))
            found += [member["width"] for member in members(study, HYPER)[20:]]
        return float(np.mean(np.log(found)))

    assert mean_width(10.0) < mean_width(1000.0)
