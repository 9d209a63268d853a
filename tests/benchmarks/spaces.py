"""What the verbs of the spaces and the codec cost, on one core.

Run with ``python tests/benchmarks/spaces.py``. Rates are per second of processor time, the best of
several rounds; each stands beside its target, as a ratio.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import optuna

from optunas.codec import from_params, suggest_cell, suggest_genotype, to_params
from optunas.space import (
    DARTS,
    NB201,
    OFA_MOBILENET_V3,
    Choice,
    DenseCellSpace,
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

ROUNDS = 7
CONDITIONAL = HyperSpace(
    optimizer=Choice(("sgd", "adam")),
    lr=Float(1e-4, 0.1, log=True),
    momentum=When(Float(0.5, 0.99), optimizer="sgd"),
    nesterov=When(Choice((True, False)), optimizer="sgd"),
    beta=When(Float(0.8, 0.99), optimizer="adam"),
)
MODELS = HyperSpace(
    group(
        "model",
        {
            "svm": {"C": Float(0.01, 100.0, log=True), "kernel": Choice(("rbf", "poly"))},
            "forest": {"trees": Int(10, 300, log=True), "depth": Int(2, 20)},
            "knn": {"k": Int(1, 30)},
        },
    )
)
OTHERS: dict[str, tuple[Space, int]] = {
    "macro, depth 1 to 6": (MacroSpace(), 1_000),
    "macro, depth 1 to 16": (MacroSpace((1, 16)), 200),
    "elastic, Once-for-All": (OFA_MOBILENET_V3, 2_000),
    "stack of six NB201 cells": (StackSpace(), 1_000),
    "stack of eight DARTS cells": (StackSpace(DARTS, 8), 500),
    "hyper, conditional": (CONDITIONAL, 5_000),
    "hyper, groups": (MODELS, 5_000),
    "joint, NB201 and conditional": (JointSpace(cell=NB201, train=CONDITIONAL), 5_000),
}
"""Spaces without a target of their own, with how many members to time."""


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The least processor time that ``work`` took."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def sample_validate_digest(space: Space, count: int) -> float:
    """Members a second, each new: the caches hold only what sampling repeats."""
    rng = np.random.default_rng(0)

    def work() -> None:
        for _ in range(count):
            architecture = space.sample(rng)
            space.validate(architecture)
            space.digest(architecture)

    return count / seconds(work)


def enumerate_with_digests() -> float:
    """Seconds for all 15,625 cells, with an empty cache."""

    def work() -> None:
        space = DenseCellSpace()
        found = {space.digest(cell) for cell in space.enumerate()}
        assert len(found) == 5875

    return seconds(work, rounds=3)


def suggest_against_by_hand(trials: int = 200) -> tuple[float, float]:
    """Seconds per trial for suggest_genotype and for the same suggestions written out."""
    rows = [(name, parameter.options) for name, parameter in DARTS.parameters().items()]

    def by_hand(trial: optuna.Trial) -> float:
        for name, options in rows:
            trial.suggest_categorical(name, options)
        return 0.0

    def ours(trial: optuna.Trial) -> float:
        suggest_genotype(trial)
        return 0.0

    def run(objective: Callable[[optuna.Trial], float]) -> Callable[[], object]:
        def work() -> None:
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
            study.optimize(objective, n_trials=trials)

        return work

    # Alternated, so that what else the machine does falls on both.
    pairs = [(seconds(run(ours), 1), seconds(run(by_hand), 1)) for _ in range(ROUNDS)]
    return min(a for a, _ in pairs) / trials, min(b for _, b in pairs) / trials


def codec_round_trip(count: int = 2000) -> float:
    """from_params(to_params(.)) of DARTS genotypes, a second."""
    rng = np.random.default_rng(0)
    members = [DARTS.sample(rng) for _ in range(count)]
    return count / seconds(lambda: [from_params(DARTS, to_params(DARTS, m)) for m in members])


def main() -> None:
    """Print every figure with its target."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for name, space, count, target in (
        ("NB201", NB201, 20_000, 20_000),
        ("DARTS", DARTS, 2_000, 5_000),
    ):
        rate = sample_validate_digest(space, count)
        print(f"{name:6} sample + validate + digest {rate:9,.0f} /s, {rate / target:5.2f} x target")
    fresh = DenseCellSpace(num_nodes=6)
    rate = sample_validate_digest(fresh, 2_000)
    print(f"dense cell of 6 nodes, the same   {rate:9,.0f} /s")
    for name, (space, count) in OTHERS.items():
        print(f"{name:33} {sample_validate_digest(space, count):9,.0f} /s")
    spent = enumerate_with_digests()
    print(f"NB201 enumerated with digests     {spent:9.2f} s, {spent / 3:5.2f} x the limit of 3 s")
    ours, hand = suggest_against_by_hand()
    print(f"suggest_genotype                  {ours * 1e6:9.0f} us, {ours / hand:5.3f} x by hand")
    cell = optuna.trial.FixedTrial(to_params(NB201, next(NB201.enumerate()), "cell"))
    print(f"suggest_cell on a FixedTrial      {seconds(lambda: suggest_cell(cell)) * 1e6:9.0f} us")
    print(f"to_params and from_params, DARTS  {codec_round_trip():9,.0f} /s")


if __name__ == "__main__":
    main()
