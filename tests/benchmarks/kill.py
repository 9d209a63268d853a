"""``kill -9`` on workers and on the parent, at random moments, while networks really train.

Run with ``python tests/benchmarks/kill.py``; some minutes. A study of cells on the digits runs with
two workers. Again and again a worker or the parent is killed; what was finished before a kill must
be there unchanged after it, and the study must go on. In the end every trial has come to its end,
and the epochs that the trials hold, those that they reported and those that the budget counts are
the same number, as many as were trained but for one at each kill. Prints a table and ends with 1
when anything of this does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import optuna
from optuna.trial import FrozenTrial, TrialState

import optunas
from optunas import Budget, DenseCellSpace, Float, HyperSpace, JointSpace, StudySpec
from optunas.pruning import curve
from optunas.study.recover import WORKER
from optunas.tasks import Score

PATIENCE_S = 120.0
LOG = "OPTUNAS_KILL_LOG"


class Logged:
    """The digits; notes every trained epoch in a file before it is reported."""

    def __init__(self) -> None:
        self._task = optunas.tasks.digits()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    def scores(self, *arguments: Any, **options: Any) -> Iterator[Score]:
        """The digits' scores."""
        for score in self._task.scores(*arguments, **options):
            with open(os.environ[LOG], "ab", buffering=0) as file:
                file.write(f"{os.getpid()} {score.step}\n".encode())
            yield score


def logged_digits() -> Logged:
    """The task's factory."""
    return Logged()


def spec(trials: int) -> StudySpec:
    """Small cells; a trial takes about a second."""
    return StudySpec(
        "killed",
        JointSpace(
            cell=DenseCellSpace(("skip_connect", "nor_conv_1x1", "nor_conv_3x3"), 4),
            train=HyperSpace(lr=Float(0.01, 0.3, log=True)),
        ),
        "kill:logged_digits",
        training={"epochs": 8, "channels": 4, "num_cells": 1},
        budget=Budget(trials=trials),
        reference=False,
    )


class Study:
    """The study under attack."""

    def __init__(self, folder: Path, trials: int, workers: int) -> None:
        self.url, self.trials, self.workers = f"sqlite:///{folder}/killed.db", trials, workers
        self.log = folder / "epochs.log"
        self.output = folder / "output.txt"
        os.environ[LOG] = str(self.log)
        self.study = optunas.create(spec(trials), self.url).study
        self.parent: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, in a process of its own."""
        here = str(Path(__file__).parent)
        path = [here, str(Path(optunas.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        command = ["-m", "optunas", "study", "run", "killed", "--storage", self.url]
        with self.output.open("ab") as output:
            self.parent = subprocess.Popen(
                [sys.executable, *command, "--trust", "kill", "--workers", str(self.workers)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
                stdout=output,
                stderr=output,
            )

    def all_trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def training(self) -> list[FrozenTrial]:
        """Trials that run in a process that is alive."""
        running = (t for t in self.all_trials() if t.state == TrialState.RUNNING)
        return [t for t in running if WORKER in t.user_attrs and not gone(worker_of(t))]

    def finished(self) -> dict[int, tuple[object, ...]]:
        """Everything about the finished trials, by number."""
        return {
            t.number: (t.state, t.params, t.values, t.user_attrs, t.datetime_complete)
            for t in self.all_trials()
            if t.state.is_finished()
        }


def worker_of(trial: FrozenTrial) -> int:
    """The process that trains a trial."""
    return int(json.loads(trial.user_attrs[WORKER])[1])


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_for(what: str, true: Any) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"{what} did not come in {PATIENCE_S:.0f} s")
        time.sleep(0.05)


def attack(study: Study, target: str, rng: random.Random) -> list[str]:
    """Kill once; what is wrong afterwards."""
    assert study.parent is not None
    wait_for("a training trial", lambda: study.training() or study.parent.poll() is not None)
    time.sleep(rng.uniform(0, 1.5))
    workers = [worker_of(t) for t in study.training()]
    before = study.finished()
    if target == "worker" and workers:
        os.kill(rng.choice(workers), signal.SIGKILL)
    else:
        study.parent.kill()
        study.parent.wait()
        wait_for("the end of the workers", lambda: all(gone(pid) for pid in workers))
    wrong = []
    after = study.finished()
    changed = [number for number in before if after.get(number) != before[number]]
    if changed:
        wrong.append(f"finished trials {changed} have changed")
    if study.parent.poll() is not None:
        study.start()
    return wrong


def final(study: Study, kills: int) -> list[str]:
    """What is wrong in the end."""
    wrong, handle = [], optunas.load("killed", study.url, trust=["kill"])
    trials, used = handle.trials(), handle.usage()
    open_ends = [t.number for t in trials if not t.state.is_finished()]
    trained = [t for t in trials if not {"reused_from", "ruled_out"} & t.user_attrs.keys()]
    held = sum(t.user_attrs.get("epochs", 0) for t in trials)
    reported = sum(len(curve(t)) for t in trained)
    logged = len(study.log.read_text().splitlines())
    lost = [t for t in trials if "lost" in t.user_attrs]
    retried = {t.user_attrs["retry_of"] for t in trials if "retry_of" in t.user_attrs}
    print(f"trials {len(trials)}, lost {len(lost)}, tried again {len(retried)}")
    print(f"epochs: trained {logged}, reported {reported}, held {held}, budget {used.epochs}")
    if open_ends:
        wrong.append(f"trials {open_ends} have not ended")
    if used.trials != study.trials:
        wrong.append(f"{used.trials} trials count, {study.trials} were planned")
    if not held == reported == used.epochs:
        wrong.append("the epochs of the trials, of their curves and of the budget differ")
    if not logged - 2 * kills <= reported <= logged:
        wrong.append("the epochs reported are not those trained")
    return wrong


def main() -> None:
    """Print a table; end with 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    rng, wrong = random.Random(given.seed), []
    with tempfile.TemporaryDirectory() as folder:
        study = Study(Path(folder), given.trials, given.workers)
        study.start()
        print(f"{'kill':>4}  {'of':<7}{'finished':>9}  {'found wrong'}")
        for number in range(given.kills):
            target = ("worker", "parent")[number % 2]
            found = attack(study, target, rng)
            wrong += found
            words = "; ".join(found) or "nothing"
            print(f"{number:>4}  {target:<7}{len(study.finished()):>9}  {words}", flush=True)
        assert study.parent is not None
        if study.parent.wait(timeout=20 * PATIENCE_S):
            wrong.append(f"the last run ended with {study.parent.returncode}")
            print(study.output.read_text()[-1000:])
        wrong += final(study, given.kills)
    print("\n".join(wrong) or "nothing is lost")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
