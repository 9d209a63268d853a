"""Where a study's latency comes from: a measurement of each network, or a model that knows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optunas.errors import InvalidSpecError
from optunas.nets.own_build import own_build
from optunas.objective import LatencySource
from optunas.space import Space

__all__ = ["MEASURED", "describe_latency", "latency_source", "read_latency"]

MEASURED = "measured"


def read_latency(given: Any) -> str | dict[str, Any]:
    """What a definition stores for ``StudySpec.latency``: a file's content, not its path.

    A study goes on where the file is not, and with the values that it began with.

    Args:
        given: ``measured``; the path of a file that ``optunas latency calibrate`` wrote; or its
            content.

    Raises:
        InvalidSpecError: for anything else.
        StorageError: for a file that cannot be read, or is no latency model.
    """
    if given == MEASURED:
        return MEASURED
    if isinstance(given, (str, Path)) and str(given).endswith(".json"):
        from optunas.metrics.predicted import LatencyModel
        from optunas.metrics.predicted.files import read_json

        given = read_json(given, "a latency model")
        LatencyModel.from_dict(given)
    if isinstance(given, Mapping):
        return dict(given)
    raise InvalidSpecError(
        f"StudySpec.latency must be {MEASURED!r} or the path of a .json file that 'optunas latency "
        f"calibrate' wrote, got {given!r}."
    )


def latency_source(
    latency: str | Mapping[str, Any], space: Space[Any], task: Any, training: Mapping[str, Any]
) -> LatencySource | None:
    """What tells the latency of a study's networks; None where each is measured.

    Args:
        latency: as :func:`read_latency` returns it.
        space, task, training: of the study.

    Raises:
        InvalidSpecError: for a model of other networks, or of a space or a task that builds its
            networks its own way.
        StorageError: for a damaged model.

    Warns:
        OtherDeviceWarning: where the model was measured on another device than this one.
    """
    if isinstance(latency, str):
        return None
    from optunas.metrics.predicted import LatencyModel

    model = LatencyModel.from_dict(latency, "StudySpec.latency")
    if own_build(space) is not None or not getattr(task, "builds_cells", False):
        raise InvalidSpecError(
            f"A latency model knows the networks of optunas.build; those of the task {task.name!r} "
            f"are made otherwise. Leave latency at {MEASURED!r}."
        )
    model.check(space, task.input_shape, task.num_outputs, training)
    return model


def describe_latency(latency: str | Mapping[str, Any]) -> str:
    """One line for a study's table; empty where latency is measured."""
    if isinstance(latency, str):
        return ""
    from optunas.metrics.predicted import LatencyModel

    model = LatencyModel.from_dict(latency)
    return f"predicted for {model.device.name!r}, calibrated on {model.fitted} networks"
