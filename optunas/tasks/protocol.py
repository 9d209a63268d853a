"""What a study asks of a task."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Score", "Task"]


class _Step(NamedTuple):
    step: int
    score: float
    seconds: float


class Score(_Step):
    """The validation score after one epoch (or whatever the task counts in).

    A tuple of three, ``step, score, seconds = ...``; what came with the score is beside it.

    Attributes:
        step: from 0.
        score: in the unit of the task's ``score_name``; fractions for classification.
        seconds: what this step cost.
        metrics: the values so far of what the task's ``gives`` names, in the metric's unit.
    """

    metrics: Mapping[str, float]

    def __new__(
        cls, step: int, score: float, seconds: float, metrics: Mapping[str, float] | None = None
    ) -> Score:
        made = super().__new__(cls, step, score, seconds)
        made.metrics = dict(metrics or {})
        return made


@runtime_checkable
class Task(Protocol):
    """Data, loss and score.

    Attributes:
        name: for tables and notes.
        score_name: the metric that ``scores`` yields (``accuracy``, ``balanced_accuracy``, ``f1``,
            ``mae``, ``r2``).
        direction: ``maximize`` or ``minimize``.
        input_shape: (channels, height, width) of one sample, or None without a network.
        num_outputs: classes or regression targets, or None without a network.
        options: what the factory was called with, JSON-able: calling it so again gives this task.
        network_keys: hyperparameters that shape the network; ``build`` reads them.

    A task may have further attributes:

    - ``gives``: names of metrics that are known only after training and come with its scores
      (:attr:`Score.metrics`); those of the last step are the trial's.
    - ``known(architecture, hyperparameters)``: metrics that it knows without training; raises for a
      candidate that it does not take. ``knows`` names them, where these are all that there are, and
      ``lacking`` maps others to how they could be had.
    - ``default_epochs``: steps of a whole training.
    - ``devices``: where it can run, ``("cpu",)``; without it, anywhere.
    - ``step_name``: what a step is, ``"fold"``; without it, an epoch. Only epochs have a best one.
    - ``true_front(names)``: the best values of metrics that there are, for comparisons; or None.
    - ``simulated``: True where seconds are recorded ones and pass in no time.
    - ``deterministic``: True where a candidate's scores are looked up and the same each time: the
      same code again is never paid again.
    - ``training(...)``: a training that can stop and go on later; see
      :class:`~optunas.tasks.resuming.Resumable`.
    - ``network_shape``: of one sample of ``build``'s networks, where ``input_shape`` is None since
      nothing is trained.
    - ``baseline``: (name, hyperparameters) of a plain candidate to stand beside the front, and
      its architecture as a third, where it has one.
    """

    name: str
    score_name: str
    network_keys: tuple[str, ...]

    @property
    def direction(self) -> str:
        """``maximize`` or ``minimize``."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """What the factory was called with."""
        ...

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """Of one sample, without batch."""
        ...

    @property
    def num_outputs(self) -> int | None:
        """Of the network."""
        ...

    def build(self, architecture: Any, hyperparameters: Mapping[str, Any]) -> nn.Module:
        """The untrained network of ``architecture`` for this task."""
        ...

    def check(self, hyperparameters: Mapping[str, Any]) -> None:
        """Raise an :class:`~optunas.errors.OptunasError` for a wrong name or value."""
        ...

    def scores(
        self,
        candidate: Any,
        hyperparameters: Mapping[str, Any],
        seed: int = 0,
        device: str = "cpu",
    ) -> Generator[Score, None, Any]:
        """Train ``candidate`` and yield its validation scores; returns the trained network.

        The test data has no part in it. The returned value of the generator
        (``StopIteration.value``) is whatever ``test_score`` takes.
        """
        ...

    def test_score(self, network: Any, device: str = "cpu") -> float:
        """The score of a trained network on the test data."""
        ...

    def fingerprint(self) -> str:
        """A hash of data and split: equal fingerprints make scores comparable."""
        ...
