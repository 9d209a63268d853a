"""The search: epochs of bilevel steps, a record of each, a checkpoint after each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from optunas.darts.bilevel import Bilevel
from optunas.darts.checkpoint import read_checkpoint, write_checkpoint
from optunas.darts.choices import Searchable, check_searchable, closed_of, edges_of
from optunas.darts.curvature import dominant
from optunas.darts.data import Halves, mixed
from optunas.darts.halting import check_halt, halted, skips_of
from optunas.darts.making import make_supernet
from optunas.darts.record import EpochRecord, Search, record
from optunas.darts.settings import SearchSettings
from optunas.darts.variants import Variant, make_variant
from optunas.errors import DataError, InvalidSpecError, TrainingError
from optunas.space import MacroSpace
from optunas.tasks import NetworkTask
from optunas.train import TrainSettings, resolve_device, seeded
from optunas.train.random_state import RandomState

__all__ = ["check_variant", "few_threads", "identity_of", "search"]

SMALL_IMAGE = 16 * 16
"""Pixels below which a second thread costs more than it brings."""

OnEpoch = Callable[[EpochRecord], bool | None]


def search(
    space: Searchable,
    task: NetworkTask,
    settings: SearchSettings | None = None,
    *,
    seed: int = 0,
    device: str = "cpu",
    checkpoint: str | Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> Search:
    """Search a space by gradient; equal seeds give equal bits on a CPU, resumed or not.

    Args:
        space: a ``CellSpace``, a ``DenseCellSpace``, or a ``MacroSpace`` with a fixed skeleton, in
            which nothing but the layers' operations is free; that brings its own widths and depth.
        task: data and loss; its training part is split into two halves, its validation and test
            parts have no part in the search. User's loaders cannot be split: there the validation
            loader is the alphas' half.
        settings: see :class:`SearchSettings`.
        seed: of the halves, the weights, the alphas and whatever a variant draws.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        checkpoint: a file that is rewritten after every epoch, whole or not at all; when it is
            there, the search goes on from it.
        on_epoch: called with each :class:`EpochRecord`; returning True ends the search.

    Raises:
        InvalidSpaceError: for a space without a choice, or one that has no supernet.
        DataError: when the data is too small to be split.
        InvalidSpecError: when the checkpoint is of another search, for a seed or a task that
            cannot be, and for settings that do not fit the space.
        TrainingError: when a loss is no longer finite. The checkpoint is then that of the last good
            epoch, and the same call gives the search as it stood there.
    """
    settings = SearchSettings() if settings is None else settings
    if not isinstance(settings, SearchSettings):
        raise InvalidSpecError(
            f"settings must be a SearchSettings(...) or None, got a {type(settings).__name__}."
        )
    if on_epoch is not None and not callable(on_epoch):
        raise InvalidSpecError(f"on_epoch must be a function of an EpochRecord, got {on_epoch!r}.")
    check_searchable(space)
    check_halt(space, settings)
    check_variant(space, settings)
    run = _Run(space, task, settings, seed, resolve_device(device))
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.exists():
        run.restore(read_checkpoint(path, run.identity()))
    with few_threads(task):
        _go(run, path, on_epoch)
    return run.outcome()


def check_variant(space: Searchable, settings: SearchSettings) -> None:
    """Raise InvalidSpecError for a variant that says nothing about the space."""
    if isinstance(space, MacroSpace) and settings.variant == "pc_darts":
        raise InvalidSpecError(
            "variant='pc_darts' lets the edges into a node compete and mixes a part of their "
            "channels; the layers of a macro network have one edge each and take all channels. "
            "Choose darts, gdas or drnas."
        )


def identity_of(
    space: Searchable, task: NetworkTask, settings: SearchSettings, seed: int
) -> dict[str, Any]:
    """What two searches that can go on from each other's checkpoints share."""
    return {
        "settings": asdict(settings),
        "seed": seed,
        "space": space.definition(),
        "data": task.fingerprint(),
    }


def _go(run: _Run, path: Path | None, on_epoch: OnEpoch | None) -> None:
    """Epochs until the last one, an early stop, or the caller's word."""
    while run.done < run.settings.epochs and not run.stopped:
        try:
            made = run.epoch()
        except TrainingError as error:
            if path is None or not path.exists():
                raise
            state = read_checkpoint(path, run.identity())
            write_checkpoint(path, {**state, "stopped": str(error)})
            raise TrainingError(
                f"{error} The checkpoint {str(path)!r} holds that state: the same call gives the "
                "search as it stood there; delete the file to begin anew."
            ) from error
        if on_epoch is not None and on_epoch(made) and not run.stopped:
            run.stopped = f"The caller ended it after epoch {made.epoch}."
        if path is not None:
            write_checkpoint(path, run.state())


@contextmanager
def few_threads(task: NetworkTask) -> Iterator[None]:
    """One thread for small inputs; the process's own number afterwards."""
    before = torch.get_num_threads()
    if math.prod(task.input_shape[1:]) <= SMALL_IMAGE:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Run:
    """A search while it runs."""

    def __init__(
        self,
        space: Searchable,
        task: NetworkTask,
        settings: SearchSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        self.space, self.task, self.settings, self.seed = space, task, settings, seed
        self.device = device
        self.variant: Variant = make_variant(settings, edges_of(space), closed_of(space))
        self.halves = Halves(task, settings.batch_size, seed, device)
        with seeded(seed):
            self.network = make_supernet(
                space, task.input_shape, task.num_outputs, settings, self.variant.partial
            )
        self.network = self.network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        generator = torch.Generator().manual_seed(seed)
        drawn = self.variant.alphas(self.network.kinds, self.network.shape, generator)
        self.alphas = {k: a.detach().to(device).requires_grad_() for k, a in drawn.items()}
        with RandomState(seed, device).active():
            self.per_epoch = self.halves.steps()
        self.steps = self.per_epoch * settings.epochs
        self.loss = task.goal.loss(TrainSettings())
        moving = self.per_epoch * (settings.epochs - self.warm)
        self.bilevel = Bilevel(self.network, self.alphas, self.variant, self.loss, settings, moving)
        self.records: list[EpochRecord] = []
        self.stopped, self.taken = "", -1

    @property
    def done(self) -> int:
        return len(self.records)

    @property
    def warm(self) -> int:
        """Epochs in which the alphas stand still; never all of them."""
        asked, epochs = self.settings.warmup_epochs, self.settings.epochs
        return round(self.variant.warmup_share * epochs) if asked is None else asked

    def epoch(self) -> EpochRecord:
        """One pass over the training half."""
        epoch, started = self.done, time.perf_counter()
        # Loaders and own operations draw from torch's global numbers.
        with RandomState(mixed(self.seed, epoch), self.device).active():
            losses = self._steps(epoch)
            self._check(losses, epoch)
            weights = self.read()
            curvature = self._curvature(epoch)
        skips = skips_of(self.space, weights) if self.settings.halt == "skips" else None
        made = record(
            epoch,
            *losses,
            weights=weights,
            space=self.space,
            seconds=time.perf_counter() - started,
            alphas=self._arrays(),
            skips=skips,
            curvature=curvature,
        )
        self.records.append(made)
        self.taken = epoch
        halt = halted(self.records, self.settings, self.warm)
        if halt is not None:
            self.stopped, self.taken = halt.words, halt.epoch
        return made

    def _steps(self, epoch: int) -> tuple[float, float]:
        """The mean losses of both halves."""
        generator = torch.Generator().manual_seed(mixed(self.seed, epoch, 2))
        self.network.train()
        lr, move = self._rate(epoch), epoch >= self.warm
        losses = []
        for at, (train, validation) in enumerate(self.halves.pairs(epoch)):
            progress = min((epoch * self.per_epoch + at) / self.steps, 1.0)
            made = self.bilevel.step(train, validation, lr, generator, progress, move)
            losses.append(torch.stack([value.to(self.device) for value in made]))
        if not losses:
            raise DataError(f"The training data of {self.task.name!r} gave no batch.")
        train_loss, validation_loss = torch.stack(losses).mean(dim=0).tolist()
        return train_loss, validation_loss

    def _rate(self, epoch: int) -> float:
        """Cosine from ``lr`` to ``lr_min``, epoch by epoch as in the paper's code."""
        s = self.settings
        return s.lr_min + (s.lr - s.lr_min) * (1 + math.cos(math.pi * epoch / s.epochs)) / 2

    def _check(self, losses: tuple[float, float], epoch: int) -> None:
        moved = epoch >= self.warm
        finite = math.isfinite(losses[0]) and (math.isfinite(losses[1]) or not moved)
        alphas = all(bool(torch.isfinite(alpha).all()) for alpha in self.alphas.values())
        if finite and alphas:
            return
        became = (
            f"the losses became {losses[0]:.4g} (training) and {losses[1]:.4g} (validation)"
            if not finite
            else "the alphas are no longer finite numbers"
        )
        last = f"The state after epoch {epoch - 1} is the last good one."
        raise TrainingError(
            f"The search broke down in epoch {epoch}, {became}; lower lr or alpha_lr. "
            + (last if epoch else "There is no good state before it.")
        )

    def _curvature(self, epoch: int) -> float | None:
        """On the first batch of the validation half, the same in every epoch."""
        if self.settings.halt != "eigenvalue" or epoch < self.warm:
            return None
        batch = next(self.halves.validation())
        return dominant(self.network, self.alphas, self.variant, self.loss, batch, self.seed)

    def read(self) -> dict[str, np.ndarray]:
        """The weights of the operations as the search stands, (E, O) for each kind of cell."""
        return self._read(self.alphas)

    def _read(self, alphas: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
        with torch.no_grad():
            read = self.variant.read(alphas)
        return {kind: weight.double().cpu().numpy() for kind, weight in read.items()}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {k: a.detach().double().cpu().numpy() for k, a in self.alphas.items()}

    def outcome(self) -> Search:
        """What is known at this point; after an early stop, with the alphas from before."""
        arrays, weights = self._arrays(), self.read()
        if self.stopped and 0 <= self.taken < self.done - 1:
            arrays = {k: np.array(v) for k, v in self.records[self.taken].alphas.items()}
            weights = self._read({k: torch.from_numpy(a).float() for k, a in arrays.items()})
        return Search(
            space=self.space,
            settings=self.settings,
            seed=self.seed,
            task=self.task.name,
            alphas=arrays,
            weights=weights,
            records=tuple(self.records),
            network=self.network,
            epoch=self.taken,
            stopped=self.stopped,
        )

    def identity(self) -> dict[str, Any]:
        """See :func:`identity_of`."""
        return identity_of(self.space, self.task, self.settings, self.seed)

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on."""
        return {
            "identity": self.identity(),
            "network": self.network.state_dict(),
            "alphas": {k: a.detach() for k, a in self.alphas.items()},
            "weight_optimizer": self.bilevel.weight_optimizer.state_dict(),
            "alpha_optimizer": self.bilevel.alpha_optimizer.state_dict(),
            "records": [r.to_dict() for r in self.records],
            "stopped": self.stopped,
            "taken": self.taken,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self.network.load_state_dict(state["network"])
        with torch.no_grad():
            for kind, alpha in self.alphas.items():
                alpha.copy_(state["alphas"][kind])
        self.bilevel.weight_optimizer.load_state_dict(state["weight_optimizer"])
        self.bilevel.alpha_optimizer.load_state_dict(state["alpha_optimizer"])
        self.records = [EpochRecord.from_dict(r) for r in state["records"]]
        self.stopped, self.taken = state["stopped"], state["taken"]
