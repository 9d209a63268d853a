"""The only way between architectures and Optuna's trials.

A parameter is suggested under ``"{name}.{parameter}"``, or under its own name when ``name`` is "".
Every parameter of a space is suggested in every trial, so that NSGA-II and GP, which see only what
all trials share, see the whole space.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space import (
    DARTS,
    NB201,
    Cell,
    CellSpace,
    Choice,
    DenseCellSpace,
    ElasticSpace,
    Float,
    Genotype,
    Int,
    Macro,
    MacroSpace,
    Parameter,
    Space,
    Subnet,
)

__all__ = [
    "distributions",
    "from_params",
    "prefix_of",
    "suggest",
    "suggest_cell",
    "suggest_genotype",
    "suggest_macro",
    "suggest_subnet",
    "to_params",
]

A = TypeVar("A")


def suggest(trial: BaseTrial, space: Space[A], name: str | None = None) -> A:
    """Suggest a member of ``space``: one Optuna suggestion for each of its parameters, in order.

    Args:
        trial: a running ``optuna.Trial``, or a ``FixedTrial``.
        space: any space.
        name: prefix of the parameters' names; None takes the space's ``default_name``.
    """
    prefix = prefix_of(space, name)
    if not hasattr(trial, "suggest_categorical"):
        raise InvalidSpaceError(f"suggest takes a trial first, then a space, got {trial!r}.")
    # Optuna draws the relative parameters on first access. A trial whose parameters were all
    # enqueued would never get there, and NSGA-II would leave it out of every population.
    _ = getattr(trial, "relative_params", None)
    values = {
        key: _suggest_one(trial, prefix + key, parameter)
        for key, parameter in space.parameters().items()
    }
    return space.decode(space.canonical(values))


def suggest_cell(trial: BaseTrial, space: DenseCellSpace = NB201, name: str = "cell") -> Cell:
    """Suggest a cell with one operation per edge; NAS-Bench-201's space by default."""
    return suggest(trial, space, name)


def suggest_genotype(trial: BaseTrial, space: CellSpace = DARTS, name: str = "") -> Genotype:
    """Suggest a normal and a reduction cell with two inputs per node; DARTS's space by default."""
    return suggest(trial, space, name)


def suggest_macro(trial: BaseTrial, space: MacroSpace, name: str = "macro") -> Macro:
    """Suggest layers, skip connections and a dense part: a whole network but its classifier."""
    return suggest(trial, space, name)


def suggest_subnet(trial: BaseTrial, space: ElasticSpace, name: str = "subnet") -> Subnet:
    """Suggest depths, widths, kernels and expansions of a Once-for-All space."""
    return suggest(trial, space, name)


def _suggest_one(trial: BaseTrial, name: str, parameter: Parameter) -> Any:
    if isinstance(parameter, Choice):
        return trial.suggest_categorical(name, parameter.options)
    if isinstance(parameter, Int):
        p = parameter
        return trial.suggest_int(name, p.low, p.top, step=p.step, log=p.log)
    if isinstance(parameter, Float):
        low, high, log = parameter.low, parameter.top, parameter.log
        return trial.suggest_float(name, low, high, step=parameter.step, log=log)
    raise _unknown(name, parameter)


def distributions(space: Space[Any], name: str | None = None) -> dict[str, BaseDistribution]:
    """The Optuna distribution of each parameter, as its trials store them."""
    prefix = prefix_of(space, name)
    return {prefix + key: _distribution(key, p) for key, p in space.parameters().items()}


def _distribution(name: str, parameter: Parameter) -> BaseDistribution:
    if isinstance(parameter, Choice):
        return CategoricalDistribution(parameter.options)
    if isinstance(parameter, Int):
        p = parameter
        return IntDistribution(p.low, p.top, log=p.log, step=p.step)
    if isinstance(parameter, Float):
        low, high, log = parameter.low, parameter.top, parameter.log
        return FloatDistribution(low, high, log=log, step=parameter.step)
    raise _unknown(name, parameter)


def _unknown(name: str, parameter: Parameter) -> InvalidSpaceError:
    return InvalidSpaceError(
        f"Parameter {name!r} is a {type(parameter).__name__}, Optuna knows Choice, Int and Float."
    )


def to_params(space: Space[A], architecture: A, name: str | None = None) -> dict[str, Any]:
    """The architecture as trial parameters, ready for ``study.enqueue_trial``.

    Raises:
        InvalidArchitectureError: when it is not a member of the space.
    """
    prefix = prefix_of(space, name)
    space.validate(architecture)
    return {prefix + key: value for key, value in space.encode(architecture).items()}


def from_params(space: Space[A], params: Any, name: str | None = None) -> A:
    """The architecture of trial parameters.

    Args:
        space: the space that the parameters were suggested by.
        params: a dictionary, or a trial (``FrozenTrial`` or ``Trial``); a trial may hold further
            parameters of other spaces, a dictionary may not.
        name: as in :func:`suggest`.

    Raises:
        InvalidArchitectureError: naming every missing, extra and out-of-range parameter at once.
    """
    prefix = prefix_of(space, name)
    if isinstance(params, Mapping):
        given = params
    elif not isinstance(getattr(params, "params", None), Mapping):
        raise InvalidArchitectureError(
            "from_params takes a dictionary of parameters or a trial, "
            f"got a {type(params).__name__}: {str(params)[:80]!r}."
        )
    else:
        own = {prefix + key for key in space.parameters()}
        given = {key: value for key, value in params.params.items() if key in own}
    space.check(given, prefix)
    names = [key for key in space.parameters() if prefix + key in given]
    return space.decode(space.canonical({key: given[prefix + key] for key in names}))


def prefix_of(space: Space[Any], name: str | None) -> str:
    """What stands before each parameter's name in a trial; None takes the ``default_name``."""
    if not isinstance(space, Space):
        raise InvalidSpaceError(f"Expected a space such as optunas.NB201, got {space!r}.")
    name = space.default_name if name is None else name
    if not isinstance(name, str):
        raise InvalidSpaceError(f"name, the parameters' prefix, must be a string, got {name!r}.")
    return f"{name}." if name else ""
