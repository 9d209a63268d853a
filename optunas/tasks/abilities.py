"""What a task can do for a study, found out before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from optunas.errors import DeviceError, InvalidSpecError
from optunas.measures import Metric
from optunas.tasks.protocol import Task

__all__ = ["check_abilities"]


def check_abilities(task: Task, metrics: Sequence[Metric], device: str, score: str) -> None:
    """Refuse what a task cannot do.

    Args:
        task: of any kind.
        metrics: wanted ones that its scores do not bring.
        device: to run on.
        score: ``"last"`` or ``"best"`` step gives a trial's value.

    Raises:
        InvalidSpecError: for a metric that cannot be had, or a best step where steps are no epochs.
        DeviceError: for a device that it cannot run on.
    """
    gives = tuple(getattr(task, "gives", ()))
    lacks = [m.name for m in metrics if not m.cheap and m.compute is None]
    knows = getattr(task, "knows", None)
    if task.input_shape is None and (knows is not None or not hasattr(task, "known")):
        # No network to count or time, and not recorded either.
        recorded = knows or ()
        lacks += [
            m.name for m in metrics if m.cheap and m.compute is None and m.name not in recorded
        ]
    if lacks:
        there = (*gives, *(knows or ()))
        also = f"; it gives {', '.join(there)}" if there else ""
        how = getattr(task, "lacking", {})
        also += "".join(f"; {how[name]}" for name in lacks if name in how)
        raise InvalidSpecError(
            f"The task {task.name!r} scores {task.score_name!r} and cannot give "
            f"{', '.join(lacks)} as well{also}."
        )
    devices = getattr(task, "devices", None)
    if devices is not None and device not in devices:
        raise DeviceError(
            f"The task {task.name!r} runs on {' or '.join(devices)}, got device {device!r}."
        )
    step = getattr(task, "step_name", "epoch")
    if score == "best" and step != "epoch":
        raise InvalidSpecError(
            f"score='best' is for epochs; the steps of the task {task.name!r} are {step}s, whose "
            "last score is the one that counts: leave score at 'last'."
        )
