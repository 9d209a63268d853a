"""Samplers by name: which there are, with which defaults, and what they refuse."""

from __future__ import annotations

import importlib.util
import itertools
import logging
import math
from collections import Counter
from typing import Any

import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import NSGAIISampler, TPESampler
from optuna.trial import TrialState

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers import SAMPLERS, SeededSampler, make_sampler, population_size
from optunas.samplers.by_name import generation_key

FINITE: dict[str, BaseDistribution] = {
    "a": CategoricalDistribution(["p", "q", "r"]),
    "n": IntDistribution(1, 3, step=2),
    "x": FloatDistribution(0.0, 1.0, step=0.5),
}
POINTS = set(itertools.product("pqr", (1, 3), (0.0, 0.5, 1.0)))
NEEDS_CMAES = pytest.mark.skipif(
    importlib.util.find_spec("cmaes") is None, reason="the package cmaes is not installed"
)
NAMES = [
    pytest.param(name, marks=NEEDS_CMAES if name == "cmaes" else ()) for name in sorted(SAMPLERS)
]


def make(name: str, objectives: int = 1, seed: int = 5, **options: Any) -> SeededSampler:
    return make_sampler(name, options, seed, trials=40, objectives=objectives, distributions=FINITE)


def run(sampler: SeededSampler, trials: int, objectives: int = 1) -> optuna.Study:
    study = optuna.create_study(directions=["minimize"] * objectives, sampler=sampler)
    for number in range(trials):
        trial = study.ask()
        point = [trial._suggest(name, distribution) for name, distribution in FINITE.items()]
        values = [float(i + point[1] * point[2] + number % 2) for i in range(objectives)]
        study.tell(trial, values)
    return study


def points(study: optuna.Study) -> list[tuple[Any, ...]]:
    return [tuple(t.params[name] for name in FINITE) for t in study.get_trials(deepcopy=False)]


@pytest.mark.parametrize("name", NAMES)
def test_every_sampler_suggests_with_one_objective(name: str) -> None:
    assert set(points(run(make(name), 14))) <= POINTS


@pytest.mark.parametrize("name", sorted(set(SAMPLERS) - {"cmaes"}))
def test_every_sampler_but_cmaes_suggests_with_three(name: str) -> None:
    assert set(points(run(make(name, objectives=3), 14, objectives=3))) <= POINTS


@pytest.mark.parametrize("name", sorted(set(SAMPLERS) - {"cmaes"}))
def test_nothing_is_said_while_sampling(name: str, caplog: pytest.LogCaptureFixture) -> None:
    optuna.logging.enable_propagation()
    try:
        with caplog.at_level(logging.WARNING, logger="optuna"):
            run(make(name), 12)
    finally:
        optuna.logging.disable_propagation()
    assert caplog.messages == []


@pytest.mark.parametrize("name", ["grid", "brute_force"])
def test_an_exhaustive_sampler_visits_everything_once_and_says_so(name: str) -> None:
    sampler = make(name)
    study = run(sampler, len(POINTS) - 1)
    assert not sampler.exhausted
    trial = study.ask()
    for key, distribution in FINITE.items():
        trial._suggest(key, distribution)
    study.tell(trial, 0.0)
    assert sampler.exhausted
    assert Counter(points(study)) == Counter(POINTS)


def test_a_grid_goes_on_where_another_process_left_it() -> None:
    study = run(make("grid"), 7)
    study.sampler = make("grid")
    for _ in range(len(POINTS) - 7):
        trial = study.ask()
        for key, distribution in FINITE.items():
            trial._suggest(key, distribution)
        study.tell(trial, 0.0)
    assert Counter(points(study)) == Counter(POINTS)


def test_a_grid_survives_an_enqueued_point_at_its_end() -> None:
    study = run(make("grid"), len(POINTS) - 1)
    study.enqueue_trial({"a": "p", "n": 1, "x": 0.5})
    trial = study.ask()
    for key, distribution in FINITE.items():
        trial._suggest(key, distribution)
    study.tell(trial, 0.0)
    assert study.trials[-1].state == TrialState.COMPLETE


def test_quasi_random_points_are_spread_over_the_trials_of_a_study() -> None:
    distribution = FloatDistribution(0.0, 1.0)
    for scramble in (False, True):
        sampler = make_sampler(
            "qmc",
            {"scramble": scramble},
            5,
            trials=40,
            objectives=1,
            distributions={"x": distribution},
        )
        study = optuna.create_study(sampler=sampler)
        for _ in range(17):
            trial = study.ask()
            study.tell(trial, trial.suggest_float("x", 0.0, 1.0))
        # The first is random; 16 points of a Sobol sequence have one in each sixteenth.
        sixteenths = {int(16 * t.params["x"]) for t in study.trials[1:]}
        assert len(sixteenths) == 16


def test_a_population_is_sized_to_the_budget() -> None:
    sizes = {n: population_size(n) for n in (1, 40, 100, 250, 10_000)}
    assert sizes == {1: 8, 40: 8, 100: 20, 250: 50, 10_000: 50}
    assert population_size(None) == 50
    inner = make("nsga2").inner
    assert isinstance(inner, NSGAIISampler)
    assert inner.population_size == 8


def test_options_win_over_the_defaults() -> None:
    inner = make("nsga2", population_size=13).inner
    assert isinstance(inner, NSGAIISampler)
    assert inner.population_size == 13
    assert isinstance(make("tpe", multivariate=False).inner, TPESampler)


def test_a_sampler_refuses_what_it_does_not_know() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown sampler 'nsga_2'; did you mean 'nsga2'"):
        make("nsga_2")
    with pytest.raises(
        UnknownNameError, match=r"'nsga2': 'population'; did you mean 'population_s"
    ):
        make("nsga2", population=3)
    with pytest.raises(UnknownNameError, match=r"option of the sampler 'tpe': 'seed'"):
        make_sampler("tpe", {"seed": 3}, 0, trials=9, objectives=1, distributions=FINITE)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("nsga2", {"population_size": 1}, r"population_size must be an integer from 2 on, got 1\."),
        ("nsga2", {"population_size": math.nan}, r"population_size must be an integer from 2 on"),
        ("nsga2", {"mutation_prob": -1}, r"mutation_prob must be a number in \[0, 1\], or None"),
        ("nsga3", {"dividing_parameter": -1}, r"dividing_parameter must be an integer from 1 on"),
        ("nsga3", {"reference_points": [[1, 0]]}, r"reference_points is an object of Optuna's"),
        ("tpe", {"n_startup_trials": "x"}, r"n_startup_trials must be an integer from 0 on, got"),
        ("tpe", {"multivariate": "yes"}, r"multivariate must be True or False, got 'yes'"),
        ("tpe", {"gamma": 3}, r"gamma is an object of Optuna's, which a study cannot hold, got 3"),
        ("tpe", {"prior_weight": 0}, r"prior_weight must be a number above 0, or None, got 0"),
        ("gp", {"deterministic_objective": 1}, r"deterministic_objective must be True or False"),
        ("grid", {"search_space": 3}, r"search_space must be \{parameter: \[its values\]\}"),
    ],
)
def test_optunas_samplers_are_asked_before_they_break(
    name: str, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidSpecError, match=says):
        make(name, **options)


def test_all_options_that_cannot_be_are_said_at_once() -> None:
    with pytest.raises(InvalidSpecError, match=r"'tpe': group must") as caught:
        make("tpe", group=1, n_ei_candidates=0, constant_liar=None)
    assert len(str(caught.value).splitlines()) == 3


def test_objects_pass_and_none_leaves_the_choice_to_optuna() -> None:
    crossover = optuna.samplers.nsgaii.UniformCrossover()
    sampler = make("nsga2", mutation_prob=None, crossover=crossover)
    assert isinstance(sampler.inner, NSGAIISampler)


def test_a_grid_holds_values_that_the_space_has() -> None:
    options = {"search_space": {"a": ["p", "z"], "n": [1.5], "x": "01"}}
    with pytest.raises(InvalidSpecError, match=r"has 'z' for 'a'; it has 'p'") as caught:
        make("grid", **options)
    assert "1.5 for 'n'; it has whole numbers from" in str(caught.value)
    assert "must list values of 'x', got '01'" in str(caught.value)
    with pytest.raises(UnknownNameError, match=r"search_space 'nn'; did you mean 'n'"):
        make("grid", search_space={"nn": [1]})


def test_a_sampler_refuses_values_with_its_own_words() -> None:
    with pytest.raises(InvalidSpecError, match=r"The sampler 'qmc' refuses .*qmc_type"):
        make("qmc", qmc_type="latin")


def test_cmaes_knows_one_objective() -> None:
    with pytest.raises(InvalidSpecError, match=r"'cmaes' knows one objective, this study has 3"):
        make("cmaes", objectives=3)


@pytest.mark.skipif(importlib.util.find_spec("cmaes") is not None, reason="cmaes is installed")
def test_a_missing_package_is_named() -> None:
    with pytest.raises(InvalidSpecError, match=r"'cmaes' needs the package 'cmaes'; install it"):
        make("cmaes")


@pytest.mark.parametrize(
    ("distribution", "values"),
    [
        (FloatDistribution(0.0, 1.0), [0.0, 0.25, 0.5, 0.75, 1.0]),
        (FloatDistribution(1e-4, 1.0, log=True), [1e-4, 1e-3, 1e-2, 1e-1, 1.0]),
        (FloatDistribution(0.3, 0.3), [0.3]),
    ],
)
def test_a_continuous_parameter_has_five_grid_points(
    distribution: FloatDistribution, values: list[float]
) -> None:
    sampler = make_sampler(
        "grid", {}, 0, trials=9, objectives=1, distributions={"lr": distribution}
    )
    study = optuna.create_study(sampler=sampler)
    for _ in values:
        trial = study.ask({"lr": distribution})
        study.tell(trial, 0.0)
    assert sorted(t.params["lr"] for t in study.trials) == pytest.approx(values)


def test_a_grid_without_values_of_a_parameter_is_refused_at_once() -> None:
    options = {"search_space": {"a": ["p", "q"], "n": []}}
    with pytest.raises(InvalidSpecError, match=r"no values for 'n'; list some\.\n.*'x'") as caught:
        make_sampler("grid", options, 0, trials=9, objectives=1, distributions=FINITE)
    assert len(str(caught.value).splitlines()) == 2


def test_gp_leaves_what_is_ruled_out_again_and_again() -> None:
    """It learns nothing of pruned trials, and would suggest the cheapest network for ever."""
    study = run(make("gp"), 14)
    for barren in ("ruled_out", "reused_from"):
        assert study.ask(dict(FINITE)).relative_params
        for _ in range(2):
            trial = study.ask(dict(FINITE))
            trial.set_user_attr(barren, 1)
            study.tell(trial, state=TrialState.PRUNED)
        drawn = study.ask(dict(FINITE))
        assert drawn.relative_params == {}
        assert drawn.params.keys() == FINITE.keys()
        study.tell(drawn, 1.0)


def test_brute_force_needs_steps_before_anything_runs() -> None:
    with pytest.raises(InvalidSpecError, match=r"brute-force sampler needs a step for 'lr'"):
        make_sampler(
            "brute_force",
            {},
            0,
            trials=9,
            objectives=1,
            distributions={"lr": FloatDistribution(0.0, 1.0)},
        )


@pytest.mark.parametrize("name", ["grid", "brute_force"])
def test_whole_numbers_on_a_logarithmic_scale_have_an_end(name: str) -> None:
    distribution = IntDistribution(1, 4, log=True)
    sampler = make_sampler(
        name, {}, 0, trials=9, objectives=1, distributions={"epochs": distribution}
    )
    study = optuna.create_study(sampler=sampler)
    for _ in range(4):
        trial = study.ask()
        study.tell(trial, trial.suggest_int("epochs", 1, 4, log=True))
    assert sorted(t.params["epochs"] for t in study.trials) == [1, 2, 3, 4]


def test_a_grid_of_the_users_own_needs_none() -> None:
    sampler = make_sampler(
        "grid",
        {"search_space": {"lr": [0.1, 0.2]}},
        0,
        trials=9,
        objectives=1,
        distributions={"lr": FloatDistribution(0.0, 1.0)},
    )
    study = optuna.create_study(sampler=sampler)
    for _ in range(2):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("lr", 0.0, 1.0))
    assert sorted(t.params["lr"] for t in study.trials) == [0.1, 0.2]


@pytest.mark.parametrize(
    ("name", "options"),
    [(name, {}) for name in sorted(set(SAMPLERS) - {"cmaes"})]
    + [("tpe", {"multivariate": False}), ("tpe", {"group": True})],
)
@pytest.mark.parametrize("objectives", [1, 2])
def test_the_search_space_is_the_samplers_own(
    name: str, options: dict[str, Any], objectives: int
) -> None:
    sampler = make(name, objectives=objectives, **options)
    study = optuna.create_study(directions=["minimize"] * objectives, sampler=sampler)
    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE)
    for number in range(12):
        lacking = number == 7 and name != "grid"  # a trial of somebody else, with one parameter
        if lacking:
            study.enqueue_trial({"a": "p"})
        trial = study.ask()
        expected = sampler._factory(0).infer_relative_search_space(study, study.trials[-1])
        assert sampler.infer_relative_search_space(study, study.trials[-1]) == expected
        for key in ("a",) if lacking else FINITE:
            trial._suggest(key, FINITE[key])
        if name != "grid" and not lacking:
            trial.suggest_categorical("one", ["only"])
        state = states[number % 4]
        study.tell(trial, [1.0] * objectives if state == TrialState.COMPLETE else None, state)


@pytest.mark.parametrize("name", ["nsga2", "nsga3"])
def test_the_generation_is_where_the_name_says(name: str) -> None:
    study = run(make(name, objectives=2), 20, objectives=2)
    generations = [t.system_attrs[generation_key(name)] for t in study.trials]
    assert generations == [0] * 8 + [1] * 8 + [2] * 4
    assert generation_key("tpe") == ""
