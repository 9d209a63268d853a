"""The design report of a space: figures against a slow count, each warning there and not there."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import toy_task
from hypothesis import given
from hypothesis import strategies as st
from space_cases import FIVE, Built, Cut, Towers, Unbuildable, levels, no_data, report, spec

from optunas import (
    DARTS,
    NB201,
    Budget,
    CellSpace,
    Choice,
    DenseCellSpace,
    Float,
    HyperSpace,
    Int,
    JointSpace,
    Space,
    StudySpec,
    metrics,
)
from optunas.errors import InvalidSpecError, TaskError
from optunas.space import When
from optunas.study.space_report import CODES, describe_space
from optunas.study.space_report.numbers import large, scientific
from optunas.study.space_report.shares import percent, wilson

# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 20, 0.0, 0.1611), (5, 100, 0.0215, 0.1118), (20, 20, 0.8389, 1)],
)
def test_wilson_gives_the_published_intervals(count: int, of: int, low: float, high: float) -> None:
    assert wilson(count, of) == pytest.approx((low, high), abs=2e-4)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_mirrors(pair: tuple[int, int]) -> None:
    count, of = pair
    low, high = wilson(count, of)
    assert 0 <= low <= count / of <= high <= 1
    mirrored = wilson(of - count, of)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high))


def test_wilson_of_nothing_is_everything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_sizes_are_exact_and_readable() -> None:
    assert large(15625) == "15,625"
    assert large(7371**5) == f"{7371**5:,} (2.18e+19)"
    assert large(math.inf) == "infinitely many"
    assert large(5**120) == "7.52e+83"
    assert scientific(10**5000 - 1) == "1.00e+5000"
    assert scientific(999_999) == "1.00e+06"
    assert scientific(7**6000) == f"{7**6000 // 10**5068 / 100:.2f}e+5070"
    assert percent(0.00001) == "under 0.1 %"
    assert percent(0.12345) == "12.3 %"


# --- size, parameters, duplicates --------------------------------------------------------------


def test_nb201_is_looked_at_as_a_whole() -> None:
    body = report(NB201)
    assert (body["kind"], body["size"], body["size_text"]) == ("DenseCellSpace", 15625, "15,625")
    assert body["log10_size"] == pytest.approx(math.log10(15625))
    found = body["architectures"]
    assert found["exact"]
    assert found["duplicates"]["of"] == found["disconnected"]["of"] == 15625
    everything = list(NB201.enumerate())
    connected = sum(map(NB201.is_connected, everything))
    networks = len(set(map(NB201.digest, everything)))
    assert found["disconnected"]["count"] == 15625 - connected
    assert body["duplicates"] == 1 - networks / 15625
    assert found["duplicates"]["low"] == found["duplicates"]["high"] == body["duplicates"]
    assert found["neutral_changes"] is None


def test_darts_is_sampled_with_intervals() -> None:
    body = report(DARTS, 60)
    assert body["size"] == 1037664180**2
    assert body["size_text"] == "1,076,746,950,455,072,400 (1.08e+18)"
    found = body["architectures"]
    assert not found["exact"]
    assert found["duplicates"]["low"] == 0
    assert 0 < found["duplicates"]["high"] < 0.1
    assert found["neutral_changes"]["of"] == 60
    assert body["parameters"]["normal.node3.inputs"]["options"] == 3


def test_changes_that_leave_the_network_are_counted() -> None:
    # Five nodes behind operations that mostly cut: many edges are dead.
    space = DenseCellSpace(("none", "nor_conv_1x1", "skip_connect"), 6)
    found = report(space, 400)["architectures"]
    rng = np.random.default_rng(7)
    members = [space.sample(rng) for _ in range(400)]
    same = sum(space.digest(m) == space.digest(space.mutate(m, rng)) for m in members)
    assert found["neutral_changes"]["low"] <= same / 400 <= found["neutral_changes"]["high"]
    assert found["neutral_changes"]["count"] > 0


def test_an_infinite_space_says_so_and_how_large_its_discrete_part_is() -> None:
    space = JointSpace(cell=NB201, train=HyperSpace(lr=Float(1e-3, 0.1, log=True), n=Int(1, 3)))
    body = report(space)
    assert (body["size"], body["log10_size"]) == (None, None)
    assert body["size_text"] == "infinitely many"
    assert body["discrete_size"] == 15625 * 3
    assert body["parts"]["cell"] == {
        "kind": "DenseCellSpace",
        "size": 15625,
        "size_text": "15,625",
    }
    assert body["parts"]["train"]["size"] is None
    assert body["architectures"]["part"] == "cell"
    assert body["architectures"]["exact"]
    assert body["parameters"]["train.lr"] == {
        "values": "0.001 to 0.1, logarithmic",
        "options": None,
        "when": None,
    }
    assert body["fit"]["distinct"] is None


def test_conditions_say_on_what_a_parameter_depends() -> None:
    space = HyperSpace(
        {
            "optimizer": Choice(("sgd", "adam")),
            "momentum": When(Choice((0.5, 0.9, 0.99)), optimizer="sgd"),
            "width": Int(1, 16, step=5),
        }
    )
    body = report(space, training={})
    assert body["size"] == (3 + 1) * 4
    assert body["parameters"]["momentum"]["when"] == {"optimizer": ["sgd"]}
    assert body["parameters"]["optimizer"]["when"] is None
    assert body["parameters"]["width"]["values"] == "1 to 16, steps of 5"
    assert body["architectures"] is None


def test_a_size_beyond_what_json_can_hold_is_given_by_its_logarithm() -> None:
    body = report(HyperSpace({f"x{i}": Int(1, 10) for i in range(4400)}), 1)
    assert (body["size"], body["discrete_size"], body["fit"]["distinct"]) == (None, None, None)
    assert body["log10_size"] == pytest.approx(4400)
    assert body["size_text"] == "1.00e+4400"
    json.dumps(body)


@pytest.mark.parametrize(
    "space",
    [NB201, CellSpace(num_nodes=1), toy_task.SPACE, Towers(), DenseCellSpace(FIVE, 20)],
    ids=["nb201", "pairs", "hyper", "own", "large"],
)
def test_the_report_is_json_and_repeats_itself(space: Space[Any]) -> None:
    training = {} if space is toy_task.SPACE else {"width": 4}
    first, second = (report(space, 30, training=training) for _ in range(2))
    assert json.loads(json.dumps(first)) == json.loads(json.dumps(second))


def test_another_seed_is_another_sample() -> None:
    study = spec(JointSpace(cell=NB201, train=HyperSpace(width=Int(1, 16))), training={})
    costs = [describe_space(study, 50, seed)["costs_middle"]["params"] for seed in range(4)]
    assert len(set(costs)) > 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"sample": 0}, "sample must be a whole"), ({"seed": -1}, "seed must be a whole")],
)
def test_wrong_arguments_are_refused(changed: dict[str, int], said: str) -> None:
    with pytest.raises(InvalidSpecError, match=said):
        describe_space(toy_task.spec(), **changed)


def test_a_task_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(TaskError, match="cannot be made: ZeroDivisionError"):
        describe_space(toy_task.spec(task=toy_task.broken_task))


def test_nothing_loads_torch_for_a_table() -> None:
    code = (
        "import sys, toy_task, optunas\n"
        "from optunas.study.space_report import describe_space\n"
        "spec = toy_task.spec(space=optunas.DARTS, training={'width': 4})\n"
        "assert describe_space(spec, 20)['costs']['params'] == (400, 400, 400)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- costs -------------------------------------------------------------------------------------


def test_costs_are_those_of_the_members() -> None:
    study = StudySpec("cells", NB201, "optunas.tasks:digits", training={"num_cells": 1})
    body = describe_space(study, 40, seed=3)
    rng = np.random.default_rng(3)
    members = [NB201.sample(rng) for _ in range(40)]
    counted = [metrics.params(m, (1, 8, 8), 10, num_cells=1) for m in members]
    assert body["costs"]["params"] == (min(counted), float(np.median(counted)), max(counted))
    below, above = body["costs_middle"]["params"]
    assert min(counted) <= below <= body["costs"]["params"][1] <= above <= max(counted)
    assert body["costs_sampled"] == {"params": 40, "flops": 40}
    assert not body["costs_built"]


def test_costs_of_an_own_space_are_counted_on_its_networks() -> None:
    study = StudySpec("towers", Built(), "optunas.tasks:digits", objectives=("accuracy", "params"))
    body = describe_space(study, 80)
    sizes = {
        64 * a + a + a * b + b + b * 10 + 10 for a in (8, 16) for b in (16, 32)
    }  # weights and biases
    assert body["costs"]["params"][0] == min(sizes)
    assert body["costs"]["params"][2] == max(sizes)
    assert body["costs_built"]
    assert 1 <= body["costs_sampled"]["params"] <= 50


def test_own_metrics_are_measured_too() -> None:
    body = report(toy_task.SPACE, 30, training={}, metrics=(toy_task.WEIGHT,))
    low, _, high = body["costs"]["weight"]
    assert 2 <= low < high <= 32


def test_constraints_say_how_many_meet_them() -> None:
    limits = {"params": 800, "weight": 20}
    body = report(toy_task.SPACE, 400, training={}, metrics=(toy_task.WEIGHT,), constraints=limits)
    rng = np.random.default_rng(0)
    widths = [toy_task.SPACE.sample(rng)["width"] for _ in range(400)]
    found = body["constraints"]
    assert (found["params"]["sign"], found["params"]["limit"]) == ("<=", 800)
    assert found["params"]["count"] == sum(width <= 8 for width in widths)
    # An own metric is measured on networks, and so on fewer of them.
    few = found["weight"]["of"]
    assert found["weight"]["count"] == sum(width <= 10 for width in widths[:few])
    assert found["params"]["low"] < found["params"]["share"] < found["params"]["high"]
    assert not any(code.startswith("constraint") for code in levels(body))


# --- warnings: each where it belongs and not on the papers' spaces -----------------------------

ONE_IN_MANY = HyperSpace(width=Int(1, 1000))

FIRES: dict[str, tuple[str, Space[Any], dict[str, Any]]] = {
    "none_only": ("warning", DenseCellSpace(("none",), 3), {}),
    "disconnected": ("warning", DenseCellSpace(("none", "skip_connect"), 3), {}),
    "no_identity": ("warning", DenseCellSpace(FIVE[2:], 4), {}),
    "few_operations": ("warning", DenseCellSpace(FIVE[1:3], 4), {}),
    "channels_not_monotonic": ("warning", Towers((8, 64), (16, 32)), {}),
    "single_option": ("note", Towers((8,), (16, 32)), {}),
    "too_small": ("warning", DenseCellSpace(FIVE[1:4], 3), {"budget": Budget(trials=100)}),
    "too_large": ("warning", DenseCellSpace(FIVE, 8), {}),
    "constraint_never_met": (
        "warning",
        toy_task.SPACE,
        {"training": {}, "constraints": {"params": 99}},
    ),
    "constraint_rarely_met": (
        "warning",
        ONE_IN_MANY,
        {"training": {}, "constraints": {"params": 3000}},
    ),
    "constraint_always_met": (
        "note",
        toy_task.SPACE,
        {"training": {}, "constraints": {"params": 1600}},
    ),
    "duplicates_not_reused": ("warning", NB201, {"reuse": False}),
    "task_mismatch": ("warning", toy_task.SPACE, {"task": "optunas.tasks:digits", "training": {}}),
    "not_measured": ("warning", Unbuildable(), {"task": "optunas.tasks:digits", "training": {}}),
    "no_data": ("warning", NB201, {"task": no_data, "training": {}}),
}


def test_every_finding_has_a_case() -> None:
    assert set(FIRES) == set(CODES)


@pytest.mark.parametrize("code", FIRES)
def test_a_finding_where_it_belongs(code: str) -> None:
    level, space, changes = FIRES[code]
    body = report(space, 400, **changes)
    assert levels(body).get(code) == level
    found = next(one for one in body["warnings"] if one["code"] == code)
    for key in ("what", "why", "remedy"):
        assert found[key].endswith(".")
        assert found[key][0].isupper() or found[key][0].isdigit()


@pytest.fixture(scope="module")
def harmless() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """NAS-Bench-201 with enough trials, DARTS's space with as many as its options want, and one."""
    return (
        report(NB201, budget=Budget(trials=100), constraints={"params": 1000.0}),
        report(DARTS, budget=Budget(trials=500)),
        report(ONE_IN_MANY, 300, training={}, constraints={"params": 50_000.0}),
    )


@pytest.mark.parametrize("code", CODES)
def test_no_finding_on_the_papers_spaces_where_it_does_not_belong(
    code: str, harmless: tuple[dict[str, Any], ...]
) -> None:
    nb201, darts, narrow = harmless
    allowed = {"disconnected": "note", "constraint_always_met": "note"}
    assert levels(nb201).get(code, "") == allowed.get(code, "")
    assert code not in levels(darts)
    assert code not in levels(narrow)


def test_the_default_budget_is_far_too_small_for_darts() -> None:
    body = report(DARTS, budget=Budget())
    assert levels(body) == {"too_large": "warning"}
    assert body["fit"]["options"] == 2 * (3 + 6 + 10 + 8 * 7)


def test_few_disconnected_networks_are_a_note_with_the_exact_share() -> None:
    body = report(NB201, budget=Budget(trials=100))
    assert levels(body) == {"disconnected": "note"}
    assert body["warnings"][0]["what"].startswith("In 2.2 % of the networks")
    assert "'none'" in body["warnings"][0]["what"]


def test_an_own_space_can_be_disconnected_without_operations() -> None:
    body = report(Cut())
    assert body["architectures"]["disconnected"]["share"] == 0.25
    assert levels(body)["disconnected"] == "warning"
    assert body["fit"]["distinct"] == 3


def test_nothing_that_learns_is_no_space_to_search() -> None:
    body = report(DenseCellSpace(("none",), 3))
    assert body["fit"]["distinct"] == 0
    assert "too_small" not in levels(body)
    assert body["fit"]["text"] == "There is no candidate that can learn."
