"""The work of ``optunas proxy``: networks, their proxies, their scores, one row at a time."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.trial import TrialState
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from optunas.errors import InvalidSpecError, TrainingError
from optunas.metrics.proxies.choosing import distinct
from optunas.metrics.proxies.combine import needed
from optunas.metrics.proxies.of_task import built
from optunas.metrics.proxies.table import ALWAYS
from optunas.objective import Objective
from optunas.study import StudySpec, load, load_file
from optunas.study.knowledge import Knowledge
from optunas.study.life import make_objective
from optunas.study.running import check_device

if TYPE_CHECKING:
    from optunas.metrics.proxies import Batch, ProxyTable

__all__ = ["Bar", "Contest", "Row", "contest_of_file", "contest_of_study", "run", "scored"]

FIXED = ("run", "digest", "network", "score", "failure", "train_seconds", "proxy_seconds")
"""Columns of the file that are no proxies."""

PLAIN_EVERY_S = 15.0
"""Without a terminal, a line now and then."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Contest:
    """Which networks are scored, by which proxies, and what each reached.

    Attributes:
        spec: the study.
        objective: made from it.
        asked: proxies and combinations.
        members: of the space, of different digest.
        scores: what each member reached, where that is known already; else they are trained.
        seed: of weights, batch and training.
        batch_size: samples that the proxies see.
        device: where.
    """

    spec: StudySpec
    objective: Objective
    asked: tuple[str, ...]
    members: Sequence[Any]
    scores: Sequence[float] | None
    seed: int
    batch_size: int
    device: str

    @property
    def single(self) -> tuple[str, ...]:
        """The proxies to compute."""
        return tuple(dict.fromkeys((*ALWAYS, *needed(self.asked))))

    @property
    def maximize(self) -> bool:
        """Whether more of the task's score is better."""
        return self.objective.task.direction == "maximize"

    @property
    def run(self) -> str:
        """Equal for contests whose rows may stand in one file."""
        body = self.spec.to_dict()
        keys = ("space", "task", "task_options", "training", "score")
        facts = [{key: body[key] for key in keys}, self.seed, self.batch_size]
        facts.append("trained" if self.scores is None else self.spec.name)
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]

    def unseen_settings(self) -> list[str]:
        """What is searched besides the network itself, which no proxy can see."""
        keys = self.objective.task.network_keys
        return [n for n in self.spec.space.hyperparameter_names() if n not in keys]


def contest_of_file(
    file: str, asked: tuple[str, ...], sample: int, seed: int | None, batch_size: int, device: str
) -> Contest:
    """Random networks of a study file's space, within the limits known before training."""
    needed(asked)
    check_device(device)
    spec = load_file(file)
    spec = spec if seed is None else replace(spec, seed=seed)
    objective = make_objective(spec, ["*"], device)
    if not spec.space.num_architectures():
        raise InvalidSpecError(
            f"The space of {file!r} holds hyperparameters alone: zero-cost proxies read networks, "
            "and none is searched here."
        )
    knowledge = Knowledge(lambda: objective)
    draw = np.random.default_rng(spec.seed)
    members = distinct(spec.space, sample, draw, knowledge.feasible)
    if not members:
        raise InvalidSpecError(
            f"No network of the space of {file!r} that sees its input keeps the constraints."
        )
    return Contest(spec, objective, asked, members, None, spec.seed, batch_size, device)


def contest_of_study(
    name: str,
    asked: tuple[str, ...],
    seed: int | None,
    batch_size: int,
    device: str,
    storage: str | None,
    trust: Sequence[str],
) -> Contest:
    """The networks that a stored study has trained to the end, each with its mean score."""
    check_device(device)
    handle = load(name, storage, trust=trust)
    spec = handle.spec
    objective = make_objective(spec, trust, device)
    scored = objective.task.score_name
    members: dict[str, Any] = {}
    scores: dict[str, list[float]] = {}
    for trial in handle.trials(TrialState.COMPLETE):
        value = trial.user_attrs.get(scored)
        if "reused_from" in trial.user_attrs or value is None or not math.isfinite(value):
            continue
        member = handle.candidate(trial)
        digest = spec.space.digest(member)
        members.setdefault(digest, member)
        scores.setdefault(digest, []).append(float(value))
    if len(members) < 3 or not spec.space.num_architectures():
        raise InvalidSpecError(
            f"The study {name!r} has {len(members)} trained networks, and a rank correlation "
            f"needs three or more: run it further with 'optunas study run {name}'."
        )
    means = [math.fsum(scores[digest]) / len(scores[digest]) for digest in members]
    own = spec.seed if seed is None else seed
    return Contest(spec, objective, asked, [*members.values()], means, own, batch_size, device)


def run(contest: Contest, target: Path) -> tuple[list[Row], dict[str, str]]:
    """A row for each network, in order; ``target`` holds what is done, and is gone on from.

    Returns:
        The rows, and by proxy why a network of this run did not support it.

    Raises:
        InvalidSpecError: when ``target`` is no such file, or another contest's.
    """
    from optunas.metrics.proxies.batch import task_batch

    batch = task_batch(contest.objective.task, contest.batch_size, contest.seed)
    rows = _read(target, contest.run)
    wanted, space = contest.single, contest.spec.space
    order = [space.digest(member) for member in contest.members]
    refused: dict[str, str] = {}
    with Bar("networks", len(order)) as bar:
        for at, (digest, member) in enumerate(zip(order, contest.members, strict=True)):
            row = rows.setdefault(digest, {"run": contest.run, "digest": digest})
            row["network"] = space.to_json(member)
            changed = _score(contest, at, member, row)
            if any(name not in row for name in wanted):
                row |= _proxies(contest, member, batch, refused)
                changed = True
            if changed:
                _write(target, list(rows.values()))
            bar.step(_said(row))
    return [rows[digest] for digest in order], refused


def scored(contest: Contest) -> ProxyTable:
    """The proxies of the contest's networks; nothing is trained and no file is written."""
    from optunas.metrics.proxies.table import proxy_table

    task, space = contest.objective.task, contest.spec.space
    parts = [_parts(contest, member) for member in contest.members]
    with Bar("networks", len(parts)) as bar:
        return proxy_table(
            [built(task, *part, contest.seed, space) for part in parts],
            contest.asked,
            task=task,
            labels=[str(architecture) for architecture, _ in parts],
            batch_size=contest.batch_size,
            seed=contest.seed,
            device=contest.device,
            watch=lambda done, total: bar.step(),
        )


def _proxies(contest: Contest, member: Any, batch: Batch, refused: dict[str, str]) -> Row:
    """The member's proxies by name, and their seconds; why it lacks one goes into ``refused``."""
    from optunas.metrics.proxies.computing import proxy_values

    begun = time.perf_counter()
    task, seed = contest.objective.task, contest.seed
    network = built(task, *_parts(contest, member), seed, contest.spec.space)
    values = proxy_values(
        network, contest.single, batch, seed=seed, device=contest.device, refused=refused
    )
    return {**values, "proxy_seconds": time.perf_counter() - begun}


def _score(contest: Contest, at: int, member: Any, row: Row) -> bool:
    """Put the member's score into ``row``, trained now where unknown; whether it changed."""
    if contest.scores is not None:
        known = row.get("score") == contest.scores[at]
        row["score"] = contest.scores[at]
        return not known
    if "score" in row or "failure" in row:
        return False
    begun = time.perf_counter()
    try:
        row["score"] = _trained(contest, member)
    except TrainingError as error:
        row["failure"] = str(error)
    row["train_seconds"] = time.perf_counter() - begun
    return True


def _trained(contest: Contest, member: Any) -> float:
    """The score by the study's own schedule and its rule which epoch counts."""
    architecture, settings = _parts(contest, member)
    subject = contest.objective.subject(architecture, settings, contest.seed)
    task = contest.objective.task
    values = [r[1] for r in task.scores(subject, settings, contest.seed, contest.device)]
    if not values or not all(math.isfinite(value) for value in values):
        raise TrainingError("The training gave no finite score.")
    if contest.spec.score == "best":
        return float(max(values) if contest.maximize else min(values))
    return float(values[-1])


def _parts(contest: Contest, member: Any) -> tuple[Any, dict[str, Any]]:
    architecture, searched = contest.spec.space.parts(member)
    return architecture, {**contest.spec.training, **searched}


def _said(row: Row) -> str:
    what = f"score {row['score']:.4g}" if "score" in row else "failed"
    trained = f", trained in {row['train_seconds']:.1f} s" if "train_seconds" in row else ""
    return f"{what}{trained}, proxies in {row['proxy_seconds']:.1f} s"


def _read(target: Path, run: str) -> dict[str, Row]:
    """The rows of an earlier run by digest; {} without a file."""
    if not target.exists():
        return {}
    try:
        with target.open(newline="") as file:
            lines = list(csv.DictReader(file))
        rows = [
            {k: _parsed(k, v) for k, v in line.items() if v not in ("", None)} for line in lines
        ]
        runs = {row["run"] for row in rows}
        found = {row["digest"]: row for row in rows}
    except (OSError, ValueError, KeyError, csv.Error):
        raise InvalidSpecError(
            f"{str(target)!r} is not a file that 'optunas proxy rank' wrote; give another name "
            "with --output."
        ) from None
    if runs - {run}:
        raise InvalidSpecError(
            f"{str(target)!r} holds the networks of another study, schedule, seed or batch size; "
            "give another name with --output, or move it away."
        )
    return found


def _parsed(key: str, text: str) -> Any:
    return text if key in ("run", "digest", "network", "failure") else float(text)


def _write(target: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """All rows at once, so that a file is never half written."""
    names = dict.fromkeys((*FIXED, *(name for row in rows for name in row)))
    beside = target.with_name(target.name + ".part")
    with beside.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(names), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(beside, target)


class Bar:
    """Progress on standard error: a bar on a terminal, else a line now and then."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done = what, total, 0
        self._console = Console(stderr=True)
        self._shown = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}"),
            console=self._console,
            transient=True,
        )
        self._task = self._shown.add_task(what, total=total, said="")
        self._told = time.monotonic()

    def __enter__(self) -> Bar:
        if self._console.is_terminal:
            self._shown.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._shown.stop()

    def step(self, said: str = "") -> None:
        """One more is done."""
        self.done += 1
        self._shown.update(self._task, completed=self.done, said=said)
        now = time.monotonic()
        last = self.done == self.total
        if not self._console.is_terminal and (last or now - self._told >= PLAIN_EVERY_S):
            self._told = now
            line = f"{self.done} of {self.total} {self.what}" + (f": {said}" if said else "")
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
