"""A study's space in figures: size, parameters, costs by sampling, duplicates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optunas.errors import OptunasError
from optunas.study.life import make_task
from optunas.study.spec import StudySpec

__all__ = ["describe_space"]


def describe_space(spec: StudySpec, sample: int = 500, seed: int = 0) -> dict[str, Any]:
    """Describe the space of a study.

    Args:
        spec: the study.
        sample: random members to look at.
        seed: of the sampling.

    Returns:
        Plain data: ``kind``, ``size`` (exact; None when infinite), ``size_text``, ``parameters``
        (name -> values as text), ``sampled``, ``duplicates`` (share of the sample whose digest came
        before, beyond equal codes), ``costs`` (metric -> lowest, median, highest).
    """
    space, rng = spec.space, np.random.default_rng(seed)
    members = [space.sample(rng) for _ in range(sample)]
    codes = {space.to_json(m) for m in members}
    digests = {space.digest(m) for m in members}
    infinite = space.size == math.inf
    return {
        "kind": type(space).__name__,
        "size": None if infinite else space.size,
        "size_text": "infinitely many" if infinite else f"{space.size:,}",
        "parameters": {name: str(p) for name, p in space.parameters().items()},
        "sampled": sample,
        "duplicates": 1 - len(digests) / len(codes),
        "costs": _costs(spec, members),
    }


def _costs(spec: StudySpec, members: list[Any]) -> dict[str, tuple[float, float, float]]:
    """Parameters and FLOPs in closed form over the sample; {} where no network is built."""
    from optunas import metrics

    task = make_task(spec, ["*"])
    if len(task.input_shape or ()) != 3:
        return {}
    found: dict[str, list[float]] = {"params": [], "flops": []}
    for member in members:
        architecture, searched = spec.space.parts(member)
        settings = {**spec.training, **searched}
        network = {k: settings[k] for k in task.network_keys if k in settings}
        for name, count in (("params", metrics.params), ("flops", metrics.flops)):
            try:
                value = count(architecture, task.input_shape, task.num_outputs, **network)
            except (OptunasError, TypeError):
                return {}
            found[name].append(float(value))
    return {k: (min(v), float(np.median(v)), max(v)) for k, v in found.items()}
