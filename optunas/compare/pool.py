"""Several processes that do the runs of a comparison.

Each reads jobs from its standard input, a pipe that this process holds open: when this process
ends, however it ends, the pipe closes and the workers end. A run's file is the only thing that a
worker leaves, and it is good whenever its worker dies.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from optunas.compare.contestants import Contestant
from optunas.errors import OptunasError, TrainingError

__all__ = ["Job", "Pool"]

MAX_DEATHS = 3
"""A run whose worker dies so often without a trial between ends the comparison."""

Tell = Callable[["Job", int, bool], None]
"""Called with a job, its trials so far, and whether it is done."""


class Job(NamedTuple):
    """One run to do.

    Attributes:
        who: index of the contestant.
        seed: of the run.
        path: of its file.
        key: of the contestant.
    """

    who: int
    seed: int
    path: Path
    key: str


@dataclass
class _Worker:
    process: subprocess.Popen[str]
    log: IO[str]
    listener: threading.Thread
    job: Job | None = None


@dataclass
class Pool:
    """Worker processes for the runs.

    Attributes:
        contestants: what jobs refer to by index.
        count: of processes.
        device: to train on.
        threads: of torch in each.
    """

    contestants: Sequence[Contestant]
    count: int
    device: str = "cpu"
    threads: int = 1
    _workers: dict[int, _Worker] = field(default_factory=dict, init=False)
    _told: queue.SimpleQueue[tuple[int, dict[str, Any] | None]] = field(
        default_factory=queue.SimpleQueue, init=False
    )
    _deaths: dict[Job, int] = field(default_factory=dict, init=False)
    _started: int = field(default=0, init=False)

    def run(self, jobs: Sequence[Job], tell: Tell) -> None:
        """Do the jobs; returns when all are done.

        Raises:
            OptunasError: what a run ended with, or that its worker keeps dying.
            KeyboardInterrupt: on Ctrl-C; what was trained is stored.
        """
        waiting = list(reversed(jobs))
        try:
            for _ in range(min(self.count, len(jobs))):
                self._give(self._start(), waiting)
            while self._workers:
                number, said = self._told.get()
                worker = self._workers.get(number)
                if worker is None:
                    continue
                if said is None:
                    self._ended(number, worker, waiting)
                elif "error" in said:
                    raise _error(said)
                else:
                    self._heard(worker, said, waiting, tell)
        finally:
            self._stop()

    def _heard(self, worker: _Worker, said: dict[str, Any], waiting: list[Job], tell: Tell) -> None:
        job = worker.job
        assert job is not None
        done = "done" in said
        self._deaths.pop(job, None)
        tell(job, said.get("trials", 0), done)
        if done:
            self._give(worker, waiting)

    def _give(self, worker: _Worker, waiting: list[Job]) -> None:
        """Send the next job, or end the worker when there is none."""
        worker.job = waiting.pop() if waiting else None
        assert worker.process.stdin is not None
        with suppress(OSError):  # it has died: its end is heard next
            if worker.job is None:
                worker.process.stdin.close()
            else:
                who, seed, path, key = worker.job
                _send(worker, {"who": who, "seed": seed, "path": str(path), "key": key})

    def _start(self) -> _Worker:
        log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        process = subprocess.Popen(
            [sys.executable, "-m", "optunas.compare.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C reaches this process alone, which closes the pipes.
            start_new_session=True,
        )
        number = self._started = self._started + 1
        listener = threading.Thread(target=self._listen, args=(number, process), daemon=True)
        worker = self._workers[number] = _Worker(process, log, listener)
        listener.start()
        order = {
            "path": [p for p in sys.path if p],
            "contestants": [one.to_json() for one in self.contestants],
            "device": self.device,
            "threads": self.threads,
        }
        with suppress(OSError):  # as in _give
            _send(worker, order)
        return worker

    def _listen(self, number: int, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._told.put((number, json.loads(line)))
        process.wait()
        self._told.put((number, None))

    def _ended(self, number: int, worker: _Worker, waiting: list[Job]) -> None:
        del self._workers[number]
        worker.log.seek(0)
        said = worker.log.read().strip()
        self._close(worker)
        job = worker.job
        if job is None:
            return
        self._deaths[job] = self._deaths.get(job, 0) + 1
        if self._deaths[job] >= MAX_DEATHS:
            raise TrainingError(
                f"The process of {self.contestants[job.who].label}, seed {job.seed}, died "
                f"{MAX_DEATHS} times (exit code {worker.process.returncode}); it said last: "
                f"{said[-500:] or 'nothing'}"
            )
        waiting.append(job)
        self._give(self._start(), waiting)

    def _stop(self) -> None:
        for worker in self._workers.values():
            worker.process.kill()
        for worker in self._workers.values():
            worker.process.wait()
            self._close(worker)
        self._workers.clear()

    def _close(self, worker: _Worker) -> None:
        worker.log.close()
        worker.listener.join(timeout=10)
        for pipe in (worker.process.stdin, worker.process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not sent to a dead worker
                    pipe.close()


def _send(worker: _Worker, body: dict[str, Any]) -> None:
    assert worker.process.stdin is not None
    worker.process.stdin.write(json.dumps(body) + "\n")
    worker.process.stdin.flush()


def _error(said: dict[str, Any]) -> OptunasError:
    return OptunasError(said["error"])
