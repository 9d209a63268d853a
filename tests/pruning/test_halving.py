"""Successive halving and Hyperband for several objectives."""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from optunas.errors import InvalidSpecError
from optunas.pruning import ParetoHalvingPruner, ParetoHyperbandPruner, report, should_prune
from optunas.pruning.ladder import Ladder
from optunas.pruning.lineage import CHARGED, RESUMES, candidates
from optunas.pruning.view import as_pruners_see, begin_trial

MO = ("maximize", "minimize")


def study_of(pruner: ParetoHyperbandPruner, directions: Sequence[str] = MO) -> optuna.Study:
    return optuna.create_study(directions=directions, pruner=pruner)


def run(
    study: optuna.Study,
    values: Sequence[float],
    cost: float | None = 1.0,
    trial: optuna.Trial | None = None,
    begin: int = 0,
) -> optuna.trial.FrozenTrial:
    """Report the values one by one, tell the outcome, return the trial."""
    trial = study.ask() if trial is None else trial
    several = len(study.directions) > 1
    cheap: Mapping[int, float] | None = {1: cost} if several and cost is not None else None
    for step, value in enumerate(values, start=begin):
        report(trial, value, step, cheap=cheap)
        if step + 1 < begin + len(values) and should_prune(trial):
            study.tell(trial, state=TrialState.PRUNED)
            return study.trials[trial.number]
    study.tell(trial, (values[-1], cost or 0.0) if several else values[-1])
    return study.trials[trial.number]


def resumed(study: optuna.Study, number: int) -> optuna.Trial:
    template = optuna.trial.create_trial(
        state=TrialState.RUNNING, user_attrs={RESUMES: number}, params={}, distributions={}
    )
    return begin_trial(study, template)


def states(study: optuna.Study) -> str:
    return "".join(t.state.name[0] for t in study.trials)


# Rungs and brackets


def test_rungs_grow_by_eta() -> None:
    ladder = Ladder(2, 3, 2)
    assert ladder.rungs(0, 60) == [2, 6, 18, 54]
    assert ladder.rungs(1, 54) == [6, 18, 54]
    assert ladder.rungs(1, 5) == []


@given(st.integers(2, 5), st.integers(1, 5))
def test_brackets_share_the_trials_as_hyperband_does(eta: int, brackets: int) -> None:
    ladder = Ladder(1, eta, brackets)
    wanted = [math.ceil(brackets * eta**s / (s + 1)) for s in reversed(range(brackets))]
    turns = [ladder.bracket(number) for number in range(2 * sum(wanted))]
    assert [turns.count(b) for b in range(brackets)] == [2 * n for n in wanted]
    # In any beginning each bracket has about its share.
    for n in range(1, len(turns)):
        for b, share in enumerate(wanted):
            assert abs(turns[:n].count(b) - n * share / sum(wanted)) <= brackets


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"eta": 1}, "eta must be a whole number of at least 2, got 1"),
        ({"eta": 2.5}, "eta must be a whole number of at least 2, got 2.5"),
        ({"min_epochs": 0}, "min_epochs must be a whole number of at least 1, got 0"),
        ({"min_epochs": True}, "min_epochs must be a whole number of at least 1, got True"),
        ({"brackets": -1}, "brackets must be a whole number of at least 1, got -1"),
        ({"brackets": 21}, "brackets must be at most 20, got 21"),
        ({"eta": 0, "brackets": 0}, r"(?s)eta must be.*\n.*brackets must be"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSpecError, match=message):
        ParetoHyperbandPruner(**arguments)


def test_a_ladder_must_fit_the_training() -> None:
    Ladder(1, 3, 3).check(9)
    Ladder(1, 3, 3).check(4)  # the last bracket trains to the end
    with pytest.raises(InvalidSpecError, match=r"a trial has a single step here \(training\)"):
        Ladder(1, 3).check(1, "training")
    with pytest.raises(InvalidSpecError, match="min_epochs=9 is not below the 9 epochs of a whole"):
        Ladder(9, 3).check(9)
    with pytest.raises(InvalidSpecError, match=r"brackets=4 are too many for 9 epochs .*1 to 3"):
        Ladder(1, 3, 4).check(9)


# One objective: ASHA


def test_one_objective_is_asynchronous_successive_halving() -> None:
    study = study_of(ParetoHalvingPruner(1, 2), ("maximize",))
    for value in (0.5, 0.4, 0.6, 0.3):
        run(study, [value, value])
    # Alone; second of two; first of three; last of four.
    assert states(study) == "CPCP"


def test_without_rungs_on_the_way_nothing_is_pruned() -> None:
    study = study_of(ParetoHalvingPruner(5, 2), ("minimize",))
    for value in (0.1, 0.9, 0.5):
        run(study, [value] * 4)
    assert states(study) == "CCC"


def test_sparse_reports_are_judged_at_the_rung_they_pass() -> None:
    study = study_of(ParetoHalvingPruner(2, 2), ("maximize",))
    for value in (0.5, 0.4):
        trial = study.ask()
        for step in (0, 4):  # 1 epoch, then 5: past the rungs 2 and 4
            report(trial, value, step)
            if step == 0:
                assert not should_prune(trial)
        assert should_prune(trial) == (value == 0.4)
        report(trial, value, 5)
        assert not should_prune(trial)


# Several objectives


def test_what_dominates_decides_and_cheap_networks_survive() -> None:
    study = study_of(ParetoHalvingPruner(1, 2))
    run(study, [0.9, 0.9], cost=100.0)
    cheap = run(study, [0.2, 0.2], cost=1.0)  # first of its kind, second in rank
    worse = run(study, [0.1, 0.1], cost=2.0)
    run(study, [0.8, 0.8], cost=200.0)
    assert worse.state == TrialState.PRUNED
    # Two of four go on by now: both of the first front.
    assert study.pruner.promotable(as_pruners_see(study)) == [cheap.number]


def test_directions_are_obeyed() -> None:
    study = study_of(ParetoHalvingPruner(1, 2), ("minimize", "maximize"))
    run(study, [0.1, 0.1], cost=9.0)
    assert run(study, [0.2, 0.2], cost=8.0).state == TrialState.PRUNED
    assert run(study, [0.05, 0.05], cost=9.0).state == TrialState.COMPLETE


def test_nan_is_pruned_and_ranked_nowhere() -> None:
    study = study_of(ParetoHalvingPruner(1, 2))
    assert run(study, [math.nan, 0.9]).state == TrialState.PRUNED
    assert run(study, [0.1, 0.1]).state == TrialState.COMPLETE
    assert study.pruner.promotable(as_pruners_see(study)) == []


def test_a_cheap_value_that_is_missing_is_the_worst() -> None:
    study = study_of(ParetoHalvingPruner(1, 2))
    run(study, [0.5, 0.5], cost=5.0)
    assert run(study, [0.5, 0.5], cost=None).state == TrialState.PRUNED
    assert run(study, [0.5, 0.5], cost=math.inf).state == TrialState.PRUNED


def test_what_breaks_a_constraint_comes_last() -> None:
    study = study_of(ParetoHalvingPruner(1, 2))
    trial = study.ask()
    trial.set_constraint("cost", 1.0)
    run(study, [0.9, 0.9], trial=trial)
    assert run(study, [0.1, 0.1], cost=9.0).state == TrialState.COMPLETE
    trial = study.ask()
    trial.set_constraint("cost", 1.0)
    assert run(study, [0.99, 0.9], trial=trial).state == TrialState.PRUNED


def test_failed_trials_are_no_rivals() -> None:
    study = study_of(ParetoHalvingPruner(1, 2))
    trial = study.ask()
    report(trial, 0.99, 0, cheap={1: 0.1})
    study.tell(trial, state=TrialState.FAIL)
    assert run(study, [0.1, 0.1]).state == TrialState.COMPLETE


def test_brackets_do_not_compete() -> None:
    study = study_of(ParetoHyperbandPruner(1, 2, brackets=2), ("maximize",))
    brackets = [study.pruner.ladder.bracket(n) for n in range(6)]  # type: ignore[attr-defined]
    for number, bracket in enumerate(brackets):
        done = run(study, [0.9 - 0.1 * number] * 3)
        first = brackets.index(bracket) == number
        assert (done.state == TrialState.COMPLETE) == first
        # The second bracket's first rung comes twice as late.
        assert first or len(done.intermediate_values) == 1 + bracket


def test_two_study_objects_agree() -> None:
    storage = optuna.storages.InMemoryStorage()
    pruner = ParetoHalvingPruner(1, 2)
    first = optuna.create_study(directions=MO, pruner=pruner, storage=storage, study_name="one")
    other = optuna.load_study(
        study_name="one", storage=storage, pruner=pickle.loads(pickle.dumps(pruner))
    )
    values = [0.5, 0.7, 0.3, 0.9, 0.2]
    for i, value in enumerate(values):
        run((first, other)[i % 2], [value, value])
    alone = study_of(pruner)
    for value in values:
        run(alone, [value, value])
    assert states(first) == states(alone)


# Promotions


def promotable(study: optuna.Study) -> list[int]:
    assert isinstance(study.pruner, ParetoHyperbandPruner)
    return study.pruner.promotable(as_pruners_see(study))


def test_a_trial_is_promoted_when_others_made_room() -> None:
    study = study_of(ParetoHalvingPruner(1, 2), ("maximize",))
    run(study, [0.5] * 3)
    run(study, [0.4] * 3)
    run(study, [0.3] * 3)
    assert promotable(study) == []
    run(study, [0.2] * 3)
    assert promotable(study) == [1]


def test_a_promoted_trial_is_not_promoted_again_and_not_judged_again() -> None:
    study = study_of(ParetoHalvingPruner(1, 2), ("maximize",))
    for value in (0.5, 0.4, 0.3, 0.2):
        run(study, [value] * 4)
    trial = resumed(study, 1)
    assert promotable(study) == []
    report(trial, 0.4, 0)
    report(trial, 0.4, 1)  # rung 2, where trial 0 was first: second of two
    assert should_prune(trial)
    study.tell(trial, state=TrialState.PRUNED)
    run(study, [0.1] * 4)
    assert promotable(study) == []
    assert [c.root for c in candidates(study.trials)] == [0, 1, 2, 3, 5]


def test_a_promotion_that_lost_its_checkpoint_is_not_judged_at_its_old_rungs() -> None:
    study = study_of(ParetoHalvingPruner(2, 2), ("maximize",))
    for value in (0.5, 0.4, 0.3, 0.2):
        run(study, [value] * 6)
    run(study, [0.9] * 6)  # takes the room of trial 1 while it trains
    run(study, [0.8] * 6)
    trial = resumed(study, 1)
    for step in (0, 1, 2):
        report(trial, 0.4, step)
        assert not should_prune(trial)


def test_chains_are_one_candidate_at_each_rung() -> None:
    study = study_of(ParetoHalvingPruner(1, 2), ("maximize",))
    for value in (0.5, 0.4, 0.3, 0.2):
        run(study, [value] * 4)
    run(study, [0.4, 0.45, 0.45, 0.45], trial=resumed(study, 1))
    (one,) = [c for c in candidates(study.trials) if c.root == 1]
    assert one.epochs == 2
    assert one.begun == 1
    assert one.waiting
    assert one.last.number == 4


@pytest.mark.parametrize(
    ("attrs", "deaths", "again"),
    [
        ({"lost": True}, 2, True),
        ({"lost": True}, 3, False),
        ({"lost": True, CHARGED: False}, 9, True),
        ({}, 1, False),
    ],
)
def test_promotions_that_failed(attrs: dict[str, Any], deaths: int, again: bool) -> None:
    study = study_of(ParetoHalvingPruner(1, 2), ("maximize",))
    for value in (0.5, 0.4, 0.3, 0.2):
        run(study, [value] * 4)
    for _ in range(deaths):
        trial = resumed(study, 1)
        for name, value in attrs.items():
            trial.set_user_attr(name, value)
        study.tell(trial, state=TrialState.FAIL)
    assert (promotable(study) == [1]) == again


def test_higher_rungs_are_promoted_first() -> None:
    rng = np.random.default_rng(1)
    study = study_of(ParetoHalvingPruner(1, 2), ("maximize",))
    seen = set()
    for _ in range(40):
        run(study, rng.random(5).tolist())
        found = promotable(study)
        rungs = [len(study.trials[number].intermediate_values) for number in found]
        assert rungs == sorted(rungs, reverse=True)
        seen.add(len(set(rungs)))
    assert max(seen) > 1


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=14),
    st.integers(2, 3),
)
def test_what_is_hopeless_is_never_promoted(points: list[tuple[int, int]], eta: int) -> None:
    """Whatever comes after: the trials that follow are drawn from the same points."""
    study = study_of(ParetoHalvingPruner(1, eta))
    given_up: set[int] = set()
    for i, (value, cost) in enumerate(points):
        run(study, [value / 10] * 3, cost=float(cost))
        assert not given_up & set(promotable(study))
        left = len(points) - 1 - i
        now = set(study.pruner.hopeless(as_pruners_see(study), left))  # type: ignore[attr-defined]
        assert not now & set(promotable(study))
        given_up |= now
    assert study.pruner.hopeless(as_pruners_see(study), math.inf) == []  # type: ignore[attr-defined]


def test_a_running_trial_that_has_not_reported_yet_may_still_make_room() -> None:
    study = study_of(ParetoHalvingPruner(1, 3), ("maximize",))
    for value in (0.5, 0.4, 0.3, 0.2, 0.1):
        run(study, [value] * 3)
    pruner, see = ParetoHalvingPruner(1, 3), as_pruners_see(study)
    assert 1 in pruner.hopeless(see, 0)
    begun = study.ask()
    assert 1 not in pruner.hopeless(see, 0)
    run(study, [0.05] * 3, trial=begun)
    assert promotable(study) == [1]


def test_survivors_are_about_one_in_eta_at_each_rung() -> None:
    rng = np.random.default_rng(0)
    study = study_of(ParetoHalvingPruner(1, 3))
    for _ in range(60):
        run(study, [float(rng.random())] * 10, cost=float(rng.random()))
    lengths = [candidate.epochs for candidate in candidates(as_pruners_see(study).trials)]
    counts = [sum(n >= rung for n in lengths) for rung in (1, 3, 9)]
    for more, fewer in pairwise(counts):
        assert more / 3 <= fewer + 1 <= more / 2 + 2
