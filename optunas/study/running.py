"""Run a study: in this process or in several, with progress, until its budget is used."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage

from optunas.errors import DeviceError, InvalidSpecError
from optunas.objective import Objective
from optunas.study.baseline import train_baseline, wants_baseline
from optunas.study.budget import Budget
from optunas.study.handle import StudyHandle
from optunas.study.life import create, load, make_objective
from optunas.study.loop import Loop, failure
from optunas.study.progress import Progress
from optunas.study.promotions import promotions_of
from optunas.study.reference import train_reference, wants_reference
from optunas.study.spec import StudySpec
from optunas.study.workers import WorkerOrder, Workers

__all__ = ["check_device", "check_numbers", "run", "run_here", "threads_for"]


def run(
    study: StudyHandle | StudySpec | str | Path,
    *,
    storage: str | BaseStorage | None = None,
    trials: int | None = None,
    timeout: float | None = None,
    workers: int = 1,
    device: str = "cpu",
    trust: Collection[str] = (),
    progress: bool = True,
) -> StudyHandle:
    """Run a study until its budget is used; run it again to go on where it stopped.

    Args:
        study: a handle, a definition, a study file (created when missing), or a study's name.
        storage: a URL or an Optuna storage; not for a handle, which has one.
        trials: the study's total of trials, in place of its budget's.
        timeout: seconds after which no trial begins in this run.
        workers: processes; more than one need a storage that processes can share.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.
        trust: packages whose code a stored definition may refer to, besides those that a handle
            was loaded with.
        progress: show progress on the terminal.

    Returns:
        The study's handle.

    Raises:
        OptunasError: for what cannot work; nothing is written then.
        KeyboardInterrupt: on Ctrl-C; trials at hand are marked and enqueued again.
    """
    check_numbers(trials, timeout, workers)
    check_device(device)
    handle = _handle(study, storage, device, trust)
    trust = (*handle.trust, *trust)
    if workers > 1 and (not handle.url or ":memory:" in handle.url):
        raise InvalidSpecError(
            f"{workers} workers need a storage that processes can share, for instance "
            "storage='sqlite:///optunas.db'; this study's storage is in this process."
        )
    objective = make_objective(handle.spec, trust, device)
    budget = handle.spec.budget.override(trials=trials)
    loop = _loop(handle, objective, budget, timeout)
    with loop.lock():
        loop.reclaim()
    threads = threads_for(workers)
    shows = Progress(handle, budget, timeout) if progress else nullcontext()
    with _with_threads(threads), shows as shown:
        say = shown.say if shown is not None else _unheard
        _train_beside(handle, objective, say)
        if workers == 1:
            reason = loop.run()
        else:
            order = _order(handle, tuple(trust), device, threads, budget, timeout)
            crew = Workers(order, workers)

            def tick() -> None:
                with loop.lock():
                    loop.reclaim()

            def finished() -> int:
                return sum(
                    handle.outcomes()[k] for k in ("complete", "pruned", "reused", "ruled out")
                )

            reason = crew.run(tick, finished)
        say(reason)
    if loop.inspector is not None:
        loop.inspector.study_updated(loop.overview, final=True)
    return handle


def _train_beside(handle: StudyHandle, objective: Objective, say: Callable[[str], None]) -> None:
    """Train what stands beside the front, where it is wanted and not there yet."""
    for wanted, train, what in (
        (wants_reference, train_reference, "reference network"),
        (wants_baseline, train_baseline, "baseline"),
    ):
        if not wanted(handle, objective):
            continue
        say(f"training the {what}")
        try:
            train(handle, objective)
            say("")
        except Exception as error:
            # It stands beside the study; what breaks it need not break what is searched.
            say(f"no {what} this time: {failure(error)}")


def _unheard(note: str) -> None:
    """Without progress there is nobody to tell."""


def run_here(order: WorkerOrder) -> str:
    """A worker's part: load the study by name and run trials; return why it ended."""
    handle = load(order.name, order.url, trust=order.trust)
    objective = make_objective(handle.spec, order.trust, order.device)
    _set_threads(order.threads)
    return _loop(handle, objective, order.budget, order.seconds).run()


def threads_for(workers: int) -> int:
    """Torch threads of a process: the cores shared among workers; ``OMP_NUM_THREADS`` is the most.

    >>> threads_for(10_000)
    1
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    most = int(wanted) if wanted.isdecimal() and int(wanted) else math.inf
    return int(min(most, max(1, (os.cpu_count() or 1) // workers)))


def check_device(device: str) -> None:
    """Raise a ``DeviceError`` that says what is there when ``device`` is not."""
    if device == "cpu":
        return
    import torch

    there = ["cpu"]
    there += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        there.append("mps")
    if device not in there and not (device == "cuda" and len(there) > 1 and "cuda:0" in there):
        raise DeviceError(f"There is no device {device!r} here; there is {', '.join(there)}.")


def check_numbers(trials: int | None, timeout: float | None, workers: int) -> None:
    """Raise ``InvalidSpecError`` for a number that must be positive and is not."""
    for name, value in (("trials", trials), ("timeout", timeout), ("workers", workers)):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not (number and value > 0):
            raise InvalidSpecError(f"{name} must be positive, got {value!r}.")
        if value is not None and name != "timeout" and not isinstance(value, int):
            raise InvalidSpecError(f"{name} must be a whole number, got {value!r}.")


def _is_file(study: Any) -> bool:
    return isinstance(study, Path) or (isinstance(study, str) and study.endswith(".py"))


def _handle(
    study: StudyHandle | StudySpec | str | Path,
    storage: str | BaseStorage | None,
    device: str,
    trust: Collection[str],
) -> StudyHandle:
    if isinstance(study, StudyHandle):
        return study
    if isinstance(study, StudySpec) or _is_file(study):
        return create(study, storage, device=device)
    return load(str(study), storage, trust=trust)


def _loop(handle: StudyHandle, objective: Objective, budget: Budget, seconds: float | None) -> Loop:
    from optunas.inspection import Inspector, artifact_dir

    deadline = None if seconds is None else time.monotonic() + seconds
    spec = handle.spec
    if handle.knowledge is not None:
        handle.knowledge.objective = objective  # its data is loaded: no need to do so again
    inspector = Inspector(
        handle.study,
        artifact_dir(handle.url) if handle.url else None,
        objectives=spec.objective_metrics,
        metrics=spec.all_metrics[len(spec.objectives) :],
        constrained=bool(spec.constraints),
    )
    promotions = promotions_of(handle.study, handle.url)
    objective.checkpoints = promotions
    return Loop(handle, objective, budget, inspector, deadline, promotions)


def _order(
    handle: StudyHandle,
    trust: tuple[str, ...],
    device: str,
    threads: int,
    budget: Budget,
    seconds: float | None,
) -> WorkerOrder:
    path = tuple(p for p in sys.path if p)
    return WorkerOrder(handle.name, handle.url, trust, path, device, threads, budget, seconds)


@contextmanager
def _with_threads(threads: int) -> Iterator[None]:
    """Torch's threads inside; the caller's again afterwards, where torch was loaded before."""
    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_num_threads()
    _set_threads(threads)
    try:
        yield
    finally:
        _set_threads(before or 0)


def _set_threads(threads: int) -> None:
    """Only where torch is loaded: a table task needs none."""
    torch = sys.modules.get("torch")
    if torch is not None and threads:
        torch.set_num_threads(threads)
