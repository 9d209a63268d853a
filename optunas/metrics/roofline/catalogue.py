"""The profiles that come with optunas; every figure has its source beside it."""

from __future__ import annotations

from pathlib import Path

from optunas.errors import UnknownNameError
from optunas.metrics.roofline.from_toml import load_profile
from optunas.metrics.roofline.profile import Profile

__all__ = ["find_profile", "profiles"]

_ALL = (
    Profile(
        "laptop",
        # 4 cores x 2.8 GHz (base) x 32 float32 operations a cycle (two 256-bit multiply-adds).
        {"float32": 4 * 2.8e-3 * 32, "float64": 4 * 2.8e-3 * 16},
        # Two channels of DDR4-3200, 8 bytes wide: 2 x 3.2 x 8.
        bandwidth_gb_s=51.2,
        overhead_us=2.0,
        source="Intel Core i7-1165G7: ark.intel.com, product specifications (cores, base "
        "frequency, memory types); operations a cycle: Intel 64 and IA-32 optimization manual.",
    ),
    Profile(
        "raspberry_pi_4",
        # 4 cores x 1.5 GHz x 8 float32 operations a cycle (one 128-bit multiply-add).
        {"float32": 4 * 1.5e-3 * 8, "float64": 4 * 1.5e-3 * 4},
        # LPDDR4-3200, 32 bits wide: 3.2 x 4.
        bandwidth_gb_s=12.8,
        overhead_us=5.0,
        fused=True,
        source="Raspberry Pi 4 Model B product brief (BCM2711, four Cortex-A72 at 1.5 GHz, "
        "LPDDR4-3200); operations a cycle: Arm Cortex-A72 software optimization guide, FMLA.",
    ),
    Profile(
        "jetson_tx2",
        # 1.33 in float16 = 256 cores x 2 x 1.3 GHz x 2; half of it in float32.
        {"float16": 1.33, "float32": 0.665},
        bandwidth_gb_s=59.7,
        overhead_us=10.0,
        fused=True,
        source="NVIDIA Jetson modules' technical specifications (TX2: 1.33 TFLOPS, 59.7 GB/s) and "
        "the Jetson TX2 module data sheet (256-core Pascal GPU, 128-bit LPDDR4).",
    ),
    Profile(
        "jetson_orin_nano",
        # 1,024 cores x 2 x 625 MHz in float32; 20 dense INT8 TOPS, half of it in float16.
        {"float32": 1.28, "float16": 10.0, "int8": 20.0},
        bandwidth_gb_s=68.0,
        overhead_us=8.0,
        fused=True,
        source="NVIDIA Jetson Orin Nano Series data sheet, 8 GB module, 15 W (1,024 cores, "
        "625 MHz, 40 sparse and 20 dense INT8 TOPS, 68 GB/s).",
    ),
    Profile(
        "t4",
        {"float32": 8.1, "float16": 65.0, "int8": 130.0},
        bandwidth_gb_s=320.0,
        overhead_us=5.0,
        source="NVIDIA T4 data sheet: 8.1 TFLOPS single, 65 mixed, 130 INT8 TOPS, 320+ GB/s.",
    ),
    Profile(
        "a100",
        # float32 outside the tensor cores; with TF32 it would be 156.
        {"float32": 19.5, "float64": 9.7, "bfloat16": 312.0, "float16": 312.0, "int8": 624.0},
        bandwidth_gb_s=2039.0,
        overhead_us=5.0,
        source="NVIDIA A100 data sheet, 80 GB SXM, without sparsity.",
    ),
    Profile(
        "h200",
        # The data sheet's tensor figures are with sparsity, twice the dense ones here.
        {"float32": 67.0, "float64": 34.0, "bfloat16": 989.5, "float16": 989.5, "int8": 1979.0},
        bandwidth_gb_s=4800.0,
        overhead_us=4.0,
        source="NVIDIA H200 data sheet, SXM (67 TFLOPS, 1,979 BFLOAT16 and 3,958 INT8 with "
        "sparsity, 4.8 TB/s).",
    ),
)


def profiles() -> tuple[Profile, ...]:
    """The profiles that come with optunas, the smallest devices first."""
    return tuple(sorted(_ALL, key=lambda profile: profile.tflops["float32"]))


def find_profile(profile: str | Profile | Path) -> Profile:
    """The profile of this name, or of this TOML file; a profile is returned as it is.

    Raises:
        UnknownNameError: for another name, with the nearest.
        InvalidSpecError: for a file that cannot be read or is no profile.
    """
    if isinstance(profile, Profile):
        return profile
    if isinstance(profile, Path) or str(profile).endswith(".toml"):
        return load_profile(profile)
    known = {one.name: one for one in _ALL}
    if profile not in known:
        raise UnknownNameError("profile", profile, known)
    return known[profile]
