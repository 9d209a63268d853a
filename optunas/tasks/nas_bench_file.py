"""A file of further measurements of NAS-Bench-201's cells: latency on devices, short trainings.

The environment variable ``OPTUNAS_NB201`` names it: an ``.npz`` with one row for each of the 15,625
cells, in any order, ``ops`` saying which cell it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optunas.errors import DataError, UnknownNameError
from optunas.space.dense import NB201_OPERATIONS

__all__ = ["VARIABLE", "NB201File", "device_names", "read_file"]

VARIABLE = "OPTUNAS_NB201"

_ROWS = len(NB201_OPERATIONS) ** 6

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NB201File:
    """What such a file holds, its rows in the order of ``NB201.enumerate()``.

    Attributes:
        path: of the file.
        devices: names of the columns of ``latency_ms``.
        latency_ms: (15625, devices).
        accuracy_12: data set -> (15625,) fractions after a training of 12 epochs.
    """

    path: str
    devices: tuple[str, ...]
    latency_ms: Floats
    accuracy_12: dict[str, Floats]

    def latency(self, device: object, others: Sequence[str] = ()) -> Floats:
        """(15625,) milliseconds on a device.

        Raises:
            UnknownNameError: for a device that the file does not have; ``others`` are named too.
        """
        if device not in self.devices:
            raise UnknownNameError("device (device_latency)", device, (*self.devices, *others))
        return self.latency_ms[:, self.devices.index(str(device))]

    def short(self, dataset: str) -> Floats:
        """(15625,) accuracies of the short training.

        Raises:
            DataError: for a data set without one.
        """
        if dataset not in self.accuracy_12:
            there = ", ".join(self.accuracy_12) or "none"
            raise DataError(
                f"{self.path!r} has no training of 12 epochs on {dataset} (it has: {there}); use "
                "epochs=200."
            )
        return self.accuracy_12[dataset]


def read_file(path: str | None, without: Sequence[str] = ()) -> NB201File:
    """Read the file that ``OPTUNAS_NB201`` names.

    Args:
        path: the variable's value; None when it is not set.
        without: devices whose latency needs no file, for the sentence.

    Raises:
        DataError: when it is not set, or names no such file.
    """
    if not path:
        also = (
            f"; the latency of {' or '.join(map(repr, without))} needs no file" if without else ""
        )
        raise DataError(
            "Latency on a device and trainings of 12 epochs come from a file: name nb201.npz in "
            f"the environment variable {VARIABLE}{also}."
        )
    try:
        changed = Path(path).stat().st_mtime_ns
    except OSError:
        raise DataError(f"{VARIABLE} names {path!r}, which is not there.") from None
    return _read(str(path), changed)


def device_names(path: str | None) -> str:
    """The devices of a file in brackets; "" where it cannot be read."""
    try:
        return f" ({', '.join(read_file(path).devices)})"
    except DataError:
        return ""


@lru_cache(maxsize=2)
def _read(path: str, changed: int) -> NB201File:
    try:
        with np.load(path, allow_pickle=False) as file:
            return _parsed(path, file)
    except (OSError, ValueError, KeyError, EOFError, AttributeError) as error:
        raise DataError(
            f"{VARIABLE} names {path!r}, which is no file of NAS-Bench-201's measurements "
            f"({type(error).__name__}: {error}): it needs ops (15625, 6), op_names, "
            "latency_devices and latency_ms."
        ) from None


def _parsed(path: str, file: Any) -> NB201File:
    names = [str(name) for name in file["op_names"]]
    codes = np.array([NB201_OPERATIONS.index(name) for name in names])
    ops = codes[file["ops"]]  # (15625, 6), edges sorted by (target, source)
    rows = np.ravel_multi_index(tuple(ops.T), (len(NB201_OPERATIONS),) * 6)
    if len(np.unique(rows)) != _ROWS:
        raise ValueError(f"{len(np.unique(rows))} different cells instead of {_ROWS:,}")
    order = np.argsort(rows)
    latency = np.asarray(file["latency_ms"], dtype=float)[order]
    devices = tuple(str(name) for name in file["latency_devices"])
    if latency.shape != (_ROWS, len(devices)) or not np.isfinite(latency).all():
        raise ValueError(f"latency_ms of shape {latency.shape} for {len(devices)} devices")
    prefix = "val_acc_12ep_"
    short = {
        name.removeprefix(prefix): np.asarray(file[name], dtype=float)[order] / 100
        for name in file.files
        if name.startswith(prefix)
    }
    return NB201File(path, devices, latency, short)
