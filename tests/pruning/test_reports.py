"""report and should_prune themselves: what is stored, refused and ignored."""

from __future__ import annotations

import json
import math

import optuna
import pytest
from optuna.pruners import MedianPruner, NopPruner, ThresholdPruner
from optuna.trial import TrialState, create_trial

from optunas.errors import InvalidSpecError
from optunas.pruning import curve, report, should_prune

ANY_PRUNER = NopPruner()


def two(pruner: optuna.pruners.BasePruner = ANY_PRUNER) -> optuna.Study:
    return optuna.create_study(directions=["maximize", "minimize"], pruner=pruner)


def stored(trial: optuna.Trial) -> dict:
    return json.loads(trial.study.trials[trial.number].user_attrs["optunas:curve"])


def test_a_curve_is_one_json_attribute():
    trial = two().ask()
    report(trial, 0.5, 0, cheap={1: 12.5})
    report(trial, 0.75, 3)
    expected = {"objective": 0, "trial": 0, "steps": [0, 3], "values": [0.5, 0.75]}
    assert stored(trial) == expected
    attrs = trial.study.trials[0].user_attrs
    assert attrs["optunas:cheap"] == '{"1":12.5}'
    assert trial.study.trials[0].intermediate_values == {}


def test_one_objective_uses_optunas_own_intermediate_values():
    study = optuna.create_study(direction="maximize", pruner=ThresholdPruner(lower=0.3))
    trial = study.ask()
    report(trial, 0.5, 0)
    assert not should_prune(trial)
    report(trial, 0.2, 1)
    assert should_prune(trial)
    assert study.trials[0].intermediate_values == {0: 0.5, 1: 0.2}
    assert study.trials[0].user_attrs == {}
    assert curve(study.trials[0]) == {0: 0.5, 1: 0.2}


def test_steps_may_come_in_any_order():
    trial = two(ThresholdPruner(upper=0.6)).ask()
    for step, value in ((5, 0.5), (2, 0.9), (7, 0.1)):
        report(trial, value, step)
    assert curve(trial.study.trials[0]) == {5: 0.5, 2: 0.9, 7: 0.1}
    assert not should_prune(trial)  # the last step's value counts, 0.1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_without_json_survive(value: float):
    trial = two().ask()
    report(trial, value, 0, cheap={1: math.inf})
    json.loads(trial.user_attrs["optunas:curve"], parse_constant=pytest.fail)
    assert str(curve(trial.study.trials[0])[0]) == str(value)


@pytest.mark.filterwarnings("ignore:All-NaN slice:RuntimeWarning")  # numpy's, in Optuna's pruner
def test_nan_is_pruned_where_optuna_prunes_it():
    study = two(MedianPruner(n_startup_trials=1))
    first = study.ask()
    report(first, 0.5, 0)
    study.tell(first, [0.5, 1.0])
    trial = study.ask()
    report(trial, math.nan, 0)
    assert should_prune(trial)


def test_a_second_value_for_a_step_is_ignored_with_a_warning():
    trial = two().ask()
    report(trial, 0.5, 0)
    with pytest.warns(UserWarning, match=r"ignored because this `step=0` is already reported"):
        report(trial, 0.9, 0)
    assert stored(trial)["values"] == [0.5]


def test_cheap_values_are_stored_the_first_time_they_come():
    study = optuna.create_study(directions=["maximize", "minimize", "minimize"])
    trial = study.ask()
    report(trial, 0.1, 0, cheap={1: 5.0, 2: math.nan})
    assert json.loads(trial.user_attrs["optunas:cheap"]) == {"1": 5.0}
    report(trial, 0.2, 1, cheap={1: 6.0, 2: 7.0})
    assert json.loads(trial.user_attrs["optunas:cheap"]) == {"1": 5.0, "2": 7.0}


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        (("x", 0), TypeError, "`value` argument"),
        ((None, 0), TypeError, "`value` argument"),
        ((0.5, "a"), TypeError, "`step` argument"),
        ((0.5, -1), ValueError, "`step=-1` must be non-negative"),
    ],
)
@pytest.mark.parametrize("directions", [["maximize"], ["maximize", "minimize"]])
def test_bad_values_are_refused_as_by_optuna(directions, arguments, error, match):
    trial = optuna.create_study(directions=directions).ask()
    with pytest.raises(error, match=match):
        report(trial, *arguments)


def test_objectives_that_do_not_exist_are_refused():
    trial = two().ask()
    with pytest.raises(InvalidSpecError, match="objective=2 cannot be reported"):
        report(trial, 0.5, 0, objective=2)
    with pytest.raises(InvalidSpecError, match="cheap names objective 2"):
        report(trial, 0.5, 0, cheap={2: 1.0})
    with pytest.raises(InvalidSpecError, match="cheap names objective 0"):
        report(trial, 0.5, 0, cheap={0: 1.0})
    single = optuna.create_study().ask()
    with pytest.raises(InvalidSpecError, match="cheap names objective 1"):
        report(single, 0.5, 0, cheap={1: 1.0})


def test_one_trial_reports_one_objective():
    trial = two().ask()
    report(trial, 0.5, 0)
    with pytest.raises(InvalidSpecError, match="reported objective 0 before and now 1"):
        report(trial, 0.5, 1, objective=1)


def test_the_direction_of_the_reported_objective_counts():
    study = two(MedianPruner(n_startup_trials=1))
    first = study.ask()
    report(first, 5.0, 0, objective=1)
    study.tell(first, [0.5, 5.0])
    better, worse = study.ask(), study.ask()
    report(better, 4.0, 0, objective=1)  # minimised
    report(worse, 6.0, 0, objective=1)
    assert not should_prune(better)
    assert should_prune(worse)


def test_fixed_and_frozen_trials_report_nothing():
    fixed = optuna.trial.FixedTrial({"x": 1})
    report(fixed, 0.5, 0, cheap={1: 2.0})
    assert not should_prune(fixed)
    frozen = create_trial(state=TrialState.RUNNING)
    report(frozen, 0.5, 0)
    assert not should_prune(frozen)


def test_reports_after_pruning_go_on_and_after_the_end_fail():
    study = two(ThresholdPruner(lower=0.5))
    trial = study.ask()
    report(trial, 0.1, 0)
    assert should_prune(trial)
    report(trial, 0.9, 1)
    assert not should_prune(trial)
    study.tell(trial, state=TrialState.PRUNED)
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError, match="updated"):
        report(trial, 0.9, 2)


def test_a_retried_trial_starts_a_curve_of_its_own():
    study = two(ThresholdPruner(lower=0.5))
    killed = study.ask()
    report(killed, 0.1, 0, cheap={1: 3.0})
    # What Optuna's retry callback does for a trial whose worker died.
    study.add_trial(create_trial(state=TrialState.WAITING, user_attrs=study.trials[0].user_attrs))
    study.tell(killed, state=TrialState.FAIL)
    retried = study.ask()
    assert retried.user_attrs["optunas:curve"]
    assert not should_prune(retried)
    report(retried, 0.9, 0, cheap={1: 4.0})
    assert not should_prune(retried)
    assert curve(study.trials[1]) == {0: 0.9}
    assert json.loads(retried.user_attrs["optunas:cheap"]) == {"1": 4.0}


def test_a_retried_trial_that_fails_before_its_first_report_has_no_curve():
    study = two()
    killed = study.ask()
    report(killed, 0.1, 0)
    attrs = study.trials[0].user_attrs
    for system_attrs in ({"failed_trial": 0}, {}):
        study.add_trial(
            create_trial(state=TrialState.FAIL, user_attrs=attrs, system_attrs=system_attrs)
        )
    assert [curve(t) for t in study.trials] == [{0: 0.1}, {}, {0: 0.1}]  # the last is a copy


def test_a_broken_attribute_reads_as_no_curve():
    trial = create_trial(values=[1.0, 2.0], user_attrs={"optunas:curve": '{"steps": [1]}'})
    assert curve(trial) == {}


def test_without_any_report_nothing_is_pruned():
    assert not should_prune(two(MedianPruner()).ask())
