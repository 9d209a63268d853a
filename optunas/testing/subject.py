"""What all conformance classes share: the space, and members of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from optunas.errors import InvalidSpaceError
from optunas.space import Space
from optunas.testing.contract import Sampled, promise

__all__ = ["Subject"]


class Subject:
    """A class of tests of one space.

    Attributes:
        space: the space; an attribute, a property, or a pytest fixture of this name.
        num_samples: random members that each test looks at.
        seed: they are ``space.sample(numpy.random.default_rng([seed, i]))``.
    """

    space: Any = None
    num_samples: int = 100
    seed: int = 0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        given = cls.__dict__.get("space")
        if given is None or isinstance(given, (Space, property, cached_property)):
            return
        if isinstance(given, type) or not callable(given):
            raise InvalidSpaceError(
                f"{cls.__name__}: space must be a space, such as space = MySpace(), got {given!r}."
            )
        # A fixture: asked for in the open, so that pytest sees its params.
        pytest.mark.usefixtures("space")(cls)

    @pytest.fixture(autouse=True)
    def _space_from_a_fixture(self, request: pytest.FixtureRequest) -> None:
        if isinstance(self.space, Space):
            return
        with suppress(pytest.FixtureLookupError):
            self.space = request.getfixturevalue("space")
        if self.space is None:
            pytest.fail(
                f"{type(self).__name__} has no space: write space = MySpace() into the class, "
                "or a fixture of that name.",
                pytrace=False,
            )
        if not isinstance(self.space, Space):
            pytest.fail(
                f"The fixture space must give an optunas.Space, got {self.space!r}.", pytrace=False
            )

    def _sampled(self, number: int) -> Sampled:
        rng = np.random.default_rng([self.seed, number])
        with promise("sample", f"numpy.random.default_rng([{self.seed}, {number}])"):
            return Sampled(self.space.sample(rng), rng, self.seed, number)

    def _samples(self, count: int | None = None) -> Iterator[Sampled]:
        count = self.num_samples if count is None else min(count, self.num_samples)
        return (self._sampled(number) for number in range(count))

    def _pairs(self) -> Iterator[tuple[Sampled, Sampled]]:
        samples = self._samples()
        return itertools.zip_longest(samples, samples, fillvalue=self._sampled(0))

    def _active(self, values: dict[str, Any]) -> set[str]:
        """The names of the parameters that count."""
        return set(self.space.active(values))
