"""Contestants on equal budgets with equal seeds: checked, run, and measured."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from optunas.compare.amount import Amount, amount
from optunas.compare.comparison import Comparison, Settings
from optunas.compare.contestants import (
    Contestant,
    Entry,
    SamplerChoice,
    check_same,
    contestants,
    sampler,
)
from optunas.compare.measure import Question
from optunas.compare.one_run import Runner, set_threads
from optunas.compare.pool import Job, Pool, Tell
from optunas.compare.progress import Shown
from optunas.compare.store import Store, write_whole
from optunas.compare.trajectory import Trajectory
from optunas.errors import InvalidSpecError
from optunas.study import Budget, StudyHandle, StudySpec, load_file
from optunas.study.running import check_device, threads_for

__all__ = ["compare", "entry"]

Study = StudySpec | StudyHandle | Entry | str | Path


def compare(
    studies: Study | Sequence[Study],
    samplers: Collection[str | SamplerChoice | tuple[str, Mapping[str, Any]]] = (),
    seeds: int = 20,
    budget: str | int | Budget | None = None,
    *,
    first_seed: int = 0,
    processes: int = 1,
    output: str | Path | None = None,
    targets: Sequence[str | float] = (),
    log: Collection[str] = (),
    reference: Mapping[str, float] | None = None,
    significance: float = 0.05,
    device: str = "cpu",
    progress: bool = True,
) -> Comparison:
    """Compare samplers, or whole study definitions, over seeds on one budget.

    Contestants are studies times samplers; random search is always among them. Run ``k`` of every
    contestant has the seed ``first_seed + k``: the same training seeds, on the same data and split.

    Args:
        studies: definitions, study files, or handles of stored studies (whose seeds every run
            trains first).
        samplers: ``"tpe"``, ``"nsga2:population_size=20"``, ``("nsga2", {...})``, or one from
            elsewhere, ``"module:factory"``; none takes each study's own.
        seeds: runs of each contestant.
        budget: of each run: ``"100trials"``, ``"500epochs"``, ``"2h"`` of training, or a
            ``Budget`` with one limit.
        first_seed: of the first runs.
        processes: that do runs at the same time; 1 does them in this one.
        output: folder in which each run is stored as it proceeds; the same call with the same
            folder goes on where it stopped. None keeps nothing.
        targets: ``"95%"`` of the best known hypervolume (with one objective: of the way from a
            typical random network to the best known), or with one objective a value; default 95 %.
        log: objectives that count on a logarithmic scale in hypervolumes.
        reference: reference values by objective, where volumes begin, in the objective's unit; by
            default a tenth of the range beyond the worst of all runs.
        significance: level of the tests.
        device: to train on.
        progress: show progress on the terminal.

    Returns:
        The comparison: ``.table``, ``.pairs``, ``.sentences``, ``.report(folder)``, ``.to_csv()``.

    Raises:
        OptunasError: for what cannot work; nothing is run then. TrainingError when trial after
            trial fails.
        KeyboardInterrupt: on Ctrl-C; with ``output``, what was trained is kept.
    """
    _check_counts(seeds, first_seed, processes)
    check_device(device)
    limit = amount(budget)
    entries = _entries(studies, processes)
    choices = [sampler(one) for one in ([samplers] if isinstance(samplers, str) else samplers)]
    found = contestants(entries, choices, limit)
    question = Question.of(found[0].spec, limit, targets, log, reference, significance)
    runner = Runner(device)
    prints = _rehearsed(runner, found, entries, first_seed)
    keys = tuple(one.key(prints[one.entry.spec.name], device) for one in found)
    wanted = range(first_seed, first_seed + seeds)
    with ExitStack() as stack:
        folder = Path(output or stack.enter_context(tempfile.TemporaryDirectory()))
        store = Store(folder, keys)
        stack.enter_context(store.locked())
        if output is not None:
            write_whole(folder / "comparison.json", _manifest(found, keys, wanted, limit))
        crew = Pool(found, processes, device, threads_for(processes))
        runs = _done(store, found, wanted, runner, crew, progress)
    return Comparison(
        contestants=tuple(found),
        runs=runs,
        question=question,
        front=_true_front(runner, found[0]),
        settings=Settings(
            device,
            processes,
            tuple(wanted),
            _task_name(runner, found[0]),
            _measured(runner, found[0]),
        ),
    )


def entry(study: Study) -> Entry:
    """A study as a comparison takes it.

    Raises:
        InvalidSpecError: for a file that defines none.
    """
    if isinstance(study, Entry):
        return study
    if isinstance(study, StudySpec):
        return Entry(study)
    if isinstance(study, StudyHandle):
        # A seed is a trial that was enqueued with a source; a stored one keeps what was enqueued.
        given = [t for t in study.trials() if t.user_attrs.get("source")]
        again = [t for t in given if "retry_of" not in t.user_attrs]
        params = [(t.system_attrs.get("fixed_params", t.params), t) for t in again]
        seeds = tuple((dict(p), str(t.user_attrs["source"])) for p, t in params)
        return Entry(study.spec, study.trust, seeds)
    return Entry(load_file(study))


def _entries(studies: Study | Sequence[Study], processes: int) -> list[Entry]:
    alone = isinstance(studies, (str, Path, StudySpec, StudyHandle, Entry))
    listed: Sequence[Study] = [studies] if alone else studies  # type: ignore[assignment,list-item]
    entries = [entry(one) for one in listed]
    for one in entries:
        if processes > 1 and str(one.spec.task).startswith("__main__:"):
            raise InvalidSpecError(
                f"The task {one.spec.task!r} is of the running script, where other processes do "
                "not find it; put it into a module, or take processes=1."
            )
    return entries


def _check_counts(seeds: int, first_seed: int, processes: int) -> None:
    problems = []
    for name, value, least in (
        ("seeds", seeds, 1),
        ("first_seed", first_seed, 0),
        ("processes", processes, 1),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            problems.append(f"{name} must be a whole number from {least} on, got {value!r}.")
    if problems:
        raise InvalidSpecError("\n".join(problems))


def _rehearsed(
    runner: Runner, found: Sequence[Contestant], entries: Sequence[Entry], seed: int
) -> dict[str, str]:
    """Check everything before anything runs; returns the fingerprint of each study's data."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        firsts = [next(c for c in found if c.entry is one) for one in entries]
        prints = [_fingerprint(runner, one) for one in firsts]
        check_same(entries, prints)
        for one in found:
            runner.open(one, seed)
    finally:
        optuna.logging.set_verbosity(verbosity)
    return {e.spec.name: text for e, text in zip(entries, prints, strict=True)}


def _fingerprint(runner: Runner, contestant: Contestant) -> str:
    task: Any = runner.objective(contestant).task
    made = getattr(task, "fingerprint", None)
    return f"{task.score_name} {made() if made is not None else contestant.spec.task}"


def _done(
    store: Store,
    found: Sequence[Contestant],
    wanted: Sequence[int],
    runner: Runner,
    crew: Pool,
    progress: bool,
) -> tuple[tuple[Trajectory, ...], ...]:
    """All runs, [contestant][seed]: those that are there, and the others once they are done."""
    there: dict[tuple[int, int], Trajectory] = {}
    jobs = []
    # Seed by seed, so that what a broken-off comparison has done is paired.
    for seed, (who, one) in product(wanted, enumerate(found)):
        run = store.read(one, store.keys[who], seed)
        if run is not None:
            there[who, seed] = run
        else:
            jobs.append(Job(who, seed, store.path(one, store.keys[who], seed), store.keys[who]))
    if jobs:
        done = [sum(who == i for who, _ in there) for i in range(len(found))]
        _do(jobs, found, runner, crew, Shown(found, len(wanted), done) if progress else None)
    for job in jobs:
        run = store.read(found[job.who], job.key, job.seed)
        assert run is not None
        there[job.who, job.seed] = run
    return tuple(tuple(there[i, seed] for seed in wanted) for i in range(len(found)))


def _do(
    jobs: Sequence[Job],
    found: Sequence[Contestant],
    runner: Runner,
    crew: Pool,
    progress: Shown | None,
) -> None:
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with progress or nullcontext() as shown:
            tell: Tell = shown.tell if shown is not None else _unheard
            if crew.count > 1:
                crew.run(jobs, tell)
            else:
                set_threads(crew.threads)
                _here(jobs, found, runner, tell)
    finally:
        optuna.logging.set_verbosity(verbosity)


def _here(jobs: Sequence[Job], found: Sequence[Contestant], runner: Runner, tell: Tell) -> None:
    for job in jobs:

        def on_trial(count: int, job: Job = job) -> None:
            tell(job, count, False)

        runner.run(found[job.who], job.seed, job.path, job.key, on_trial)
        tell(job, 0, True)


def _unheard(job: Job, trials: int, done: bool) -> None:
    """Without progress there is nobody to tell."""


def _manifest(
    found: Sequence[Contestant], keys: Sequence[str], wanted: Sequence[int], limit: Amount
) -> dict[str, Any]:
    return {
        "budget": str(limit),
        "seeds": list(wanted),
        "contestants": [
            {"label": one.label, "key": key, "definition": one.spec.to_dict()}
            for one, key in zip(found, keys, strict=True)
        ],
    }


def _true_front(runner: Runner, contestant: Contestant) -> Any:
    """The task's known best values, where it says them and no constraint cuts them."""
    known = getattr(runner.objective(contestant).task, "true_front", None)
    if known is None or contestant.spec.constraints:
        return None
    return known([m.name for m in contestant.spec.objective_metrics])


def _task_name(runner: Runner, contestant: Contestant) -> str:
    return str(runner.objective(contestant).task.name)


def _measured(runner: Runner, contestant: Contestant) -> tuple[str, ...]:
    """Objectives that were read off a clock here, neither recorded in a table nor counted."""
    odd = [m.name for m in contestant.spec.objective_metrics if m.measured]
    if not odd:
        return ()
    objective = runner.objective(contestant)
    told = set(objective.foresee(contestant.spec.space.sample(np.random.default_rng(0))))
    if getattr(objective.task, "simulated", False):
        told.update(getattr(objective.task, "gives", ()))
    return tuple(name for name in odd if name not in told)
