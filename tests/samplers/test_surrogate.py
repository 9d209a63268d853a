"""The surrogate sampler: it learns, whatever the regressor and the acquisition."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers import RandomSampler
from sampler_cases import HYPER, SMALL, go_on, members, new_study, values_of
from sklearn.linear_model import Ridge

from optunas import codec
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers.surrogate import SurrogateSampler
from optunas.space import Choice, HyperSpace, Int

LISTED = HyperSpace({f"edge{at}": Choice(("none", "skip", "one", "three")) for at in range(4)})
"""256 members."""
OPEN = HyperSpace({f"x{at}": Int(0, 99) for at in range(5)})
"""10 to the 10th: not listed."""


def score(member: Any) -> float:
    """A smooth part and one that joins two parameters."""
    if "x0" in member:
        x = [value / 99 for value in member.values()]
        return -sum((v - 0.7) ** 2 for v in x) + x[0] * x[1]
    worth = {"none": -1.0, "skip": 0.3, "one": 0.6, "three": 1.0}
    operations = list(member.values())
    return sum(worth[o] for o in operations) + 0.8 * (operations[0] == operations[3])


def searched(sampler: Any, space: Any, trials: int) -> list[float]:
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, score(codec.suggest(trial, space)))
    return [t.values[0] for t in study.trials]


@pytest.mark.parametrize("space", [LISTED, OPEN], ids=["listed", "open"])
@pytest.mark.parametrize("acquisition", ["ei", "ucb", "thompson"])
def test_it_beats_random(space: Any, acquisition: Any) -> None:
    """At equal trials; by a deviation of what random search finds."""
    ours, theirs = [], []
    for seed in range(3):
        sampler = SurrogateSampler(
            space, regressor="bayesian_ridge", acquisition=acquisition, seed=seed, candidates=60
        )
        ours.append(max(searched(sampler, space, 25)))
        theirs += [max(searched(RandomSampler(seed=10 * seed + k), space, 25)) for k in range(4)]
    assert np.mean(ours) > np.mean(theirs) + np.std(theirs)


@pytest.mark.parametrize("regressor", ["random_forest", "gp", "gradient_boosting", Ridge()])
def test_other_regressors_do_too(regressor: Any) -> None:
    options = {"n_estimators": 15} if "r" in str(regressor)[:2] else None
    options = None if regressor == "gp" or not isinstance(regressor, str) else options
    sampler = SurrogateSampler(
        LISTED, regressor=regressor, regressor_options=options, copies=3, seed=0
    )
    found = searched(sampler, LISTED, 22)
    assert np.mean(found[12:]) > np.mean(found[:10]) + 0.5 * np.std(found[:10])


def test_it_says_that_it_begins_at_random(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "optunas.samplers.surrogate"):
        study = new_study(SurrogateSampler(HYPER, regressor="ridge", startup_trials=4, seed=1))
        go_on(study, HYPER, 3)
        assert [r.levelname for r in caplog.records] == ["INFO"]
        assert "first 4 trials are drawn at random" in caplog.text
        go_on(study, HYPER, 4)
        assert len(caplog.records) == 1


def test_a_regressor_that_fails_gives_way_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    sampler = SurrogateSampler(
        HYPER, regressor="knn", regressor_options={"n_neighbors": 9}, startup_trials=3, seed=1
    )
    study = new_study(sampler)
    with caplog.at_level(logging.WARNING, "optunas.samplers.surrogate"):
        go_on(study, HYPER, 30)
    assert "KNeighborsRegressor" in caplog.text
    assert "n_neighbors" in caplog.text
    assert "drawn at random" in caplog.text
    assert sampler._learned is not None  # with more trials it worked
    assert len({HYPER.digest(m) for m in members(study, HYPER)}) == 30


class Broken:
    def fit(self, x: Any, y: Any) -> None: ...

    def predict(self, x: Any) -> Any:
        return np.full(len(x), np.nan)


def test_predictions_that_are_not_finite_are_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    study = new_study(SurrogateSampler(HYPER, regressor=Broken(), startup_trials=2, seed=1))
    with caplog.at_level(logging.WARNING, "optunas.samplers.surrogate"):
        go_on(study, HYPER, 5)
    assert "predicts what is not finite" in caplog.text
    assert len(caplog.records) == 1


class Watched(Ridge):
    fits: list[tuple[int, float]] = []  # noqa: RUF012  shared by clones

    def fit(self, x: Any, y: Any) -> Any:
        self.fits.append((len(y), float(y[-1])))
        return super().fit(x, y)


def test_it_learns_anew_after_each_trial_then_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optunas.samplers.surrogate.EAGER", 9)
    monkeypatch.setattr("optunas.samplers.surrogate.SHARE", 5)
    Watched.fits.clear()
    searched(
        SurrogateSampler(OPEN, regressor=Watched(), copies=2, startup_trials=6, seed=1), OPEN, 24
    )
    assert sorted({rows for rows, _ in Watched.fits}) == [6, 7, 8, 9, 10, 12, 14, 16, 19, 22]


@pytest.mark.parametrize(("liar", "quantile"), [("worst", 0.0), ("median", 0.5), ("best", 1.0)])
def test_running_trials_count_with_a_lie(liar: Any, quantile: float) -> None:
    taught = []

    class Noting(Broken):
        def fit(self, x: Any, y: Any) -> None:
            taught.append(y)

        def predict(self, x: Any, return_std: bool = False) -> Any:
            return np.zeros(len(x)), np.ones(len(x))

    sampler = SurrogateSampler(HYPER, regressor=Noting(), startup_trials=4, liar=liar, seed=1)
    study = new_study(sampler)
    for _ in range(4):
        trial = study.ask()
        study.tell(trial, values_of(HYPER, codec.suggest(trial, HYPER), 1))
    for _ in range(2):
        codec.suggest(study.ask(), HYPER)
    assert [len(y) for y in taught] == [4, 5]
    assert taught[1][-1] == pytest.approx(np.quantile(taught[0], quantile))


def test_what_is_known_before_training_is_a_feature() -> None:
    """The score follows a cost that no feature shows."""
    cost = {
        member: float(np.random.default_rng(at).integers(1, 10**6))
        for at, member in enumerate(LISTED.enumerate())
    }

    def best(known: Any) -> float:
        found = []
        for seed in range(3):
            sampler = SurrogateSampler(
                LISTED, regressor="bayesian_ridge", known=known, startup_trials=8, seed=seed
            )
            study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)
            sampler._form = None
            for _ in range(20):
                trial = study.ask()
                value = cost[codec.suggest(trial, LISTED)]
                study.tell(trial, [np.log(value), value])
            found += [t.values[0] for t in study.trials[8:]]
        return float(np.mean(found))

    assert best(lambda member: {1: cost[member]}) < best(None) - 1.0


def test_candidates_are_random_and_around_the_best() -> None:
    sampler = SurrogateSampler(OPEN, regressor="ridge", candidates=40, seed=1)
    searched(sampler, OPEN, 20)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    assert study.sampler is sampler
    assert sampler._rows is not None
    assert sampler._rows.members.listed is None
    assert sampler._rows.listed is None


def test_listed_members_are_all_candidates() -> None:
    sampler = SurrogateSampler(SMALL, regressor="bayesian_ridge", startup_trials=3, seed=1)
    study = new_study(sampler)
    go_on(study, SMALL, 6)
    assert sampler._rows is not None
    listed = sampler._rows.listed
    assert listed is not None
    assert len(listed) == len({SMALL.digest(m) for m in SMALL.enumerate() if SMALL.is_connected(m)})


@pytest.mark.parametrize(
    ("argument", "value", "error", "wanted"),
    [
        ("acquisition", "pi", UnknownNameError, r""),
        ("exploration", -1, InvalidSpecError, r"exploration must be a number from 0 on, or None"),
        ("exploration", float("nan"), InvalidSpecError, r"exploration must be a number"),
        ("startup_trials", 1, InvalidSpecError, r"startup_trials must be an integer from 2 on"),
        ("candidates", 0, InvalidSpecError, r"candidates must be an integer from 2 on, got 0"),
        ("copies", 1, InvalidSpecError, r"copies must be an integer from 2 on, got 1"),
        ("liar", "honest", InvalidSpecError, r"unknown liar 'honest'"),
        ("resolve", "sklearn", InvalidSpecError, r"resolve must import what a reference names"),
        ("regressor", "forest", UnknownNameError, r"Unknown regressor 'forest'"),
        ("scalarise", "sum", UnknownNameError, r"form of scalarise 'sum'"),
    ],
)
def test_bad_arguments_are_refused(
    argument: str, value: Any, error: type[Exception], wanted: str
) -> None:
    error = InvalidSpecError if argument == "acquisition" else error
    match = wanted or r"unknown acquisition 'pi'.*ei, thompson, ucb"
    with pytest.raises(error, match=match):
        SurrogateSampler(LISTED, **{argument: value})


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (1.0, r"known\(member\) must return \{objective index: value\}, got 1\.0"),
        ({"params": 1.0}, r"for objective 'params'; the study's objectives are numbered 0 to 2"),
        ({3: 1.0}, r"for objective 3; the study's objectives are numbered 0 to 2"),
        ({1: "much"}, r"must return numbers, got 'much' for objective 1"),
    ],
)
def test_what_is_known_is_told_by_objective(answer: Any, says: str) -> None:
    sampler = SurrogateSampler(SMALL, known=lambda member: answer, startup_trials=2, seed=0)
    with pytest.raises(InvalidSpecError, match=says):
        go_on(new_study(sampler, 3), SMALL, 4)


def test_what_is_known_of_some_members_only_is_a_feature_of_these() -> None:
    def known(member: Any) -> dict[int, float]:
        return {1: float("nan")} if len(str(member)) % 2 else {1: 3.0}

    study = new_study(SurrogateSampler(SMALL, known=known, startup_trials=2, seed=0), 3)
    go_on(study, SMALL, 6)
    assert len(study.trials) == 6
