"""The private names of Optuna that a run which goes on depends on."""

from __future__ import annotations

import optuna

from optunas.compare.adapter import set_study_notes, study_notes


def test_the_parents_of_a_generation_are_among_the_studys_notes() -> None:
    sampler = optuna.samplers.NSGAIISampler(population_size=4, seed=0)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    before = study_notes(study)
    study.optimize(lambda t: (t.suggest_float("x", 0, 1), t.suggest_float("y", 0, 1)), n_trials=9)
    parents = {k: v for k, v in study_notes(study).items() if "NSGAIISampler" in k}
    assert parents
    assert all(set(ids) <= set(range(9)) for ids in parents.values())
    assert not any("NSGAIISampler" in key for key in before)


def test_notes_that_are_set_are_read_again() -> None:
    study = optuna.create_study()
    set_study_notes(study, {"some:key": [1, 2]})
    assert study_notes(study)["some:key"] == [1, 2]
