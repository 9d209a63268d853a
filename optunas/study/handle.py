"""A study and its definition together: what scripts and notebooks hold."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from optunas.codec import from_params
from optunas.measures import Direction, Metric
from optunas.objective.resuming import whole_epochs
from optunas.pareto import feasible_trials, nondominated
from optunas.samplers.by_name import generation_key
from optunas.study.budget import Usage, with_patience
from optunas.study.knowledge import Knowledge
from optunas.study.ledger import Ledger
from optunas.study.spec import StudySpec

__all__ = ["REFERENCE", "StudyHandle", "Table"]

REFERENCE = "optunas:reference"
"""Study attribute with the reference network's metrics as JSON."""


class Table(Sequence[dict[str, Any]]):
    """Rows of plain values under named columns; prints, and shows in a notebook, as a table."""

    def __init__(self, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
        self._rows, self.columns = list(rows), tuple(columns)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)

    def to_csv(self) -> str:
        """CSV text with a header line."""
        out = io.StringIO()
        writer = csv.DictWriter(out, self.columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        return out.getvalue()

    def to_json(self) -> str:
        """JSON text, a list of objects."""
        return json.dumps(self._rows, indent=2)

    def __str__(self) -> str:
        cells = [list(self.columns), *([_cell(r.get(c)) for c in self.columns] for r in self)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{escape(c)}</th>" for c in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_cell(r.get(c)))}</td>" for c in self.columns) + "</tr>"
            for r in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


@dataclass(frozen=True)
class StudyHandle:
    """An Optuna study and the definition that is stored in it.

    Attributes:
        study: the ordinary ``optuna.Study``, with its sampler and pruner restored.
        spec: the definition.
        url: of the storage; ``""`` when it was given as an object.
        trust: packages whose code the definition may refer to: ``("*",)``, all of it, where the
            caller gave the definition, and what was named where it was read from a storage.
        knowledge: of candidates before they are trained, which the sampler asks for.
    """

    study: optuna.Study
    spec: StudySpec
    url: str = ""
    trust: tuple[str, ...] = ()
    knowledge: Knowledge | None = field(default=None, repr=False, compare=False)
    _ledger: Ledger = field(default_factory=Ledger, init=False, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.study_name

    @property
    def reference(self) -> dict[str, float] | None:
        """Metrics of the hand-made reference network, once it is trained."""
        text = self.study.user_attrs.get(REFERENCE)
        return None if text is None else json.loads(text)

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """The study's trials, not copied: do not change them."""
        return self.study.get_trials(deepcopy=False, states=states or None)

    def front_trials(self) -> list[FrozenTrial]:
        """Feasible COMPLETE trials that no other dominates, by number.

        A reused trial is one of them when it is smaller by count than the one it was taken from
        (one code of a network can carry dead weight); a second reading of a latency is not.
        """
        done = self._distinct(feasible_trials(self.study))
        members = nondominated([t.values for t in done], self._directions)
        return [t for t, member in zip(done, members, strict=True) if member]

    def front(self) -> Table:
        """The Pareto front: a row a trial, best first in the first objective.

        Columns: ``trial``, the objectives, further metrics, ``epochs`` (of the whole training, also
        where several trials paid for it), ``source``,
        hyperparameters and ``architecture`` ("" when only hyperparameters are searched). A
        hyperparameter with the name of another column is ``epochs (searched)``.
        """
        metrics = [m.name for m in self.spec.all_metrics]
        first = self.spec.objective_metrics[0]
        trials = sorted(self.front_trials(), key=lambda t: t.values[0], reverse=first.maximize)
        rows: list[dict[str, Any]] = []
        extra: dict[str, None] = {}
        for trial in trials:
            row: dict[str, Any] = {"trial": trial.number}
            row |= {m.name: trial.user_attrs.get(m.name) for m in self.spec.all_metrics}
            row |= dict(zip(self._names, trial.values, strict=True))
            row |= {m.name: _whole(m, row[m.name]) for m in self.spec.all_metrics}
            row |= {"epochs": whole_epochs(trial)}
            row |= {"source": trial.user_attrs.get("source", "")}
            architecture, hyperparameters = self.spec.space.parts(self.candidate(trial))
            words = "" if architecture is None else str(architecture)
            searched = {
                f"{name} (searched)" if name in row or name == "architecture" else name: value
                for name, value in hyperparameters.items()
            }
            rows.append(row | searched | {"architecture": words})
            extra |= dict.fromkeys(searched)
        return Table(rows, ["trial", *metrics, "epochs", "source", *extra, "architecture"])

    def candidate(self, trial: FrozenTrial) -> Any:
        """The space's member that a trial trained, also of a trial that was added by hand."""
        text = trial.user_attrs.get("architecture")
        space = self.spec.space
        return from_params(space, trial) if text is None else space.from_json(text)

    def usage(self, trials: Sequence[FrozenTrial] | None = None) -> Usage:
        """What the study has used of its budget so far.

        Args:
            trials: all trials, when they were just read.
        """
        trials = self.trials() if trials is None else trials
        used, budget = self._ledger.usage(trials), self.spec.budget
        if not (budget.patience_trials or budget.patience_generations):
            return used
        return with_patience(used, trials, self._joined(), generation_key(self.spec.sampler))

    def outcomes(self, trials: Sequence[FrozenTrial] | None = None) -> dict[str, int]:
        """How many trials ended how: complete, pruned, reused, ruled out, failed and so on.

        Args:
            trials: all trials, when they were just read.
        """
        return self._ledger.outcomes(self.trials() if trials is None else trials)

    def _distinct(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """The trials less the reused ones that differ from their source in readings alone."""
        exact = [i for i, m in enumerate(self.spec.objective_metrics) if not m.measured]
        by_number = {t.number: t for t in trials}

        def repeats(trial: FrozenTrial) -> bool:
            source = by_number.get(trial.user_attrs.get("reused_from", -1))
            return source is not None and all(trial.values[i] == source.values[i] for i in exact)

        return [t for t in trials if not repeats(t)]

    @property
    def _names(self) -> list[str]:
        return [m.name for m in self.spec.objective_metrics]

    @property
    def _directions(self) -> list[Direction]:
        return [m.direction for m in self.spec.objective_metrics]

    def _joined(self) -> list[int]:
        """Numbers of the trials that joined the front of their time, by time of completion."""
        done = self._distinct(feasible_trials(self.study))
        front: list[FrozenTrial] = []
        joined = []
        for trial in sorted(done, key=lambda t: (t.datetime_complete, t.number)):
            candidates = [*front, trial]
            members = nondominated([t.values for t in candidates], self._directions)
            front = [t for t, member in zip(candidates, members, strict=True) if member]
            if members[-1]:
                joined.append(trial.number)
        return joined


def _whole(metric: Metric, value: Any) -> Any:
    """Counts as whole numbers; Optuna stores every value as a float."""
    count = metric.cheap and not metric.measured and isinstance(value, float)
    return int(value) if count and value.is_integer() else value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) >= 1000 else f"{value:.4g}"
    return str(value)
