"""A worker process: ``python -m optunas.study.worker``, told what to do on standard input."""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time

from optunas.errors import OptunasError
from optunas.study.workers import GRACE_S, WorkerOrder

__all__ = ["main"]

INTERRUPTED = 130


def main() -> int:
    """Read the order, run trials until the budget is used, print the reason; return the exit code.

    0: the budget is used. 2: a user's mistake, one sentence printed. 130: interrupted, or the
    parent is gone; the trial at hand is marked and enqueued again.
    """
    order = WorkerOrder.from_json(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.path[:0] = [p for p in order.path if p not in sys.path]
    from optunas.study.running import run_here
    from optunas.study.storage import storage_errors

    try:
        with storage_errors(order.url):
            print(run_here(order))
    except KeyboardInterrupt:
        return INTERRUPTED
    except OptunasError as error:
        print(error)
        return 2
    return 0


def _end_with_parent() -> None:
    """Interrupt the trial at hand when the parent closes the pipe, or dies."""
    # Read past Python's buffer, whose lock a thread must not hold when the process ends.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    _thread.interrupt_main()
    time.sleep(GRACE_S)
    # Something has swallowed the interrupt; nothing may go on without a parent.
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
