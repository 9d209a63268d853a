"""Pruners by name."""

from __future__ import annotations

from typing import Any

import pytest
import toy_task
from optuna.pruners import BasePruner, PatientPruner, PercentilePruner
from optuna.storages import InMemoryStorage

import optunas
from optunas import CheapAwareMedianPruner
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.study.pruners import PRUNERS, make_pruner

OPTIONS: dict[str, dict[str, Any]] = {
    "patient": {"wrapped": "median", "patience": 1},
    "threshold": {"lower": 0.3},
}


@pytest.mark.parametrize("name", PRUNERS)
@pytest.mark.parametrize("objectives", [("accuracy",), ("accuracy", "params")])
def test_every_pruner_runs_a_study(name: str, objectives: tuple[str, ...]) -> None:
    spec = toy_task.spec(
        pruner=name, pruner_options=OPTIONS.get(name, {}), objectives=objectives, sampler="nsga2"
    )
    handle = optunas.run(spec, storage=InMemoryStorage(), progress=False)
    assert handle.usage().trials == 8
    assert handle.outcomes()["failed"] == 0
    assert isinstance(handle.study.pruner, BasePruner)


def test_the_default_is_the_cheap_aware_median() -> None:
    assert isinstance(make_pruner("cheap_aware_median", {}), CheapAwareMedianPruner)


def test_a_patient_pruner_wraps_another_by_name() -> None:
    pruner = make_pruner("patient", {"wrapped": "percentile", "patience": 5})
    assert isinstance(pruner, PatientPruner)
    assert isinstance(pruner._wrapped_pruner, PercentilePruner)
    assert pruner._patience == 5
    assert make_pruner("patient", {})._wrapped_pruner is None  # type: ignore[attr-defined]


def test_what_a_pruner_does_not_know_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown pruner 'asha'. Known: cheap_aware_median"):
        make_pruner("asha", {})
    with pytest.raises(UnknownNameError, match=r"'median': 'n_startup'; did you mean 'n_startup_t"):
        make_pruner("median", {"n_startup": 3})
    with pytest.raises(UnknownNameError, match=r"pruner 'medain'; did you mean 'median'"):
        make_pruner("patient", {"wrapped": "medain"})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("percentile", {"percentile": 101.0}),
        ("median", {"n_startup_trials": -1}),
        ("threshold", {}),
        ("successive_halving", {"min_resource": -1}),
        ("cheap_aware_median", {"tolerance": -0.1}),
    ],
)
def test_values_that_a_pruner_refuses_are_a_sentence(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidSpecError, match=f"pruner '{name}' refuses|must be at least"):
        make_pruner(name, options)
