"""The conformance suite of search spaces, for a user's own space as well."""

from __future__ import annotations

from optunas.testing.identity import IdentityTests
from optunas.testing.refusals import RefusalTests
from optunas.testing.trials import TrialTests
from optunas.testing.variation import VariationTests

__all__ = ["SpaceConformance"]


class SpaceConformance(IdentityTests, VariationTests, RefusalTests, TrialTests):
    """What every search space does, as tests; put this into a file that pytest collects::

        from optunas.testing import SpaceConformance
        from my_package import MySpace

        class TestMySpace(SpaceConformance):
            space = MySpace()

    A failure names the verb that broke its promise, on which member, and how to draw that member
    again. What does not apply is skipped with the reason: a space that cannot be stored, no
    continuous parameter, no conditions.

    Attributes:
        space: the space; a property or a pytest fixture of that name (with ``params`` for several)
            serves as well.
        num_samples: random members that each test looks at.
        num_enumerated: a space of at most so many members is enumerated whole.
        seed: members are ``space.sample(numpy.random.default_rng([seed, i]))``.
    """
