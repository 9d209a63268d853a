"""How a network is trained, as a space: a preset with the names of the training settings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from optunas.errors import InvalidSpaceError, UnknownNameError
from optunas.space.conditions import When
from optunas.space.hyper import HyperSpace
from optunas.space.parameters import Choice, Parameter
from optunas.space.ranges import Float

__all__ = ["TRAINING_PARAMETERS", "training_space"]

_PRESET: dict[str, Parameter] = {
    # Adam is left to a replaced range: with weight decay AdamW is better (Loshchilov and Hutter
    # 2019), and two near twins halve what is learnt about each.
    "optimizer": Choice(("sgd", "adamw")),
    # One name is one range, and the two optimizers want different ones: AdamW the lower half on
    # the logarithmic scale (.0003 to .01, around torch's .001), SGD the upper half (.01 to .3,
    # around NAS-Bench-201's .1); a small cell network read digits best at .01 and .1. TPE learns
    # which goes with which; whoever searches one optimizer alone replaces the range by its half.
    "lr": Float(3e-4, 0.3, log=True),
    # A gradient moves the weights 1 / (1 - momentum) times in all: 5 to 50 times, a decade.
    "momentum": Float(0.8, 0.98),
    "nesterov": Choice((False, True)),
    # From hardly any, past DARTS (3e-4) and NAS-Bench-201 (5e-4), to torch's for AdamW.
    "weight_decay": Float(1e-5, 1e-2, log=True),
    # Factors of two: a smaller step is lost in the scores' noise.
    "batch_size": Choice((16, 32, 64, 128)),
    # Those that end near 0, for the last epoch's score is what counts.
    "schedule": Choice(("cosine", "one_cycle", "linear")),
    # Szegedy et al. 2016 take .1; in steps, so that none at all is among them.
    "label_smoothing": Float(0.0, 0.2, step=0.05),
    # Right for any image. Flips are for images that mean the same mirrored, which digits do not:
    # where they do, a replaced range adds "crop_flip" and "crop_flip_cutout".
    "augmentation": Choice(("none", "crop", "cutout")),
    # Up to Srivastava et al. 2014's half; in steps, so that none at all is among them.
    "dropout": Float(0.0, 0.5, step=0.1),
}
TRAINING_PARAMETERS: Mapping[str, Parameter] = MappingProxyType(_PRESET)
"""The preset's parameters in order, as :func:`training_space` takes them without conditions."""

_ONLY_SGD = ("momentum", "nesterov")


def training_space(
    *names: str,
    ranges: Mapping[str, Parameter] | None = None,
    regression: bool = False,
    images: bool = True,
) -> HyperSpace:
    """A space of training settings: ``training_space("optimizer", "lr", "batch_size")``.

    Its parameters have the names of the settings that tasks take as hyperparameters, in
    ``TRAINING_PARAMETERS``' order; each number's reason stands beside it there. With the optimizer
    searched too, ``momentum`` and ``nesterov`` only count with sgd. What is not searched keeps its
    default or what a study's ``training`` fixes.

    ``JointSpace(cell=NB201, train=training_space())`` searches a network and its training. Data
    loaders have a batch size of their own: leave ``batch_size`` out for them.

    Args:
        names: what is searched; none is everything that fits the task.
        ranges: parameters in place of the preset's, ``{"lr": Float(0.01, 0.5, log=True)}``.
        regression: leaves out ``label_smoothing``, which only classification has.
        images: False, for vectors, leaves out ``augmentation``.

    Raises:
        UnknownNameError: for a name that the preset does not have, with the nearest.
        InvalidSpaceError: all at once: a name given twice, one that the task cannot use, a range
            that is not searched or no parameter, or momentum where there is no sgd.
    """
    if ranges is not None and not isinstance(ranges, Mapping):
        raise InvalidSpaceError(
            "training_space: ranges is a mapping of names to parameters, such as "
            f"{{'lr': Float(0.01, 0.5, log=True)}}, got {ranges!r}."
        )
    given = dict(ranges or {})
    for name in (*names, *given):
        if not isinstance(name, str) or name not in TRAINING_PARAMETERS:
            raise UnknownNameError("training parameter", name, TRAINING_PARAMETERS)
    excluded = {"label_smoothing"} if regression else set()
    excluded |= set() if images else {"augmentation"}
    table = {**TRAINING_PARAMETERS, **given}
    wanted = [name for name in table if name in (names or set(table) - excluded)]
    by_optimizer = "optimizer" in wanted and isinstance(table["optimizer"], Parameter)
    without_sgd = by_optimizer and not table["optimizer"].contains("sgd")
    if without_sgd and not names:
        wanted = [name for name in wanted if name not in _ONLY_SGD or name in given]
    _refuse(names, given, wanted, excluded, without_sgd)
    conditional = _ONLY_SGD if by_optimizer else ()
    return HyperSpace(
        {n: When(table[n], optimizer="sgd") if n in conditional else table[n] for n in wanted}
    )


def _refuse(
    names: tuple[str, ...],
    given: Mapping[str, Parameter],
    wanted: list[str],
    excluded: set[str],
    without_sgd: bool,
) -> None:
    why = {
        "label_smoothing": "a regression has no labels to smooth (regression=True)",
        "augmentation": "vectors cannot be augmented (images=False)",
    }
    found = [f"{name!r} is named twice." for name in dict.fromkeys(names) if names.count(name) > 1]
    found += [
        f"{name!r} is not for this task: {why[name]}; leave it out."
        for name in sorted(excluded & {*names, *given})
    ]
    found += [
        f"The range of {name!r} is given, but {name!r} is not searched; name it too."
        for name in given
        if name not in wanted and name not in excluded
    ]
    found += [
        f"The range of {name!r} must be a Choice, Int or Float, got {parameter!r}."
        for name, parameter in given.items()
        if not isinstance(parameter, Parameter)
    ]
    if without_sgd:
        found += [
            f"{name!r} only counts with sgd, which is not among the optimizers; leave it out."
            for name in _ONLY_SGD
            if name in wanted
        ]
    if found:
        raise InvalidSpaceError("\n".join(f"training_space: {line}" for line in found))
