"""Latency of an architecture on a device that is not at hand, from its data sheet."""

from __future__ import annotations

from pathlib import Path

from optunas.metrics.flow.planned import program_of
from optunas.metrics.flow.steps import Program, Segment
from optunas.metrics.roofline.catalogue import find_profile
from optunas.metrics.roofline.profile import TYPE_BYTES, Profile
from optunas.nets.skeleton import Architecture, check_counts
from optunas.space.joint import Joint

__all__ = ["EstimatedLatency", "estimate_latency_ms", "program_ms"]

FUSED = ("norm", "activation", "zeros", "pad")
"""Steps that inference compilers put into the convolution beside them."""


def estimate_latency_ms(
    architecture: Architecture | Joint,
    input_shape: tuple[int, ...],
    num_outputs: int,
    profile: str | Path | Profile = "laptop",
    channels: int | None = None,
    num_cells: int | None = None,
    *,
    batch: int = 1,
    dtype: str = "float32",
) -> float:
    """An estimate, in milliseconds for a batch, from two figures of a data sheet; no torch.

    The sum over the network's operations of the longer of arithmetic at the peak rate and memory
    traffic (what each reads and writes, weights included) at the peak bandwidth, plus the
    profile's overhead for each (Williams, Waterman and Patterson 2009). Real devices reach a
    fraction of their peaks, so it is meant to rank networks of one kind, not to tell times; its
    rank correlation with measured times is printed by ``tests/benchmarks/profiles.py``.

    Args:
        architecture: whatever ``build`` takes.
        input_shape: of one sample, without batch.
        num_outputs: of the network.
        profile: a name of :func:`profiles`, a ``Profile``, or the path of a TOML file.
        channels: as for ``build``.
        num_cells: as for ``build``.
        batch: samples at once.
        dtype: ``float32``, ``tf32``, ``float16``, ``bfloat16``, ``int8`` or ``float64``; each at
            its own peak, see :attr:`Profile.tflops`. A float32 network under torch runs its
            convolutions in ``tf32`` on an A100 or H200 unless torch was told otherwise.

    Raises:
        UnknownNameError: for an unknown profile, with the nearest.
        InvalidSpecError: for a file that is no profile, a dtype that it has no rate for, or a shape
            or count that cannot work.
        InvalidArchitectureError: for anything that has no network.
    """
    source = EstimatedLatency(profile, batch, dtype)
    return source.predict(architecture, input_shape, num_outputs, channels, num_cells)


class EstimatedLatency:
    """A profile as a source of the metric ``latency_ms``, where nothing is measured.

    Args:
        profile: a name of :func:`profiles`, a ``Profile``, or the path of a TOML file.
        batch: samples at once.
        dtype: of the network's numbers.

    Attributes:
        basis: in words, the peaks that the estimates are made from.

    Raises:
        UnknownNameError, InvalidSpecError: as :func:`estimate_latency_ms`.
    """

    def __init__(
        self, profile: str | Path | Profile = "laptop", batch: int = 1, dtype: str = "float32"
    ) -> None:
        self.profile, self.dtype = find_profile(profile), dtype
        (self.batch,) = check_counts(batch=batch)
        self.basis = self.profile.basis(dtype)

    def predict(
        self,
        architecture: Architecture | Joint,
        input_shape: tuple[int, ...],
        num_outputs: int,
        channels: int | None = None,
        num_cells: int | None = None,
    ) -> float:
        """Milliseconds, estimated; arguments and errors are those of ``optunas.build``."""
        program = program_of(architecture, input_shape, num_outputs, channels, num_cells)
        return program_ms(program, self.profile, self.batch, self.dtype)


def program_ms(program: Program, profile: Profile, batch: int = 1, dtype: str = "float32") -> float:
    """The estimate for a whole program."""
    known: dict[int, float] = {}  # a stage repeats its cell
    total = 0.0
    for segment, _ in program.segments:
        if id(segment) not in known:
            known[id(segment)] = _segment_ms(segment, profile, batch, dtype)
        total += known[id(segment)]
    return total


def _segment_ms(segment: Segment, profile: Profile, batch: int, dtype: str) -> float:
    # In milliseconds: of an operation, of a byte, of a kernel.
    each_flop, each_byte = 1e3 / profile.rate(dtype), 1e-6 / profile.bandwidth_gb_s
    overhead, itemsize, sizes = profile.overhead_us / 1e3, TYPE_BYTES[dtype], segment.sizes
    total = 0.0
    for step in segment.steps:
        if step.in_training or (profile.fused and step.kind in FUSED):
            continue
        moved = sizes[step.writes] + sum([sizes[tensor] for tensor in step.reads])
        traffic = itemsize * (batch * moved + step.weights) * each_byte
        total += overhead + max(2 * batch * step.macs * each_flop, traffic)
    return total
