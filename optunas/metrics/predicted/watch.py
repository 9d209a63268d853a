"""Who is told how a calibration gets on."""

from __future__ import annotations

__all__ = ["Watch"]


class Watch:
    """Is told what happens; this one keeps silent."""

    def begin(self, what: str, total: int, done: int) -> None:
        """A phase of ``total`` blocks begins, ``done`` of them known from before."""

    def step(self, block: str) -> None:
        """A block is finished."""
