"""The Markdown of notes: one for each finished trial, one for the study. No storage here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from optunas.inspection.adapter import (
    NOTE_LENGTH,
    broken_limits,
    named_constraints,
    why_ended,
)
from optunas.measures import Metric
from optunas.objective.resuming import whole_epochs
from optunas.pruning.lineage import RESUMES

__all__ = ["Overview", "metric_value", "study_note", "trial_note"]

_MOST_ROWS = 40
_TRAINED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
_UNFINISHED = {TrialState.RUNNING: "running", TrialState.WAITING: "waiting"}


@dataclass(frozen=True)
class Overview:
    """What a study's note tells beyond what its trials say themselves.

    Attributes:
        objectives: in the order of the trials' values.
        metrics: further recorded metrics, as columns of the front's table.
        question: what the study asks.
        front: the trials of the Pareto front; None computes it.
        limits: constraint by metric: upper where it is minimised, lower where it is maximised.
        budget: limit's name -> (used, limit).
        reference: metrics of a hand-made network by name, with ``name`` for the network.
    """

    objectives: Sequence[Metric]
    metrics: Sequence[Metric] = ()
    question: str = ""
    front: Sequence[FrozenTrial] | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    budget: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    reference: Mapping[str, Any] | None = None


def metric_value(trial: FrozenTrial, metric: Metric, objectives: Sequence[Metric]) -> float | None:
    """A metric of a trial: its value where it is an objective, else its attribute; None without."""
    names = [objective.name for objective in objectives]
    if trial.state == TrialState.COMPLETE and trial.values and metric.name in names:
        return float(trial.values[names.index(metric.name)])
    value = trial.user_attrs.get(metric.name)
    return float(value) if isinstance(value, (int, float)) else None


def trial_note(
    trial: FrozenTrial,
    architecture: str,
    metrics: Sequence[Metric],
    objectives: Sequence[Metric],
    curve: Mapping[int, float],
    images: Mapping[str, str],
) -> str:
    """A trial's note.

    Args:
        trial: the finished trial.
        architecture: as text; "" for none.
        metrics: to show, with their units.
        objectives: in the order of the trial's values.
        curve: its learning curve, for the number of epochs.
        images: caption -> address in the dashboard.
    """
    parts = [_fate(trial, curve)]
    pictures = [f"![{caption}]({address})" for caption, address in images.items()]
    parts += pictures[:1]
    table = _metric_table(trial, metrics, objectives)
    parts += [table] if table else []
    parts += pictures[1:]
    source = trial.user_attrs.get("source")
    parts += [f"Suggested by: {_plain(source)}."] if source else []
    parts += [_resumed(trial)] if RESUMES in trial.user_attrs else []
    room = NOTE_LENGTH - sum(len(part) + 2 for part in parts) - 12
    if architecture and room > 40:
        words = architecture if len(architecture) <= room else architecture[: room - 1] + "…"
        parts.append(f"```\n{words}\n```")
    return "\n\n".join(parts)


def study_note(
    overview: Overview,
    trials: Sequence[FrozenTrial],
    describe: Callable[[FrozenTrial], str],
    link: Callable[[int], str],
    picture: str | None = None,
) -> str:
    """The study's note.

    Args:
        overview: with its front filled in.
        trials: all trials of the study.
        describe: a trial's architecture in a few words.
        link: a trial number's address in the dashboard.
        picture: address of the front's drawing.
    """
    parts = [overview.question] if overview.question else []
    parts.append("**Objectives:** " + " · ".join(_aim(metric) for metric in overview.objectives))
    if overview.limits:
        parts.append(_limits(overview, trials))
    if overview.budget:
        left = (_left(name, *pair) for name, pair in overview.budget.items())
        parts.append("**Budget left:** " + " · ".join(left))
    parts.append(_outcomes(trials))
    parts.append(f"### Pareto front: {len(overview.front or ())} of {_complete(trials)} networks")
    if picture:
        parts.append(f"![The front]({picture})")
    nearest = _nearest(overview, trials)
    parts += [nearest] if nearest else []
    parts.append(_front_table(overview, describe, link))
    parts += _reasons(trials)
    return "\n\n".join(parts)


def _resumed(trial: FrozenTrial) -> str:
    """What a promotion goes on from, and what it had to train again."""
    words = f"**Promoted:** it goes on from trial {trial.user_attrs[RESUMES]}."
    lost = trial.user_attrs.get("checkpoint_lost")
    return f"{words} {_plain(lost)}" if lost else words


def _fate(trial: FrozenTrial, curve: Mapping[int, float]) -> str:
    """How the trial ended, in one sentence or two."""
    attrs = trial.user_attrs
    epochs = attrs.get("epochs", len(curve))
    spent = f"{epochs} epoch{'' if epochs == 1 else 's'}"
    if "seconds" in attrs:
        spent += f", {_number(float(attrs['seconds']))} s"
    if curve and trial.state != TrialState.COMPLETE:
        spent += f", last score {_number(list(curve.values())[-1])}"
    reason = attrs.get("reason")
    if "reused_from" in attrs:
        again = "pruned again" if trial.state == TrialState.PRUNED else "with its score"
        return (
            f"**Reused:** the same network as trial {attrs['reused_from']}, {again}, not trained."
        )
    if "ruled_out" in attrs:
        return f"**Not trained.** {_plain(reason)}"
    if trial.state == TrialState.PRUNED:
        return f"**Pruned** ({spent})" + (f": {_plain(reason)}" if reason else ".")
    if trial.state == TrialState.FAIL:
        failure = _plain(attrs.get("failure", "no reason is recorded."))
        return f"**Failed** ({spent}): {failure[:400]}"
    broken = broken_limits(trial)
    extra = f" It breaks the constraint on {', '.join(broken)}." if broken else ""
    return f"**Complete** ({spent}).{extra}"


def _metric_table(
    trial: FrozenTrial, metrics: Sequence[Metric], objectives: Sequence[Metric]
) -> str:
    constraints = named_constraints(trial)
    rows = []
    for metric in metrics:
        value = metric_value(trial, metric, objectives)
        if value is None:
            continue
        row = [_plain(metric.name), _number(value), metric.unit, _better(metric)]
        if constraints:
            over = constraints.get(metric.name)
            kept = "" if over is None else "kept" if over <= 0 else f"broken by {_number(over)}"
            row.append(kept)
        rows.append(row)
    head = ["metric", "value", "unit", "better", *(["limit"] if constraints else [])]
    return _table(head, rows, right=1) if rows else ""


def _aim(metric: Metric) -> str:
    unit = f"{metric.unit}, " if metric.unit else ""
    return f"{_plain(metric.name)} ({unit}{_better(metric)} is better)"


def _better(metric: Metric) -> str:
    return "higher" if metric.maximize else "lower"


def _limits(overview: Overview, trials: Sequence[FrozenTrial]) -> str:
    ways = {metric.name: metric for metric in (*overview.objectives, *overview.metrics)}
    words = []
    for name, limit in overview.limits.items():
        sign = "≥" if name in ways and ways[name].maximize else "≤"
        words.append(f"{_plain(name)} {sign} {_number(limit)}")
    known = " · ".join(words)
    before = [t for t in trials if "ruled_out" in t.user_attrs and broken_limits(t)]
    after = [t for t in trials if not _free(t) and broken_limits(t)]
    if not before and not after:
        return f"**Constraints:** {known} (kept so far)"
    parts = [f"**Constraints:** {known}"]
    if before:
        were = "1 trial was" if len(before) == 1 else f"{len(before)} trials were"
        parts.append(f"{were} ruled out before training ({_by_limit(before)})")
    if after:
        those = (
            "1 trained network breaks"
            if len(after) == 1
            else f"{len(after)} trained networks break"
        )
        parts.append(
            f"{those} one and {'is' if len(after) == 1 else 'are'} not on the front "
            f"({_by_limit(after)}; the mark *Best Trial* of a plain optuna-dashboard knows no "
            "constraints)"
        )
    return "; ".join(parts)


def _by_limit(trials: Sequence[FrozenTrial]) -> str:
    """How often each limit is broken, most often first; a trial may break several."""
    counts = Counter(name for trial in trials for name in broken_limits(trial))
    return ", ".join(f"{_plain(name)} {count}" for name, count in counts.most_common())


def _nearest(overview: Overview, trials: Sequence[FrozenTrial]) -> str:
    """Where every trained network breaks a limit: which breaks them by the smallest share."""
    done = [t for t in trials if t.state == TrialState.COMPLETE and not _reused(t)]
    if not overview.limits or not done or not all(map(broken_limits, done)):
        return ""
    scale = {name: abs(limit) or 1.0 for name, limit in overview.limits.items()}

    def beyond(trial: FrozenTrial) -> float:
        shares = (v / scale.get(n, 1.0) for n, v in named_constraints(trial).items() if v > 0)
        return math.fsum(shares)

    best = min(done, key=beyond)
    over = named_constraints(best)
    words = (f"{_plain(name)} by {_number(over[name])}" for name in broken_limits(best))
    return (
        f"No trained network keeps every constraint; trial {best.number} is the nearest: it breaks "
        f"{', '.join(words)}."
    )


def _left(name: str, used: float, limit: float) -> str:
    share = max(0.0, 1 - used / limit)
    return f"{_plain(name)} {share:.0%} ({_number(used)} of {_number(limit)} used)"


def _complete(trials: Sequence[FrozenTrial]) -> int:
    return sum(t.state == TrialState.COMPLETE and not _reused(t) for t in trials)


def _outcomes(trials: Sequence[FrozenTrial]) -> str:
    counts = {
        "complete": _complete(trials),
        "pruned": sum(t.state == TrialState.PRUNED and not _free(t) for t in trials),
        "promoted": sum(RESUMES in t.user_attrs and t.state in _TRAINED for t in trials),
        "reused": sum(_reused(t) for t in trials),
        "ruled out": sum("ruled_out" in t.user_attrs for t in trials),
        "failed": sum(t.state == TrialState.FAIL for t in trials),
    }
    counts |= {word: sum(t.state == s for t in trials) for s, word in _UNFINISHED.items()}
    words = [f"{count} {word}" for word, count in counts.items() if count]
    return "**Trials:** " + (" · ".join(words) or "none yet")


def _reused(trial: FrozenTrial) -> bool:
    return "reused_from" in trial.user_attrs


def _free(trial: FrozenTrial) -> bool:
    return _reused(trial) or "ruled_out" in trial.user_attrs


def _front_table(
    overview: Overview, describe: Callable[[FrozenTrial], str], link: Callable[[int], str]
) -> str:
    metrics = list(dict.fromkeys((*overview.objectives, *overview.metrics)))
    head = ["trial", *(_plain(m.name) + (f", {m.unit}" if m.unit else "") for m in metrics)]
    head += ["epochs", "architecture"]
    first = overview.objectives[0]
    front = sorted(overview.front or (), key=lambda t: t.values[0], reverse=first.maximize)
    rows = []
    for trial in front[:_MOST_ROWS]:
        values = (metric_value(trial, metric, overview.objectives) for metric in metrics)
        number = f"[{trial.number}]({link(trial.number)})"
        whole = whole_epochs(trial)
        epochs = "" if whole is None else str(whole)
        rows.append([number, *map(_number, values), epochs, _plain(describe(trial))])
    if overview.reference is not None:
        reference = overview.reference
        row = [_number(reference.get(metric.name)) for metric in metrics]
        name = _plain(reference.get("name", "hand-made network"))
        rows.append(["reference", *row, str(reference.get("epochs", "")), name])
    if not rows:
        return "No network is trained yet."
    more = f"\n\n{len(front) - _MOST_ROWS} more are not shown." if len(front) > _MOST_ROWS else ""
    return _table(head, rows, right=len(metrics) + 1) + more


def _reasons(trials: Sequence[FrozenTrial]) -> list[str]:
    """Why trials were pruned and why they failed, most frequent first."""
    parts = []
    for title, state in (("Pruned", TrialState.PRUNED), ("Failed", TrialState.FAIL)):
        ended = [why_ended(t) for t in trials if t.state == state and not _reused(t)]
        counts = Counter(_plain(reason)[:200] for reason in ended if reason)
        if counts:
            lines = [f"- {count} × {reason}" for reason, count in counts.most_common(6)]
            parts += [f"### {title}: why", "\n".join(lines)]
    return parts


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], right: int) -> str:
    """A Markdown table whose columns up to ``right`` after the first are set flush right."""
    rule = ["---" if not 0 < i <= right else "---:" for i in range(len(head))]
    # The dashboard sets cells without room between them: a no-break space on either side.
    padded = [["\u00a0" + cell + "\u00a0" for cell in row] for row in (head, *rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (padded[0], rule, *padded[1:]))


def _number(value: float | None) -> str:
    """Four digits, or all of a whole number in groups of three."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    if float(value).is_integer() or abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _plain(words: object) -> str:
    """Text that Markdown leaves alone, on one line."""
    words = " ".join(str(words).split())
    return "".join("\\" + char if char in "\\`*_[]<>|#~" else char for char in words)
