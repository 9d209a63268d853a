"""Live progress of a run, read from the storage, so that it shows other processes' trials too."""

from __future__ import annotations

import threading
import time
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from optunas.pruning import curve
from optunas.study.budget import Budget, Usage, epochs_of
from optunas.study.handle import StudyHandle

__all__ = ["Progress", "duration"]

REFRESH_S = 0.5
PLAIN_EVERY_S = 15.0
"""Without a terminal, a line now and then."""

FRONT_ROWS = 6


class Progress:
    """A context manager that draws while a study runs.

    Args:
        handle: the study.
        budget: in force for this run.
        timeout: seconds given to this run.
        console: where to draw; standard error by default, so that output can be piped.
    """

    def __init__(
        self,
        handle: StudyHandle,
        budget: Budget,
        timeout: float | None = None,
        console: Console | None = None,
    ) -> None:
        self._handle, self._budget, self._timeout = handle, budget, timeout
        self._console = console or Console(stderr=True)
        self._begun = time.monotonic()
        self._used_before = handle.usage()
        self._note = ""
        self._end = threading.Event()
        self._live: Live | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def say(self, note: str) -> None:
        """Show a line under the bar; "" takes it away."""
        self._note = note
        if note and not self._console.is_terminal:
            self._console.print(f"{self._handle.name}: {note}", highlight=False, soft_wrap=True)

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live = Live(self._view(), console=self._console, refresh_per_second=4)
            self._live.start()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join(timeout=10)
        if self._live is not None:
            self._live.update(self._view(), refresh=True)
            self._live.stop()
        else:
            self._console.print(self._line(), highlight=False, soft_wrap=True)

    def _watch(self) -> None:
        shown = time.monotonic()
        while not self._end.wait(REFRESH_S):
            if self._live is not None:
                self._live.update(self._view())
            elif time.monotonic() - shown > PLAIN_EVERY_S:
                shown = time.monotonic()
                self._console.print(self._line(), highlight=False, soft_wrap=True)

    def _line(self) -> str:
        outcomes, used = self._handle.outcomes(), self._handle.usage()
        counted = ", ".join(f"{n} {word}" for word, n in outcomes.items() if n)
        left = self._budget.fraction_left(used)
        front = len(self._handle.front_trials())
        return (
            f"{self._handle.name}: {counted or 'no trials yet'}; front of {front}; "
            f"{left:.0%} of the budget left"
        )

    def _view(self) -> Group:
        used = self._handle.usage()
        left = self._budget.fraction_left(used)
        bar = Grid.grid(padding=(0, 1))
        remaining = self._remaining(used)
        bar.add_row(
            Text(self._handle.name, style="bold"),
            ProgressBar(total=1.0, completed=1 - left, width=30),
            f"{1 - left:.0%} of the budget",
            f"{duration(remaining)} left" if remaining is not None else "",
        )
        parts: list[Any] = [bar, Text(_counts(self._handle), style="dim")]
        parts += [self._running(t) for t in self._handle.trials(TrialState.RUNNING)]
        parts.append(self._front())
        if self._note:
            parts.append(Text(self._note, style="italic"))
        return Group(*parts)

    def _running(self, trial: FrozenTrial) -> Text:
        epochs, total = epochs_of(trial), self._handle.spec.training.get("epochs")
        values = list(curve(trial).values())
        score = f", {values[-1]:.4f}" if values else ""
        return Text(f"  trial {trial.number}: epoch {epochs}{f'/{total}' if total else ''}{score}")

    def _front(self) -> Grid:
        rows = self._handle.front()
        names = [m.name for m in self._handle.spec.objective_metrics]
        grid = Grid(title=f"front ({len(rows)})", title_justify="left", box=None, padding=(0, 2))
        for name in ("trial", *names):
            grid.add_column(name, justify="right")
        for row in rows[:FRONT_ROWS]:
            grid.add_row(str(row["trial"]), *(f"{row[name]:,.4g}" for name in names))
        if len(rows) > FRONT_ROWS:
            grid.add_row("...", *("" for _ in names))
        return grid

    def _remaining(self, used: Usage) -> float | None:
        """Seconds left, from this run's pace through the scarcest limit, and the time given."""
        passed = time.monotonic() - self._begun
        before = self._budget.fraction_left(self._used_before)
        now = self._budget.fraction_left(used)
        paced = now * passed / (before - now) if before > now and passed > 1 else None
        given = None if self._timeout is None else max(0.0, self._timeout - passed)
        known = [seconds for seconds in (paced, given) if seconds is not None]
        return min(known) if known else None


def _counts(handle: StudyHandle) -> str:
    return "  " + "  ".join(f"{n} {word}" for word, n in handle.outcomes().items() if n)


def duration(seconds: float) -> str:
    """A duration in the largest fitting unit.

    >>> duration(42), duration(90), duration(7200)
    ('42 s', '1.5 min', '2.0 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
