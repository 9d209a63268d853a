"""Where a study's latency comes from: measured on each network, or known without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optunas.errors import InvalidSpecError, StorageError, UnknownNameError
from optunas.nets.own_build import own_build
from optunas.objective import LatencySource
from optunas.space import Space

__all__ = ["MEASURED", "describe_latency", "latency_source", "read_latency"]

MEASURED = "measured"

PROFILE = "optunas roofline profile"
"""Marks the content of a profile's file, as a calibration's marks its own."""


def read_latency(given: Any) -> str | dict[str, Any]:
    """What a definition stores for ``StudySpec.latency``: a file's content, not its path.

    A study goes on where the file is not, and with the values that it began with.

    Args:
        given: ``measured``; the path of a file that ``optunas latency calibrate`` wrote; the name
            of a profile of :func:`optunas.metrics.profiles`, or the path of one in TOML; or what
            this function returned.

    Raises:
        UnknownNameError: for another name, with the nearest.
        InvalidSpecError, StorageError: for a file that cannot be read, or holds something else.
    """
    if given == MEASURED:
        return MEASURED
    if isinstance(given, Mapping):
        return dict(given)
    if not isinstance(given, (str, Path)):
        raise InvalidSpecError(
            f"StudySpec.latency must be {MEASURED!r}, the path of a .json file of 'optunas latency "
            f"calibrate', or a profile's name or .toml file, got {given!r}."
        )
    if str(given).endswith(".json"):
        from optunas.metrics.predicted import LatencyModel
        from optunas.metrics.predicted.files import read_json

        body = read_json(given, "a latency model")
        LatencyModel.from_dict(body, repr(str(given)))
        return body
    if str(given).endswith(".toml"):
        from optunas.metrics import load_profile

        return {"kind": PROFILE, **_plain(load_profile(given))}
    from optunas.metrics import profiles

    names = [profile.name for profile in profiles()]
    if given not in names:
        raise UnknownNameError("latency", str(given), (MEASURED, *names))
    return str(given)


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
    if latency == MEASURED:
        return None
    if own_build(space) is not None or not getattr(task, "builds_cells", False):
        raise InvalidSpecError(
            f"Latency that is not measured is known of the networks of optunas.build; those of the "
            f"task {task.name!r} are made otherwise. Leave latency at {MEASURED!r}."
        )
    source = _source(latency)
    if isinstance(latency, Mapping) and latency.get("kind") != PROFILE:
        source.check(space, task.input_shape, task.num_outputs, training)
    return source


def describe_latency(latency: str | Mapping[str, Any]) -> str:
    """One line for a study's table; empty where latency is measured."""
    if latency == MEASURED:
        return ""
    source = _source(latency)
    if hasattr(source, "profile"):
        return (
            f"estimated for {source.profile.name} from peaks ({source.basis}): it ranks networks, "
            "it does not time them"
        )
    return f"predicted for {source.device.name!r}, calibrated on {source.fitted} networks"


def _source(latency: str | Mapping[str, Any]) -> Any:
    if isinstance(latency, Mapping) and latency.get("kind") != PROFILE:
        from optunas.metrics.predicted import LatencyModel

        return LatencyModel.from_dict(latency, "StudySpec.latency")
    from optunas.metrics import EstimatedLatency, Profile

    if isinstance(latency, str):
        return EstimatedLatency(latency)
    body = {name: value for name, value in latency.items() if name != "kind"}
    try:
        return EstimatedLatency(Profile(**body))
    except TypeError as error:
        raise StorageError(f"StudySpec.latency is a damaged profile: {error}.") from None


def _plain(profile: Any) -> dict[str, Any]:
    return {**asdict(profile), "tflops": dict(profile.tflops)}
