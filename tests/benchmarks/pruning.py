"""Hypervolume reached and epochs trained with pruners, on tables of real learning curves.

Replays the tables (``make_curves.py``) through real Optuna studies of three objectives (accuracy,
latency, parameters), in many random orders, with the real ``report``, ``should_prune`` and
promotions; a promotion costs the epochs that it adds. Tables: both training seeds of the small one,
and the large one with other cells and larger images; the cheap-aware median's rule was chosen on
the first of them only. Prints medians over the orders, and the rank correlation of each rung with
the end of the training; nothing here is asserted.

    python tests/benchmarks/pruning.py [--orders 20] [--tables small0 small1 large]

Syne Tune's MO-ASHA is replayed by ``peers/moasha_curves.py`` in an environment of its own, which
writes a file for ``--peers``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from scipy.stats import spearmanr

from optunas.pareto import hypervolume, nondominated, reference_point
from optunas.pruning import (
    CheapAwareMedianPruner,
    ParetoHalvingPruner,
    ParetoHyperbandPruner,
    report,
    should_prune,
)
from optunas.pruning.lineage import RESUMES
from optunas.study.promotions import begin_promotion

HERE = Path(__file__).parent
TABLES = {
    "small0": ("curves.npz", 0),
    "small1": ("curves.npz", 1),
    "large": ("curves_large.npz", 0),
}
DIRECTIONS = ("maximize", "minimize", "minimize")
ROW = "row"
MARKS = (0.1, 0.2, 0.35)
"""Shares of the epochs without pruning at which the volume so far is printed."""

PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "none": NopPruner,
    "median": MedianPruner,
    "cheap-aware median": lambda: CheapAwareMedianPruner(measured=[1]),  # the latency
    "mo halving": ParetoHalvingPruner,
    "mo hyperband": ParetoHyperbandPruner,
}


class Table(NamedTuple):
    """Curves of one training seed, (n, epochs), and the cheap objectives, (n, 2)."""

    curves: NDArray[np.float64]
    cheap: NDArray[np.float64]

    @property
    def values(self) -> NDArray[np.float64]:
        """What every network reaches when nothing is pruned, (n, 3)."""
        return np.column_stack([self.curves[:, -1], self.cheap])


class Replay(NamedTuple):
    """Epochs trained of each row, (n,), negative where it was pruned; and (epochs, row) in order.

    The pairs are those that came to their end, with all epochs trained until then.
    """

    trained: NDArray[np.intp]
    ends: list[tuple[int, int]]


class Outcome(NamedTuple):
    """What one order gave, as shares of what the same order gives without pruning.

    Attributes:
        volume: hypervolume of the completed networks.
        log_volume: the same with logarithms of latency and parameters.
        epochs: trained.
        small_pruned: pruned members of the true front's smaller half (by parameters).
        front_pruned: pruned members of the whole true front.
        at_10, at_20, at_35: log_volume after so many percent of the epochs without pruning.
    """

    volume: float
    log_volume: float
    epochs: float
    small_pruned: float
    front_pruned: float
    at_10: float
    at_20: float
    at_35: float


def load(name: str) -> Table:
    """The table called ``name``."""
    file, seed = TABLES[name]
    with np.load(HERE / file) as data:
        curves = data["correct"][seed] / float(data["images"])
        return Table(curves, np.column_stack([data["latency_ms"], data["params"]]).astype(float))


def smaller_half(table: Table) -> NDArray[np.intp]:
    """Rows of the true front with the fewest parameters, half of it."""
    rows = np.flatnonzero(nondominated(table.values, DIRECTIONS))
    return rows[np.argsort(table.cheap[rows, 1], kind="stable")][: (len(rows) + 1) // 2]


def order_of(table: Table, number: int) -> NDArray[np.intp]:
    """A random order of the table's rows."""
    return np.random.default_rng(number).permutation(len(table.curves))


def replay(table: Table, order: Sequence[int], pruner: BasePruner) -> Replay:
    """Train the rows in ``order``, and before each what is to be promoted by then."""
    study = optuna.create_study(
        directions=DIRECTIONS, pruner=pruner, sampler=optuna.samplers.RandomSampler()
    )
    trained = np.zeros(len(order), dtype=np.intp)
    ends: list[tuple[int, int]] = []
    coming = iter(order)
    while True:
        trial = begin_promotion(study)
        if trial is None:
            row = next(coming, None)
            if row is None:
                return Replay(trained, ends)
            trial = study.ask()
            trial.set_user_attr(ROW, int(row))
        row = _row(study, trial)
        if _train(study, trial, table, row, trained):
            ends.append((int(np.abs(trained).sum()), row))


def _row(study: optuna.Study, trial: optuna.Trial) -> int:
    number = trial.number
    while ROW not in study.get_trials(deepcopy=False)[number].user_attrs:
        number = study.get_trials(deepcopy=False)[number].user_attrs[RESUMES]
    return int(study.get_trials(deepcopy=False)[number].user_attrs[ROW])


def _train(
    study: optuna.Study, trial: optuna.Trial, table: Table, row: int, trained: NDArray[np.intp]
) -> bool:
    """Report a row's epochs that are not paid for yet; whether it came to its end."""
    cheap = {1: table.cheap[row, 0], 2: table.cheap[row, 1]}
    begun = abs(trained[row])
    for epoch, accuracy in enumerate(table.curves[row]):
        report(trial, accuracy, epoch, cheap=cheap)
        if epoch < begun:
            continue
        trained[row] = epoch + 1
        if epoch + 1 < table.curves.shape[1] and should_prune(trial):
            trained[row] *= -1  # the sign marks the pruned
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return False
    study.tell(trial, (accuracy, *table.cheap[row]))
    return True


def judge(table: Table, done: Replay) -> Outcome:
    """Compare one replay with all networks trained to the end."""
    complete, everything = table.values[done.trained > 0], table.values
    front = np.flatnonzero(nondominated(everything, DIRECTIONS))
    whole = table.curves.size
    marks = [[row for epochs, row in done.ends if epochs <= mark * whole] for mark in MARKS]
    return Outcome(
        _share(complete, everything),
        _share(_log_costs(complete), _log_costs(everything)),
        float(np.abs(done.trained).sum()) / whole,
        float((done.trained[smaller_half(table)] < 0).mean()),
        float((done.trained[front] < 0).mean()),
        *(_share(_log_costs(everything[rows]), _log_costs(everything)) for rows in marks),
    )


def _share(values: NDArray[np.float64], everything: NDArray[np.float64]) -> float:
    reference = reference_point(everything, DIRECTIONS)
    whole = hypervolume(everything, DIRECTIONS, reference)
    return hypervolume(values, DIRECTIONS, reference) / whole if len(values) else 0.0


def _log_costs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([values[:, 0], np.log(values[:, 1:])])


def medians(table: Table, replays: Iterable[Replay]) -> Outcome:
    """Medians over replays in several orders."""
    return Outcome(*np.median(np.array([judge(table, one) for one in replays]), axis=0))


def correlations(table: Table) -> str:
    """How well the values of some epochs tell the last ones, as Spearman's rho over all rows."""
    epochs = table.curves.shape[1]
    rungs = [rung for rung in (1, 2, 3, 4, 6, 9, 12) if rung < epochs]
    rhos = [spearmanr(table.curves[:, rung - 1], table.curves[:, -1])[0] for rung in rungs]
    return ", ".join(f"{rho:.2f} at {rung}" for rung, rho in zip(rungs, rhos, strict=True))


def peers_of(path: Path | None, name: str) -> dict[str, list[Replay]]:
    """Replays that another program wrote, by its name: one JSON line each."""
    found: dict[str, list[Replay]] = {}
    for line in path.read_text().splitlines() if path else []:
        body = json.loads(line)
        if body["table"] == name:
            ends = [(int(epochs), int(row)) for epochs, row in body["ends"]]
            found.setdefault(body["peer"], []).append(Replay(np.array(body["trained"]), ends))
    return found


def _print(name: str, who: str, row: Outcome, orders: int) -> None:
    cells = "".join(f"{value:9.3f}" for value in row)
    print(f"{name:7} {who:24}{cells}{orders:8}", flush=True)


def main() -> None:
    """Print one line for each table and pruner."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--only", nargs="+", help="pruners by name, of those that are chosen")
    parser.add_argument("--peers", type=Path, help="what peers/moasha_curves.py wrote")
    parser.add_argument("--rungs", action="store_true", help="several min_epochs and eta as well")
    parser.add_argument("--crowds", action="store_true", help="several crowds of the median too")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruners = dict(PRUNERS)
    if options.rungs:
        for first, eta in ((1, 2), (2, 2), (2, 3), (3, 3), (1, 4), (2, 4)):
            pruners[f"mo halving {first} x {eta}"] = partial(ParetoHalvingPruner, first, eta)
    if options.crowds:
        for crowd in (14, 28, 40, 80, 110):
            pruners[f"cheap-aware crowd {crowd}"] = partial(
                CheapAwareMedianPruner, measured=[1], crowd=crowd
            )
    print("medians; volumes and epochs as shares of those without pruning")
    words = ("volume", "log cost", "epochs", "small", "front", "at 10 %", "at 20 %", "at 35 %")
    print(f"{'':32}" + "".join(f"{word:>9}" for word in words) + f"{'orders':>8}")
    for name in options.tables:
        if not (HERE / TABLES[name][0]).exists():
            print(f"{name}: no {TABLES[name][0]} here, make_curves.py --table large makes it")
            continue
        table = load(name)
        print(f"{name}: {len(table.curves)} networks, {table.curves.shape[1]} epochs; ", end="")
        print(f"rank correlation with the last epoch: {correlations(table)}")
        for who, make in pruners.items():
            if options.only and who not in options.only:
                continue
            orders = [order_of(table, number).tolist() for number in range(options.orders)]
            replays = [replay(table, order, make()) for order in orders]
            _print(name, who, medians(table, replays), len(replays))
        for who, replays in peers_of(options.peers, name).items():
            _print(name, who, medians(table, replays), len(replays))


if __name__ == "__main__":
    main()
