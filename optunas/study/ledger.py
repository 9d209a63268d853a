"""What a study has used and how its trials ended, each finished trial read once.

The plain sums are :func:`optunas.study.budget.usage` and :func:`optunas.study.budget.outcomes`;
this gives the same from all trials so far in a time that does not grow with their number, so that
a run can ask before every trial.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from threading import Lock

from optuna.trial import FrozenTrial

from optunas.study.budget import OUTCOMES, Usage, counts, epochs_of, outcome, seconds_of, span

__all__ = ["Ledger"]


class Ledger:
    """Sums over the finished trials of one study, kept up to date."""

    def __init__(self) -> None:
        self._lock = Lock()  # progress asks in a thread of its own
        self._all_before = 0
        self._later: set[int] = set()
        self._sums = _Sums()

    def usage(self, trials: Sequence[FrozenTrial]) -> Usage:
        """What ``trials``, all of the study in the order of their numbers, have used.

        Patience is left at zero.
        """
        with self._lock:
            rest = _Sums()
            running = [t for t in self._read(trials) if rest.add(t)]
            spans = Spans()
            for trial in running:
                spans.add(*span(trial))
            done = self._sums
            return Usage(
                trials=done.trials + rest.trials,
                epochs=done.epochs + rest.epochs,
                wall_seconds=done.spans.covered + done.spans.not_covering(spans),
                device_hours=(done.seconds + rest.seconds) / 3600,
            )

    def outcomes(self, trials: Sequence[FrozenTrial]) -> dict[str, int]:
        """How many of ``trials`` ended how; see :func:`optunas.study.budget.outcomes`."""
        with self._lock:
            words = Counter(w for t in self._read(trials) for w in outcome(t))
            return {word: self._sums.words[word] + words[word] for word in OUTCOMES}

    def _read(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Enter what has finished since; return the trials that have not."""
        unfinished = []
        for trial in trials[self._all_before :]:
            if trial.number in self._later:
                continue
            if trial.state.is_finished():
                self._later.add(trial.number)
                self._sums.enter(trial)
            else:
                unfinished.append(trial)
        while self._all_before in self._later:
            self._later.remove(self._all_before)
            self._all_before += 1
        return unfinished


class _Sums:
    """Sums over trials."""

    def __init__(self) -> None:
        self.trials = self.epochs = 0
        self.seconds = 0.0
        self.words: Counter[str] = Counter()
        self.spans = Spans()

    def add(self, trial: FrozenTrial) -> bool:
        """Count a trial; whether it has a span."""
        self.trials += counts(trial)
        self.epochs += epochs_of(trial)
        self.seconds += seconds_of(trial)
        return trial.datetime_start is not None

    def enter(self, trial: FrozenTrial) -> None:
        """Count a finished trial, its outcome and its span too."""
        if self.add(trial):
            self.spans.add(*span(trial))
        self.words.update(outcome(trial))


class Spans:
    """A union of time spans, as disjoint ones in order."""

    def __init__(self) -> None:
        self._starts: list[float] = []
        self._ends: list[float] = []
        self.covered = 0.0

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return zip(self._starts, self._ends, strict=True)

    def add(self, start: float, end: float) -> None:
        """Join a span to the union; one that ends before its start is empty."""
        end = max(start, end)
        first, beyond = bisect_left(self._ends, start), bisect_right(self._starts, end)
        if first < beyond:
            start, end = min(start, self._starts[first]), max(end, self._ends[beyond - 1])
        joined = zip(self._starts[first:beyond], self._ends[first:beyond], strict=True)
        self.covered += end - start - sum(b - a for a, b in joined)
        self._starts[first:beyond], self._ends[first:beyond] = [start], [end]

    def not_covering(self, other: Spans) -> float:
        """How much of ``other`` lies outside of this union."""
        return other.covered - sum(self._overlap(start, end) for start, end in other)

    def _overlap(self, start: float, end: float) -> float:
        total, i = 0.0, bisect_left(self._ends, start)
        while i < len(self._starts) and self._starts[i] < end:
            total += min(end, self._ends[i]) - max(start, self._starts[i])
            i += 1
        return total
