"""Writes, while a study runs, what optuna-dashboard shows of it."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from optunas import draw
from optunas.inspection import adapter
from optunas.inspection.artifacts import ENVIRONMENT, Shelf
from optunas.inspection.notes import Overview, study_note, trial_note
from optunas.inspection.pictures import LearningCurves, front_picture, score_of
from optunas.measures import METRICS, Metric
from optunas.pareto import front
from optunas.pruning import curve as curve_of
from optunas.pruning.curves import read_curve
from optunas.space.cell import Cell, Genotype
from optunas.space.macro import Macro
from optunas.space.stack import Stack
from optunas.space.subnet import Subnet

__all__ = ["Inspector", "read_architecture"]

_logger = logging.getLogger(__name__)

CELL, NETWORK, CURVE, FRONT = "cell.svg", "network.svg", "learning-curve.svg", "front.svg"
_CAPTIONS = {CELL: "The cell", NETWORK: "The network", CURVE: "The learning curve"}
_FIGURE_EVERY_S = 30.0
_SHARE = 20.0
"""The study's note takes at most one in so many seconds."""

_NETWORKS: dict[str, Any] = {
    "cell": Cell,
    "genotype": Genotype,
    "macro": Macro,
    "subnet": Subnet,
    "stack": Stack,
}
"""What the JSON of an architecture says it is."""


class Inspector:
    """Notes, drawings and curves of a study for optuna-dashboard.

    A callback for any Optuna study, ``study.optimize(f, callbacks=[Inspector(study, folder)])``, or
    called step by step: :meth:`trial_ending` before a trial is told, :meth:`trial_finished` after,
    :meth:`study_updated` now and then. Nothing here ends a run: what cannot be written is said
    once, as a warning of the logger ``optunas.inspection``, and left out.

    Args:
        study: the study.
        artifacts: folder for drawings (:func:`artifact_dir` chooses one); None for no drawings.
        objectives: in the order of the trials' values; default: the study's metric names.
        metrics: further metrics that trials record as user attributes.
        every: seconds between two writes of the study's note.
        constrained: whether trials can have constraints; False saves a read for each.
    """

    def __init__(
        self,
        study: optuna.Study,
        artifacts: str | Path | None = None,
        *,
        objectives: Sequence[Metric] = (),
        metrics: Sequence[Metric] = (),
        every: float = 5.0,
        constrained: bool = True,
    ) -> None:
        self.study, self.metrics, self.every = study, tuple(metrics), every
        self.constrained = constrained
        self._shelf = None if artifacts is None else Shelf(study, artifacts)
        self._said: set[str] = set()
        self._note = self._figure = ""
        self._next_note = self._next_figure = 0.0
        names = study.metric_names
        if objectives and names is None:
            with self._keep_going("The names of the objectives"), warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([metric.name for metric in objectives])
        self.objectives = tuple(objectives) or _objectives(study, names)

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Optuna's callback: the finished trial's note, and the study's when it is due."""
        self.trial_finished(trial)
        self.study_updated()

    def trial_ending(self, trial: optuna.Trial, architecture: Any = None) -> None:
        """To be called before a trial is told, with whatever outcome.

        Shows its constraints to the dashboard and uploads its drawings the way Optuna means it.
        Without this call the drawings come with :meth:`trial_finished`, in the dashboard's older
        place, and the dashboard takes every trial for feasible.
        """
        if self.constrained:
            with self._keep_going("The constraints for the dashboard"):
                adapter.mirror_constraints(trial)
        stored = read_curve(trial.user_attrs)
        values = stored.values if stored else {}
        self._draw(trial, architecture or read_architecture(trial.user_attrs), values, {})

    def trial_finished(
        self,
        trial: FrozenTrial,
        architecture: Any = None,
        metrics: Sequence[Metric] = (),
        curve: Mapping[int, float] | None = None,
    ) -> None:
        """Save the note of a finished trial, and its drawings unless they are there.

        Args:
            trial: as ``study.tell`` returns it.
            architecture: what it trained; default: its attribute ``architecture``.
            metrics: to show; default: the objectives and the further metrics.
            curve: step -> score; default: what the trial reported.
        """
        architecture = architecture or read_architecture(trial.user_attrs)
        values = curve_of(trial) if curve is None else curve
        there = {
            name: adapter.artifact_path(self.study, artifact_id, trial)
            for name, artifact_id in adapter.uploaded(trial).items()
        }
        images = self._draw(trial, architecture, values, there)
        with self._keep_going("The notes of the trials"):
            words = "" if architecture is None else str(architecture)
            if isinstance(architecture, Genotype):
                words = f"normal {architecture.normal}\nreduce {architecture.reduce}"
            shown = tuple(metrics) or (*self.objectives, *self.metrics)
            note = trial_note(trial, words, shown, self.objectives, values, images)
            adapter.save_trial_note(self.study, trial, note)

    def study_updated(
        self, overview: Overview | Callable[[], Overview] | None = None, final: bool = False
    ) -> bool:
        """Save the study's note, the front's drawing and the figure of all curves, when due.

        Args:
            overview: or what makes it, called only when it is due; default: from the trials alone.
            final: write now, whenever it was written before.

        Returns:
            Whether it was due.
        """
        start = time.monotonic()
        if start < self._next_note and not final:
            return False
        with self._keep_going("The note of the study"):
            made = overview() if callable(overview) else overview
            view = made or Overview(self.objectives, self.metrics)
            if view.front is None:
                view = replace(view, front=front(self.study))
            trials = self.study.get_trials(deepcopy=False)
            self._save_study_note(view, trials)
            if len(view.objectives) > 1 and (start >= self._next_figure or final):
                self._save_figure(view, trials)
                self._next_figure = time.monotonic() + _FIGURE_EVERY_S
        end = time.monotonic()
        self._next_note = end + max(self.every, _SHARE * (end - start))
        return True

    def _save_study_note(self, view: Overview, trials: Sequence[FrozenTrial]) -> None:
        picture = front_picture(view, trials, f"{self.study.study_name}: Pareto front")
        address = None
        if self._shelf is not None and picture:
            with self._keep_going(self._folder):
                # The number makes a browser load the new drawing instead of the one it keeps.
                number = sum(trial.state.is_finished() for trial in trials)
                address = f"{self._shelf.replace(FRONT, picture)}?trials={number}"
        note = study_note(view, trials, _describe, self._link, address)
        if note != self._note:
            from optuna_dashboard import save_note

            save_note(self.study, note)
            self._note = note

    def _save_figure(self, view: Overview, trials: Sequence[FrozenTrial]) -> None:
        figure = LearningCurves(trials, view.front or (), score_of(view.objectives))
        text = figure.to_json()
        if figure.traces and text != self._figure:
            from optuna_dashboard import save_plotly_graph_object

            save_plotly_graph_object(self.study, figure, graph_object_id="learning-curves")
            self._figure = text

    def _draw(
        self,
        trial: optuna.Trial | FrozenTrial,
        architecture: Any,
        curve: Mapping[int, float],
        there: Mapping[str, str],
    ) -> dict[str, str]:
        """Store what is not there yet; return caption -> address."""
        images = {_CAPTIONS[name]: there[name] for name in _CAPTIONS if name in there}
        if self._shelf is None:
            return images
        title = f"Trial {trial.number}"
        with self._keep_going(self._folder):
            name = CELL if isinstance(architecture, (Cell, Genotype)) else NETWORK
            if name not in there and draw.can_draw(architecture):
                svg = draw.to_svg(architecture, title)
                images[_CAPTIONS[name]] = self._shelf.add(trial, name, svg)
            if CURVE not in there and len(curve) > 1:
                svg = draw.curve_svg(
                    {title: (list(curve), list(curve.values()))},
                    title,
                    score_of(self.objectives).name,
                )
                images[_CAPTIONS[CURVE]] = self._shelf.add(trial, CURVE, svg)
        return {caption: images[caption] for caption in _CAPTIONS.values() if caption in images}

    def _link(self, number: int) -> str:
        return adapter.trial_link(self.study, number)

    @property
    def _folder(self) -> str:
        folder = self._shelf.folder if self._shelf else ""
        return f"Drawings in {str(folder)!r} (another folder: {ENVIRONMENT})"

    @contextmanager
    def _keep_going(self, what: str) -> Iterator[None]:
        """Say once that ``what`` could not be written, and go on: the study matters more."""
        try:
            yield
        except Exception as error:
            if what not in self._said:
                self._said.add(what)
                _logger.warning(
                    "%s could not be written, the study goes on without: %s: %s",
                    what,
                    type(error).__name__,
                    error,
                )


def read_architecture(user_attrs: Mapping[str, Any]) -> Any:
    """The architecture in a trial's attribute ``architecture``, also as part of a joint one.

    A Cell, Genotype, Macro, Subnet or Stack; None for anything else.
    """
    try:
        return _find(json.loads(user_attrs["architecture"]))
    except (KeyError, TypeError, ValueError):
        return None


def _find(body: Any) -> Any:
    kind = body.get("kind") if isinstance(body, dict) else None
    if kind in _NETWORKS:
        return _NETWORKS[kind].from_json(json.dumps(body))
    if kind == "joint":
        found = [_find(part) for part in body["parts"].values()]
        return next((part for part in found if part is not None), None)
    return None


def _describe(trial: FrozenTrial) -> str:
    """An architecture's own string; of one that is long, how often it has which operation."""
    architecture = read_architecture(trial.user_attrs)
    if architecture is None:
        return ""
    if isinstance(architecture, Genotype):
        halves = {"normal": architecture.normal, "reduction": architecture.reduce}
        return "; ".join(f"{name}: {_operations([cell])}" for name, cell in halves.items())
    words = str(architecture)
    if len(words) <= 120:
        return words
    if isinstance(architecture, (Cell, Stack)):
        cells = [architecture] if isinstance(architecture, Cell) else architecture.cells
        count = f"{len(cells)} cells: " if len(cells) > 1 else ""
        return count + _operations(cells)
    if isinstance(architecture, Macro):
        layers = [draw.layer_label(one.operation, one.kernel) for one in architecture.layers]
        return _counted([*layers, *("dense" for _ in architecture.dense)])
    return words[:119] + "…"


def _operations(cells: Sequence[Cell]) -> str:
    return _counted(draw.short_label(edge.operation) for cell in cells for edge in cell.edges)


def _counted(labels: Iterable[str]) -> str:
    return ", ".join(f"{count} {label}" for label, count in sorted(Counter(labels).items()))


def _objectives(study: optuna.Study, names: Sequence[str] | None) -> tuple[Metric, ...]:
    if names is None:
        count = len(study.directions)
        names = ["value"] if count == 1 else [f"objective {i}" for i in range(count)]
    return tuple(
        METRICS.get(name)
        or Metric(name, "maximize" if direction == StudyDirection.MAXIMIZE else "minimize")
        for name, direction in zip(names, study.directions, strict=True)
    )
