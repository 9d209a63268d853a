"""Splitting once: seeded, stratified, disjoint."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from optunas.errors import DataError, InvalidSpecError

__all__ = ["split_indices"]

Indices = NDArray[np.int64]


def split_indices(
    n: int,
    sizes: Sequence[float],
    seed: int,
    classes: NDArray[np.generic] | None = None,
    parts: int | None = None,
) -> list[Indices]:
    """Draw disjoint parts of ``range(n)``, each sorted; the same seed gives the same parts.

    Args:
        n: number of samples.
        sizes: of the parts, training first: all fractions (adding up to at most 1) or all numbers
            of samples (ints). What they leave over belongs to no part.
        seed: from 0 to 2**32 - 1.
        classes: label of each sample; every part then has each class in its proportion, to within
            one or two samples.
        parts: how many sizes there must be.

    Raises:
        InvalidSpecError: for sizes or a seed that cannot be.
        DataError: when there are too few samples, or too few of one class, for so many parts.
    """
    counts = _counts(n, sizes, parts)
    if not isinstance(seed, Integral) or not 0 <= seed < 2**32:
        raise InvalidSpecError(f"seed must be a whole number from 0 to 2**32 - 1, got {seed!r}.")
    random = np.random.RandomState(int(seed))  # its streams are frozen, those of Generator are not
    order: Indices = random.permutation(n)
    if classes is not None:
        _enough(classes, counts)
        order = _interleaved(order, classes, random)
    chosen = [np.sort(part) for part in np.split(order[: sum(counts)], np.cumsum(counts)[:-1])]
    if classes is not None and len(np.unique(classes[chosen[0]])) < len(np.unique(classes)):
        raise DataError(
            f"{counts[0]} training samples are too few to hold each of the "
            f"{len(np.unique(classes))} classes: make the training part larger."
        )
    return chosen


def _interleaved(
    order: Indices, classes: NDArray[np.generic], random: np.random.RandomState
) -> Indices:
    """Spread each class evenly over the order: any run of it is then stratified.

    Sample r of a class of m gets the position (r + u) / m, with one random u for the class.
    scikit-learn's ``train_test_split`` cannot leave over fewer samples than there are classes.
    """
    position = np.empty(len(order))
    labels = classes[order]
    for label in np.unique(classes):
        members = np.flatnonzero(labels == label)
        position[members] = (np.arange(len(members)) + random.uniform()) / len(members)
    return order[np.argsort(position, kind="stable")]


def _counts(n: int, sizes: Sequence[float], parts: int | None) -> list[int]:
    if parts is not None and len(sizes) != parts:
        raise InvalidSpecError(f"A split into {parts} parts is needed here, got {tuple(sizes)!r}.")
    if not all(isinstance(s, Real) and not isinstance(s, bool) and s > 0 for s in sizes):
        raise InvalidSpecError(f"Every part of a split must be above 0, got {tuple(sizes)!r}.")
    if all(isinstance(size, Integral) for size in sizes):
        if sum(sizes) > n:
            raise DataError(
                f"Parts of {', '.join(map(str, sizes))} samples need {sum(sizes)}, "
                f"there are only {n}."
            )
        return [int(size) for size in sizes]
    if sum(sizes) > 1 + 1e-9:
        raise InvalidSpecError(
            f"The fractions of a split must add up to at most 1, got {tuple(sizes)!r}."
        )
    bounds = np.round(np.cumsum(sizes) * n + 1e-9).astype(int)
    counts = [int(c) for c in np.diff(bounds, prepend=0)]
    if min(counts) < 1:
        raise DataError(
            f"{n} samples are too few for a split into {tuple(sizes)!r}: a part would be empty."
        )
    return counts


def _enough(classes: NDArray[np.generic], counts: Sequence[int]) -> None:
    labels, sizes = np.unique(classes, return_counts=True)
    if len(labels) < 2:
        raise DataError(
            f"All {len(classes)} samples have the same label ({labels[0]}): there is nothing to "
            "learn; classification needs at least two classes."
        )
    rare = int(np.argmin(sizes))
    if sizes[rare] < len(counts):
        raise DataError(
            f"Class {labels[rare]} has only {sizes[rare]} of {len(classes)} samples, too few to "
            f"have one in each of {len(counts)} parts: add samples of it or drop it."
        )
