"""A study's space in figures: size, parameters, costs by sampling, duplicates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optunas.errors import OptunasError
from optunas.space import JointSpace, Space
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
        Plain data: ``kind``, ``size`` (exact; None when infinite), ``size_text``, ``parts`` (of a
        joint space: name -> size), ``parameters`` (name -> values as text), ``sampled``,
        ``duplicates`` (share of the architectures sampled, each code once, that are the same
        network as another), ``costs`` (metric -> lowest, median, highest).
    """
    space, rng = spec.space, np.random.default_rng(seed)
    members = [space.sample(rng) for _ in range(sample)]
    name, part = next(iter(_parts(space).items()))
    architectures = [m[name] if name else m for m in members]
    codes = {part.to_json(a) for a in architectures}
    digests = {part.digest(a) for a in architectures}
    return {
        "kind": type(space).__name__,
        "size": None if space.size == math.inf else space.size,
        "size_text": _size(space),
        "parts": {name: _size(part) for name, part in _parts(space).items()},
        "parameters": {name: p.describe() for name, p in space.parameters().items()},
        "sampled": sample,
        "duplicates": 1 - len(digests) / len(codes),
        "costs": _costs(spec, members),
    }


def _parts(space: Space) -> dict[str, Space]:
    """The parts of a joint space, the architecture first; else the space itself under ""."""
    if not isinstance(space, JointSpace):
        return {"": space}
    parts = space.spaces.items()
    return dict(sorted(parts, key=lambda part: -part[1].num_architectures()))


def _size(space: Space) -> str:
    return "infinitely many" if space.size == math.inf else f"{space.size:,}"


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
