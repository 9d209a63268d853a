"""Measure networks of a space on a device and fit a latency model to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optunas.errors import OptunasError
from optunas.metrics.predicted.agreement import rank_correlation
from optunas.metrics.predicted.fingerprint import fingerprint
from optunas.metrics.predicted.fitting import Measured, fit_model
from optunas.metrics.predicted.model import LatencyModel
from optunas.metrics.predicted.question import Question
from optunas.metrics.predicted.sampling import Chosen, choose_networks
from optunas.metrics.predicted.side_file import SideFile
from optunas.metrics.predicted.terms import Counted
from optunas.metrics.predicted.watch import Watch
from optunas.metrics.timing.settings import Effort, How, processor_clock

if TYPE_CHECKING:
    from torch import nn

    from optunas.metrics.timing.result import Readings
    from optunas.metrics.timing.subjects import Subject

__all__ = ["Calibration", "calibrate", "default_how"]

TABLE_PASSES = 3
"""Rounds over the single operations: they are short, so their fastest reading is soon found."""

TABLE_SECONDS = 0.05
"""Readings of a single operation in one pass."""

Build = Callable[[Any], "nn.Module"]
"""The untrained network of a member."""


@dataclass(frozen=True)
class Calibration:
    """What is measured, and how.

    Attributes:
        question: whose networks.
        build: makes the network of a member.
        how: device, threads, dtype, back end.
        name: of the device, as reports call it.
        networks, held_out: to fit to, and to judge by.
        batch: inputs in one run.
        passes: rounds over all networks.
        effort: of a network's readings in one pass.
        table: measure the single operations too.
        seed: of the choice of networks and of the orders.
    """

    question: Question
    build: Build
    how: How = field(default_factory=How)
    name: str = "cpu"
    networks: int = 60
    held_out: int = 50
    batch: int = 1
    passes: int = 6
    effort: Effort = field(default_factory=lambda: Effort(warmup=3, max_seconds=0.2))
    table: bool = True
    seed: int = 0

    def chosen(self) -> Chosen:
        """The networks; random draws from the seed, so the same in every process."""
        return choose_networks(self.question, self.networks, self.held_out, self.seed)

    def facts(self, chosen: Chosen) -> dict[str, Any]:
        """Equal for calibrations whose measurements may stand in one file."""
        digest = self.question.space.digest
        how = self.how
        return {
            "settings": self.question.settings,
            "networks": [digest(member) for member in (*chosen.fit, *chosen.held_out)],
            "how": [how.device, how.threads, how.dtype, how.backend, how.cuda_graph, how.clock],
            "batch": self.batch,
            "machine": fingerprint(self.name, how.device).to_dict(),
        }


def default_how(
    device: str,
    threads: int = 1,
    dtype: str = "float32",
    backend: str = "eager",
    clock: str | None = None,
    cuda_graph: bool | None = None,
) -> How:
    """How to calibrate: by a thread's processor time where that says all, else by wall time.

    On a machine that others use too, processor time ranks networks far better: at a load of 20 on
    two cores, two halves of the passes agreed to .95 (Spearman) by it and to .80 by wall time.
    """
    if clock is None:
        clock = "processor" if processor_clock(device, threads) else "wall"
    return How(device, threads, dtype, backend, cuda_graph, clock)


def calibrate(
    calibration: Calibration,
    side: Path,
    *,
    watch: Watch | None = None,
    measure: Callable[..., Readings] | None = None,
) -> LatencyModel:
    """Measure, fit, report.

    The networks are measured in passes, each in another random order. On the CPU a network's value
    is its fastest reading of all passes: others can make it slower, never faster, so it predicts
    best where the machine is not alone. On other devices it is the median of the passes' medians.

    Args:
        calibration: what and how.
        side: file for the measurements, a line a block; a calibration that was stopped goes on
            from it. It is removed at the end.
        watch: is told what happens.
        measure: reads one network, ``(subject, effort) -> Readings``, for tests.

    Raises:
        DeviceError: when the device is not there.
        InvalidSpecError: for networks that do not run on it, a space with too few, or a side file
            of another calibration.
        StorageError: when the side file cannot be written.
        KeyboardInterrupt: on Ctrl-C; the side file keeps what is measured.
    """
    watch = watch or Watch()
    chosen = calibration.chosen()
    members = [*chosen.fit, *chosen.held_out]
    with SideFile(side, calibration.facts(chosen)) as kept:
        blocks, clock = _networks(calibration, members, kept, watch, measure)
        table = _table(calibration, members, kept, watch, measure) if calibration.table else {}
    lowest = calibration.how.device.startswith("cpu")
    values = [_value(one, lowest) for one in blocks]
    held = blocks[len(chosen.fit) :]
    measured: Measured = list(zip(members, values, strict=True))
    how = calibration.how
    device = fingerprint(
        calibration.name,
        how.device,
        how.threads,
        how.dtype,
        how.backend,
        calibration.batch,
        clock,
        _accelerator(how.device),
    )
    model = fit_model(
        calibration.question,
        measured[: len(chosen.fit)],
        measured[len(chosen.fit) :],
        device,
        table,
        _halves(held, lowest),
    )
    kept.remove()
    return model


Blocks = list[dict[int, tuple[float, float]]]
"""For each network by pass: its fastest reading and its median."""


def _networks(
    calibration: Calibration,
    members: list[Any],
    kept: SideFile,
    watch: Watch,
    measure: Callable[..., Readings] | None,
) -> tuple[Blocks, str]:
    found: Blocks = [{} for _ in members]
    clock = calibration.how.clock
    for line in kept.lines:
        if "network" in line:
            found[line["network"]][line["pass"]] = (line["min_ms"], line["median_ms"])
            clock = line["clock"]
    done = frozenset(
        (number, at)
        for at, one in enumerate(found)
        for number in one
        if number < calibration.passes
    )
    watch.begin("networks", calibration.passes * len(members), len(done))
    if len(done) == calibration.passes * len(members):
        return found, clock
    from optunas.metrics.timing.many import blocks

    subject = _Subjects(calibration, [_built(calibration, member) for member in members])
    effort, seed = calibration.effort, calibration.seed
    for block in blocks(subject, len(members), calibration.passes, effort, seed, done, measure):
        ms = block.readings.ms
        found[block.network][block.number] = (min(ms), float(np.median(ms)))
        clock = subject(block.network).clock
        low, middle = found[block.network][block.number]
        kept.add(
            {
                "network": block.network,
                "pass": block.number,
                "min_ms": low,
                "median_ms": middle,
                "clock": clock,
            }
        )
        watch.step(f"{middle:.3g} ms")
    return found, clock


def _built(calibration: Calibration, member: Any) -> Callable[[], tuple[Any, tuple[int, ...]]]:
    shape = (calibration.batch, *calibration.question.input_shape)
    return lambda: (calibration.build(member), shape)


class _Subjects:
    """Networks made ready when they are first read, then kept."""

    def __init__(
        self,
        calibration: Calibration,
        makers: list[Callable[[], tuple[Any, tuple[int, ...]]]],
    ) -> None:
        self.calibration, self.makers = calibration, makers
        self._ready: dict[int, Subject] = {}

    def __call__(self, index: int) -> Subject:
        from optunas.metrics.timing.subjects import prepare

        if index not in self._ready:
            network, shape = self.makers[index]()
            self._ready[index] = prepare(network, shape, self.calibration.how)
        return self._ready[index]


def _table(
    calibration: Calibration,
    members: list[Any],
    kept: SideFile,
    watch: Watch,
    measure: Callable[..., Readings] | None,
) -> dict[str, float]:
    """The fastest reading of each single operation, by key."""
    wanted: dict[str, Counted] = {}
    for member in members:
        for counted in calibration.question.counted(member):
            if counted.origin is not None:
                wanted.setdefault(counted.term.key, counted)
    found = {line["term"]: line["ms"] for line in kept.lines if "term" in line}
    left = {key: one for key, one in wanted.items() if key not in found}
    watch.begin("operations", len(wanted), len(wanted) - len(left))
    for key, counted in left.items():
        found[key] = _single(calibration, counted, measure)
        kept.add({"term": key, "ms": found[key]})
        watch.step(key)
    return {key: ms for key, ms in found.items() if ms is not None}


def _single(
    calibration: Calibration, counted: Counted, measure: Callable[..., Readings] | None
) -> float | None:
    """Milliseconds of one operation alone; None where it cannot be measured alone."""
    from optunas.metrics.predicted.single import operation_module, operation_shape
    from optunas.metrics.timing.many import blocks
    from optunas.metrics.timing.subjects import prepare

    try:
        module = operation_module(counted)
        if module is None:
            return None
        shape = (calibration.batch, *operation_shape(counted.term))
        subject = prepare(module, shape, calibration.how)
    except OptunasError:
        return None  # the roofline of its work stands for it
    effort = Effort(warmup=3, max_seconds=TABLE_SECONDS)
    readings = blocks([subject], 1, TABLE_PASSES, effort, measure=measure)
    return min(min(block.readings.ms) for block in readings)


def _value(passes: Mapping[int, tuple[float, float]], lowest: bool) -> float:
    if lowest:
        return min(low for low, _ in passes.values())
    return float(np.median([middle for _, middle in passes.values()]))


def _halves(blocks: Blocks, lowest: bool) -> float | None:
    """Rank correlation between even and odd passes."""
    if not blocks or min(len(one) for one in blocks) < 2:
        return None
    sides = [
        [_value({n: one[n] for n in one if n % 2 == odd}, lowest) for one in blocks]
        for odd in (0, 1)
    ]
    return rank_correlation(*sides)


def _accelerator(device: str) -> str:
    if not device.startswith("cuda"):
        return ""
    import torch

    return str(torch.cuda.get_device_name(device))
