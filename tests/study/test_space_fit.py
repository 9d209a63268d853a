"""The report on every kind of space; what fits a budget, and what would narrow a space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from space_cases import FIVE, Towers, levels, report, spec
from toy_task import SPACE

from optunas import (
    NB201,
    Budget,
    Choice,
    DenseCellSpace,
    Float,
    HyperSpace,
    Int,
    JointSpace,
    Space,
    StudySpec,
)
from optunas.space import ElasticSpace, MacroSpace, StackSpace, When, group
from optunas.study.life import make_task
from optunas.study.space_report import describe_space
from optunas.study.space_report.costs import known_objectives
from optunas.study.space_report.fit import fit as fitted
from optunas.study.space_report.narrow import discrete_size, narrowings, options

# --- the other kinds of spaces, and a user's own -----------------------------------------------


def test_a_macro_space_is_reported_with_what_its_layers_do() -> None:
    space = MacroSpace((1, 6), ("conv", "max_pool"), skips=False, filters=(8, 16))
    body = report(space, 200)
    found = levels(body)
    assert found["no_identity"] == "note"  # no network is deep
    assert found["few_operations"] == "warning"
    assert found["channels_not_monotonic"] == "warning"
    changes = {n["change"]: n["factor"] for n in body["fit"]["narrowings"]}
    shallow = MacroSpace((1, 3), ("conv", "max_pool"), skips=False, filters=(8, 16))
    assert changes["depth=(1, 3) instead of (1, 6)"] == space.size / shallow.size


def test_a_deep_macro_space_without_skips_is_a_warning() -> None:
    operations = ("conv", "sep_conv", "max_pool")
    deep = MacroSpace((8, 10), operations, skips=False, filters=(16,))
    assert levels(report(deep, 60))["no_identity"] == "warning"
    assert "channels_not_monotonic" not in levels(report(deep, 60))
    skipping = MacroSpace((8, 10), operations, filters=(16,))
    assert "no_identity" not in levels(report(skipping, 60))
    passing = MacroSpace((8, 10), (*operations, "identity"), skips=False)
    assert "no_identity" not in levels(report(passing, 60))


def test_a_multilayer_perceptron_needs_no_operations() -> None:
    space = MacroSpace(0, dense_depth=(1, 3), units=(8, 16, 32))
    body = report(space, 60, budget=Budget(trials=30))
    assert body["size"] == 3 + 9 + 27
    assert not levels(body).keys() & {"no_identity", "few_operations", "channels_not_monotonic"}


def test_an_elastic_space_names_stages_that_can_narrow() -> None:
    growing = ElasticSpace((16, (24, 32), (32, 40)), depths=(1, 2), expansions=(3,))
    shrinking = ElasticSpace((16, (24, 48), (32, 40)), depths=(1, 2), expansions=(3,))
    assert "channels_not_monotonic" not in levels(report(growing, 60))
    assert levels(report(shrinking, 60))["channels_not_monotonic"] == "warning"
    found = {n.change: n.factor for n in narrowings(growing)}
    assert found["depths=(1,) instead of (1, 2)"] == (3 + 9) ** 3 / 3**3
    assert found["half of the options of widths at each stage"] == 4


def test_a_stack_of_cells_can_share_them() -> None:
    space = StackSpace(DenseCellSpace(FIVE, 3), num_cells=4, widths=(8, (16, 24), 8))
    body = report(space, 60)
    assert levels(body)["channels_not_monotonic"] == "warning"
    assert "few_operations" not in levels(body)
    shared = StackSpace(DenseCellSpace(FIVE, 3), 4, (8, (16, 24), 8), share="stage")
    found = {n.change: n.factor for n in narrowings(space)}
    assert found["share='stage' instead of 'none'"] == space.size / shared.size


def test_costs_of_every_kind_are_in_closed_form() -> None:
    for space in (MacroSpace(), ElasticSpace((8, (12, 16)), depths=(1, 2)), StackSpace()):
        study = StudySpec("kinds", space, "optunas.tasks:digits")
        body = describe_space(study, 10)
        assert body["costs_sampled"] == {"params": 10, "flops": 10}
        assert not body["costs_built"]


# --- the budget and its sampler ----------------------------------------------------------------


def fit(space: Space[Any], **changes: Any) -> dict[str, Any]:
    return report(space, 20, **changes)["fit"]


def test_trials_per_option_decide() -> None:
    verdicts = [
        fit(NB201, budget=Budget(trials=n))["verdict"] for n in (29, 30, 89, 90, 5700, 20_000)
    ]
    assert verdicts == ["too_large", "large", "large", "fits", "fits", "exhaustible"]


def test_epochs_limit_the_trials() -> None:
    found = fit(NB201, budget=Budget(trials=100, epochs=120), training={"width": 4, "epochs": 3})
    assert found["trials"] == 40
    # The toy task's own three epochs, where the study names none.
    assert fit(NB201, budget=Budget(trials=None, epochs=60))["trials"] == 20


def test_a_budget_of_time_alone_has_no_verdict() -> None:
    found = fit(NB201, budget=Budget(trials=None, wall_seconds=60))
    assert (found["trials"], found["verdict"]) == (None, "unknown")
    assert "--dry-run" in found["text"]
    assert "90 would fit" in found["text"]


HYPER = HyperSpace(lr=Float(1e-4, 0.1, log=True), depth=Int(1, 4), norm=Choice(("none", "batch")))
THREE = ("accuracy", "latency_ms", "params")
TWO = ("accuracy", "params")
BLIND = ("accuracy", "latency_ms")


@pytest.mark.parametrize(
    ("space", "objectives", "trials", "given", "recommended", "fits"),
    [
        (DenseCellSpace(FIVE, 3), TWO, 200, "nsga2", "brute_force", False),
        (DenseCellSpace(FIVE, 3), TWO, 200, "grid", "brute_force", True),
        (DenseCellSpace(FIVE, 3), TWO, 200, "brute_force", "brute_force", True),
        # Costs are known before training.
        (NB201, TWO, 100, "nsga2", "cheap_aware", False),
        (NB201, TWO, 100, "tpe", "cheap_aware", False),
        (NB201, TWO, 100, "cheap_aware", "cheap_aware", True),
        (NB201, THREE, 100, "local_search", "cheap_aware", False),
        (NB201, THREE, 100, "gp", "cheap_aware", None),
        (NB201, THREE, 500, "nsga2", "cheap_aware", True),
        (NB201, THREE, 500, "unique_random", "cheap_aware", False),
        (NB201, TWO, 500, "grid", "cheap_aware", False),
        (NB201, TWO, 8, "random", "cheap_aware", True),
        (NB201, TWO, 8, "grid", "cheap_aware", False),
        # Nothing is known.
        (NB201, BLIND, 100, "nsga2", "cheap_aware", False),
        (NB201, BLIND, 100, "cheap_aware", "cheap_aware", True),
        (NB201, BLIND, 100, "local_search", "cheap_aware", None),
        (NB201, BLIND, 200, "tpe", "cheap_aware", False),
        (NB201, BLIND, 500, "nsga2", "cheap_aware", True),
        (NB201, BLIND, 500, "random", "cheap_aware", False),
        # One objective.
        (NB201, ("accuracy",), 500, "nsga2", "cheap_aware", False),
        (NB201, ("accuracy",), 500, "random", "cheap_aware", False),
        (NB201, ("accuracy",), 500, "surrogate", "cheap_aware", True),
        (NB201, ("accuracy",), 500, "regularized_evolution", "cheap_aware", False),
        (NB201, ("accuracy",), 500, "qmc", "cheap_aware", None),
        # Hyperparameters alone; the toy task needs a width.
        (HYPER, ("accuracy",), 100, "cheap_aware", "tpe", True),
        (HYPER, ("accuracy",), 100, "tpe", "tpe", True),
        (HYPER, ("accuracy",), 100, "random", "tpe", False),
        (HYPER, ("accuracy",), 100, "gp", "tpe", None),
        (SPACE, TWO, 12, "tpe", "cheap_aware", False),
        (SPACE, TWO, 12, "surrogate", "cheap_aware", None),
    ],
)
def test_the_sampler_that_fits(
    space: Space[Any],
    objectives: tuple[str, ...],
    trials: int,
    given: str,
    recommended: str,
    fits: bool | None,
) -> None:
    study = spec(space, objectives=objectives, budget=Budget(trials=trials), sampler=given)
    known = 1 if "params" in objectives else 0
    found = fitted(study, float(space.size), None, known).to_dict()["sampler"]
    assert (found["recommended"], found["fits"]) == (recommended, fits)
    assert found["reason"].endswith(".")
    learns = recommended != "brute_force" and trials > 10
    assert (found["source"] is not None) == learns


def test_the_report_sees_which_objectives_are_known() -> None:
    """The toy task records parameters, and measures no latency before a network is there."""
    space, budget = HyperSpace(width=Int(1, 400), lr=Float(0.1, 1.0)), Budget(trials=60)
    known = fit(space, budget=budget, objectives=TWO)["sampler"]
    assert known["recommended"] == "cheap_aware"
    assert "1.8 to 2.7" in known["reason"]
    assert "made-up spaces" in known["source"]
    blind = fit(space, budget=budget, objectives=BLIND)["sampler"]
    assert blind["recommended"] == "cheap_aware"
    assert "no objective is known before training" in blind["reason"]
    assert "made-up spaces" in blind["source"]


def test_known_objectives_are_counted() -> None:
    study = StudySpec("cells", NB201, "optunas.tasks:digits", objectives=THREE)
    task = make_task(study)
    member = NB201.sample(np.random.default_rng(0))
    assert known_objectives(study, task, (member,)) == 1  # a latency is measured on the network
    assert known_objectives(study, task, ()) == 0
    other = StudySpec("cells", NB201, "optunas.tasks:digits", objectives=("accuracy", "flops"))
    assert known_objectives(other, task, (member,)) == 1
    assert known_objectives(other, task, ("no member",)) == 0


def test_the_reason_has_the_figures_of_as_many_trials_per_option() -> None:
    def reason(trials: int, objectives: tuple[str, ...] = TWO) -> str:
        study = spec(NB201, objectives=objectives, budget=Budget(trials=trials))
        return fitted(study, 15_625, None, 1).to_dict()["sampler"]["reason"]

    assert "after 56 networks, tpe after about 280" in reason(60)
    assert "50 networks (1.7 per option) reached 94 % with cheap_aware, 80 % with tpe" in reason(60)
    assert "500 networks (16.7 per option)" in reason(900)
    assert "has to be learned too" not in reason(60)
    assert "has to be learned too, 96 % took 100 networks" in reason(60, THREE)
    assert "after 26 networks; surrogate 28, local_search 61" in reason(60, ("accuracy",))


def test_conditional_codes_can_be_too_many_for_brute_force() -> None:
    """A study visits every code: 12 x 2 ** 12 of them, of which nearly all repeat."""
    alternatives = {f"m{i}": {"c": Choice((1, 2))} for i in range(12)}
    space = HyperSpace(group("model", alternatives))
    assert space.size == 24
    assert fit(space, budget=Budget(trials=30))["sampler"]["recommended"] == "unique_random"


# --- narrowing ---------------------------------------------------------------------------------


def test_narrowings_are_made_and_counted() -> None:
    found = {n.change: n for n in narrowings(NB201)}
    assert found["num_nodes=3 instead of 4"].factor == 125
    fewer = found["3 instead of 5 operations"]
    assert fewer.factor == pytest.approx((5 / 3) ** 6)
    assert fewer.options == 18


def test_narrowings_of_a_joint_space_name_the_part() -> None:
    train = HyperSpace(lr=Float(1e-3, 0.1, log=True), channels=Choice((4, 8, 16)))
    space = JointSpace(cell=DenseCellSpace(FIVE, 3), train=train)
    found = {n.change: n for n in narrowings(space)}
    assert found["cell: num_nodes=2 instead of 3"].factor == 25
    assert found["train: channels=(4, 8) instead of (4, 8, 16)"].factor == 1.5
    assert found["train: fix lr"].factor == 1
    assert found["train: fix lr"].options == options(space) - 3


def test_an_own_spaces_arguments_are_shortened() -> None:
    found = {n.change: n.factor for n in narrowings(Towers((8, 16, 24, 32), (16, 32)))}
    assert found == {
        "first=(8, 16) instead of (8, 16, 24, 32)": 2,
        "second=(16,) instead of (16, 32)": 2,
    }


def test_parameters_of_one_kind_are_shortened_together() -> None:
    layers = {f"layer{i}.kernel": Choice((1, 3, 5, 7)) for i in range(3)}
    found = narrowings(HyperSpace({**layers, "bias": Choice((True, False))}))
    assert [(n.change, n.factor) for n in found] == [
        ("2 instead of 4 values of layer*.kernel", 8),
        ("fix bias", 2),
    ]


def test_narrowing_honours_conditions() -> None:
    space = HyperSpace(
        {"depth": Int(1, 4)}
        | {f"width{i}": When(Choice((8, 16, 24)), depth=tuple(range(i, 5))) for i in range(1, 5)}
    )
    assert discrete_size(space) == 3 + 9 + 27 + 81
    found = {n.change: n.factor for n in narrowings(space)}
    assert found["fix depth"] == 120 / 3
    # The widths of the layers that are gone are nothing to search.
    assert narrowings(space)[0].options == 3
    assert found["2 instead of 3 values of width*"] == 120 / (2 + 4 + 8 + 16)


def test_the_report_lists_the_three_most_effective() -> None:
    body = report(JointSpace(cell=NB201, train=HyperSpace(a=Int(1, 4), b=Int(1, 9))))
    left = [one["options"] for one in body["fit"]["narrowings"]]
    assert left == sorted(left)
    assert len(left) == 3
    assert body["fit"]["narrowings"][0]["trials_per_option"] == pytest.approx(
        8 / body["fit"]["narrowings"][0]["options"]
    )
