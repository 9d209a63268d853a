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
    with pytest.raises(InvalidSpecError, match="has no rate for float64"):
        profile.rate("float64")
    with pytest.raises(InvalidSpecError, match="did you mean 'float16'"):
        estimate_latency_ms(Macro(), (4,), 2, own(), dtype="flot16")


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
