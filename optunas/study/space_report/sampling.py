"""What a look at many members says: duplicates, connection, channels; no network is built."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from optunas.errors import OptunasError
from optunas.space import JointSpace, Space
from optunas.study.space_report.shares import Share

__all__ = ["Sample", "architecture_part", "channels", "take"]

ALL_UP_TO = 20_000
"""Architectures that are looked at one by one instead of being sampled, about a second's work."""


@dataclass(frozen=True)
class Sample:
    """Members of a space, and the architectures among their parts.

    Attributes:
        space: of the study.
        name: of the part that holds the architecture; ``""`` when the space is no joint one.
        part: the space of the architectures, ``space`` itself when it is no joint one.
        members: random, of ``space``.
        architectures: those of ``members``, or all of ``part`` when they are few.
        exact: whether they are all.
        neutral: random changes of one parameter that leave the network as it is; None where
            nothing can change, or all architectures are known.
    """

    space: Space
    name: str
    part: Space
    members: tuple[Any, ...]
    architectures: tuple[Any, ...]
    exact: bool
    neutral: Share | None

    @cached_property
    def _digests(self) -> list[str]:
        return [self.part.digest(a) for a in self.architectures]

    @cached_property
    def duplicates(self) -> Share:
        """Codes (each once) that are the same network as an earlier one."""
        codes = len(self.architectures)
        if not self.exact:
            codes = len({self.part.to_json(a) for a in self.architectures})
        return Share(codes - len(set(self._digests)), codes, self.exact)

    @cached_property
    def _connected(self) -> list[bool]:
        return [bool(self.part.is_connected(a)) for a in self.architectures]

    @cached_property
    def disconnected(self) -> Share:
        """Architectures whose output does not depend on the input."""
        return Share(self._connected.count(False), len(self.architectures), self.exact)

    @cached_property
    def distinct(self) -> int | float:
        """Candidates that differ and can learn: exact where all are known, else an upper bound."""
        if self.space.size == math.inf or not self.exact:
            return self.space.size
        pairs = zip(self._digests, self._connected, strict=True)
        networks = len({digest for digest, connected in pairs if connected})
        return networks * (int(self.space.size) // len(self.architectures))

    @cached_property
    def narrowing(self) -> Share:
        """Members whose channels fall from one layer or stage to the next; of those that tell."""
        found = [sequence for a in self.architectures if (sequence := channels(a))]
        shrinking = sum(any(b < a for a, b in pairwise(s)) for s in found)
        return Share(shrinking, len(found), self.exact)


def take(space: Space, sample: int, seed: int) -> Sample:
    """Draw ``sample`` members of ``space``; take all architectures where they are few."""
    rng = np.random.default_rng(seed)
    members = tuple(space.sample(rng) for _ in range(sample))
    name, part = architecture_part(space)
    exact = part.size <= ALL_UP_TO
    drawn = tuple(member[name] if name else member for member in members)
    architectures = tuple(part.enumerate()) if exact else drawn
    neutral = None if exact else _neutral(part, drawn, rng)
    return Sample(space, name, part, members, architectures, exact, neutral)


def architecture_part(space: Space) -> tuple[str, Space]:
    """The part of a joint space that holds the architecture, else its first; or ``space``."""
    if not isinstance(space, JointSpace):
        return "", space
    return max(space.spaces.items(), key=lambda item: item[1].num_architectures())


def _neutral(part: Space, architectures: tuple[Any, ...], rng: np.random.Generator) -> Share | None:
    if not part.num_architectures():
        return None
    try:
        changed = [part.mutate(a, rng) for a in architectures]
    except OptunasError:
        return None
    pairs = zip(architectures, changed, strict=True)
    same = sum(part.digest(a) == part.digest(b) for a, b in pairs)
    return Share(same, len(changed))


def channels(architecture: Any) -> list[float]:
    """Channels along the depth; [] where an architecture does not tell.

    Read from what an architecture has: ``layers`` with ``filters``, ``stages`` with ``width``, or
    ``widths``; so a user's own kind of architecture counts as well.
    """
    for container, key in (("layers", "filters"), ("stages", "width")):
        parts = getattr(architecture, container, None)
        if isinstance(parts, (tuple, list)):
            return _numbers(getattr(part, key, None) for part in parts)
    widths = getattr(architecture, "widths", None)
    return _numbers(widths) if isinstance(widths, (tuple, list)) else []


def _numbers(values: Any) -> list[float]:
    return [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
