"""Times measured elsewhere come as a CSV; networks to measure there go as ONNX."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from latency_cases import QUESTION, truth

from optunas import DARTS, NB201, Choice, Float, HyperSpace, JointSpace
from optunas.errors import DataError, InvalidSpecError, StorageError
from optunas.metrics.predicted import Question
from optunas.metrics.predicted.csv_file import plan_csv, read_csv
from optunas.metrics.predicted.export_plan import export_plan
from optunas.metrics.timing import onnx_runtime
from optunas.nets.build import build


def members(count: int) -> list[Any]:
    rng = np.random.default_rng(0)
    return [NB201.sample(rng) for _ in range(count)]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def row(member: Any, ms: Any, **more: str) -> dict[str, Any]:
    return {"architecture": NB201.to_json(member), "latency_ms": ms, **more}


def test_a_filled_plan_is_read_back(tmp_path: Path) -> None:
    some = members(7)
    uses = ["fit"] * 4 + ["held-out"] * 3
    rows = [(f"n{at}.onnx", uses[at], NB201.to_json(m)) for at, m in enumerate(some)]
    text = plan_csv(rows)
    lines = list(csv.DictReader(text.splitlines()))
    assert [line["latency_ms"] for line in lines] == [""] * 7
    filled = [{**line, "latency_ms": f" {at + 1.5} "} for at, line in enumerate(lines)]
    found = read_csv(write(tmp_path / "m.csv", filled), QUESTION)
    assert found.fit == [(m, at + 1.5) for at, m in enumerate(some[:4])]
    assert found.held_out == [(m, at + 5.5) for at, m in enumerate(some[4:])]


def test_without_a_use_some_are_drawn_to_judge_by(tmp_path: Path) -> None:
    path = write(tmp_path / "m.csv", [row(m, 1.0 + at) for at, m in enumerate(members(20))])
    found = read_csv(path, QUESTION, held_out=50)
    assert (len(found.fit), len(found.held_out)) == (12, 8)
    assert read_csv(path, QUESTION, held_out=5) != found
    assert [len(part) for part in read_csv(path, QUESTION, held_out=5)] == [15, 5]
    assert read_csv(path, QUESTION, held_out=50) == found
    assert sorted(ms for part in found for _, ms in part) == [1.0 + at for at in range(20)]


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    some = members(7)
    rows = [
        row(some[0], 1.0, use="fit"),
        row(some[1], "", use="fit"),
        row(some[2], "-3", use="fit"),
        row(some[3], "nan", use="fit"),
        row(some[4], "fast", use="fit"),
        row(some[0], 2.0, use="fit"),
        row(some[5], 2.0, use="other"),
        {"architecture": "{}", "latency_ms": 1.0, "use": "fit"},
    ]
    with pytest.raises(DataError, match="cannot be used") as raised:
        read_csv(write(tmp_path / "m.csv", rows), QUESTION)
    said = str(raised.value).splitlines()[1:]
    assert [line.split(":")[0].strip() for line in said] == [f"line {n}" for n in range(3, 10)]
    for line, words in zip(
        said,
        (
            "latency_ms is missing",
            "latency_ms must be above 0, got '-3'",
            "latency_ms must be above 0, got 'nan'",
            "latency_ms must be a number such as 12.5, got 'fast'",
            "the network of line 2 again; keep one row",
            "use must be fit or held-out, got 'other'",
            "no architecture of this space",
        ),
        strict=True,
    ):
        assert words in line


def test_many_faults_are_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path / "m.csv", [row(m, "") for m in members(40)])
    with pytest.raises(DataError, match="and 30 more lines"):
        read_csv(path, QUESTION)


def test_another_spaces_networks(tmp_path: Path) -> None:
    genotype = DARTS.to_json(DARTS.sample(np.random.default_rng(0)))
    path = write(tmp_path / "m.csv", [{"architecture": genotype, "latency_ms": 1.0}])
    with pytest.raises(DataError, match="line 2: no architecture of this space"):
        read_csv(path, QUESTION)


def test_spreadsheets_semicolons_tabs_blank_lines_and_spaces(tmp_path: Path) -> None:
    some = members(3)
    rows = [row(m, 1.5 + at, use="fit") for at, m in enumerate(some)]
    for separator in ";\t,":
        with (tmp_path / "m.csv").open("w", newline="") as file:
            writer = csv.DictWriter(
                file, ["use", "latency_ms", "architecture"], delimiter=separator
            )
            writer.writeheader()
            writer.writerows(rows)
            file.write(f"\n{separator}{separator}\r\n  \r\n")
        text = (tmp_path / "m.csv").read_text().replace("latency_ms", " latency_ms ", 1)
        (tmp_path / "m.csv").write_text(text)
        assert read_csv(tmp_path / "m.csv", QUESTION).fit == [
            (m, 1.5 + at) for at, m in enumerate(some)
        ]


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    path = write(tmp_path / "m.csv", [row(m, ms) for m, ms in zip(members(2), "1x", strict=True)])
    path.write_text(path.read_text().replace("\n", "\n\n", 1))
    with pytest.raises(DataError, match="line 4: latency_ms must be a number"):
        read_csv(path, QUESTION)


@pytest.mark.parametrize("ms", ["1e-320", "1e300", "inf", "1_0"])
def test_times_that_no_network_takes(ms: str, tmp_path: Path) -> None:
    path = write(tmp_path / "m.csv", [row(members(1)[0], ms)])
    with pytest.raises(DataError, match=r"latency_ms must be (from 1e-06|a number)"):
        read_csv(path, QUESTION)


def test_nothing_is_judged_by_a_network_that_was_fitted_to(tmp_path: Path) -> None:
    names = [operation.name for operation in NB201.operations]
    edges = {"edge0-1": "nor_conv_3x3", "edge0-3": "skip_connect"}  # edge1-2 leads nowhere
    nothing = dict.fromkeys(NB201.parameters(), "none") | edges
    same = [NB201.decode(nothing | {"edge1-2": op}) for op in names]
    assert len({NB201.digest(m) for m in same}) == 1
    others = [m for m in members(15) if NB201.digest(m) != NB201.digest(same[0])]
    path = write(tmp_path / "m.csv", [row(m, 1.0 + at) for at, m in enumerate(same + others)])
    for seed in range(5):
        fit, held = ([m for m, _ in part] for part in read_csv(path, QUESTION, 8, seed))
        assert 4 <= len(held) <= 8
        assert not {NB201.digest(m) for m in fit} & {NB201.digest(m) for m in held}


def test_a_learning_rate_makes_no_other_network(tmp_path: Path) -> None:
    space = JointSpace(cell=NB201, train=HyperSpace(lr=Float(0.01, 0.3), channels=Choice((4, 8))))
    question = Question(space, (3, 8, 8), 5, {"num_cells": 1})
    values = space.encode(space.sample(np.random.default_rng(0)))
    rows = [
        {
            "architecture": space.to_json(
                space.decode(values | {"train.lr": lr, "train.channels": channels})
            ),
            "latency_ms": 1.0,
        }
        for lr, channels in ((0.1, 4), (0.1, 8), (0.2, 4))
    ]
    with pytest.raises(DataError, match="cannot be used:\n  line 4: the network of line 2 again"):
        read_csv(write(tmp_path / "m.csv", rows), question)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"Cannot read .*No such file"):
        read_csv(tmp_path / "missing.csv", QUESTION)
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"lacks the column architecture and latency_ms; .* a, b"):
        read_csv(path, QUESTION)
    path.write_text("")
    with pytest.raises(DataError, match="its columns are none"):
        read_csv(path, QUESTION)
    path.write_bytes(b"architecture,latency_ms\n\xff\xfe,1\n")
    with pytest.raises(DataError, match="is no CSV"):
        read_csv(path, QUESTION)


def make(member: Any) -> Any:
    architecture, counts = QUESTION.parts(member)
    return build(architecture, QUESTION.input_shape, QUESTION.num_outputs, **counts)


def test_a_plan_without_the_extra_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_runtime, "find_spec", lambda name: None)
    with pytest.raises(InvalidSpecError, match=r"ONNX needs onnx and onnxscript, .*optunas\[onnx"):
        export_plan(QUESTION, make, tmp_path / "plan")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def fake_onnx(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = []

    def fake(network: Any, x: Any, dtype: str) -> bytes:
        shapes.append(tuple(x.shape))
        if len(shapes) == 999:
            raise InvalidSpecError("Torch cannot export the network to ONNX: so it is.")
        return dtype.encode()

    monkeypatch.setattr(onnx_runtime, "require_onnx", lambda *names: None)
    monkeypatch.setattr(onnx_runtime, "onnx_bytes", fake)
    return shapes


def test_a_plan_goes_out_and_comes_back(tmp_path: Path, fake_onnx: list[tuple[int, ...]]) -> None:
    told = []
    path = export_plan(
        QUESTION, make, tmp_path / "plan", 12, 5, batch=2, watch=lambda *done: told.append(done)
    )
    assert fake_onnx == [(2, 3, 8, 8)] * 17
    assert told[-1] == (17, 17)
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "measurements.csv",
        *(f"network-{number:03d}.onnx" for number in range(1, 18)),
    ]
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    filled = [
        {**line, "latency_ms": truth(QUESTION, NB201.from_json(line["architecture"]))}
        for line in lines
    ]
    found = read_csv(write(path, filled), QUESTION)
    assert [len(part) for part in found] == [12, 5]


def test_a_plan_that_breaks_leaves_nothing(
    tmp_path: Path, fake_onnx: list[tuple[int, ...]]
) -> None:
    fake_onnx.extend([()] * 990)
    with pytest.raises(InvalidSpecError, match="so it is"):
        export_plan(QUESTION, make, tmp_path / "plan", 12, 5)
    assert list(tmp_path.iterdir()) == []


def test_folders_that_cannot_be_filled(tmp_path: Path, fake_onnx: list[tuple[int, ...]]) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(InvalidSpecError, match="is there and not empty"):
        export_plan(QUESTION, make, tmp_path / "full")
    with pytest.raises(InvalidSpecError, match="There is no folder"):
        export_plan(QUESTION, make, tmp_path / "missing" / "plan")
    assert fake_onnx == []
