"""What a run leaves: its trials in the order in which they ended, and what each had cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Trajectory"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trajectory:
    """One run of one contestant.

    Attributes:
        seed: of the run.
        reason: the sentence that says why it ended.
        spent: False when it ended before its budget was used.
        costs: axis of ``amount.AXES`` -> what was spent after each finished trial, (trials,).
        values: (trials, objectives); NaN where a trial has no value that counts: pruned, failed,
            or breaking a constraint.
        suggest_s: seconds that the sampler took for each trial, (trials,).
        failed: number of failed trials.
        untrained: number of trials that were reused or ruled out.
    """

    seed: int
    reason: str
    spent: bool
    costs: dict[str, Floats] = field(repr=False)
    values: Floats = field(repr=False)
    suggest_s: Floats = field(repr=False)
    failed: int = 0
    untrained: int = 0

    @classmethod
    def of(
        cls, seed: int, reason: str, rows: Sequence[dict[str, Any]], objectives: int
    ) -> Trajectory:
        """From the lines of a run's file, see :class:`~optunas.compare.recorder.Recorder`."""
        seen: set[str] = set()
        networks = []
        for row in rows:
            if row["counted"] and row["code"]:
                seen.add(row["code"])
            networks.append(len(seen))
        nothing = [np.nan] * objectives
        values = [row["values"] if row["feasible"] else nothing for row in rows]
        return cls(
            seed=seed,
            reason=reason,
            spent=reason.startswith("The budget of"),
            costs={
                "trials": np.cumsum([float(row["counted"]) for row in rows]),
                "networks": np.array(networks, dtype=float),
                "epochs": np.cumsum([float(row["epochs"]) for row in rows]),
                "seconds": np.cumsum([float(row["seconds"]) for row in rows]),
            },
            values=np.array(values, dtype=float).reshape(len(rows), objectives),
            suggest_s=np.array([row["suggest_s"] for row in rows], dtype=float),
            failed=sum(row["state"] == "FAIL" for row in rows),
            untrained=sum(bool(row["untrained"]) for row in rows),
        )
