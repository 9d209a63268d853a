"""Whether a study has tried everything that its space holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from optunas.samplers.trials.members import ENUMERATED, Members
from optunas.study.spec import StudySpec

__all__ = ["Coverage"]

BARREN = 8
"""So many trials in a row that brought nothing raise the question: to list a space takes time."""

TRIED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)

CHANCES = 2
"""What failed so often by itself need not be tried again."""


class Coverage:
    """Tells when a space that can be listed has been tried to its end.

    Without it a study of fewer candidates than its budget would go on suggesting them again, up to
    its ``max_reused``.

    Args:
        spec: the definition.
        feasible: whether a member keeps the limits that are known before training.
        by_code: whether each code has one result, however often it is asked for.
    """

    def __init__(
        self, spec: StudySpec, feasible: Callable[[Any], bool] | None, by_code: bool
    ) -> None:
        self._spec, self._feasible = spec, feasible
        # What is trained again each time is never used up.
        self._counts = spec.repeats == 1 and (spec.reuse or by_code)

    def reached(self, trials: Sequence[FrozenTrial]) -> str | None:
        """The sentence that says that all has been tried, or None while there is something left.

        Args:
            trials: all of the study, in the order of their numbers.
        """
        if not self._counts or not _barren(trials) or not self._spec.space.size <= ENUMERATED:
            return None
        if any(t.state == TrialState.WAITING for t in trials):
            return None
        same = "digest" if self._spec.reuse else "architecture"
        tried = {t.user_attrs.get(same) for t in trials if t.state in TRIED}
        failures = Counter(
            t.user_attrs.get(same)
            for t in trials
            if t.state == TrialState.FAIL and "lost" not in t.user_attrs
        )
        hopeless = {key for key, count in failures.items() if count >= CHANCES} - tried
        if not self._wanted <= tried | hopeless:
            return None
        within = " within the limits" if self._spec.constraints else ""
        failed = len(self._wanted & hopeless)
        also = f", {failed:,} of them failed each time" if failed else ""
        return f"All {len(self._wanted):,} candidates of the space{within} have been tried{also}."

    @cached_property
    def _wanted(self) -> frozenset[str]:
        """Of every candidate, what a trial of it is marked with."""
        space = self._spec.space
        if self._spec.reuse:
            return frozenset(Members(space, self._feasible).keys)
        listed = Members(space, self._feasible, "code").listed or ()
        return frozenset(space.to_json(member) for member in listed)


def _barren(trials: Sequence[FrozenTrial]) -> bool:
    """Whether the latest trials brought nothing new, all of them."""
    latest = [t for t in trials[-2 * BARREN :] if t.state.is_finished()][-BARREN:]
    return len(latest) == BARREN and all(
        t.state == TrialState.FAIL or {"reused_from", "ruled_out"} & t.user_attrs.keys()
        for t in latest
    )
