"""Who takes part in a comparison: studies times samplers, random search always among them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from optunas.compare.amount import Amount
from optunas.errors import InvalidSpecError
from optunas.samplers import OWN, SAMPLERS
from optunas.study import StudySpec

__all__ = [
    "RANDOM",
    "Contestant",
    "Entry",
    "SamplerChoice",
    "apart",
    "check_same",
    "contestants",
    "sampler",
]

RANDOM = "random"

VERSION = 1
"""Of what a run does; a change makes stored runs other runs."""


@dataclass(frozen=True)
class SamplerChoice:
    """A sampler of a comparison.

    Attributes:
        name: a key of ``optunas.samplers.SAMPLERS`` (or of the samplers that know the space).
        options: its arguments.
        reference: ``"module:factory"`` of a sampler from elsewhere, in place of a name;
            ``factory(space, directions, seed)`` returns an Optuna ``BaseSampler``.
    """

    name: str = ""
    options: Mapping[str, Any] | None = None
    reference: str = ""

    def __str__(self) -> str:
        if self.reference:
            return self.reference.rpartition(":")[2]
        if not self.options:
            return self.name
        return f"{self.name} ({', '.join(f'{k}={v}' for k, v in self.options.items())})"


@dataclass(frozen=True)
class Entry:
    """A study that takes part.

    Attributes:
        spec: its definition.
        trust: packages whose code it may refer to; ``("*",)`` trusts all.
        seeds: parameters of networks that every run trains first, with their source: a study that
            was seeded is a seeded contestant.
    """

    spec: StudySpec
    trust: tuple[str, ...] = ("*",)
    seeds: tuple[tuple[Mapping[str, Any], str], ...] = ()


@dataclass(frozen=True)
class Contestant:
    """A study with a sampler.

    Attributes:
        label: in tables and pictures.
        entry: the study.
        sampler: the sampler in its definition's place.
        spec: the definition with this sampler and the comparison's budget; a run sets the seed.
    """

    label: str
    entry: Entry
    sampler: SamplerChoice
    spec: StudySpec = field(repr=False)

    def key(self, fingerprint: str, device: str) -> str:
        """A name for what its runs do: equal keys and seeds give equal runs.

        Args:
            fingerprint: of the task's data and split.
            device: that the runs train on.
        """
        body = self.spec.to_dict()
        for name in ("name", "description", "seed", "reference"):
            del body[name]
        whole = [VERSION, body, self.sampler.reference, self.entry.seeds, fingerprint, device]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Plain data from which :meth:`from_json` makes it again, in a worker process."""
        return {
            "label": self.label,
            "spec": self.spec.to_json(),
            "trust": list(self.entry.trust),
            "seeds": [[dict(params), source] for params, source in self.entry.seeds],
            "sampler": [self.sampler.name, self.sampler.options, self.sampler.reference],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Contestant:
        """What :meth:`to_json` gave; imports what its definition refers to."""
        from optunas.study.references import resolver

        trust = tuple(body["trust"])
        spec = StudySpec.from_json(body["spec"], resolver(trust))
        seeds = tuple((params, source) for params, source in body["seeds"])
        return cls(body["label"], Entry(spec, trust, seeds), SamplerChoice(*body["sampler"]), spec)


def sampler(given: str | SamplerChoice | tuple[str, Mapping[str, Any]]) -> SamplerChoice:
    """Read a sampler: ``"tpe"``, ``"nsga2:population_size=20"``, ``"module:factory"``.

    Further options follow further colons; their values are JSON, or text. Colons within JSON's
    brackets and quotes are its own.

    Raises:
        InvalidSpecError: for anything else.

    >>> str(sampler("nsga2:population_size=20"))
    'nsga2 (population_size=20)'
    >>> sampler('surrogate:scalarise={"form": "weights", "weights": [2, 1]}').options
    {'scalarise': {'form': 'weights', 'weights': [2, 1]}}
    """
    if isinstance(given, SamplerChoice):
        return given
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping):
        return SamplerChoice(str(given[0]), dict(given[1]) or None)
    if not isinstance(given, str) or not given.strip():
        raise InvalidSpecError(
            "A sampler is a name, 'name:option=value' or 'module:factory', in Python also "
            f"(name, options), got {given!r}."
        )
    name, *rest = apart(given, ":")
    if not rest:
        return SamplerChoice(name)
    if len(rest) == 1 and "=" not in rest[0] and rest[0] and name not in {*SAMPLERS, *OWN}:
        return SamplerChoice(reference=f"{name}:{rest[0]}")
    options = {}
    for part in rest:
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise InvalidSpecError(
                f"The sampler {given!r} has the option {part!r}; write 'name:option=value'."
            )
        options[key.strip()] = _value(value.strip())
    return SamplerChoice(name, options)


def apart(text: str, sign: str) -> list[str]:
    """The parts of ``text`` between signs that are outside of brackets and double quotes.

    >>> apart('tpe, cheap_aware:proxies=["zen", "zico"]', ",")
    ['tpe', 'cheap_aware:proxies=["zen", "zico"]']
    """
    parts, depth, quoted = [""], 0, False
    for char in text:
        quoted ^= char == '"'
        if not quoted:
            depth += (char in "[{") - (char in "]}")
        if char == sign and not quoted and depth <= 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)


def contestants(
    entries: Sequence[Entry], samplers: Collection[SamplerChoice], budget: Amount
) -> list[Contestant]:
    """Every study with every sampler; without samplers each study with its own. Random comes last.

    Raises:
        InvalidSpecError: when two would be the same, or there is one only.
    """
    if not entries:
        raise InvalidSpecError("A comparison needs a study: a study file or a stored study's name.")
    names = [entry.spec.name for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidSpecError(
            f"Two studies of the comparison are called {twice[0]!r}; give one of them another name."
        )
    found = [
        _contestant(entry, choice, budget, len(entries) > 1)
        for entry in entries
        for choice in _with_random(list(samplers) or [SamplerChoice(entry.spec.sampler)])
    ]
    labels = [one.label for one in found]
    again = [label for label in labels if labels.count(label) > 1]
    if again:
        raise InvalidSpecError(f"The contestant {again[0]!r} is given twice; name it once.")
    if len(found) < 2:
        raise InvalidSpecError(
            f"There is one contestant only, {found[0].label!r}: name further samplers with "
            "--samplers tpe,nsga2, or a second study."
        )
    return found


def _with_random(choices: list[SamplerChoice]) -> list[SamplerChoice]:
    there = any(c.name == RANDOM and not c.options for c in choices)
    return choices if there else [*choices, SamplerChoice(RANDOM)]


def _contestant(entry: Entry, choice: SamplerChoice, budget: Amount, several: bool) -> Contestant:
    own = choice.name == entry.spec.sampler and choice.options is None
    options = entry.spec.sampler_options if own else choice.options or {}
    shown = replace(choice, options=dict(options) or None)
    spec = replace(
        entry.spec,
        # One from elsewhere is put in the place of this one when a run begins.
        sampler=RANDOM if choice.reference else choice.name,
        sampler_options=options,
        budget=budget.budget,
        reference=False,
    )
    label = f"{entry.spec.name} / {shown}" if several else str(shown)
    return Contestant(label, entry, shown, spec)


def check_same(entries: Sequence[Entry], fingerprints: Sequence[str]) -> None:
    """Refuse studies whose values cannot be held against each other.

    Raises:
        InvalidSpecError: for other objectives, other data, or other constraints.
    """
    first = entries[0].spec
    for other, print_ in zip(entries[1:], fingerprints[1:], strict=True):
        pair = f"{first.name!r} and {other.spec.name!r}"
        mine, theirs = _objectives(first), _objectives(other.spec)
        if mine != theirs:
            raise InvalidSpecError(
                f"The studies {pair} have different objectives ({', '.join(mine)}; "
                f"{', '.join(theirs)}); only equal ones in the same order can be compared."
            )
        if print_ != fingerprints[0]:
            raise InvalidSpecError(
                f"The studies {pair} have different tasks or data ({_task(first)}; "
                f"{_task(other.spec)}); compare studies of the same data and split."
            )
        if dict(first.constraints) != dict(other.spec.constraints):
            raise InvalidSpecError(
                f"The studies {pair} have different constraints ({_limits(first)}; "
                f"{_limits(other.spec)}); give both the same."
            )


def _objectives(spec: StudySpec) -> list[str]:
    return [f"{m.name} ({m.direction})" for m in spec.objective_metrics]


def _task(spec: StudySpec) -> str:
    options = ", ".join(f"{k}={v!r}" for k, v in spec.task_options.items())
    return f"{spec.task}{f' with {options}' if options else ''}"


def _limits(spec: StudySpec) -> str:
    return ", ".join(f"{k} {v:g}" for k, v in spec.constraints.items()) or "none"


def folder_name(label: str) -> str:
    """A label as the name of a folder."""
    return re.sub(r"[^\w.=-]+", "_", label).strip("_")[:60]
