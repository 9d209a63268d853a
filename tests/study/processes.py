"""Real processes for tests: the command line started, watched and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

import optunas
from optunas.pruning import curve
from optunas.study.recover import WORKER

PATIENCE_S = 60.0


def write_study(folder: Path, trials: int = 3, epoch_s: float = 0.2, epochs: int = 3) -> Path:
    """A study file of the toy task, which logs its epochs beside the file."""
    file = folder / "my_study.py"
    options = {"epoch_s": epoch_s, "epochs": epochs, "log": str(folder / "epochs.log")}
    file.write_text(
        "import toy_task\nfrom optunas import Budget, Choice, HyperSpace, Int\n"
        "space = HyperSpace(width=Int(1, 10**6), mood=Choice(('fine',)))\n"
        f"study = toy_task.spec(space=space, task_options={options!r}, "
        f"budget=Budget(trials={trials}))\n"
    )
    return file


class Run:
    """``optunas study run`` in a session of its own, as a terminal has one."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._out, self._err = folder / "out.txt", folder / "err.txt"
        with self._out.open("w") as out, self._err.open("w") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "optunas", "study", "run", *arguments],
                cwd=folder,
                stdout=out,
                stderr=err,
                start_new_session=True,
                # Where the tests run in the background, Ctrl-C is ignored, and that is inherited.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        self.pid = self._process.pid

    def interrupt(self) -> None:
        """Ctrl-C: a terminal sends it to every process of the session's group."""
        os.killpg(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """``kill -9`` of this process alone."""
        self._process.kill()
        self._process.wait()

    def finish(self) -> tuple[int, str, str]:
        """Wait for the end; exit code, output, error output."""
        code = self._process.wait(timeout=PATIENCE_S)
        return code, self._out.read_text(), self._err.read_text()

    def clean_up(self) -> None:
        """End what is left of the process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


def until(true: Callable[[], object], what: str) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come in {PATIENCE_S} s")
        time.sleep(0.05)


def trials(folder: Path) -> list[FrozenTrial]:
    """All trials of the study ``toy`` so far; [] before it exists."""
    study = _study(folder)
    return study.get_trials(deepcopy=False) if study else []


_open: dict[Path, optuna.Study] = {}


def _study(folder: Path) -> optuna.Study | None:
    """The study, opened once, since opening takes longer than an epoch."""
    file = folder / "optunas.db"
    if folder not in _open and file.exists() and (folder / "epochs.log").exists():
        _open[folder] = optuna.load_study(study_name="toy", storage=f"sqlite:///{file}")
    return _open.get(folder)


def training(folder: Path) -> list[FrozenTrial]:
    """Trials that run and have trained an epoch."""
    return [t for t in trials(folder) if t.state == TrialState.RUNNING and curve(t)]


def worker_of(trial: FrozenTrial) -> int:
    """The process id of a trial's worker."""
    return int(json.loads(trial.user_attrs[WORKER])[1])


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def kill(pid: int) -> None:
    """``kill -9`` a process and wait until it has ended."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: gone(pid), f"the end of process {pid}")


def check_books(folder: Path, kills: int) -> None:
    """Every epoch that was reported is in its trial and in the budget's use, once."""
    handle = optunas.load("toy", f"sqlite:///{folder}/optunas.db", trust=["toy_task"])
    found = handle.trials()
    assert all(t.state.is_finished() for t in found), [t.state for t in found]
    trained = [t for t in found if "reused_from" not in t.user_attrs]
    assert all(t.user_attrs["epochs"] == len(curve(t)) for t in trained)
    reported = sum(len(curve(t)) for t in trained)
    assert handle.usage().epochs == reported
    logged = len((folder / "epochs.log").read_text().splitlines())
    # A kill can come after an epoch was trained and before it was reported.
    assert logged - kills <= reported <= logged
