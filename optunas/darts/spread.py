"""Not one architecture but several, of falling size: what the weights say along a whole front.

A search by gradient knows no cost: what it comes to is one network, mostly a large one. Under a
limit on parameters the same weights choose another, and under several limits a row of networks from
that one to the smallest that the space has. No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from optunas.darts.choices import Searchable
from optunas.darts.choose import Ranked, Weights, least_cost, ranked
from optunas.darts.numbers import check_whole
from optunas.darts.result import FinalNetwork
from optunas.errors import InvalidSpecError

__all__ = ["spread_over_costs"]


def spread_over_costs(
    space: Searchable,
    weights: Weights,
    network: FinalNetwork,
    count: int,
    limits: Mapping[str, float] | None = None,
) -> tuple[Ranked, ...]:
    """The best-scoring architectures for ``count`` limits on parameters, dearest first.

    The limits lie evenly on a logarithmic scale, from what the best of all has to the smallest
    possible. Several limits can choose the same architecture, so there may be fewer.

    Args:
        space, weights, limits: as for :func:`optunas.darts.ranked`; no network breaks ``limits``.
        network: whose parameters are meant.
        count: from 1 on; 1 is the best of all alone.

    Raises:
        InvalidSpecError: as ``ranked``, and for a wrong count.
    """
    check_whole("count", count, 1)
    given = dict(limits or {})
    given.setdefault("params", float("inf"))
    arguments = network.arguments()
    best = ranked(space, weights, limits=given, **arguments)[0]
    least = least_cost(space, "params", **arguments)
    found = {space.digest(best.architecture): best}  # type: ignore[arg-type]
    for most in np.geomspace(best.costs["params"], least, count)[1:]:
        given["params"] = most + 0.5  # rounding must not put the last limit below the smallest
        try:
            one = ranked(space, weights, limits=given, **arguments)[0]
        except InvalidSpecError:
            break  # the other limits leave nothing as small
        found[space.digest(one.architecture)] = one  # type: ignore[arg-type] # or its smaller code
    return tuple(found.values())
