"""Proxies of a space's members: tables, pre-filters, features, metrics of a study."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from torch import nn

import optunas
from optunas import Budget, Objective, StudySpec
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.metrics import MemberProxies, ProxyTable, prefilter, proxy, proxy_table
from optunas.metrics.proxies import ProxyError, task_batch
from optunas.metrics.proxies.combine import ranks
from optunas.space import NB201, DenseCellSpace, Float, HyperSpace, JointSpace
from optunas.tasks import digits

NETWORK = {"channels": 2, "num_cells": 1}
SPACE = DenseCellSpace(("none", "skip_connect", "nor_conv_1x1"), 3)


def members(count: int) -> list[Any]:
    rng = np.random.default_rng(4)
    return [NB201.sample(rng) for _ in range(count)]


@pytest.fixture(scope="module")
def task() -> Any:
    return digits()


def test_a_table_has_what_each_network_has_alone(task: Any) -> None:
    cells = members(3)
    asked = ("synflow", "snip", "rank_mean")
    table = proxy_table(cells, asked, task=task, settings=NETWORK, batch_size=16)
    assert table.names == ("params", "flops", *asked)
    assert [row["network"] for row in table] == [str(cell) for cell in cells]
    for row, cell in zip(table, cells, strict=True):
        assert row["flops"] == optunas.metrics.flops(cell, (1, 8, 8), 10, **NETWORK)
        for name in ("synflow", "snip"):
            alone = proxy(cell, name, task_batch(task, 16), num_classes=10, **NETWORK)
            assert row[name] == alone
    mean = np.mean([ranks(column) for column in table.values().values()], axis=0)
    assert table.column("rank_mean") == pytest.approx(mean / 3)
    assert table.best("rank_mean", 1) == [int(np.argmax(mean))]
    assert json.loads(table.to_json())[0]["synflow"] == table[0]["synflow"]
    assert table.to_csv().startswith("network,params,flops,synflow,snip,rank_mean,seconds\n")
    assert str(cells[0]) in str(table)


def test_networks_that_lack_something_rank_last_and_are_named() -> None:
    smooth = nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 3))
    sharp = nn.Sequential(nn.Linear(4, 40), nn.ReLU(), nn.Linear(40, 3))
    batch = (torch.randn(4, 4), torch.tensor([0, 1, 2, 0]))
    table = proxy_table([smooth, sharp], ("naswot",), batch=batch)
    assert table[0]["naswot"] == -math.inf
    assert json.loads(table.to_json())[0]["naswot"] is None
    (note,) = table.notes
    assert note.startswith("1 of 2 networks have naswot -inf; network 0: The proxy 'naswot' cannot")
    with pytest.raises(ProxyError, match="'naswot' cannot be had"):
        proxy_table([smooth, smooth], ("naswot", "snip"), batch=batch)
    with pytest.raises(InvalidSpecError, match="at least one network, got none"):
        proxy_table([], batch=batch)
    with pytest.raises(InvalidSpecError, match="This table has naswot, not 'zen'"):
        ProxyTable(["a"], {"naswot": [1.0]}, []).column("zen")


def test_members_are_computed_once_for_each_digest(
    task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = MemberProxies(SPACE, task, ("flops", "synflow"), training=NETWORK, batch_size=8)
    built: list[Any] = []
    network = known.network
    monkeypatch.setattr(known, "network", lambda member: built.append(member) or network(member))
    member = SPACE.decode(dict.fromkeys(SPACE.parameters(), "nor_conv_1x1"))
    first = known.extra(member)
    assert first == known.extra(member)
    assert len(built) == 1
    value = known.score("synflow")(member)
    assert value == proxy(member, "synflow", task_batch(task, 8), num_classes=10, **NETWORK)
    assert first == pytest.approx([math.log(known.values(member)["flops"]), math.log1p(value)])
    with pytest.raises(UnknownNameError, match="Unknown proxy of these members 'zen'"):
        known.score("zen")


def test_extra_is_finite_where_a_proxy_is_not(task: Any) -> None:
    none = SPACE.decode(dict.fromkeys(SPACE.parameters(), "none"))
    known = MemberProxies(SPACE, task, training=NETWORK, batch_size=8)
    assert min(known.values(none).values()) == -math.inf
    features = known.extra(none)
    assert len(features) == len(known.names) == 7
    assert all(math.isfinite(value) for value in features)


def test_joint_members_use_the_settings_of_the_network(task: Any) -> None:
    space = JointSpace(cell=SPACE, train=HyperSpace(lr=Float(0.01, 0.1)))
    member = space.sample(np.random.default_rng(0))
    wide, narrow = (
        MemberProxies(space, task, ("params",), training={"num_cells": 1, "channels": c})
        for c in (4, 2)
    )
    assert wide.values(member)["params"] > narrow.values(member)["params"]


def test_the_best_few_of_many_candidates(task: Any) -> None:
    asked: list[Any] = []

    def wide(member: Any) -> float:
        asked.append(member)
        return float(optunas.metrics.params(member, (1, 8, 8), 10, **NETWORK))

    found = prefilter(NB201, task, 20, 4, wide, np.random.default_rng(1))
    assert len(asked) == 20
    assert len({NB201.digest(member) for member in asked}) == 20
    assert all(NB201.is_connected(member) for member in asked)
    assert [wide(m) for m in found] == sorted((wide(m) for m in asked[:20]), reverse=True)[:4]
    again = prefilter(NB201, task, 20, 4, "params", np.random.default_rng(1), training=NETWORK)
    assert [wide(m) for m in again] == [wide(m) for m in found]


def test_a_small_space_gives_what_it_has(task: Any) -> None:
    everything = {SPACE.digest(m): m for m in SPACE.enumerate() if SPACE.is_connected(m)}
    found = prefilter(SPACE, task, 1000, 1000, lambda member: math.nan)
    assert {SPACE.digest(member) for member in found} == set(everything)
    none = prefilter(SPACE, task, 5, 2, "params", feasible=lambda member: False)
    assert none == []


def test_a_prefilter_by_combinations(task: Any) -> None:
    for proxies in ("az_nas", ("synflow", "flops"), ("synflow", "az_nas")):
        found = prefilter(SPACE, task, 5, 2, proxies, training=NETWORK, batch_size=8)
        assert len(found) == 2


def test_a_prefilter_says_what_is_wrong_before_it_draws(task: Any) -> None:
    for k, q in ((3, 4), (3, 0), (3.5, 1), (True, 1)):
        with pytest.raises(InvalidSpecError, match="prefilter keeps q of k candidates"):
            prefilter(SPACE, task, k, q)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="Unknown proxy 'synflo'; did you mean 'synflow'"):
        prefilter(SPACE, task, 3, 1, "synflo")


def test_a_table_of_results_gives_noise_and_a_task_without_networks_nothing() -> None:
    class Recorded:
        name, input_shape, network_shape, num_outputs = "recorded", None, (3, 8, 8), None

    batch = task_batch(Recorded(), 4)
    assert batch.x.shape == (4, 3, 8, 8)
    Recorded.network_shape = None  # type: ignore[assignment]
    with pytest.raises(InvalidSpecError, match="'recorded' trains no networks"):
        task_batch(Recorded())


def test_a_proxy_is_a_metric_of_a_study(task: Any) -> None:
    objective = Objective(
        NB201,
        task,
        ("accuracy", "synflow"),
        ("naswot",),
        training={**NETWORK, "epochs": 1},
        constraints={"synflow": 3.0},
        seed=2,
    )
    assert objective.directions == ["maximize", "maximize"]
    cell = members(1)[0]
    values = [objective.measure(cell, NETWORK) for _ in range(2)]
    assert values[0] == values[1]
    batch = task_batch(task, seed=2)
    wanted = proxy(cell, "naswot", batch, num_classes=10, seed=2, **NETWORK)
    assert values[0]["naswot"] == wanted
    trial = optuna.trial.FixedTrial(optunas.to_params(NB201, cell))
    _, synflow = objective(trial)
    assert trial.user_attrs["synflow"] == synflow == values[0]["synflow"]


def test_a_study_refuses_a_proxy_that_its_networks_cannot_support(tmp_path: Any) -> None:
    spec = StudySpec(
        "smooth",
        optunas.MacroSpace(activations=("gelu",), filters=(4,), units=(4,)),
        "optunas.tasks:digits",
        objectives=("accuracy", "naswot"),
        budget=Budget(trials=1),
    )
    with pytest.raises(ProxyError, match="'naswot' cannot be had: the network has no piecewise"):
        optunas.create(spec, f"sqlite:///{tmp_path}/a.db")


def test_a_task_without_networks_has_no_proxies() -> None:
    with pytest.raises(InvalidSpecError, match="cannot give synflow"):
        Objective(
            optunas.tasks.tabular_space(),
            optunas.tasks.tabular("iris"),
            ("accuracy", "synflow"),
        )
