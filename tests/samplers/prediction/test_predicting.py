"""What a study predicts of other architectures, and how well."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pytest
from sampler_cases import go_on, new_study, values_of

from optunas import codec
from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.samplers.prediction.predicting import cross_validated_rank, predict
from optunas.samplers.unique_random import UniqueRandomSampler
from optunas.space import DARTS, DenseCellSpace

SPACE = DenseCellSpace(num_nodes=3)


def study_of(trials: int, objectives: int = 2) -> optuna.Study:
    study = new_study(UniqueRandomSampler(SPACE, seed=1, identity="code"), objectives)
    go_on(study, SPACE, trials)
    return study


def test_predictions_are_near_the_truth_and_say_how_near() -> None:
    study = study_of(60)
    every = list(SPACE.enumerate())
    truth = np.array([values_of(SPACE, m, 2) for m in every])
    found = predict(study, every, SPACE)
    assert found.mean.shape == found.std.shape == truth.shape
    assert (found.std > 0).all()
    for at in range(2):
        assert np.corrcoef(found.mean[:, at], truth[:, at])[0, 1] > 0.9
    away = np.abs(found.mean - truth) / np.maximum(found.std, 1e-9)
    assert np.median(away) < 3.0


def test_what_is_known_is_exact() -> None:
    study = study_of(20)
    every = list(SPACE.enumerate(10))
    found = predict(study, every, SPACE, known=lambda m: {1: values_of(SPACE, m, 2)[1]})
    np.testing.assert_array_equal(found.mean[:, 1], [values_of(SPACE, m, 2)[1] for m in every])
    np.testing.assert_array_equal(found.std[:, 1], 0.0)
    assert (found.std[:, 0] > 0).all()


def test_costs_are_predicted_in_their_own_unit() -> None:
    study = optuna.create_study(direction="minimize", sampler=UniqueRandomSampler(SPACE, seed=2))
    for _ in range(40):
        trial = study.ask()
        study.tell(trial, 1e3 * math.exp(values_of(SPACE, codec.suggest(trial, SPACE), 1)[0]))
    values = [t.value for t in study.trials]
    mean = predict(study, list(SPACE.enumerate()), SPACE).mean
    assert min(values) / 3 < mean.min() < mean.max() < max(values) * 3


def test_no_architectures_have_no_values() -> None:
    assert predict(study_of(10), [], SPACE).mean.shape == (0, 2)


def test_too_few_trials_are_refused_with_their_number() -> None:
    study = study_of(2)
    with pytest.raises(InvalidSpecError, match=r"at least 3 COMPLETE trials .* has 2; run more"):
        predict(study, list(SPACE.enumerate(1)), SPACE)


def test_members_of_another_space_are_refused() -> None:
    with pytest.raises(InvalidArchitectureError, match="dense cell"):
        predict(study_of(5), [DARTS.sample(np.random.default_rng(0))], SPACE)


def test_a_study_of_another_space_has_no_trials_of_this_one() -> None:
    with pytest.raises(InvalidSpecError, match="has 0; run more"):
        predict(study_of(5), [DARTS.sample(np.random.default_rng(0))], DARTS)


def test_the_rank_correlation_is_of_trials_that_were_held_out() -> None:
    study = study_of(60)
    first, second = cross_validated_rank(study, SPACE)
    assert (first.objective, second.objective) == (0, 1)
    valued = [t for t in study.trials if t.values is not None]
    assert first.trials == len({SPACE.digest(codec.from_params(SPACE, t)) for t in valued})
    assert 0.5 < first.kendall <= 1.0
    assert first.kendall < first.spearman <= 1.0
    assert cross_validated_rank(study, SPACE) == [first, second]


def test_what_was_trained_twice_is_held_out_once() -> None:
    rng = np.random.default_rng(0)
    study = optuna.create_study(sampler=UniqueRandomSampler(SPACE, seed=2))
    for _ in range(12):
        trial = study.ask()
        codec.suggest(trial, SPACE)
        study.tell(trial, float(rng.standard_normal()))
    alone = cross_validated_rank(study, SPACE)
    for trial in study.trials:
        for _ in range(2):
            study.add_trial(trial)
    assert cross_validated_rank(study, SPACE) == alone
    assert alone[0].trials == 12


def test_values_of_chance_have_no_rank_correlation() -> None:
    study = optuna.create_study(sampler=UniqueRandomSampler(SPACE, seed=2, identity="code"))
    rng = np.random.default_rng(0)
    for _ in range(60):
        trial = study.ask()
        codec.suggest(trial, SPACE)
        study.tell(trial, float(rng.standard_normal()))
    (found,) = cross_validated_rank(study, SPACE)
    assert abs(found.kendall) < 0.3


def test_known_objectives_are_left_out_and_few_trials_give_none() -> None:
    known = {1: 0.0}
    found = cross_validated_rank(study_of(20), SPACE, known=lambda m: known)
    assert [entry.objective for entry in found] == [0]
    assert cross_validated_rank(study_of(9), SPACE) == []


def test_equal_values_have_no_rank() -> None:
    study = optuna.create_study(sampler=UniqueRandomSampler(SPACE, seed=2))
    for _ in range(12):
        trial = study.ask()
        codec.suggest(trial, SPACE)
        study.tell(trial, 1.0)
    (found,) = cross_validated_rank(study, SPACE)
    assert math.isnan(found.kendall)
    assert math.isnan(found.spearman)


@pytest.mark.parametrize("folds", [1, 2.5, True])
def test_other_numbers_of_folds_are_refused(folds: object) -> None:
    with pytest.raises(InvalidSpecError, match="folds must be an integer from 2 on"):
        cross_validated_rank(study_of(3), SPACE, folds=folds)  # type: ignore[arg-type]
