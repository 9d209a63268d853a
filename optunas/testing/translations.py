"""Tests of what turns a member into something else and back."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from optunas.errors import InvalidSpaceError
from optunas.space import Parameter, Space, space_from_definition
from optunas.testing.contract import promise, require
from optunas.testing.processes import resolve
from optunas.testing.subject import Subject

__all__ = ["TranslationTests"]


class TranslationTests(Subject):
    """Values, JSON, pickles, copies and definitions."""

    def test_parameters_are_named_and_stay_the_same(self) -> None:
        with promise("parameters", self.space):
            table = self.space.parameters()
            require(bool(table), "are none")
            for name, parameter in table.items():
                require(isinstance(name, str) and name != "", f"have the name {name!r}")
                right = isinstance(parameter, Parameter)
                require(right, f"have {parameter!r} as {name!r}, not a Choice, Int or Float")
            again = self.space.parameters()
            require(list(again.items()) == list(table.items()), "are others when asked again")
        with promise("conditions", self.space):
            conditions = self.space.conditions()
            require(self.space.conditions() == conditions, "are others when asked again")
            unknown = sorted({*conditions} - {*table})
            require(not unknown, f"name {unknown}, which are no parameters")

    def test_encode_gives_every_parameter_in_order(self) -> None:
        names = list(self.space.parameters())
        for member in self._samples():
            with promise("encode", member):
                values = self.space.encode(member.value)
                got = list(values)
                require(sorted(got) == sorted(names), f"gives {got}, wanted {names}")
                require(got == names, f"gives another order, {got}, wanted {names}")
                self.space.check(values)
                extra = {
                    n: values[n] for n, v in self.space.canonical(values).items() if v != values[n]
                }
                require(
                    not extra,
                    f"gives {extra} for parameters that do not count, wanted their first values",
                )

    def test_decode_undoes_encode(self) -> None:
        for member in self._samples():
            with promise("encode", member):
                values = self.space.encode(member.value)
            with promise("decode", member):
                given = dict(values)
                again = self.space.decode(given)
                require(given == values, "changes the values that it is given")
                _same(again, member.value, "of the member's own values")
                back = self.space.encode(again)
                require(back == values, f"gives what encodes to {back}, wanted {values}")
                given.clear()
                require(again == member.value, "keeps the dictionary that it is given")

    def test_encode_undoes_decode(self) -> None:
        table = self.space.parameters()
        for member in self._samples():
            drawn = {name: p.sample(member.rng) for name, p in table.items()}
            with promise("canonical", drawn):
                values = self.space.canonical(drawn)
                require(list(values) == list(table), f"gives {values}")
                kept = {n for n in self.space.active(drawn) if values[n] != drawn[n]}
                require(not kept, f"changes {kept}, which count")
                again = self.space.canonical(values)
                require(again == values, f"of its own values is {again}")
            with promise("decode", values):
                got = self.space.encode(self.space.decode(dict(values)))
                require(got == values, f"gives what encodes to {got}")

    def test_json_gives_the_member_back(self) -> None:
        for member in self._samples():
            with promise("to_json", member):
                text = self.space.to_json(member.value)
                require(isinstance(text, str), f"gives a {type(text).__name__}, wanted a text")
                body = json.loads(text)
                require(isinstance(body, dict), f"gives {text}, wanted a JSON object")
                missing = sorted({"kind", "version"} - {*body})
                require(not missing, f"lacks {missing}: {text}")
                require(self.space.to_json(member.value) == text, "differs when repeated")
            with promise("from_json", member):
                _same(self.space.from_json(text), member.value, f"of {text}")
                other = json.dumps(body, sort_keys=True, indent=1)
                _same(self.space.from_json(other), member.value, f"with sorted keys, {other}")

    def test_members_survive_copying_and_pickling(self) -> None:
        for member in self._samples(20):
            with promise("copy.deepcopy", member):
                _same(copy.deepcopy(member.value), member.value, "of the member")
            if "<locals>" in type(member.value).__qualname__:
                pytest.skip(
                    f"Members are of the local {type(member.value)}, which no pickle takes."
                )
            with promise("pickle", member):
                _same(pickle.loads(pickle.dumps(member.value)), member.value, "of the member")

    def test_the_space_survives_pickling(self) -> None:
        self._definition()
        member = self._sampled(0)
        with promise("pickle", self.space):
            again = pickle.loads(pickle.dumps(self.space))
            _same(again, self.space, "of the space")
            same = again.digest(member.value) == self.space.digest(member.value)
            require(same, f"of the space has another digest of {member}")

    def test_the_definition_rebuilds_an_equal_space(self) -> None:
        stored = self._definition()
        with promise("space_from_definition", self.space):
            again: Space[Any] = space_from_definition(stored, resolve)
            _same(again, self.space, f"of {stored}")
        with promise("definition", self.space):
            back = json.loads(json.dumps(again.definition()))
            require(back == stored, f"of the rebuilt space is {back}, wanted {stored}")
        for member in self._samples(20):
            with promise("The rebuilt space", member):
                read = again.from_json(self.space.to_json(member.value))
                require(read == member.value, f"reads the JSON as {read!r}")
                same = again.digest(read) == self.space.digest(member.value)
                require(same, "has another digest")

    def _definition(self) -> dict[str, Any]:
        """What is stored with a study; skips the test of a space that says it cannot be."""
        with promise("definition", self.space):
            try:
                stored = self.space.definition()
            except InvalidSpaceError as error:
                pytest.skip(f"The space cannot be stored: {error}")
            return json.loads(json.dumps(stored))

    def test_parts_are_what_is_built_and_what_is_set(self) -> None:
        for member in self._samples(20):
            with promise("parts", member):
                architecture, settings = self.space.parts(member.value)
                number = self.space.num_architectures()
                require(number in (0, 1), f"need num_architectures 0 or 1, got {number!r}")
                require((architecture is not None) == (number == 1), f"give {architecture!r} first")
                extra = sorted({*settings} - {*self.space.hyperparameter_names()})
                require(not extra, f"have {extra}, which hyperparameter_names lacks")


def _same(got: Any, wanted: Any, of_what: str) -> None:
    """Equal both ways, of one type, with one hash."""
    require(type(got) is type(wanted), f"{of_what} gives a {type(got).__name__}: {got!r}")
    require(got == wanted and wanted == got, f"{of_what} gives {got!r}, which is not equal")
    try:
        same = hash(got) == hash(wanted)
    except TypeError as error:
        require(False, f"{of_what} gives what cannot be hashed ({error}); freeze its dataclass")
    else:
        require(same, f"{of_what} gives an equal one with another hash")
