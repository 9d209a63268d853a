"""The work of ``optunas latency``: a study's networks, measured with progress."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from optunas.cli.latency_report import Steps
from optunas.errors import InvalidSpecError
from optunas.metrics.predicted import LatencyModel, Question, choose_networks
from optunas.metrics.predicted.fingerprint import Fingerprint
from optunas.study import load_file
from optunas.study.life import make_task

if TYPE_CHECKING:
    from optunas.metrics import Latency

__all__ = ["Asked", "Row", "calibrated", "exported", "from_csv", "measured", "repeated"]


@dataclass(frozen=True)
class Asked:
    """Options that the measuring commands share."""

    device: str = "cpu"
    threads: int = 1
    dtype: str = "float32"
    backend: str = "eager"
    clock: str | None = None
    passes: int = 5
    within: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        if self.passes < 1:
            raise InvalidSpecError(f"--passes must be a positive integer, got {self.passes}.")
        if self.seed < 0:
            raise InvalidSpecError(f"--seed must be a whole number from 0 on, got {self.seed}.")


class Row(NamedTuple):
    """One network of a measured set."""

    network: str
    batch: int
    latency: Latency


Build = Callable[[Any], Any]


def question_of(file: str, input_shape: str | None, outputs: int | None) -> tuple[Question, Build]:
    """A study file's networks, and what builds one of them.

    Raises:
        InvalidSpecError: for a task without networks where no shape and outputs are given, and for
            a space whose networks have no plan.
    """
    from optunas.metrics.predicted.question import require_networks

    spec = load_file(file)
    require_networks(spec.space)
    task = make_task(spec, ["*"])
    own = getattr(task, "network_shape", None) or task.input_shape
    shape = _shape(input_shape) if input_shape is not None else own
    count = outputs if outputs is not None else task.num_outputs
    if shape is None or count is None:
        raise InvalidSpecError(
            f"The task {task.name!r} does not say what its networks take and give; say it with "
            "--input-shape, such as 3x32x32, and --outputs, such as 10."
        )
    if count < 1:
        raise InvalidSpecError(f"--outputs must be a positive integer, got {count}.")
    question = Question(spec.space, tuple(shape), int(count), dict(spec.training))
    theirs = input_shape is None and outputs is None and task.num_outputs is not None

    def build(member: Any) -> Any:
        from optunas.nets.build import build as build_network

        architecture, counts = question.parts(member)
        if theirs:  # a task may build networks its own way
            searched = spec.space.parts(member)[1]
            return task.build(architecture, {**spec.training, **searched})
        return build_network(architecture, question.input_shape, question.num_outputs, **counts)

    return question, build


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(size) for size in text.replace(",", "x").split("x"))
    except ValueError:
        shape = ()
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise InvalidSpecError(
            f"--input-shape must be channels x height x width, such as 3x32x32, got {text!r}."
        )
    return shape


def measured(
    file: str,
    networks: int,
    batches: Sequence[int],
    asked: Asked,
    input_shape: str | None,
    outputs: int | None,
) -> list[Row]:
    """Random networks of the file's space, for each batch size."""
    from optunas.metrics import latencies

    _positive(networks=networks, **{f"batch {n}": n for n in batches})
    question, build = question_of(file, input_shape, outputs)
    members = choose_networks(question, 0, networks, asked.seed).held_out
    built = [build(member) for member in members]
    rows = []
    total = asked.passes * len(built) * len(batches)
    with Steps() as steps:
        steps.begin("networks", total, 0)
        for batch in batches:
            found = latencies(
                built,
                (batch, *question.input_shape),
                asked.device,
                asked.threads,
                passes=asked.passes,
                within=asked.within,
                dtype=asked.dtype,
                backend=asked.backend,
                clock=asked.clock or "auto",
                seed=asked.seed,
                watch=lambda done, total: steps.step(""),
            )
            labels = [str(question.parts(member)[0]) for member in members]
            rows += [Row(*one) for one in zip(labels, [batch] * len(built), found, strict=True)]
    return rows


def repeated(
    file: str,
    processes: int,
    networks: int,
    batch: int,
    asked: Asked,
    input_shape: str | None,
    outputs: int | None,
) -> list[list[float]]:
    """Milliseconds by process and network.

    Raises:
        InvalidSpecError: with what the first process that fails says.
    """
    _positive(processes=processes, networks=networks, batch=batch)
    if processes < 2 or networks < 3:
        raise InvalidSpecError(
            "To compare orders takes two processes and three networks at least, got --processes "
            f"{processes} and --networks {networks}."
        )
    command = [sys.executable, "-m", "optunas", "latency", "measure", file, "--json"]
    options: dict[str, Any] = {
        "networks": networks,
        "batch": batch,
        "device": asked.device,
        "threads": asked.threads,
        "dtype": asked.dtype,
        "backend": asked.backend,
        "clock": asked.clock,
        "passes": asked.passes,
        "within": asked.within,
        "seed": asked.seed,
        "input-shape": input_shape,
        "outputs": outputs,
    }
    for name, value in options.items():
        command += [] if value is None else [f"--{name}", str(value)]
    found = []
    with Steps() as steps:
        steps.begin("processes", processes, 0)
        for _ in range(processes):
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            if ended.returncode:
                said = ended.stderr.strip().splitlines() or ["it ended without a word"]
                raise InvalidSpecError(said[-1].removeprefix("Error: "))
            found.append([row["median_ms"] for row in json.loads(ended.stdout)["networks"]])
            steps.step("")
    return found


def calibrated(
    file: str,
    target: Path,
    name: str | None,
    counts: tuple[int, int],
    batch: int,
    table: bool,
    resume: bool,
    asked: Asked,
    input_shape: str | None,
    outputs: int | None,
) -> LatencyModel:
    """A model of this machine; what is measured is kept beside ``target`` until it is whole."""
    from optunas.metrics.predicted.calibrating import Calibration, calibrate, default_how
    from optunas.metrics.predicted.fitting import check_counts
    from optunas.metrics.timing.devices import find_device
    from optunas.metrics.timing.settings import Effort

    check_counts(*counts)
    _positive(batch=batch)
    how = default_how(asked.device, asked.threads, asked.dtype, asked.backend, asked.clock)
    find_device(how.device)
    question, build = question_of(file, input_shape, outputs)
    calibration = Calibration(
        question,
        build,
        how,
        name or how.device,
        *counts,
        batch,
        asked.passes,
        Effort(warmup=3, max_seconds=0.2, within=asked.within),
        table,
        asked.seed,
    )
    side = target.with_name(f"{target.name}.partial")
    if not resume:
        side.unlink(missing_ok=True)
    with Steps() as steps:
        return calibrate(calibration, side, watch=steps)


def from_csv(
    file: str,
    source: str,
    name: str | None,
    held_out: int,
    batch: int,
    asked: Asked,
    input_shape: str | None,
    outputs: int | None,
) -> LatencyModel:
    """A model of a device that was measured elsewhere."""
    from optunas.metrics.predicted import fit_model
    from optunas.metrics.predicted.csv_file import read_csv

    _positive(batch=batch)
    if held_out < 0:
        raise InvalidSpecError(f"--held-out must be a whole number from 0 on, got {held_out}.")
    question, _ = question_of(file, input_shape, outputs)
    rows = read_csv(source, question, held_out, asked.seed)
    device = Fingerprint(
        name or Path(source).stem, here=False, device="", dtype=asked.dtype, backend="", batch=batch
    )
    try:
        return fit_model(question, *rows, device)
    except InvalidSpecError as error:
        raise InvalidSpecError(f"{source!r}: {error}") from None


def exported(
    file: str,
    output: str,
    networks: int,
    held_out: int,
    batch: int,
    dtype: str,
    seed: int,
    input_shape: str | None,
    outputs: int | None,
) -> Path:
    """Networks as ONNX and the CSV to fill in; returns the CSV's path."""
    from optunas.metrics.predicted.export_plan import export_plan
    from optunas.metrics.predicted.fitting import check_counts
    from optunas.metrics.timing.settings import How

    Asked(seed=seed)
    check_counts(networks, held_out)
    _positive(batch=batch)
    How(dtype=dtype)
    question, build = question_of(file, input_shape, outputs)
    with Steps() as steps:
        steps.begin("networks", networks + held_out, 0)
        return export_plan(
            question,
            build,
            output,
            networks,
            held_out,
            batch,
            dtype,
            seed,
            lambda done, total: steps.step(""),
        )


def _positive(**counts: int) -> None:
    wrong = [f"{name}, got {value}" for name, value in counts.items() if value < 1]
    if wrong:
        raise InvalidSpecError(f"A positive number is needed for {'; '.join(wrong)}.")
