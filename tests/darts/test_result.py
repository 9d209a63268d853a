"""The file that a search leaves."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from searched import restart, result

from optunas import DARTS, NB201, CellSpace, DenseCellSpace
from optunas.darts.result import SearchResult, read_result, space_digest, write_json, write_result
from optunas.errors import InvalidSpecError, StorageError

SPACES = (NB201, DARTS, CellSpace(["none", "skip_connect"], 1), DenseCellSpace(num_nodes=3))


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_a_result_survives_its_file(space: CellSpace | DenseCellSpace, tmp_path: Path) -> None:
    made = result(space, (3, 1), kept=1, limits={"params": 5000}, notes=("a note",))
    write_result(made, tmp_path / "g.json")
    again = read_result(tmp_path / "g.json")
    assert again == made
    assert again.architecture == made.restarts[1].network()
    space.validate(again.architecture)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["g.json"]


def test_the_file_says_what_it_is_at_its_top(tmp_path: Path) -> None:
    write_result(result(NB201, (7,)), tmp_path / "g.json")
    body = json.loads((tmp_path / "g.json").read_text())
    assert (body["kind"], body["version"]) == ("darts", 1)
    assert (body["variant"], body["order"], body["seed"]) == ("darts", 1, 7)
    assert body["architecture"]["kind"] == "cell"
    assert body["space"] == NB201.definition()
    assert body["search_cost"] == {
        "epochs": 2,
        "steps": 8,
        "seconds": 3.0,
        "choice_steps": 0,
        "choice_seconds": 0.0,
        "validation_epochs": 0,
        "validation_seconds": 0.0,
        "device": "cpu",
    }


def test_a_file_from_before_there_were_other_rules_is_by_argmax(tmp_path: Path) -> None:
    made = result(NB201, (7,))
    write_result(made, tmp_path / "g.json")
    body = json.loads((tmp_path / "g.json").read_text())
    del body["selection"]
    for row in body["restarts"]:
        del row["choice"], row["choice_seconds"], row["choice_steps"]
    (tmp_path / "g.json").write_text(json.dumps(body))
    again = read_result(tmp_path / "g.json")
    assert again == read_result(tmp_path / "g.json")
    assert (again.selection, again.best.choice) == ("argmax", {})
    assert again.architecture == made.architecture


def test_the_cost_is_that_of_all_restarts() -> None:
    rows = (
        restart(NB201, 0, validation=0.5, validation_epochs=3, validation_seconds=2.0),
        restart(NB201, 1, epochs=5, validation=0.6, validation_epochs=3, validation_seconds=1.0),
    )
    cost = result(NB201, restarts=rows).search_cost()
    assert (cost["epochs"], cost["steps"], cost["seconds"]) == (7, 28, 10.5)
    assert (cost["validation_epochs"], cost["validation_seconds"]) == (6, 3.0)


def test_what_is_no_number_is_null(tmp_path: Path) -> None:
    write_json({"loss": math.nan, "rows": [math.inf, 1.0]}, tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text()) == {"loss": None, "rows": [None, 1.0]}


def changed(**fields: Any) -> dict[str, Any]:
    return {**result(NB201).to_dict(), **fields}


def without(name: str) -> dict[str, Any]:
    body = result(NB201).to_dict()
    del body[name]
    return body


def broken_restart(**fields: Any) -> dict[str, Any]:
    body = result(NB201).to_dict()
    return {**body, "restarts": [{**body["restarts"][0], **fields}]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (changed(kind="cell"), "of the kind 'cell', a search's result is of the kind 'darts'"),
        ({"version": 1}, "of the kind None"),
        (changed(version=2), "of version 2, this optunas reads version 1"),
        (without("restarts"), "its restarts is missing"),
        (changed(kept=4), "keeps number 4 of 1 restarts"),
        (changed(restarts=[]), "keeps number 0 of 0 restarts"),
        (changed(space_digest="abc"), "its space was changed"),
        (changed(space={"kind": "elastic"}), "its space is of the kind 'elastic'"),
        (changed(network=5), r"do not fit together \(TypeError"),
        (broken_restart(weights={"normal": [[1.0]]}), r"weights are of the cells \['normal'\]"),
        (broken_restart(weights={"cell": [[1.0]]}), "a column for each operation"),
        (broken_restart(weights=None), "restart 0's weights must be lists of finite numbers"),
        (broken_restart(weights={"cell": [[math.nan]]}), "weights must be lists of finite numbers"),
        (broken_restart(alphas={"cell": [[None]]}), "alphas must be lists of finite numbers"),
        (broken_restart(costs={"params": "few"}), "costs must be finite numbers by name, got"),
        (broken_restart(epoch=7), "epoch is 7, of a history of 2 epochs"),
        (changed(settings={}), "settings' variant must be text, got None"),
        (changed(limits={"params": -1}), "limits must be numbers above 0 by name"),
        (broken_restart(surprise=1), "do not fit together"),
        (broken_restart(architecture={"kind": "cell", "version": 9}), "cannot|version"),
        ([1, 2], "it holds no JSON object"),
    ],
)
def test_other_files_are_refused_in_one_sentence(body: Any, words: str, tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    path.write_text(json.dumps(body))
    with pytest.raises(InvalidSpecError, match=words) as caught:
        read_result(path)
    assert "g.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_infinite_limit_is_none_when_it_comes_back(tmp_path: Path) -> None:
    write_result(result(NB201, limits={"params": math.inf, "flops": 1e9}), tmp_path / "g.json")
    assert read_result(tmp_path / "g.json").limits == {"flops": 1e9}


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    write_result(result(DenseCellSpace(["none", "skip_connect"], 2)), path)
    text = path.read_text()
    for length in (*range(0, len(text), 97), len(text) - 1):
        path.write_text(text[:length])
        with pytest.raises(InvalidSpecError, match="no JSON, or it is cut off"):
            read_result(path)


def test_files_that_are_not_there_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecError, match=r"Cannot read .*No such file"):
        read_result(tmp_path / "nothing.json")
    with pytest.raises(InvalidSpecError, match=r"Cannot read .*directory"):
        read_result(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidSpecError, match="no JSON"):
        read_result(tmp_path / "binary")
    with pytest.raises(StorageError, match=r"Cannot write .*No such file"):
        write_result(result(NB201), tmp_path / "missing" / "g.json")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    write_result(result(NB201), path)
    before = path.read_text()
    with pytest.raises(TypeError):
        write_json({"bad": object()}, path)
    assert path.read_text() == before
    assert read_result(path) == result(NB201)


def test_the_digest_is_that_of_the_definition() -> None:
    assert space_digest(NB201.definition()) == space_digest(DenseCellSpace().definition())
    assert space_digest(NB201.definition()) != space_digest(
        DenseCellSpace(num_nodes=3).definition()
    )
    assert isinstance(result(NB201), SearchResult)
