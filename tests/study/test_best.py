"""What a study of one objective comes to, on a task whose best answer is known."""

from __future__ import annotations

import math

import optuna
import pytest
import toy_task
from optuna.storages import InMemoryStorage

import optunas
from optunas import Budget, Choice, Float, HyperSpace, Int, StudyHandle, When
from optunas.study.best import best, importances

# The task does not read the slope, which never counts beside the only mood that is suggested.
SLOPED = HyperSpace(
    width=Int(2, 16), mood=Choice(("fine", "other")), slope=When(Float(0.0, 1.0), mood="other")
)


def study(trials: int = 40, **changes: object) -> StudyHandle:
    fields = {"objectives": ("accuracy",), "budget": Budget(trials=trials), "reuse": False}
    handle = optunas.create(toy_task.spec(**(fields | changes)), InMemoryStorage())
    return optunas.run(handle, progress=False, trust=["toy_task"])


def _sloped() -> StudyHandle:
    spec = toy_task.spec(space=SLOPED, objectives=("accuracy",), budget=Budget(trials=20))
    handle = optunas.create(spec, InMemoryStorage())
    for width in range(2, 17):
        handle.study.enqueue_trial({"width": width, "mood": "fine"})
    return optunas.run(handle, progress=False, trials=15, trust=["toy_task"])


def test_the_best_value_and_the_parameters_that_gave_it() -> None:
    handle = study()
    found = best(handle)
    widths = [t.params["width"] for t in handle.trials()]
    top = max(widths)
    assert found is not None
    assert found["params"] == {"width": top, "mood": "fine"}
    assert found["trial"] == widths.index(top)
    assert found["value"] == pytest.approx((1 - 1 / (1 + top)) * (1 - 0.5**3))


def test_the_best_names_only_parameters_that_count() -> None:
    found = best(_sloped())
    assert found is not None
    assert found["params"].keys() == {"width", "mood"}


def test_names_are_those_of_the_trials() -> None:
    space = optunas.JointSpace(train=HyperSpace(width=Int(1, 16)))
    handle = study(8, space=space)
    found = best(handle)
    assert found is not None
    assert found["params"].keys() == handle.trials()[0].params.keys() == {"train.width"}


def test_the_parameter_that_decides_is_the_important_one() -> None:
    shares = importances(study(space=HyperSpace(width=Int(1, 16), slope=Float(0.0, 1.0))))
    assert sum(shares.values()) == pytest.approx(1)
    assert next(iter(shares)) == "width"
    assert shares["width"] > 0.9
    assert shares["slope"] < 0.1


def test_importances_repeat() -> None:
    handle = study(12)
    assert importances(handle) == importances(handle)


def test_a_value_that_does_not_count_explains_nothing() -> None:
    handle = _sloped()
    suggested = {t.params["slope"] for t in handle.trials()}
    assert len(suggested) == len(handle.trials())
    assert importances(handle) == {"width": 1.0, "mood": 0.0, "slope": 0.0}


def test_several_objectives_have_a_front_and_no_best() -> None:
    handle = study(6, objectives=("accuracy", "params"))
    assert best(handle) is None
    assert importances(handle) == {}


def test_too_little_to_tell() -> None:
    empty = optunas.create(toy_task.spec(objectives=("accuracy",)), InMemoryStorage())
    assert best(empty) is None
    assert importances(empty) == {}
    assert importances(study(3)) == {}
    assert importances(study(5, space=HyperSpace(width=Choice((4,)), slope=Float(0, 1)))) == {}


def _finished(rows: list[tuple[float, float]]) -> StudyHandle:
    """A study whose trials, of these widths and values, were told and never run."""
    space = HyperSpace(width=Float(0.0, 1.0))
    handle = optunas.create(toy_task.spec(space=space, objectives=("accuracy",)), InMemoryStorage())
    for width, value in rows:
        trial = optuna.create_trial(
            params={"width": width},
            distributions=optunas.distributions(space),
            value=value,
            user_attrs={"architecture": space.to_json(space.decode({"width": width}))},
        )
        handle.study.add_trial(trial)
    return handle


@pytest.mark.parametrize(
    "rows",
    [
        [(0.5, float(at)) for at in range(6)],  # one setting, values that differ by chance
        [(at / 9, 1.0 if at < 3 else math.inf) for at in range(8)],
        [(at / 9, 1.0 if at < 5 else -math.inf) for at in range(8)],
        [(at / 9, 1e308 * (at - 4) / 4) for at in range(8)],
    ],
)
def test_what_no_parameter_explains_has_no_importances(rows: list[tuple[float, float]]) -> None:
    assert importances(_finished(rows)) == {}


def test_infinite_values_are_left_out_of_the_importances() -> None:
    finite = [(at / 9, float(at)) for at in range(8)]
    assert importances(_finished([*finite, (1.0, math.inf)])) == {"width": 1.0}
