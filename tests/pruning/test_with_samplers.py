"""No sampler of Optuna's is disturbed by reported curves and pruned trials."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable

import optuna
import pytest
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from optunas.pruning import CheapAwareMedianPruner, curve, report, should_prune


def _gp() -> BaseSampler:
    pytest.importorskip("scipy")
    pytest.importorskip("torch")
    return optuna.samplers.GPSampler(seed=0, n_startup_trials=5)


SAMPLERS: dict[str, Callable[[], BaseSampler]] = {
    "random": lambda: optuna.samplers.RandomSampler(seed=0),
    "tpe": lambda: optuna.samplers.TPESampler(seed=0, n_startup_trials=4),
    "tpe multivariate": lambda: optuna.samplers.TPESampler(
        seed=0, n_startup_trials=4, multivariate=True, group=True, constant_liar=True
    ),
    "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=0, population_size=4),
    "nsga3": lambda: optuna.samplers.NSGAIIISampler(seed=0, population_size=4),
    "gp": _gp,
    "qmc": lambda: optuna.samplers.QMCSampler(seed=0),
    "brute force": lambda: optuna.samplers.BruteForceSampler(seed=0),
}
PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "median": lambda: MedianPruner(n_startup_trials=2),
    "halving": SuccessiveHalvingPruner,
    "hyperband": lambda: HyperbandPruner(1, 4, 2),
    "cheap-aware": lambda: CheapAwareMedianPruner(n_startup_trials=2),
}


def _make(make: Callable[[], BaseSampler]) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return make()


def run(study: optuna.Study, trials: int, num_complete: int | None = None) -> None:
    """Trials with a curve of four values; all but the first ``num_complete`` pruned by hand."""

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        x = trial.suggest_float("x", 0.0, 1.0, step=0.05)
        width = trial.suggest_int("width", 1, 8)
        kind = trial.suggest_categorical("kind", ["a", "b", "c"])
        costs = [width * (1.0 + (kind == "b")), x + width][: len(study.directions) - 1]
        value = 0.0
        for epoch in range(4):
            value = (x + 0.1 * width) * (1 - 0.5 ** (epoch + 1))
            if len(study.directions) > 1:
                report(trial, value, epoch, cheap=dict(enumerate(costs, start=1)))
            else:
                report(trial, value, epoch)
            by_hand = num_complete is not None and trial.number >= num_complete
            if should_prune(trial) or by_hand:
                raise optuna.TrialPruned
        return value, *costs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.optimize(objective, n_trials=trials)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.filterwarnings("ignore:.*QMCSampler.*")
@pytest.mark.parametrize(
    ("sampler", "num_objectives", "storage"),
    [
        *itertools.product(SAMPLERS, (2, 3), (None,)),
        *itertools.product(("tpe", "nsga2"), (3,), ("sqlite:///:memory:",)),
    ],
)
def test_samplers_take_pruned_trials(sampler: str, num_objectives: int, storage: str | None):
    study = optuna.create_study(
        directions=["maximize", "minimize", "minimize"][:num_objectives],
        sampler=_make(SAMPLERS[sampler]),
        pruner=SuccessiveHalvingPruner(1, 2, 0),
        storage=storage,
    )
    run(study, 9)
    states = [t.state for t in study.trials]
    assert set(states) == {TrialState.COMPLETE, TrialState.PRUNED}
    assert all(curve(t) for t in study.trials)
    # Almost everything pruned: samplers that rank by state run out of complete trials.
    run(study, 4, num_complete=0)
    assert all(t.state == TrialState.PRUNED for t in study.trials[9:])
    assert len(study.trials) == 13


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.filterwarnings("ignore:.*QMCSampler.*")
@pytest.mark.parametrize("pruner", PRUNERS)
@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "gp"])
def test_every_sampler_works_with_every_pruner(sampler: str, pruner: str):
    study = optuna.create_study(
        directions=["maximize", "minimize", "minimize"],
        sampler=_make(SAMPLERS[sampler]),
        pruner=PRUNERS[pruner](),
    )
    run(study, 24)
    assert {t.state for t in study.trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert study.best_trials


@pytest.mark.parametrize("sampler", ["tpe", "tpe multivariate"])
def test_tpe_with_hardly_a_complete_trial(sampler: str):
    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=_make(SAMPLERS[sampler])
    )
    run(study, 25, num_complete=1)
    assert [t.state for t in study.trials[1:]] == [TrialState.PRUNED] * 24


def test_cma_es_takes_its_one_objective():
    pytest.importorskip("cmaes")
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.CmaEsSampler(seed=0),
        pruner=CheapAwareMedianPruner(n_startup_trials=2),
    )

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0) + trial.suggest_float("y", 0.0, 1.0)
        for epoch in range(3):
            report(trial, x * epoch, epoch)
            if should_prune(trial):
                raise optuna.TrialPruned
        return x

    study.optimize(objective, n_trials=20)
    assert {t.state for t in study.trials} == {TrialState.COMPLETE, TrialState.PRUNED}
