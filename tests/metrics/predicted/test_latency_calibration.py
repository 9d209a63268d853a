"""Calibrating: what is measured, what is kept when it is stopped, what it goes on from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from latency_cases import QUESTION

from optunas.errors import DeviceError, InvalidSpecError, StorageError
from optunas.metrics.predicted.calibrating import (
    Calibration,
    _halves,
    _value,
    calibrate,
    default_how,
)
from optunas.metrics.predicted.side_file import SideFile
from optunas.metrics.predicted.watch import Watch
from optunas.metrics.timing import How, subjects
from optunas.metrics.timing.result import Readings
from optunas.nets.build import build


def make(member: Any) -> Any:
    architecture, counts = QUESTION.parts(member)
    return build(architecture, QUESTION.input_shape, QUESTION.num_outputs, **counts)


@pytest.fixture(autouse=True)
def ready(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Nothing runs: a prepared network is its number of modules; who was prepared is listed."""
    prepared: list[int] = []

    def fake(network: Any, shape: tuple[int, ...], how: How) -> Any:
        size = sum(1 for _ in network.modules())
        prepared.append(size)
        return FakeSubject(size)

    monkeypatch.setattr(subjects, "prepare", fake)
    return prepared


class FakeSubject:
    clock = "processor"

    def __init__(self, size: int) -> None:
        self.size = size


class Meter:
    """Reads a network: its modules, some waiting now and then; counts, and can be stopped."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.count, self.stop_at = 0, stop_at
        self.rng = np.random.default_rng(0)

    def __call__(self, subject: Any, effort: Any) -> Readings:
        if self.count == self.stop_at:
            raise KeyboardInterrupt
        self.count += 1
        ms = 0.01 * subject.size
        return Readings((ms * (1 + self.rng.exponential(0.5)), ms, ms * 1.5))


PLAN = Calibration(QUESTION, make, How(clock="wall"), "laptop", 15, 6, passes=2)


def test_networks_and_operations_are_measured_and_fitted(tmp_path: Path) -> None:
    side, meter, told = tmp_path / "side", Meter(), []

    class Told(Watch):
        def begin(self, what: str, total: int, done: int) -> None:
            told.append((what, total, done, 0))

        def step(self, block: str) -> None:
            what, total, done, steps = told[-1]
            told[-1] = (what, total, done, steps + 1)

    found = calibrate(PLAN, side, watch=Told(), measure=meter)
    networks, operations = told
    assert networks == ("networks", 42, 0, 42)
    assert operations[0] == "operations"
    assert operations[1] == operations[3] >= 10
    assert meter.count == 42 + 3 * (operations[1] - 4)  # three skips take no time; the head no part
    assert not side.exists()
    assert found.report is not None
    assert found.report.model.rho > 0.9
    assert found.report.repeat == pytest.approx(1.0)
    assert found.report.table is not None
    assert found.fitted == 15
    assert (found.device.name, found.device.clock, found.device.here) == (
        "laptop",
        "processor",
        True,
    )


def test_what_was_stopped_goes_on_and_ends_as_it_would_have(
    tmp_path: Path, ready: list[int]
) -> None:
    whole = calibrate(PLAN, tmp_path / "whole", measure=Meter())
    side = tmp_path / "side"
    for stop_at in (10, 20):
        with pytest.raises(KeyboardInterrupt):
            calibrate(PLAN, side, measure=Meter(stop_at))
    assert len(side.read_text().splitlines()) == 1 + 10 + 20
    with side.open("a") as file:
        file.write('{"network": 3, "pa')  # killed in the middle of a line
    ready.clear()
    meter = Meter()
    again = calibrate(PLAN, side, measure=meter)
    assert again == whole
    assert not side.exists()
    with pytest.raises(KeyboardInterrupt):  # while the operations are measured
        calibrate(PLAN, side, measure=Meter(50))
    meter = Meter()
    assert calibrate(PLAN, side, measure=meter) == whole
    assert meter.count < 42


def test_only_what_is_left_is_built(tmp_path: Path, ready: list[int]) -> None:
    side = tmp_path / "side"
    with pytest.raises(KeyboardInterrupt):
        calibrate(replace(PLAN, table=False), side, measure=Meter(41))
    ready.clear()
    calibrate(replace(PLAN, table=False), side, measure=Meter())
    assert len(ready) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"networks": 16},
        {"batch": 2},
        {"how": How(threads=2)},
        {"question": replace(QUESTION, num_outputs=7)},
    ],
)
def test_another_calibrations_measurements_are_not_mixed_in(
    other: dict[str, Any], tmp_path: Path
) -> None:
    side = tmp_path / "side"
    with pytest.raises(KeyboardInterrupt):
        calibrate(PLAN, side, measure=Meter(3))
    before = side.read_text()
    with pytest.raises(InvalidSpecError, match="measurements of another calibration"):
        calibrate(replace(PLAN, **other), side, measure=Meter())
    assert side.read_text() == before


def test_more_passes_go_on_from_fewer(tmp_path: Path) -> None:
    side = tmp_path / "side"
    with pytest.raises(KeyboardInterrupt):
        calibrate(replace(PLAN, table=False), side, measure=Meter(40))
    meter = Meter()
    calibrate(replace(PLAN, table=False, passes=3), side, measure=meter)
    assert meter.count == 2 + 21


def test_the_value_is_the_fastest_or_the_median_of_medians() -> None:
    passes = {0: (1.0, 2.0), 1: (1.5, 9.0), 2: (0.5, 3.0)}
    assert _value(passes, lowest=True) == 0.5
    assert _value(passes, lowest=False) == 3.0
    rising = [{0: (n, n), 1: (2.0 * n, n), 2: (n, n)} for n in (1.0, 2.0, 3.0)]
    assert _halves(rising, True) == 1.0
    assert _halves([{0: (1.0, 1.0)}], True) is None
    assert _halves([], True) is None


def test_how_it_is_measured_by_default() -> None:
    assert default_how("cpu") == How("cpu", clock="processor")
    assert default_how("cpu", threads=2).clock == "wall"
    assert default_how("cuda").clock == "wall"
    assert default_how("cpu", clock="wall").clock == "wall"


def test_a_device_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(DeviceError, match="'cuda:9' is not there; this machine has cpu"):
        calibrate(replace(PLAN, how=How("cuda:9")), tmp_path / "side")


def test_side_files_that_cannot_be(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match=r"Cannot write .*No such file or directory"),
        SideFile(tmp_path / "missing" / "side", {}),
    ):
        pass
    with pytest.raises(StorageError, match="Cannot read"):
        SideFile(tmp_path, {})
    side = tmp_path / "side"
    with SideFile(side, {"a": 1}) as kept:
        kept.add({"x": 2})
        kept.remove()
    assert not side.exists()
    with pytest.raises(RuntimeError, match="at once"), SideFile(side, {"a": 1}):
        raise RuntimeError("at once")
    assert not side.exists()  # it held nothing but its first line
    side.write_text("")
    with SideFile(side, {"a": 1}) as kept:
        assert kept.lines == []
    assert json.loads(side.read_text()) == {"run": kept.run}
