"""Samplers that know the space, made by name: what does not fit a study's objectives is refused."""

from __future__ import annotations

from typing import Any

import pytest
from optuna.study import StudyDirection
from sampler_cases import SMALL

from optunas import samplers
from optunas.errors import InvalidSpecError
from optunas.samplers.own import OWN, Given, make_own, own_class

UP, DOWN = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
SCALARISING = ("local_search", "regularized_evolution", "reinforce", "surrogate")


@pytest.mark.parametrize("name", SCALARISING)
@pytest.mark.parametrize(
    ("scalarise", "says"),
    [
        ({"form": "weights", "weights": [1]}, r"1 weight for 3 objectives; give one for each"),
        ({"form": "chebyshev", "weights": [1, 1]}, r"2 weights for 3 objectives"),
        ({"form": "log_cost", "weights": [1, 2, 3]}, r"3 weights for 2 costs; give one for each"),
        ({"form": "log_cost", "score": 5}, r"objectives are 0 to 2, there is no objective 5"),
        ({"form": "log_cost", "score": 1}, r"objective 0 is maximised, a cost is minimised"),
    ],
)
def test_a_scalarisation_that_does_not_fit_is_refused_before_there_is_a_study(
    name: str, scalarise: dict[str, Any], says: str
) -> None:
    given = Given(SMALL, directions=(UP, DOWN, DOWN))
    with pytest.raises(InvalidSpecError, match=says):
        make_own(name, {"scalarise": scalarise}, given, 0)
    # Without the objectives nothing can be said.
    make_own(name, {"scalarise": scalarise}, Given(SMALL), 0)


def test_a_reference_names_objectives_that_the_study_has() -> None:
    given = Given(SMALL, directions=(UP, DOWN))
    with pytest.raises(InvalidSpecError, match=r"reference names objective 5; .* are 0 to 1\."):
        make_own("cheap_aware", {"reference": {"5": 1.0, 0: 0.5}}, given, 0)
    make_own("cheap_aware", {"reference": {"1": 1.0, 0: 0.5}}, given, 0)


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("directions", [(UP,), (UP, DOWN, DOWN)])
def test_all_of_them_serve_one_objective_and_several(
    name: str, directions: tuple[StudyDirection, ...]
) -> None:
    make_own(name, {}, Given(SMALL, directions=directions), 0)


def test_what_scikit_learn_refuses_ends_as_a_sentence() -> None:
    options = {"regressor": "ridge", "regressor_options": {"alpha": -1}}
    with pytest.raises(InvalidSpecError, match=r"regressor 'ridge' refuses \{'alpha': -1\}.*\.$"):
        make_own("surrogate", options, Given(SMALL), 0)


@pytest.mark.parametrize("name", OWN)
def test_a_class_is_a_name_of_the_package(name: str) -> None:
    kind = own_class(name)
    assert getattr(samplers, kind.__name__) is kind
    assert kind.__name__ in samplers.__all__
    assert issubclass(kind, samplers.SpaceSampler)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'optunas\.samplers' has no attribute 'Annealing'"):
        _ = samplers.Annealing
    assert set(samplers.__all__) == set(dir(samplers))
