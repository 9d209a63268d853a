"""The sampler that knows the costs: every space, several workers, wrong input, what it finds."""

from __future__ import annotations

import json
import logging
import math
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from sampler_cases import (
    SMALL,
    SPACES,
    go_on,
    members,
    new_study,
    seen_of,
    values_of,
)

from optunas import codec
from optunas.errors import InvalidSpecError
from optunas.samplers.cheap_aware import CheapAwareSampler
from optunas.samplers.prediction.learned import checkpoint
from optunas.samplers.prediction.partial import guesses, read_curve
from optunas.space import DARTS, NB201, DenseCellSpace, HyperSpace, Int


def sampler(*args: Any, **more: Any) -> CheapAwareSampler:
    return CheapAwareSampler(*args, **{"startup_trials": 4, "candidates": 30, "seed": 1} | more)


def known_of(space: Any) -> Any:
    def known(member: Any) -> Mapping[int, float]:
        return dict(enumerate(values_of(space, member, 3)[1:], start=1))

    return known


@pytest.mark.parametrize("kind", SPACES)
@pytest.mark.parametrize("objectives", [1, 3])
def test_it_proposes_new_members_of_every_kind_of_space(kind: str, objectives: int) -> None:
    space = SPACES[kind]
    known = known_of(space) if objectives == 3 else None
    study = new_study(sampler(space, known=known), objectives)
    go_on(study, space, 12)
    found = members(study, space)
    for member in found:
        space.validate(member)
    assert len({space.digest(member) for member in found}) == 12


@pytest.mark.slow
def test_the_whole_of_nas_bench_201_is_judged() -> None:
    study = new_study(sampler(NB201, known=known_of(NB201)), 3)
    go_on(study, NB201, 10)
    assert len(set(map(NB201.digest, members(study, NB201)))) == 10


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_it_beats_chance_clearly(objectives: int) -> None:
    space = DenseCellSpace(num_nodes=3)
    best = max(values_of(space, m, 1)[0] for m in space.enumerate())
    known = known_of(space) if objectives == 3 else None
    study = new_study(sampler(space, known=known, identity="code"), objectives)
    go_on(study, space, 25)  # of 125
    assert max(t.values[0] for t in study.trials if t.values) == pytest.approx(best)


def test_it_goes_on_when_every_member_was_tried() -> None:
    study = new_study(sampler(SMALL))
    go_on(study, SMALL, 40)
    assert len(study.trials) == 40


def test_known_objectives_alone_need_no_prediction() -> None:
    space = SMALL

    def known(member: Any) -> Mapping[int, float]:
        return dict(enumerate(values_of(space, member, 2)))

    study = new_study(sampler(space, known=known), 2)
    go_on(study, space, 10)  # as many networks as there are
    assert len({space.digest(m) for m in members(study, space)}) == 10


def test_values_that_are_no_numbers_do_not_stop_it() -> None:
    study = new_study(sampler(SMALL), 2)
    for number in range(12):
        trial = study.ask()
        codec.suggest(trial, SMALL)
        odd = [math.inf, -math.inf, 1e300, 0.0][number % 4]
        study.tell(trial, [float(number), odd])
    assert len(study.trials) == 12


def test_equal_values_do_not_stop_it() -> None:
    study = new_study(sampler(SMALL), 2)
    for _ in range(10):
        trial = study.ask()
        codec.suggest(trial, SMALL)
        study.tell(trial, [1.0, 1.0])
    assert len({SMALL.digest(m) for m in members(study, SMALL)}) == 10


def test_enqueued_trials_count() -> None:
    study = new_study(sampler(SMALL, known=known_of(SMALL)), 3)
    wanted = SMALL.sample(np.random.default_rng(9))
    study.enqueue_trial(codec.to_params(SMALL, wanted))
    go_on(study, SMALL, 10)
    assert members(study, SMALL)[0] == wanted


def test_workers_that_ask_at_once_get_different_members() -> None:
    study = new_study(sampler(DARTS, known=known_of(DARTS)), 3)
    go_on(study, DARTS, 8)
    trials = [study.ask() for _ in range(5)]  # none has said what it will try
    found = [codec.suggest(trial, DARTS) for trial in trials]
    assert len({DARTS.digest(member) for member in found}) == 5


def test_one_that_is_silent_before_is_thought_of() -> None:
    space = DenseCellSpace(num_nodes=3)
    study = new_study(sampler(space, identity="code"))
    go_on(study, space, 6)
    first, second = study.ask(), study.ask()
    ahead = codec.suggest(second, space)  # before the first one has said anything
    behind = codec.suggest(first, space)
    assert ahead != behind


def _go(space: Any, trials: int) -> list[str]:
    study = new_study(sampler(space, known=known_of(space)), 3)
    go_on(study, space, trials)
    return [space.digest(m) for m in members(study, space)]


CODE = """
from tests.samplers.test_cheap_aware_sampler import _go, SPACES
import json; print(json.dumps(_go(SPACES["DARTS"], 9)))
"""


def test_another_process_proposes_the_same() -> None:
    out = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == _go(SPACES["DARTS"], 9)


def test_a_resumed_study_goes_on_as_an_uninterrupted_one() -> None:
    space = SPACES["DARTS"]
    whole = _go(space, 11)
    study = new_study(sampler(space, known=known_of(space)), 3)
    go_on(study, space, 7)
    study.sampler = sampler(space, known=known_of(space))
    go_on(study, space, 4)
    assert [space.digest(m) for m in members(study, space)] == whole


def test_it_says_once_when_there_is_too_little_to_predict_from(
    caplog: pytest.LogCaptureFixture,
) -> None:
    study = new_study(sampler(SMALL))
    with caplog.at_level(logging.WARNING, logger="optunas"):
        for _ in range(8):
            trial = study.ask()
            codec.suggest(trial, SMALL)
            study.tell(trial, state=TrialState.FAIL)
    told = [r.getMessage() for r in caplog.records if "too few to predict" in r.getMessage()]
    assert len(told) == 1
    assert "values of 0 of 4 ended trials" in told[0]


def test_nothing_that_breaks_a_limit_is_proposed() -> None:
    limit = 1.2

    def feasible(member: Any) -> bool:
        return values_of(SMALL, member, 2)[1] <= limit

    study = new_study(sampler(SMALL, feasible=feasible), 2)
    go_on(study, SMALL, 10)
    assert all(feasible(member) for member in members(study, SMALL))


def test_the_first_trials_spread_over_the_costs() -> None:
    space = HyperSpace(width=Int(1, 1000))
    study = new_study(sampler(space, known=lambda m: {1: float(m["width"])}, startup_trials=8), 2)
    go_on(study, space, 6)
    eighths = {int(8 * (m["width"] - 1) / 1000) for m in members(study, space)}
    assert len(eighths) >= 4


def test_a_reference_keeps_it_from_members_that_do_not_count() -> None:
    space = HyperSpace(width=Int(1, 200))

    def known(member: Mapping[str, int]) -> Mapping[int, float]:
        return {1: float(member["width"])}

    study = new_study(sampler(space, known=known, reference={"0": 0.8}), 2)
    for _ in range(16):
        trial = study.ask()
        width = codec.suggest(trial, space)["width"]
        study.tell(trial, [width / 200.0, float(width)])
    later = [t.params["width"] for t in study.trials[6:]]
    assert np.mean([width > 150 for width in later]) >= 0.7


def test_features_of_the_users_own_are_asked_for_a_few_only() -> None:
    asked: list[Any] = []

    def extra(member: Any) -> list[float]:
        asked.append(member)
        return [values_of(DARTS, member, 1)[0], math.nan]

    study = new_study(sampler(DARTS, extra=extra, shortlist=5))
    go_on(study, DARTS, 8)
    assert 5 <= len(asked) <= 8 + 4 * 5 + 4


def test_extra_features_of_another_number_are_refused() -> None:
    counts = iter(range(1, 1000))
    study = new_study(sampler(SMALL, extra=lambda m: [0.0] * (1 + next(counts) % 2)))
    with pytest.raises(InvalidSpecError, match="always as many numbers"):
        go_on(study, SMALL, 8)


def _earlier(space: Any, sign: float, objectives: int = 1) -> list[tuple[Any, list[float]]]:
    found = list(space.enumerate())[::2]
    return [(m, [sign * v for v in values_of(space, m, objectives)]) for m in found]


def test_an_earlier_study_chooses_the_first_trials() -> None:
    space = DenseCellSpace(num_nodes=3)
    values = sorted(values_of(space, m, 1)[0] for m in space.enumerate())
    study = new_study(sampler(space, earlier=_earlier(space, 1.0), identity="code"))
    go_on(study, space, 3)
    assert study.trials[0].values[0] > values[-13]  # the best tenth


def test_an_earlier_study_of_the_opposite_does_not_mislead_for_long() -> None:
    space = DenseCellSpace(num_nodes=3)
    values = sorted(values_of(space, m, 1)[0] for m in space.enumerate())
    study = new_study(sampler(space, earlier=_earlier(space, -1.0), identity="code"))
    go_on(study, space, 25)
    assert max(t.values[0] for t in study.trials if t.values) > values[-7]  # the best twentieth


@pytest.mark.parametrize(
    ("earlier", "sentence"),
    [
        ("trials", "must be a list of"),
        ([1], "observation 1 is no"),
        ([(3, [0.5])], "observation 1 is not of this space"),
        ([(m, [0.5] * n) for n, m in enumerate(SMALL.enumerate(2), 1)], "they need as many"),
    ],
)
def test_an_earlier_study_of_another_space_is_refused(earlier: Any, sentence: str) -> None:
    with pytest.raises(InvalidSpecError, match=sentence):
        CheapAwareSampler(SMALL, earlier=earlier)


def test_an_earlier_study_of_other_objectives_is_refused() -> None:
    study = new_study(sampler(SMALL, earlier=_earlier(SMALL, 1.0, 2)))
    trial = study.ask()
    with pytest.raises(InvalidSpecError, match="2 values for each member, the study has 1"):
        codec.suggest(trial, SMALL)


def test_all_wrong_arguments_are_named_at_once() -> None:
    with pytest.raises(InvalidSpecError) as caught:
        CheapAwareSampler(
            SMALL,
            startup_trials=0,
            floor=1.5,
            candidates=2,
            shortlist=0,
            reference={"accuracy": 0.8, 0: math.nan},
            extra=3,  # type: ignore[arg-type]
        )
    for name in ("startup_trials", "floor", "candidates", "shortlist", "accuracy", "extra"):
        assert name in str(caught.value)
    assert "reference of objective 0" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (3.0, "must return {objective index: value}"),
        ({5: 1.0}, "objective 5"),
        ({"latency": 1.0}, "objective 'latency'"),
        ({1: "fast"}, "must return numbers"),
    ],
)
def test_known_values_that_are_none_are_refused(answer: Any, sentence: str) -> None:
    study = new_study(sampler(SMALL, known=lambda m: answer), 3)
    with pytest.raises(InvalidSpecError, match=sentence):
        codec.suggest(study.ask(), SMALL)


def test_hyperparameters_are_fitted_ever_less_often() -> None:
    fits = sorted({checkpoint(n) for n in range(3, 1001)})
    assert len(fits) < 50
    assert all(checkpoint(n) <= n for n in range(1, 200))


def curve(objective: int, number: int, values: Mapping[int, float]) -> dict[str, Any]:
    body = {
        "objective": objective,
        "trial": number,
        "steps": list(values),
        "values": list(values.values()),
    }
    return {"user_attrs": {"optunas:curve": json.dumps(body)}}


def test_a_pruned_trial_is_worth_what_others_made_of_such_a_start() -> None:
    space = SMALL
    each = list(space.enumerate(8))
    seen = [
        seen_of(space, m, [0.5 + at / 10, 1.0], at, **curve(0, at, {1: at / 10, 2: 0.5 + at / 10}))
        for at, m in enumerate(each[:6])
    ]
    seen.append(seen_of(space, each[6], None, 6, **curve(0, 6, {1: 0.25})))
    (guess,) = guesses(seen, 0)
    assert guess.seen.number == 6
    assert guess.value == pytest.approx(0.75)
    assert 0.0 < guess.variance < 0.2
    assert guesses(seen, 1) == []
    assert guesses(seen[3:], 0) == []  # too few complete ones


@pytest.mark.parametrize("text", ["", "[]", '{"objective": 0}', '{"objective": 0, "steps": [1]}'])
def test_a_broken_curve_is_none(text: str) -> None:
    one = seen_of(SMALL, next(SMALL.enumerate(1)), None, 0, user_attrs={"optunas:curve": text})
    assert read_curve(one.trial) == (0, {})


def test_pruned_trials_teach() -> None:
    space = DenseCellSpace(num_nodes=3)

    def begun(prune: bool) -> list[Any]:
        study = optuna.create_study(direction="maximize", sampler=sampler(space))
        for _ in range(20):
            trial = study.ask()
            value = values_of(space, codec.suggest(trial, space), 1)[0]
            trial.report(value / 2, 1)
            if prune and trial.number % 3 == 2:
                study.tell(trial, state=TrialState.PRUNED)
            elif trial.number % 3 == 2:
                study.tell(trial, state=TrialState.FAIL)
            else:
                study.tell(trial, value)
        return members(study, space)

    assert begun(True)[:5] == begun(False)[:5]
    assert begun(True) != begun(False)


@pytest.mark.parametrize("answer", [1.0, None, ["a"], "proxies"])
def test_extra_features_that_are_no_numbers_are_refused(answer: Any) -> None:
    study = new_study(sampler(SMALL, extra=lambda member: answer))
    with pytest.raises(InvalidSpecError, match=r"extra\(member\) must return a list of numbers"):
        go_on(study, SMALL, 12)


def test_a_reference_of_no_objective_is_refused_in_a_bare_study_too() -> None:
    study = new_study(sampler(SMALL, reference={5: 1.0}), 3)
    with pytest.raises(InvalidSpecError, match=r"reference names objective 5; .* are 0 to 2"):
        go_on(study, SMALL, 1)
