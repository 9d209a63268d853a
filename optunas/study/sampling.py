"""A study's sampler: by name, with what the study knows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from optuna import Study
from optuna.study import StudyDirection

from optunas import codec
from optunas.errors import InvalidSpecError
from optunas.samplers import Given, SeededSampler, generation_key, make_sampler
from optunas.samplers.own import PROXIES, learns_from_earlier, takes_proxies
from optunas.samplers.trials.within import Within
from optunas.study.earlier import read_earlier
from optunas.study.knowledge import Knowledge
from optunas.study.references import resolver
from optunas.study.spec import StudySpec

__all__ = ["PLANNED", "PROXIES", "proxies_of", "study_sampler"]

PLANNED = "optunas:planned_trials"
"""Study attribute: the budget's trials at creation, which sized a genetic sampler's population."""


def proxies_of(spec: StudySpec) -> tuple[str, ...]:
    """The zero-cost proxies among a definition's sampler options.

    Raises:
        InvalidSpecError: for anything but a list of names, or a sampler that takes none.
    """
    given = spec.sampler_options.get(PROXIES, [])
    if not isinstance(given, (list, tuple)) or not all(isinstance(n, str) for n in given):
        raise InvalidSpecError(
            f"The option 'proxies' of the sampler {spec.sampler!r} must be a list of names of "
            f"zero-cost proxies, got {given!r}."
        )
    if given and not takes_proxies(spec.sampler):
        raise InvalidSpecError(
            f"The sampler {spec.sampler!r} predicts nothing that zero-cost proxies could help; "
            "use them with cheap_aware, or seed the study with 'optunas study seed --proxy'."
        )
    return tuple(given)


def study_sampler(
    spec: StudySpec, knowledge: Knowledge, trust: Collection[str], study: Study | None = None
) -> SeededSampler:
    """The sampler of a definition.

    Args:
        spec: the definition.
        knowledge: what is known of a candidate before it is trained.
        trust: packages whose code the definition may refer to.
        study: the stored one, which remembers its planned trials and an earlier study's; None
            while there is none yet.

    Raises:
        UnknownNameError: for an unknown sampler or option.
        InvalidSpecError: for an option that the sampler refuses, or a budget that it cannot keep.
    """
    if spec.budget.patience_generations and not generation_key(spec.sampler):
        raise InvalidSpecError(
            "patience_generations needs a genetic sampler (nsga2, nsga3, architecture_nsga2), "
            f"got {spec.sampler!r}; use patience_trials."
        )
    more: dict[str, Any] = {"resolve": resolver(trust)}
    if proxies_of(spec):
        more["extra"] = knowledge.extra
    if study is not None and learns_from_earlier(spec.sampler):
        more["earlier"] = read_earlier(study, spec.space)
    return make_sampler(
        spec.sampler,
        {name: value for name, value in spec.sampler_options.items() if name != PROXIES},
        spec.seed,
        trials=spec.budget.trials if study is None else study.user_attrs.get(PLANNED),
        objectives=len(spec.objectives),
        distributions=codec.distributions(spec.space),
        given=Given(
            spec.space,
            knowledge.known,
            Within(knowledge.violation) if spec.constraints else None,
            # Where equal networks are not reused, a code is a candidate of its own.
            "digest" if spec.reuse else "code",
            more,
            [_direction(m.maximize) for m in spec.objective_metrics],
        ),
    )


def _direction(maximise: bool) -> StudyDirection:
    return StudyDirection.MAXIMIZE if maximise else StudyDirection.MINIMIZE
