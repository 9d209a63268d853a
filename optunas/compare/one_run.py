"""One run: a contestant, a seed, the comparison's budget, in this process's memory."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage

from optunas import codec
from optunas.compare.clock import Clocked
from optunas.compare.contestants import Contestant
from optunas.compare.recorder import Recorder
from optunas.errors import InvalidSpecError, OptunasError, TrainingError
from optunas.objective import Objective
from optunas.study import StudyHandle, create
from optunas.study.life import make_objective
from optunas.study.loop import Loop
from optunas.study.references import resolve

__all__ = ["Runner"]


class Runner:
    """Runs contestants; a study's task is made once, for all of its runs.

    Args:
        device: to train on.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self._objectives: dict[str, Objective] = {}

    def objective(self, contestant: Contestant) -> Objective:
        """The objective of a contestant's study, made and checked when it is first asked for.

        Raises:
            OptunasError: when the definition cannot work.
        """
        spec, trust = contestant.entry.spec, contestant.entry.trust
        if spec.name not in self._objectives:
            self._objectives[spec.name] = make_objective(spec, trust, self.device)
        return self._objectives[spec.name]

    def open(self, contestant: Contestant, seed: int) -> tuple[StudyHandle, Objective]:
        """A new study for a run, in memory, and the objective with the run's seed.

        Raises:
            OptunasError: for a sampler or pruner that cannot work.
        """
        spec = replace(contestant.spec, seed=seed)
        objective = copy.copy(self.objective(contestant))
        objective.seed, objective.history = seed, None
        handle = create(spec, InMemoryStorage(), device=self.device, objective=objective)
        if contestant.sampler.reference:
            handle.study.sampler = _from_elsewhere(contestant, objective, seed)
        return handle, objective

    def run(
        self,
        contestant: Contestant,
        seed: int,
        path: Path,
        key: str,
        on_trial: Callable[[int], None] | None = None,
    ) -> None:
        """Do a run, or the rest of it, and leave its file at ``path``.

        Trials depend on the seed, their number and the trials before alone, so a run that was
        killed goes on as if it had not been.

        Raises:
            TrainingError: when trial after trial fails.
            StorageError: when what an earlier run left is damaged.
        """
        handle, objective = self.open(contestant, seed)
        head = {"key": key, "seed": seed, "contestant": contestant.label}
        with Recorder(path, head, handle.study, on_trial) as recorder:
            if contestant.sampler.reference:
                recorder.forget()  # whether it keeps its state in the trials is not known
            recorder.restore(codec.distributions(contestant.spec.space))
            for params, source in contestant.entry.seeds[len(recorder.rows) :]:
                handle.study.enqueue_trial(dict(params), user_attrs={"source": source})
            recorder.sampler = handle.study.sampler = Clocked(handle.study.sampler)
            loop = Loop(handle, objective, contestant.spec.budget, recorder)
            try:
                reason = loop.run()
            except TrainingError as error:
                raise TrainingError(f"{contestant.label}, seed {seed}: {error}") from error
            recorder.finish(reason)


def _from_elsewhere(contestant: Contestant, objective: Objective, seed: int) -> BaseSampler:
    reference = contestant.sampler.reference
    factory: Any = resolve(reference, contestant.entry.trust)
    try:
        made = factory(contestant.spec.space, objective.directions, seed)
    except OptunasError:
        raise
    except Exception as error:
        raise InvalidSpecError(
            f"The sampler {reference!r} cannot be made: {type(error).__name__}: {error}."
        ) from error
    if not isinstance(made, BaseSampler):
        raise InvalidSpecError(
            f"{reference!r} must return an Optuna sampler (BaseSampler), got {made!r}."
        )
    return made


def set_threads(threads: int) -> None:
    """Torch's threads, where torch is loaded: a table needs none."""
    torch = sys.modules.get("torch")
    if torch is not None and threads:
        torch.set_num_threads(threads)
