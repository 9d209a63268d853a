"""Tests of what tells members apart: digest and features; and of what must not matter."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from optunas.space import Float, Space
from optunas.testing.contract import promise, require
from optunas.testing.processes import digests_elsewhere
from optunas.testing.translations import TranslationTests

__all__ = ["IdentityTests"]


class IdentityTests(TranslationTests):
    """Digests, features, parameters that do not count, and arguments that stay as they were."""

    def test_equal_members_have_equal_digests(self) -> None:
        for member in self._samples():
            with promise("digest", member):
                digest = self.space.digest(member.value)
                require(isinstance(digest, str) and digest != "", f"is {digest!r}, wanted a text")
                structure = self.space.structure_digest(member.value)
                require(isinstance(structure, str), f"has the structure_digest {structure!r}")
                others = {
                    "the same member": member.value,
                    "its deep copy": copy.deepcopy(member.value),
                    "what its values decode to": self.space.decode(self.space.encode(member.value)),
                    "what its JSON gives": self.space.from_json(self.space.to_json(member.value)),
                }
                for what, other in others.items():
                    got = self.space.digest(other)
                    require(got == digest, f"of {what} is {got}, wanted {digest}")

    def test_digests_tell_members_apart(self) -> None:
        digests: dict[str, Any] = {}
        values: dict[str, str] = {}
        for member in self._samples():
            with promise("digest", member):
                digest = self.space.digest(member.value)
                first = digests.setdefault(digest, member)
                if type(self.space).digest is Space.digest:
                    rounded = self._rounded(member.value)
                    same = values.setdefault(digest, rounded) == rounded
                    require(same, f"is equal to that of another member, {first}")
        with promise("digest", self.space):
            members = {member.value for member in self._samples()}
            alike = len(members) > 1 and len(digests) == 1
            require(not alike, f"is one and the same for {len(members)} different members")

    def _rounded(self, member: Any) -> str:
        values, table = self.space.encode(member), self.space.parameters()
        return repr([(name, table[name].round(values[name])) for name in self.space.active(values)])

    def test_digests_are_the_same_in_another_process(self) -> None:
        stored = self._definition()
        members = list(self._samples(20))
        texts = [self.space.to_json(member.value) for member in members]
        with promise("digest", self.space):
            found = digests_elsewhere(stored, texts)
        for member, (digest, structure) in zip(members, found, strict=True):
            with promise("digest", member):
                here = self.space.digest(member.value)
                require(digest == here, f"is {here}, but {digest} in another process")
                coarse = self.space.structure_digest(member.value)
                require(structure == coarse, "has another structure_digest in another process")

    def test_digests_round_numbers_to_their_resolution(self) -> None:
        table = self.space.parameters()
        wanted = {n for n, p in table.items() if isinstance(p, Float) and p.size == math.inf}
        if not wanted:
            pytest.skip("No parameter is continuous.")
        told_apart = dict.fromkeys(wanted, False)
        seen = set()
        for member in self._samples():
            with promise("digest", member):
                values = self.space.encode(member.value)
                for name in wanted & self._active(values):
                    seen.add(name)
                    value = table[name].round(values[name])
                    one, nudged, other = (
                        self.space.digest(self.space.decode({**values, name: changed}))
                        for changed in (
                            value,
                            min(max(value * (1 + 1e-15), table[name].low), table[name].high),
                            table[name].neighbour(value, member.rng),
                        )
                    )
                    require(nudged == one, f"differs for {name} = {value!r} and 1e-15 beside it")
                    told_apart[name] |= other != one
        with promise("digest", self.space):
            blind = sorted(name for name in seen if not told_apart[name])
            require(not blind, f"is the same whatever the value of {', '.join(blind)}")

    def test_features_are_finite_and_tell_members_apart(self) -> None:
        known: dict[bytes, Any] = {}
        shape = None
        for member in self._samples():
            with promise("features", member):
                row = self.space.features(member.value)
                require(isinstance(row, np.ndarray), f"are a {type(row).__name__}, wanted an array")
                require(row.ndim == 1, f"have shape {row.shape}, wanted one dimension")
                require(np.issubdtype(row.dtype, np.floating), f"are {row.dtype}, wanted floats")
                shape = row.shape if shape is None else shape
                require(row.shape == shape, f"have shape {row.shape}, others had {shape}")
                require(bool(np.isfinite(row).all()), f"are not all finite: {row}")
                again = self.space.features(copy.deepcopy(member.value))
                require(np.array_equal(row, again), "differ for an equal member")
                other = known.setdefault(row.tobytes(), member.value)
                same = self.space.digest(other) == self.space.digest(member.value)
                require(same, f"are those of a different member, {other!r}")

    def test_parameters_that_do_not_count_change_nothing(self) -> None:
        if not self.space.conditions():
            pytest.skip("Every parameter always counts.")
        table = self.space.parameters()
        for member in self._samples():
            with promise("canonical", member):
                values = self.space.encode(member.value)
                counting = self._active(values)
                fewer = {name: values[name] for name in values if name in counting}
                self.space.check(fewer)
                require(self.space.canonical(fewer) == values, "differs where values are missing")
                others = {n: p.sample(member.rng) for n, p in table.items() if n not in counting}
                given = {name: others.get(name, values[name]) for name in values}
                self.space.check(given)
                kept = dict(given)
                got = self.space.canonical(given)
                require(got == values, f"of {given} is {got}, wanted {values}")
                require(given == kept, "changes the values that it is given")
                again = self.space.decode(got)
            for verb, call in self._verbs().items():
                with promise(verb, member):
                    same = _equal(call(again), call(member.value))
                    require(same, f"depends on parameters that do not count: {others}")

    def test_no_verb_changes_its_arguments(self) -> None:
        for member in self._samples(20):
            other = self._sampled(member.number + 1).value
            values = self.space.encode(member.value)
            before, text = copy.deepcopy(member.value), repr(member.value)
            calls = self._verbs() | self._seeded_verbs(other, member.rng)
            for verb, call in calls.items():
                with promise(verb, text):
                    call(member.value)
                    same = member.value == before and repr(member.value) == text
                    require(same, f"changed the member into {member.value!r}")
            for verb in ("check", "decode", "canonical", "active"):
                with promise(verb, values):
                    given = dict(values)
                    getattr(self.space, verb)(given)
                    require(given == values, f"changed its values into {given}")

    def _verbs(self) -> dict[str, Callable[[Any], Any]]:
        """What takes a member alone."""
        names = ("validate", "encode", "to_json", "digest", "structure_digest", "features")
        found = {name: getattr(self.space, name) for name in names}
        return found | {"is_connected": self.space.is_connected, "parts": self.space.parts}

    def _seeded_verbs(self, other: Any, rng: np.random.Generator) -> dict[str, Any]:
        def mutate(a: Any) -> None:
            if self.space.size > 1:
                self.space.mutate(a, rng)

        def crossover(a: Any) -> None:
            self.space.crossover(a, other, rng)
            self.space.crossover(other, a, rng)

        def clear_parts(a: Any) -> None:
            self.space.parts(a)[1].clear()

        return {"mutate": mutate, "crossover": crossover, "parts": clear_parts}

    def test_is_connected_is_a_verdict(self) -> None:
        for member in self._samples():
            with promise("is_connected", member):
                verdict = self.space.is_connected(member.value)
                require(isinstance(verdict, bool), f"is {verdict!r}, wanted True or False")


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    return bool(one == other)
