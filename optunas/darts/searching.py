"""The search: epochs of bilevel steps, a record of each, a checkpoint after each."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from optunas.darts.bilevel import Bilevel
from optunas.darts.data import Halves
from optunas.darts.record import EpochRecord, Search, record
from optunas.darts.settings import SearchSettings
from optunas.darts.supernet import SuperNetwork
from optunas.darts.variants import Variant, make_variant
from optunas.errors import DataError, InvalidSpecError, TrainingError
from optunas.space import CellSpace, DenseCellSpace
from optunas.tasks import NetworkTask
from optunas.train import TrainSettings, resolve_device, seeded

__all__ = ["search"]

SMALL_IMAGE = 16 * 16
"""Pixels below which a second thread costs more than it brings."""


def search(
    space: CellSpace | DenseCellSpace,
    task: NetworkTask,
    settings: SearchSettings | None = None,
    *,
    seed: int = 0,
    device: str = "cpu",
    checkpoint: str | Path | None = None,
    on_epoch: Callable[[EpochRecord], bool | None] | None = None,
) -> Search:
    """Search a cell space by gradient; equal seeds give equal bits on a CPU, resumed or not.

    Args:
        space: a ``CellSpace`` or a ``DenseCellSpace``.
        task: data and loss; its training part is split into two halves, its validation and test
            parts have no part in the search.
        settings: see :class:`SearchSettings`.
        seed: of the halves, the weights, the alphas and whatever a variant draws.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        checkpoint: a file that is rewritten after every epoch, whole or not at all; when it is
            there, the search goes on from it.
        on_epoch: called with each :class:`EpochRecord`; returning True ends the search.

    Raises:
        InvalidSpaceError: for a space without a choice, or one that is no cell space.
        DataError: when the data is too small to be split.
        InvalidSpecError: when the checkpoint is of another search.
        TrainingError: when a loss is no longer finite; the checkpoint is that of the last good
            epoch, the error says which.
    """
    settings = settings or SearchSettings()
    run = _Run(space, task, settings, seed, resolve_device(device))
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.exists():
        run.load(path)
    threads = torch.get_num_threads()
    if math.prod(task.input_shape[1:]) <= SMALL_IMAGE:
        torch.set_num_threads(1)
    try:
        while run.done < settings.epochs and not run.ended:
            made = run.epoch()
            run.ended = bool(on_epoch and on_epoch(made))
            if path is not None:
                run.save(path)
    finally:
        torch.set_num_threads(threads)
    return run.outcome()


class _Run:
    """A search while it runs."""

    def __init__(
        self,
        space: CellSpace | DenseCellSpace,
        task: NetworkTask,
        settings: SearchSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        self.space, self.task, self.settings, self.seed = space, task, settings, seed
        self.variant: Variant = make_variant(settings)
        self.halves = Halves(task, settings.batch_size, seed, device)
        with seeded(seed):
            self.network = SuperNetwork(
                space,
                task.input_shape,
                task.num_outputs,
                settings.channels,
                settings.num_cells,
                checkpoint=settings.checkpointing,
            )
        self.network = self.network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        generator = torch.Generator().manual_seed(seed)
        drawn = self.variant.alphas(self.network.kinds, self.network.shape, generator)
        self.alphas = {k: a.detach().to(device).requires_grad_() for k, a in drawn.items()}
        self.per_epoch = self.halves.steps()
        self.steps = self.per_epoch * settings.epochs
        loss = task.goal.loss(TrainSettings())
        self.bilevel = Bilevel(self.network, self.alphas, self.variant, loss, settings, self.steps)
        self.records: list[EpochRecord] = []
        self.ended = False

    @property
    def done(self) -> int:
        return len(self.records)

    def epoch(self) -> EpochRecord:
        """One pass over the training half."""
        epoch, settings, started = self.done, self.settings, time.perf_counter()
        warm = settings.warmup_epochs
        warm = self.variant.warmup_epochs if warm is None else warm
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        self.network.train()
        losses, held_out = [], []
        for at, (train, validation) in enumerate(self.halves.pairs(epoch)):
            progress = min((epoch * self.per_epoch + at) / self.steps, 1.0)
            lr = self._rate(epoch)
            values = self.bilevel.step(
                train, validation, lr, generator, progress, move_alphas=epoch >= warm
            )
            losses.append(values[0])
            held_out.append(values[1])
        if not losses:
            raise DataError(f"The training data of {self.task.name!r} gave no batch.")
        means = [float(torch.stack(v).mean()) for v in (losses, held_out)]
        self._check(means, epoch, warmed=epoch >= warm)
        made = record(
            epoch,
            *means,
            weights=self.read(),
            space=self.space,
            seconds=time.perf_counter() - started,
        )
        self.records.append(made)
        return made

    def _rate(self, epoch: int) -> float:
        """Cosine from ``lr`` to ``lr_min``, epoch by epoch as in the paper's code."""
        s = self.settings
        return s.lr_min + (s.lr - s.lr_min) * (1 + math.cos(math.pi * epoch / s.epochs)) / 2

    def _check(self, losses: list[float], epoch: int, warmed: bool) -> None:
        finite = math.isfinite(losses[0]) and (math.isfinite(losses[1]) or not warmed)
        alphas = all(bool(torch.isfinite(alpha).all()) for alpha in self.alphas.values())
        if not (finite and alphas):
            raise TrainingError(
                f"The search's losses became {losses[0]:.4g} (training) and {losses[1]:.4g} "
                f"(validation) in epoch {epoch}; lower lr or alpha_lr. "
                + (
                    f"The state after epoch {epoch - 1} is the last good one."
                    if epoch
                    else "There is no good state before it."
                )
            )

    def read(self) -> dict[str, np.ndarray]:
        """The weights of the operations as the search stands, (E, O) for each kind of cell."""
        with torch.no_grad():
            read = self.variant.read(self.alphas)
        return {kind: weight.double().cpu().numpy() for kind, weight in read.items()}

    def outcome(self) -> Search:
        """What is known at this point."""
        alphas = {k: a.detach().double().cpu().numpy() for k, a in self.alphas.items()}
        return Search(
            space=self.space,
            settings=self.settings,
            seed=self.seed,
            task=self.task.name,
            alphas=alphas,
            weights=self.read(),
            records=tuple(self.records),
            network=self.network,
        )

    def identity(self) -> dict[str, Any]:
        """What two runs that can go on from each other's checkpoints share."""
        return {
            "settings": asdict(self.settings),
            "seed": self.seed,
            "space": self.space.definition(),
            "data": self.task.fingerprint(),
        }

    def save(self, path: Path) -> None:
        """Write the state beside ``path``, then put it in its place."""
        state = {
            "identity": self.identity(),
            "network": self.network.state_dict(),
            "alphas": {k: a.detach() for k, a in self.alphas.items()},
            "weight_optimizer": self.bilevel.weight_optimizer.state_dict(),
            "alpha_optimizer": self.bilevel.alpha_optimizer.state_dict(),
            "records": [r.to_dict() for r in self.records],
            "ended": self.ended,
        }
        beside = path.with_name(f"{path.name}.{os.getpid()}.part")
        torch.save(state, beside)
        os.replace(beside, path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            InvalidSpecError: when it cannot be read, or is of another search.
        """
        try:
            state: Mapping[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            identity = state["identity"]
        except Exception as error:
            raise InvalidSpecError(
                f"The checkpoint {str(path)!r} cannot be read ({type(error).__name__}); delete it "
                "to begin anew."
            ) from error
        mine = self.identity()
        different = [name for name in mine if identity.get(name) != mine[name]]
        if different:
            raise InvalidSpecError(
                f"The checkpoint {str(path)!r} is of another search, its {', '.join(different)} "
                "differ; delete it, or name another file."
            )
        self.network.load_state_dict(state["network"])
        with torch.no_grad():
            for kind, alpha in self.alphas.items():
                alpha.copy_(state["alphas"][kind])
        self.bilevel.weight_optimizer.load_state_dict(state["weight_optimizer"])
        self.bilevel.alpha_optimizer.load_state_dict(state["alpha_optimizer"])
        self.records = [EpochRecord.from_dict(r) for r in state["records"]]
        self.ended = state["ended"]
