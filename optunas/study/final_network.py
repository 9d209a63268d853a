"""What of a study a differentiable search is about: its architecture, and the final network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from optunas.darts.choices import Searchable
from optunas.darts.result import FinalNetwork
from optunas.errors import InvalidSpecError
from optunas.nets.skeleton import default_counts
from optunas.space import (
    CellSpace,
    Choice,
    DenseCellSpace,
    Float,
    Int,
    JointSpace,
    MacroSpace,
    Space,
)
from optunas.space.parameters import Parameter
from optunas.study.spec import StudySpec
from optunas.train import TrainSettings

__all__ = [
    "SearchedPart",
    "complete",
    "final_counts",
    "final_network",
    "middle_of",
    "searched_part",
]

COUNTS = ("channels", "num_cells")


class SearchedPart(NamedTuple):
    """The architecture in a space, and the names of the parts of joint spaces that lead to it."""

    space: Searchable
    path: tuple[str, ...] = ()


def searched_part(space: Space[Any]) -> SearchedPart:
    """What of a study's space has a supernet: the space itself, or the architecture of a joint one.

    Raises:
        InvalidSpecError: where there is none.
    """
    found = _find(space, ())
    if found is None:
        raise InvalidSpecError(
            "A differentiable search needs a CellSpace, a DenseCellSpace, or a MacroSpace with a "
            f"fixed skeleton, alone or in a JointSpace; this study searches {_named(space)}."
        )
    return found


def _find(space: Space[Any], path: tuple[str, ...]) -> SearchedPart | None:
    if type(space) in (CellSpace, DenseCellSpace, MacroSpace):
        return SearchedPart(space, path)  # type: ignore[arg-type]
    if isinstance(space, JointSpace):
        for name, part in space.spaces.items():
            found = _find(part, (*path, name))
            if found is not None:
                return found
    return None


def _named(space: Space[Any]) -> str:
    if isinstance(space, JointSpace):
        return "a JointSpace of " + ", ".join(type(s).__name__ for s in space.spaces.values())
    return f"a {type(space).__name__}"


def final_network(spec: StudySpec, task: Any) -> FinalNetwork:
    """The network of a study's candidates: its width and depth from ``training``.

    A macro network has a width and a depth of its own, and neither is given.

    Where the space searches one of the two, the largest option counts; where neither fixes it,
    the default of ``optunas.build``.

    Raises:
        InvalidSpecError: for a task without images.
    """
    shape = tuple(task.input_shape or ())
    if len(shape) != 3:
        raise InvalidSpecError(
            f"A differentiable search needs images, (channels, height, width); the inputs of the "
            f"task {task.name!r} have the shape {shape or None}."
        )
    counts, words = _counts(spec)
    return FinalNetwork(shape, int(task.num_outputs), **counts, origin=words)


def final_counts(spec: StudySpec, *, smallest: bool = False) -> dict[str, int]:
    """Channels and number of cells of :func:`final_network`, as far as it takes them.

    ``smallest`` takes the smallest options of what is searched in place of the largest.
    """
    return _counts(spec, smallest)[0]


def _counts(spec: StudySpec, smallest: bool = False) -> tuple[dict[str, int], str]:
    if isinstance(searched_part(spec.space).space, MacroSpace):
        return {}, ""
    searched = {name.rpartition(".")[2]: p for name, p in spec.space.parameters().items()}
    counts, words = {}, []
    for name, default in zip(COUNTS, default_counts(None, None), strict=True):
        if name in spec.training:
            counts[name], why = int(spec.training[name]), "the study's training"
        elif name in searched and name in spec.space.hyperparameter_names():
            counts[name] = int(_end(searched[name], smallest))
            why = f"the {'smallest' if smallest else 'largest'} that is searched"
        else:
            counts[name], why = default, "the default"
        words.append(f"{name} {counts[name]} ({why})")
    return counts, ", ".join(words)


def _end(parameter: Parameter, smallest: bool) -> Any:
    if isinstance(parameter, Choice):
        return (min if smallest else max)(parameter.options)
    assert isinstance(parameter, (Int, Float))
    return parameter.low if smallest else parameter.top


def complete(space: Space[Any], architecture: Any, network: Mapping[str, Any]) -> Any:
    """The member of ``space`` with this architecture, its hyperparameters chosen sensibly.

    A member of the space itself is returned as it is. For a joint space, each hyperparameter gets

    1. ``channels`` and ``num_cells``: those of the network that the search was for, where they are
       among the options;
    2. on a logarithmic scale: the middle of the range (whoever made it put what works inside);
    3. otherwise the default of the training settings where the range has it (no dropout, SGD, ...);
    4. otherwise the middle: of a range, of options that are numbers, else the first option.

    Raises:
        InvalidSpecError: for a space without a supernet.
        InvalidArchitectureError: for an architecture of another space.
    """
    part = searched_part(space)
    part.space.validate(architecture)
    if not part.path:
        return architecture
    prefix = ".".join(part.path) + "."
    values = {prefix + key: value for key, value in part.space.encode(architecture).items()}
    for name, parameter in space.parameters().items():
        if name not in values:
            values[name] = middle_of(name.rpartition(".")[2], parameter, network)
    member = space.decode(space.canonical(values))
    space.validate(member)
    return member


def middle_of(name: str, parameter: Parameter, network: Mapping[str, Any]) -> Any:
    """The value that :func:`complete` gives one hyperparameter."""
    if name in COUNTS and name in network and parameter.contains(network[name]):
        return network[name]
    log = isinstance(parameter, (Int, Float)) and parameter.log
    default = getattr(TrainSettings, name, None)
    if not log and default is not None and parameter.contains(default):
        return default
    if isinstance(parameter, Choice):
        numbers = [o for o in parameter.options if isinstance(o, (int, float))]
        if len(numbers) == len(parameter.options) and not isinstance(numbers[0], bool):
            return sorted(numbers)[len(numbers) // 2]
        return parameter.options[0]
    assert isinstance(parameter, (Int, Float))
    low, high = parameter.low, parameter.top
    return parameter.cast(parameter.round((low * high) ** 0.5 if log else (low + high) / 2))
