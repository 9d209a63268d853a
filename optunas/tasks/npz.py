"""A task from the user's own arrays."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optunas.errors import DataError, InvalidSpecError, UnknownNameError
from optunas.tasks.scoring import default_score
from optunas.tasks.split import split_indices

if TYPE_CHECKING:
    from optunas.tasks.in_memory import InMemoryTask

__all__ = ["arrays"]

_ARRAYS = ("x", "y", "x_val", "y_val", "x_test", "y_test")
_PARTS = {"train": ("x", "y"), "validation": ("x_val", "y_val"), "test": ("x_test", "y_test")}
Array = NDArray[Any]


def arrays(
    path: str,
    kind: str = "classification",
    split: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
    score: str | None = None,
    channels: str | None = None,
    name: str | None = None,
) -> InMemoryTask:
    """Images or vectors, and targets, from an ``.npz`` file.

    The file holds ``x`` and ``y``; with ``x_val`` and ``y_val``, or ``x_test`` and ``y_test``, that
    part is taken as it is and the others are drawn from ``x`` in the proportions of ``split``.

    Args:
        path: of the file. x: images (N, H, W), (N, C, H, W) or (N, H, W, C), or vectors
            (N, features), any real numbers. y: (N,) for classification (integers, booleans or
            strings), (N,) or (N, targets) for regression.
        kind: ``classification`` or ``regression``.
        split: fractions for training, validation and test; what they leave over is not used.
        seed: of the split.
        score: ``accuracy`` (the default), ``balanced_accuracy`` or ``f1``; ``r2`` (the default) or
            ``mae`` for regression, in the targets' own unit.
        channels: of images, ``first`` or ``last``; None takes them as last when the last axis of x
            has 1, 3 or 4 entries and the second has others, else as first.
        name: of the task; None takes the file's.

    Raises:
        DataError: when the file is missing, damaged or lacks an array; for NaN, a single class,
            targets that do not vary, lengths that differ, or too few samples.
        InvalidSpecError, UnknownNameError: for arguments that cannot be.
    """
    from optunas.tasks.in_memory import InMemoryTask, Part

    if kind not in ("classification", "regression"):
        raise UnknownNameError("kind of task", kind, ("classification", "regression"))
    score = default_score(kind) if score is None else score
    found = _load(path)
    data = {
        part: (_inputs(found[x], x, channels), found[y])
        for part, (x, y) in _PARTS.items()
        if x in found
    }
    _same_lengths(data)
    targets, classes = _targets({part: y for part, (_, y) in data.items()}, kind)
    pairs = {part: (x, targets[part]) for part, (x, _) in data.items()}
    return InMemoryTask(
        name or Path(path).stem,
        {p: Part(x, y) for p, (x, y) in _with_all_parts(pairs, split, seed, kind).items()},
        score,
        options={
            "path": str(path),
            "kind": kind,
            "split": list(split),
            "seed": seed,
            "score": score,
            "channels": channels,
            "name": name,
        },
        kind=kind,
        classes=classes,
    )


def _load(path: str) -> dict[str, Array]:
    if not Path(path).is_file():
        raise DataError(f"There is no file {str(path)!r}: name an .npz file that holds x and y.")
    try:
        with open(path, "rb") as file:
            names, found = _read(np.load(file, allow_pickle=False), path)
    except UnknownNameError:
        raise
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"Cannot read {str(path)!r} as an .npz file of plain arrays ({error}): write it with "
            "numpy.savez(path, x=x, y=y)."
        ) from None
    for pair in _PARTS.values():
        there = [name for name in pair if name in found]
        if len(there) == 1 or (not there and pair == ("x", "y")):
            missing = " and ".join(name for name in pair if name not in found)
            raise DataError(
                f"{str(path)!r} has no {missing}, only {', '.join(names) or 'nothing'}: write it "
                "with numpy.savez(path, x=x, y=y)."
            )
    return found


def _read(file: Any, path: str) -> tuple[list[str], dict[str, Array]]:
    """The names of all arrays, and those that a task is made of."""
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise ValueError("it holds a single array")
    names = list(file.keys())
    for name in names:
        if name not in _ARRAYS and name.lower().startswith(("x", "y")):
            raise UnknownNameError(f"array in {str(path)!r}", name, _ARRAYS)
    return names, {name: np.asarray(file[name]) for name in names if name in _ARRAYS}


def _inputs(x: Array, name: str, channels: str | None) -> Array:
    """x as (N, C, H, W) or (N, features)."""
    if channels not in (None, "first", "last"):
        raise UnknownNameError("place of the channels", channels, ("first", "last"))
    if x.dtype.kind not in "buif":
        raise DataError(f"{name} has dtype {x.dtype}; inputs must be real numbers.")
    if x.ndim not in (2, 3, 4) or 0 in x.shape:
        raise DataError(
            f"{name} has shape {x.shape}; it must be (N, H, W), (N, C, H, W) or (N, H, W, C) for "
            "images, or (N, features) for vectors, and no axis may be empty."
        )
    if x.ndim == 2 and channels is not None:
        raise InvalidSpecError(
            f"channels={channels!r} is for images; {name} holds vectors of {x.shape[1]} features, "
            "leave it out."
        )
    if x.ndim < 4:
        return x if x.ndim == 2 else x[:, None]
    looks_last = x.shape[3] in (1, 3, 4) and x.shape[1] not in (1, 3, 4)
    last = looks_last if channels is None else channels == "last"
    return x.transpose(0, 3, 1, 2) if last else x


def _same_lengths(data: Mapping[str, tuple[Array, Array]]) -> None:
    shape = data["train"][0].shape[1:]
    for part, (x, y) in data.items():
        x_name, y_name = _PARTS[part]
        if y.ndim == 0 or len(x) != len(y):
            raise DataError(
                f"{x_name} holds {len(x)} samples and {y_name} has shape {y.shape}: they must be "
                "equally many."
            )
        if x.shape[1:] != shape:
            raise DataError(
                f"{x_name} holds inputs of shape {x.shape[1:]}, x those of shape {shape} "
                "((channels, height, width) or (features,)): they must be the same."
            )


def _targets(raw: Mapping[str, Array], kind: str) -> tuple[dict[str, Array], tuple[Any, ...]]:
    """Each part's targets as the task keeps them, and the label of each class."""
    if kind == "regression":
        return {part: _numbers(y, _PARTS[part][1]) for part, y in raw.items()}, ()
    labels = {part: _labels(y, _PARTS[part][1]) for part, y in raw.items()}
    classes = np.unique(labels["train"])
    for part, y in labels.items():
        new = np.setdiff1d(y, classes)
        if len(new):
            raise DataError(
                f"{_PARTS[part][1]} has the label {new[0]}, which does not occur in y: a network "
                "cannot learn it."
            )
    numbers = {part: np.searchsorted(classes, y).astype(np.int64) for part, y in labels.items()}
    return numbers, tuple(classes.tolist())


def _numbers(y: Array, name: str) -> Array:
    if y.dtype.kind not in "buif" or y.ndim > 2:
        raise DataError(
            f"{name} has dtype {y.dtype} and shape {y.shape}; regression needs real numbers of "
            "shape (N,) or (N, targets)."
        )
    return y.astype(np.float64).reshape(len(y), -1)


def _labels(y: Array, name: str) -> Array:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or y.dtype.kind not in "buifUS":
        raise DataError(
            f"{name} has shape {y.shape} and dtype {y.dtype}; classification needs one label a "
            "sample, an integer or a string."
        )
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise DataError(f"{name} has NaN or infinite labels: remove those samples.")
        broken = y[y != np.round(y)]
        if len(broken):
            raise DataError(
                f"{name} has labels that are no whole numbers, {broken[0]:g} for instance; to "
                "predict numbers use kind='regression'."
            )
        y = y.astype(np.int64)
    return y


def _with_all_parts(
    data: dict[str, tuple[Array, Array]], split: tuple[float, float, float], seed: int, kind: str
) -> dict[str, tuple[Array, Array]]:
    """Draw the parts that the file does not have from ``x`` and ``y``."""
    if len(split) != 3:
        raise InvalidSpecError(f"split must be three fractions, got {split!r}.")
    drawn = [part for part in _PARTS if part == "train" or part not in data]
    x, y = data["train"]
    sizes = dict(zip(_PARTS, split, strict=True))
    if len(drawn) < 3:  # of the fractions only the proportions count
        total = sum(sizes[part] for part in drawn)
        sizes = {part: sizes[part] / total for part in drawn}
    classes = y if kind == "classification" else None
    rows = split_indices(len(y), [sizes[part] for part in drawn], seed, classes)
    return {**data, **{part: (x[r], y[r]) for part, r in zip(drawn, rows, strict=True)}}
