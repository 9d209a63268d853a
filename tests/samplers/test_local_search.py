"""Local search: its moves, restarts and patience, and the fold against a search that just runs."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import optuna
import pytest
from sampler_cases import SMALL, go_on, members, new_study, values_of

from optunas import codec
from optunas.errors import InvalidSpecError
from optunas.samplers.local_search import LocalSearchSampler
from optunas.space import NB201, Cell, Choice, Float, HyperSpace, Int, Space

LINE = HyperSpace(x=Int(0, 9))
FLAT = HyperSpace(**{f"c{i}": Choice(("a", "b", "c")) for i in range(4)})


def distance(space: Space[Any], one: Any, other: Any) -> int:
    pairs = zip(space.encode(one).values(), space.encode(other).values(), strict=True)
    return sum(a != b for a, b in pairs)


def score(cell: Cell) -> float:
    """Rugged: equal for no two cells in practice."""
    return int(NB201.structure_digest(cell)[:8], 16) / 2**32 + values_of(NB201, cell, 1)[0] / 3


def run(study: optuna.Study, space: Space[Any], trials: int, of: Any) -> list[Any]:
    found = []
    for _ in range(trials):
        trial = study.ask()
        found.append(codec.suggest(trial, space))
        study.tell(trial, of(found[-1]))
    return found


def test_every_trial_is_a_neighbour_of_the_best_of_its_climb_until_all_were_tried() -> None:
    """The fold does what a loop that keeps its state would do."""
    study = new_study(LocalSearchSampler(NB201, identity="code", seed=4))
    found = run(study, NB201, 150, score)
    best, left = found[0], None
    known = {found[0]: score(found[0])}
    restarts, moves = 0, 0
    for cell in found[1:]:
        near = (
            [c for c in NB201.enumerate() if distance(NB201, c, best) == 1]
            if left is None
            else left
        )
        near = [c for c in near if NB201.is_connected(c) and c not in known]
        if not near:
            restarts, best, left = restarts + 1, cell, None
        else:
            assert cell in near
            left = near
        known[cell] = score(cell)
        while True:  # better neighbours of earlier climbs are moved to without a trial
            better = [c for c in known if known[c] > known[best] and distance(NB201, c, best) == 1]
            if not better:
                break
            best, left, moves = max(better, key=known.__getitem__), None, moves + 1
    assert restarts >= 2
    assert moves >= 8


def test_the_first_improvement_is_moved_to_at_once_and_the_best_after_all() -> None:
    found = {}
    for improvement in ("first", "best"):
        study = new_study(LocalSearchSampler(FLAT, improvement=improvement, seed=3))
        found[improvement] = run(study, FLAT, 9, lambda m: float(sum(v == "c" for v in m.values())))
    start = found["best"][0]
    around = [m for m in FLAT.enumerate() if distance(FLAT, m, start) == 1]
    assert set(found["best"][1:]) == set(around)
    assert set(found["first"][1:]) != set(around)


def test_best_improvement_moves_to_the_best_neighbour() -> None:
    def of(member: Any) -> float:
        return {"a": 0.0, "b": 1.0, "c": 2.0}[member["c0"]] + 0.1 * (member["c1"] == "c")

    study = new_study(LocalSearchSampler(FLAT, improvement="best", seed=1))
    study.enqueue_trial(dict.fromkeys(FLAT.parameters(), "a"))
    run(study, FLAT, 9, of)
    (tenth,) = run(study, FLAT, 1, of)
    centre = FLAT.decode({"c0": "c", "c1": "a", "c2": "a", "c3": "a"})
    assert distance(FLAT, tenth, centre) == 1


def test_it_finds_the_top_of_a_smooth_hill() -> None:
    space = HyperSpace(x=Float(-1, 1), y=Int(0, 100), z=Float(1e-4, 1, log=True), k=Choice((1, 2)))

    def of(m: Any) -> float:
        return -abs(m["x"] - 0.3) - abs(m["y"] - 60) / 50 - abs(np.log10(m["z"]) + 2) + m["k"]

    study = new_study(LocalSearchSampler(space, seed=1))
    run(study, space, 120, of)
    assert study.best_value > 1.85


def test_patience_restarts_before_all_neighbours_were_tried() -> None:
    study = new_study(LocalSearchSampler(NB201, patience=3, seed=1))
    study.enqueue_trial(dict.fromkeys((f"cell.{k}" for k in NB201.parameters()), "nor_conv_3x3"))
    found = run(
        study,
        NB201,
        6,
        lambda cell: (
            -float(
                distance(
                    NB201, cell, NB201.decode(dict.fromkeys(NB201.parameters(), "nor_conv_3x3"))
                )
            )
        ),
    )
    assert [distance(NB201, cell, found[0]) for cell in found[1:4]] == [1, 1, 1]
    assert distance(NB201, found[4], found[0]) > 1


def test_trials_that_failed_or_were_pruned_are_tried_neighbours() -> None:
    study = new_study(LocalSearchSampler(LINE, seed=1))
    study.enqueue_trial({"x": 5})
    run(study, LINE, 1, lambda m: 1.0)
    for state in (optuna.trial.TrialState.FAIL, optuna.trial.TrialState.PRUNED):
        trial = study.ask()
        codec.suggest(trial, LINE)
        study.tell(trial, state=state)
    found = members(study, LINE)
    assert {m["x"] for m in found} - {5} <= {3, 4, 6, 7}


def test_a_better_seed_is_moved_to() -> None:
    study = new_study(LocalSearchSampler(NB201, seed=1))
    run(study, NB201, 5, lambda cell: 0.0)
    seed = NB201.decode(dict.fromkeys(NB201.parameters(), "nor_conv_1x1"))
    study.enqueue_trial(codec.to_params(NB201, seed))
    run(study, NB201, 1, lambda cell: 1.0)
    (after,) = run(study, NB201, 1, lambda cell: 0.0)
    assert distance(NB201, after, seed) == 1


def test_a_feasible_trial_is_better_than_one_that_breaks_a_constraint() -> None:
    study = new_study(LocalSearchSampler(LINE, seed=1))
    study.enqueue_trial({"x": 8})
    values = {8: 9.0}
    for _ in range(3):
        trial = study.ask()
        x = codec.suggest(trial, LINE)["x"]
        trial.set_constraint("size", x - 7)
        study.tell(trial, values.get(x, 1.0))
        if x <= 7:
            break
    assert x in (6, 7)
    assert codec.suggest(study.ask(), LINE)["x"] != 9


def test_with_several_objectives_it_looks_around_all_that_nothing_dominates() -> None:
    study = new_study(LocalSearchSampler(NB201, seed=2), 2)
    go_on(study, NB201, 6)
    for number in range(60):
        complete = [t for t in study.trials if t.values]
        front = [
            t
            for t in complete
            if not any(
                o.values[0] >= t.values[0] and o.values[1] <= t.values[1] and o.values != t.values
                for o in complete
            )
        ]
        trial = study.ask()
        cell = codec.suggest(trial, NB201)
        near = [distance(NB201, cell, codec.from_params(NB201, t.params)) for t in front]
        assert min(near) == 1, number
        study.tell(trial, values_of(NB201, cell, 2))


@pytest.mark.parametrize("improvement", ["first", "best"])
@pytest.mark.parametrize("form", ["chebyshev", {"form": "weights", "weights": [1, 1, 1]}, "pareto"])
def test_every_form_goes_on_through_restarts(improvement: str, form: Any) -> None:
    study = new_study(
        LocalSearchSampler(SMALL, improvement=improvement, scalarise=form, identity="code", seed=1),
        3,
    )
    go_on(study, SMALL, 17)
    found = members(study, SMALL)
    assert len(set(found)) == 17


def test_workers_that_all_wait_for_the_last_neighbours_draw_at_random() -> None:
    study = new_study(LocalSearchSampler(LINE, seed=1))
    study.enqueue_trial({"x": 0})
    run(study, LINE, 1, lambda m: 1.0)
    trials = [study.ask() for _ in range(6)]
    found = [codec.suggest(trial, LINE)["x"] for trial in trials]
    assert len(set(found)) == 6


def test_many_trials_are_gone_through_once() -> None:
    study = new_study(LocalSearchSampler(NB201, identity="code", seed=1), 3)
    go_on(study, NB201, 150)
    start = time.process_time()
    go_on(study, NB201, 5)
    later = (time.process_time() - start) / 5
    study.sampler = LocalSearchSampler(NB201, identity="code", seed=1)
    start = time.process_time()
    go_on(study, NB201, 1)
    assert later < (time.process_time() - start) / 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"improvement": "frist"}, r"unknown improvement 'frist'; did you mean 'first'"),
        ({"patience": 0}, r"patience must be an integer from 1 on, or None, got 0"),
        ({"patience": 2.5}, r"patience must be an integer from 1 on, or None, got 2\.5"),
        ({"patience": -1, "improvement": 1}, r"(?s)improvement 1.*patience"),
    ],
)
def test_bad_arguments_are_named_at_once(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSpecError, match=sentence):
        LocalSearchSampler(NB201, **arguments)
