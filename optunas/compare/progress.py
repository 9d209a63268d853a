"""Progress of a comparison on the terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from optunas.compare.contestants import Contestant
from optunas.compare.pool import Job

__all__ = ["Shown"]

PLAIN_EVERY_S = 15.0
"""Without a terminal, a line now and then, when there is something new to say."""


class Shown:
    """A context manager that shows how many runs of whom are done.

    Args:
        contestants: in the order of the jobs' numbers.
        per: runs of each.
        done: runs of each that were there before.
        console: where to draw; standard error by default, so that output can be piped.
    """

    def __init__(
        self,
        contestants: Sequence[Contestant],
        per: int,
        done: Sequence[int],
        console: Console | None = None,
    ) -> None:
        self._console = console or Console(stderr=True)
        self._done, self._all = list(done), per * len(contestants)
        self._said, self._last = time.monotonic(), ""
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.completed:.0f} of {task.total:.0f} runs"),
            TextColumn("{task.fields[note]}", style="dim"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._bars: list[TaskID] = [
            self._progress.add_task(one.label, total=per, completed=count, note="")
            for one, count in zip(contestants, done, strict=True)
        ]
        self._before = sum(done)

    def __enter__(self) -> Shown:
        if self._before:
            self._print(f"{self._before} of {self._all} runs are there from before.")
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()
        self._print_new()

    def tell(self, job: Job, trials: int, done: bool) -> None:
        """A run has come so far."""
        bar = self._bars[job.who]
        if done:
            self._done[job.who] += 1
            self._progress.update(bar, completed=self._done[job.who], note="")
        else:
            self._progress.update(bar, note=f"seed {job.seed}: {trials} trials")
        if time.monotonic() - self._said > PLAIN_EVERY_S and not self._console.is_terminal:
            self._said = time.monotonic()
            self._print_new()

    def _line(self) -> str:
        return f"{sum(self._done)} of {self._all} runs are done."

    def _print_new(self) -> None:
        if self._line() != self._last:
            self._print(self._line())

    def _print(self, line: str) -> None:
        self._last = line
        self._console.print(line, highlight=False, soft_wrap=True)
