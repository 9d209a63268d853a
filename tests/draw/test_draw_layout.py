"""The layered layout against slow, obvious variants."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from optunas.draw.layout import _crossings, _settle, place


@st.composite
def graphs(draw: Any) -> tuple[list[list[int]], list[float], list[tuple[int, int, float]]]:
    """Columns of items, their heights, and links between neighbouring columns."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    ids = iter(range(sum(sizes)))
    layers = [[next(ids) for _ in range(size)] for size in sizes]
    heights = [float(draw(st.integers(5, 40))) for _ in range(sum(sizes))]
    links = [
        (a, b, float(draw(st.sampled_from([1, 2, 8]))))
        for left, right in itertools.pairwise(layers)
        for a in left
        for b in right
        if draw(st.booleans())
    ]
    return layers, heights, links


@settings(deadline=None)
@given(graphs())
def test_items_of_a_column_keep_their_distance(
    graph: tuple[list[list[int]], list[float], list[tuple[int, int, float]]],
) -> None:
    layers, heights, links = graph
    members = [set(layer) for layer in layers]
    runs = [[layer[0] for layer in layers]]
    at = place(layers, heights, links, runs)
    assert [set(layer) for layer in layers] == members
    for layer in layers:
        for upper, lower in itertools.pairwise(layer):
            assert at[lower] - at[upper] >= (heights[upper] + heights[lower]) / 2 - 1e-6


@settings(deadline=None)
@given(graphs())
def test_crossings_are_counted_as_by_comparing_all_pairs(
    graph: tuple[list[list[int]], list[float], list[tuple[int, int, float]]],
) -> None:
    layers, heights, links = graph
    right: list[list[tuple[int, float]]] = [[] for _ in heights]
    for a, b, weight in links:
        right[a].append((b, weight))
    rank = [0.0] * len(heights)
    for layer in layers:
        for position, item in enumerate(layer):
            rank[item] = position - (len(layer) - 1) / 2
    column = {item: c for c, layer in enumerate(layers) for item in layer}
    slow = sum(
        column[a] == column[c] and (rank[a] - rank[c]) * (rank[b] - rank[d]) < 0
        for (a, b, _), (c, d, _) in itertools.combinations(links, 2)
    )
    assert _crossings(layers, right, rank) == slow


@given(
    st.lists(
        st.tuples(st.integers(-50, 50), st.sampled_from([1.0, 2.0, 8.0]), st.integers(2, 30)),
        min_size=1,
        max_size=8,
    )
)
def test_a_column_settles_at_the_least_squares_optimum(
    items: list[tuple[int, float, int]],
) -> None:
    """Against scikit-learn's isotonic regression on the distances taken out."""
    count = len(items)
    heights = [float(height) for _, _, height in items] * 2
    at = [0.0] * count + [float(target) for target, _, _ in items]
    side = [[(count + i, weight)] for i, (_, weight, _) in enumerate(items)]
    _settle(list(range(count)), heights, side, at)
    gaps = [(a + b) / 2 for a, b in itertools.pairwise(heights[:count])]
    offsets = np.cumsum([0.0, *gaps])
    wanted = np.array([target for target, _, _ in items]) - offsets
    weights = [weight for _, weight, _ in items]
    best = IsotonicRegression().fit_transform(np.arange(count), wanted, sample_weight=weights)
    np.testing.assert_allclose(at[:count], best + offsets, atol=1e-6)


def test_two_crossed_links_are_uncrossed() -> None:
    layers = [[0, 1], [2, 3]]
    at = place(layers, [10.0] * 4, [(0, 3, 1.0), (1, 2, 1.0)])
    assert (at[0] < at[1]) == (at[3] < at[2])


def test_a_run_with_room_is_level() -> None:
    layers = [[0], [1, 2], [3]]
    at = place(layers, [10.0] * 4, [(0, 1, 1.0), (0, 2, 1.0), (2, 3, 1.0)], [[0, 2, 3]])
    assert at[0] == at[2] == at[3]
