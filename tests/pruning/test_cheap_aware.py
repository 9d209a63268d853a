"""The cheap-aware median: whom it spares, whom it prunes, and when it waits."""

from __future__ import annotations

import copy
import math
import pickle
import statistics
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.pruners import MedianPruner, NopPruner, PatientPruner
from optuna.trial import TrialState, create_trial

from optunas.errors import InvalidSpecError
from optunas.pruning import CheapAwareMedianPruner, report, should_prune
from optunas.pruning.history import best_by_step

DIRECTIONS = ["maximize", "minimize", "minimize"]


def pruner(**options) -> CheapAwareMedianPruner:
    """One that judges from the first step and the first rival on, by the median alone."""
    plain = {"n_startup_trials": 0, "n_warmup_steps": 0, "n_min_rivals": 1, "n_precedents": 0}
    return CheapAwareMedianPruner(**{**plain, **options})


def study_of(rows: list[tuple[list[float], dict[int, float]]], rule, directions=DIRECTIONS):
    """A study whose completed trials have these curves and cheap values."""
    study = optuna.create_study(directions=directions, pruner=NopPruner())
    for curve, cheap in rows:
        trial = study.ask()
        for step, value in enumerate(curve):
            report(trial, value, step, cheap=cheap)
        final = [curve[-1], *(cheap.get(i, 0.0) for i in range(1, len(directions)))]
        study.tell(trial, [0.0 if math.isnan(v) else v for v in final])
    study.pruner = rule
    return study


def judged(study: optuna.Study, curve: list[float], cheap: dict[int, float] | None) -> bool:
    """Whether a new trial is pruned after its last value."""
    trial = study.ask()
    for step, value in enumerate(curve):
        report(trial, value, step, cheap=cheap)
    decision = should_prune(trial)
    study.tell(trial, state=TrialState.PRUNED)
    return decision


LARGE = [([0.5, 0.9], {1: 10.0, 2: 1000.0}) for _ in range(5)]


def test_a_small_network_is_not_judged_by_large_ones():
    assert not judged(study_of(LARGE, pruner()), [0.1], {1: 1.0, 2: 100.0})
    assert judged(study_of(LARGE, MedianPruner()), [0.1], {1: 1.0, 2: 100.0})
    assert judged(study_of(LARGE, pruner()), [0.1], {1: 10.0, 2: 1000.0})


def test_every_cheap_objective_counts():
    # Slower but smaller, faster but larger: neither is dominated.
    assert not judged(study_of(LARGE, pruner()), [0.1], {1: 20.0, 2: 100.0})
    assert not judged(study_of(LARGE, pruner()), [0.1], {1: 1.0, 2: 9999.0})


def test_a_cheap_objective_may_be_maximised():
    directions = ["maximize", "maximize"]
    rows = [([0.5], {1: 0.9})] * 3
    assert not judged(study_of(rows, pruner(), directions), [0.1], {1: 0.99})
    assert judged(study_of(rows, pruner(), directions), [0.1], {1: 0.8})


def test_the_reported_objective_may_be_minimised_and_stand_last():
    study = optuna.create_study(directions=["minimize", "minimize"], pruner=pruner())
    for _ in range(3):
        trial = study.ask()
        report(trial, 0.5, 0, cheap={0: 10.0}, objective=1)
        study.tell(trial, [10.0, 0.5])
    for value, cost, expected in ((0.6, 10.0, True), (0.4, 10.0, False), (0.6, 5.0, False)):
        trial = study.ask()
        report(trial, value, 0, cheap={0: cost}, objective=1)
        assert should_prune(trial) is expected


@pytest.mark.parametrize(
    ("options", "cheap", "expected"),
    [
        ({}, {1: 9.6, 2: 960.0}, True),
        ({}, {1: 9.4, 2: 1000.0}, False),
        ({"tolerance": 0.2}, {1: 9.0, 2: 900.0}, True),
        ({"tolerance": 0.0}, {1: 9.99, 2: 1000.0}, False),
        ({"measured": [1]}, {1: 9.6, 2: 1000.0}, True),
        ({"measured": [1]}, {1: 9.6, 2: 999.0}, False),
    ],
)
def test_tolerance(options, cheap, expected):
    assert judged(study_of(LARGE, pruner(**options)), [0.1], cheap) is expected


def test_tolerance_of_negative_costs():
    rows = [([0.5], {1: -10.0})] * 3
    two = ["maximize", "minimize"]
    assert judged(study_of(rows, pruner(), two), [0.1], {1: -10.4})
    assert not judged(study_of(rows, pruner(), two), [0.1], {1: -11.0})


def test_missing_cheap_values():
    # Unknown for the trial itself: that objective is left out.
    assert judged(study_of(LARGE, pruner()), [0.1], {1: 10.0})
    assert not judged(study_of(LARGE, pruner()), [0.1], {1: 1.0, 2: math.nan})
    # Nothing known at all: the plain median over everything.
    assert judged(study_of(LARGE, pruner()), [0.1], None)
    # Unknown for the completed ones: they are no rivals.
    unknown = [([0.5], {1: 10.0})] * 5
    assert not judged(study_of(unknown, pruner()), [0.1], {1: 10.0, 2: 1000.0})


def test_it_waits_for_startup_trials_warm_up_interval_and_rivals():
    cheap = {1: 10.0, 2: 1000.0}
    assert not judged(study_of(LARGE, pruner(n_startup_trials=6)), [0.1], cheap)
    assert judged(study_of(LARGE, pruner(n_startup_trials=5)), [0.1], cheap)
    assert not judged(study_of(LARGE, pruner(n_warmup_steps=1)), [0.1], cheap)
    assert judged(study_of(LARGE, pruner(n_warmup_steps=1)), [0.1, 0.1], cheap)
    assert not judged(study_of(LARGE, pruner(interval_steps=2)), [0.1, 0.1], cheap)
    assert not judged(study_of(LARGE, pruner(n_min_rivals=6)), [0.1], cheap)
    assert judged(study_of(LARGE, pruner(n_min_rivals=5)), [0.1], cheap)
    assert not judged(study_of([], pruner()), [0.1], cheap)


def test_nothing_but_nan_is_pruned_and_other_nans_are_ignored():
    cheap = {1: 10.0, 2: 1000.0}
    assert judged(study_of(LARGE, pruner()), [math.nan], cheap)
    assert not judged(study_of(LARGE, pruner()), [0.95, math.nan], cheap)
    rows = [([math.nan], cheap)] * 5
    assert not judged(study_of(rows, pruner()), [0.1], cheap)


def precedents(finals: list[float], rival: float) -> optuna.Study:
    """Trials that stood at .5 and ended so, too dear to be rivals, and one cheap good one."""
    rows = [([0.5, final], {1: 99.0, 2: 99.0}) for final in finals]
    rows += [([0.52, rival], {1: 1.0, 2: 1.0}), ([0.4, 0.45], {1: 1.0, 2: 1.0})]
    return study_of(rows, pruner(n_precedents=4))


def test_out_of_reach_needs_precedents_that_all_ended_below_the_best_rival():
    cheap = {1: 1.0, 2: 1.0}
    value = [0.51]  # above the rivals' median at this step, below the best rival
    assert judged(precedents([0.6, 0.7, 0.6, 0.7], rival=0.8), value, cheap)
    assert not judged(precedents([0.6, 0.7, 0.6, 0.85], rival=0.8), value, cheap)
    assert not judged(precedents([0.6, 0.7], rival=0.8), value, cheap)
    assert not judged(precedents([0.6, 0.7, 0.6, 0.7], rival=0.8), value, {1: 0.5, 2: 0.5})
    # Those that stood better are no precedents.
    assert not judged(precedents([0.6, 0.7, 0.6, 0.7], rival=0.8), [0.49], {1: 1.0, 2: 1.0})


VALUES = st.integers(0, 8).map(lambda k: k / 8)
ROWS = st.lists(
    st.tuples(st.lists(VALUES, min_size=1, max_size=4), VALUES, VALUES), min_size=1, max_size=14
)


@settings(max_examples=150, deadline=None)
@given(ROWS, st.integers(0, 3), st.integers(0, 3), st.integers(1, 3), st.booleans())
def test_it_is_the_slow_and_obvious_rule(rows, startup, evidence, least, maximize):
    """Written out trial by trial, in plain Python."""
    rule = CheapAwareMedianPruner(
        startup, 1, tolerance=0.1, n_min_rivals=least, n_precedents=evidence
    )
    sign = 1 if maximize else -1
    directions = ["maximize" if maximize else "minimize", "minimize", "maximize"]
    study = optuna.create_study(directions=directions, pruner=rule)
    done: list[tuple[list[float], float, float]] = []
    for curve, low, high in rows:
        trial, pruned = study.ask(), False
        for step, value in enumerate(curve):
            report(trial, sign * value, step, cheap={1: low, 2: high})
            best = max(curve[: step + 1])
            there = [d for d in done if len(d[0]) > step]
            rivals = [d for d in there if d[1] <= low * 1.1 and d[2] >= high * 0.9]
            no_better = [d[0][-1] for d in there if max(d[0][: step + 1]) <= best]
            expected = False
            if done and len(done) >= startup and step >= 1 and len(rivals) >= least:
                expected = best < statistics.median(d[0][step] for d in rivals) or (
                    len(no_better) >= evidence > 0
                    and max(no_better) < max(d[0][-1] for d in rivals)
                )
            pruned = should_prune(trial)
            assert pruned == expected
            if pruned:
                study.tell(trial, state=TrialState.PRUNED)
                break
        if not pruned:
            study.tell(trial, [sign * curve[-1], low, high])
            done.append((curve, low, high))


def test_one_objective_is_optunas_median():
    rng = np.random.default_rng(0)
    ours = optuna.create_study(direction="maximize", pruner=CheapAwareMedianPruner(3, 1, 2))
    optunas_own = optuna.create_study(direction="maximize", pruner=MedianPruner(3, 1, 2))
    decisions: dict[str, list[bool]] = {"ours": [], "own": []}
    for curve in rng.random((40, 1)) + 0.1 * rng.random((40, 6)):
        for name, study in (("ours", ours), ("own", optunas_own)):
            trial = study.ask()
            for step, value in enumerate(curve):
                report(trial, value, step)
                decisions[name].append(should_prune(trial))
            study.tell(trial, float(curve[-1]))
    assert decisions["ours"] == decisions["own"]
    assert 20 < sum(decisions["ours"]) < 200  # of 240


def test_it_can_be_wrapped_pickled_and_copied():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        patient = PatientPruner(pruner(), patience=0)
    cheap = {1: 10.0, 2: 1000.0}
    assert judged(study_of(LARGE, patient), [0.2, 0.1], cheap)
    assert not judged(study_of(LARGE, patient), [0.1, 0.2], cheap)
    for same in (pickle.loads(pickle.dumps(pruner())), copy.deepcopy(pruner())):
        assert judged(study_of(LARGE, same), [0.1], cheap)


def test_it_judges_trials_that_finish_in_any_order_and_in_threads():
    study = optuna.create_study(
        directions=["maximize", "minimize"], pruner=CheapAwareMedianPruner(2, 0)
    )

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        for step in range(4):
            report(trial, trial.number % 5 + step, step, cheap={1: 1.0})
            if should_prune(trial):
                raise optuna.TrialPruned
        return trial.number % 5 + 3, 1.0

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(study.optimize, objective, n_trials=15) for _ in range(4)]:
            future.result()
    states = [t.state for t in study.trials]
    assert set(states) == {TrialState.COMPLETE, TrialState.PRUNED}
    history = study.pruner._histories.popitem()[1]
    assert len(history._finals) <= states.count(TrialState.COMPLETE)


def test_completed_trials_without_a_curve_count_for_nothing():
    study = study_of(LARGE, pruner())
    study.add_trial(create_trial(values=[0.01, 1.0, 1.0]))
    assert judged(study, [0.1], {1: 10.0, 2: 1000.0})
    assert not judged(study, [0.6], {1: 10.0, 2: 1000.0})


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"n_startup_trials": -1}, "n_startup_trials must be at least 0, got -1"),
        ({"n_warmup_steps": -1}, "n_warmup_steps must be at least 0"),
        ({"interval_steps": 0}, "interval_steps must be at least 1"),
        ({"tolerance": -0.1}, r"tolerance must be at least 0.0, got -0.1"),
        ({"tolerance": math.nan}, "tolerance must be at least 0.0, got nan"),
        ({"n_min_rivals": 0}, "n_min_rivals must be at least 1"),
        ({"n_precedents": -1}, "n_precedents must be at least 0"),
    ],
)
def test_impossible_settings_are_refused(options, match):
    with pytest.raises(InvalidSpecError, match=match):
        CheapAwareMedianPruner(**options)


@given(st.dictionaries(st.integers(0, 9), VALUES))
def test_best_by_step_is_a_running_maximum(values):
    expected = {s: max(v for t, v in values.items() if t <= s) for s in sorted(values)}
    assert best_by_step(values) == expected
