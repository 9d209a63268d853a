"""Grid search over a grid that is too large to be listed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

__all__ = ["LargeGridSampler", "permuted"]

ROUNDS = 4
"""Of the Feistel network; four make a pseudo-random permutation (Luby and Rackoff 1988)."""


class LargeGridSampler(BaseSampler):
    """Visits the points of a grid in a random order without repeating one.

    Optuna's grid sampler lists every point and shuffles the list. Here a trial's point follows from
    its number alone, by a random permutation that is computed and not stored, so any number of
    workers go through one order.

    Args:
        search_space: the values of each parameter.
        seed: of the order.
    """

    def __init__(self, search_space: Mapping[str, Sequence[Any]], seed: int) -> None:
        self.search_space = {name: list(values) for name, values in search_space.items()}
        self.size = math.prod(len(values) for values in self.search_space.values())
        self.seed = seed

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Every parameter is suggested by itself."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Nothing jointly."""
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The parameter's value at the trial's point."""
        return self.point(trial.number)[param_name]

    def point(self, number: int) -> dict[str, Any]:
        """The ``number``-th point of the order; after the last one it begins again."""
        rest = permuted(number % self.size, self.size, self.seed)
        chosen = {}
        for name, values in self.search_space.items():
            rest, at = divmod(rest, len(values))
            chosen[name] = values[at]
        return chosen


def permuted(index: int, size: int, seed: int) -> int:
    """Where a random permutation of ``range(size)`` puts ``index``; any size, nothing stored.

    A Feistel network on the next even number of bits, walked until it falls below ``size``.
    """
    half = max((size - 1).bit_length() + 1, 2) // 2
    mask = (1 << half) - 1
    while True:
        left, right = index >> half, index & mask
        for number in range(ROUNDS):
            left, right = right, left ^ (_hashed(seed, number, right) & mask)
        index = left << half | right
        if index < size:
            return index


def _hashed(seed: int, number: int, value: int) -> int:
    text = f"{seed}:{number}:{value}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=64).digest(), "big")
