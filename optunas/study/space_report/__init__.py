"""The design report of a study's space: size, costs, duplicates, warnings, fit to the budget."""

from __future__ import annotations

import math
from typing import Any

from optunas.errors import DataError, InvalidSpecError
from optunas.space import Choice, JointSpace, Parameter, Space
from optunas.space.ranges import Float, Int
from optunas.study.life import make_task
from optunas.study.space_report.costs import (
    COUNTED,
    Costs,
    constraint_shares,
    known_objectives,
    measure,
)
from optunas.study.space_report.findings import CODES, findings
from optunas.study.space_report.fit import fit
from optunas.study.space_report.narrow import discrete_size
from optunas.study.space_report.numbers import for_json, large, log10
from optunas.study.space_report.sampling import Sample, take
from optunas.study.spec import StudySpec

__all__ = ["CODES", "describe_space"]


def describe_space(spec: StudySpec, sample: int = 500, seed: int = 0) -> dict[str, Any]:
    """Describe the space of a study: what it holds, what it costs, what is wrong with it.

    Args:
        spec: the study.
        sample: random members to look at, from 1 on.
        seed: of the sampling, from 0 on; equal arguments give an equal report, except where
            networks are built until time is up.

    Returns:
        Plain data, ready for JSON:

        - ``study``, ``kind`` (class of the space), ``sampled``;
        - ``size`` (exact; None when infinite or beyond 4,000 digits), ``size_text``,
          ``log10_size`` (None when infinite), ``discrete_size`` (continuous parameters counted as
          one value) and ``discrete_size_text``;
        - ``parts``: of a joint space, name -> ``kind``, ``size``, ``size_text``;
        - ``parameters``: name -> ``values`` (text), ``options`` (None when continuous), ``when``
          ({name: values} of the parameter on which it depends, else None);
        - ``architectures``: ``part`` (its name in a joint space), ``exact`` (all were looked at),
          ``duplicates``, ``neutral_changes`` and ``disconnected``: shares, see below;
        - ``duplicates``: the first of these shares as a number;
        - ``costs`` (metric -> lowest, median, highest), ``costs_middle`` (5th and 95th
          percentile), ``costs_sampled`` (how many members), ``costs_built`` (not in closed form);
        - ``constraints``: metric -> ``sign``, ``limit`` and the share of members that meets it, of
          the metrics that are known before training and cost nothing to read;
        - ``warnings``: ``code``, ``level``, ``what``, ``why``, ``remedy`` each;
        - ``fit``: budget, verdict, sampler and narrowings.

        A share is ``share``, ``low``, ``high`` (95 % interval), ``count``, ``of``, ``exact``.

    Raises:
        InvalidSpecError: for no sample or a negative seed.
        TaskError: when the study's task cannot be made.
    """
    for name, value, least in (("sample", sample, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InvalidSpecError(f"{name} must be a whole number from {least} on, got {value!r}.")
    looked = take(spec.space, sample, seed)
    costs, epochs, known = _task(spec, looked)
    fitted = fit(spec, looked.distinct, epochs, known)
    return {
        "study": spec.name,
        **_size(spec.space),
        "sampled": sample,
        "parameters": _parameters(spec.space),
        "duplicates": looked.duplicates.value,
        "architectures": _architectures(looked),
        "costs": costs.ranges(),
        "costs_middle": costs.middle(),
        "costs_sampled": {name: len(values) for name, values in costs.values.items()},
        "costs_built": costs.built,
        "constraints": _constraints(spec, costs),
        "warnings": [f.to_dict() for f in findings(spec, looked, costs, fitted)],
        "fit": fitted.to_dict(),
    }


def _constraints(spec: StudySpec, costs: Costs) -> dict[str, dict[str, Any]]:
    maximised = {m.name for m in spec.all_metrics if m.maximize}
    return {
        name: {"sign": ">=" if name in maximised else "<=", "limit": spec.constraints[name]}
        | share.to_dict()
        for name, share in constraint_shares(spec, costs).items()
    }


def _task(spec: StudySpec, looked: Sample) -> tuple[Costs, int | None, int]:
    """What members cost in the study's task, its epochs, how many objectives samplers know.

    Data may be missing here.
    """
    try:
        task = make_task(spec, ["*"])
    except DataError as error:
        counted = [m for m in spec.objective_metrics if m.name in COUNTED]
        known = len(counted) if spec.space.num_architectures() else 0
        return Costs(no_data=str(error)), spec.training.get("epochs"), known
    epochs = spec.training.get("epochs", getattr(task, "default_epochs", None))
    costs = measure(spec, task, looked.members)
    return (
        costs,
        None if epochs is None else int(epochs),
        known_objectives(spec, task, looked.members),
    )


def _size(space: Space) -> dict[str, Any]:
    parts = space.spaces if isinstance(space, JointSpace) else {}
    discrete = discrete_size(space)
    return {
        **_one_size(space),
        "log10_size": log10(space.size),
        "discrete_size": for_json(discrete),
        "discrete_size_text": large(discrete),
        "parts": {name: _one_size(part) for name, part in parts.items()},
    }


def _one_size(space: Space) -> dict[str, Any]:
    kind = type(space).__name__
    return {"kind": kind, "size": for_json(space.size), "size_text": large(space.size)}


def _parameters(space: Space) -> dict[str, dict[str, Any]]:
    conditions = space.conditions()
    table = {}
    for name, parameter in space.parameters().items():
        when = conditions.get(name)
        table[name] = {
            "values": _values(parameter),
            "options": None if parameter.size == math.inf else parameter.size,
            "when": None if when is None else {when.parent: list(when.values)},
        }
    return table


def _values(parameter: Parameter) -> str:
    """A parameter's values, in short."""
    if isinstance(parameter, Choice):
        return ", ".join(str(option) for option in parameter.options)
    if not isinstance(parameter, (Int, Float)):
        return parameter.describe()
    step = parameter.step if parameter.step not in (None, 1) else None
    shown = f"{parameter.low} to {parameter.top}"
    shown += f", steps of {step}" if step is not None else ""
    return f"{shown}, logarithmic" if parameter.log else shown


def _architectures(looked: Sample) -> dict[str, Any] | None:
    if not looked.part.num_architectures():
        return None
    return {
        "part": looked.name or None,
        "exact": looked.exact,
        "duplicates": looked.duplicates.to_dict(),
        "neutral_changes": None if looked.neutral is None else looked.neutral.to_dict(),
        "disconnected": looked.disconnected.to_dict(),
    }
