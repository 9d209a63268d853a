"""The samplers that know the space, by name, and how a study makes them."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection

from optunas.errors import InvalidSpecError, OptunasError, UnknownNameError
from optunas.samplers.arguments import ended
from optunas.samplers.trials.members import Identity
from optunas.samplers.trials.seen import Feasible, Known
from optunas.space import Space

__all__ = [
    "OWN",
    "PROXIES",
    "Given",
    "learns_from_earlier",
    "make_own",
    "own_class",
    "own_options",
    "takes_proxies",
]

OWN = {
    "architecture_nsga2": "architecture_nsga2:ArchitectureNSGAII",
    "cheap_aware": "cheap_aware:CheapAwareSampler",
    "local_search": "local_search:LocalSearchSampler",
    "regularized_evolution": "evolution:RegularizedEvolutionSampler",
    "reinforce": "reinforce:ReinforceSampler",
    "surrogate": "surrogate:SurrogateSampler",
    "unique_random": "unique_random:UniqueRandomSampler",
}
"""Name in a study's definition -> module of this room and class; imported when it is used."""

PROXIES = "proxies"
"""Option of samplers that take further features: names of zero-cost proxies."""


@dataclass(frozen=True)
class Given:
    """What a study gives its sampler, beyond the options in its definition.

    Attributes:
        space, known, feasible, identity: as for ``SpaceSampler``.
        more: further arguments for the samplers that take them, by name.
        directions: of the objectives, so that arguments that do not fit them are refused before
            there is a study; None asks nothing.
    """

    space: Space[Any]
    known: Known | None = None
    feasible: Feasible | None = None
    identity: Identity = "digest"
    more: Mapping[str, Any] | None = None
    directions: Sequence[StudyDirection] | None = None


def own_class(name: str) -> type[BaseSampler]:
    """The class of a key of :data:`OWN`."""
    module, _, kind = OWN[name].partition(":")
    return getattr(importlib.import_module(f"optunas.samplers.{module}"), kind)


def own_options(name: str) -> list[str]:
    """What a definition may set."""
    from_study = {"self", "seed", "space", "name", "known", "feasible", "identity", "extra"}
    from_study |= {"earlier", "resolve"}
    parameters = inspect.signature(own_class(name).__init__).parameters
    return [p for p in parameters if p not in from_study]


def learns_from_earlier(name: str) -> bool:
    """Whether the sampler called ``name`` can be given the trials of an earlier study."""
    return name in OWN and "earlier" in inspect.signature(own_class(name).__init__).parameters


def takes_proxies(name: str) -> bool:
    """Whether the sampler called ``name`` can be given zero-cost proxies as features."""
    return name in OWN and "extra" in inspect.signature(own_class(name).__init__).parameters


def make_own(name: str, options: Mapping[str, Any], given: Given, seed: int) -> BaseSampler:
    """The sampler called ``name`` for a study.

    Raises:
        UnknownNameError: for an unknown option.
        InvalidSpecError: for a value that it refuses, or that does not fit the objectives.
    """
    known = own_options(name)
    for option in options:
        if option not in known:
            # The study makes "extra" of the proxies that it is given.
            also = [PROXIES] if takes_proxies(name) else []
            raise UnknownNameError(f"option of the sampler {name!r}:", option, [*known, *also])
    kind: Any = own_class(name)
    takes = inspect.signature(kind.__init__).parameters
    more = {k: v for k, v in (given.more or {}).items() if k in takes}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            sampler = kind(
                given.space,
                known=given.known,
                feasible=given.feasible,
                identity=given.identity,
                seed=seed,
                **options,
                **more,
            )
            if given.directions is not None:
                sampler.check(given.directions)
        except OptunasError:
            raise
        except (TypeError, ValueError) as error:
            raise InvalidSpecError(
                f"The sampler {name!r} refuses {dict(options)}: {ended(error)}"
            ) from error
    return sampler
