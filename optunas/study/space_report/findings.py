"""What is wrong with a space, or worth knowing: each finding with its reason and its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from optunas.study.space_report.candidates import operations_of
from optunas.study.space_report.costs import Costs, constraint_shares
from optunas.study.space_report.fit import NOTHING_TO_LEARN, Fit
from optunas.study.space_report.numbers import brief, times
from optunas.study.space_report.sampling import Sample
from optunas.study.spec import StudySpec

__all__ = ["CODES", "Finding", "findings"]

CODES = (
    "none_only",
    "disconnected",
    "no_identity",
    "few_operations",
    "channels_not_monotonic",
    "single_option",
    "too_small",
    "too_large",
    "constraint_never_met",
    "constraint_rarely_met",
    "constraint_always_met",
    "duplicates_not_reused",
    "task_mismatch",
    "not_measured",
    "no_data",
)
"""Every finding that there is, in the order in which they are shown."""

MANY = 0.2
"""Share of disconnected networks from which they are a warning: they are ruled out before any
training, but each costs the sampler a suggestion and a genetic one a place in its population."""

DEEP = 8
"""Layers from which a network without skip connections is hard to train; He et al. (2016) saw plain
networks get worse between 20 and 56 layers, without batch norm it begins earlier."""

RARE = 0.05
"""Share of members that meet a constraint below which most suggestions are wasted."""


class Finding(NamedTuple):
    """One thing found in a space.

    Attributes:
        code: one of :data:`CODES`, for programs.
        level: ``warning``, or ``note`` for what is worth knowing and costs little.
        what: was found.
        why: it matters.
        remedy: what to change.
    """

    code: str
    level: str
    what: str
    why: str
    remedy: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return self._asdict()


def findings(spec: StudySpec, sample: Sample, costs: Costs, fit: Fit) -> list[Finding]:
    """Everything found, warnings first, in the order of :data:`CODES`."""
    found = [
        *(() if costs.recorded else _connection(sample)),
        *_operations(sample),
        *_channels(sample),
        *_single_options(sample),
        *_budget(fit),
        *_constraints(spec, costs),
        *_reuse(spec, sample, costs),
        *_unmeasured(costs),
    ]
    return sorted(found, key=lambda f: (f.level != "warning", CODES.index(f.code)))


def _connection(sample: Sample) -> Iterator[Finding]:
    share = sample.disconnected
    if not sample.part.num_architectures() or not share.count:
        return
    if share.count == share.of:
        names = _zeros(sample.part)
        alone = all(operation.zero for operation in operations_of(sample.part))
        which = f"; {names} is all there is to choose" if names and alone else ""
        seen = "every network" if sample.exact else f"every one of {share.of} random networks"
        yield Finding(
            "none_only",
            "warning",
            f"In {seen} no path leads from the input to the output{which}.",
            "Such a network cannot learn; all are ruled out and the study trains nothing.",
            f"Drop {names}, or allow it on fewer edges."
            if names and not alone
            else "Add operations that pass something on: a convolution, a pool, an identity.",
        )
        return
    yield Finding(
        "disconnected",
        "warning" if share.value >= MANY else "note",
        f"In {share} of the networks the output does not depend on the input"
        + (f": {_zeros(sample.part)} can cut every path." if _zeros(sample.part) else "."),
        "They are ruled out before any training, at the price of a suggestion each.",
        "Leave it, or use fewer operations that output zeros."
        if share.value < MANY
        else "Drop the operations that output zeros, or allow them on fewer edges.",
    )


def _zeros(part: Any) -> str:
    """The names of the operations that output zeros."""
    return " or ".join(repr(operation.name) for operation in operations_of(part) if operation.zero)


def _operations(sample: Sample) -> Iterator[Finding]:
    operations = operations_of(sample.part)
    layered = [a for a in sample.architectures if isinstance(getattr(a, "layers", None), tuple)]
    layers = [layer for a in layered for layer in a.layers]
    if not operations or (layered and not layers):
        return  # no candidates, or dense layers alone
    skips = any(getattr(layer, "skips", ()) for layer in layers)
    if not skips and not any(operation.identity for operation in operations):
        depth = max((len(a.layers) for a in layered), default=DEEP)
        yield Finding(
            "no_identity",
            "warning" if depth >= DEEP else "note",
            "No operation passes its input on unchanged"
            + (", and no layer has a skip connection." if layers else "."),
            "Gradients reach early layers through skip connections; without one deep networks "
            "train badly, and the search cannot make a network shallower.",
            "Allow skip connections, or add 'identity'."
            if layers
            else "Add 'skip_connect', or an own Operation(..., identity=True).",
        )
    if len(operations) < 3:
        names = ", ".join(operation.name for operation in operations)
        yield Finding(
            "few_operations",
            "warning",
            f"There {'is one operation' if len(operations) == 1 else 'are two operations'} to "
            f"choose from: {names}.",
            "With fewer than three the search decides little but the wiring, and the best network "
            "is likely to lie outside the space.",
            "Add operations of another kind: another kernel, a pool, an identity, 'none'.",
        )


def _channels(sample: Sample) -> Iterator[Finding]:
    share = sample.narrowing
    if not share.count:
        return
    yield Finding(
        "channels_not_monotonic",
        "warning" if share.value >= RARE else "note",
        f"In {share} of the networks a layer or stage has fewer channels than the one before it.",
        "Channels usually grow as the resolution falls; a narrow place in between throws away what "
        "earlier layers have paid for.",
        "Give later stages the larger options, and no option below the largest one before; or "
        "leave it where a bottleneck is meant.",
    )


def _single_options(sample: Sample) -> Iterator[Finding]:
    table = sample.space.parameters()
    fixed = [name for name, parameter in table.items() if parameter.size == 1]
    # A genotype's first node has two inputs to choose from two: that is the space's own shape.
    fixed = [name for name in fixed if not name.endswith("node2.inputs")]
    if not fixed or sample.space.size == 1:
        return
    one = len(fixed) == 1
    yield Finding(
        "single_option",
        "note",
        f"{'The parameter' if one else 'The parameters'} {_list(fixed)} "
        f"{'has' if one else 'have'} a single option.",
        "Nothing is searched there; it stands in every trial and every table.",
        "Fix it in the study's training settings or in the space's own code, or add options.",
    )


def _budget(fit: Fit) -> Iterator[Finding]:
    if fit.verdict == "exhaustible" and fit.distinct == 1:
        yield Finding(
            "too_small",
            "warning",
            "The space has a single candidate.",
            "There is nothing to search.",
            "Add options, or train it without a study.",
        )
    elif fit.verdict == "exhaustible" and fit.distinct > 1:
        walks = fit.given in ("brute_force", "grid")
        yield Finding(
            "too_small",
            "note" if walks else "warning",
            fit.ratio(),
            "Nothing has to be guessed by a sampler.",
            f"The sampler {fit.given!r} suits that."
            if walks
            else f"Use sampler={fit.advice.recommended!r}, or spend the budget on more options.",
        )
    elif fit.verdict == "too_large":
        helps = [n for n in fit.narrowings if n.factor >= 1.05][:1]
        narrow = [f"{n.change} makes it {times(n.factor)} times smaller" for n in helps]
        yield Finding(
            "too_large",
            "warning",
            f"The space is too large for its budget: {fit.ratio()}",
            NOTHING_TO_LEARN,
            f"Raise the budget to {fit.trials_that_fit:,} trials, or narrow the space: "
            + (narrow[0] if narrow else "fix parameters")
            + ".",
        )


def _constraints(spec: StudySpec, costs: Costs) -> Iterator[Finding]:
    maximised = {m.name for m in spec.all_metrics if m.maximize}
    for name, share in constraint_shares(spec, costs).items():
        sign = ">=" if name in maximised else "<="
        limit, median = f"{name} {sign} {brief(spec.constraints[name])}", costs.ranges()[name][1]
        if share.count == share.of:
            yield Finding(
                "constraint_always_met",
                "note",
                f"Every one of {share.of} random networks meets {limit} (median {brief(median)}).",
                "The constraint rules nothing out.",
                "Tighten it, or leave it out.",
            )
        elif share.value < RARE:
            never = share.count == 0
            yield Finding(
                "constraint_never_met" if never else "constraint_rarely_met",
                "warning",
                f"{'None' if never else str(share)} of {share.of} random networks "
                f"{'meets' if never else 'meet'} {limit} (median {brief(median)}).",
                "Most of the budget goes into networks that may not be used.",
                "Loosen the limit, or shift the space: fewer channels, layers or costly "
                "operations.",
            )


def _reuse(spec: StudySpec, sample: Sample, costs: Costs) -> Iterator[Finding]:
    share = sample.duplicates
    if not spec.reuse and share.value >= RARE and not costs.recorded:
        yield Finding(
            "duplicates_not_reused",
            "warning",
            f"{share} of the codes are networks that have another code too, and reuse=False.",
            "The same network is trained again under each of its codes.",
            "Set reuse=True; for noisy scores with repeats=2 or more.",
        )


def _unmeasured(costs: Costs) -> Iterator[Finding]:
    if costs.no_data:
        yield Finding(
            "no_data",
            "warning",
            f"The task's data cannot be had, so no costs are known: {costs.no_data}",
            "The shape of the data decides what a network costs.",
            "Install the data, or ask on a machine that has it.",
        )
    if costs.mismatch:
        yield Finding(
            "task_mismatch",
            "warning",
            f"The study's task refuses what the space holds: {costs.mismatch.rstrip('.')}.",
            "The study cannot be created.",
            "Change the space, or the study's training settings.",
        )
    for problem in dict.fromkeys(costs.problems.values()):
        names = [name for name, text in costs.problems.items() if text == problem]
        some = all(name in costs.values for name in names)
        yield Finding(
            "not_measured",
            "warning",
            f"The {' and '.join(names)} of {'some' if some else 'the'} random networks cannot be "
            f"had: {problem.rstrip('.')}.",
            "What cannot be built and measured here fails as a trial, too.",
            "Repair the operation, the space's build or the metric that the message names.",
        )


def _list(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "")
