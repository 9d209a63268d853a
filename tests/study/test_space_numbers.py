"""Numbers of the space report as its documentation shows them."""

from __future__ import annotations

import doctest

from optunas.study.space_report import numbers


def test_the_documented_numbers_are_those_that_are_written() -> None:
    result = doctest.testmod(numbers)
    assert result.attempted >= 2
    assert result.failed == 0
