"""Hypervolume reached and epochs trained with no pruning, plain median and cheap-aware median.

Replays a table of real learning curves (``make_curves.py``) through real Optuna studies of three
objectives (accuracy, latency, parameters), in many random orders, with the real ``report`` and
``should_prune``. Both training seeds of the table are replayed; the pruner's rule was chosen on the
first one only. Prints medians over the orders; nothing here is asserted.

    python tests/benchmarks/pruning.py [--orders 20]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from scipy.stats import spearmanr

from optunas.pareto import hypervolume, nondominated, reference_point
from optunas.pruning import CheapAwareMedianPruner, report, should_prune

TABLE = Path(__file__).with_name("curves.npz")
DIRECTIONS = ("maximize", "minimize", "minimize")
PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "none": NopPruner,
    "median": MedianPruner,
    "cheap-aware median": lambda: CheapAwareMedianPruner(measured=[1]),  # the latency
}


class Table(NamedTuple):
    """Curves of one training seed, (n, epochs), and the cheap objectives, (n, 2)."""

    curves: NDArray[np.float64]
    cheap: NDArray[np.float64]

    @property
    def values(self) -> NDArray[np.float64]:
        """What every network reaches when nothing is pruned, (n, 3)."""
        return np.column_stack([self.curves[:, -1], self.cheap])


class Outcome(NamedTuple):
    """What one order gave, as shares of what the same order gives without pruning.

    Attributes:
        volume: hypervolume of the completed networks.
        log_volume: the same with logarithms of latency and parameters.
        epochs: trained.
        small_pruned: pruned members of the true front's smaller half (by parameters).
        front_pruned: pruned members of the whole true front.
    """

    volume: float
    log_volume: float
    epochs: float
    small_pruned: float
    front_pruned: float


def load(seed: int) -> Table:
    """The table of training seed number ``seed``."""
    with np.load(TABLE) as data:
        curves = data["correct"][seed] / float(data["images"])
        return Table(curves, np.column_stack([data["latency_ms"], data["params"]]).astype(float))


def smaller_half(table: Table) -> NDArray[np.intp]:
    """Rows of the true front with the fewest parameters, half of it."""
    rows = np.flatnonzero(nondominated(table.values, DIRECTIONS))
    return rows[np.argsort(table.cheap[rows, 1], kind="stable")][: (len(rows) + 1) // 2]


def replay(table: Table, order: NDArray[np.intp], pruner: BasePruner) -> NDArray[np.intp]:
    """Epochs trained of each row, (n,), when the rows come in ``order``."""
    study = optuna.create_study(
        directions=DIRECTIONS, pruner=pruner, sampler=optuna.samplers.RandomSampler()
    )
    trained = np.zeros(len(order), dtype=np.intp)

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        row = order[trial.number]
        latency, size = table.cheap[row]
        for epoch, accuracy in enumerate(table.curves[row]):
            trained[row] += 1
            report(trial, accuracy, epoch, cheap={1: latency, 2: size})
            if should_prune(trial):
                raise optuna.TrialPruned
        return accuracy, latency, size

    study.optimize(objective, n_trials=len(order))
    pruned = [t.state == optuna.trial.TrialState.PRUNED for t in study.trials]
    trained[order[np.array(pruned)]] *= -1  # a sign marks the pruned
    return trained


def judge(table: Table, trained: NDArray[np.intp]) -> Outcome:
    """Compare one replay with all networks trained to the end."""
    complete, everything = table.values[trained > 0], table.values
    front = np.flatnonzero(nondominated(everything, DIRECTIONS))
    return Outcome(
        _share(complete, everything),
        _share(_log_costs(complete), _log_costs(everything)),
        float(np.abs(trained).sum()) / table.curves.size,
        float((trained[smaller_half(table)] < 0).mean()),
        float((trained[front] < 0).mean()),
    )


def _share(values: NDArray[np.float64], everything: NDArray[np.float64]) -> float:
    reference = reference_point(everything, DIRECTIONS)
    whole = hypervolume(everything, DIRECTIONS, reference)
    return hypervolume(values, DIRECTIONS, reference) / whole


def _log_costs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([values[:, 0], np.log(values[:, 1:])])


def medians(table: Table, make: Callable[[], BasePruner], orders: int) -> Outcome:
    """Medians over ``orders`` random orders, the same ones for every pruner."""
    outcomes = []
    for number in range(orders):
        order = np.random.default_rng(number).permutation(len(table.curves))
        outcomes.append(judge(table, replay(table, order, make())))
    return Outcome(*np.median(np.array(outcomes), axis=0))


def main() -> None:
    """Print one line for each training seed and pruner."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20)
    orders = parser.parse_args().orders
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    first, second = load(0), load(1)
    agreement = spearmanr(first.curves[:, -1], second.curves[:, -1])[0]
    print(f"{len(first.curves)} networks, {first.curves.shape[1]} epochs; ", end="")
    print(f"final accuracies of the two training seeds: Spearman {agreement:.3f}")
    print("medians over", orders, "orders; volumes and epochs as shares of those without pruning")
    print(f"{'':24}{'volume':>9}{'log costs':>11}{'epochs':>8}{'small pruned':>14}{'front':>7}")
    for seed, table in enumerate((first, second)):
        for name, make in PRUNERS.items():
            row = medians(table, make, orders)
            cells = f"{row.volume:9.3f}{row.log_volume:11.3f}{row.epochs:8.3f}"
            print(f"seed {seed} {name:17}{cells}{row.small_pruned:14.3f}{row.front_pruned:7.3f}")


if __name__ == "__main__":
    main()
