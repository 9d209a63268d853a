"""What a study's trials tell a sampler that knows the space: each trial is read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas import codec
from optunas.errors import OptunasError
from optunas.samplers.trials.adapter import fixed_params
from optunas.samplers.trials.plain_space import PlainSpace
from optunas.space import Space

__all__ = ["PROPOSED", "Feasible", "Floats", "History", "Known", "Seen", "by_completion", "gains"]

Floats = NDArray[np.float64]

Known = Callable[[Any], Mapping[int, float]]
"""member -> the values of the objectives that are known before training, by their index."""

Feasible = Callable[[Any], bool]
"""member -> whether it keeps the limits that are known before training."""

PROPOSED = "optunas:proposed"
"""System attribute of a running trial: the parameters it will have, before it has them."""


class Seen(NamedTuple):
    """A trial whose member is known.

    Attributes:
        number: of the trial.
        member: of the space.
        digest: of the member.
        state: RUNNING and WAITING ones have no values yet.
        values: of a COMPLETE trial, one for each objective as the study stores them; else None.
        trial: itself, not to be changed.
    """

    number: int
    member: Any
    digest: str
    state: TrialState
    values: tuple[float, ...] | None
    trial: FrozenTrial


class History:
    """The trials of one study as members of a space; finished ones are parsed once.

    Args:
        space: of the members.
        name: prefix of the parameters, as for ``optunas.suggest``.
    """

    def __init__(self, space: Space[Any], name: str | None) -> None:
        self.space, self.name = space, name
        self._read: dict[int, Seen | None] = {}
        self._study: tuple[int, int] | None = None

    def read(self, study: Study, but: int = -1) -> tuple[list[Seen], int]:
        """All trials with a member, by number, and how many running ones do not say theirs yet.

        Only those before the one that asks are counted: of two that ask at once, one goes first.

        Args:
            study: whose trials are read.
            but: number of a trial that is left out: the one that asks.
        """
        key = (id(study._storage), study._study_id)
        if self._study != key:
            self._study, self._read = key, {}
        found, silent = [], 0
        for trial in study.get_trials(deepcopy=False):
            if trial.number == but:
                continue
            seen = self._of(trial)
            if seen is not None:
                found.append(seen)
            elif trial.state == TrialState.RUNNING and (but < 0 or trial.number < but):
                silent += 1
        return found, silent

    def _of(self, trial: FrozenTrial) -> Seen | None:
        if trial.number in self._read:
            return self._read[trial.number]
        seen = self._parsed(trial)
        if trial.state.is_finished():
            self._read[trial.number] = seen
        return seen

    def _parsed(self, trial: FrozenTrial) -> Seen | None:
        params = trial.params
        if not trial.state.is_finished():
            given = {**trial.system_attrs.get(PROPOSED, {}), **fixed_params(trial)}
            params = {**given, **params}
        try:
            member = self._member(params)
        except (OptunasError, KeyError, ValueError, TypeError):
            return None  # a trial of other parameters, or one that has not all of its own yet
        done = trial.state == TrialState.COMPLETE and trial.values is not None
        values = tuple(trial.values) if done else None
        if values is not None and not all(np.isfinite(values)):
            values = None
        return Seen(trial.number, member, self.space.digest(member), trial.state, values, trial)

    def _member(self, params: Mapping[str, Any]) -> Any:
        if isinstance(self.space, PlainSpace):
            return self.space.member_of(params)
        prefix = codec.prefix_of(self.space, self.name)
        own = {prefix + key for key in self.space.parameters()}
        return codec.from_params(
            self.space, {k: v for k, v in params.items() if k in own}, self.name
        )


def gains(study: Study, values: Any) -> Floats:
    """Values (n, objectives) with the sign that makes larger better everywhere."""
    signs = [1.0 if d == StudyDirection.MAXIMIZE else -1.0 for d in study.directions]
    return np.asarray(values, dtype=float).reshape(-1, len(signs)) * signs


def by_completion(trials: Sequence[Seen]) -> list[Seen]:
    """Finished trials in the order in which they ended, equal times by number."""
    return sorted(trials, key=lambda s: (s.trial.datetime_complete or datetime.max, s.number))
