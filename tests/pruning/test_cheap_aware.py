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
from optunas.pruning.cheap_aware import LATEST, odds_of_catching_up
from optunas.pruning.history import WINDOW, Standing, path

DIRECTIONS = ["maximize", "minimize", "minimize"]


def pruner(**options) -> CheapAwareMedianPruner:
    """One that judges from the first trial on, by the median alone."""
    return CheapAwareMedianPruner(**{"n_startup_trials": 0, "crowd": math.inf, **options})


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


SCORE = st.integers(0, 8).map(lambda k: k / 8)
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


def test_infinite_cheap_values_count_as_missing():
    strict = pruner(measured=[])
    assert judged(study_of(LARGE, strict), [0.1], {1: 10.0, 2: math.inf})
    rows = [([0.5], {1: 10.0, 2: math.inf})] * 5
    assert not judged(study_of(rows, strict), [0.1], {1: 10.0, 2: 1000.0})


def test_it_waits_for_startup_trials_warm_up_and_interval():
    cheap = {1: 10.0, 2: 1000.0}
    assert not judged(study_of(LARGE, pruner(n_startup_trials=6)), [0.1], cheap)
    assert judged(study_of(LARGE, pruner(n_startup_trials=5)), [0.1], cheap)
    assert not judged(study_of(LARGE, pruner(n_warmup_steps=1)), [0.1], cheap)
    assert judged(study_of(LARGE, pruner(n_warmup_steps=1)), [0.1, 0.1], cheap)
    assert not judged(study_of(LARGE, pruner(interval_steps=2)), [0.1, 0.1], cheap)
    assert not judged(study_of([], pruner()), [0.1], cheap)


def test_nothing_but_nan_is_pruned_and_other_nans_are_ignored():
    cheap = {1: 10.0, 2: 1000.0}
    assert judged(study_of(LARGE, pruner()), [math.nan], cheap)
    assert not judged(study_of(LARGE, pruner()), [0.95, math.nan], cheap)
    rows = [([math.nan], cheap)] * 5
    assert not judged(study_of(rows, pruner()), [0.1], cheap)


@pytest.mark.parametrize(("num_rivals", "reports"), [(1, 6), (2, 3), (3, 2), (5, 2), (6, 1)])
def test_few_rivals_give_a_trial_time(num_rivals: int, reports: int):
    rows = [([0.5] * 6, {1: 1.0})] * num_rivals + [([0.5] * 6, {1: 9.0})] * 3
    two = ["maximize", "minimize"]
    assert judged(study_of(rows, pruner(), two), [0.1] * reports, {1: 1.0})
    if reports > 1:
        assert not judged(study_of(rows, pruner(), two), [0.1] * (reports - 1), {1: 1.0})
        ahead_once = [*[0.1] * (reports - 1), 0.6]
        assert not judged(study_of(rows, pruner(), two), ahead_once, {1: 1.0})
    assert not judged(study_of(rows, pruner(), two), [0.1] * 6, {1: 0.5})


def test_a_crowd_of_rivals_ends_what_will_hardly_catch_up():
    # Nine trials between .30 and .46 that keep their order, and one that ends best.
    rows = [([0.3 + 0.02 * k] * 4, {1: 1.0}) for k in range(9)] + [([0.6] * 4, {1: 1.0})]
    two, middle = ["maximize", "minimize"], [0.45]  # above the median, nobody caught up from there
    assert not judged(study_of(rows, pruner(), two), middle, {1: 1.0})
    assert judged(study_of(rows, pruner(crowd=10), two), middle, {1: 1.0})
    assert not judged(study_of(rows, pruner(crowd=60), two), middle, {1: 1.0})
    # One that came from behind makes it possible.
    rows[0] = ([0.3, 0.4, 0.5, 0.9], {1: 1.0})
    assert not judged(study_of(rows, pruner(crowd=10), two), middle, {1: 1.0})


@given(st.lists(st.tuples(SCORE, SCORE), max_size=8), SCORE)
def test_odds_are_counted_over_all_pairs(trials: list[tuple[float, float]], behind: float):
    won, lost = 0.5, 0.5
    for recent, final in trials:
        for other_recent, other_final in trials:
            if other_recent - recent >= behind:
                won, lost = won + (final > other_final), lost + (final <= other_final)
    recents, finals = (np.array([t[k] for t in trials]) for k in (0, 1))
    standing = Standing(recents, recents, finals, np.empty((len(trials), 1)))
    assert odds_of_catching_up(standing, behind) == won / lost


def test_odds_are_those_of_the_latest_trials():
    old, new = np.array([0.0, 1.0] * 75), np.array([0.5] * LATEST)
    recents = np.concatenate([old, new])
    standing = Standing(recents, recents, recents, np.empty((len(recents), 1)))
    assert odds_of_catching_up(standing, 0.25) == 1.0  # no pair is that far apart any more
    assert odds_of_catching_up(standing, 0.0) == 0.5 / (LATEST**2 + 0.5)


ROWS = st.lists(
    st.tuples(st.lists(SCORE, min_size=1, max_size=6), SCORE, SCORE), min_size=1, max_size=14
)
Done = list[tuple[list[float], float, float]]


def recent(curve: list[float], step: int) -> float:
    return statistics.fmean(curve[max(0, step + 1 - WINDOW) : step + 1])


def loses(curve: list[float], step: int, done: Done, low: float, high: float, crowd: float) -> bool:
    there = [d for d in done if len(d[0]) > step]
    rivals = [d for d in there if d[1] <= low * 1.1 and d[2] >= high * 0.9]
    if not rivals:
        return False
    if max(curve[: step + 1]) < statistics.median(d[0][step] for d in rivals):
        return True
    top = max(rivals, key=lambda d: d[0][-1])[0]
    behind = recent(top, step) - recent(curve, step)
    won, lost = 0.5, 0.5
    for a in there:
        for b in there:
            if recent(b[0], step) - recent(a[0], step) >= behind:
                won, lost = won + (a[0][-1] > b[0][-1]), lost + (a[0][-1] <= b[0][-1])
    saved = max(0.0, 1 - (step + 1) / max(len(d[0]) for d in done))
    return behind > 0 and won / lost < min(len(rivals) / crowd, 1.0) ** 2 * saved


def expected(curve: list[float], step: int, done: Done, row: tuple[float, float], rule) -> bool:
    startup, warm_up, crowd = rule
    rivals = [d for d in done if len(d[0]) > step and d[1] <= row[0] * 1.1 and d[2] >= row[1] * 0.9]
    if not rivals or len(done) < startup or step < warm_up:
        return False
    time = math.ceil(max(len(d[0]) for d in done) / len(rivals))
    steps = range(step, step - time, -1)
    return steps[-1] >= warm_up and all(loses(curve, s, done, *row, crowd) for s in steps)


@settings(max_examples=150, deadline=None)
@given(ROWS, st.integers(0, 3), st.integers(0, 1), st.sampled_from([1, 2, 5]), st.booleans())
def test_it_is_the_slow_and_obvious_rule(rows, startup, warm_up, crowd, maximize):
    """Written out trial by trial, in plain Python."""
    rule = CheapAwareMedianPruner(startup, warm_up, tolerance=0.1, crowd=crowd)
    sign = 1 if maximize else -1
    directions = ["maximize" if maximize else "minimize", "minimize", "maximize"]
    study = optuna.create_study(directions=directions, pruner=rule)
    done: Done = []
    for curve, low, high in rows:
        trial, pruned = study.ask(), False
        for step, value in enumerate(curve):
            report(trial, sign * value, step, cheap={1: low, 2: high})
            pruned = should_prune(trial)
            assert pruned == expected(curve, step, done, (low, high), (startup, warm_up, crowd))
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
        ({"crowd": 0.5}, "crowd must be at least 1.0, got 0.5"),
    ],
)
def test_impossible_settings_are_refused(options, match):
    with pytest.raises(InvalidSpecError, match=match):
        CheapAwareMedianPruner(**options)


@given(st.dictionaries(st.integers(0, 9), SCORE | st.just(math.nan)))
def test_path_is_what_was_known_at_each_step(values):
    for step, point in path(values).items():
        so_far = [values[s] for s in sorted(values) if s <= step and not math.isnan(values[s])]
        assert str(point.value) == str(values[step])
        if so_far:
            assert point.best == max(so_far)
            assert point.recent == pytest.approx(statistics.fmean(so_far[-WINDOW:]))
        else:
            assert math.isnan(point.best)
            assert math.isnan(point.recent)
