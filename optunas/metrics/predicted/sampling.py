"""Which networks are measured: some at random, some that tell the most of operations apart."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from optunas.errors import InvalidSpecError
from optunas.metrics.predicted.design import design_of
from optunas.metrics.predicted.question import Question
from optunas.space import Choice

__all__ = ["Chosen", "choose_networks"]

POOL = 400
"""Random members that the telling ones are chosen from."""

TRIES = 1000
"""Draws in a row without a new network, after which a space counts as used up."""


class Chosen(NamedTuple):
    """Members to fit to and members to judge the fit by; no network is there twice."""

    fit: list[Any]
    held_out: list[Any]


def choose_networks(question: Question, fit: int, held_out: int, seed: int = 0) -> Chosen:
    """Draw ``held_out`` members at random, and ``fit`` others.

    Half of the others are random. The other half is chosen from a pool of random members, and
    networks of one option throughout, such that the variance of what is fitted falls most
    (D-optimal: Fedorov 1972, one after the other): each operation occurs, the extremes do, and
    operations whose output is not used, by which a fit tells whether the device leaves them out.
    Members whose output does not see the input are left out: a study rules them out before
    training, and what a compiler leaves of them has the latency of nothing.

    Raises:
        InvalidSpecError: when the space has too few different networks.
    """
    rng = np.random.default_rng(seed)
    taken: dict[str, Any] = {}
    random = _draw(question, held_out + (fit + 1) // 2, rng, taken)
    held, chosen = random[:held_out], random[held_out:]
    if len(random) < held_out + (fit + 1) // 2:
        raise InvalidSpecError(
            f"The space has {len(random)} different networks that see their input, fewer than the "
            f"{fit} to fit to and {held_out} held out; ask for fewer."
        )
    pool = _uniform(question, taken) + _draw(question, POOL, rng, taken)
    chosen += _telling(question, chosen, pool, fit - len(chosen))
    if len(chosen) < fit:
        raise InvalidSpecError(
            f"The space has {len(chosen) + held_out} different networks that see their input, "
            f"fewer than the {fit} to fit to and {held_out} held out; ask for fewer."
        )
    return Chosen(chosen, held)


def _draw(
    question: Question, count: int, rng: np.random.Generator, taken: dict[str, Any]
) -> list[Any]:
    found: list[Any] = []
    misses = 0
    while len(found) < count and misses < TRIES:
        member = question.space.sample(rng)
        if _take(question, member, taken):
            found.append(member)
            misses = 0
        else:
            misses += 1
    return found


def _take(question: Question, member: Any, taken: dict[str, Any]) -> bool:
    network = question.identity(member)
    if network in taken or not question.space.is_connected(member):
        return False
    taken[network] = member
    return True


def _uniform(question: Question, taken: dict[str, Any]) -> list[Any]:
    """Members whose every choice has its n-th option: the space's corners."""
    space = question.space
    table = space.parameters()
    most = max((len(p.options) for p in table.values() if isinstance(p, Choice)), default=0)
    found = []
    for number in range(most):
        values = {
            name: p.options[min(number, len(p.options) - 1)] if isinstance(p, Choice) else p.first
            for name, p in table.items()
        }
        member = space.decode(space.canonical(values))
        if _take(question, member, taken):
            found.append(member)
    return found


def _telling(question: Question, given: list[Any], pool: list[Any], count: int) -> list[Any]:
    """Members of ``pool`` that add the most to what ``given`` tell."""
    if not pool or count < 1:
        return []
    networks = [question.network(member) for member in (*given, *pool)]
    design = design_of(networks)
    counts = design.built
    idle = (counts - design.used).sum(axis=1)
    rows = np.column_stack([counts @ design.by_name(), counts @ design.work, idle])
    size = rows.std(axis=0)
    rows = np.column_stack([np.ones(len(rows)), (rows / np.where(size > 0, size, 1.0))])
    rows[:, 1:] -= rows[:, 1:].mean(axis=0)
    inverse = np.linalg.inv(rows[: len(given)].T @ rows[: len(given)] + np.eye(rows.shape[1]))
    found: list[Any] = []
    left = rows[len(given) :].copy()
    for _ in range(min(count, len(pool))):
        spread = left @ inverse
        gain = (spread * left).sum(axis=1)
        best = int(np.argmax(gain))
        found.append(pool[best])
        inverse -= np.outer(spread[best], spread[best]) / (1 + gain[best])
        left[best] = 0.0  # chosen: it gains nothing any more
    return found
