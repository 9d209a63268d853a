"""Networks of falling size: each is the best of all members that are no larger."""

from __future__ import annotations

import numpy as np
import pytest
from searched import NETWORK, weights_of

from optunas import DARTS, NB201, DenseCellSpace, metrics
from optunas.darts.choose import discretize, least_cost
from optunas.darts.spread import spread_over_costs
from optunas.errors import InvalidSpecError

SPACE = DenseCellSpace(["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"], num_nodes=3)
SIZES = {cell: metrics.params(cell, (1, 8, 8), 10, 4, 2) for cell in SPACE.enumerate()}


@pytest.mark.parametrize("seed", range(5))
def test_each_is_the_best_of_its_size(seed: int) -> None:
    weights = weights_of(SPACE, seed)
    found = spread_over_costs(SPACE, weights, NETWORK, 6)
    digests = [SPACE.digest(one.architecture) for one in found]  # type: ignore[arg-type]
    assert digests[0] == SPACE.digest(discretize(SPACE, weights))  # type: ignore[arg-type]
    sizes = [SIZES[one.architecture] for one in found]
    assert sizes == sorted(set(sizes), reverse=True)
    connected = [cell for cell in SIZES if cell.is_connected()]
    assert sizes[-1] == min(SIZES[cell] for cell in connected)
    for most in np.geomspace(sizes[0], sizes[-1], 6):
        within = [cell for cell in connected if SIZES[cell] <= most + 0.5]
        wanted = max(within, key=lambda cell: _score(weights, cell))
        assert SPACE.digest(wanted) in digests


def _score(weights: dict[str, np.ndarray], cell: object) -> float:
    names = [operation.name for operation in SPACE.operations]
    chosen = [names.index(edge.operation) for edge in cell.edges]  # type: ignore[attr-defined]
    return float(np.log(weights["cell"][np.arange(len(chosen)), chosen]).sum())


def test_the_least_cost_is_that_of_the_smallest_member() -> None:
    wanted = {"input_shape": (1, 8, 8), "num_outputs": 10, "channels": 4, "num_cells": 2}
    connected = [cell for cell in SIZES if cell.is_connected()]
    assert least_cost(SPACE, "params", **wanted) == min(SIZES[cell] for cell in connected)  # type: ignore[arg-type]
    flops = min(metrics.flops(cell, (1, 8, 8), 10, 4, 2) for cell in connected)
    assert least_cost(SPACE, "flops", **wanted) == flops  # type: ignore[arg-type]


def test_other_limits_hold_and_end_the_row() -> None:
    weights = weights_of(NB201, 1)
    free = spread_over_costs(NB201, weights, NETWORK, 8)
    flops = sorted(metrics.flops(one.architecture, (1, 8, 8), 10, 4, 2) for one in free)
    limit = flops[len(flops) // 2]
    kept = spread_over_costs(NB201, weights, NETWORK, 8, {"flops": limit})
    assert all(metrics.flops(one.architecture, (1, 8, 8), 10, 4, 2) <= limit for one in kept)
    assert kept[-1].costs["params"] == free[-1].costs["params"]


def test_one_is_the_best_alone_and_genotypes_are_spread_too() -> None:
    weights = weights_of(DARTS, 0)
    assert len(spread_over_costs(DARTS, weights, NETWORK, 1)) == 1
    found = spread_over_costs(DARTS, weights, NETWORK, 5)
    assert len({DARTS.digest(one.architecture) for one in found}) == len(found) > 2  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, -1, 1.5, True])
def test_wrong_counts_get_a_sentence(count: object) -> None:
    with pytest.raises(InvalidSpecError, match="count must be a whole number from 1 on"):
        spread_over_costs(NB201, weights_of(NB201, 0), NETWORK, count)  # type: ignore[arg-type]
