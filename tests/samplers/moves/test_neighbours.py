"""The one-gene neighbourhood, against the slow obvious one."""

from __future__ import annotations

import numpy as np
import pytest
from sampler_cases import HYPER, SMALL, SPACES

from optunas.samplers.moves.neighbours import MOST, STRIDES, neighbours, values_beside
from optunas.space import NB201, Choice, Float, HyperSpace, Int


@pytest.mark.parametrize("space", [NB201, SMALL])
def test_a_cell_has_those_that_differ_in_one_edge(space: object) -> None:
    every = list(space.enumerate())  # type: ignore[attr-defined]
    rng = np.random.default_rng(0)
    for member in (every[0], every[len(every) // 2], every[-1]):
        own = space.encode(member)  # type: ignore[attr-defined]
        wanted = [
            m
            for m in every
            if sum(a != b for a, b in zip(own.values(), space.encode(m).values(), strict=True)) == 1
        ]  # type: ignore[attr-defined]
        found = neighbours(space, member, rng)  # type: ignore[arg-type]
        assert len(found) == len(wanted) == len(own) * (len(space.operations) - 1)  # type: ignore[attr-defined]
        assert set(found) == set(wanted)


@pytest.mark.parametrize("kind", SPACES)
def test_neighbours_are_members_and_differ_in_one_gene_that_counts(kind: str) -> None:
    space, rng = SPACES[kind], np.random.default_rng(1)
    for _ in range(3):
        member = space.sample(rng)
        before, found = space.encode(member), neighbours(space, member, rng)
        assert member not in found
        for other in found:
            space.validate(other)
            after = space.encode(other)
            both = set(space.active(before)) & set(space.active(after))
            assert sum(before[name] != after[name] for name in both) == 1
        mutable = [n for n in space.active(before) if space.parameters()[n].size > 1]
        assert len(found) >= len(mutable)


def test_what_comes_to_count_is_drawn() -> None:
    member = HYPER.decode(
        {"optimizer": "adam", "momentum": 0.5, "lr": 0.01, "width": 8, "epochs": 4}
    )
    found = [
        m
        for s in range(5)
        for m in neighbours(HYPER, member, np.random.default_rng(s))
        if "momentum" in m
    ]
    assert len(found) == 5
    assert len({m["momentum"] for m in found}) == 5


def test_the_same_numbers_give_the_same_neighbours() -> None:
    member = HYPER.sample(np.random.default_rng(0))
    one, other = (neighbours(HYPER, member, np.random.default_rng(7)) for _ in range(2))
    assert one == other


def test_a_choice_has_all_other_options() -> None:
    assert values_beside(Choice(("a", "b", "c")), "b") == ["a", "c"]
    assert values_beside(Choice((True, 2)), True) == [2]
    assert values_beside(Choice(("a",)), "a") == []


def test_a_number_has_its_next_values_and_some_further_ones() -> None:
    assert values_beside(Int(1, 3), 1) == [2]
    assert values_beside(Int(0, 100), 50) == [30, 45, 49, 51, 55, 70]
    assert values_beside(Int(2, 10, step=4), 6) == [2, 10]
    assert values_beside(Int(5, 5), 5) == []
    assert values_beside(Float(0, 1, step=0.25), 0.5) == [0.25, 0.75]
    np.testing.assert_allclose(
        values_beside(Float(0, 1), 0.5), sorted(0.5 + sign * s for s in STRIDES for sign in (-1, 1))
    )
    np.testing.assert_allclose(values_beside(Float(0, 10), 0.0), [0.125, 0.5, 2.0])


def test_a_logarithmic_number_moves_on_its_scale() -> None:
    found = values_beside(Float(1e-4, 1.0, log=True), 1e-2)
    np.testing.assert_allclose(
        np.log10(found), sorted(-2 + 4 * sign * s for s in STRIDES for sign in (-1, 1))
    )
    assert values_beside(Int(1, 1024, log=True), 1)[0] == 2
    assert values_beside(Int(1, 1024, log=True), 1024)[-1] == 1023


@pytest.mark.parametrize(
    "parameter",
    [
        Int(1, 1000, log=True),
        Int(0, 9),
        Float(-1, 1),
        Float(0, 1, step=0.1),
        Float(1e-5, 1, log=True),
    ],
)
def test_what_is_beside_is_in_the_range_and_another_value(parameter: Int | Float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        value = parameter.sample(rng)
        found = values_beside(parameter, value)
        assert found
        assert parameter.round(value) not in found
        assert all(parameter.contains(v) for v in found)
        assert len(set(found)) == len(found)


def test_a_huge_neighbourhood_is_drawn_from() -> None:
    space = HyperSpace({f"p{i}": Choice(tuple(range(9))) for i in range(300)})
    found = neighbours(space, space.sample(np.random.default_rng(0)), np.random.default_rng(1))
    assert len(set(found)) == len(found) == MOST
