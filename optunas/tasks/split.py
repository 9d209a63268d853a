"""Splitting once: seeded, stratified, disjoint."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from optunas.errors import DataError, InvalidSpecError

__all__ = ["split_indices"]

Indices = NDArray[np.int64]


def split_indices(
    n: int, sizes: Sequence[float | int], seed: int, classes: NDArray[np.generic] | None = None
) -> list[Indices]:
    """Draw disjoint parts of ``range(n)``, each sorted.

    Args:
        n: number of samples.
        sizes: of the parts: all fractions (floats, sum at most 1) or all numbers of samples (ints).
            What is left over belongs to no part.
        seed: the same seed gives the same parts.
        classes: label of each sample; every part then has each class in (nearly) its proportion.

    Raises:
        InvalidSpecError: for sizes that are not positive or add up to more than everything.
        DataError: when there are too few samples, or too few of one class, for so many parts.
    """
    from sklearn.model_selection import train_test_split

    counts = _counts(n, sizes)
    if classes is not None:
        _enough(classes, len(counts), n)
    rest: Indices = np.arange(n)
    parts = []
    for count in counts:
        if count == len(rest):
            part, rest = rest, rest[:0]
        else:
            labels = None if classes is None else classes[rest]
            try:
                part, rest = train_test_split(
                    rest, train_size=count, random_state=seed, stratify=labels
                )
            except ValueError as error:
                raise DataError(
                    f"Cannot split {n} samples into stratified parts of {counts}: {error}"
                ) from None
        parts.append(np.sort(part))
    return parts


def _counts(n: int, sizes: Sequence[float | int]) -> list[int]:
    if not all(isinstance(s, Real) and not isinstance(s, bool) and s > 0 for s in sizes):
        raise InvalidSpecError(f"Every part of a split must be above 0, got {tuple(sizes)!r}.")
    if all(isinstance(size, int) for size in sizes) and sum(sizes) > 1:
        if sum(sizes) > n:
            raise DataError(
                f"The parts {tuple(sizes)!r} need {sum(sizes)} samples, there are only {n}."
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


def _enough(classes: NDArray[np.generic], parts: int, n: int) -> None:
    labels, counts = np.unique(classes, return_counts=True)
    if len(labels) < 2:
        raise DataError(
            f"All {n} samples have the same label ({labels[0]}): there is nothing to learn; "
            "classification needs at least two classes."
        )
    rare = int(np.argmin(counts))
    if counts[rare] < parts:
        raise DataError(
            f"Class {labels[rare]} has only {counts[rare]} of {n} samples, too few to have one in "
            f"each of {parts} parts: add samples of it or drop it."
        )
