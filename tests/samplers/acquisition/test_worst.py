"""Which losses count where only training shows them."""

from __future__ import annotations

import numpy as np
import pytest

from optunas.samplers.acquisition.worst import worst_loss

NONE = np.zeros(0)


def test_alone_the_worst_share_is_left_out() -> None:
    central = np.linspace(0.0, 1.0, 101)
    assert worst_loss(central, NONE, 0.3, alone=True) == pytest.approx(0.7)


def test_of_several_all_that_spread_evenly_count() -> None:
    central = np.linspace(2.0, 3.0, 101)  # as logarithms of costs do
    assert worst_loss(central, NONE, 0.3, alone=False) == pytest.approx(3.0)


def test_of_several_those_that_trail_far_behind_do_not() -> None:
    central = np.concatenate([np.linspace(-0.92, -0.84, 81), np.linspace(-0.8, -0.1, 20)])
    limit = worst_loss(central, NONE, 0.3, alone=False)
    assert -0.84 < limit < -0.8


def test_it_is_no_stricter_than_the_share_asked_for() -> None:
    central = np.concatenate([np.zeros(60), np.ones(40)])  # the best is the median too
    assert worst_loss(central, NONE, 0.3, alone=False) == pytest.approx(1.0)


def test_a_best_far_ahead_asks_for_no_more_than_a_little_past_the_worst() -> None:
    central = np.linspace(0.0, 1.0, 11)
    assert worst_loss(central, np.array([-9.0]), 0.3, alone=False) == pytest.approx(2.0)


def test_equal_losses_are_no_trouble() -> None:
    found = worst_loss(np.full(5, 2.0), np.full(3, 2.0), 0.3, alone=False)
    assert found == pytest.approx(2.0)
