"""Several processes on one study: started, watched, replaced when they die, ended together."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import IO

from optunas.errors import OptunasError, TrainingError
from optunas.study.budget import Budget

__all__ = ["WorkerOrder", "Workers"]

GRACE_S = 30
"""How long workers have to mark their trials after an interrupt."""


@dataclass(frozen=True)
class WorkerOrder:
    """What a worker process is told; travels as JSON on its standard input's first line.

    Attributes:
        name: of the study.
        url: of the storage.
        trust: packages to import code from.
        path: module search path of the parent.
        device: to train on.
        threads: of torch in the worker; 0 leaves torch's default.
        budget: limits, in place of the stored ones.
        seconds: until no trial begins any more; None for no limit.
    """

    name: str
    url: str
    trust: tuple[str, ...]
    path: tuple[str, ...]
    device: str
    threads: int
    budget: Budget
    seconds: float | None

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> WorkerOrder:
        """What :meth:`to_json` wrote."""
        body = json.loads(text)
        budget = Budget.from_dict(body.pop("budget"))
        lists = {name: tuple(body[name]) for name in ("trust", "path")}
        return cls(**{**body, **lists, "budget": budget})


@dataclass
class Workers:
    """A fixed number of worker processes.

    Each worker's standard input is a pipe that this process holds open: when this process dies,
    however it dies, the pipe closes and the workers end.
    """

    order: WorkerOrder
    count: int
    processes: dict[subprocess.Popen[str], IO[str]] = field(default_factory=dict, init=False)
    deaths: int = field(default=0, init=False)
    reason: str = field(default="", init=False)
    _done: int = field(default=-1, init=False)

    def run(
        self, on_tick: Callable[[], None], finished: Callable[[], int], interval_s: float = 0.5
    ) -> str:
        """Start the workers and wait for them; return the sentence with which the first ended.

        Args:
            on_tick: called between looks at the workers, and at last: reclaims their trials.
            finished: how many trials have come to their end so far.
            interval_s: seconds between looks.

        Raises:
            OptunasError: what a worker ended with.
            TrainingError: when workers keep dying without finishing anything.
            KeyboardInterrupt: on Ctrl-C, after the workers have marked their trials.
        """
        try:
            for _ in range(self.count):
                self._start()
            while self.processes:
                time.sleep(interval_s)
                on_tick()
                for process in list(self.processes):
                    if process.poll() is not None:
                        self._ended(process, finished)
        finally:
            self._stop()
            on_tick()
        return self.reason

    def _start(self) -> None:
        log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        process = subprocess.Popen(
            [sys.executable, "-m", "optunas.study.worker"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C reaches them through the pipe alone: a second interrupt from the terminal would
            # break into the marking of their trials.
            start_new_session=True,
        )
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # dead already: that is seen when it is looked at
            process.stdin.write(self.order.to_json() + "\n")
            process.stdin.flush()
        self.processes[process] = log

    def _ended(self, process: subprocess.Popen[str], finished: Callable[[], int]) -> None:
        log = self.processes.pop(process)
        _hang_up(process)
        log.seek(0)
        said = log.read().strip()
        log.close()
        if process.returncode == 0:
            self.reason = self.reason or (said.splitlines() or [""])[-1]
        elif process.returncode == 2:
            raise OptunasError(said.splitlines()[-1] if said else "A worker could not start.")
        else:
            done = finished()
            self.deaths = self.deaths + 1 if done == self._done else 1
            self._done = done
            if self.deaths > 3 * self.count:
                raise TrainingError(
                    f"{self.deaths} workers died (exit code {process.returncode}); the last one "
                    f"said: {said[-500:] or 'nothing'}"
                )
            self._start()

    def _stop(self) -> None:
        """Close the pipes, which ends the workers, and wait; kill what does not end."""
        for process in self.processes:
            _hang_up(process)
        end = time.monotonic() + GRACE_S
        for process, log in self.processes.items():
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()
        self.processes.clear()


def _hang_up(process: subprocess.Popen[str]) -> None:
    """Close the pipe to a worker, what it did not live to read included."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
