"""What a roofline knows of a device."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real

from optunas.errors import InvalidSpecError, nearest
from optunas.metrics.memory_use import ITEM_BYTES

__all__ = ["ESTIMATE", "TYPE_BYTES", "Profile"]

TYPE_BYTES = {**ITEM_BYTES, "tf32": ITEM_BYTES["float32"]}
"""Bytes of one number in memory; ``tf32`` is float32 whose products tensor cores round."""

_WIDTH = {"int8": 0, "float16": 1, "bfloat16": 1, "tf32": 2, "float32": 3, "float64": 4}
"""A type runs as a wider one where the device has no arithmetic for it."""

ESTIMATE = (
    "An estimate from peak figures: it ranks networks roughly and is far below real times; "
    "measure or calibrate where the device is at hand."
)
"""What stands beside every figure made from a profile."""


@dataclass(frozen=True)
class Profile:
    """Peak figures of a device (Williams, Waterman and Patterson 2009, "Roofline").

    Attributes:
        name: of the device.
        tflops: peak rate by type of number, in 10^12 operations a second (a multiply-accumulate is
            two), dense; other types run at the rate of the next wider one that is there.
            ``float32`` is outside the tensor cores, ``tf32`` float32 inside them, as torch runs
            the convolutions of float32 networks on GPUs that have it.
        bandwidth_gb_s: of main memory, in 10^9 bytes a second.
        overhead_us: of starting one kernel, in microseconds; an assumption, no data sheet has it.
        fused: whether norms and activations run inside the convolution beside them, as inference
            compilers arrange it; they then cost nothing.
        source: where the figures are from.
        estimate: what to say beside every figure made from this.

    Raises:
        InvalidSpecError: naming all that is wrong, one a line.
    """

    name: str
    tflops: Mapping[str, float]
    bandwidth_gb_s: float
    overhead_us: float = 0.0
    fused: bool = False
    source: str = ""
    estimate: str = field(default=ESTIMATE, repr=False)

    def __post_init__(self) -> None:
        faults = list(_faults(self))
        if faults:
            raise InvalidSpecError("\n".join(faults))

    def rate(self, dtype: str) -> float:
        """Operations a second of this type; that of the next wider one where it has none.

        Raises:
            InvalidSpecError: for a type that is unknown, or wider than all that the profile has.
        """
        return self.tflops[self.runs_as(dtype)] * 1e12

    def runs_as(self, dtype: str) -> str:
        """The type whose rate is this one's: itself, or the next wider that the profile has.

        Raises:
            InvalidSpecError: as :meth:`rate`.
        """
        if dtype not in TYPE_BYTES:
            raise InvalidSpecError(f"Unknown dtype {dtype!r}{nearest(dtype, TYPE_BYTES)}")
        if dtype in self.tflops:
            return dtype
        wider = [one for one in self.tflops if _WIDTH[one] > _WIDTH[dtype]]
        if not wider:
            raise InvalidSpecError(
                f"The profile {self.name!r} has no rate for {dtype}, only for "
                f"{', '.join(sorted(self.tflops))}; add tflops.{dtype} to a profile of your own."
            )
        return min(wider, key=_WIDTH.__getitem__)

    def basis(self, dtype: str) -> str:
        """In words, the two figures that estimates in this type are made from.

        Raises:
            InvalidSpecError: as :meth:`rate`.
        """
        used = self.runs_as(dtype)
        as_which = used if used == dtype else f"{used} ({dtype} runs as it)"
        return f"{self.tflops[used]:,.4g} TFLOP/s in {as_which} and {self.bandwidth_gb_s:,.4g} GB/s"


def _faults(profile: Profile) -> list[str]:
    faults = []
    if not isinstance(profile.name, str) or not profile.name.strip():
        faults.append(f"A profile's name must be a text, got {profile.name!r}.")
    if not isinstance(profile.tflops, Mapping) or not profile.tflops:
        faults.append(
            "A profile's tflops must name at least one type and its rate, such as "
            f"{{'float32': 0.048}}, got {profile.tflops!r}."
        )
    else:
        for dtype, rate in profile.tflops.items():
            if dtype not in TYPE_BYTES:
                faults.append(f"Unknown dtype {dtype!r} in tflops{nearest(str(dtype), TYPE_BYTES)}")
            elif not _number(rate) or rate <= 0:
                faults.append(f"tflops.{dtype} must be a number above 0, got {rate!r}.")
    if not _number(profile.bandwidth_gb_s) or profile.bandwidth_gb_s <= 0:
        faults.append(f"bandwidth_gb_s must be a number above 0, got {profile.bandwidth_gb_s!r}.")
    if not _number(profile.overhead_us) or profile.overhead_us < 0:
        faults.append(f"overhead_us must be a number from 0 on, got {profile.overhead_us!r}.")
    if not isinstance(profile.fused, bool):
        faults.append(f"fused must be true or false, got {profile.fused!r}.")
    if not isinstance(profile.source, str):
        faults.append(f"source must be a text, got {profile.source!r}.")
    return faults


def _number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
