"""Meters: fake kernels and drivers, wrap-around, what is refused; never a zero."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from optunas.errors import DeviceError, InvalidSpecError
from optunas.metrics import energy, energy_mj, find_meter
from optunas.metrics.power import Meter, NvmlMeter, RaplMeter


def zone(root: Path, name: str, label: str, joules: float, wrap: float = 1000.0) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{label}\n")
    (folder / "energy_uj").write_text(f"{round(joules * 1e6)}\n")
    (folder / "max_energy_range_uj").write_text(f"{round(wrap * 1e6) - 1}\n")
    return folder


def test_rapl_adds_packages_and_their_memory_each_once(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 5.0)
    zone(tmp_path, "intel-rapl:0:0", "core", 3.0)
    zone(tmp_path, "intel-rapl:0:1", "dram", 1.0, 65.0)
    zone(tmp_path, "intel-rapl:1", "package-1", 7.0)
    zone(tmp_path, "intel-rapl:2", "psys", 20.0)
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5.0)
    (tmp_path / "intel-rapl").mkdir()
    meter = RaplMeter(tmp_path)
    assert meter.name == "RAPL package-0, package-1, dram"
    assert meter.read() == pytest.approx((5.0, 7.0, 1.0))
    assert meter.wraps_joules == pytest.approx((1000.0, 1000.0, 65.0))
    assert isinstance(meter, Meter)


def test_a_machine_without_a_meter_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"shows no energy meter.*leave energy_mj out"):
        RaplMeter(tmp_path)
    with pytest.raises(DeviceError, match="shows no energy meter"):
        RaplMeter(tmp_path / "nowhere")
    with pytest.raises(DeviceError, match="not on 'mps'"):
        find_meter("mps")


def test_a_meter_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 5.0)
    plain = Path.read_text

    def refuse(path: Path, *arguments: Any) -> str:
        if path.name == "energy_uj":  # only root may, on most systems
            raise PermissionError(13, "Permission denied")
        return plain(path, *arguments)

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(DeviceError, match="is not allowed: run as root"):
        RaplMeter(tmp_path)


def test_a_meter_that_shows_nonsense_is_told(tmp_path: Path) -> None:
    folder = zone(tmp_path, "intel-rapl:0", "package-0", 5.0)
    (folder / "energy_uj").write_text("many\n")
    with pytest.raises(DeviceError, match="holds 'many', not a number"):
        RaplMeter(tmp_path)


class Fake:
    """Two counters, of which the second begins anew at 100 J."""

    name, update_seconds, wraps_joules = "fake", 1e-4, (math.inf, 100.0)

    def __init__(self, *readings: tuple[float, float]) -> None:
        self.readings = iter(readings)

    def read(self) -> tuple[float, ...]:
        return next(self.readings)


def measured(*readings: tuple[float, float], **more: Any) -> Any:
    return energy(nn.Linear(4, 2), (3, 4), meter=Fake(*readings), min_seconds=0.01, **more)


def test_counters_are_added_up_over_a_wrap() -> None:
    found = measured((10.0, 95.0), (12.0, 3.0))  # 2 J, and 5 + 3 J over the edge
    assert found.millijoules * found.passes == pytest.approx(10_000)
    assert found.meter == "fake"
    assert found.watts == pytest.approx(10 / found.seconds)
    assert math.isnan(found.idle_millijoules)
    assert "mJ (" in str(found)


def test_idle_is_measured_when_asked_for() -> None:
    found = measured((0.0, 0.0), (4.0, 0.0), (4.0, 0.0), (5.0, 0.0), idle=True)
    assert found.idle_millijoules * found.passes == pytest.approx(1000, rel=0.5)
    assert found.millijoules * found.passes == pytest.approx(4000)


def test_a_meter_that_stands_still_is_no_zero() -> None:
    with pytest.raises(DeviceError, match=r"did not move.*cannot be used"):
        measured((1.0, 1.0), (1.0, 1.0))


def test_a_meter_that_goes_back_is_told() -> None:
    class Back(Fake):
        wraps_joules = (math.inf, 0.5)

    with pytest.raises(DeviceError, match="went back"):
        energy(nn.Linear(4, 2), (3, 4), meter=Back((1, 90), (1, 80)), min_seconds=0.01)


def test_the_network_stays_as_it_is() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).train()
    threads = torch.get_num_threads()
    meter = Fake(*((float(n), 0.0) for n in range(4)))
    assert energy_mj(network, (3, 4), meter=meter) > 0
    assert network.training
    assert network[1].num_batches_tracked == 0
    assert torch.get_num_threads() == threads


def test_a_device_that_is_not_there_is_told() -> None:
    with pytest.raises(DeviceError, match="'cuda:99' is not there"):
        energy(nn.Linear(4, 2), (3, 4), "cuda:99", meter=Fake())


def test_wrong_arguments_are_sentences() -> None:
    with pytest.raises(InvalidSpecError, match="min_seconds must be"):
        energy(nn.Linear(4, 2), (3, 4), meter=Fake(), min_seconds=0)
    with pytest.raises(InvalidSpecError, match="cannot take an input"):
        energy(nn.Linear(4, 2), (3, 5), meter=Fake())


class NVMLError(Exception):
    """As pynvml's."""


def driver(**replaced: Any) -> SimpleNamespace:
    """A fake pynvml: 1.5 J more at each reading."""
    counter = itertools.count(5000, 1500)
    functions: dict[str, Any] = {
        "NVMLError": NVMLError,
        "nvmlInit": lambda: None,
        "nvmlDeviceGetHandleByUUID": lambda uuid: uuid,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: b"NVIDIA X",
        "nvmlDeviceGetTotalEnergyConsumption": lambda handle: next(counter),
    }
    return SimpleNamespace(**functions | replaced)


def test_nvml_counts_millijoules() -> None:
    meter = NvmlMeter(0, driver(), uuid="GPU-1")
    assert meter.name == "NVML NVIDIA X"
    first, second = meter.read(), meter.read()
    assert second[0] - first[0] == pytest.approx(1.5)
    assert meter.wraps_joules == (math.inf,)
    assert isinstance(meter, Meter)


def failing(text: str) -> Any:
    def fail(*arguments: Any) -> None:
        raise NVMLError(text)

    return fail


def test_nvml_without_driver_or_counter_is_told() -> None:
    with pytest.raises(DeviceError, match="no energy meter for cuda:0: Driver Not Loaded"):
        NvmlMeter(0, driver(nvmlInit=failing("Driver Not Loaded")), uuid="GPU-1")
    old = driver(nvmlDeviceGetTotalEnergyConsumption=failing("Not Supported"))
    with pytest.raises(DeviceError, match=r"counts no energy.*before Volta"):
        NvmlMeter(0, old, uuid="GPU-1")


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="'cuda:3' is not there"):
        NvmlMeter(3, driver())


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pynvml", None)
    with pytest.raises(DeviceError, match="pip install nvidia-ml-py"):
        find_meter("cuda")
