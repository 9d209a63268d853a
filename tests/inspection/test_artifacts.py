"""Where artifacts lie, and that a study's leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from optunas.inspection import artifact_dir, delete_artifacts
from optunas.inspection.artifacts import Shelf


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("sqlite:///optunas.db", "optunas-artifacts"),
        ("sqlite:///runs/a.db", "runs/optunas-artifacts"),
        ("sqlite:////data/a.db?timeout=5", "/data/optunas-artifacts"),
        ("sqlite+pysqlite:////data/a.db", "/data/optunas-artifacts"),
        ("sqlite:///:memory:", "optunas-artifacts"),
        ("sqlite://", "optunas-artifacts"),
        ("journal:///runs/a.log", "runs/optunas-artifacts"),
        ("/data/journal.log", "/data/optunas-artifacts"),
        ("postgresql://user@host/base", "optunas-artifacts"),
        ("redis://host:6379", "optunas-artifacts"),
        ("", "optunas-artifacts"),
        (None, "optunas-artifacts"),
    ],
)
def test_artifacts_lie_beside_the_storage(url: str | None, folder: str) -> None:
    assert artifact_dir(url) == Path(folder)


def test_the_environment_chooses_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTUNAS_ARTIFACTS", "/elsewhere")
    assert artifact_dir("sqlite:////data/a.db") == Path("/elsewhere")


def test_deleting_takes_one_studys_files_and_no_others(tmp_path: Path) -> None:
    studies = [optuna.create_study() for _ in range(2)]
    for study in studies:
        shelf, running = Shelf(study, tmp_path), study.ask()
        shelf.add(running, "cell.svg", "<svg/>")
        shelf.add(study.tell(running, 1.0), "curve.svg", "<svg/>")
        shelf.replace("front.svg", "<svg/>")
        shelf.replace("front.svg", "<svg>newer</svg>")
    assert len(list(tmp_path.iterdir())) == 6
    assert delete_artifacts(studies[0], tmp_path) == 3
    assert len(list(tmp_path.iterdir())) == 3
    assert delete_artifacts(studies[0], tmp_path) == 0
    assert delete_artifacts(studies[1], tmp_path) == 3
    assert not tmp_path.exists()


def test_deleting_leaves_other_files_and_bears_a_missing_folder(tmp_path: Path) -> None:
    study = optuna.create_study()
    Shelf(study, tmp_path / "a").replace("front.svg", "<svg/>")
    (tmp_path / "a" / "mine.txt").write_text("kept")
    assert delete_artifacts(study, tmp_path / "nowhere") == 0
    assert delete_artifacts(study, tmp_path / "a") == 1
    assert (tmp_path / "a" / "mine.txt").exists()


def test_a_second_process_replaces_the_same_drawing(tmp_path: Path) -> None:
    study = optuna.create_study()
    first = Shelf(study, tmp_path).replace("front.svg", "<svg>1</svg>")
    assert Shelf(study, tmp_path).replace("front.svg", "<svg>2</svg>") == first
    (file,) = tmp_path.iterdir()
    assert file.read_text() == "<svg>2</svg>"
    assert first.endswith(file.name)


def test_what_cannot_be_written_is_not_noted(tmp_path: Path) -> None:
    study = optuna.create_study()
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Shelf(study, tmp_path / "file" / "artifacts").replace("front.svg", "<svg/>")
    assert study._storage.get_study_system_attrs(study._study_id) == {}
