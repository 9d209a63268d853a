"""A stored model: predicts, refuses what it was not made for, and is whole or not there."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from latency_cases import DEVICE, QUESTION, model, truth

from optunas import DARTS, NB201, Choice, Float, HyperSpace, JointSpace
from optunas.errors import InvalidSpecError, StorageError
from optunas.metrics.predicted import (
    Fingerprint,
    LatencyModel,
    OtherDeviceWarning,
    Question,
    fingerprint,
)
from optunas.metrics.predicted.files import check_target, write_whole

SHAPE, OUTPUTS, COUNTS = (3, 8, 8), 5, {"channels": 4, "num_cells": 1}


@pytest.fixture(scope="module")
def known() -> LatencyModel:
    return model()


def test_predictions_are_those_of_the_fit_before_and_after_storing(
    known: LatencyModel, tmp_path: Path
) -> None:
    path = tmp_path / "laptop.json"
    known.save(path)
    again = LatencyModel.load(path)
    assert again == known
    rng = np.random.default_rng(7)
    for _ in range(20):
        member = NB201.sample(rng)
        ms = known.predict(member, SHAPE, OUTPUTS, **COUNTS)
        assert again.predict(member, SHAPE, OUTPUTS, **COUNTS) == ms
        assert ms == pytest.approx(truth(QUESTION, member), rel=0.1)


def test_predicting_loads_no_torch(known: LatencyModel, tmp_path: Path) -> None:
    known.save(tmp_path / "laptop.json")
    code = (
        "import sys, numpy, optunas; from optunas.metrics.predicted import LatencyModel;"
        "model = LatencyModel.load('laptop.json'); model.check(optunas.NB201, training="
        "{'channels': 4, 'num_cells': 1}); a = optunas.NB201.sample(numpy.random.default_rng(0));"
        "assert model.predict(a, (3, 8, 8), 5, 4, 1) > 1; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (((3, 9, 8), 5, 4, 1), r"calibrated for input_shape \(3, 8, 8\), got \(3, 9, 8\)"),
        (((3, 8, 8), 6, 4, 1), "calibrated for num_outputs 5, got 6"),
        (((3, 8, 8), 5), "channels from 4 to 4, got 16 and num_cells from 1 to 1, got 5"),
    ],
)
def test_other_settings_are_refused(known: LatencyModel, arguments: Any, said: str) -> None:
    with pytest.raises(InvalidSpecError, match=said):
        known.predict(NB201.sample(np.random.default_rng(0)), *arguments)


def test_spaces_that_it_is_for_and_others(known: LatencyModel) -> None:
    known.check(NB201, training=COUNTS)
    joint = JointSpace(cell=NB201, train=HyperSpace(lr=Float(0.1, 1.0)))
    known.check(joint, SHAPE, OUTPUTS, COUNTS)
    with pytest.raises(InvalidSpecError, match=r"other networks \(another space\); calibrate it"):
        known.check(DARTS, training=COUNTS)
    with pytest.raises(InvalidSpecError, match="channels 4, not 16; num_cells 1, not 5"):
        known.check(NB201)
    wider = JointSpace(cell=NB201, train=HyperSpace(channels=Choice((4, 8))))
    with pytest.raises(InvalidSpecError, match="channels 4, not 4 to 8"):
        known.check(wider, training={"num_cells": 1})
    with pytest.raises(InvalidSpecError, match="input_shape 3 x 8 x 8, not 3 x 8 x 9"):
        known.check(NB201, (3, 8, 9), training=COUNTS)


def test_searched_widths_hold_for_what_lies_between(known: LatencyModel) -> None:
    searched = JointSpace(cell=NB201, train=HyperSpace(channels=Choice((4, 8, 16))))
    settings = Question(searched, SHAPE, OUTPUTS, {"num_cells": 1}).settings
    wide = replace(known, settings=settings)
    wide.check(NB201, training={"channels": 8, "num_cells": 1})
    member = searched.sample(np.random.default_rng(0))
    assert wide.predict(member, SHAPE, OUTPUTS, num_cells=1) > 0
    with pytest.raises(InvalidSpecError, match="channels from 4 to 16, got 32"):
        wide.predict(member["cell"], SHAPE, OUTPUTS, 32, 1)


def test_another_device_is_told(known: LatencyModel) -> None:
    other = replace(known, device=replace(DEVICE, processor="Cray-1", torch="1.0"))
    with pytest.warns(OtherDeviceWarning, match=r"on another device .processor Cray-1, here"):
        other.check(NB201, training=COUNTS)
    assert "torch 1.0, here" in other.elsewhere()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known.check(NB201, training=COUNTS)
    phone = replace(known, device=Fingerprint("phone", here=False))
    assert phone.elsewhere() == ""
    assert str(phone.device) == "phone (measured elsewhere, batch 1)"


def test_another_gpu_is_told() -> None:
    there = fingerprint("server", "cuda", accelerator="H200")
    assert there.elsewhere("H200") == []
    assert there.elsewhere("A100") == ["accelerator H200, here A100"]
    assert there.elsewhere("") == ["accelerator H200, here none"]
    assert "H200" in str(there)
    assert Fingerprint.from_dict({**there.to_dict(), "later": 1}) == there


def test_a_prediction_is_never_below_a_tenth_of_the_fastest(known: LatencyModel) -> None:
    low = replace(known, prices=replace(known.prices, constant=-1e9))
    member = NB201.sample(np.random.default_rng(0))
    assert low.predict(member, SHAPE, OUTPUTS, **COUNTS) == known.prices.floor > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not a latency model: it is no JSON"),
        ("[1]", "is not a latency model: its JSON is no object"),
        ("{}", "is not a latency model; 'optunas latency calibrate' writes one"),
        ('{"kind": "optunas latency model", "version": 2}', "of version 2, this optunas reads"),
        ('{"kind": "optunas latency model", "version": 1}', "damaged latency model: KeyError"),
    ],
)
def test_files_that_are_none(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(StorageError, match=said):
        LatencyModel.load(path)


@pytest.mark.parametrize("field", ["constant_ms", "rates", "names", "device", "settings"])
def test_damaged_fields(field: str, known: LatencyModel) -> None:
    body = json.loads(known.to_json())
    with pytest.raises(StorageError, match="damaged latency model"):
        LatencyModel.from_dict({**body, field: {"x": "y"}})
    with pytest.raises(StorageError, match=r"nan is no number"):
        LatencyModel.from_dict({**body, "constant_ms": float("nan")})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channels", "4"),
        ("channels", [4]),
        ("num_cells", [1, "x"]),
        ("space", None),
        ("input_shape", "3x8x8"),
        ("input_shape", [3, 8]),
        ("num_outputs", 0),
    ],
)
def test_damaged_settings(field: str, value: Any, known: LatencyModel) -> None:
    body = json.loads(known.to_json())
    with pytest.raises(StorageError, match=rf"damaged latency model: ValueError: {field} must be"):
        LatencyModel.from_dict({**body, "settings": {**body["settings"], field: value}})


def test_rates_that_are_too_few(known: LatencyModel) -> None:
    body = json.loads(known.to_json())
    with pytest.raises(StorageError, match="rates must be 6 numbers, got 2"):
        LatencyModel.from_dict({**body, "rates": [1.0, 2.0]})


def test_files_are_whole_or_not_there(
    known: LatencyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "laptop.json"
    path.write_text("before")

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("optunas.metrics.predicted.files.os.replace", full)
    with pytest.raises(StorageError, match=r"Cannot write .*No space left"):
        known.save(path)
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["laptop.json"]
    with pytest.raises(StorageError, match="No space left"):
        write_whole(tmp_path / "new.json", b"x")


def test_targets_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSpecError, match="must be a file in a folder that exists"):
        check_target(tmp_path / "missing" / "laptop.json")
    with pytest.raises(InvalidSpecError, match="must be a file in a folder that exists"):
        check_target(tmp_path)
    monkeypatch.setattr("optunas.metrics.predicted.files.os.access", lambda *given: False)
    with pytest.raises(StorageError, match="no permission for its folder"):
        check_target(tmp_path / "laptop.json")
    with pytest.raises(StorageError, match=r"Cannot read '/nowhere\.json': No such file"):
        LatencyModel.load("/nowhere.json")
