"""What inspection draws of a whole study: its front, and all its learning curves."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from optunas.draw import FrontPoint, front_svg
from optunas.inspection.notes import Overview, metric_value
from optunas.measures import Metric
from optunas.pruning import curve
from optunas.pruning.lineage import RESUMES

__all__ = ["LearningCurves", "front_picture", "score_of"]

_MOST_NAMED, _MOST_FAINT, _MOST_POINTS = 8, 60, 40
_COLOURS = ("#2563eb", "#d97706", "#0f9d76", "#9333ea", "#db2777", "#0891b2", "#65a30d", "#78716c")

Points = list[tuple[int, float | None]]


def score_of(objectives: Sequence[Metric]) -> Metric:
    """The objective that costs training: the first that is not cheap."""
    return next((metric for metric in objectives if not metric.cheap), objectives[0])


def front_picture(
    overview: Overview, trials: Sequence[FrozenTrial], title: str = "Pareto front"
) -> str | None:
    """The score against the first cheap objective, a further objective as colour.

    None when there is nothing to set the score against.
    """
    objectives = overview.objectives
    score = score_of(objectives)
    others = [m for m in (*objectives, *overview.metrics) if m.name != score.name]
    others.sort(key=lambda metric: not metric.cheap)
    if not others:
        return None
    across, shade = others[0], others[1] if len(others) > 1 else None
    members = {trial.number for trial in overview.front or ()}
    points = []
    for trial in _latest(trials):
        kind = _kind(trial, members)
        x, y = metric_value(trial, across, objectives), metric_value(trial, score, objectives)
        if kind == "pruned":
            y = next(reversed(curve(trial).values()), None)
        if kind and x is not None and y is not None:
            z = metric_value(trial, shade, objectives) if shade else None
            before = trial.user_attrs.get(RESUMES)
            name = f"#{trial.number}" + ("" if before is None else f" (goes on from #{before})")
            points.append(FrontPoint(x, y, z, kind, name))
    points += _reference(overview.reference, across, score)
    return front_svg(
        points, title, _axis(across), _axis(score), z_label=shade.name if shade else ""
    )


def _latest(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials without those that others go on from, whose curves are in these."""
    on = (TrialState.COMPLETE, TrialState.PRUNED)
    resumed = {t.user_attrs.get(RESUMES) for t in trials if t.state in on}
    return [t for t in trials if t.number not in resumed]


def _kind(trial: FrozenTrial, members: Collection[int]) -> str:
    """How a trial is marked; "" leaves it out."""
    if trial.number in members:
        return "front"
    if "reused_from" in trial.user_attrs:
        return ""
    if trial.state == TrialState.PRUNED:
        return "pruned"
    if trial.state != TrialState.COMPLETE:
        return ""
    if any(value > 0 for value in trial.constraints.values()):
        return "infeasible"
    return "dominated"


def _reference(
    reference: Mapping[str, Any] | None, across: Metric, score: Metric
) -> list[FrontPoint]:
    if reference is None or across.name not in reference or score.name not in reference:
        return []
    name = str(reference.get("name", "hand-made"))
    return [FrontPoint(reference[across.name], reference[score.name], None, "reference", name)]


def _axis(metric: Metric) -> str:
    unit = f"{metric.unit}, " if metric.unit else ""
    return f"{metric.name} ({unit}{'higher' if metric.maximize else 'lower'} is better)"


class LearningCurves:
    """A plotly figure, as far as optuna-dashboard needs one: it only asks for the JSON.

    The best of the front have a colour and a name; all others are faint, one trace for the complete
    and one for the pruned. Curves are thinned so that a large study's figure stays small.
    """

    def __init__(
        self, trials: Sequence[FrozenTrial], front: Sequence[FrozenTrial], score: Metric
    ) -> None:
        best = sorted(front, key=lambda t: _last(t, score), reverse=score.maximize)
        named = {trial.number for trial in best[:_MOST_NAMED]}
        rest = [t for t in _latest(trials) if t.number not in named][-_MOST_FAINT:]
        pruned = [t for t in rest if t.state == TrialState.PRUNED]
        complete = [t for t in rest if t.state == TrialState.COMPLETE]
        self.traces = [
            _trace("pruned", _joined(pruned), "#f59e0b", 0.45),
            _trace("complete", _joined(complete), "#64748b", 0.35),
        ]
        for i, trial in enumerate(t for t in trials if t.number in named):
            colour = _COLOURS[i % len(_COLOURS)]
            before = trial.user_attrs.get(RESUMES)
            name = f"front, trial {trial.number}" + ("" if before is None else f" (from {before})")
            self.traces.append(_trace(name, _points(trial), colour, 1.0))
        self.traces = [trace for trace in self.traces if trace["x"]]
        self.score = score

    def to_json(self) -> str:
        """The figure as plotly reads it."""
        grid = {"gridcolor": "#e2e8f0", "zeroline": False}
        layout = {
            "title": {"text": "Learning curves"},
            "paper_bgcolor": "#ffffff",
            "plot_bgcolor": "#ffffff",
            "font": {"color": "#334155"},
            "margin": {"l": 60, "r": 20, "t": 50, "b": 50},
            "xaxis": {"title": {"text": "epoch"}, **grid},
            "yaxis": {"title": {"text": self.score.name}, **grid},
            "showlegend": True,
        }
        return json.dumps({"data": self.traces, "layout": layout}, separators=(",", ":"))


def _last(trial: FrozenTrial, score: Metric) -> float:
    """The last reported score, the worst there is without one."""
    points = _points(trial)
    worst = -math.inf if score.maximize else math.inf
    return next((value for _, value in reversed(points) if value is not None), worst)


def _trace(name: str, points: Points, colour: str, opacity: float) -> dict[str, Any]:
    solid = opacity == 1.0
    return {
        "type": "scatter",
        "mode": "lines+markers" if solid else "lines",
        "name": name,
        "x": [step for step, _ in points],
        "y": [value for _, value in points],
        "line": {"color": colour, "width": 2 if solid else 1},
        "marker": {"size": 5},
        "opacity": opacity,
        "connectgaps": False,
    }


def _joined(trials: Sequence[FrozenTrial]) -> Points:
    """Several curves as one line with gaps; a lone epoch is drawn as a short dash."""
    joined: Points = []
    for trial in trials:
        points = _points(trial)
        if points:
            joined += [*points, (points[-1][0], None)]
    return joined


def _points(trial: FrozenTrial) -> Points:
    points = [(s, float(f"{v:.4g}")) for s, v in sorted(curve(trial).items()) if math.isfinite(v)]
    every = -(-len(points) // _MOST_POINTS) if points else 1
    kept: Points = [*points[:-1:every], *points[-1:]]
    return kept
