"""The profiles that come with optunas; every figure has its source beside it.

Peaks are of dense arithmetic, two operations a multiply-accumulate; a sheet's sparse figures are
halved. Overheads are assumptions: no data sheet has them.
"""

from __future__ import annotations

from pathlib import Path

from optunas.errors import UnknownNameError
from optunas.metrics.roofline.from_toml import load_profile
from optunas.metrics.roofline.profile import Profile

__all__ = ["find_profile", "profiles"]

_ALL = (
    Profile(
        "laptop",
        # float32: 4 cores x 32 operations a cycle (two 256-bit multiply-adds, or one of 512 bits:
        # the same) x 2.8 GHz, the base clock at 28 W; its turbo of 4.7 GHz is of one core.
        {"float32": 4 * 32 * 2.8e-3, "float64": 4 * 16 * 2.8e-3},
        # Two channels of DDR4-3200, 64 bits each: 2 x 8 x 3.2. Soldered LPDDR4x-4267 has 68.3.
        bandwidth_gb_s=51.2,
        overhead_us=2.0,
        source="Intel Core i7-1165G7: ark.intel.com, CPU specifications (4 cores, 2.80 GHz at 28 W)"
        " and memory specifications (2 channels, DDR4-3200); operations a cycle: Intel 64 and IA-32"
        " architectures optimization reference manual, Ice Lake client's execution ports.",
    ),
    Profile(
        "raspberry_pi_4",
        # float32: 4 cores x 8 operations a cycle (one 128-bit FMLA, on two 64-bit pipes) x 1.5 GHz;
        # no arithmetic in float16 and no dot product in int8, so both run as float32. Boards of
        # the later stepping clock 1.8 GHz under a newer system.
        {"float32": 4 * 8 * 1.5e-3, "float64": 4 * 4 * 1.5e-3},
        # LPDDR4-3200 on 32 bits: 3.2 x 4.
        bandwidth_gb_s=12.8,
        overhead_us=5.0,
        fused=True,
        source="Raspberry Pi 4 Model B product brief, specification (BCM2711, four Cortex-A72 at "
        "1.5 GHz, LPDDR4-3200 SDRAM; one 32-bit package); operations a cycle: Arm Cortex-A72 "
        "software optimization guide, ASIMD floating-point instructions, FMLA in Q form.",
    ),
    Profile(
        "jetson_tx2",
        # float32: 256 cores x 2 x 1.3 GHz; float16 in pairs, twice that (1.33 on NVIDIA's page);
        # float64: 2 multiprocessors x 4 x 2 x 1.3 GHz.
        {"float16": 1.33, "float32": 0.666, "float64": 0.0208},
        # 128 bits of LPDDR4 at 1.866 GHz: 16 x 3.732.
        bandwidth_gb_s=59.7,
        overhead_us=10.0,
        fused=True,
        source="NVIDIA Jetson modules, technical specifications, column TX2 (1.33 TFLOPS in FP16, "
        "256-core Pascal GPU, 8 GB of 128-bit LPDDR4, 59.7 GB/s); Jetson TX2 module data sheet "
        "(GPU at 1.3 GHz); float64: CUDA C++ programming guide, arithmetic instructions, 6.2.",
    ),
    Profile(
        "jetson_orin_nano",
        # float32: 1,024 cores x 2 x 625 MHz. Tensor cores, dense: 32 x 1,024 operations a cycle in
        # int8, half as many in float16 and bfloat16, a quarter in tf32 (A100's tensor cores);
        # float64: 8 multiprocessors x 2 x 2 x 625 MHz.
        {
            "float64": 0.02,
            "float32": 1.28,
            "tf32": 5.0,
            "bfloat16": 10.0,
            "float16": 10.0,
            "int8": 20.0,
        },
        # 128 bits of LPDDR5 at 2.133 GHz: 16 x 4.266.
        bandwidth_gb_s=68.0,
        overhead_us=8.0,
        fused=True,
        source="NVIDIA Jetson Orin Nano Series data sheet, v1.1: front page (8 GB module: 40 INT8 "
        "TOPS sparse and 20 dense, 128-bit LPDDR5 at 2133 MHz) and table 1 (1,024 CUDA and 32 "
        "tensor cores, 625 MHz); other types: Jetson AGX Orin technical brief, tensor cores.",
    ),
    Profile(
        "jetson_orin_nano_super",
        # The module above at 1,020 MHz, its memory at 3.2 GHz: what JetPack 6.1 and later allow.
        {
            "float64": 0.0326,
            "float32": 2.09,
            "tf32": 8.4,
            "bfloat16": 16.7,
            "float16": 16.7,
            "int8": 33.0,
        },
        bandwidth_gb_s=102.0,
        overhead_us=8.0,
        fused=True,
        source="NVIDIA Jetson Orin Nano Super developer kit data sheet (67 INT8 TOPS sparse and 33 "
        "dense, 1,020 MHz, 102 GB/s at 25 W); otherwise as jetson_orin_nano.",
    ),
    Profile(
        "t4",
        # float32: 2,560 cores x 2 x 1.59 GHz (boost). Tensor cores: 320 x 128 operations a cycle in
        # float16, twice that in int8; none in bfloat16 or tf32. float64: 40 x 2 x 2 x 1.59 GHz.
        {"float32": 8.1, "float64": 0.254, "float16": 65.0, "int8": 130.0},
        # 256 bits of GDDR6 at 10 Gb/s; early sheets say 300.
        bandwidth_gb_s=320.0,
        overhead_us=5.0,
        source="NVIDIA T4 data sheet, performance (8.1 TFLOPS single, 65 mixed FP16/FP32, 130 INT8 "
        "TOPS; Turing has no sparsity) and T4 product brief (boost 1,590 MHz, 320 GB/s).",
    ),
    Profile(
        "a100",
        # float32 and float64 outside the tensor cores: 6,912 x 2 x 1.41 GHz (boost), half of it.
        # Tensor cores, dense: 432 x 512 operations a cycle in float16.
        {
            "float64": 9.7,
            "float32": 19.5,
            "tf32": 156.0,
            "bfloat16": 312.0,
            "float16": 312.0,
            "int8": 624.0,
        },
        # 5,120 bits of HBM2e at 3.186 Gb/s; the 40 GB module has 1,555, the PCIe card 1,935.
        bandwidth_gb_s=2039.0,
        overhead_us=5.0,
        source="NVIDIA A100 data sheet, specifications, 80 GB SXM, figures without sparsity; clock "
        "and cores: NVIDIA A100 architecture white paper, table of Tesla data center GPUs.",
    ),
    Profile(
        "h200",
        # float32 and float64 outside the tensor cores: 16,896 x 2 x 1.98 GHz (boost), half of it.
        # Tensor cores, dense: 528 x 1,024 operations a cycle in float16 at their boost of 1.83 GHz;
        # the data sheet's figures for them are with sparsity, twice these.
        {
            "float64": 34.0,
            "float32": 67.0,
            "tf32": 494.5,
            "bfloat16": 989.5,
            "float16": 989.5,
            "int8": 1979.0,
        },
        bandwidth_gb_s=4800.0,
        overhead_us=4.0,
        source="NVIDIA H200 data sheet, specifications, SXM (34 TFLOPS FP64, 67 FP32; with sparsity"
        " 989 TF32, 1,979 BFLOAT16 and FP16, 3,958 INT8; 4.8 TB/s); clocks and cores: NVIDIA H100 "
        "architecture white paper, table of H100 SXM5, the same chip.",
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
