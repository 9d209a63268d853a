"""Trials whose worker died: found, marked with the reason, and tried again."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from optunas.pruning.lineage import CHARGED, RESUMES
from optunas.study.budget import epochs_of, last_sign_of_life, seconds_of

__all__ = ["MAX_RETRIES", "WORKER", "abandon", "identity", "reclaim", "running_trial"]

WORKER = "optunas:worker"
"""User attribute ``[host, process id, start of the process]`` as JSON."""

MAX_RETRIES = 2
"""A candidate whose workers die this often again is left FAIL: it may be what kills them."""

STALE_AFTER_S = 3600.0
"""A trial of another machine is given up when it showed no epoch for so long."""

UNOWNED_AFTER_S = 60.0
"""The same for a trial without a worker's name (killed between two writes)."""


def identity() -> str:
    """This process: host, id and start time, so that a reused process id is not mistaken."""
    return json.dumps([socket.gethostname(), os.getpid(), _started(os.getpid())])


def _started(pid: int) -> str:
    """The process's start in clock ticks since boot, "" where /proc is not there."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    # A zombie has ended: only its parent has not looked yet.
    return "" if fields[0] == "Z" else fields[19]


def _alive(pid: int, started: str) -> bool:
    if started:
        return _started(pid) == started
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _dead(trial: FrozenTrial, local: bool) -> str | None:
    """Why a RUNNING trial's worker is taken for dead, or None."""
    silent = time.time() - last_sign_of_life(trial)
    text = trial.user_attrs.get(WORKER)
    if text is None:
        # Workers name themselves under the lock that the caller holds; a trial of somebody's own
        # Optuna loop has no worker's name at all, but what its objective wrote.
        patience = STALE_AFTER_S if trial.user_attrs else 0.0 if local else UNOWNED_AFTER_S
        return "its worker was killed at the start" if silent > patience else None
    host, pid, started = json.loads(text)
    if host == socket.gethostname():
        return None if _alive(pid, started) else f"its worker (process {pid}) was killed"
    if silent > STALE_AFTER_S:
        return f"its worker on {host} has been silent for {silent / 3600:.1f} h"
    return None


def running_trial(study: optuna.Study, trial: FrozenTrial) -> optuna.Trial:
    """A handle that can still write the attributes of a RUNNING trial of another process."""
    return optuna.Trial(study, trial._trial_id)


def reclaim(
    study: optuna.Study, trials: Sequence[FrozenTrial] | None = None, *, local: bool = False
) -> list[int]:
    """Mark the RUNNING trials whose workers died FAIL, and enqueue their parameters again.

    Call it under the study's lock, so that two processes do not reclaim one trial.

    Args:
        study: the study.
        trials: all of its trials, when they were just read.
        local: no other machine runs this study, so the lock keeps out everyone.

    Returns:
        The numbers of the trials that were marked.
    """
    marked = []
    trials = study.get_trials(deepcopy=False) if trials is None else trials
    for trial in reversed(trials):
        reason = _dead(trial, local) if trial.state == TrialState.RUNNING else None
        if reason is not None:
            abandon(study, trial, f"Lost: {reason}.", charge=True)
            marked.append(trial.number)
    return marked


def abandon(study: optuna.Study, trial: FrozenTrial, failure: str, *, charge: bool) -> None:
    """End a RUNNING trial as FAIL, keep what it has used, and enqueue its parameters again.

    A promotion is not enqueued: its earlier trial can be promoted again by itself.

    Args:
        study: the study.
        trial: RUNNING.
        failure: the sentence that is stored as the trial's ``failure``.
        charge: count this towards :data:`MAX_RETRIES`; a user's Ctrl-C is not the candidate's
            fault.
    """
    handle = running_trial(study, trial)
    handle.set_user_attr("failure", failure)
    handle.set_user_attr("lost", True)
    handle.set_user_attr("epochs", epochs_of(trial))
    handle.set_user_attr("seconds", seconds_of(trial))
    retries = int(trial.user_attrs.get("retries", 0)) + int(charge)
    if RESUMES in trial.user_attrs:
        # What it goes on from can be promoted again, and no candidate is waiting for its turn.
        handle.set_user_attr(CHARGED, charge)
        study.tell(trial.number, state=TrialState.FAIL)
        return
    params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
    again = any(t.user_attrs.get("retry_of") == trial.number for t in study.get_trials(False))
    if params and retries <= MAX_RETRIES and not again:
        attrs = {"retry_of": trial.number, "retries": retries}
        if "source" in trial.user_attrs:
            attrs["source"] = trial.user_attrs["source"]
        study.enqueue_trial(params, user_attrs=attrs)
    # Told last: killed before this line, the trial is found RUNNING again and nothing is lost.
    study.tell(trial.number, state=TrialState.FAIL)
