"""Few members of a space that have every option of every parameter, in place of many random ones.

What is built, trained or counted is dear; a draw costs nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optunas.space import Space
from optunas.testing.coverage import bin_of

DRAWS = 200


def options_of(space: Space[Any], member: Any) -> set[tuple[str, str]]:
    """(parameter, option) of every parameter that counts; of a number the part of its range."""
    table, values = space.parameters(), space.encode(member)
    return {(name, bin_of(table[name], values[name])) for name in space.active(values)}


def covering(space: Space[Any], seed: int = 0, times: int = 1) -> list[Any]:
    """Members that together have each option ``times`` times, if so many of ``DRAWS`` have it.

    Greedy: the next member is the one with most of what is missing.
    """
    rng = np.random.default_rng(seed)
    members = [space.sample(rng) for _ in range(DRAWS)]
    options = [options_of(space, member) for member in members]
    left, chosen = set(range(DRAWS)), []
    for _ in range(times):
        missing = set().union(*(options[at] for at in left))
        while missing:
            best = max(sorted(left), key=lambda at: len(options[at] & missing))
            left.remove(best)
            missing -= options[best]
            chosen.append(members[best])
    return chosen
