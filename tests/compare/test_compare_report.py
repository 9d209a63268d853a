"""The report: what it says in words, its tables, its pictures, and that its files are whole."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fast_table import spec
from rich.console import Console

from optunas import Metric
from optunas.compare import Comparison, Trajectory, compare
from optunas.compare.amount import amount
from optunas.compare.charts import Line, lines_svg
from optunas.compare.comparison import Settings
from optunas.compare.contestants import Entry, contestants, sampler
from optunas.compare.measure import Question
from optunas.compare.pictures import (
    curves_svg,
    differences_svg,
    finals_svg,
    ranks_svg,
    reached_svg,
)
from optunas.compare.pool import Job
from optunas.compare.progress import Shown
from optunas.compare.words import listed, notes, number, probability
from optunas.draw import svg_to_png
from optunas.errors import StorageError


def made(
    curves: Sequence[Sequence[Sequence[float]]],
    *,
    minimise: bool = False,
    targets: Sequence[str] = (),
    limit: int = 4,
) -> Comparison:
    """A comparison whose runs have these best values, [contestant][run][trial]."""
    metric = Metric("loss", "minimize") if minimise else "accuracy"
    study = spec(objectives=(metric,))
    names = ["tpe", "nsga2", "qmc", "gp", "cmaes", "grid", "nsga3", "brute_force"]
    several = [sampler(name) for name in [*names[: len(curves) - 1], "random"]]
    found = contestants([Entry(study)], several, amount(limit))

    def run(seed: int, values: Sequence[float]) -> Trajectory:
        cost = np.arange(1.0, len(values) + 1)
        axes = {"trials": cost, "networks": cost, "epochs": cost, "seconds": 7 * cost**1.1}
        array = np.array(values, dtype=float)[:, None]
        return Trajectory(seed, "", len(values) >= limit, axes, array, np.full(len(values), 0.002))

    return Comparison(
        tuple(found),
        tuple(tuple(run(i, values) for i, values in enumerate(row)) for row in curves),
        Question.of(study, amount(limit), targets),
        settings=Settings("cpu", 1, tuple(range(len(curves[0]))), "made up"),
    )


def clear(seeds: int = 12, minimise: bool = False) -> Comparison:
    """The first is always ahead of the other two, which differ by chance."""
    rng = np.random.default_rng(0)
    sign = -1 if minimise else 1

    def rows(level: float) -> list[list[float]]:
        return [
            np.round(sign * (level + 0.01 * rng.normal(size=4) + 0.02 * np.arange(4)), 6).tolist()
            for _ in range(seeds)
        ]

    return made([rows(0.8), rows(0.6), rows(0.6)], minimise=minimise)


def test_what_is_significant_is_said() -> None:
    first, overall, *pairs = clear().sentences
    assert first == (
        "tpe has the best mean rank, 1.00 of 3, over 12 paired runs; it is significantly better "
        "than nsga2 and random."
    )
    assert "says that they are not all alike" in overall
    assert pairs[0].startswith("tpe is significantly better than ")
    assert "better in 12 of 12 runs" in pairs[0]


def test_what_is_not_significant_is_said_with_the_seeds_that_it_takes() -> None:
    (line,) = (one for one in clear().sentences if "not significant:" in one)
    assert re.match("The difference between (nsga2 and random|random and nsga2) is not", line)
    assert "after Holm's correction" in line
    assert "seeds would be needed to tell such a difference" in line


def test_an_objective_that_is_minimised_reads_the_right_way_round() -> None:
    found = clear(minimise=True)
    # Turned round, the one that was ahead has the smallest losses.
    assert found.sentences[0].startswith("tpe has the best mean rank, 1.00 of 3")
    row = found.table[0]
    assert row["best"] <= row["median"] <= row["worst"]
    pair = found.pairs[0]
    assert pair["difference"] < 0 < pair["better"]
    assert pair["low"] <= pair["difference"] <= pair["high"]
    curve = found.curve(found.order[0], "trials")
    assert (curve.low <= curve.middle).all()
    assert (curve.middle <= curve.high).all()
    assert (np.diff(curve.middle) <= 0).all()


def test_too_few_seeds_are_named_with_how_many_it_takes() -> None:
    said = clear(seeds=4).sentences
    assert said[-1] == (
        "4 seeds are too few: with 3 comparisons no test can come under 0.05 with fewer than 7 "
        "seeds, however clear the difference."
    )
    assert any("too few runs for a 95 % interval" in line for line in said)


def test_one_seed_says_nothing() -> None:
    found = clear(seeds=1)
    assert found.sentences[0].startswith("With one seed nothing can be said about which is better")
    assert found.friedman is None
    assert found.tests == []
    assert found.table[0]["std"] is None
    assert differences_svg(found) is None


def test_equal_contestants_are_no_difference() -> None:
    row = [[0.1, 0.2, 0.3, 0.4]] * 7
    found = made([row, row, row])
    assert found.ranks.tolist() == [2.0, 2.0, 2.0]
    assert found.friedman is not None
    assert found.friedman.p == 1
    assert all("; all runs are equal." in line for line in found.sentences[2:5])


def test_two_contestants_have_no_friedman_test_and_no_picture_of_it() -> None:
    found = made([[[0.1, 0.2], [0.2, 0.3]], [[0.1, 0.1], [0.2, 0.2]]], limit=2)
    assert found.friedman is None
    assert differences_svg(found) is None
    assert found.pairs[0]["p_nemenyi"] is None


def test_costs_to_targets_are_told_with_those_that_do_not_get_there() -> None:
    found = made(
        [[[0.1, 0.9, 0.9, 0.9]] * 3, [[0.1, 0.1, 0.1, 0.9], [0.1] * 4, [0.1] * 4]], targets=["0.9"]
    )
    (line,) = (one for one in found.sentences if one.startswith("Median trials to"))
    assert line == (
        "Median trials to an accuracy of 0.9: tpe 2, random more than the budget (reached in 1 of "
        "3 runs). 2 of 6 runs did not get there within the budget; they are counted as censored, "
        "not left out."
    )
    row = found.table[1]
    assert (row["reached 0.9"], row["trials to 0.9"]) == (1, None)


def wait(network: dict[str, float], shape: tuple[int, ...]) -> float:
    """What a clock would say of a network."""
    return float(network["depth"])


def test_a_recorded_latency_is_not_called_measured() -> None:
    recorded = spec(objectives=("accuracy", "latency_ms"))
    clock = Metric("wait", "minimize", "s", cheap=True, measured=True, compute=wait)
    measured = spec(objectives=("accuracy", clock))
    several = [compare(one, (), 1, "2trials", progress=False) for one in (recorded, measured)]
    assert [one.settings.measured for one in several] == [(), ("wait",)]
    settings = [one.settings._replace(processes=2) for one in several]
    told = [
        any(
            "was measured while 2 processes ran" in line for line in notes(replace(one, settings=s))
        )
        for one, s in zip(several, settings, strict=True)
    ]
    assert told == [False, True]


def test_tests_that_do_not_agree_on_a_pair_are_explained() -> None:
    # In eight runs the order is always the same: plain for pairs, not for neighbouring ranks.
    step = np.linspace(0.0, 0.01, 8)
    found = made(
        [
            [[0.9 + s] * 4 for s in step],
            [[0.8 + s] * 4 for s in step],
            [[0.7 + s] * 4 for s in step],
        ]
    )
    differing = [(r.p_holm < 0.05) != (r.p_nemenyi < 0.05) for r in found.tests]
    assert any(differing)
    assert any("need not agree" in line for line in notes(found))
    assert not any("need not agree" in line for line in notes(clear(seeds=2)))


def test_progress_without_a_terminal_is_told_when_it_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("optunas.compare.progress.PLAIN_EVERY_S", -1.0)
    text = io.StringIO()
    job = Job(0, 0, Path("unused"), "")
    with Shown(clear().contestants, 2, [0, 0, 0], Console(file=text)) as shown:
        for done in (False, False, True, False):
            shown.tell(job, 3, done)
    assert text.getvalue().splitlines() == ["0 of 6 runs are done.", "1 of 6 runs are done."]


def test_costs_that_say_nothing_new_are_left_out() -> None:
    assert clear().axes == ["trials", "seconds"]


def test_many_pairs_are_told_against_the_best_alone() -> None:
    rows = [[[0.1 * i + 0.01 * j] * 4 for j in range(6)] for i in range(8)]
    found = made(rows)
    assert len(found.tests) == 28
    pairs = [line for line in found.headlines if "after Holm" in line]
    assert len(pairs) == 7
    assert sum("after Holm" in line for line in found.sentences) == 28


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (float("inf"), "∞"),
        (0.123456, "0.1235"),
        (1234567.0, "1,234,567"),
        (0.0, "0"),
    ],
)
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert number(value) == text


def test_probabilities_have_two_digits() -> None:
    found = [probability(p) for p in (1.0, 0.999, 0.5, 0.0312, 0.00004)]
    assert found == ["p = 1", "p = 1", "p = .5", "p = .031", "p < .0001"]
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.fixture(scope="module")
def real() -> Comparison:
    """A comparison that has run, against a known front."""
    study = spec(task_options={"front": True, "noise": 0.0}, description="Small & <fast>")
    return compare(
        [study, spec("other", task_options={"front": True, "noise": 0.0}, pruner="median")],
        ["tpe"],
        4,
        "12trials",
        targets=["50%", "90%"],
        log=["params"],
        progress=False,
    )


def table_in(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(path.read_text().splitlines()))


def test_a_report_is_whole(real: Comparison, tmp_path: Path) -> None:
    path = real.report(tmp_path / "deep" / "report")
    folder = path.parent
    page = path.read_text()
    # Everything is in the file: nothing is fetched.
    assert not re.findall(r'(?:src|href)="', page)
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "Small &amp; &lt;fast&gt;" in page
    assert page.count("<svg") == len(list((folder / "pictures").glob("*.svg"))) >= 5
    text = (folder / "report.md").read_text()
    for name in re.findall(r"\]\((pictures/.*?)\)", text):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    for line in real.headlines:
        assert line in text
    assert "pruner: table 'none', other 'median'" in text
    assert not list(folder.rglob("*.writing"))
    assert not re.search(r"\de-\d", text)  # probabilities are written for readers
    # Quartiles are told where there are some.
    assert "| not reached |" in text
    assert "not reached (" not in text
    rows = table_in(folder / "runs.csv")
    assert len(rows) == 4 * 4
    assert {row["contestant"] for row in rows} == set(real.labels)
    curves = table_in(folder / "curves.csv")
    assert all(float(r["low"]) <= float(r["median"]) <= float(r["high"]) for r in curves)
    assert len(table_in(folder / "pairs.csv")) == 6


def test_shares_are_of_the_tasks_own_front(real: Comparison) -> None:
    assert real.measure.from_task
    assert real.measure.front > 20
    assert (real.finals < 1).all()
    assert "the task's true front" in notes(real)[0]
    assert "params" in notes(real)[0]


def test_the_table_is_csv_too(real: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(real.to_csv())))
    assert [row["contestant"] for row in rows] == [real.labels[i] for i in real.order]
    assert "tpe" in str(real)


def test_a_report_that_cannot_be_written_is_one_sentence(real: Comparison, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(StorageError, match="The report cannot be written to"):
        real.report(tmp_path / "file" / "report")


def test_pictures_are_drawings_that_become_png(real: Comparison) -> None:
    drawn = [
        finals_svg(real),
        differences_svg(real),
        *(curves_svg(real, axis) for axis in real.axes),
        *(reached_svg(real, target) for target in real.question.targets),
    ]
    for svg in drawn:
        assert svg is not None
        ET.fromstring(svg)
        assert svg_to_png(svg, 1.0).startswith(b"\x89PNG")


def test_bars_join_the_groups_of_the_published_example() -> None:
    # Demsar 2006, figure 1: the first joins all but C4.5, the second all but C4.5+m.
    names = ["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"]
    svg = ranks_svg(names, [3.143, 2.000, 2.893, 1.964], 1.25 - 0.10)
    root = ET.fromstring(svg)
    bars = [
        e for e in root.iter("{http://www.w3.org/2000/svg}path") if e.get("stroke-width") == "4"
    ]
    assert len(bars) == 2
    words = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "C4.5+m+cf  1.96" in words
    assert "3.14  C4.5" in words


def test_a_long_legend_takes_further_rows_and_a_ninth_line_is_dashed() -> None:
    lines = [Line(f"study-{i} / sampler-{i}", [0, 1], [0.1, i], tint=i) for i in range(10)]
    svg = lines_svg(lines, "many", "trials", "quality")
    assert svg.count("stroke-dasharray") == 4
    heights = {e.get("y") for e in ET.fromstring(svg).iter() if "/ sampler" in (e.text or "")}
    assert len(heights) >= 3
    assert svg_to_png(svg, 1.0)


def test_lines_without_a_single_value_are_still_a_picture() -> None:
    svg = lines_svg([Line("a", [], [])], "none", "trials", "quality")
    assert svg_to_png(svg, 1.0)
