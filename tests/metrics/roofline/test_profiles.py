"""Rooflines: the formula by hand, profiles that make sense, a user's own file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import optunas
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.metrics import EstimatedLatency, Profile, estimate_latency_ms, load_profile, profiles
from optunas.space.macro import Dense, Macro

OWN = """
name = "my board"
bandwidth_gb_s = 2.0
overhead_us = 3
fused = false
source = "a leaflet"

[tflops]
float32 = 0.001
"""


def own(**replaced: object) -> Profile:
    given: dict[str, object] = {"name": "own", "tflops": {"float32": 0.001}, "bandwidth_gb_s": 2.0}
    return Profile(**given | replaced)  # type: ignore[arg-type]


def test_the_formula_by_hand() -> None:
    """A vector of 100, a layer of 50 units, ReLU, 10 outputs; one microsecond is 1e-3 ms."""
    macro = Macro((), (Dense(50, "relu", "none"),))
    first = max(2 * 100 * 50 / 1e9, 4 * (100 + 50 + 100 * 50 + 50) / 2e9)  # arithmetic 10 us
    relu = 4 * (50 + 50) / 2e9
    last = max(2 * 50 * 10 / 1e9, 4 * (50 + 10 + 50 * 10 + 10) / 2e9)
    plain = estimate_latency_ms(macro, (100,), 10, own())
    assert plain == pytest.approx(1e3 * (first + relu + last))
    started = estimate_latency_ms(macro, (100,), 10, own(overhead_us=7.0))
    assert started == pytest.approx(plain + 3 * 7e-3)
    fused = estimate_latency_ms(macro, (100,), 10, own(fused=True))
    assert fused == pytest.approx(1e3 * (first + last))
    many = estimate_latency_ms(macro, (100,), 10, own(), batch=1000)
    assert many == pytest.approx(1e3 * (1000 * 2 * (5000 + 500) / 1e9 + 1000 * relu), rel=1e-3)


def test_every_profile_orders_a_small_and_a_large_network() -> None:
    cell = optunas.NB201.sample(np.random.default_rng(0))
    for profile in profiles():
        times = [
            estimate_latency_ms(cell, (3, 32, 32), 10, profile.name, channels)
            for channels in (4, 16, 64)
        ]
        assert times == sorted(times)
        assert times[0] > 0
        assert profile.source
        assert "estimate" in profile.estimate.lower()
        more = estimate_latency_ms(cell, (3, 32, 32), 10, profile, 64, batch=256)
        assert times[-1] < more <= 256 * times[-1]


def test_profiles_are_there_by_name() -> None:
    names = [profile.name for profile in profiles()]
    assert len(names) == len(set(names))
    assert {"laptop", "raspberry_pi_4", "jetson_orin_nano", "t4", "a100", "h200"} <= set(names)
    with pytest.raises(UnknownNameError, match="did you mean 'raspberry_pi_4'"):
        estimate_latency_ms(Macro(), (4,), 2, "raspberry_pi4")


def test_types_run_at_the_next_wider_rate() -> None:
    profile = own(tflops={"float32": 1.0, "float16": 8.0})
    assert profile.rate("int8") == 8e12
    assert profile.rate("bfloat16") == 1e12
    assert profile.runs_as("tf32") == "float32"
    with pytest.raises(InvalidSpecError, match="has no rate for float32"):
        own(tflops={"tf32": 1.0}).rate("float32")
    with pytest.raises(InvalidSpecError, match="has no rate for float64"):
        profile.rate("float64")
    with pytest.raises(InvalidSpecError, match="did you mean 'float16'"):
        estimate_latency_ms(Macro(), (4,), 2, own(), dtype="flot16")


PEAKS = {
    # profile and type: (units, operations a cycle of each, GHz), as the vendors' papers give them
    ("laptop", "float32"): (4, 32, 2.8),
    ("laptop", "float64"): (4, 16, 2.8),
    ("raspberry_pi_4", "float32"): (4, 8, 1.5),
    ("raspberry_pi_4", "float64"): (4, 4, 1.5),
    ("jetson_tx2", "float32"): (256, 2, 1.3),
    ("jetson_tx2", "float16"): (256, 4, 1.3),
    ("jetson_tx2", "float64"): (2, 8, 1.3),
    ("jetson_orin_nano", "float32"): (1024, 2, 0.625),
    ("jetson_orin_nano", "float64"): (8, 4, 0.625),
    ("jetson_orin_nano", "tf32"): (32, 256, 0.625),
    ("jetson_orin_nano", "float16"): (32, 512, 0.625),
    ("jetson_orin_nano", "bfloat16"): (32, 512, 0.625),
    ("jetson_orin_nano", "int8"): (32, 1024, 0.625),
    ("jetson_orin_nano_super", "float32"): (1024, 2, 1.02),
    ("jetson_orin_nano_super", "float64"): (8, 4, 1.02),
    ("jetson_orin_nano_super", "tf32"): (32, 256, 1.02),
    ("jetson_orin_nano_super", "float16"): (32, 512, 1.02),
    ("jetson_orin_nano_super", "bfloat16"): (32, 512, 1.02),
    ("jetson_orin_nano_super", "int8"): (32, 1024, 1.02),
    ("t4", "float32"): (2560, 2, 1.59),
    ("t4", "float64"): (40, 4, 1.59),
    ("t4", "float16"): (320, 128, 1.59),
    ("t4", "int8"): (320, 256, 1.59),
    ("a100", "float64"): (3456, 2, 1.41),
    ("a100", "float32"): (6912, 2, 1.41),
    ("a100", "tf32"): (432, 256, 1.41),
    ("a100", "float16"): (432, 512, 1.41),
    ("a100", "bfloat16"): (432, 512, 1.41),
    ("a100", "int8"): (432, 1024, 1.41),
    ("h200", "float64"): (8448, 2, 1.98),
    ("h200", "float32"): (16896, 2, 1.98),
    ("h200", "tf32"): (528, 512, 1.83),
    ("h200", "float16"): (528, 1024, 1.83),
    ("h200", "bfloat16"): (528, 1024, 1.83),
    ("h200", "int8"): (528, 2048, 1.83),
}

BUSES = {
    # bits, and 10^9 transfers a second
    "laptop": (2 * 64, 3.2),
    "raspberry_pi_4": (32, 3.2),
    "jetson_tx2": (128, 3.732),
    "jetson_orin_nano": (128, 4.266),
    "jetson_orin_nano_super": (128, 6.4),
    "t4": (256, 10.0),
    "a100": (5120, 3.186),
}


def test_peaks_are_units_times_width_times_clock() -> None:
    """Within the rounding of the data sheets, which say 20 of 20.5 and 34 of 33.5."""
    stored = {(p.name, dtype): rate for p in profiles() for dtype, rate in p.tflops.items()}
    assert stored.keys() == PEAKS.keys()
    for which, (units, each, ghz) in PEAKS.items():
        assert stored[which] == pytest.approx(units * each * ghz / 1e3, rel=0.025), which


def test_bandwidths_are_bus_times_transfers() -> None:
    for profile in profiles():
        if profile.name in BUSES:  # the H200's clock is not published
            bits, rate = BUSES[profile.name]
            assert profile.bandwidth_gb_s == pytest.approx(bits / 8 * rate, rel=0.01), profile.name
    assert {profile.name for profile in profiles()} == {*BUSES, "h200"}


def test_float32_inside_the_tensor_cores_is_a_type_of_its_own() -> None:
    """As many bytes as float32, at another rate; without tensor cores it is float32."""
    macro = Macro((), (Dense(4096, "relu", "none"),))
    arguments: tuple[tuple[int, ...], int] = ((4096,), 10)
    plain, inside = (
        estimate_latency_ms(macro, *arguments, "a100", batch=4096, dtype=dtype)
        for dtype in ("float32", "tf32")
    )
    assert inside < plain / 4
    alone = [estimate_latency_ms(macro, *arguments, "a100", dtype=d) for d in ("float32", "tf32")]
    assert alone[0] == alone[1]  # a single sample waits for the weights
    same = [estimate_latency_ms(macro, *arguments, "t4", dtype=d) for d in ("float32", "tf32")]
    assert same[0] == same[1]


@pytest.mark.parametrize(
    ("name", "dtype", "wanted"),
    [
        ("a100", "float32", "19.5 TFLOP/s in float32 and 2,039 GB/s"),
        ("a100", "tf32", "156 TFLOP/s in tf32 and 2,039 GB/s"),
        ("t4", "bfloat16", "8.1 TFLOP/s in float32 (bfloat16 runs as it) and 320 GB/s"),
        ("laptop", "int8", "0.3584 TFLOP/s in float32 (int8 runs as it) and 51.2 GB/s"),
    ],
)
def test_an_estimate_says_which_peak_it_is_from(name: str, dtype: str, wanted: str) -> None:
    assert EstimatedLatency(name, dtype=dtype).basis == wanted


@pytest.mark.parametrize("kind", ["NB201", "DARTS"])
def test_members_and_joint_values_are_estimated(kind: str) -> None:
    space = getattr(optunas, kind)
    rng = np.random.default_rng(1)
    values = {estimate_latency_ms(space.sample(rng), (3, 8, 8), 10, "t4") for _ in range(5)}
    assert len(values) == 5


def test_an_estimate_is_a_source_of_latency() -> None:
    cell = optunas.NB201.sample(np.random.default_rng(1))
    source = EstimatedLatency("t4", batch=8, dtype="float16")
    told = source.predict(cell, (3, 8, 8), 10, 4, 2)
    wanted = estimate_latency_ms(cell, (3, 8, 8), 10, "t4", 4, 2, batch=8, dtype="float16")
    assert told == wanted > 0
    with pytest.raises(InvalidSpecError, match="batch must be a positive integer"):
        EstimatedLatency("t4", batch=0)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text(OWN)
    profile = load_profile(path)
    assert profile == own(name="my board", overhead_us=3, source="a leaflet")
    macro = Macro((), (Dense(5),))
    wanted = estimate_latency_ms(macro, (4,), 2, profile)
    assert estimate_latency_ms(macro, (4,), 2, str(path)) == wanted
    assert estimate_latency_ms(macro, (4,), 2, path) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (OWN.replace("bandwidth_gb_s", "bandwith_gb_s"), "did you mean 'bandwidth_gb_s'"),
        (OWN.replace("bandwidth_gb_s = 2.0", ""), "bandwidth_gb_s is missing"),
        (OWN.replace("[tflops]\nfloat32 = 0.001", ""), "tflops is missing"),
        (OWN.replace("2.0", "-2.0"), "bandwidth_gb_s must be a number above 0, got -2.0"),
        (OWN.replace("2.0", "'fast'"), "bandwidth_gb_s must be a number above 0, got 'fast'"),
        (OWN.replace("2.0", "nan"), "bandwidth_gb_s must be a number above 0, got nan"),
        (OWN.replace("0.001", "0"), "tflops.float32 must be a number above 0, got 0"),
        (OWN.replace("float32", "flaot32"), "did you mean 'float32'"),
        (OWN.replace("= 3", "= -3"), "overhead_us must be a number from 0 on, got -3"),
        (OWN.replace("fused = false", "fused = 1"), "fused must be true or false, got 1"),
        (OWN.replace('"my board"', "7"), "name must be a text, got 7"),
        ("name = ", "is no TOML file"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, text: str, wanted: str) -> None:
    path = tmp_path / "board.toml"
    path.write_text(text)
    with pytest.raises(InvalidSpecError, match=wanted):
        load_profile(path)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text(OWN.replace("2.0", "0").replace("= 3", "= -1"))
    with pytest.raises(InvalidSpecError) as caught:
        load_profile(path)
    lines = str(caught.value).split("\n")
    assert len(lines) == 2
    assert all(line.startswith(str(path)) for line in lines)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecError, match=r"Cannot read the profile .*No such file"):
        load_profile(tmp_path / "none.toml")
    with pytest.raises(InvalidSpecError, match=r"Cannot read the profile .*Is a directory"):
        load_profile(tmp_path)
    path = tmp_path / "bytes.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidSpecError, match="is no TOML file"):
        load_profile(path)
