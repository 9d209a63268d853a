"""A study of several objectives, seen by Optuna's pruners as a study of one.

Optuna's pruners read intermediate values, trial values and one direction, and write system
attributes (SuccessiveHalving its rungs). :class:`ObjectiveView` gives them that: its trials carry
the reported curve as intermediate values, everything they write goes to the real storage, where
other processes see it. Because the *storage* is wrapped and not only the study, pruners that make
a study of their own from ``study._storage`` (Hyperband) work unchanged.

This is the one place that uses private names of Optuna; a test pins them:
``Study._storage``, ``Study._study_id``, ``Trial._trial_id``, ``Trial._get_latest_trial``,
``FrozenTrial._trial_id``, and the constructor and methods of ``optuna.storages.BaseStorage``.
"""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Container, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from optuna import Study, Trial
from optuna.distributions import BaseDistribution
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas.pruning.curves import CURVE_ATTR, Curve, own_curve

__all__ = ["ObjectiveView", "as_pruners_see", "begin_trial", "latest_trial", "view_of"]

CACHED_TRIALS = 20_000
"""Finished trials whose parsed curves a process keeps for one study and objective."""


class ObjectiveView(Study):
    """One objective of a study, as a study of its own.

    Attributes:
        objective: index of the objective that is seen.
        study_directions: directions of all objectives of the real study.
    """

    def __init__(self, study: Study, objective: int) -> None:
        self.objective = objective
        self.study_directions = tuple(study.directions)
        # Sampler and pruner are placeholders: the real ones are lent on each use, see view_of.
        super().__init__(
            study_name=study.study_name,
            storage=_ObjectiveStorage(
                study._storage, study._study_id, study.study_name, study.directions, objective
            ),
            sampler=_PLACEHOLDER_SAMPLER,
            pruner=_PLACEHOLDER_PRUNER,
        )

    def seen(self, trial: FrozenTrial, curve: Curve | None) -> FrozenTrial:
        """``trial`` with ``curve`` as its intermediate values."""
        return _filled(trial, curve, self.objective)


class _ObjectiveStorage(BaseStorage):
    """The real storage, with one direction and with curves as intermediate values."""

    def __init__(
        self,
        storage: BaseStorage,
        study_id: int,
        study_name: str,
        directions: Sequence[StudyDirection],
        objective: int,
    ) -> None:
        self._real = storage
        self._id, self._name = study_id, study_name
        self._direction, self._objective = directions[objective], objective
        # trial id -> seen trial, finished ones only: these never change again.
        self._finished: OrderedDict[int, FrozenTrial] = OrderedDict()

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        trials = self._real.get_all_trials(study_id, deepcopy=False, states=states)
        finished, see = self._finished, self._see
        seen = [finished.get(trial._trial_id) or see(trial) for trial in trials]
        return copy.deepcopy(seen) if deepcopy else seen

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self._finished.get(trial_id) or self._see(self._real.get_trial(trial_id))

    def _see(self, trial: FrozenTrial) -> FrozenTrial:
        seen = _filled(trial, own_curve(trial), self._objective)
        if trial.state.is_finished():
            self._finished[trial._trial_id] = seen
            while len(self._finished) > CACHED_TRIALS:
                self._finished.popitem(last=False)
        return seen

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return [self._direction]

    def get_study_id_from_name(self, study_name: str) -> int:
        if study_name == self._name:  # no query: Hyperband asks at each call
            return self._id
        return self._real.get_study_id_from_name(study_name)

    # Everything below is the real storage's.

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        return self._real.create_new_study(directions, study_name)

    def delete_study(self, study_id: int) -> None:
        self._real.delete_study(study_id)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._real.set_study_user_attr(study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._real.set_study_system_attr(study_id, key, value)

    def get_study_name_from_id(self, study_id: int) -> str:
        return self._real.get_study_name_from_id(study_id)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._real.get_study_user_attrs(study_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._real.get_study_system_attrs(study_id)

    def get_all_studies(self) -> list[Any]:
        return self._real.get_all_studies()

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        return self._real.create_new_trial(study_id, template_trial)

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        self._real.set_trial_param(trial_id, param_name, param_value_internal, distribution)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        return self._real.set_trial_state_values(trial_id, state, values)

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        self._real.set_trial_intermediate_value(trial_id, step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._real.set_trial_user_attr(trial_id, key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._real.set_trial_system_attr(trial_id, key, value)


def _filled(trial: FrozenTrial, curve: Curve | None, objective: int) -> FrozenTrial:
    """A shallow copy of ``trial`` with the curve, and with this objective's value alone.

    As in Optuna's studies of one objective, a pruned trial's value is its last reported one.
    """
    seen = copy.copy(trial)
    if CURVE_ATTR in trial.user_attrs:
        seen.intermediate_values = (
            curve.values if curve is not None and curve.objective == objective else {}
        )
    values = seen.intermediate_values
    if trial.values is not None:
        seen.values = [trial.values[objective]]
    elif trial.state == TrialState.PRUNED and values and not math.isnan(values[max(values)]):
        seen.values = [values[max(values)]]
    return seen


_PLACEHOLDER_SAMPLER, _PLACEHOLDER_PRUNER = RandomSampler(), NopPruner()
_views: WeakKeyDictionary[Study, dict[int, ObjectiveView]] = WeakKeyDictionary()


def view_of(study: Study, objective: int) -> ObjectiveView:
    """The view of ``study`` on one objective, with the study's present sampler and pruner.

    It is kept, with its parsed curves, as long as the study object lives in this process.
    """
    views = _views.setdefault(study, {})
    view = views.get(objective)
    if view is None:
        view = views[objective] = ObjectiveView(study, objective)
    view.sampler, view.pruner = study.sampler, study.pruner
    return view


def latest_trial(trial: Trial) -> tuple[FrozenTrial, Curve | None]:
    """The running trial as Optuna hands it to a pruner, and the curve it reported itself."""
    frozen = trial._get_latest_trial()
    return frozen, own_curve(frozen)


def as_pruners_see(study: Study) -> Study:
    """The study itself where it has one objective, else the view on the one that is reported."""
    if len(study.directions) == 1:
        return study
    curves = (own_curve(trial) for trial in study.get_trials(deepcopy=False))
    return view_of(study, next((c.objective for c in curves if c is not None), 0))


def begin_trial(study: Study, template: FrozenTrial) -> Trial:
    """A running trial of the study with the template's parameters, which no sampler is asked for.

    It is there with all of them at once: a process that is killed leaves all of it or nothing.
    """
    trial_id = study._storage.create_new_trial(study._study_id, template_trial=template)
    return Trial(study, trial_id)
