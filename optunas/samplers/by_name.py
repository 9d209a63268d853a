"""All samplers by name, with the defaults that suit architecture studies."""

from __future__ import annotations

import importlib.util
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import (
    BaseSampler,
    BruteForceSampler,
    CmaEsSampler,
    GPSampler,
    GridSampler,
    NSGAIIISampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.search_space import IntersectionSearchSpace

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers.arguments import ended
from optunas.samplers.feasible import FeasibleSampler
from optunas.samplers.grid import check_grid, grid_of, grid_sampler
from optunas.samplers.optuna_options import OBJECTS, check_options
from optunas.samplers.own import OWN, Given, make_own, own_options
from optunas.samplers.seeded import SeededSampler
from optunas.samplers.trials.members import Members
from optunas.samplers.trials.parents import Parents
from optunas.samplers.trials.within import Within

__all__ = ["SAMPLERS", "generation_key", "make_sampler", "population_size"]

SAMPLERS: dict[str, type[BaseSampler]] = {
    "brute_force": BruteForceSampler,
    "cmaes": CmaEsSampler,
    "gp": GPSampler,
    "grid": GridSampler,
    "nsga2": NSGAIISampler,
    "nsga3": NSGAIIISampler,
    "qmc": QMCSampler,
    "random": RandomSampler,
    "tpe": TPESampler,
}
"""Optuna's samplers under the names that a study definition uses."""

SINGLE_OBJECTIVE = ("cmaes",)

ONE_SEQUENCE = ("grid", "qmc")
"""Samplers that walk one sequence, drawn from the seed: every trial needs the study's own."""

IN_ORDER = ("brute_force", *ONE_SEQUENCE)
"""Samplers that walk through the space: what breaks a limit is ruled out when they come to it."""

MOST_TRIES = 1000
TRIES_WITHIN_LIMITS = {"gp": 1, "tpe": 10, "cmaes": 10}
"""Suggestions within limits before a random member that keeps them is taken, at tenths of a second
for all: a suggestion of TPE takes 40 ms at a thousand trials, one of the others less than one."""

WITHOUT_CHANCE = ("gp",)
"""Samplers that learn from COMPLETE trials alone and suggest the one best point.

Measured with the objectives accuracy and parameters on a space of 27 cells and two
hyperparameters: seven of eight studies of 18 trials came no further than 11 to 15, every later
suggestion being a ruled-out or pruned network. With a random one in between all eight end.
"""

FURTHER_PACKAGE = {"cmaes": "cmaes"}
"""What Optuna imports for a sampler at its first suggestion and does not install itself."""


def population_size(trials: int | None) -> int:
    """Population of a genetic sampler that sees about five generations within ``trials``.

    Measured on NAS-Bench-201 with three objectives, populations of 20 beat 50 below 300 networks;
    fewer than 8 parents leave crossover nothing to mix.

    >>> population_size(40), population_size(100), population_size(1000), population_size(None)
    (8, 20, 50, 50)
    """
    return 50 if trials is None else max(8, min(50, trials // 5))


def generation_key(name: str) -> str:
    """System attribute in which a genetic sampler keeps a trial's generation, else ``""``."""
    return {
        "nsga2": "NSGAIISampler:generation",
        "nsga3": "NSGAIIISampler:generation",
        "architecture_nsga2": "NSGAIISampler:generation",
    }.get(name, "")


def make_sampler(
    name: str,
    options: Mapping[str, Any],
    seed: int,
    *,
    trials: int | None,
    objectives: int,
    distributions: Mapping[str, BaseDistribution],
    given: Given | None = None,
) -> SeededSampler:
    """The sampler called ``name``, seeded per trial.

    Args:
        name: a key of :data:`SAMPLERS` or of :data:`~optunas.samplers.own.OWN`.
        options: arguments of the sampler; they win over the defaults made here.
        seed: the study's seed.
        trials: the budget, which sizes a population.
        objectives: number of objectives.
        distributions: the whole search space, which grid search needs.
        given: what the samplers that know the space learn from the study.

    Raises:
        UnknownNameError: for an unknown name or option, with the nearest known one.
        InvalidSpecError: for a value that the sampler refuses, or a sampler that cannot do this.
    """
    if name in OWN and given is not None:
        return _own(name, options, given, seed, trials)
    if name not in SAMPLERS:
        raise UnknownNameError("sampler", name, {*SAMPLERS, *OWN})
    kind: type[BaseSampler] = SAMPLERS[name]
    if objectives > 1 and name in SINGLE_OBJECTIVE:
        raise InvalidSpecError(
            f"The sampler {name!r} knows one objective, this study has {objectives}; "
            "use nsga2, tpe or gp."
        )
    package = FURTHER_PACKAGE.get(name)
    if package is not None and importlib.util.find_spec(package) is None:
        raise InvalidSpecError(
            f"The sampler {name!r} needs the package {package!r}; install it with 'pip install "
            f"{package}'."
        )
    known = [k for k in inspect.signature(kind.__init__).parameters if k not in ("self", "seed")]
    for option in options:
        if option not in known:
            storable = [option for option in known if option not in OBJECTS]
            raise UnknownNameError(f"option of the sampler {name!r}:", option, storable)
    check_options(name, options)
    arguments = {**_defaults(name, trials, distributions, options), **options}
    if name == "grid":
        check_grid(arguments["search_space"], distributions)
        kind = grid_sampler(arguments["search_space"])
    factory = _factory(kind, arguments, seed if name in ONE_SEQUENCE else None)
    try:
        shared, stuck = _intersection(name, arguments), name in WITHOUT_CHANCE
        if given is None or not isinstance(given.feasible, Within) or name in IN_ORDER:
            return SeededSampler(factory, seed, shared, stuck)
        # By code: that is what these suggest, and networks with many codes are as likely here.
        members = Members(given.space, given.feasible, "code")
        tries = TRIES_WITHIN_LIMITS.get(name, MOST_TRIES)
        return FeasibleSampler(factory, seed, shared, stuck, members, distributions, tries)
    except (TypeError, ValueError, ImportError) as error:
        raise InvalidSpecError(
            f"The sampler {name!r} refuses {dict(options)}: {ended(error)}"
        ) from error


def _own(
    name: str, options: Mapping[str, Any], given: Given, seed: int, trials: int | None
) -> SeededSampler:
    """A sampler that knows the space; it has numbers of its own for each trial, so one will do."""
    known = own_options(name)
    arguments = dict(options)
    if "population_size" in known:
        arguments = {"population_size": population_size(trials), **arguments}
    sampler = make_own(name, arguments, given, seed)
    return SeededSampler(lambda _: sampler, seed)


def _factory(
    kind: Callable[..., BaseSampler], arguments: dict[str, Any], fixed: int | None
) -> Callable[[int], BaseSampler]:
    parents = Parents()

    def make(seed: int) -> BaseSampler:
        with warnings.catch_warnings():
            # Chosen by name, an experimental sampler is meant.
            warnings.simplefilter("ignore", ExperimentalWarning)
            sampler = kind(**arguments, seed=seed if fixed is None else fixed)
        if isinstance(sampler, (NSGAIISampler, NSGAIIISampler)):
            parents.share_with(sampler)
        return sampler

    return make


def _intersection(name: str, arguments: Mapping[str, Any]) -> IntersectionSearchSpace | None:
    """What the sampler takes its joint search space from, where it is one of all trials' own.

    Measured with NSGA-II and 200 trials: without it, four fifths of a run went into comparing the
    parameters of all earlier trials anew for every trial.
    """
    if name in ("nsga2", "nsga3", "gp"):
        return IntersectionSearchSpace()
    if name == "tpe" and arguments.get("multivariate") is True and not arguments.get("group"):
        return IntersectionSearchSpace(include_pruned=True)
    return None


def _defaults(
    name: str,
    trials: int | None,
    distributions: Mapping[str, BaseDistribution],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    if name in ("nsga2", "nsga3"):
        return {"population_size": population_size(trials)}
    if name == "tpe":
        # Univariate TPE suggests duplicates and is slower; measured .85 unique trials against .55.
        return {"multivariate": True}
    if name in ("gp", "qmc"):
        # Which parameters come alone is decided here, by the space: nothing to warn of.
        return {"warn_independent_sampling": False}
    if name == "grid" and "search_space" not in options:
        return {"search_space": grid_of(distributions)}
    if name == "brute_force":
        _refuse_endless(distributions)
    return {}


def _refuse_endless(distributions: Mapping[str, BaseDistribution]) -> None:
    for name, distribution in distributions.items():
        if isinstance(distribution, FloatDistribution) and distribution.step is None:
            raise InvalidSpecError(
                f"The brute-force sampler needs a step for {name!r}; give the parameter one."
            )
