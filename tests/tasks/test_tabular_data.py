"""Tables from scikit-learn, .csv and .npz files, and what cannot be learnt from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optunas.errors import DataError, InvalidSpecError, UnknownNameError
from optunas.tasks import tabular
from optunas.tasks.tabular_csv import MISSING, column_of
from optunas.tasks.tabular_data import SHIPPED, load_table

LINEAR = {"model": "linear", "scaler": "standard"}
LINES = np.arange(2, 1000)


def write(folder: Path, text: str, name: str = "people.csv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def people(rows: int = 60, seed: int = 0, delimiter: str = ",") -> str:
    """Numbers, texts, missing cells of both, and a label that follows from age and city."""
    random = np.random.default_rng(seed)
    lines = [delimiter.join(("age", "city", "weight", "label"))]
    for row in range(rows):
        age, weight = random.normal(40, 10), random.normal(70, 9)
        city = ("Oslo", "Rome", "Lima", "")[row % 4]
        label = "old" if age > 40 + 5 * (city == "Rome") else "young"
        cells = (f"{age:.1f}", city, "" if row % 7 == 0 else f"{weight:.1f}", label)
        lines.append(delimiter.join(cells))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", SHIPPED)
def test_what_scikit_learn_ships(name: str) -> None:
    table = load_table(name)
    assert table.kind == SHIPPED[name]
    assert table.x.shape == (len(table.y), len(table.columns))
    assert not table.missing
    assert not table.texts
    assert (len(table.classes) == 0) == (table.kind == "regression")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_with_texts_and_missing_cells(tmp_path: Path, delimiter: str) -> None:
    path = write(tmp_path, people(delimiter=delimiter))
    table = load_table(path, target="label")
    assert table.columns == ("age", "city", "weight")
    assert table.classes == ("old", "young")
    assert table.texts == {1: ("", "Lima", "Oslo", "Rome")}
    assert table.missing
    assert table.kind == "classification"
    assert table.x[0, 1] == "Oslo"
    assert np.isnan(table.x[0, 2])


@pytest.mark.parametrize("impute", ["mean", "median", "most_frequent"])
@pytest.mark.parametrize("reduce", ["none", "select", "pca"])
def test_such_a_file_is_learnt_from(tmp_path: Path, impute: str, reduce: str) -> None:
    task = tabular(write(tmp_path, people(120)), target="label")
    settings = {**LINEAR, "impute": impute, "reduce": reduce, "select.share": 0.5}
    run = task.scores(None, settings)
    scores = []
    try:
        while True:
            scores.append(next(run))
    except StopIteration as end:
        model = end.value
    assert scores[-1].score > (0.8 if reduce != "pca" else 0.5)
    encoded = model.pipeline[0].transform(task.table.x)
    assert encoded.shape == (120, 6)  # two numbers, four cities
    assert encoded.dtype == np.float64
    assert np.isfinite(encoded).all()
    row = np.array([[20.0, "Paris", np.nan]], dtype=object)
    assert model.predict(row).tolist() == ["young"]


def test_a_city_of_each_fold_has_its_column_in_every_fold(tmp_path: Path) -> None:
    lines = people(40).splitlines()
    lines[5] = lines[5].replace("Oslo", "Nome").replace("Rome", "Nome")
    lines[5] = "41.0,Nome,70.0,old"
    task = tabular(write(tmp_path, "\n".join(lines)), target="label", test=0)
    pipeline = task.build(None, LINEAR)
    shapes = {
        pipeline[0].fit(task.table.x[rows]).transform(task.table.x).shape for rows in task._folds
    }
    assert shapes == {(40, 7)}


def test_rare_texts_share_a_column(tmp_path: Path) -> None:
    text = "number,code,y\n"
    text += "".join(f"{i % 10},c{i % 150},{'ab'[i % 10 > 4]}\n" for i in range(450))
    task = tabular(write(tmp_path, text), target="y", folds=2)
    assert task._layout.features == 101
    pipeline = task.build(None, LINEAR).fit(task.table.x, task.table.y)
    assert pipeline[0].transform(task.table.x).shape == (450, 101)
    assert next(task.scores(None, LINEAR)).score > 0.9


def test_a_number_can_be_a_text_and_a_column_can_go(tmp_path: Path) -> None:
    text = "zip,name,x,y\n" + "".join(f"{i % 3},n{i},{i},{i % 2}\n" for i in range(30))
    path = write(tmp_path, text)
    with pytest.raises(DataError, match="column 'name' has 30 different texts in 30 rows"):
        load_table(path, target="y")
    table = load_table(path, target="y", categorical=["zip"], drop=["name"])
    assert table.columns == ("zip", "x")
    assert table.texts == {0: ("0", "1", "2")}
    assert load_table("wine", categorical=["hue"]).texts.keys() == {10}


@given(st.lists(st.one_of(st.sampled_from(MISSING), st.floats(allow_nan=False)), min_size=1))
def test_numbers_and_missing_cells_come_back(cells: list[Any]) -> None:
    column = column_of("c", [str(c) for c in cells], np.arange(len(cells)), False)
    assert column.dtype == np.float64
    for cell, value in zip(cells, column, strict=True):
        assert np.isnan(value) if isinstance(cell, str) else value == cell


@given(st.lists(st.text("abc XYZ", min_size=1).map(str.strip).filter(bool), min_size=1))
def test_texts_come_back(cells: list[str]) -> None:
    assert column_of("c", cells, np.arange(len(cells)), False).tolist() == cells


def test_the_kind_goes_by_the_target(tmp_path: Path) -> None:
    for values, kind in (
        ([0, 1], "classification"),
        (["a", "b"], "classification"),
        ([0.5, 1.5], "regression"),
        (list(range(40)), "regression"),
    ):
        text = "x,y\n" + "".join(f"{i * i % 7},{values[i % len(values)]}\n" for i in range(40))
        assert load_table(write(tmp_path, text), target="y").kind == kind


def test_an_npz_file_with_missing_numbers_and_its_own_test_part(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(50, 3))
    y = (x[:, 0] > 0).astype(np.int64)
    x[::9, 1] = np.nan
    path = str(tmp_path / "t.npz")
    np.savez(path, x=x[:40], y=y[:40], x_test=x[40:], y_test=y[40:])
    task = tabular(path, folds=3)
    assert task._test.tolist() == list(range(40, 50))
    assert sorted(np.concatenate(task._folds).tolist()) == list(range(40))
    assert list(task.scores(None, LINEAR))[-1].score > 0.8


def savez(folder: Path, **arrays: Any) -> str:
    np.savez(folder / "t.npz", **arrays)
    return str(folder / "t.npz")


X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2


@pytest.mark.parametrize(
    ("arrays", "error", "says"),
    [
        ({"x": X}, DataError, "has no y: write it with numpy.savez"),
        ({"x": X, "y": Y, "x_test": X}, DataError, "has no y_test"),
        ({"x": X, "y": Y, "x_val": X}, UnknownNameError, r"array in .* 'x_val'"),
        ({"x": X.ravel(), "y": Y}, DataError, r"x has shape \(40,\) .* reshape it"),
        ({"x": X.astype(str), "y": Y}, DataError, "write a .csv file for texts"),
        ({"x": X, "y": Y[:5]}, DataError, "one number or label for each of the 20 rows"),
        ({"x": X, "y": np.stack([Y, Y], 1)}, DataError, r"y has shape \(20, 2\)"),
        ({"x": X, "y": Y * 0}, DataError, "all 20 rows have the same label"),
        ({"x": np.where(X == 7, np.inf, X), "y": Y}, DataError, "'x1' has infinite .* in row 4"),
        ({"x": np.where(X % 2 == 0, np.nan, X), "y": Y}, DataError, "column 'x0' is empty"),
        ({"x": X, "y": X[:, 0] * np.nan}, DataError, "missing or infinite in 20 rows"),
        ({"x": X, "y": Y, "x_test": X[:, :1], "y_test": Y}, DataError, "different numbers of col"),
    ],
)
def test_arrays_that_cannot_be(
    tmp_path: Path, arrays: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        tabular(savez(tmp_path, **arrays))


ROWS = "".join(f"{i},{i % 2}\n" for i in range(20))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no rows below a header"),
        ("x,y\n", "has no rows below a header"),
        (f"x,y\n{ROWS}5\n", "Line 22 of .* has 1 cells, the header has 2"),
        (ROWS, "first line of .* holds numbers"),
        (f",y\n{ROWS}", "Column 1 of .* has no name"),
        (f"y,y\n{ROWS}", "several columns named 'y'"),
        (f"x,y\n{ROWS}1x,0\n", "Column 'x' has 20 numbers and 1 cells that are none, '1x' in line"),
        (f"x,y\n{ROWS}1_0,0\n", "'1_0' in line 22"),
        (f"x,y\n{ROWS}inf,0\n", "'x' has infinite values"),
        (f"x,y\n{ROWS}3,\n", "target 'y' is missing or infinite in 1 rows .first in row 21"),
        ("x,y\n" + "1,a\n" * 9, "all 9 rows have the same label .a."),
        ("x,y\n" + "1,5.5\n" * 9, "'y' is 5.5 in all 9 rows"),
        ("x,y\n" + ",1\n,0\n" * 9, "column 'x' is empty"),
        ("y\n" + "1\n0\n" * 9, "no column beside the target 'y'"),
        ("x,y\n" + "1,a\n2,a\n" * 9 + "3,b\n", "Class b has only 1 of 19 samples"),
        ("x,y\n" + "1,a\n2,a\n" * 9 + "3,b\n4,b\n", "class 'b' has 2 rows|class 'b' has 1 rows"),
        ('x,y\n1,"a\n', "Cannot read .* as a table"),
    ],
)
def test_files_that_cannot_be(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        tabular(write(tmp_path, text), target="y")


def test_a_target_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path, people())
    with pytest.raises(DataError, match="no 'lable'; did you mean 'label'"):
        tabular(path, target="lable")
    with pytest.raises(DataError, match=r"target must name the column to predict. Known: age"):
        tabular(path)
    with pytest.raises(DataError, match=r"'label' has texts, 'young' for instance|'old' for inst"):
        tabular(path, target="label", kind="regression")
    with pytest.raises(DataError, match="labels that are no whole numbers"):
        tabular(path, target="age", kind="classification", drop=["weight"])


def test_files_that_are_no_files(tmp_path: Path) -> None:
    for name in ("none.csv", "none.npz"):
        with pytest.raises(DataError, match=f"There is no file '.*{name}'"):
            tabular(str(tmp_path / name), target=None if name.endswith("npz") else "y")
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(DataError, match=r"Cannot read .* as an \.npz file"):
        tabular(str(tmp_path / "broken.npz"))
    (tmp_path / "latin.csv").write_bytes("x,y\né,1\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"Cannot read .* as a table .* UTF-8"):
        tabular(str(tmp_path / "latin.csv"), target="y")
    with pytest.raises(InvalidSpecError, match=r"data is the path of a \.csv or \.npz file"):
        tabular(str(tmp_path / "table.parquet"))


def test_a_byte_order_mark_quotes_and_blank_lines_are_read(tmp_path: Path) -> None:
    text = '\ufeff"a, b",y\n\n' + '"1",0\n2,1\n\n' * 10
    table = load_table(write(tmp_path, text), target="y")
    assert table.columns == ("a, b",)
    assert table.x[:2, 0].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("numbers", ["0,5 1,5 2,25", "1,000 2,500 1,000,000", "0,5 ? 7 1,5 1,5"])
def test_numbers_with_commas_are_no_categories(numbers: str) -> None:
    cells = numbers.split()
    with pytest.raises(DataError, match=r"'a' writes its numbers with commas, '[01],.*in line 2"):
        column_of("a", cells, LINES, text=False)
    assert list(column_of("a", cells, LINES, text=True)) == [c if c != "?" else "" for c in cells]


def test_texts_with_commas_are_texts() -> None:
    cells = ["red, blue", "1,5 m", "green", "2,5"]
    assert list(column_of("a", cells, LINES, text=False)) == cells


@pytest.mark.parametrize(("column", "words"), [("a", "column 'a'"), ("y", "the target 'y'")])
def test_numbers_that_no_model_can_square(tmp_path: Path, column: str, words: str) -> None:
    rows = [{"a": row, "y": row + 0.5} | ({column: -2e18} if row == 7 else {}) for row in range(40)]
    path = write(tmp_path, "a,y\n" + "".join(f"{row['a']},{row['y']}\n" for row in rows))
    with pytest.raises(DataError, match=rf"{words} has values beyond 1e\+18, .* another unit"):
        load_table(path, target="y", kind="regression")
