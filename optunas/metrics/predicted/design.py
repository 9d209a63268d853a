"""Networks as rows of numbers: what of their terms a latency is fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optunas.metrics.predicted.terms import Counted, Term
from optunas.metrics.predicted.work import CLASSES

__all__ = ["Design", "Network", "design_of", "network_of"]

Array = np.ndarray


@dataclass(frozen=True)
class Network:
    """A network's terms, each once: how often it is built, and how often its output is used."""

    terms: Mapping[Term, tuple[int, int]]


def network_of(counted: Sequence[Counted]) -> Network:
    """The terms with equal ones added up."""
    found: dict[Term, tuple[int, int]] = {}
    for term, times, used, _ in counted:
        before = found.get(term, (0, 0))
        found[term] = (before[0] + times, before[1] + used)
    return Network(found)


@dataclass(frozen=True)
class Design:
    """Networks in columns.

    Attributes:
        terms: the distinct terms, T of them.
        built, used: (N, T) how often each network has each term.
        work: (T, 6) what a term computes and moves.
    """

    terms: tuple[Term, ...]
    built: Array
    used: Array
    work: Array

    @property
    def names(self) -> list[str]:
        """The distinct names of operations, in order."""
        return list(dict.fromkeys(term.name for term in self.terms))

    def by_name(self) -> Array:
        """(T, names) one where a term has the name."""
        names = self.names
        found = np.zeros((len(self.terms), len(names)))
        for row, term in enumerate(self.terms):
            found[row, names.index(term.name)] = 1.0
        return found

    def counts(self, used: bool) -> Array:
        """(N, T) of what is built, or of what is used."""
        return self.used if used else self.built


def design_of(networks: Sequence[Network], terms: Sequence[Term] | None = None) -> Design:
    """The networks over ``terms``; over all that they have where none are given."""
    if terms is None:
        terms = tuple(dict.fromkeys(term for network in networks for term in network.terms))
    at = {term: column for column, term in enumerate(terms)}
    built, used = (np.zeros((len(networks), len(terms))) for _ in range(2))
    for row, network in enumerate(networks):
        for term, (times, live) in network.terms.items():
            if term in at:
                built[row, at[term]], used[row, at[term]] = times, live
    work = np.array([term.work for term in terms], dtype=float).reshape(-1, len(CLASSES))
    return Design(tuple(terms), built, used, work)
