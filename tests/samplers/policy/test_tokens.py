"""Members as rows of choices, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampler_cases import HYPER, SPACES

from optunas.samplers.policy.tokens import Tokens
from optunas.space import Choice, Float, HyperSpace, Int, When


def values_of(tokens: Tokens, choices: np.ndarray, within: float) -> list[object]:
    return [tokens.value(at, int(choice), within) for at, choice in enumerate(choices)]


@pytest.mark.parametrize("kind", SPACES)
def test_a_row_gives_back_a_member_of_the_same_row(kind: str) -> None:
    space = SPACES[kind]
    tokens = Tokens(space, bins=64)
    for seed in range(20):
        member = space.sample(np.random.default_rng(seed))
        choices, mask = tokens.row(member)
        assert choices.shape == mask.shape == (len(tokens),)
        assert (choices >= 0).all()
        assert (choices < tokens.counts).all()
        again = tokens.member(values_of(tokens, choices, 0.5))
        space.validate(again)
        assert tokens.row(again)[0].tolist() == choices.tolist()


@pytest.mark.parametrize("kind", SPACES)
def test_what_counts_is_known_while_a_member_is_emitted(kind: str) -> None:
    space = SPACES[kind]
    tokens = Tokens(space, bins=4)
    names = list(space.parameters())
    for seed in range(20):
        member = space.sample(np.random.default_rng(seed))
        values = space.encode(member)
        row = [values[name] for name in names]
        masks = np.zeros((1, len(names)), dtype=bool)
        for at in range(len(names)):
            masks[:, at] = tokens.counting(at, [row[:at]], masks)
        counting = space.active(values)
        assert [name for name, counts in zip(names, masks[0], strict=True) if counts] == counting


def test_members_without_numbers_come_back_whole() -> None:
    space = SPACES["DARTS"]
    tokens = Tokens(space, bins=2)
    member = space.sample(np.random.default_rng(0))
    assert tokens.member(values_of(tokens, tokens.row(member)[0], 0.0)) == member


def test_short_ranges_are_choices_and_long_ones_parts() -> None:
    space = HyperSpace(few=Int(1, 5), many=Int(1, 100), any=Float(0.0, 1.0), grid=Float(0, 1, 0.5))
    assert Tokens(space, bins=5).counts == [5, 5, 5, 3]


def test_the_choices_of_what_does_not_count_are_zero() -> None:
    tokens = Tokens(HYPER, bins=10)
    adam = {"optimizer": "adam", "lr": 0.1, "width": 64, "epochs": 4}
    choices, mask = tokens.row(HYPER.decode(HYPER.canonical(adam)))
    assert mask.tolist() == [True, False, True, True, True]
    assert choices.tolist() == [1, 0, 9, 9, 1]


def test_a_condition_on_a_long_range_is_met_by_its_values_only() -> None:
    space = HyperSpace(depth=Int(1, 100), skip=When(Choice(("a", "b")), depth=7))
    tokens = Tokens(space, bins=4)
    masks = np.ones((3, 2), dtype=bool)
    assert tokens.counting(1, [[7], [8], [1]], masks).tolist() == [True, False, False]


@given(st.integers(0, 9), st.floats(0.0, 1.0, exclude_max=True), st.booleans())
def test_every_part_holds_what_is_drawn_from_it(choice: int, within: float, log: bool) -> None:
    space = HyperSpace(x=Float(0.5, 8.0, log=log))
    tokens = Tokens(space, bins=10)
    value = tokens.value(0, choice, within)
    assert space.parameters()["x"].contains(value)
    # A value on the border between two parts may be counted with either.
    found = tokens.row(tokens.member([value]))[0][0]
    assert found == choice or (within < 1e-9 and found == choice - 1) or within > 1 - 1e-9


@given(st.integers(0, 9), st.floats(0.0, 1.0, exclude_max=True))
def test_integers_stay_within_their_range(choice: int, within: float) -> None:
    for parameter in (Int(3, 1000), Int(1, 1000, log=True), Int(0, 95, step=5)):
        tokens = Tokens(HyperSpace(x=parameter), bins=10)
        assert parameter.contains(tokens.value(0, choice, within))
