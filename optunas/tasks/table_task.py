"""What tasks on published tables share: a training is a look-up, its cost the recorded seconds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optunas.errors import DataError, DeviceError, UnknownNameError
from optunas.measures import metric
from optunas.tasks.protocol import Score
from optunas.tasks.tables import Table, check_runs, check_seed

__all__ = ["TableTask"]


class TableTask(ABC):
    """A task whose every training was recorded once; nothing is trained and torch is not needed.

    A trial has one step, the whole recorded training. Its seconds are the recorded ones, so that a
    budget's device hours count what the training cost when the table was made.

    Attributes:
        table: what was recorded.
        runs: ``mean``, the score of a setting is the mean over its recorded runs, NaN (no such run)
            left out; or ``draw``, one of them, drawn by the trial's seed and the setting: noise as
            of a single training, the same again for the same seed.
        gives: metrics that come with the score: ``fit_seconds`` and others of the table.
        knows: metrics that :meth:`known` returns.
        lacking: metric -> how to get it, where the table could have it.
    """

    input_shape = num_outputs = None
    network_keys: tuple[str, ...] = ()
    devices = ("cpu",)
    step_name = "training"
    default_epochs = 1
    simulated = True
    gives: tuple[str, ...] = ("fit_seconds",)
    knows: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        table: Table,
        score_name: str,
        runs: str,
        options: Mapping[str, Any],
        lacking: Mapping[str, str],
    ) -> None:
        self.name, self.table, self.score_name = name, table, score_name
        self.direction = metric(score_name).direction
        self.runs = check_runs(runs)
        self.options, self.lacking = dict(options), dict(lacking)

    @property
    def deterministic(self) -> bool:
        """Whether a candidate has the same score each time."""
        return self.runs == "mean"

    @abstractmethod
    def row(self, candidate: Any, hyperparameters: Mapping[str, Any]) -> int:
        """The table's row of a candidate, everything checked."""

    @abstractmethod
    def known(self, architecture: Any, hyperparameters: Mapping[str, Any]) -> dict[str, float]:
        """The metrics of a candidate that are known before training, by name."""

    @abstractmethod
    def check(self, hyperparameters: Mapping[str, Any]) -> None:
        """Raise for hyperparameters that the table does not have."""

    @abstractmethod
    def build(self, architecture: Any, hyperparameters: Mapping[str, Any]) -> Any:
        """The untrained network, where there is one."""

    @abstractmethod
    def _reading(self, row: int, seed: int) -> dict[str, float]:
        """Score and given metrics of a row, by name."""

    @abstractmethod
    def column(self, name: str) -> NDArray[np.float64]:
        """A metric of every row, (rows,): the mean over the runs, in the metric's unit.

        Rows are in the order of the space's ``enumerate()``.

        Raises:
            UnknownNameError: for a metric that the table does not have.
        """

    def columns(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Several metrics of every row, (rows, metrics); see :meth:`column`."""
        return np.stack([self.column(name) for name in names], axis=1)

    def true_front(self, names: Sequence[str]) -> list[list[float]] | None:
        """The best values that there are: the Pareto front of all rows, in the metrics' units.

        None where runs are drawn, whose noise goes beyond it, or a metric is not in the table.
        """
        if self.runs != "mean" or set(names) - {self.score_name, *self.gives, *self.knows}:
            return None
        values = np.unique(self.columns(names), axis=0)
        losses = values * [-1.0 if metric(name).maximize else 1.0 for name in names]
        front: list[int] = []
        # In lexicographic order nothing that comes later dominates what came before.
        for row in np.lexsort(losses.T[::-1]):
            if not front or not (losses[front] <= losses[row]).all(axis=1).any():
                front.append(int(row))
        return values[front].tolist()

    def scores(
        self,
        candidate: Any,
        hyperparameters: Mapping[str, Any],
        seed: int = 0,
        device: str = "cpu",
    ) -> Generator[Score, None, int]:
        """Yield the one recorded score; return the row.

        Args:
            candidate: an architecture, or None where the table has hyperparameters alone.
            hyperparameters: of the table's grid.
            seed: draws the run where ``runs`` is ``draw``.
            device: ``cpu``: nothing is trained.

        Raises:
            OptunasError: at once, for a candidate that is not in the table.
        """
        if device != "cpu":
            raise DeviceError(
                f"The task {self.name!r} looks trainings up and needs no device, got {device!r}; "
                "leave it at 'cpu'."
            )
        return self._scores(self.row(candidate, hyperparameters), check_seed(seed))

    def _scores(self, row: int, seed: int) -> Generator[Score, None, int]:
        reading = self._reading(row, seed)
        yield Score(0, reading.pop(self.score_name), reading["fit_seconds"], reading)
        return row

    def test_score(self, network: Any, device: str = "cpu") -> float:
        """A table holds validation scores alone.

        Raises:
            DataError: always.
        """
        raise DataError(f"The table of {self.name} holds validation scores, no test scores.")

    def fingerprint(self) -> str:
        """A hash of the table and of what is read from it."""
        return f"{self.table.fingerprint}-{self.runs}"

    def _known_name(self, name: str, known: Sequence[str]) -> None:
        if name not in known:
            raise UnknownNameError(f"metric of the table {self.name!r}:", name, known)
