"""An earlier study on other data or another device, as the beginning of a new one.

Its front is enqueued, and its trials inform the sampler's predictor where the sampler has one. They
are copied into the new study, so that workers, later runs and other machines need not reach the
earlier one.
"""

from __future__ import annotations

from optuna.trial import TrialState

from optunas import codec
from optunas.errors import InvalidSpecError
from optunas.study.earlier import SOURCE, store_earlier
from optunas.study.handle import StudyHandle
from optunas.study.sampling import study_sampler
from optunas.study.seeding import seed
from optunas.study.spec import StudySpec

__all__ = ["check_earlier", "warm_start"]

MOST = 1000
"""Trials that are copied beside the front, the latest ones."""


def warm_start(handle: StudyHandle, earlier: StudyHandle) -> int:
    """Enqueue the front of ``earlier`` and let its trials inform the sampler; once for a study.

    Args:
        handle: of the new study.
        earlier: of the other, with the same space and objectives.

    Returns:
        How many networks were enqueued; 0 when the study was started from this one before.

    Raises:
        InvalidSpecError: for a study of another space or with other objectives, one without
            completed trials, the study itself, and for a second earlier study.
    """
    done = handle.study.user_attrs.get(SOURCE)
    if done == earlier.name:
        return 0
    found = _unfit(handle.spec, earlier)
    if done is not None:
        found.append(
            f"The study {handle.name!r} was started from {done!r} already; a study has one earlier "
            "study."
        )
    if handle.name == earlier.name and handle.url == earlier.url:
        found.append(f"The study {handle.name!r} cannot be started from itself.")
    if found:
        raise InvalidSpecError("\n".join(found))
    front = earlier.front_trials()
    taken = {trial.number for trial in front}
    others = [t for t in earlier.trials(TrialState.COMPLETE) if t.number not in taken]
    count = seed(
        handle,
        [codec.from_params(handle.spec.space, trial) for trial in front],
        source=f"front of {earlier.name}",
    )
    store_earlier(handle.study, earlier.name, [*front, *others[-MOST:]])
    if handle.knowledge is not None:
        sampler = study_sampler(handle.spec, handle.knowledge, handle.trust, handle.study)
        handle.study.sampler = sampler
    return count


def check_earlier(spec: StudySpec, earlier: StudyHandle) -> None:
    """Refuse a study that a study of this definition could not start from, before there is one.

    Raises:
        InvalidSpecError: for another space, other objectives, or no completed trials.
    """
    found = _unfit(spec, earlier)
    if found:
        raise InvalidSpecError("\n".join(found))


def _unfit(spec: StudySpec, earlier: StudyHandle) -> list[str]:
    theirs, found = earlier.spec, []
    if theirs.space.definition() != spec.space.definition():
        found.append(
            f"The study {earlier.name!r} searched another space than {spec.name!r}; an earlier "
            "study must have searched the same one."
        )
    named = [[(m.name, m.direction) for m in s.objective_metrics] for s in (spec, theirs)]
    if named[0] != named[1]:
        words = [", ".join(name for name, _ in names) for names in named]
        found.append(
            f"The study {earlier.name!r} has the objectives {words[1]}, {spec.name!r} has "
            f"{words[0]}; an earlier study must have the same ones, in the same order."
        )
    if not earlier.trials(TrialState.COMPLETE):
        found.append(f"The study {earlier.name!r} has no completed trial to start from.")
    return found
