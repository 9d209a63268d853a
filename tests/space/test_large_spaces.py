"""Spaces of thousands of parameters or options stay usable."""

from __future__ import annotations

import itertools
import time

import numpy as np

from optunas import DARTS, Choice, HyperSpace, JointSpace, MacroSpace, StackSpace, When
from optunas.space.conditions import Condition, combinations


def test_enumeration_goes_deeper_than_the_recursion_limit() -> None:
    space = MacroSpace(depth=(40, 60))
    assert len(space.parameters()) > 1_500
    members = list(itertools.islice(space.enumerate(), 20))
    assert len(set(members)) == 20
    space.validate(members[-1])


def test_the_odometer_equals_a_recursion() -> None:
    table = {"a": Choice((0, 1, 2)), "b": Choice((0, 1)), "c": Choice((5, 6)), "d": Choice((7, 8))}
    conditions = {"b": Condition("a", (1, 2)), "d": Condition("b", (1,))}

    def expand(names: list[str], values: dict[str, int], on: dict[str, bool]) -> list[dict]:
        if not names:
            return [values]
        name, *rest = names
        condition = conditions.get(name)
        counts = condition is None or (
            on[condition.parent] and values[condition.parent] in condition.values
        )
        options = table[name].options if counts else table[name].options[:1]
        return [
            row
            for option in options
            for row in expand(rest, {**values, name: option}, {**on, name: counts})
        ]

    assert list(combinations(table, conditions)) == expand(list(table), {}, {})


def test_many_options_on_which_many_parameters_depend() -> None:
    started = time.process_time()
    stack = StackSpace(
        cell=DARTS, num_cells=12, num_reductions=(0, 5), widths=((4, 8),) * 6, share="stage"
    )
    space = JointSpace(net=stack)
    assert space.size == stack.size
    space.validate(space.sample(np.random.default_rng(0)))
    # A quadratic check of the 1,586 placements took 8 s.
    assert time.process_time() - started < 6


def test_true_and_one_are_different_conditions() -> None:
    space = HyperSpace(
        flag=Choice((False, True)),
        count=Choice((0, 1)),
        a=When(Choice((1, 2)), flag=True),
        b=When(Choice((1, 2)), count=1),
    )
    assert space.size == 9
    assert len(set(space.enumerate())) == 9
