"""``optunas compare``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Cli

HEADER = "import fast_table\n"


@pytest.fixture
def table_file(folder: Path) -> str:
    """A study of the table."""
    (folder / "table_study.py").write_text(f"{HEADER}study = fast_table.spec()\n")
    return "table_study.py"


def test_a_comparison_prints_its_table_and_writes_its_report(
    cli: Cli, folder: Path, table_file: str
) -> None:
    result = cli("compare", table_file, "--samplers", "qmc,tpe", "--seeds", "2", "--budget", "6")
    assert result.code == 0, result
    assert "share of the best known hypervolume, 2 runs of 6 trials" in result.out
    for name in ("qmc", "tpe", "random"):
        assert name in result.out
    assert "2 seeds are too few" in result.out
    assert "6 of 6 runs are done." in result.err
    assert (folder / "comparison-table" / "report.html").is_file()
    again = cli("compare", table_file, "--samplers", "qmc,tpe", "--seeds", "2", "--budget", "6")
    assert again.code == 0
    assert again.out == result.out


def test_json_is_all_that_is_printed(cli: Cli, folder: Path, table_file: str) -> None:
    result = cli(
        *("compare", table_file, "--seeds", "2", "--budget", "5epochs", "-o", "out", "--json"),
        *("--target", "50%", "--log", "params", "--reference", "accuracy=0.2", "--seed", "3"),
    )
    assert result.code == 0, result
    body = json.loads(result.out)
    assert body["budget"] == "5 epochs"
    assert {row["contestant"] for row in body["table"]} == {"tpe", "random"}
    assert "reached 0.5" in body["table"][0]
    assert Path(body["report"]) == Path("out/report.html")
    assert len(list((folder / "out" / "runs").glob("*/seed-[34].jsonl"))) == 4


def test_a_stored_study_is_compared_by_its_name(cli: Cli, table_file: str) -> None:
    assert cli("study", "create", table_file).code == 0
    untrusted = cli("compare", "table", "--seeds", "1", "--budget", "3")
    assert untrusted.code == 2
    assert "--trust fast_table" in untrusted.err
    done = cli("compare", "table", "--seeds", "1", "--budget", "3", "--trust", "fast_table")
    assert done.code == 0, done
    assert "With one seed nothing can be said" in done.out


WRONG = {
    "an unknown sampler": (("--samplers", "tpee"), "'tpee'; did you mean 'tpe'?"),
    "an unknown option": (("--samplers", "tpe:gruop=true"), "'gruop'; did you mean 'group'?"),
    "a sampler without a name": (("--samplers", "tpe,,qmc"), "with commas between"),
    "one contestant": (("--samplers", "random"), "There is one contestant only"),
    "a sampler twice": (("--samplers", "tpe,tpe"), "is given twice"),
    "no seeds": (("--seeds", "0"), "seeds must be a whole number from 1 on, got 0."),
    "no processes": (("--processes", "0"), "processes must be a whole number from 1 on, got 0."),
    "a unit": (("--budget", "5trails"), "'trails'; did you mean 'trials'?"),
    "a budget": (("--budget", "lots"), "The budget must be '100trials'"),
    "a target": (("--target", "fast"), "A target is a share such as 95%"),
    "a logarithm": (("--log", "parms"), "'parms'; did you mean 'params'?"),
    "a reference": (("--reference", "accuracy"), "such as accuracy=0.85"),
    "a device": (("--device", "tpu"), "There is no device 'tpu' here"),
    "an output": (("-o", "table_study.py"), "cannot write to 'table_study.py'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_one_sentence(cli: Cli, folder: Path, table_file: str, case: str) -> None:
    given, words = WRONG[case]
    before = {path.name for path in folder.iterdir()} | {"__pycache__"}
    result = cli("compare", table_file, "--budget", "5", "--seeds", "1", *given)
    assert result.code == 2, result
    assert result.out == ""
    (line,) = result.err.strip().splitlines()
    assert line.startswith("Error: ")
    assert words in line
    assert {path.name for path in folder.iterdir()} <= before


def test_a_missing_budget_is_one_sentence(cli: Cli, table_file: str) -> None:
    result = cli("compare", table_file)
    assert result.code == 2
    assert result.err.startswith("Error: A comparison needs a budget for every run, for instance")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("name='b', objectives=('accuracy',)", "have different objectives"),
        ("name='b', task_options={'data': 'other'}", "have different tasks or data"),
        ("name='b', constraints={'params': 5e4}", "have different constraints"),
        ("", "Two studies of the comparison are called 'table'"),
    ],
)
def test_studies_that_cannot_be_compared_are_refused(
    cli: Cli, folder: Path, table_file: str, other: str, words: str
) -> None:
    (folder / "other_study.py").write_text(f"{HEADER}study = fast_table.spec({other})\n")
    result = cli("compare", table_file, "other_study.py", "--budget", "5")
    assert result.code == 2
    assert words in result.err


def test_a_missing_study_is_one_sentence(cli: Cli) -> None:
    result = cli("compare", "nowhere.py", "--budget", "5")
    assert (result.code, result.err) == (2, "Error: There is no study file 'nowhere.py'.\n")


def test_ctrl_c_says_how_to_go_on(
    cli: Cli, table_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optunas.compare.recorder import Recorder

    def stop(self: Recorder, trial: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, "trial_finished", stop)
    result = cli("compare", table_file, "--budget", "5", "--seeds", "1")
    assert result.code == 130
    assert "Go on with the same command:\n  optunas compare table_study.py" in result.err
