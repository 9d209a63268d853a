"""Ready image tasks that need no download."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optunas.errors import DataError, InvalidSpecError
from optunas.tasks.split import split_indices

if TYPE_CHECKING:
    from optunas.tasks.in_memory import InMemoryTask

__all__ = ["digits", "fashion_mnist"]

_FASHION_ROOT = "/usr/share/datasets/fashion-mnist"
_FASHION_CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_IMAGES_MAGIC, _LABELS_MAGIC = 2051, 2049  # of the idx format, on http://yann.lecun.com/exdb/mnist


def digits(
    split: tuple[float, float, float] = (0.6, 0.2, 0.2), seed: int = 0, score: str = "accuracy"
) -> InMemoryTask:
    """scikit-learn's 1,797 handwritten digits, 1 x 8 x 8, ten classes.

    Args:
        split: fractions for training, validation and test; what they leave over is not used.
        seed: of the split.
        score: ``accuracy``, ``balanced_accuracy`` or ``f1``.

    Raises:
        InvalidSpecError: for fractions that cannot be.
        UnknownNameError: for another score.
    """
    from sklearn.datasets import load_digits

    from optunas.tasks.in_memory import InMemoryTask, Part

    data: Any = load_digits()
    x, y = data.images.astype(np.float32)[:, None], data.target.astype(np.int64)
    rows = split_indices(len(y), split, seed, y, parts=3)
    return InMemoryTask(
        "digits",
        {p: Part(x[r], y[r]) for p, r in zip(("train", "validation", "test"), rows, strict=True)},
        score,
        options={"split": list(split), "seed": seed, "score": score},
        classes=tuple(range(10)),
    )


def fashion_mnist(
    root: str | None = None,
    train_size: int | None = None,
    val_size: int = 10_000,
    size: int = 28,
    seed: int = 0,
    score: str = "accuracy",
) -> InMemoryTask:
    """Fashion-MNIST (Xiao et al. 2017): 70,000 images of clothes, ten classes.

    Training and validation are drawn from the package's 60,000 training images; its 10,000 test
    images are the test part.

    Args:
        root: directory of the four ``...-ubyte.gz`` files (or unpacked); None looks into
            ``OPTUNAS_FASHION_MNIST``, then where Debian's package puts them.
        train_size: training images; None takes all that validation leaves.
        val_size: validation images.
        size: 28, or 14 or 7 by averaging squares of pixels.
        seed: of the split.
        score: ``accuracy``, ``balanced_accuracy`` or ``f1``.

    Raises:
        DataError: when a file is missing or damaged.
        InvalidSpecError: for another image size, or parts of no samples.
        UnknownNameError: for another score.
    """
    from optunas.tasks.in_memory import InMemoryTask, Part

    if size not in (28, 14, 7):
        raise InvalidSpecError(f"size must be 28, 14 or 7 pixels, got {size!r}.")
    folder = Path(root or os.environ.get("OPTUNAS_FASHION_MNIST") or _FASHION_ROOT)
    x, y = _fashion_part(folder, "train", size)
    x_test, y_test = _fashion_part(folder, "t10k", size)
    sizes = (len(y) - val_size if train_size is None else train_size, val_size)
    train, validation = split_indices(len(y), sizes, seed, y, parts=2)
    return InMemoryTask(
        "fashion_mnist",
        {
            "train": Part(x[train], y[train]),
            "validation": Part(x[validation], y[validation]),
            "test": Part(x_test, y_test),
        },
        score,
        options={
            "root": root,
            "train_size": train_size,
            "val_size": val_size,
            "size": size,
            "seed": seed,
            "score": score,
        },
        classes=_FASHION_CLASSES,
    )


def _fashion_part(folder: Path, part: str, size: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Images (N, 1, size, size), integers when not averaged, and labels (N,)."""
    images = _read_idx(folder, f"{part}-images-idx3-ubyte", _IMAGES_MAGIC, 3)
    labels = _read_idx(folder, f"{part}-labels-idx1-ubyte", _LABELS_MAGIC, 1)
    if len(images) != len(labels) or images.shape[1:] != (28, 28) or labels.max() > 9:
        raise DataError(
            f"{folder} holds {len(images)} {part} images of {images.shape[1:]} pixels and "
            f"{len(labels)} labels, which is not Fashion-MNIST: get the files again."
        )
    return _pooled(images, 28 // size)[:, None], labels.astype(np.int64)


def _pooled(images: NDArray[np.uint8], side: int) -> NDArray[Any]:
    """The means of squares of ``side`` x ``side`` pixels, by sums of shifted images: quick."""
    if side == 1:
        return images
    total = np.zeros(images[:, ::side, ::side].shape, np.float32)
    for row in range(side):
        for column in range(side):
            total += images[:, row::side, column::side]
    return total / np.float32(side**2)


def _read_idx(folder: Path, name: str, magic: int, dims: int) -> NDArray[np.uint8]:
    """One idx file: a magic number, ``dims`` lengths (all big-endian, 4 bytes), then the bytes."""
    path = next((p for p in (folder / f"{name}.gz", folder / name) if p.exists()), None)
    if path is None:
        raise DataError(
            f"Fashion-MNIST is not in {str(folder)!r} ({name}.gz is missing): "
            "`apt install dataset-fashion-mnist`, or name its directory with root=... or in the "
            "environment variable OPTUNAS_FASHION_MNIST."
        )
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
        header = np.frombuffer(raw, ">i4", count=1 + dims)
        data = np.frombuffer(raw, np.uint8, offset=4 * (1 + dims))
        if header[0] != magic or data.size == 0:
            raise ValueError("this is not the header of an idx file with such data")
        return data.reshape(tuple(header[1:]))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(
            f"Cannot read {str(path)!r} ({error}): the file is damaged, get it again."
        ) from None
