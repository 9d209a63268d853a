"""Whatever is given in place of an argument, a member or JSON: a sentence, never another error."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import optunas
from optunas.errors import OptunasError
from optunas.space import (
    Cell,
    CellSpace,
    Choice,
    DenseCellSpace,
    Edge,
    ElasticSpace,
    Float,
    HyperSpace,
    Int,
    JointSpace,
    Layer,
    Macro,
    MacroSpace,
    Operation,
    Space,
    StackSpace,
    When,
    group,
    space_from_definition,
    training_space,
)

WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    10**400,
    1.5,
    math.nan,
    math.inf,
    "",
    "conv",
    b"x",
    (),
    {},
    (None,),
    [[1]],
    {"a": 1},
    object(),
    np.array([1, 2]),
    1j,
)


def _spaces() -> dict[str, Space[Any]]:
    own = DenseCellSpace(["none", "skip_connect", "avg_pool_3x3"], 3)
    pair = CellSpace(["none", "skip_connect", "max_pool_3x3"], 2)
    hyper = HyperSpace(
        group("model", {"svm": {"C": Float(0.1, 10.0, log=True)}, "knn": {"k": Int(1, 30)}})
        | {"step": Float(0.1, 0.3, step=0.1), "flag": Choice((True, False, 2))}
    )
    return {
        "dense": own,
        "cell": pair,
        "macro": MacroSpace((2, 3), ["conv", "max_pool", "identity"], dense_depth=(1, 2)),
        "elastic": ElasticSpace((8, (8, 12)), depths=(1, 2), expansions=(1, 2.5)),
        "stack": StackSpace(own, 3, widths=((4, 8), 8, 16)),
        "pairs": StackSpace(pair, 3, widths=(4, (4, 8)), num_reductions=(0, 1)),
        "hyper": hyper,
        "joint": JointSpace(net=own, hp=hyper),
    }


SPACES = _spaces()


@pytest.mark.parametrize(
    "make",
    [
        lambda x: Choice(x),
        lambda x: Int(x, 3),
        lambda x: Int(0, x),
        lambda x: Int(1, 3, log=x),
        lambda x: Float(0.0, x),
        lambda x: Float(0.0, 1.0, step=x),
        lambda x: Float(0.1, 1.0, log=x),
        lambda x: DenseCellSpace(x),
        lambda x: DenseCellSpace(num_nodes=x),
        lambda x: CellSpace(x),
        lambda x: CellSpace(num_nodes=x),
        lambda x: MacroSpace(x),
        lambda x: MacroSpace(joins=x),
        lambda x: ElasticSpace((8, 8), depths=x),
        lambda x: StackSpace(share=x),
        lambda x: StackSpace(x),
        lambda x: HyperSpace(x),
        lambda x: HyperSpace(a=x),
        lambda x: JointSpace(x),
        lambda x: When(Float(0.0, 1.0), x),
        lambda x: HyperSpace(group(x, {"a": {}, "b": {}})),
        lambda x: training_space(ranges=x),
        lambda x: Operation(x),
        lambda x: Operation("own", factory=x),
        lambda x: Operation("own", zero=x),
        lambda x: space_from_definition(x, lambda reference: None),
    ],
)
def test_arguments_of_any_type_work_or_get_a_sentence(make: Callable[[Any], object]) -> None:
    refused = 0
    for wrong in WRONG:
        try:
            made = make(wrong)
        except OptunasError:
            refused += 1
        else:
            if isinstance(made, Space):
                made.validate(made.sample(np.random.default_rng(0)))
    assert refused >= 10


def _changed(thing: Any) -> Iterator[Any]:
    """``thing`` with one part of it, however deep, replaced by each wrong value."""
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        for field in dataclasses.fields(thing):
            for other in (*WRONG, *_changed(getattr(thing, field.name))):
                yield dataclasses.replace(thing, **{field.name: other})
    elif isinstance(thing, Edge):
        for name in thing._fields:
            yield from (thing._replace(**{name: wrong}) for wrong in WRONG)
    elif isinstance(thing, optunas.space.Joint | optunas.space.Hyperparameters):
        for name in thing:
            yield from ({**thing, name: x} for x in (*WRONG, *_changed(thing[name])))
    elif isinstance(thing, tuple) and thing:
        yield from ((x, *thing[1:]) for x in (*WRONG, *_changed(thing[0])))


@pytest.mark.parametrize("name", SPACES)
def test_members_with_any_wrong_part_are_refused_in_a_sentence(name: str) -> None:
    space = SPACES[name]
    member = space.sample(np.random.default_rng(1))
    accepted = refused = 0
    for other in (*WRONG, *_changed(member)):
        try:
            space.validate(other)
        except OptunasError:
            refused += 1
            continue
        accepted += 1  # an expansion of 1.0, an object's own operations, another option
        assert space.from_json(space.to_json(other)) == other
        assert space.digest(other)
        assert len(space.features(other)) == len(space.features(member))
    assert refused > accepted


@pytest.mark.parametrize("name", SPACES)
def test_json_with_any_wrong_part_is_refused_in_a_sentence(name: str) -> None:
    space = SPACES[name]
    text = space.to_json(space.sample(np.random.default_rng(1)))
    refused = 0
    for other in _json_changed(json.loads(text)):
        try:
            member = space.from_json(json.dumps(other))
        except OptunasError:
            refused += 1
        else:
            space.validate(member)
    assert refused > 20
    with pytest.raises(OptunasError, match="JSON of a"):
        space.from_json("[" * 200_000)


def _json_changed(body: Any) -> Iterator[Any]:
    wrong = (None, True, -1, 10**30, 1.5, math.nan, math.inf, "", "abc", [], {}, [None], [[1]])
    if isinstance(body, dict):
        for key in body:
            yield from ({**body, key: x} for x in (*wrong, *_json_changed(body[key])))
            yield {k: v for k, v in body.items() if k != key}
    elif isinstance(body, list) and body:
        yield from ([x, *body[1:]] for x in (*wrong, *_json_changed(body[0])))


@pytest.mark.parametrize("name", SPACES)
def test_parameters_of_any_type_get_a_sentence(name: str) -> None:
    space = SPACES[name]
    params = optunas.to_params(space, space.sample(np.random.default_rng(1)))
    for key in params:
        for wrong in WRONG:
            try:
                member = optunas.from_params(space, {**params, key: wrong})
            except OptunasError:
                continue
            space.validate(member)
    for wrong in (None, 3, "text", [1]):
        with pytest.raises(OptunasError, match="takes a dictionary of parameters or a trial"):
            optunas.from_params(space, wrong)
        with pytest.raises(OptunasError, match="Expected a dictionary"):
            space.check(wrong)  # type: ignore[arg-type]
    for limit in (-1, 1.5, "3", True):
        with pytest.raises(OptunasError, match="limit must be 0 or more"):
            space.enumerate(limit)  # type: ignore[arg-type]


def test_a_name_a_space_and_a_trial_of_another_type_get_a_sentence() -> None:
    with pytest.raises(OptunasError, match="prefix, must be a string, got 3"):
        optunas.distributions(optunas.NB201, 3)  # type: ignore[arg-type]
    with pytest.raises(OptunasError, match=r"Expected a space such as optunas.NB201, got None"):
        optunas.distributions(None)  # type: ignore[arg-type]
    with pytest.raises(OptunasError, match="takes a trial first"):
        optunas.suggest({}, optunas.NB201)  # type: ignore[arg-type]


def test_edges_in_json_are_not_rounded() -> None:
    """1.5 is no node, and None no operation."""
    for edge in ([0, 1.5, "none"], [0, True, "none"], [0, 1, None], [0, 10**9, "none"]):
        body = {"kind": "cell", "version": 1, "num_inputs": 1, "edges": [edge]}
        with pytest.raises(OptunasError, match=r"edges are .source, target, operation."):
            Cell.from_json(json.dumps(body))


def test_all_wrong_layers_of_a_macro_are_told() -> None:
    macro = Macro((Layer("conv", np.array([1])), Layer("conv", {})))  # type: ignore[arg-type]
    with pytest.raises(OptunasError, match="cannot be") as caught:
        MacroSpace().validate(macro)
    assert str(caught.value).splitlines() == [
        "layer1.filters cannot be array([1]).",
        "layer2.filters cannot be {}.",
    ]


def test_long_ranges_are_counted_and_enumerated_without_listing_them() -> None:
    space = HyperSpace(n=Int(1, 10**12), m=When(Float(0.0, 1.0, step=0.5), n=5))
    assert space.size == 10**12 + 2
    assert [member["n"] for member in space.enumerate(6)] == [1, 2, 3, 4, 5, 5]
    plain = HyperSpace(n=Int(0, 10**12), m=Int(1, 2))
    assert [tuple(member.values()) for member in plain.enumerate(3)] == [(0, 1), (0, 2), (1, 1)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Int(0, 2**53 + 1), "high must lie within 2..53 of 0"),
        (lambda: Float(-1.7e308, 1.7e308), "low must lie within 1e300 of 0"),
        (lambda: Float(0.0, 1.0, step=1e-300), "more than 2..53 values"),
        (lambda: DenseCellSpace(num_nodes=301), "at most 300, got 301"),
        (lambda: CellSpace(num_nodes=10**9), "at most 100"),
        (lambda: MacroSpace((1, 10**9)), "depth is at most 300, got 1,000,000,000"),
        (lambda: ElasticSpace((8, 8), depths=(1, 10**9)), "positive integers, up to 200"),
    ],
)
def test_sizes_beyond_all_use_are_refused_at_once(make: Callable[[], object], message: str) -> None:
    with pytest.raises(OptunasError, match=message):
        make()
