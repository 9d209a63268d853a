"""A process that does runs: ``python -m optunas.compare.worker``, told by its standard input.

The first line says who takes part, each further line is a run to do. The answers on standard
output, one JSON line each: ``{"trials": n}`` now and then, ``{"done": true}`` for each run, and
``{"error": "..."}`` for a sentence that ends the comparison.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

from optunas.errors import OptunasError

__all__ = ["main"]

EVERY_S = 0.2
"""Between two answers on the trials of a run."""


def main() -> int:
    """Do the runs that are asked for until the pipe closes."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    # What a task prints is no answer.
    os.dup2(2, 1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    order = json.loads(lines.get())
    sys.path[:0] = [p for p in order["path"] if p not in sys.path]

    def answer(body: dict[str, Any]) -> None:
        answers.write(json.dumps(body) + "\n")

    try:
        _work(order, lines, answer)
    except OptunasError as error:
        answer({"error": str(error)})
        return 2
    return 0


def _work(order: dict[str, Any], lines: queue.SimpleQueue[str], answer: Any) -> None:
    import optuna

    from optunas.compare.contestants import Contestant
    from optunas.compare.one_run import Runner, set_threads

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    contestants = [Contestant.from_json(body) for body in order["contestants"]]
    runner = Runner(order["device"])
    while True:
        job = json.loads(lines.get())
        contestant, last = contestants[job["who"]], [0.0]
        runner.objective(contestant)
        set_threads(order["threads"])

        def on_trial(count: int, last: list[float] = last) -> None:
            if time.monotonic() - last[0] >= EVERY_S:
                last[0] = time.monotonic()
                answer({"trials": count})

        runner.run(contestant, job["seed"], Path(job["path"]), job["key"], on_trial)
        answer({"done": True})


def _read(lines: queue.SimpleQueue[str]) -> None:
    """Lines into the queue; the process ends at once when the pipe closes, or the parent dies."""
    # Read past Python's buffer, whose lock a thread must not hold when the process ends.
    rest = b""
    while chunk := os.read(0, 1 << 16):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            lines.put(line.decode())
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
