"""Whether what a search's file holds are such values, field by field: files are edited by hand.

No torch here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from optunas.darts.numbers import is_number, is_whole
from optunas.errors import InvalidSpecError

if TYPE_CHECKING:
    from optunas.darts.result import Restart, SearchResult

__all__ = ["check_contents"]

Rule = tuple[Callable[[Any], bool], str]
"""Whether a value is one, and what it should be, in words."""


def check_contents(result: SearchResult) -> None:
    """Refuse values of other types, and numbers that are none.

    Raises:
        InvalidSpecError: for the first one, without a full stop: a clause of the reader's sentence.
    """
    _hold(result, _RESULT, "")
    _hold(result.network, _NETWORK, "network's ")
    for name, rule in _SETTINGS.items():
        _must(result.settings.get(name), rule, f"settings' {name}")
    for at, restart in enumerate(result.restarts):
        _check_restart(restart, f"restart {at}'s ")


def _check_restart(restart: Restart, of: str) -> None:
    _hold(restart, _RESTART, of)
    for name, rule in _JUDGED.items():
        if restart.judged:
            _must(restart.judged.get(name), rule, f"{of}judgement's {name}")
    for at, record in enumerate(restart.history):
        _must(record, _TABLE, f"{of}history's epoch {at}")
        for name, rule in _RECORD.items():
            _must(record.get(name), rule, f"{of}history's {name} of epoch {at}")
    if restart.history and not -1 <= restart.epoch < len(restart.history):
        raise InvalidSpecError(
            f"its {of}epoch is {restart.epoch}, of a history of {len(restart.history)} epochs"
        )


def _hold(part: object, rules: Mapping[str, Rule], of: str) -> None:
    for name, rule in rules.items():
        _must(getattr(part, name), rule, of + name)


def _must(value: object, rule: Rule, name: str) -> None:
    fits, words = rule
    if not fits(value):
        told = repr(value)
        told = told if len(told) <= 40 else f"{told[:40]}..."
        raise InvalidSpecError(f"its {name} must be {words}, got {told}")


def _or_none(rule: Rule) -> Rule:
    return (lambda value: value is None or rule[0](value)), f"{rule[1]} or null"


def _each(rule: Rule, words: str) -> Rule:
    def fits(value: Any) -> bool:
        return isinstance(value, (list, tuple)) and all(rule[0](item) for item in value)

    return fits, words


def _by_name(rule: Rule, words: str) -> Rule:
    def fits(value: Any) -> bool:
        return isinstance(value, Mapping) and all(rule[0](item) for item in value.values())

    return fits, words


def _is_array(value: Any) -> bool:
    """Nested lists of finite numbers, of one length each."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    try:
        return bool(np.isfinite(np.array(value, dtype=np.float64)).all())
    except (TypeError, ValueError):
        return False


def _is_rows(value: Any) -> bool:
    return _is_array(value) and not (np.array(value, dtype=np.float64) < 0).any()


_TEXT: Rule = (lambda value: isinstance(value, str), "text")
_TEXTS = _each(_TEXT, "a list of texts")
_TABLE: Rule = (lambda value: isinstance(value, Mapping), "an object")
_WHOLE: Rule = (lambda value: is_whole(value, 0), "a whole number from 0 on")
_COUNT: Rule = (lambda value: is_whole(value, 1), "a whole number from 1 on")
_NUMBER: Rule = (is_number, "a finite number")
_NUMBERS = _by_name(_NUMBER, "finite numbers by name")
_SHARE: Rule = (lambda value: is_number(value) and value >= 0, "a number from 0 on")
_LIMIT: Rule = (lambda value: is_number(value) and value > 0, "a number above 0")
_ARRAYS = _by_name((_is_array, ""), "lists of finite numbers by name")
_WEIGHTS = _by_name((_is_rows, ""), "lists of finite numbers from 0 on by kind of cell")

_RESULT: Mapping[str, Rule] = {
    "study": _TEXT,
    "task": _TABLE,
    "settings": _TABLE,
    "limits": _by_name(_LIMIT, "numbers above 0 by name"),
    "device": _TEXT,
    "kept": _WHOLE,
    "notes": _TEXTS,
    "selection": _TEXT,
}
_NETWORK: Mapping[str, Rule] = {
    "input_shape": _each(_COUNT, "a list of whole numbers from 1 on"),
    "num_outputs": _COUNT,
    "channels": _or_none(_COUNT),
    "num_cells": _or_none(_COUNT),
    "origin": _TEXT,
}
_SETTINGS: Mapping[str, Rule] = {
    "variant": _TEXT,
    "order": _COUNT,
    "channels": _COUNT,
    "num_cells": _COUNT,
}
_RESTART: Mapping[str, Rule] = {
    "seed": _WHOLE,
    "score": _NUMBER,
    "costs": _NUMBERS,
    "alphas": _ARRAYS,
    "weights": _WEIGHTS,
    "stability": _NUMBER,
    "seconds": _NUMBER,
    "steps": _WHOLE,
    "validation": _or_none(_NUMBER),
    "validation_epochs": _WHOLE,
    "validation_seconds": _NUMBER,
    "epoch": (lambda value: is_whole(value, -1), "a whole number from -1 on"),
    "validation_failed": _TEXT,
    "stopped": _TEXT,
    "judged": _TABLE,
    "choice": _WEIGHTS,
    "choice_seconds": _NUMBER,
    "choice_steps": _WHOLE,
}
_JUDGED: Mapping[str, Rule] = {"words": _TEXTS, "remedy": _TEXT}
_RECORD: Mapping[str, Rule] = {
    "moved": _by_name(_or_none(_NUMBER), "numbers by kind of cell"),
    "shares": _by_name(
        _by_name(_or_none(_SHARE), ""), "numbers from 0 on by kind of cell and operation"
    ),
}
