"""What the tests of samplers that know the space share: spaces of every kind, studies over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from optunas import codec
from optunas.samplers.architecture_nsga2 import ArchitectureNSGAII
from optunas.samplers.evolution import RegularizedEvolutionSampler
from optunas.samplers.local_search import LocalSearchSampler
from optunas.samplers.trials.seen import Seen
from optunas.samplers.unique_random import UniqueRandomSampler
from optunas.space import (
    DARTS,
    NB201,
    Choice,
    DenseCellSpace,
    ElasticSpace,
    Float,
    HyperSpace,
    Int,
    JointSpace,
    MacroSpace,
    Space,
    StackSpace,
    When,
    group,
)

HYPER = HyperSpace(
    optimizer=Choice(("sgd", "adam")),
    momentum=When(Float(0.5, 0.99), optimizer="sgd"),
    lr=Float(1e-4, 0.1, log=True),
    width=Int(4, 64, log=True),
    epochs=Int(2, 10, step=2),
)
CELL = DenseCellSpace(("none", "skip_connect", "nor_conv_3x3"), num_nodes=4)
"""729 codes: listed in no time."""
CHOICES = HyperSpace({f"c{i}": Choice(tuple("abcd")) for i in range(12)})
"""Too many to be listed."""
SPACES: dict[str, Space[Any]] = {
    "cell": CELL,
    "DARTS": DARTS,
    "macro": MacroSpace(),
    "elastic": ElasticSpace(((8, 16), 24), (1, 2), kernels=(3, 5), expansions=(3, 6)),
    "stack": StackSpace(num_cells=3, num_reductions=(0, 1)),
    "joint": JointSpace(cell=NB201, train=HyperSpace(lr=Float(1e-3, 0.1, log=True))),
    "hyper": HYPER,
    "group": HyperSpace(group("model", {"svm": {"C": Float(0.1, 9.0)}, "knn": {"k": Int(1, 9)}})),
}
SMALL = DenseCellSpace(("none", "skip_connect", "nor_conv_3x3"), num_nodes=3)
"""27 codes."""

Make = Callable[..., BaseSampler]
SAMPLERS: dict[str, Make] = {
    "unique_random": UniqueRandomSampler,
    "regularized_evolution": lambda *a, **k: RegularizedEvolutionSampler(
        *a, population_size=4, tournament=2, crossover_rate=0.3, **k
    ),
    "local_search": LocalSearchSampler,
    "architecture_nsga2": lambda *a, **k: ArchitectureNSGAII(*a, population_size=4, **k),
}

DIRECTIONS = ("maximize", "minimize", "minimize")


def values_of(space: Space[Any], member: Any, objectives: int) -> list[float]:
    """Smooth in most genes, so that there is something to find; the same on every machine."""
    features = space.features(member)
    weights = np.random.default_rng(3).random((3, len(features)))
    return (weights[:objectives] @ features).tolist()


def new_study(sampler: BaseSampler, objectives: int = 1, **more: Any) -> optuna.Study:
    return optuna.create_study(directions=DIRECTIONS[:objectives], sampler=sampler, **more)


def go_on(study: optuna.Study, space: Space[Any], trials: int) -> None:
    """Every seventh trial fails or is pruned; the rest have values."""
    for _ in range(trials):
        trial = study.ask()
        member = codec.suggest(trial, space)
        if trial.number % 7 == 6:
            state = TrialState.FAIL if trial.number % 2 else TrialState.PRUNED
            study.tell(trial, state=state)
        else:
            study.tell(trial, values_of(space, member, len(study.directions)))


def members(study: optuna.Study, space: Space[Any]) -> list[Any]:
    return [codec.from_params(space, t.params) for t in study.get_trials(deepcopy=False)]


def seen_of(
    space: Space[Any], member: Any, values: Sequence[float] | None, number: int = 0, **more: Any
) -> Seen:
    """A finished trial as samplers see it."""
    state = TrialState.PRUNED if values is None else TrialState.COMPLETE
    params, known = codec.to_params(space, member), codec.distributions(space)
    trial: FrozenTrial = optuna.create_trial(
        state=state,
        values=None if values is None else list(values),
        params=params,
        distributions={name: known[name] for name in params},
        **more,
    )
    trial.number = number
    row = None if values is None else tuple(values)
    return Seen(number, member, space.digest(member), state, row, trial)
