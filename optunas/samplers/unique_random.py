"""Random search that never tries one network twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from optunas.samplers.space_sampler import SpaceSampler, View

__all__ = ["UniqueRandomSampler"]


class UniqueRandomSampler(SpaceSampler):
    """Draws a member that no trial had, has or waits for, and that keeps the limits.

    In a space of up to 50,000 members the draw is uniform over the networks (or codes, with
    ``identity="code"``) that are left; in a larger one it is the space's own, with what has been
    seen left out. Once nothing is left, any allowed member is drawn again.

    Arguments and what they mean are those of :class:`SpaceSampler`.
    """

    def propose(self, view: View, rng: np.random.Generator) -> Any:
        """A new allowed member, at random."""
        return view.random(rng)
