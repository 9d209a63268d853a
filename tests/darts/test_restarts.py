"""Several searches with one choice, resumed after any of its steps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optunas import DenseCellSpace, metrics
from optunas.darts import SearchSettings
from optunas.darts.record import EpochRecord
from optunas.darts.restarts import Plan, Watch, checkpoints, finished, forget, run_restarts
from optunas.darts.result import FinalNetwork, Restart, SearchResult
from optunas.errors import InvalidSpecError, TrainingError, UnknownNameError
from optunas.tasks import digits

SPACE = DenseCellSpace(["none", "skip_connect", "nor_conv_1x1"], num_nodes=3)
NETWORK = FinalNetwork((1, 8, 8), 10, channels=2, num_cells=1)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(
        study="small",
        space=SPACE,
        task=digits(split=(0.08, 0.08, 0.1)),
        settings=SearchSettings(epochs=2, batch_size=32, channels=2, num_cells=1),
        task_is={"reference": "optunas.tasks:digits", "options": {}},
        network=NETWORK,
        training={"batch_size": 32, "lr": 0.1},
        validation_epochs=1,
    )


@pytest.fixture(scope="module")
def whole(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """Two searches that nothing ended."""
    return run_restarts(plan, range(2), tmp_path_factory.mktemp("whole") / "g.json")


class Ends(Watch):
    """Ends the run, as Ctrl-C does, at one of its steps."""

    def __init__(self, at: tuple[int, str]) -> None:
        self.at = at

    def _step(self, restart: int, what: str) -> None:
        if (restart, what) == self.at:
            raise KeyboardInterrupt

    def epoch(self, restart: int, record: EpochRecord) -> bool | None:
        self._step(restart, f"epoch {record.epoch}")
        return None

    def training(self, restart: int, step: int, score: float) -> None:
        self._step(restart, "training")

    def finished(self, restart: int, row: Restart, resumed: bool) -> None:
        self._step(restart, "finished")


def timeless(result: SearchResult) -> SearchResult:
    """Without what a clock says."""
    rows = []
    for row in result.restarts:
        history = tuple({**record, "seconds": 0} for record in row.history)
        rows.append(replace(row, history=history, seconds=0.0, validation_seconds=0.0))
    return replace(result, restarts=tuple(rows))


def test_the_best_by_validation_is_kept_and_all_are_there(plan: Plan, tmp_path: Path) -> None:
    result = run_restarts(plan, range(3), tmp_path / "g.json")
    assert [row.seed for row in result.restarts] == [0, 1, 2]
    scores = [row.validation or 0.0 for row in result.restarts]
    assert result.best.validation == max(scores) > 0
    assert result.search_cost()["epochs"] == 6
    assert result.search_cost()["validation_epochs"] == 3
    for row in result.restarts:
        assert len(row.history) == 2
        assert row.costs["params"] == metrics.params(row.network(), (1, 8, 8), 10, 2, 1)
        assert row.steps == 2 * 3  # 72 images a half in batches of 32
    forget(tmp_path / "g.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "at", [(0, "epoch 1"), (0, "training"), (1, "epoch 0"), (1, "epoch 1"), (1, "finished")]
)
def test_a_run_that_was_ended_goes_on_to_the_same_result(
    plan: Plan, whole: SearchResult, at: tuple[int, str], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_restarts(plan, range(2), tmp_path / "g.json", Ends(at))
    again = run_restarts(plan, range(2), tmp_path / "g.json")
    assert timeless(again) == timeless(whole)


def test_a_finished_restart_is_not_searched_again(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_restarts(plan, range(2), tmp_path / "g.json", Ends((1, "epoch 0")))
    seen: list[tuple[int, bool]] = []

    class Notes(Watch):
        def finished(self, restart: int, row: Restart, resumed: bool) -> None:
            seen.append((restart, resumed))

    run_restarts(plan, range(2), tmp_path / "g.json", Notes())
    assert seen == [(0, True), (1, False)]


def test_one_search_is_not_trained_unless_asked(plan: Plan, tmp_path: Path) -> None:
    result = run_restarts(replace(plan, validation_epochs=0), [5], tmp_path / "g.json")
    assert (result.best.seed, result.best.validation, result.kept) == (5, None, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["g.json.checkpoint"]


def test_limits_are_kept_by_every_restart(plan: Plan, tmp_path: Path) -> None:
    least = 1 + min(
        metrics.params(m, (1, 8, 8), 10, 2, 1) for m in SPACE.enumerate() if m.is_connected()
    )
    result = run_restarts(replace(plan, limits={"params": least}), range(2), tmp_path / "g.json")
    assert all(row.costs["params"] <= least for row in result.restarts)
    assert result.limits == {"params": least}


def test_what_cannot_be_is_said_before_the_search(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecError, match="No architecture keeps params <= 3"):
        run_restarts(replace(plan, limits={"params": 3}), [0], tmp_path / "g.json")
    with pytest.raises(UnknownNameError, match="Unknown hyperparameter 'rate'"):
        run_restarts(replace(plan, training={"rate": 3}), [0], tmp_path / "g.json")
    with pytest.raises(InvalidSpecError, match=r"from 0 to 2\*\*32 - 1, got 4294967296"):
        run_restarts(plan, range(2**32 - 1, 2**32 + 1), tmp_path / "g.json")
    assert list(tmp_path.iterdir()) == []


def test_files_of_another_search_are_refused(plan: Plan, tmp_path: Path) -> None:
    output = tmp_path / "g.json"
    with pytest.raises(KeyboardInterrupt):
        run_restarts(plan, range(2), output, Ends((1, "epoch 0")))
    other = replace(plan, training={"lr": 0.2})
    with pytest.raises(InvalidSpecError, match="of another search, its training differ"):
        run_restarts(other, range(2), output)
    (tmp_path / "g.json.restarts").write_text("{")
    with pytest.raises(InvalidSpecError, match=r"cannot be read \(JSONDecodeError\)"):
        run_restarts(plan, range(2), output)
    forget(output)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_another_seed_is_refused_before_anything_runs(
    plan: Plan, tmp_path: Path
) -> None:
    output = tmp_path / "g.json"
    with pytest.raises(KeyboardInterrupt):
        run_restarts(plan, range(2), output, Ends((1, "epoch 1")))
    with pytest.raises(InvalidSpecError, match="checkpoint-2' is of another search, its seed"):
        run_restarts(plan, range(5, 7), output, Ends((0, "epoch 0")))


def test_names_with_brackets_are_forgotten_too(tmp_path: Path) -> None:
    output = tmp_path / "g[1].json"
    left = [*checkpoints(output, 2), finished(output)]
    for path in left:
        path.touch()
    forget(output)
    assert list(tmp_path.iterdir()) == []


def test_infinite_limits_are_none_and_a_run_with_them_goes_on(plan: Plan, tmp_path: Path) -> None:
    output, free = tmp_path / "g.json", replace(plan, limits={"params": math.inf})
    with pytest.raises(KeyboardInterrupt):
        run_restarts(free, range(2), output, Ends((1, "epoch 0")))
    assert run_restarts(free, range(2), output).limits == {}


def test_a_network_whose_training_breaks_down_is_not_kept_and_ends_nothing(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = type(plan.task).scores

    def broken(task: Any, network: Any, training: Any, seed: int, device: str) -> Iterator[Any]:
        if seed == 0:
            raise TrainingError("The training loss became nan in epoch 0.")
        yield from scores(task, network, training, seed, device)

    monkeypatch.setattr(type(plan.task), "scores", broken)
    result = run_restarts(plan, range(2), tmp_path / "g.json")
    assert [row.validation is None for row in result.restarts] == [True, False]
    assert result.restarts[0].validation_failed == "The training loss became nan in epoch 0."
    assert result.kept == 1
    alone = run_restarts(plan, [0], tmp_path / "h.json")
    assert alone.best.validation is None


def test_checkpoints_lie_beside_the_output() -> None:
    names = [path.name for path in checkpoints(Path("a/g.json"), 3)]
    assert names == ["g.json.checkpoint", "g.json.checkpoint-2", "g.json.checkpoint-3"]
