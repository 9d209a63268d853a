"""Elastic spaces: members, sizes, the two translations, and which members are one network."""

from __future__ import annotations

import itertools
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optunas.codec import from_params, suggest_subnet, to_params
from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space import (
    OFA_MOBILENET_V3,
    Block,
    Choice,
    ElasticSpace,
    HyperSpace,
    Int,
    JointSpace,
    Stage,
    Subnet,
    space_from_definition,
)
from optunas.space.subnet import hidden_channels

SMALL = ElasticSpace((4, (6, 8)), depths=(1, 2), kernels=(3, 5), expansions=(1, 1.5), stem=4)
PER_STAGE = ElasticSpace(
    (8, (8, 12), 16),
    depths=((1,), (1, 3), (2,)),
    kernels=((3,), (3, 7), (5,)),
    expansions=((1,), (2,), (2.5, 4)),
    strides=(1, 2, 1),
    activation=("relu", "silu", "gelu"),
    squeeze_excite=(False, True, False),
    stem=8,
    head=20,
    features=10,
    stem_stride=2,
)
SPACES = {"small": SMALL, "per stage": PER_STAGE, "ofa": OFA_MOBILENET_V3}
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
seeds = st.integers(0, 2**32 - 1)


def members(options: st.SearchStrategy[tuple[int, ...]]) -> st.SearchStrategy[ElasticSpace]:
    """Spaces of any form: options for all stages or one tuple a stage."""

    @st.composite
    def space(draw: st.DrawFn) -> ElasticSpace:
        stages = draw(st.integers(1, 3))
        width = st.sampled_from([4, 6, (4, 6), (2, 5, 9)])
        per_stage = st.lists(options, min_size=stages, max_size=stages)
        depths = draw(st.one_of(options, per_stage))
        kernels = draw(st.sampled_from([(1, 3), (3, 5, 7), [(3,)] * stages]))
        return ElasticSpace(
            draw(st.lists(width, min_size=stages, max_size=stages)),
            depths,
            kernels,
            draw(st.sampled_from([(1, 2), (1.25, 1.5, 3), (6, 8)])),
            draw(st.none() | st.lists(st.sampled_from([1, 2]), min_size=stages, max_size=stages)),
        )

    return space()


spaces = members(st.sampled_from([(1,), (2,), (1, 2), (1, 3), (2, 3)]))


def test_once_for_alls_mobilenet_space_has_its_published_size() -> None:
    assert ElasticSpace((24, 40, 80, 112, 160)).size == 7371**5
    assert OFA_MOBILENET_V3.size == 7371**5
    assert sum((3 * 3) ** depth for depth in (2, 3, 4)) == 7371


def test_names_are_public_and_a_single_option_has_none() -> None:
    assert list(SMALL.parameters()) == [
        *("stage1.depth", "stage1.block1.kernel", "stage1.block1.expansion"),
        *("stage1.block2.kernel", "stage1.block2.expansion", "stage2.depth", "stage2.width"),
        *("stage2.block1.kernel", "stage2.block1.expansion"),
        *("stage2.block2.kernel", "stage2.block2.expansion"),
    ]
    assert SMALL.parameters()["stage2.width"] == Choice((6, 8))
    assert list(PER_STAGE.parameters()) == [
        *("stage2.depth", "stage2.width", "stage2.block1.kernel", "stage2.block2.kernel"),
        *("stage2.block3.kernel", "stage3.block1.expansion", "stage3.block2.expansion"),
    ]
    assert {name.split(".")[0] for name in OFA_MOBILENET_V3.parameters()} == {
        f"stage{number}" for number in range(2, 7)
    }
    assert SMALL.default_name == "subnet"


def test_a_block_counts_where_its_stage_is_deep_enough() -> None:
    conditions = PER_STAGE.conditions()
    assert set(conditions) == {"stage2.block2.kernel", "stage2.block3.kernel"}
    assert conditions["stage2.block2.kernel"].parent == "stage2.depth"
    assert conditions["stage2.block2.kernel"].values == (3,)
    shallow = {name: p.first for name, p in PER_STAGE.parameters().items()}
    assert "stage2.block2.kernel" not in PER_STAGE.active(shallow)
    other = PER_STAGE.canonical({**shallow, "stage2.block3.kernel": 7})
    assert PER_STAGE.decode(other) == PER_STAGE.decode(shallow)
    assert OFA_MOBILENET_V3.conditions()["stage2.block3.kernel"].values == (3, 4)
    assert "stage2.block2.kernel" not in OFA_MOBILENET_V3.conditions()


def test_a_member_holds_everything_it_is_built_from() -> None:
    values = {name: p.first for name, p in PER_STAGE.parameters().items()}
    values |= {"stage2.depth": 3, "stage2.width": 12, "stage2.block2.kernel": 7}
    values |= {"stage3.block2.expansion": 4}
    wanted = Subnet(
        8,
        (
            Stage(8, (Block(3, 1),), 1, "relu", False),
            Stage(12, (Block(3, 2), Block(7, 2), Block(3, 2)), 2, "silu", True),
            Stage(16, (Block(5, 2.5), Block(5, 4)), 1, "gelu", False),
        ),
        head=20,
        features=10,
        stem_stride=2,
        activation="gelu",
    )
    assert PER_STAGE.decode(values) == wanted
    assert PER_STAGE.encode(wanted) == values
    PER_STAGE.validate(wanted)


def test_strides_are_one_first_and_two_later() -> None:
    space = ElasticSpace((4, 4, 4), depths=2)
    assert space.strides == (1, 2, 2)
    assert [stage.stride for stage in space.largest().stages] == [1, 2, 2]
    assert space.depths == ((2,), (2,), (2,))


@given(space=spaces)
def test_size_is_the_number_enumerated(space: ElasticSpace) -> None:
    found = list(itertools.islice(space.enumerate(), 500))
    assert len(set(found)) == len(found)
    assert len(found) == min(space.size, 500)
    for member in found[:: max(1, len(found) // 50)]:
        space.validate(member)


@given(space=spaces, seed=seeds)
def test_round_trips(space: ElasticSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = space.sample(rng), space.sample(rng)
    space.validate(a)
    values = space.encode(a)
    space.check(values)
    assert list(values) == list(space.parameters())
    assert space.decode(values) == a
    assert space.from_json(space.to_json(a)) == a
    assert Subnet.from_json(a.to_json()) == a
    assert from_params(space, to_params(space, a)) == a
    assert (space.digest(a) == space.digest(b)) == (layers(a) == layers(b))
    child = space.crossover(a, b, rng)
    space.validate(child)
    mutant = space.mutate(a, rng)
    space.validate(mutant)
    assert mutant != a
    again = space_from_definition(json.loads(json.dumps(space.definition())), None)  # type: ignore[arg-type]
    assert again == space
    assert hash(again) == hash(space)
    assert repr(again) == repr(space)
    assert eval(repr(space)) == space


def layers(subnet: Subnet) -> list[tuple[object, ...]]:
    """The row of layers, the obvious way: what the digest must tell apart."""
    rows: list[tuple[object, ...]] = [
        (subnet.stem, subnet.stem_stride, subnet.activation, subnet.head, subnet.features)
    ]
    channels = subnet.stem
    for stage in subnet.stages:
        for at, block in enumerate(stage.blocks):
            hidden = max(1, round(channels * block.expansion))
            stride = stage.stride if at == 0 else 1
            place = (channels, stride, stage.width, stage.activation, stage.squeeze_excite)
            rows.append((*place, block.kernel, hidden, block.expansion == 1))
            channels = stage.width
    return rows


def test_sampling_is_uniform_over_each_parameters_options() -> None:
    rng = np.random.default_rng(0)
    sampled = [SMALL.sample(rng) for _ in range(2000)]
    assert 0.46 < np.mean([len(a.stages[0].blocks) == 2 for a in sampled]) < 0.54
    assert 0.46 < np.mean([a.stages[1].width == 8 for a in sampled]) < 0.54
    assert 0.46 < np.mean([a.stages[1].blocks[0].kernel == 5 for a in sampled]) < 0.54
    assert len(set(sampled)) > 300


@every_space
def test_the_ends_of_a_space(space: ElasticSpace) -> None:
    large, small = space.largest(), space.smallest()
    space.validate(large)
    space.validate(small)
    for one, other in zip(large.stages, small.stages, strict=True):
        assert len(one.blocks) >= len(other.blocks)
        assert one.width >= other.width
        for a, b in zip(one.blocks, other.blocks, strict=False):
            assert a.kernel >= b.kernel
            assert a.expansion >= b.expansion
    assert large != small


@every_space
def test_spaces_compare_pickle_and_print(space: ElasticSpace) -> None:
    again = pickle.loads(pickle.dumps(space))
    assert again == space
    assert again.digest(space.largest()) == space.digest(space.largest())
    assert eval(repr(space)) == space
    assert space.features(space.largest()).shape == space.features(space.smallest()).shape
    assert len({hash(other) for other in SPACES.values()}) == len(SPACES)


def test_spaces_that_differ_in_what_is_not_searched_are_unequal() -> None:
    base = {"widths": (4, 8), "depths": (1, 2)}
    others = [
        {"strides": (2, 2)},
        {"activation": "gelu"},
        {"squeeze_excite": True},
        {"stem": 8},
        {"head": 8},
        {"features": 8},
        {"stem_stride": 2},
        {"widths": (4, 9)},
    ]
    found = [ElasticSpace(**(base | other)) for other in [{}, *others]]  # type: ignore[arg-type]
    assert len(set(found)) == len(found)
    members = [space.largest() for space in found]
    digests = {space.digest(member) for space, member in zip(found, members, strict=True)}
    assert len(digests) == len(found)
    for space, member in zip(found[1:], members[1:], strict=True):
        with pytest.raises(InvalidArchitectureError, match="in this space"):
            found[0].validate(member)
        space.validate(member)


def test_the_digest_joins_members_that_are_one_network() -> None:
    space = ElasticSpace((4, 4), (1, 2), (3,), (1.5, 1.6, 2), strides=(1, 1), stem=4)
    two, one = (Block(3, 1.5), Block(3, 2)), (Block(3, 2),)
    border = [space.decode(space.encode(Subnet(4, (Stage(4, a, 1), Stage(4, b, 1)))))
              for a, b in [(two, one), (two[:1], (two[1], *one))]]  # fmt: skip
    assert border[0] != border[1]
    assert space.digest(border[0]) == space.digest(border[1])
    same = space.decode(space.encode(border[0]) | {"stage1.block1.expansion": 1.6})
    assert space.digest(same) == space.digest(border[0])  # 1.5 and 1.6 of 4 are 6 channels
    wider = space.decode(space.encode(border[0]) | {"stage1.block1.expansion": 2})
    assert space.digest(wider) != space.digest(border[0])


def test_a_strided_second_stage_keeps_its_border() -> None:
    space = ElasticSpace((4, 4), (1, 2), (3,), (2,), strides=(1, 2), stem=4)
    assert len({space.digest(member) for member in space.enumerate()}) == space.size == 4
    merged = ElasticSpace((4, 4), (1, 2), (3,), (2,), strides=(1, 1), stem=4)
    assert len({merged.digest(member) for member in merged.enumerate()}) == 3


def test_an_expansion_of_one_is_another_network_than_one_that_rounds_to_it() -> None:
    space = ElasticSpace((3,), (1,), (3,), (1, 1.1), stem=3)
    assert hidden_channels(3, 1) == hidden_channels(3, 1.1) == 3
    assert len({space.digest(member) for member in space.enumerate()}) == 2


def test_a_trial_suggests_and_gives_back_a_member() -> None:
    import optuna

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        trial = study.ask()
        subnet = suggest_subnet(trial, SMALL)
        SMALL.validate(subnet)
        assert set(trial.params) == {f"subnet.{name}" for name in SMALL.parameters()}
        assert from_params(SMALL, trial) == subnet


def test_in_a_joint_space() -> None:
    joint = JointSpace(net=SMALL, train=HyperSpace(epochs=Int(1, 3)))
    assert joint.size == 3 * SMALL.size
    member = joint.sample(np.random.default_rng(0))
    assert joint.from_json(joint.to_json(member)) == member
    assert joint.parts(member) == (member["net"], {"epochs": member["train"]["epochs"]})
    assert "net.stage2.block2.kernel" in joint.conditions()


class Mine(ElasticSpace):
    """A user's subclass with the parent's constructor."""


class Narrow(ElasticSpace):
    """A user's subclass with a constructor of its own."""

    def __init__(self, scale: int) -> None:
        self.scale = scale
        super().__init__((scale, 2 * scale), depths=(1, 2))


def test_a_users_subclass_is_stored_by_reference() -> None:
    made = {"Mine": Mine, "Narrow": Narrow}
    for space in (Mine((4, (6, 8)), (1, 2), features=5), Narrow(4)):
        stored = json.loads(json.dumps(space.definition()))
        assert stored["kind"] == "custom"
        again = space_from_definition(stored, lambda reference: made[reference.split(":")[1]])
        assert again == space
        assert type(again) is type(space)


def test_a_subnet_prints_as_one_line() -> None:
    assert str(PER_STAGE.smallest()) == (
        "stem 8/2 | 8 k3e1 | 8/2 se k3e2 | 16 k5e2.5 k5e2.5 | head 20 | features 10"
    )
    assert str(SMALL.largest()) == "stem 4 | 4 k5e1.5 k5e1.5 | 8/2 k5e1.5 k5e1.5"


def test_numpy_numbers_become_pythons() -> None:
    space = ElasticSpace(
        [np.int64(4), (np.int32(6), 8)], range(1, 3), np.int64(3), [np.float32(1.5), 2.0]
    )
    assert space == ElasticSpace((4, (6, 8)), (1, 2), 3, (1.5, 2))
    assert json.dumps(space.definition()) == json.dumps(
        ElasticSpace((4, (6, 8)), (1, 2), 3, (1.5, 2)).definition()
    )


def test_an_elastic_space_needs_no_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from optunas.space import OFA_MOBILENET_V3 as space\n"
        "import optunas.nets.subnet_plan, optunas.metrics as m\n"
        "a = space.sample(np.random.default_rng(0)); space.digest(a)\n"
        "m.params(a, (3, 32, 32), 10)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_enumerating_stops_at_a_limit() -> None:
    assert len(list(SMALL.enumerate(limit=5))) == 5
    with pytest.raises(InvalidSpaceError, match="limit must be 0 or more"):
        SMALL.enumerate(limit=-1)
