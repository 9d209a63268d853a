"""The three kinds of parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optunas.errors import InvalidSpaceError
from optunas.space import Choice, Float, Int, Parameter
from optunas.space.definition import parameter_from_definition

seeds = st.integers(0, 2**32 - 1)


@st.composite
def parameters(draw: Any) -> Parameter:
    kind = draw(st.sampled_from(["choice", "int", "log int", "float", "log float", "grid"]))
    low = draw(st.integers(-50, 50))
    width = draw(st.integers(0, 40))
    if kind == "choice":
        return Choice(tuple(draw(st.permutations("abcde"))))
    if kind == "int":
        return Int(low, low + width, draw(st.integers(1, 7)))
    if kind == "log int":
        return Int(abs(low) + 1, abs(low) + 1 + width, log=True)
    if kind == "float":
        return Float(low / 7, (low + width) / 7)
    if kind == "log float":
        return Float(10.0**-4 * (abs(low) + 1), 10.0**-4 * (abs(low) + 1 + width), log=True)
    return Float(low / 10, (low + width) / 10, step=draw(st.integers(1, 9)) / 10)


@settings(max_examples=200, deadline=None)
@given(parameters(), seeds)
def test_samples_and_neighbours_are_members(parameter: Parameter, seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = parameter.sample(rng)
    assert parameter.contains(value)
    assert parameter.contains(parameter.round(value))
    assert parameter.cast(value) == pytest.approx(value) if value != "" else True
    assert all(0.0 <= feature <= 1.0 for feature in parameter.features(value))
    assume(parameter.size > 1)
    other = parameter.neighbour(value, rng)
    assert parameter.contains(other)
    assert other != value


@settings(max_examples=200, deadline=None)
@given(parameters())
def test_size_is_the_number_of_values(parameter: Parameter) -> None:
    assume(parameter.size != math.inf)
    values = list(parameter.values())
    assert len(values) == parameter.size == len(set(values))
    assert all(parameter.contains(value) and parameter.round(value) == value for value in values)


@settings(max_examples=100, deadline=None)
@given(parameters())
def test_definitions_rebuild_the_parameter(parameter: Parameter) -> None:
    assert parameter_from_definition(parameter.definition()) == parameter


@pytest.mark.parametrize(
    ("parameter", "inside", "outside"),
    [
        (Choice((1, "a")), [1, "a", 1.0], [True, "b", None, 2]),
        (Choice((True, "a")), [True], [1, False]),
        (Int(1, 10, 4), [1, 5, 9], [10, 3, True, 5.0, "5", 13]),
        (Float(0.0, 1.0), [0, 0.5, 1], [-1e-9, 1.1, True, "0.5", math.nan, math.inf]),
        (Float(0.1, 0.5, step=0.2), [0.1, 0.30000000000000004, 0.5], [0.2, 0.7]),
    ],
)
def test_contains(parameter: Parameter, inside: list, outside: list) -> None:
    assert [value for value in inside if not parameter.contains(value)] == []
    assert [value for value in outside if parameter.contains(value)] == []


def test_logarithmic_samples_are_uniform_in_the_exponent() -> None:
    rng = np.random.default_rng(0)
    lr = Float(1e-5, 1e-1, log=True)
    below = np.mean([lr.sample(rng) < 1e-3 for _ in range(2000)])
    assert 0.45 < below < 0.55
    width = Int(1, 1000, log=True)
    below = np.mean([width.sample(rng) < 32 for _ in range(2000)])
    assert 0.4 < below < 0.6


def test_a_numeric_mutation_stays_near() -> None:
    rng = np.random.default_rng(0)
    steps = [abs(Int(0, 1000).neighbour(500, rng) - 500) for _ in range(300)]
    assert 0 < np.median(steps) < 250


def test_rounding_joins_values_that_no_training_tells_apart() -> None:
    lr = Float(1e-5, 1.0, log=True)
    assert lr.round(0.1 + 1e-15) == lr.round(0.1) == 0.1
    assert lr.round(0.1 + 1e-9) != 0.1
    assert lr.cast(0.1 + 1e-15) == 0.1 + 1e-15


def test_every_value_of_a_small_range_is_sampled_alike() -> None:
    rng = np.random.default_rng(0)
    for parameter in (Choice(("a", "b", "c")), Int(3, 9, 3), Float(0.1, 0.3, step=0.1)):
        drawn = [parameter.sample(rng) for _ in range(1500)]
        counts = [drawn.count(value) for value in parameter.values()]
        assert sum(counts) == 1500
        assert all(400 < count < 600 for count in counts)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Choice(()), "needs at least one option"),
        (lambda: Choice("sgd"), r"takes a list of options such as \['sgd', 'adam'\], got 'sgd'"),
        (lambda: Choice(("a", "a")), "must be distinct"),
        (lambda: Choice((1, True)), "must be distinct"),
        (lambda: Choice((None,)), "strings, numbers or booleans, got None"),
        (lambda: Choice((math.nan,)), "strings, numbers or booleans, got nan"),
        (lambda: Int(3, 1), "the range is reversed, low=3 is above high=1"),
        (lambda: Int(1.5, 3), "low must be an integer, got 1.5"),
        (lambda: Int(True, 3), "low must be an integer, got True"),
        (lambda: Int(1, 3, 0), "step must be an integer from 1 on, got 0"),
        (lambda: Int(0, 3, log=True), "needs low > 0, got low=0"),
        (lambda: Int(1, 9, 2, log=True), "log=True goes with step=1 only, got step=2"),
        (lambda: Float(1.0, 0.0), "the range is reversed"),
        (lambda: Float(0.0, math.inf), "high must be a finite number, got inf"),
        (lambda: Float("0", 1.0), "low must be a finite number, got '0'"),
        (lambda: Float(0.0, 1.0, log=True), "needs low > 0"),
        (lambda: Float(0.1, 1.0, step=0.1, log=True), "log=True takes no step"),
        (lambda: Float(0.0, 1.0, step=-0.1), "step must be above 0, got -0.1"),
        (lambda: Float(0.0, 1.0, step="x"), "step must be a number, got 'x'"),
        (
            lambda: Float(0.0, 1.0).values(),
            "is continuous and cannot be enumerated; give it a step",
        ),
        (lambda: Choice(("a",)).neighbour("a", np.random.default_rng(0)), "nothing to change to"),
        (lambda: Int(2, 2).neighbour(2, np.random.default_rng(0)), "nothing to change to"),
        (lambda: parameter_from_definition({"type": "bool"}), "A stored parameter has a type"),
        (
            lambda: parameter_from_definition({"type": "int", "lo": 1}),
            "A stored parameter has a type",
        ),
    ],
)
def test_bad_parameters_get_one_sentence(make: Any, message: str) -> None:
    with pytest.raises(InvalidSpaceError, match=message):
        make()
