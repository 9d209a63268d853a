"""Networks as ONNX files, to be measured on a device that runs no Python."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from optunas.errors import InvalidSpecError, StorageError
from optunas.metrics.predicted.csv_file import USES, plan_csv
from optunas.metrics.predicted.question import Question
from optunas.metrics.predicted.sampling import choose_networks

__all__ = ["CSV_NAME", "export_plan"]

CSV_NAME = "measurements.csv"


def export_plan(
    question: Question,
    build: Callable[[Any], Any],
    folder: str | Path,
    networks: int = 60,
    held_out: int = 50,
    batch: int = 1,
    dtype: str = "float32",
    seed: int = 0,
    watch: Callable[[int, int], None] | None = None,
) -> Path:
    """Write ``network-001.onnx``, ... and ``measurements.csv`` with an empty column ``latency_ms``.

    Each network has its input's name "input" and its whole shape, batch included, fixed, and
    untrained weights, which latency does not depend on. The folder appears when all is written.

    Returns:
        The CSV's path.

    Raises:
        InvalidSpecError: without the extra ``onnx``, for a folder that is there and not empty, a
            space with too few networks, or a network that cannot be exported.
        StorageError: when the folder cannot be written.
    """
    from optunas.metrics.timing.onnx_runtime import onnx_bytes, require_onnx

    require_onnx("onnx", "onnxscript")
    target = _free_folder(folder)
    chosen = choose_networks(question, networks, held_out, seed)
    rows = [(USES[0], member) for member in chosen.fit]
    rows += [(USES[1], member) for member in chosen.held_out]
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as name:
            table = []
            for number, (use, member) in enumerate(rows, start=1):
                file = f"network-{number:03d}.onnx"
                x = _input(question, batch)
                (Path(name) / file).write_bytes(onnx_bytes(build(member), x, dtype))
                table.append((file, use, question.space.to_json(member)))
                if watch is not None:
                    watch(number, len(rows))
            (Path(name) / CSV_NAME).write_text(plan_csv(table), encoding="utf-8")
            target.mkdir(exist_ok=True)
            for path in sorted(Path(name).iterdir()):
                shutil.move(str(path), str(target / path.name))
    except OSError as error:
        raise StorageError(
            f"Cannot write into {str(folder)!r}: {error.strerror or error}."
        ) from None
    return target / CSV_NAME


def _input(question: Question, batch: int) -> Any:
    import torch

    return torch.randn((batch, *question.input_shape), generator=torch.Generator().manual_seed(0))


def _free_folder(folder: str | Path) -> Path:
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InvalidSpecError(
            f"The folder {str(folder)!r} is there and not empty; give one that is empty or new."
        )
    if not target.parent.is_dir():
        raise InvalidSpecError(f"There is no folder {str(target.parent)!r} for {str(folder)!r}.")
    return target
