"""The best selections of one option a step whose additive costs keep all limits, exactly.

A best-first search (A*). The bound of an unfinished selection is what it has gained, the most that
its rest can gain, and what a Lagrange multiplier makes of the budget that is left: for every
multiplier from 0 on that is at least what any completion within the limits gains, so the first
complete selections to come up are the best. Multipliers near the dual's optimum make it tight.

A frame says which selections are complete: :class:`DenseFrame` those whose output sees the input,
:class:`PairFrame` those with two inputs at every node, :class:`ChainFrame` those of one operation a
layer. No torch here.
"""

from __future__ import annotations

import heapq
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["ChainFrame", "DenseFrame", "Frame", "PairFrame", "Selection", "best_selections"]

State = tuple[int, int]
Rest = Callable[[int, State], float]
"""``(step, state)`` -> the most that the steps from there on can gain; -inf where nothing fits."""

SNAP = 1e-9
"""Bounds that differ by less are one: rounding must not tell equal selections apart."""

HALVINGS, SWEEPS = 30, 4


class Selection(NamedTuple):
    """One option for each step (``Frame.left_out`` for none), what it gains and what it costs."""

    options: tuple[int, ...]
    gain: float
    costs: tuple[float, ...]


class Frame(ABC):
    """What makes a selection complete.

    Attributes:
        steps: number of decisions.
        left_out: the option that stands for none of them.
    """

    start: State = (0, 0)

    def __init__(self, edges: Sequence[tuple[int, int]], zeros: Sequence[bool]) -> None:
        self.edges, self.zeros = list(edges), list(zeros)
        self.steps, self.left_out = len(edges), len(zeros)
        # Whether a step is the last one of its target; another cell's node 2 is another target.
        self.closes = [
            after[1] != edge[1] or after[0] <= edge[0]
            for edge, after in zip(self.edges, [*self.edges[1:], (-1, -1)], strict=True)
        ]

    @abstractmethod
    def moves(self, step: int, state: State) -> list[tuple[int, State]]:
        """The options of a step and the states that they lead to."""

    @abstractmethod
    def rest(self, gains: np.ndarray) -> Rest:
        """What the rest can gain at most, limits aside; gains are (steps, options)."""

    def best(self, gains: np.ndarray) -> tuple[float, list[int]]:
        """The best selection without limits: its gain and its options."""
        rest, state, options = self.rest(gains), self.start, []
        total = rest(0, state)
        if total == -math.inf:
            return total, []
        for step in range(self.steps):

            def value(move: tuple[int, State], step: int = step) -> float:
                gain = 0.0 if move[0] == self.left_out else float(gains[step, move[0]])
                return gain + rest(step + 1, move[1])

            option, state = max(self.moves(step, state), key=value)
            options.append(option)
        return total, options


class DenseFrame(Frame):
    """One operation on every edge, and a path of operations that are no zeros to the last node.

    A state is (the reached nodes before the current target as bits, whether it is reached itself).
    """

    def __init__(self, edges: Sequence[tuple[int, int]], zeros: Sequence[bool]) -> None:
        super().__init__(edges, zeros)
        self.start = (1, 0)
        self.last = max(target for _, target in self.edges)

    def moves(self, step: int, state: State) -> list[tuple[int, State]]:
        source, target = self.edges[step]
        reached, hit = state
        found = []
        for option, zero in enumerate(self.zeros):
            now = hit or int(not zero and reached >> source & 1)
            if not self.closes[step]:
                found.append((option, (reached, now)))
            elif target != self.last or now:
                found.append((option, (reached | now << target, 0)))
        return found

    def rest(self, gains: np.ndarray) -> Rest:
        """The best options, less the cheapest way of making a path of them.

        What a path costs is a shortest path: each of its edges takes its best operation that is no
        zero in place of its best one.
        """
        best = gains.max(axis=1)
        passing = np.where(np.array(self.zeros), -np.inf, gains).max(axis=1)
        penalty = best - passing
        ahead = np.append(np.cumsum(best[::-1])[::-1], 0.0).tolist()
        ways = [[math.inf] * self.last + [0.0]]  # by step from the end: node -> shortest path
        for (source, target), extra in zip(self.edges[::-1], penalty[::-1].tolist(), strict=True):
            row = list(ways[-1])
            row[source] = min(row[source], extra + row[target])
            ways.append(row)
        ways.reverse()
        known: dict[tuple[int, State], float] = {}

        def rest(step: int, state: State) -> float:
            if step == self.steps:
                return 0.0
            key = (step, state)
            if key not in known:
                reached, hit = state
                way = ways[step]
                nodes = [way[node] for node in range(self.last) if reached >> node & 1]
                shortest = min([*nodes, way[self.edges[step][1]]] if hit else nodes)
                known[key] = ahead[step] - shortest
            return known[key]

        return rest


class PairFrame(Frame):
    """Two edges into every node, each with an operation that is no zero.

    A state is (edges chosen at the current target, 0). Several cells stand one after the other.
    """

    def __init__(self, edges: Sequence[tuple[int, int]], zeros: Sequence[bool]) -> None:
        super().__init__(edges, zeros)
        self._open = [option for option, zero in enumerate(zeros) if not zero]

    def moves(self, step: int, state: State) -> list[tuple[int, State]]:
        chosen, closes = state[0], self.closes[step]
        found: list[tuple[int, State]] = []
        if chosen < 2 and not (closes and chosen == 0):
            after = (0, 0) if closes else (chosen + 1, 0)
            found += [(option, after) for option in self._open]
        if not closes or chosen == 2:
            found.append((self.left_out, (0, 0) if closes else state))
        return found

    def rest(self, gains: np.ndarray) -> Rest:
        """From the last step on: the best operation of an edge, or none."""
        best = np.where(np.array(self.zeros), -np.inf, gains).max(axis=1).tolist()
        table = [[0.0, -math.inf, -math.inf]]  # by step from the end: edges chosen -> gain
        for step in reversed(range(self.steps)):
            after, take = table[-1], best[step]
            if self.closes[step]:
                table.append([-math.inf, take + after[0], after[0]])
            else:
                both = [max(after[n], take + after[n + 1]) for n in (0, 1)]
                table.append([*both, after[2]])
        table.reverse()
        return lambda step, state: table[step][state[0]]


class ChainFrame(Frame):
    """One operation in every layer, of those that may stand there; a single state.

    Args:
        edges, zeros: as for every frame.
        open_: (steps, options) booleans: what may stand where.
    """

    def __init__(
        self, edges: Sequence[tuple[int, int]], zeros: Sequence[bool], open_: np.ndarray
    ) -> None:
        super().__init__(edges, zeros)
        self._closed = ~open_
        self._moves = [[(int(at), self.start) for at in np.flatnonzero(row)] for row in open_]

    def moves(self, step: int, state: State) -> list[tuple[int, State]]:
        return self._moves[step]

    def rest(self, gains: np.ndarray) -> Rest:
        """The best operation of each layer to come."""
        best = np.where(self._closed, -np.inf, gains).max(axis=1)
        ahead = np.append(np.cumsum(best[::-1])[::-1], 0.0).tolist()
        return lambda step, state: ahead[step]


def best_selections(
    frame: Frame,
    gains: np.ndarray,
    costs: np.ndarray,
    limits: Sequence[float],
    count: int = 1,
) -> list[Selection]:
    """The ``count`` best complete selections within the limits, best first; fewer where it ends.

    Of equal ones the first by options comes first.

    Args:
        frame: what is complete.
        gains: (steps, options), finite.
        costs: (steps, options, limits), from 0 on.
        limits: the most that each cost may add up to.
        count: how many.
    """
    cheapest = [frame.rest(-costs[:, :, k]) for k in range(len(limits))]
    if any(-rest(0, frame.start) > limit for rest, limit in zip(cheapest, limits, strict=True)):
        return []
    multipliers = [np.zeros(len(limits)), *_multipliers(frame, gains, costs, limits)]
    bounds = [(frame.rest(gains - costs @ m), m.tolist()) for m in multipliers]
    return _search(frame, gains, costs, list(limits), bounds, cheapest, count)


def _search(
    frame: Frame,
    gains: np.ndarray,
    costs: np.ndarray,
    limits: list[float],
    bounds: list[tuple[Rest, list[float]]],
    cheapest: list[Rest],
    count: int,
) -> list[Selection]:
    gain_rows, cost_rows = gains.tolist(), costs.tolist()
    nothing = [0.0] * len(limits)
    top = min(rest(0, frame.start) + _worth(m, limits, nothing) for rest, m in bounds)
    # Sorted by bound, then depth, then options: of equal selections the first, without detours.
    heap: list[tuple[float, int, tuple[int, ...], float, list[float], State]] = []
    heapq.heappush(heap, (-top, 0, (), 0.0, nothing, frame.start))
    seen: dict[tuple[int, State], list[tuple[float, list[float]]]] = {}
    found: list[Selection] = []
    while heap and len(found) < count:
        minus, depth, options, gain, spent, state = heapq.heappop(heap)
        step = -depth
        if step == frame.steps:
            found.append(Selection(options, gain, tuple(spent)))
            continue
        if _outdone(seen.setdefault((step, state), []), gain, spent, count):
            continue
        for option, after in frame.moves(step, state):
            more, paid = gain, spent
            if option != frame.left_out:
                more = gain + gain_rows[step][option]
                paid = [a + b for a, b in zip(spent, cost_rows[step][option], strict=True)]
            if any(
                p - rest(step + 1, after) > limit
                for p, rest, limit in zip(paid, cheapest, limits, strict=True)
            ):
                continue
            bound = min(more + r(step + 1, after) + _worth(m, limits, paid) for r, m in bounds)
            if bound == -math.inf:
                continue
            bound = -minus if bound > -minus - SNAP else bound
            heapq.heappush(heap, (-bound, depth - 1, (*options, option), more, paid, after))
    return found


def _worth(multiplier: list[float], limits: list[float], paid: list[float]) -> float:
    """What the budget that is left is worth, which no completion can exceed."""
    worth = 0.0
    for price, limit, cost in zip(multiplier, limits, paid, strict=True):
        worth += price * (limit - cost)
    return worth


def _outdone(
    seen: list[tuple[float, list[float]]], gain: float, spent: list[float], count: int
) -> bool:
    """Whether ``count`` others at the same place gain as much for as little; else remember it.

    Whatever completes this one completes them too, so none of the ``count`` best is lost.
    """
    if len(seen) < count:  # there cannot be so many
        seen.append((gain, spent))
        return False
    better = 0
    for other, paid in seen:
        if other >= gain and all(a <= b for a, b in zip(paid, spent, strict=True)):
            better += 1
            if better == count:
                return True
    seen.append((gain, spent))
    return False


def _multipliers(
    frame: Frame, gains: np.ndarray, costs: np.ndarray, limits: Sequence[float]
) -> list[np.ndarray]:
    """Prices of the costs, near the minimum of the dual; any from 0 on is allowed.

    The dual is convex: one price after the other is halved in on, each alone first.
    """
    if not len(limits) or not _over(frame, gains, costs, limits).any():
        return []
    spread = float(gains.max() - gains.min()) or 1.0
    found = []
    for alone in (*([k] for k in range(len(limits)) if len(limits) > 1), range(len(limits))):
        prices = np.zeros(len(limits))
        for _ in range(SWEEPS if len(alone) > 1 else 1):
            for k in alone:
                prices[k] = _price(frame, gains, costs, limits, prices, k, spread)
        found.append(prices)
    return found


def _price(
    frame: Frame,
    gains: np.ndarray,
    costs: np.ndarray,
    limits: Sequence[float],
    prices: np.ndarray,
    k: int,
    spread: float,
) -> float:
    """The price of one cost at which its limit is just kept, the others' prices given."""

    def over(price: float) -> bool:
        trial = prices.copy()
        trial[k] = price
        return bool(_over(frame, gains - costs @ trial, costs, limits)[k])

    if not over(0.0):
        return 0.0
    unit = spread / max(float(costs[:, :, k].max()), 1e-300)
    low, high = 0.0, unit
    while over(high):
        low, high = high, high * 4
        if high > unit * 1e9:  # The limits exclude each other, or hardly anything keeps them.
            break
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if over(middle) else (low, middle)
    return high


def _over(
    frame: Frame, priced: np.ndarray, costs: np.ndarray, limits: Sequence[float]
) -> np.ndarray:
    """Which limits the best selection at these prices breaks."""
    _, options = frame.best(priced)
    total = np.zeros(len(limits))
    for step, option in enumerate(options):
        if option != frame.left_out:
            total += costs[step, option]
    return total > np.array(limits)
