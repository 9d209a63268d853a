"""The best few of many random candidates by a zero-cost proxy: what is worth training first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from optunas.errors import InvalidSpecError
from optunas.metrics.proxies.catalogue import COMBINATIONS
from optunas.metrics.proxies.combine import combined, needed
from optunas.metrics.proxies.members import MemberProxies
from optunas.space import Space

__all__ = ["chosen", "distinct", "prefilter"]

TRIES = 1000
"""Draws in a row without a new network, after which a space counts as used up."""

Feasible = Callable[[Any], bool]


def prefilter(
    space: Space[Any],
    task: Any,
    k: int,
    q: int,
    proxy: str | Iterable[str] | Callable[[Any], float] = "az_nas",
    rng: np.random.Generator | None = None,
    *,
    training: Mapping[str, Any] | None = None,
    feasible: Feasible | None = None,
    batch_size: int = 64,
    seed: int = 0,
    device: str = "cpu",
) -> list[Any]:
    """Draw ``k`` different members at random and keep the ``q`` best by ``proxy``, best first.

    Only members whose networks see their input are drawn. A small space may have fewer than ``k``;
    then all of them are candidates, and fewer than ``q`` may come back.

    Args:
        space: to draw from.
        task: gives the batch and builds the networks; not read when ``proxy`` is a function.
        k: candidates.
        q: to keep, at most ``k``.
        proxy: a proxy or combination by name, several names (their ``rank_mean``), or a function
            ``member -> float`` of which more is better.
        rng: of the drawing; None is seeded with ``seed``.
        training: settings of the network that are not searched.
        feasible: limits known before training; others are not drawn.
        batch_size: samples of the batch.
        seed: of batch and initial weights.
        device: ``cpu``, ``cuda``, ``cuda:1``.

    Raises:
        InvalidSpecError: for k and q that cannot be.
        UnknownNameError: for an unknown proxy.
    """
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in (k, q))
    if not whole or not 1 <= q <= k:
        raise InvalidSpecError(
            f"prefilter keeps q of k candidates, whole numbers with 1 <= q <= k; got k={k!r} and "
            f"q={q!r}."
        )
    if not callable(proxy):
        needed((proxy,) if isinstance(proxy, str) else tuple(proxy))  # raises before any work
    draw = np.random.default_rng(seed) if rng is None else rng
    candidates = distinct(space, k, draw, feasible)
    values: np.ndarray
    if callable(proxy):
        values = np.array([proxy(member) for member in candidates], dtype=float)
    else:
        names = (proxy,) if isinstance(proxy, str) else tuple(proxy)
        members = MemberProxies(
            space,
            task,
            needed(names),
            training=training,
            batch_size=batch_size,
            seed=seed,
            device=device,
        )
        values = chosen(names, [members.values(member) for member in candidates])
    values = np.where(np.isnan(values), -np.inf, values)
    order = np.argsort(-values, kind="stable")[:q]
    return [candidates[at] for at in order]


def chosen(names: tuple[str, ...], rows: list[dict[str, float]]) -> np.ndarray:
    """One value a network, (n,): the one proxy or combination asked for, else the mean rank."""
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in (rows or [{}])[0]}
    if not rows:
        return np.empty(0)
    for name in names:
        if name in COMBINATIONS and name not in columns:
            columns[name] = combined(name, columns)
    if len(names) == 1:
        return np.asarray(columns[names[0]], dtype=float)
    from optunas.metrics.proxies.combine import rank_mean

    return rank_mean([columns[name] for name in names])


def distinct(
    space: Space[Any], count: int, rng: np.random.Generator, feasible: Feasible | None = None
) -> list[Any]:
    """Up to ``count`` random members of different digest that see their input and are feasible."""
    found: dict[str, Any] = {}
    tries = 0
    while len(found) < count and tries < TRIES:
        member = space.sample(rng)
        tries += 1
        key = space.digest(member)
        if key in found or not space.is_connected(member):
            continue
        if feasible is None or feasible(member):
            found[key], tries = member, 0
    return list(found.values())
