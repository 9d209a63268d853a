"""Tests of what makes members: sample, enumerate, mutate and crossover."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from optunas.errors import InvalidSpaceError
from optunas.space import Condition, Parameter
from optunas.testing.contract import Sampled, promise, require
from optunas.testing.coverage import Reach
from optunas.testing.subject import Subject

__all__ = ["VariationTests"]

DRAWS = 60
"""Most draws for each sample of the suite, where an option is waited for."""

COUNTED = 50_000
"""Up to so many combinations are counted one by one."""


class VariationTests(Subject):
    """Members at random, in order, by a change, and from two parents.

    Attributes:
        num_enumerated: a space of at most so many members is enumerated whole.
    """

    num_enumerated: int = 2000

    def test_samples_are_members_and_repeat_by_their_seed(self) -> None:
        members = list(self._samples())
        for member in members:
            with promise("validate", member):
                self.space.validate(member.value)
            with promise("sample", member):
                again = self._sampled(member.number).value
                require(again == member.value, f"gives {again!r} when repeated with its seed")
        if self.space.size > 1:
            different = any(member.value != members[0].value for member in members)
            with promise("sample", members[0]):
                require(different, f"gives nothing else in {len(members)} draws")

    def test_sampling_reaches_every_option(self) -> None:
        draws = DRAWS * self.num_samples
        reach = Reach(self.space.parameters(), self.space.conditions(), draws)
        rng = np.random.default_rng(self.seed)
        for _ in range(draws):
            with promise("sample", self.space):
                self._see_all(reach, self.space.sample(rng))
            if not reach.missing:
                return
        with promise("sample", self.space):
            require(False, f"never reached {reach} in {draws} draws")

    def _see_all(self, reach: Reach, member: Any) -> None:
        values = self.space.encode(member)
        for name in self.space.active(values):
            reach.see(name, values[name])

    def test_size_is_the_number_of_members(self) -> None:
        table, conditions = self.space.parameters(), self.space.conditions()
        with promise("size", self.space):
            size = self.space.size
            infinite = any(parameter.size == math.inf for parameter in table.values())
            if infinite:
                require(size == math.inf, f"is {size!r}, but a parameter is continuous")
                return
            whole = isinstance(size, int) and not isinstance(size, bool)
            require(whole and size >= 1, f"is {size!r}, wanted a whole number from 1 on")
            wanted = _counted(table, conditions)
            if wanted is not None:
                require(size == wanted, f"is {size}, but there are {wanted} members")

    def test_enumerate_gives_distinct_members_in_order(self) -> None:
        if self.space.size == math.inf:
            with promise("enumerate", self.space):
                try:
                    next(iter(self.space.enumerate(limit=1)))
                except InvalidSpaceError:
                    return
                require(False, "gives members of an infinite space, wanted an InvalidSpaceError")
        whole = self.space.size <= self.num_enumerated
        wanted = int(min(self.space.size, self.num_enumerated))
        with promise("enumerate", self.space):
            members = list(self.space.enumerate(None if whole else wanted))
            require(len(members) == wanted, f"gives {len(members)} members, wanted {wanted}")
            distinct = len(set(members))
            require(distinct == wanted, f"gives {distinct} different members of {wanted}")
            require(list(self.space.enumerate(limit=0)) == [], "gives members with limit=0")
            prefix = list(itertools.islice(self.space.enumerate(), 3))
            require(prefix == members[:3], "starts with others when there is no limit")
        columns = {name: p.values() for name, p in self.space.parameters().items()}
        last: tuple[int, ...] = ()
        for member in members:
            with promise("enumerate", repr(member)):
                self.space.validate(member)
                values = self.space.encode(member)
                rank = tuple(column.index(values[name]) for name, column in columns.items())
                require(rank > last, "leaves the lexicographic order of the parameters here")
                last = rank

    def test_mutate_changes_exactly_one_parameter_that_counts(self) -> None:
        if self.space.size == 1:
            member = self._sampled(0)
            with promise("mutate", member):
                try:
                    self.space.mutate(member.value, member.rng)
                except InvalidSpaceError:
                    return
                require(False, "of a single member gives something, wanted an InvalidSpaceError")
        for member in self._samples():
            with promise("mutate", member):
                before, seed = self.space.encode(member.value), int(member.rng.integers(2**32))
                mutant = self.space.mutate(member.value, np.random.default_rng(seed))
                self.space.validate(mutant)
                require(self.space.encode(member.value) == before, "changes the member itself")
                after = self.space.encode(mutant)
                both = self._active(before) & self._active(after)
                changed = [n for n in before if n in both and before[n] != after[n]]
                require(
                    len(changed) == 1,
                    f"changes {' and '.join(changed) or 'nothing'}, wanted exactly one of the "
                    f"parameters that count before and after: {mutant!r}",
                )
                again = self.space.mutate(member.value, np.random.default_rng(seed))
                require(again == mutant, "gives another mutant with the same seed")

    def test_mutation_reaches_every_option(self) -> None:
        if self.space.size == 1:
            pytest.skip("The space has a single member.")
        draws = DRAWS * self.num_samples
        reach = Reach(self.space.parameters(), self.space.conditions(), draws, one_of_many=True)
        rng = np.random.default_rng(self.seed)
        for _ in range(draws):
            with promise("mutate", self.space):
                member = self.space.sample(rng)
                before = self.space.encode(member)
                after = self.space.encode(self.space.mutate(member, rng))
                for name in self._active(after):
                    if before[name] != after[name]:
                        reach.see(name, after[name])
            if not reach.missing:
                return
        with promise("mutate", self.space):
            require(False, f"never changed to {reach} in {draws} mutations")

    def test_crossover_takes_every_gene_from_a_parent(self) -> None:
        from_first = from_second = 0
        differing = 0
        for first, second in self._pairs():
            with promise("crossover", first, second):
                child = self._child(first, second, 0.5)
                from_first += child != second.value
                from_second += child != first.value
                differing += first.value != second.value
                for rate, parent in ((0.0, first), (1.0, second)):
                    same = self._child(first, second, rate)
                    require(same == parent.value, f"with rate={rate} gives {same!r}")
        with promise("crossover", self.space):
            if differing >= 10:
                require(from_second > 0, "never took a gene of the second parent at rate 0.5")
                require(from_first > 0, "never took a gene of the first parent at rate 0.5")

    def _child(self, first: Sampled, second: Sampled, rate: float) -> Any:
        parents = [self.space.encode(parent.value) for parent in (first, second)]
        seed = int(second.rng.integers(2**32))
        child, again = (
            self.space.crossover(first.value, second.value, np.random.default_rng(seed), rate=rate)
            for _ in range(2)
        )
        require(again == child, "gives another child with the same seed")
        self.space.validate(child)
        now = [self.space.encode(parent.value) for parent in (first, second)]
        require(now == parents, "changes a parent")
        values = self.space.encode(child)
        for name in self._active(values):
            allowed = [parent[name] for parent in parents if name in self._active(parent)]
            require(
                values[name] in allowed,
                f"gives the child {name} = {values[name]!r}, in its parents it is {allowed}",
            )
        return child

    @pytest.mark.parametrize("rate", [-0.1, 1.5, math.nan])
    def test_crossover_refuses_a_rate_that_is_no_probability(self, rate: float) -> None:
        a = self._sampled(0)
        with promise("crossover", a):
            try:
                self.space.crossover(a.value, a.value, a.rng, rate=rate)
            except InvalidSpaceError:
                return
            require(False, f"takes rate={rate}, wanted an InvalidSpaceError")


def _counted(table: Mapping[str, Parameter], conditions: Mapping[str, Condition]) -> int | None:
    """The number of members, every tree of dependent parameters counted one by one.

    None where that would be too many.
    """
    trees: dict[str, list[str]] = {}
    root: dict[str, str] = {}
    for name in table:
        root[name] = root[conditions[name].parent] if name in conditions else name
        trees.setdefault(root[name], []).append(name)
    total = 1
    for names in trees.values():
        if len(names) == 1:
            total *= int(table[names[0]].size)
            continue
        if math.prod(int(table[name].size) for name in names) > COUNTED:
            return None
        rows = itertools.product(*(table[name].values() for name in names))
        total *= len(
            {tuple(_counting(dict(zip(names, row, strict=True)), conditions)) for row in rows}
        )
    return total


def _counting(
    values: Mapping[str, Any], conditions: Mapping[str, Condition]
) -> Iterator[tuple[str, Any]]:
    """The items that count."""
    for name, value in values.items():
        at: str | None = name
        while at is not None and at in conditions:
            condition = conditions[at]
            at = condition.parent if values[condition.parent] in condition.values else None
        if at is not None:
            yield name, value
