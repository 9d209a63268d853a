"""Ready image tasks that need no download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optunas.tasks.split import split_indices

if TYPE_CHECKING:
    from optunas.tasks.in_memory import InMemoryTask

__all__ = ["digits", "fashion_mnist"]


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
    chosen = dict(
        zip(("train", "validation", "test"), split_indices(len(y), split, seed, y), strict=True)
    )
    return InMemoryTask(
        "digits",
        {part: Part(x[rows], y[rows]) for part, rows in chosen.items()},
        score,
        options={"split": list(split), "seed": seed, "score": score},
        classes=tuple(range(10)),
    )


def fashion_mnist() -> InMemoryTask:
    raise NotImplementedError
