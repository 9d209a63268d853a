"""NSGA-II with children of whole groups: generations are Optuna's, children are not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers import NSGAIISampler
from optuna.storages import InMemoryStorage
from sampler_cases import go_on, members, new_study, values_of

from optunas import codec
from optunas.errors import InvalidSpecError
from optunas.samplers import generation_key
from optunas.samplers.architecture_nsga2 import GENERATION, ArchitectureNSGAII
from optunas.samplers.moves.genes import levels
from optunas.samplers.trials.adapter import elite_selection
from optunas.space import DARTS, NB201, Cell


def generations(study: optuna.Study) -> list[Any]:
    return [t.system_attrs.get(GENERATION) for t in study.get_trials(deepcopy=False)]


def cells_of(study: optuna.Study) -> list[Cell]:
    return [codec.from_params(NB201, t.params) for t in study.trials]


def enqueued(study: optuna.Study, cells: list[Cell]) -> None:
    """Run trials that suggest nothing but what is fixed, without the codec's help."""
    for cell in cells:
        study.enqueue_trial(codec.to_params(NB201, cell))
        trial = study.ask()
        for name, distribution in codec.distributions(NB201).items():
            trial.suggest_categorical(name, distribution.choices)  # type: ignore[attr-defined]
        study.tell(trial, values_of(NB201, cell, len(study.directions)))


def test_the_names_are_optunas() -> None:
    assert generation_key("architecture_nsga2") == generation_key("nsga2") == GENERATION
    study = new_study(NSGAIISampler(population_size=2, seed=1), 2)
    go_on(study, NB201, 5)
    assert generations(study) == [0, 0, 1, 1, 2]
    assert elite_selection(2)(study, study.trials[:4]) != []


def test_generations_are_optunas() -> None:
    ours = new_study(ArchitectureNSGAII(NB201, population_size=5, seed=1), 3)
    theirs = new_study(NSGAIISampler(population_size=5, seed=1), 3)
    for study in (ours, theirs):
        go_on(study, NB201, 40)
    assert generations(ours) == generations(theirs)


def test_a_study_goes_on_with_the_other_sampler() -> None:
    study = new_study(NSGAIISampler(population_size=4, seed=1), 3)
    go_on(study, NB201, 9)
    study.sampler = ArchitectureNSGAII(NB201, population_size=4, seed=1)
    go_on(study, NB201, 8)
    study.sampler = NSGAIISampler(population_size=4, seed=2)
    go_on(study, NB201, 8)
    found = generations(study)
    assert found == sorted(found)
    assert max(found) >= 4


def parents_at(study: optuna.Study, generation: int) -> list[Cell]:
    stored = study._storage.get_study_system_attrs(study._study_id)
    ids = set(stored[f"NSGAIISampler:parent:{generation}"])
    return [codec.from_params(NB201, t.params) for t in study.trials if t._trial_id in ids]


def test_children_have_whole_nodes_of_parents_but_for_one_gene() -> None:
    study = new_study(ArchitectureNSGAII(NB201, population_size=6, seed=1), 2)
    go_on(study, NB201, 40)
    (nodes,) = levels(NB201)
    for cell, generation in zip(cells_of(study), generations(study), strict=True):
        if generation == 0:
            continue
        values = NB201.encode(cell)
        genes = [NB201.encode(parent) for parent in parents_at(study, generation)]
        foreign = [
            min(sum(values[n] != other[n] for n in node) for other in genes) for node in nodes
        ]
        assert sum(foreign) <= 1


def test_without_mutation_children_are_of_whole_groups_alone() -> None:
    study = new_study(
        ArchitectureNSGAII(NB201, population_size=8, mutation_rate=0.0, crossover_rate=1.0, seed=1),
        2,
    )
    go_on(study, NB201, 30)
    (nodes,) = levels(NB201)
    foreign = 0
    for cell, generation in zip(cells_of(study), generations(study), strict=True):
        if generation:
            genes = [NB201.encode(parent) for parent in parents_at(study, generation)]
            values = NB201.encode(cell)
            foreign += not all(
                any(all(values[n] == other[n] for n in node) for other in genes) for node in nodes
            )
    assert foreign <= 3  # where all mixtures were tried, a random member


def test_without_crossover_children_are_neighbours_of_one_parent() -> None:
    study = new_study(ArchitectureNSGAII(NB201, population_size=5, crossover_rate=0.0, seed=1), 2)
    go_on(study, NB201, 25)
    for cell, generation in zip(cells_of(study), generations(study), strict=True):
        if generation:
            values = NB201.encode(cell)
            genes = [NB201.encode(parent) for parent in parents_at(study, generation)]
            assert min(sum(values[n] != g[n] for n in values) for g in genes) == 1


def test_enqueued_trials_join_the_first_generation() -> None:
    study = new_study(ArchitectureNSGAII(NB201, population_size=4, seed=1), 2)
    enqueued(study, [NB201.sample(np.random.default_rng(at)) for at in range(4)])
    go_on(study, NB201, 1)
    assert generations(study) == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("how", ["enqueued", "added"])
def test_seeds_are_parents(how: str) -> None:
    """Measured with Optuna's own: a generation of seeds that nothing descends from."""
    rng = np.random.default_rng(0)
    seeds = sorted((NB201.sample(rng) for _ in range(60)), key=lambda c: -values_of(NB201, c, 1)[0])
    seeds = [cell for cell in seeds if NB201.is_connected(cell)][:4]
    study = new_study(ArchitectureNSGAII(NB201, population_size=4, seed=1))
    if how == "enqueued":
        enqueued(study, seeds)
    else:
        for cell in seeds:
            study.add_trial(
                optuna.create_trial(
                    values=values_of(NB201, cell, 1),
                    params=codec.to_params(NB201, cell),
                    distributions=codec.distributions(NB201),
                )
            )
    go_on(study, NB201, 4)
    assert generations(study)[4:] == [1] * 4
    assert set(parents_at(study, 1)) == set(seeds)


def test_added_trials_compete_later_too() -> None:
    study = new_study(ArchitectureNSGAII(NB201, population_size=4, seed=1))
    go_on(study, NB201, 6)
    best = NB201.sample(np.random.default_rng(5))
    study.add_trial(
        optuna.create_trial(
            value=1e6,
            params=codec.to_params(NB201, best),
            distributions=codec.distributions(NB201),
        )
    )
    go_on(study, NB201, 8)
    assert best in parents_at(study, max(generations(study)[-1:]))


def test_constraints_decide_who_is_a_parent() -> None:
    study = new_study(ArchitectureNSGAII(NB201, population_size=4, seed=1), 2)
    for number in range(13):
        trial = study.ask()
        cell = codec.suggest(trial, NB201)
        trial.set_constraint("size", 1.0 if number % 2 else -1.0)
        study.tell(trial, values_of(NB201, cell, 2))
    odd = {codec.from_params(NB201, t.params) for t in study.trials if t.number % 2}
    assert not odd & set(parents_at(study, 3))


def test_several_workers_share_generations() -> None:
    storage = InMemoryStorage()
    sampler = lambda: ArchitectureNSGAII(NB201, population_size=6, seed=1)  # noqa: E731
    workers = [new_study(sampler(), 2, storage=storage, study_name="s")]
    workers += [
        optuna.load_study(study_name="s", storage=storage, sampler=sampler()) for _ in range(3)
    ]
    for _ in range(12):
        trials = [worker.ask() for worker in workers]
        cells = [codec.suggest(trial, NB201) for trial in trials]
        for worker, trial, cell in zip(workers, trials, cells, strict=True):
            worker.tell(trial, values_of(NB201, cell, 2))
    counts = Counter(generations(workers[0]))
    assert max(counts.values()) <= 6 + 3
    assert len(set(members(workers[0], NB201))) == 48


def test_two_input_cells_are_crossed_by_cells_or_nodes() -> None:
    study = new_study(ArchitectureNSGAII(DARTS, population_size=5, mutation_rate=0.0, seed=1), 2)
    go_on(study, DARTS, 12)
    assert len({DARTS.digest(m) for m in members(study, DARTS)}) == 12


def test_the_storage_is_read_a_few_times_a_trial() -> None:
    class Counting(InMemoryStorage):
        reads = 0

        def get_all_trials(self, *args: Any, **kwargs: Any) -> Any:
            self.reads += 1
            return super().get_all_trials(*args, **kwargs)

    counted = []
    for sampler in (
        ArchitectureNSGAII(NB201, population_size=5, seed=1),
        NSGAIISampler(population_size=5, seed=1),
    ):
        storage = Counting()
        study = new_study(sampler, 2, storage=storage)
        go_on(study, NB201, 30)
        storage.reads = 0
        go_on(study, NB201, 20)
        counted.append(storage.reads)
    assert counted[0] <= 2 * counted[1] + 20


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"population_size": 1}, r"population_size must be an integer from 2 on, got 1"),
        ({"mutation_rate": -0.1}, r"mutation_rate must be a number in \[0, 1\], got -0\.1"),
        ({"crossover_rate": None}, r"crossover_rate must be a number in \[0, 1\], got None"),
        ({"population_size": "a", "mutation_rate": 2}, r"(?s)population_size.*mutation_rate"),
    ],
)
def test_bad_arguments_are_named_at_once(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSpecError, match=sentence):
        ArchitectureNSGAII(NB201, **arguments)
