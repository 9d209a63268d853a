"""Tests of what a space refuses: wrong values, wrong JSON, things that are no members."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.testing.contract import promise, require
from optunas.testing.subject import Subject

__all__ = ["RefusalTests"]

NO_SUCH = "no such value"
WRONG: tuple[Any, ...] = (NO_SUCH, None, [], {})
DAMAGE: tuple[Any, ...] = (*WRONG, -987654321, 0.123456789, True)
GARBAGE = ("", "[]", "17", "null", "{", "\x00", '"text"', '{"kind":"teapot","version":1}', "{}")
THINGS: tuple[Any, ...] = (17, -1.5, None, True, "text", b"", (), [], {}, {"a": 1}, object(), len)


class RefusalTests(Subject):
    """One sentence for each problem, all at once, whatever is given."""

    def test_every_wrong_value_is_named_at_once(self) -> None:
        for member in self._samples(20):
            values = self.space.encode(member.value)
            counting = list(self.space.active(values))
            missing, wrong = counting[0], counting[1] if len(counting) > 1 else None
            bad = {name: value for name, value in values.items() if name != missing}
            bad["no such parameter"] = 3
            named = ["'no such parameter'", repr(missing)]
            if wrong is not None:
                bad[wrong] = NO_SUCH
                named.append(repr(wrong))
            with promise("check", member):
                message = self._refused(self.space.check, bad)
                found = [line for line in message.splitlines() if any(n in line for n in named)]
                left = [name for name in named if name not in message]
                require(not left, f"does not name {' and '.join(left)}, it says: {message}")
                require(len(found) >= len(named), f"does not use a line for each: {message}")

    def test_every_value_is_checked(self) -> None:
        member = self._sampled(0)
        values = self.space.encode(member.value)
        for name in values:
            for wrong in WRONG:
                with promise("check", member):
                    message = self._refused(self.space.check, {**values, name: wrong})
                    require(repr(name) in message, f"of {name} = {wrong!r} says: {message}")

    def test_what_is_no_member_is_refused(self) -> None:
        for thing in THINGS:
            with promise("validate", repr(thing)):
                try:
                    require(self.space.validate(thing) is None, "gives something, wanted None")
                except InvalidArchitectureError:
                    continue
                again = self.space.decode(self.space.encode(thing))
                require(again == thing, f"takes {thing!r} as a member, wanted an error")

    def test_json_of_something_else_is_refused(self) -> None:
        for text in GARBAGE:
            with promise("from_json", repr(text)):
                self._refused(self.space.from_json, text)

    def test_json_of_another_kind_or_version_is_refused(self) -> None:
        member = self._sampled(0)
        body = json.loads(self.space.to_json(member.value))
        for field, other in (("version", 2), ("version", None), ("kind", "teapot"), ("kind", 1)):
            with promise("from_json", member):
                text = json.dumps({**body, field: other})
                require(bool(self._refused(self.space.from_json, text)), "has no message")

    def test_damaged_json_is_refused(self) -> None:
        for member in self._samples(3):
            body = json.loads(self.space.to_json(member.value))
            for damaged in _damaged(body):
                with promise("from_json", f"{json.dumps(damaged)}, the damaged JSON of {member}"):
                    try:
                        read = self.space.from_json(json.dumps(damaged))
                    except InvalidArchitectureError as error:
                        require(bool(str(error)), "has no message")
                        continue
                    if read != member.value:
                        self.space.validate(read)
                        require(self.space.decode(self.space.encode(read)) == read, f"reads {read}")

    @pytest.mark.parametrize("limit", [-1, -100])
    def test_enumerate_refuses_a_negative_limit(self, limit: int) -> None:
        with promise("enumerate", self.space):
            self._refused(lambda n: list(self.space.enumerate(limit=n)), limit, InvalidSpaceError)

    def _refused(
        self,
        call: Callable[[Any], Any],
        given: Any,
        wanted: type[Exception] = InvalidArchitectureError,
    ) -> str:
        """The message of the error."""
        try:
            got = call(given)
        except wanted as error:
            return str(error)
        require(False, f"takes {given!r} and gives {got!r}, wanted an {wanted.__name__}")
        raise AssertionError


def _damaged(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The JSON with one thing replaced or left out, at every place but kind and version."""
    for path in _paths(body):
        if path in (("kind",), ("version",)):
            continue
        for wrong in DAMAGE:
            damaged = copy.deepcopy(body)
            _parent(damaged, path)[path[-1]] = wrong
            yield damaged
        damaged = copy.deepcopy(body)
        del _parent(damaged, path)[path[-1]]
        yield damaged


def _paths(body: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items: Any = ()
    if isinstance(body, dict):
        items = body.items()
    elif isinstance(body, list):
        items = list(enumerate(body))[:3]  # what follows is of the same form
    for key, value in items:
        yield (*above, key)
        yield from _paths(value, (*above, key))


def _parent(body: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        body = body[key]
    return body
