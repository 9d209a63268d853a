"""Trials of an earlier study, copied into the attributes of a new one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial

from optunas import codec
from optunas.errors import OptunasError
from optunas.space import Space

__all__ = ["SOURCE", "read_earlier", "store_earlier"]

SOURCE = "optunas:warm_start"
"""Study attribute with the earlier study's name; written last."""

EARLIER = "optunas:earlier"
"""Study attributes ``optunas:earlier:0`` ...: JSON lists of (parameters, values) of each trial."""

AT_ONCE = 50
"""Trials in one attribute: some tens of kilobytes, which every storage takes."""


def store_earlier(study: Study, name: str, trials: Sequence[FrozenTrial]) -> None:
    """Copy parameters and values of the completed trials of the study called ``name``."""
    rows = [[trial.params, trial.values] for trial in trials]
    for number, start in enumerate(range(0, len(rows), AT_ONCE)):
        study.set_user_attr(f"{EARLIER}:{number}", json.dumps(rows[start : start + AT_ONCE]))
    study.set_user_attr(SOURCE, name)


def read_earlier(study: Study, space: Space[Any]) -> list[tuple[Any, tuple[float, ...]]] | None:
    """(member, values) of each trial that was copied into the study; None without any."""
    attrs = study.user_attrs
    found, number = [], 0
    while SOURCE in attrs and (text := attrs.get(f"{EARLIER}:{number}")) is not None:
        number += 1
        for params, values in json.loads(text):
            try:
                found.append((codec.from_params(space, params), tuple(values)))
            except OptunasError:
                continue  # of a definition that has changed since
    return found or None
