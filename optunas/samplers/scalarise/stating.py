"""The form that a user states by name, or that a study needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers.scalarise.chebyshev import Chebyshev
from optunas.samplers.scalarise.form import Directions, Scalarisation
from optunas.samplers.scalarise.log_cost import LogCost
from optunas.samplers.scalarise.non_dominated import Pareto
from optunas.samplers.scalarise.weights import Weights

__all__ = ["FORMS", "scalarisation", "scalarisation_for"]


FORMS: dict[str, type[Scalarisation]] = {
    form.name: form for form in (Chebyshev, LogCost, Pareto, Weights)
}


def scalarisation(given: Any) -> Scalarisation | None:
    """The form that an argument means.

    Args:
        given: None, a form, its name where it needs no arguments (``"chebyshev"``), or its name
            and arguments as a mapping, ``{"form": "weights", "weights": [0.8, 0.1, 0.1]}``.

    Raises:
        UnknownNameError: for an unknown form or argument.
        InvalidSpecError: for values that a form cannot have.
    """
    if given is None or isinstance(given, Scalarisation):
        return given
    body = {"form": given} if isinstance(given, str) else given
    if not isinstance(body, Mapping) or "form" not in body:
        raise InvalidSpecError(
            "scalarise is the name of a form, or a mapping such as {'form': 'weights', 'weights': "
            f"[0.8, 0.1, 0.1]}}, got {given!r}; the forms are {', '.join(FORMS)}."
        )
    name = body["form"]
    if not isinstance(name, str) or name not in FORMS:
        raise UnknownNameError("form of scalarise", name, FORMS)
    kind: Any = FORMS[name]
    fields = {field.name: field for field in dataclasses.fields(kind)}
    arguments = {key: value for key, value in body.items() if key != "form"}
    for key in arguments:
        if key not in fields:
            raise UnknownNameError(f"argument of scalarise {name!r}:", key, fields)
    if kind is Weights and "weights" not in arguments:
        raise InvalidSpecError(
            "scalarise 'weights' needs the weights, one an objective, such as "
            "{'form': 'weights', 'weights': [0.8, 0.1, 0.1]}."
        )
    return kind(**arguments)


def scalarisation_for(
    form: Scalarisation | None, directions: Directions, sampler: str, default: Scalarisation | None
) -> Scalarisation:
    """The form to use in a study; with one objective and no form its gain itself.

    Args:
        form: what the user stated.
        directions: of the study.
        sampler: its name, for the error.
        default: with several objectives and no form; None for samplers that must be told.

    Raises:
        InvalidSpecError: with several objectives and no form, or one that does not fit them.
    """
    if form is None and len(directions) == 1:
        form = Weights((1.0,), normalised=False)
    form = default if form is None else form
    if form is None:
        raise InvalidSpecError(
            f"The sampler {sampler} needs one number and this study has {len(directions)} "
            "objectives; say how they become one with scalarise: 'chebyshev', 'log_cost' or "
            "{'form': 'weights', 'weights': [...]}."
        )
    form.check(directions)
    return form
