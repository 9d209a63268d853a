"""Seeds: how they are made of a search's result, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState, create_trial
from searched import NETWORK, restart, result

import optunas
from optunas import (
    DARTS,
    NB201,
    Budget,
    Choice,
    DenseCellSpace,
    Float,
    HyperSpace,
    Int,
    JointSpace,
    Operation,
    StudyHandle,
    StudySpec,
    When,
)
from optunas.codec import distributions, to_params
from optunas.darts.choose import ranked
from optunas.darts.result import write_result
from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.study.final_network import (
    complete,
    final_counts,
    final_network,
    middle_of,
    searched_part,
)
from optunas.study.seeding import Descent, descent, members_of
from optunas.tasks import digits

ARGUMENTS = NETWORK.arguments()
TRAIN = HyperSpace(lr=Float(0.015, 0.3, log=True), channels=Choice((2, 4)))
JOINT = JointSpace(cell=NB201, train=TRAIN)


def study(space: Any = JOINT, **changes: Any) -> StudyHandle:
    """A study of digits that takes no time, in memory."""
    fields: dict[str, Any] = {
        "space": space,
        "task": "optunas.tasks:digits",
        "task_options": {"split": [0.06, 0.05, 0.05]},
        "objectives": ("accuracy", "params"),
        "training": {"epochs": 1, "num_cells": 1, "batch_size": 64},
        "sampler_options": {"population_size": 8},
        "pruner": "none",
        "reference": False,
        "budget": Budget(trials=24),
    }
    return optunas.create(StudySpec("seeded", **(fields | changes)), InMemoryStorage())


SAME = {"epochs": 1, "channels": 4, "num_cells": 2}
"""As the results' networks are."""


def test_a_result_gives_its_network_those_of_its_restarts_and_neighbours() -> None:
    handle, found = study(), result(NB201, (0, 1, 2), kept=2)
    members = members_of(handle, found, neighbours=4)
    cells = [member["cell"] for member in members]
    assert cells[:3] == [found.restarts[n].network() for n in (2, 0, 1)]
    near = ranked(NB201, found.best.arrays(), alternatives=4)
    assert cells[3:] == [one.architecture for one in near[1:]]
    assert len({handle.spec.space.digest(m) for m in members}) == len(members) == 7


def test_neighbours_keep_the_files_limits() -> None:
    free = ranked(NB201, result(NB201).best.arrays(), alternatives=5, limits={}, **ARGUMENTS)
    limit = optunas.metrics.params(free[0].architecture, (1, 8, 8), 10, 4, 2)
    found = result(NB201, limits={"params": limit})
    members = members_of(study(), found, neighbours=5)
    for member in members:
        assert optunas.metrics.params(member["cell"], (1, 8, 8), 10, 4, 2) <= limit
    assert len(members) == 6


def test_a_spread_reaches_from_the_search_down_to_the_smallest_at_both_widths() -> None:
    handle, found = study(), result(NB201)
    members = members_of(handle, found, spread=9)
    sizes = {
        width: [
            optunas.metrics.params(m["cell"], (1, 8, 8), 10, width, 2)
            for m in members
            if m["train"]["channels"] == width
        ]
        for width in (4, 2)
    }
    assert members[0]["cell"] == found.best.network()
    for width, counts in sizes.items():
        assert counts == sorted(counts, reverse=True)
        least = min(optunas.metrics.params(c, (1, 8, 8), 10, width, 2) for c in NB201.enumerate())
        assert counts[-1] == least
        assert len(counts) > 1
    assert len(members) <= 10
    assert optunas.seed(handle, found, spread=9) == len(members)


def test_a_spread_keeps_the_files_limits_and_one_width() -> None:
    fixed = study(NB201)
    free = members_of(fixed, result(NB201), spread=5)
    params = [optunas.metrics.params(cell, (1, 8, 8), 10, 4, 2) for cell in free]
    limit = (params[0] + params[-1]) // 2
    kept = members_of(fixed, result(NB201, limits={"params": limit}), spread=5)
    sizes = [optunas.metrics.params(cell, (1, 8, 8), 10, 4, 2) for cell in kept[1:]]
    assert max(sizes) <= limit < params[0]
    assert sizes[-1] == params[-1]


def test_neighbours_and_a_spread_keep_the_studys_own_limits() -> None:
    def params(member: Any) -> int:
        return optunas.metrics.params(member, (1, 8, 8), 10, 4, 2)

    free = members_of(study(NB201), result(NB201), neighbours=5, spread=5)
    limit = (params(free[0]) + params(free[-1])) // 2
    bound = study(NB201, training=SAME, constraints={"params": limit})
    first, *rest = members_of(bound, result(NB201), neighbours=5, spread=5)
    assert first == free[0]  # what was searched for stays; the study rules it out
    assert len(rest) >= 5
    assert all(params(member) <= limit for member in rest)
    narrow = study(NB201, training=SAME | {"channels": 2}, constraints={"params": limit})
    assert members_of(narrow, result(NB201), neighbours=5, spread=5) == free  # all keep it there
    file = result(NB201, limits={"params": params(free[-1]) - 1})
    for given in ("neighbours", "spread"):
        with pytest.raises(InvalidSpecError, match="smallest"):
            members_of(bound, file, **{given: 3})


def test_a_spread_takes_the_smaller_width_where_the_larger_breaks_the_limits() -> None:
    least = min(optunas.metrics.params(c, (1, 8, 8), 10, 4, 2) for c in NB201.enumerate())
    handle = study(training={"epochs": 1, "num_cells": 2}, constraints={"params": least - 1})
    _, *rest = members_of(handle, result(NB201), spread=6)
    assert {member["train"]["channels"] for member in rest} == {2}


def test_seeds_are_marked_and_enqueued_once() -> None:
    handle, found = study(), result(NB201, (0, 1))
    assert optunas.seed(handle, found, "darts", neighbours=3) == 5
    trials = handle.trials()
    assert {t.state for t in trials} == {TrialState.WAITING}
    assert {t.user_attrs["source"] for t in trials} == {"darts"}
    assert optunas.seed(handle, found, "darts", neighbours=3) == 0
    assert optunas.seed(handle, found, "darts", neighbours=5) == 2
    assert len(handle.trials()) == 7
    digests = [t.user_attrs["digest"] for t in handle.trials()]
    assert len(set(digests)) == 7


def test_seeds_have_children_in_a_real_study() -> None:
    # Six parents, of which five are seeds, whatever they are worth.
    handle = study(sampler_options={"population_size": 6}, budget=Budget(trials=16))
    optunas.seed(handle, result(NB201, (0, 1)), "darts", neighbours=3)
    optunas.run(handle, progress=False)
    trials = handle.trials()
    seeds = [t for t in trials if t.user_attrs.get("source") == "darts"]
    assert [t.number for t in seeds] == [0, 1, 2, 3, 4]
    key = "NSGAIISampler:generation"
    assert [t.system_attrs[key] for t in seeds] == [0] * 5
    # Nothing but a seed has this learning rate to nine digits: who has it took it over.
    (rate,) = {t.params["train.lr"] for t in seeds}
    later = [t for t in trials if t.system_attrs.get(key, 0) >= 1]
    children = [t for t in later if t.params["train.lr"] == pytest.approx(rate, rel=1e-9)]
    assert children
    assert all("source" not in t.user_attrs for t in children)
    found = descent(handle)
    assert found is not None
    assert found.front == len(handle.front_trials()) >= found.seeds + (found.descendants or 0)
    assert found.enqueued == 5


def test_plain_cells_get_hyperparameters_from_scripts() -> None:
    handle = study()
    cell = result(NB201).architecture
    assert optunas.seed(handle, [cell]) == 1
    (trial,) = handle.trials()
    params = trial.system_attrs["fixed_params"]
    assert params["train.channels"] == 4  # the largest: the network that limits are about
    assert params["train.lr"] == pytest.approx((0.015 * 0.3) ** 0.5)
    assert optunas.seed(handle, [complete(JOINT, cell, {"channels": 4})]) == 0


def test_one_member_a_file_and_a_result_say_what_they_are(tmp_path: Path) -> None:
    handle, found = study(), result(NB201)
    write_result(found, tmp_path / "g.json")
    assert optunas.seed(handle, tmp_path / "g.json") == 1
    assert optunas.seed(handle, str(tmp_path / "g.json"), neighbours=1) == 1
    assert optunas.seed(handle, found, "mine", neighbours=2) == 1
    assert optunas.seed(handle, handle.spec.space.sample(np.random.default_rng(0))) == 1
    assert optunas.seed(handle, result(NB201, (9,)).architecture) == 1
    sources = [trial.user_attrs["source"] for trial in handle.trials()]
    assert sources == ["darts", "darts", "mine", "seed", "seed"]


def test_a_space_of_cells_alone_takes_them_as_they_are() -> None:
    handle = study(NB201, training={"epochs": 1, "channels": 2, "num_cells": 1})
    found = result(NB201)
    assert members_of(handle, found) == [found.architecture]
    assert optunas.seed(handle, found) == optunas.seed(handle, [found.architecture]) + 1


def test_another_space_is_refused_and_nothing_is_enqueued() -> None:
    handle = study()
    for other in (DARTS, DenseCellSpace(num_nodes=3), DenseCellSpace(["none", "nor_conv_1x1"])):
        with pytest.raises(
            InvalidSpecError, match="over another space than the study 'seeded' has"
        ):
            optunas.seed(handle, result(other))
    with pytest.raises(InvalidSpecError, match="num_nodes: 3 there, 4 here"):
        optunas.seed(handle, result(DenseCellSpace(num_nodes=3)))
    bad = result(DenseCellSpace(num_nodes=5)).architecture
    with pytest.raises(InvalidArchitectureError, match="There is no edge"):
        optunas.seed(handle, [result(NB201).architecture, bad])
    assert handle.trials() == []


def test_wrong_arguments_get_a_sentence() -> None:
    handle = study()
    for wrong in (-1, 1.5, True):
        with pytest.raises(InvalidSpecError, match=f"neighbours must be a whole number.*{wrong}"):
            members_of(handle, result(NB201), wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidSpecError, match=f"spread must be a whole number.*{wrong}"):
            optunas.seed(handle, result(NB201), spread=wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidSpecError, match=r"what optunas.create\(...\) .*; got a Study\."):
        optunas.seed(handle.study, [result(NB201).architecture])  # type: ignore[arg-type]
    for given in ("neighbours", "spread"):
        with pytest.raises(InvalidSpecError, match=f"{given} is at most 10,000, got 10,001"):
            optunas.seed(handle, result(NB201), **{given: 10_001})
        with pytest.raises(InvalidSpecError, match=f"{given}=2 is of a search's result"):
            optunas.seed(handle, [result(NB201).architecture], **{given: 2})


def my_pool(channels_in: int, channels_out: int, stride: int) -> Any:
    from torch import nn

    return nn.AvgPool2d(3, stride, padding=1)


def test_own_operations_are_found_again() -> None:
    space = DenseCellSpace(["skip_connect", Operation("mine", my_pool)], num_nodes=3)
    handle = study(space, training={"epochs": 1, "channels": 2, "num_cells": 1})
    (member,) = members_of(handle, result(space))
    assert member.operations == space.operations[1:]
    assert optunas.seed(handle, result(space)) == 1


def test_the_cells_of_a_space_are_found() -> None:
    assert searched_part(NB201) == (NB201, ())
    assert searched_part(JOINT) == (NB201, ("cell",))
    nested = JointSpace(net=JointSpace(inner=DARTS, more=HyperSpace(momentum=Float(0.1, 0.9))))
    assert searched_part(nested) == (DARTS, ("net", "inner"))
    genotype = result(DARTS).architecture
    assert complete(nested, genotype, {})["net"]["inner"] == genotype
    with pytest.raises(InvalidSpecError, match="this study searches a HyperSpace"):
        searched_part(TRAIN)
    with pytest.raises(InvalidSpecError, match="a JointSpace of HyperSpace"):
        searched_part(JointSpace(train=TRAIN))


def test_the_final_network_is_the_studys() -> None:
    task = digits()
    spec = study().spec
    network = final_network(spec, task)
    assert network.arguments() == {
        "input_shape": (1, 8, 8),
        "num_outputs": 10,
        "channels": 4,
        "num_cells": 1,
    }
    assert "channels 4 (the largest that is searched)" in network.origin
    assert "num_cells 1 (the study's training)" in network.origin
    plain = study(NB201, training={"epochs": 1}).spec
    assert final_counts(plain) == {"channels": 16, "num_cells": 5}
    assert final_network(plain, task).origin.count("the default") == 2

    class Vectors:
        name, input_shape, num_outputs = "table", (7,), 2

    with pytest.raises(InvalidSpecError, match=r"needs images.*'table' have the shape \(7,\)"):
        final_network(spec, Vectors())


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("lr", Float(0.01, 1.0, log=True), 0.1),
        ("lr", Float(0.02, 0.5), 0.025),
        ("lr", Float(0.1, 0.5), 0.3),
        ("dropout", Float(0.0, 0.5, step=0.1), 0.0),
        ("momentum", Float(0.8, 0.98), 0.9),
        ("optimizer", Choice(("adamw", "sgd")), "sgd"),
        ("optimizer", Choice(("adamw", "adam")), "adamw"),
        ("batch_size", Choice((16, 32, 128)), 32),
        ("batch_size", Choice((16, 64)), 64),
        ("batch_size", Int(4, 1024, log=True), 64),
        ("channels", Choice((4, 8, 16)), 8),
        ("channels", Int(10, 20), 15),
        ("num_cells", Int(1, 9, step=3), 4),
        ("nesterov", Choice((False, True)), True),
        ("flag", Choice((False, True)), False),
    ],
)
def test_each_hyperparameter_gets_a_sensible_value(name: str, parameter: Any, value: Any) -> None:
    chosen = middle_of(name, parameter, {"channels": 8})
    assert chosen == pytest.approx(value)
    assert type(chosen) is type(value)
    assert parameter.contains(chosen)


def test_what_does_not_count_is_left_out() -> None:
    train = HyperSpace(
        optimizer=Choice(("sgd", "adamw")), momentum=When(Float(0.5, 0.99), optimizer="adamw")
    )
    member = complete(JointSpace(cell=NB201, train=train), result(NB201).architecture, {})
    assert dict(member["train"]) == {"optimizer": "sgd"}


def with_trials(
    rows: list[tuple[int, dict[str, Any], tuple[float, float], str]], **changes: Any
) -> StudyHandle:
    """A study with finished trials: (generation, hyperparameters, values, source)."""
    space = HyperSpace(a=Int(0, 99), b=Int(0, 99), c=Float(0.1, 100.0, log=True))
    fields: dict[str, Any] = {
        "space": space,
        "task": "toy_task:toy",
        "objectives": ("accuracy", "params"),
        "reference": False,
    }
    spec = StudySpec("made", **(fields | changes))
    made = optuna.create_study(directions=["maximize", "minimize"])
    for generation, params, values, source in rows:
        attrs = {"architecture": "{}", **({"source": source} if source else {})}
        made.add_trial(
            create_trial(
                params=params,
                distributions=distributions(space),
                values=list(values),
                user_attrs=attrs,
                system_attrs={"NSGAIISampler:generation": generation},
            )
        )
    return StudyHandle(made, spec)


def genes(a: int, b: int, c: float) -> dict[str, float]:
    return {"a": a, "b": b, "c": float(c)}


ROWS = [
    (0, genes(1, 1, 1), (0.10, 9.0), "darts"),
    (0, genes(2, 2, 2), (0.20, 9.0), "darts"),
    (0, genes(5, 5, 5), (0.30, 9.0), ""),
    (1, genes(1, 2, 2 + 1e-12), (0.40, 9.0), ""),  # nearest: trial 1, a seed
    (1, genes(1, 5, 7), (0.50, 8.9), ""),  # a tie between a seed and another: not counted
    (2, genes(1, 2, 3), (0.60, 8.0), ""),  # nearest: trial 3, which descends
    (2, genes(5, 5, 3), (0.70, 8.5), ""),  # nearest: trial 2, no seed
    (2, genes(90, 91, 92), (0.80, 8.6), ""),  # nearest to nothing
    (0, genes(8, 8, 8), (0.05, 1.0), "darts"),  # a seed on the front
    (0, genes(9, 9, 9), (0.90, 9.9), ""),  # of the first generation: from nobody
]


def test_descent_follows_the_nearest_of_earlier_generations() -> None:
    handle = with_trials(ROWS)
    assert [t.number for t in handle.front_trials()] == [5, 6, 7, 8, 9]
    found = descent(handle)
    assert found == Descent(front=5, seeds=1, descendants=1, enqueued=3, sources=("darts",))
    assert found.share == pytest.approx(0.4)
    assert str(found) == (
        "3 given (darts); of 5 on the front 1 is a seed, 1 more by their genes from seeds (40%)"
    )
    assert found.to_dict()["share"] == pytest.approx(0.4)


def test_without_generations_only_seeds_themselves_are_told() -> None:
    found = descent(with_trials(ROWS, sampler="tpe"))
    assert found is not None
    assert (found.seeds, found.descendants) == (1, None)
    assert str(found) == "3 given (darts); of 5 on the front 1 is a seed (20%)"


def test_a_study_without_seeds_tells_nothing_and_one_without_a_front_only_their_number() -> None:
    assert descent(study()) is None
    handle = study()
    optunas.seed(handle, result(NB201), "darts")
    assert str(descent(handle)) == "1 given (darts)"


def test_seeds_are_validated_as_the_codec_wants_them() -> None:
    (member,) = members_of(study(), result(NB201, restarts=(restart(NB201, 5),)))
    assert set(to_params(JOINT, member)) == set(JOINT.parameters())
