"""The options of Optuna's samplers, checked before a study exists.

Optuna takes many of them as they come and breaks on them in the middle of a study.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optunas.samplers.arguments import Arguments, is_number

__all__ = ["OBJECTS", "check_options"]

WHOLE = {
    "dividing_parameter": 1,
    "n_ei_candidates": 1,
    "n_startup_trials": 0,
    "popsize": 2,
    "population_size": 2,
}
"""Integers, from here on."""

SHARES = ("crossover_prob", "mutation_prob", "swapping_prob")

POSITIVE = ("prior_weight", "sigma0")

YES_OR_NO = (
    *("avoid_premature_stop", "consider_endpoints", "consider_magic_clip", "consider_prior"),
    *("consider_pruned_trials", "constant_liar", "deterministic_objective", "group", "lr_adapt"),
    *("multivariate", "scramble", "use_separable_cma", "warn_asynchronous_seeding"),
    *("warn_independent_sampling", "with_margin"),
)

OBJECTS = (
    *("after_trial_strategy", "child_generation_strategy", "constraints_func", "crossover"),
    *("elite_population_selection_strategy", "gamma", "independent_sampler", "mutation"),
    *("reference_points", "source_trials", "weights"),
)
"""Functions and objects of Optuna, which no study's definition can hold."""

OR_NONE = (
    *("popsize", "mutation_prob", "consider_endpoints", "consider_magic_clip", "consider_prior"),
    *("multivariate", "prior_weight", "sigma0", "warn_independent_sampling"),
)
"""May be None, which leaves the choice to Optuna."""


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse values that the sampler called ``name`` could not work with; others pass.

    Raises:
        InvalidSpecError: with every reason, one a line.
    """
    arguments = Arguments(f"The sampler {name!r}")
    for option, value in options.items():
        none = option in OR_NONE
        if option in WHOLE:
            arguments.whole(option, value, WHOLE[option], none=none)
        elif option in SHARES:
            arguments.share(option, value, none=none)
        elif option in OBJECTS and isinstance(value, (int, float, str, list, tuple, Mapping)):
            arguments.found.append(
                f"{arguments.what}: {option} is an object of Optuna's, which a study cannot hold, "
                f"got {value!r}; leave it out, or use Optuna's sampler in a script."
            )
        elif option in YES_OR_NO and not (isinstance(value, bool) or (none and value is None)):
            arguments.found.append(
                f"{arguments.what}: {option} must be True or False, got {value!r}."
            )
        elif option in POSITIVE and not (
            (none and value is None) or (is_number(value) and value > 0)
        ):
            arguments.found.append(
                f"{arguments.what}: {option} must be a number above 0, or None, got {value!r}."
            )
    arguments.finish()
