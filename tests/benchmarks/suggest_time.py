"""Time to suggest: every sampler after 1,000 trials of 28 parameters and three objectives.

Each sampler is given the same history (random members, values smooth in their genes, generations of
50 as NSGA-II would have stored them) and then asks, and tells, a few more trials. Printed, in one
run: the median of a suggestion in milliseconds of this process's own time, the first one (a new
process reads the history), and the ratios of the median to Optuna's. Nothing here is asserted.

    python tests/benchmarks/suggest_time.py [--trials 1000] [--asks 10] [--only nsga2]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler

from optunas import codec
from optunas.errors import OptunasError
from optunas.samplers import OWN, Given, make_sampler
from optunas.space import Choice, DenseCellSpace, HyperSpace, Space

Make = Callable[[Space[Any]], BaseSampler]

SPACES: dict[str, Callable[[], Space[Any]]] = {
    "cell": lambda: DenseCellSpace(num_nodes=8),
    "choices": lambda: HyperSpace({f"c{i}": Choice(tuple("abcde")) for i in range(28)}),
}
"""Of 28 categorical parameters: the edges of one cell, or unrelated ones."""

GENERATION = "NSGAIISampler:generation"
POPULATION = 50
YARDSTICKS = {"TPE": "Optuna TPE multivariate", "NSGA-II": "Optuna NSGA-II"}
OPTIONS: Mapping[str, dict[str, Any]] = {
    "reinforce": {"scalarise": "chebyshev"},
    "surrogate": {"scalarise": "chebyshev"},
    "architecture_nsga2": {"population_size": POPULATION},
}
"""What a sampler must be told in a study of several objectives, and what makes it comparable."""


def values_of(space: Space[Any], member: Any) -> list[float]:
    """Three numbers, smooth in the genes, no two of them proportional."""
    features = space.features(member)
    weights = np.random.default_rng(3).random((3, len(features)))
    return (weights @ features).tolist()


def own(name: str) -> Make:
    """A sampler that knows the space, as a study makes it."""

    def make(space: Space[Any]) -> BaseSampler:
        def known(member: Any) -> dict[int, float]:
            return {at: value for at, value in enumerate(values_of(space, member)) if at}

        return make_sampler(
            name,
            OPTIONS.get(name, {}),
            1,
            trials=None,
            objectives=3,
            distributions=codec.distributions(space),
            given=Given(space, known),
        )

    return make


SAMPLERS: dict[str, Make] = {
    YARDSTICKS["TPE"]: lambda space: TPESampler(multivariate=True, seed=1),
    YARDSTICKS["NSGA-II"]: lambda space: NSGAIISampler(population_size=POPULATION, seed=1),
    "Optuna random": lambda space: RandomSampler(seed=1),
    **{name: own(name) for name in OWN},
}


def history(space: Space[Any], trials: int) -> list[optuna.trial.FrozenTrial]:
    """Complete trials with generations."""
    rng, known = np.random.default_rng(0), codec.distributions(space)
    members = [space.sample(rng) for _ in range(trials)]
    return [
        optuna.create_trial(
            values=values_of(space, member),
            params=codec.to_params(space, member),
            distributions=known,
            system_attrs={GENERATION: number // POPULATION},
        )
        for number, member in enumerate(members)
    ]


def times(space: Space[Any], make: Make, trials: list[Any], asks: int) -> list[float]:
    """Milliseconds of each suggestion, the first one included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(
            directions=["maximize", "minimize", "minimize"], sampler=make(space)
        )
    study.add_trials(trials)
    found = []
    for _ in range(asks + 1):
        start = time.process_time()
        trial = study.ask()
        member = codec.suggest(trial, space)
        found.append(1000 * (time.process_time() - start))
        study.tell(trial, values_of(space, member))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--asks", type=int, default=10)
    parser.add_argument("--only", default="", help="samplers whose name has this, and Optuna's")
    parser.add_argument("--space", choices=SPACES, default="cell")
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = SPACES[asked.space]()
    trials = history(space, asked.trials)
    print(f"{asked.trials} trials, {len(space.parameters())} parameters, 3 objectives; ms")
    print(
        f"{'sampler':26}{'first':>9}{'median':>9}" + "".join(f"{'/' + y:>10}" for y in YARDSTICKS)
    )
    medians: dict[str, float] = {}
    for name, make in SAMPLERS.items():
        if asked.only not in name and name not in YARDSTICKS.values():
            continue
        try:
            first, *later = times(space, make, trials, asked.asks)
        except (ImportError, AttributeError, OptunasError) as error:
            print(f"{name:26} left out: {type(error).__name__}: {error}")
            continue
        medians[name] = float(np.median(later))
        ratios = "".join(
            f"{medians[name] / medians[y]:10.2f}" for y in YARDSTICKS.values() if y in medians
        )
        print(f"{name:26}{first:9.1f}{medians[name]:9.2f}{ratios}", flush=True)


if __name__ == "__main__":
    main()
