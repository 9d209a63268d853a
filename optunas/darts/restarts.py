"""Several searches that differ in their seed, and the choice of one by its trained network.

Every search has a checkpoint beside the output and every finished one a row in a file beside it, so
that a run that was killed goes on where it was.
"""

from __future__ import annotations

import glob
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from optunas.darts.checkpoint import read_checkpoint
from optunas.darts.choices import Member, Searchable, kinds_of, shape_of
from optunas.darts.choose import LIMITS, discretize, ranked
from optunas.darts.collapse import collapse_report
from optunas.darts.data import Halves, check_seed
from optunas.darts.halting import check_halt
from optunas.darts.record import EpochRecord
from optunas.darts.result import FinalNetwork, Restart, SearchResult, space_digest, write_json
from optunas.darts.searching import check_variant, identity_of, search
from optunas.darts.selection import choice_of
from optunas.darts.settings import SELECTIONS, SearchSettings
from optunas.errors import InvalidSpecError, TrainingError, UnknownNameError
from optunas.metrics import flops, params
from optunas.tasks import NetworkTask

__all__ = ["Plan", "Watch", "checkpoints", "finished", "forget", "run_restarts"]


class Validation(NamedTuple):
    """What the training of a chosen network came to: its score, its seconds, why it has none."""

    score: float | None
    seconds: float = 0.0
    failed: str = ""


@dataclass(frozen=True)
class Plan:
    """What is searched, and for which network.

    Attributes:
        study: name of the study that it is for.
        space, task, settings: as for ``optunas.darts.search``.
        task_is: reference and options of the task, for the file.
        network: the final one; limits are on its costs.
        limits: by name; infinite ones are none, and left out.
        selection: how an architecture is chosen: ``argmax`` of the alphas, or ``perturbation``.
        device: of everything.
        training: hyperparameters of the trainings that choose between restarts.
        validation_epochs: of those trainings; 0 trains none.
        keep_best_epoch: whether such a training is worth its best epoch or its last.
        notes: sentences that go into the file.
    """

    study: str
    space: Searchable
    task: NetworkTask
    settings: SearchSettings
    task_is: Mapping[str, Any]
    network: FinalNetwork
    limits: Mapping[str, float] = field(default_factory=dict)
    selection: str = "argmax"
    device: str = "cpu"
    training: Mapping[str, Any] = field(default_factory=dict)
    validation_epochs: int = 0
    keep_best_epoch: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # JSON, in which it is all kept, knows no infinity.
        finite = {name: limit for name, limit in self.limits.items() if limit != math.inf}
        object.__setattr__(self, "limits", finite)

    def check(self) -> None:
        """Raise at once for what the search would only find out at its end, or never.

        Raises:
            InvalidSpecError: for limits that no architecture keeps, impossible trainings, and
                settings that do not fit the space.
            UnknownNameError: for another selection.
        """
        if self.selection not in SELECTIONS:
            raise UnknownNameError("selection", self.selection, SELECTIONS)
        check_halt(self.space, self.settings)
        check_variant(self.space, self.settings)
        shape = shape_of(self.space)
        equal = {kind: np.full(shape, 1 / shape[1]) for kind in kinds_of(self.space)}
        discretize(self.space, equal, limits=self.limits, **self.network.arguments())
        self.task.check(self._hyperparameters())

    def _hyperparameters(self) -> dict[str, Any]:
        own = self.network.counts()
        epochs = {"epochs": self.validation_epochs} if self.validation_epochs else {}
        return {**self.training, **own, **epochs}

    def identity(self) -> dict[str, Any]:
        """What runs share that can go on from each other's files."""
        return {
            "space": space_digest(self.space.definition()),
            "data": self.task.fingerprint(),
            "settings": asdict(self.settings),
            "limits": dict(self.limits),
            "selection": self.selection,
            "network": self.network.arguments() | {"input_shape": list(self.network.input_shape)},
            "training": self._hyperparameters(),
        }

    def validate(
        self, architecture: Member, seed: int, on_epoch: Callable[[int, float], None]
    ) -> Validation:
        """Train the architecture from scratch; one that breaks down has no score."""
        if not self.validation_epochs:
            return Validation(None)
        scores, seconds = [], 0.0
        readings = self.task.scores(architecture, self._hyperparameters(), seed, self.device)
        try:
            for step, score, cost in readings:
                scores.append(score)
                seconds += cost
                on_epoch(step, score)
        except TrainingError as error:
            # The search before it is worth keeping, and so are the other restarts.
            return Validation(None, seconds, str(error))
        pick = max if self.task.direction == "maximize" else min
        return Validation(float(pick(scores) if self.keep_best_epoch else scores[-1]), seconds)


class Watch:
    """What is told while restarts run; a subclass shows it."""

    def epoch(self, restart: int, record: EpochRecord) -> bool | None:
        """After an epoch of a search; True ends this search."""
        return None

    def training(self, restart: int, step: int, score: float) -> None:
        """After an epoch of the training of what a search chose."""

    def finished(self, restart: int, row: Restart, resumed: bool) -> None:
        """After a restart; resumed ones were finished by an earlier run."""


def checkpoints(output: Path, restarts: int) -> list[Path]:
    """The searches' checkpoint files; the first is ``OUTPUT.checkpoint``."""
    first = output.with_name(output.name + ".checkpoint")
    more = [output.with_name(f"{output.name}.checkpoint-{n + 1}") for n in range(1, restarts)]
    return [first, *more]


def forget(output: Path) -> None:
    """Remove whatever earlier runs left beside the output, to go on from."""
    finished(output).unlink(missing_ok=True)
    for path in output.parent.glob(f"{glob.escape(output.name)}.checkpoint*"):
        path.unlink(missing_ok=True)


def run_restarts(
    plan: Plan, seeds: Sequence[int], output: Path, watch: Watch | None = None
) -> SearchResult:
    """Search with every seed, choose under the limits, train what is chosen, keep the best.

    Where nothing is trained the first restart is kept; a network whose training breaks down is kept
    only where all do. The files beside the output stay until
    :func:`forget` removes them.

    Raises:
        InvalidSpecError: for limits that nothing keeps, seeds that cannot be, and files of another
            search.
        OptunasError: as ``optunas.darts.search`` and the task's ``scores``.
    """
    watch = watch or Watch()
    for seed in seeds:
        check_seed(seed)
    plan.check()
    identity, done = plan.identity(), _read_rows(output, plan)
    rows: list[Restart] = []
    paths = checkpoints(output, len(seeds))
    for path, seed in zip(paths, seeds, strict=True):
        if seed not in done and path.exists():  # the last one is looked at before the first runs
            read_checkpoint(path, identity_of(plan.space, plan.task, plan.settings, seed))
    for number, seed in enumerate(seeds):
        row = done.get(seed)
        if row is None:
            row = _restart(plan, seed, number, paths[number], watch)
            watch.finished(number, row, resumed=False)
        else:
            watch.finished(number, row, resumed=True)
        rows.append(row)
        if len(seeds) > 1:
            kept = [asdict(r) for r in {**done, **{r.seed: r for r in rows}}.values()]
            write_json({"identity": identity, "restarts": kept}, finished(output))
            paths[number].unlink(missing_ok=True)
    return SearchResult(
        study=plan.study,
        space=plan.space.definition(),
        space_digest=space_digest(plan.space.definition()),
        task={**plan.task_is, **_described(plan.task)},
        settings=asdict(plan.settings),
        network=plan.network,
        limits=dict(plan.limits),
        device=plan.device,
        restarts=tuple(rows),
        kept=_best(rows, plan.task.direction),
        notes=plan.notes,
        selection=plan.selection,
    )


def _restart(plan: Plan, seed: int, number: int, checkpoint: Path, watch: Watch) -> Restart:
    found = search(
        plan.space,
        plan.task,
        plan.settings,
        seed=seed,
        device=plan.device,
        checkpoint=checkpoint,
        on_epoch=lambda record: watch.epoch(number, record),
    )
    choice = choice_of(found, plan.task, plan.selection, device=plan.device)
    limits, arguments = plan.limits, plan.network.arguments()
    best = ranked(plan.space, choice.weights, limits=limits, **arguments)[0]
    report = collapse_report(found, plan.task, architecture=best.architecture, device=plan.device)
    # As JSON gives it back, so that a resumed run equals an uninterrupted one.
    judged = json.loads(json.dumps(asdict(report)))
    trained = plan.validate(
        best.architecture, seed, lambda step, value: watch.training(number, step, value)
    )
    each = Halves(plan.task, plan.settings.batch_size, seed, torch.device("cpu")).steps()
    return Restart(
        seed=seed,
        architecture=json.loads(plan.space.to_json(best.architecture)),  # type: ignore[arg-type]
        score=best.score,
        costs=_network_costs(best.architecture, plan.network),
        alphas={kind: rows.tolist() for kind, rows in found.alphas.items()},
        weights={kind: rows.tolist() for kind, rows in found.weights.items()},
        history=tuple(_without_alphas(record) for record in found.records),
        stability=found.stability(),
        seconds=found.seconds,
        steps=each * len(found.records),
        validation=trained.score,
        validation_epochs=plan.validation_epochs,
        validation_seconds=trained.seconds,
        validation_failed=trained.failed,
        epoch=found.epoch,
        stopped=found.stopped,
        judged=judged,
        choice={kind: rows.tolist() for kind, rows in choice.own.items()},
        choice_seconds=choice.seconds,
        choice_steps=choice.steps,
    )


def _without_alphas(record: EpochRecord) -> dict[str, Any]:
    """A record for the file: every epoch's alphas would be most of it."""
    body = record.to_dict()
    body.pop("alphas", None)
    return body


def _network_costs(architecture: Member, network: FinalNetwork) -> dict[str, float]:
    """Parameters and FLOPs of the final network, limited or not."""
    counts = (network.channels, network.num_cells)
    return {
        name: count(architecture, network.input_shape, network.num_outputs, *counts)
        for name, count in zip(LIMITS, (params, flops), strict=True)
    }


def _described(task: NetworkTask) -> dict[str, Any]:
    return {
        "name": task.name,
        "fingerprint": task.fingerprint(),
        "score": task.score_name,
        "direction": task.direction,
    }


def _best(rows: Sequence[Restart], direction: str) -> int:
    """The place of the best validation, of equal ones the first."""
    sign = 1.0 if direction == "maximize" else -1.0
    scores = [-float("inf") if r.validation is None else sign * r.validation for r in rows]
    return scores.index(max(scores))


def finished(output: Path) -> Path:
    """The file with the restarts that are done."""
    return output.with_name(output.name + ".restarts")


def _read_rows(output: Path, plan: Plan) -> dict[int, Restart]:
    """The restarts that an earlier run finished, by seed."""
    path = finished(output)
    if not path.exists():
        return {}
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        theirs = dict(body["identity"])
        rows = [Restart(**{**row, "history": tuple(row["history"])}) for row in body["restarts"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidSpecError(
            f"The finished restarts in {str(path)!r} cannot be read ({type(error).__name__}); "
            "begin anew with --no-resume, or delete the file."
        ) from None
    mine = json.loads(json.dumps(plan.identity()))
    different = [name for name in mine if theirs.get(name) != mine[name]]
    if different:
        raise InvalidSpecError(
            f"The finished restarts in {str(path)!r} are of another search, its "
            f"{', '.join(different)} differ; begin anew with --no-resume, or name another output."
        )
    return {row.seed: row for row in rows}
