"""Candidates that stay for several trials."""

from __future__ import annotations

import zlib
from functools import partial
from typing import Any

import numpy as np
import pytest

from optunas import DARTS, NB201, Choice, Float, HyperSpace, JointSpace
from optunas.samplers.prediction.atlas import Atlas
from optunas.samplers.repeated import RepeatedCandidates
from optunas.samplers.trials.members import Members
from optunas.space import Space

JOINT = JointSpace(cell=NB201, train=HyperSpace(lr=Float(0.01, 1.0, log=True)))


def candidates(space: Space[Any] = DARTS, block: int = 0, **limits: Any) -> RepeatedCandidates:
    """Of a process that has not asked before."""

    def rng_of(block: int, what: str) -> np.random.Generator:
        return np.random.default_rng([7, block, zlib.crc32(what.encode())])

    def known(member: Any) -> dict[int, float]:
        asked.append(member)
        return {1: float(len(str(member)))}

    asked: list[Any] = []
    found = RepeatedCandidates(
        Atlas(Members(space, **limits), known, None, 2), partial(rng_of, block)
    )
    found.asked = asked  # type: ignore[attr-defined]
    return found


def some(space: Space[Any], count: int) -> list[Any]:
    rng = np.random.default_rng(1)
    return [space.sample(rng) for _ in range(count)]


@pytest.mark.parametrize("space", [DARTS, JOINT], ids=["darts", "joint"])
def test_another_process_draws_the_same_and_another_block_others(space: Space[Any]) -> None:
    parents = some(space, 3)
    first, again, later = candidates(space), candidates(space), candidates(space, block=1)
    first.descendants(some(space, 2), 9, ())  # what was asked before changes nothing
    assert list(first.drawn(8, ())) == list(again.drawn(8, ()))
    wanted = first.descendants(parents, 12, ())
    assert list(wanted) == list(again.descendants(parents, 12, ()))
    assert len(wanted) == 12
    assert all(space.digest(member) == key for key, member in wanted.items())
    assert set(wanted) != set(later.descendants(parents, 12, ()))
    assert not set(first.drawn(8, ())) & set(later.drawn(8, ()))


def test_what_was_tried_gives_its_place_to_the_next() -> None:
    found, parents = candidates(), some(DARTS, 3)
    before = found.descendants(parents, 12, ())
    tried = set(list(before)[::2])
    after = found.descendants(parents, 12, tried)
    assert not tried & set(after)
    assert len(after) == 12
    assert len(set(before) & set(after)) == 6
    drawn = found.drawn(8, ())
    assert list(found.drawn(8, set(list(drawn)[:3]))) == list(drawn)[3:]


def test_a_parent_that_joins_leaves_most_others_children_as_they_are() -> None:
    found, parents = candidates(), some(DARTS, 8)
    before = found.descendants(parents[:7], 28, ())
    after = found.descendants(parents, 28, ())
    assert len(set(before) & set(after)) >= 20


def test_each_is_described_once() -> None:
    found, parents = candidates(), some(DARTS, 3)
    for _ in range(3):
        pool = found.pool(found.drawn(5, ()) | found.descendants(parents, 12, ()))
    assert len(found.asked) == len(pool.members) == 17  # type: ignore[attr-defined]
    np.testing.assert_array_equal(pool.rows, found.atlas.rows(pool.members))
    np.testing.assert_array_equal(pool.known, found.atlas.known(pool.members))
    nothing = found.pool({})
    assert (len(nothing.members), nothing.rows.shape[1]) == (0, pool.rows.shape[1])


def test_more_parents_than_children_take_turns_by_block() -> None:
    parents = some(DARTS, 40)
    blocks = [candidates(block=block).descendants(parents, 8, ()) for block in range(4)]
    assert all(6 <= len(found) <= 8 for found in blocks)
    assert len(set().union(*blocks)) == sum(map(len, blocks))


def test_limits_are_kept() -> None:
    found = candidates(feasible=lambda member: "sep_conv_3x3" not in str(member.normal))
    kept = found.drawn(8, ()) | found.descendants([next(iter(DARTS.enumerate(1)))], 8, ())
    assert kept
    assert not any("sep_conv_3x3" in str(member.normal) for member in kept.values())


def test_a_space_of_one_member_has_no_descendants() -> None:
    space = HyperSpace(only=Choice(("one",)))
    found = candidates(space)
    assert found.descendants(some(space, 1), 5, ()) == {}
