"""Spaces that each break one promise of a space, for the tests of the conformance suite."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optunas.errors import InvalidArchitectureError
from optunas.space import Choice, Condition, Float, Int, Parameter, Space


@dataclass(frozen=True)
class Plan:
    """A correct member: momentum counts with sgd alone."""

    optimizer: str
    depth: int
    lr: float
    momentum: float | None = None


@dataclass
class LoosePlan:
    """One that can be changed, and so cannot be hashed."""

    optimizer: str
    depth: int
    lr: float
    momentum: float | None = None


@dataclass(unsafe_hash=True)
class OpenPlan(LoosePlan):
    """One that can be changed, although it has a hash."""


class PlanSpace(Space[Any]):
    """A correct space, and the base of the faulty ones."""

    member: type = Plan

    def parameters(self) -> dict[str, Parameter]:
        return {
            "optimizer": Choice(("sgd", "adam", "lamb")),
            "depth": Int(1, 6),
            "lr": Float(1e-4, 1.0, log=True),
            "momentum": Float(0.5, 0.9, step=0.1),
        }

    def conditions(self) -> dict[str, Condition]:
        return {"momentum": Condition("optimizer", ("sgd",))}

    def encode(self, architecture: Any) -> dict[str, Any]:
        values = {name: getattr(architecture, name) for name in ("optimizer", "depth", "lr")}
        return values | {"momentum": architecture.momentum or 0.5}

    def decode(self, values: Mapping[str, Any]) -> Any:
        counts = values["optimizer"] == "sgd"
        momentum = values["momentum"] if counts else None
        return self.member(values["optimizer"], values["depth"], values["lr"], momentum)


class StepSpace(PlanSpace):
    """A correct space without a continuous parameter."""

    def parameters(self) -> dict[str, Parameter]:
        return super().parameters() | {"lr": Float(0.1, 0.3, step=0.1)}


# Faults of the translations.


class DigestByIdentity(PlanSpace):
    def digest(self, architecture: Any) -> str:
        return f"{id(architecture):x}"


class DigestByHash(PlanSpace):
    """Python's hash of a text is another in each process."""

    def digest(self, architecture: Any) -> str:
        return str(hash(json.dumps(self.encode(architecture))))


class DigestOfOneParameter(PlanSpace):
    def digest(self, architecture: Any) -> str:
        return "always"


class DigestForgetsRounding(PlanSpace):
    def digest(self, architecture: Any) -> str:
        return repr(sorted(self.encode(architecture).items()))


class DecodeForgets(PlanSpace):
    def decode(self, values: Mapping[str, Any]) -> Any:
        return super().decode({**values, "depth": 1})


class DecodeKeepsItsArgument(PlanSpace):
    def decode(self, values: Mapping[str, Any]) -> Any:
        return _View(values)


class _View:
    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def __getattr__(self, name: str) -> Any:
        if name == "values":
            raise AttributeError(name)
        return self.values[name]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _View) and self.values == other.values

    def __hash__(self) -> int:
        return hash(tuple(self.values.items()))


class DecodeChangesItsArgument(PlanSpace):
    def decode(self, values: Mapping[str, Any]) -> Any:
        values["depth"] = values["depth"] + 0.0  # type: ignore[index]
        values.pop("momentum") if values["optimizer"] != "sgd" else None  # type: ignore[attr-defined]
        return super().decode({"momentum": 0.5, **values, "depth": int(values["depth"])})


class EncodeInAnotherOrder(PlanSpace):
    def encode(self, architecture: Any) -> dict[str, Any]:
        return dict(reversed(super().encode(architecture).items()))


class EncodeLeavesOut(PlanSpace):
    def encode(self, architecture: Any) -> dict[str, Any]:
        values = super().encode(architecture)
        return values if architecture.optimizer == "sgd" else {**values, "momentum": None}


class LeakIntoTheValue(PlanSpace):
    """Momentum stays in the member although it does not count."""

    def sample(self, rng: np.random.Generator) -> Any:
        return self.decode({name: p.sample(rng) for name, p in self.parameters().items()})

    def encode(self, architecture: Any) -> dict[str, Any]:
        return dataclasses.asdict(architecture)

    def decode(self, values: Mapping[str, Any]) -> Any:
        return Plan(**values)


class LeakIntoTheDigest(StepSpace):
    """The digest looks at a momentum that the last sample had."""

    def canonical(self, values: Mapping[str, Any]) -> dict[str, Any]:
        found = super().canonical(values)
        return found | {"momentum": values.get("momentum", 0.5)}


class JsonLosesAField(PlanSpace):
    def to_json(self, architecture: Any) -> str:
        body = json.loads(super().to_json(architecture))
        del body["parameters"]["depth"]
        return json.dumps(body)

    def from_json(self, text: str) -> Any:
        body = json.loads(text)
        body["parameters"].setdefault("depth", 1)
        return super().from_json(json.dumps(body))


class JsonWithoutKind(PlanSpace):
    def to_json(self, architecture: Any) -> str:
        return json.dumps(self.encode(architecture))

    def from_json(self, text: str) -> Any:
        return self.decode(json.loads(text))


class JsonReadsAnything(PlanSpace):
    def from_json(self, text: str) -> Any:
        return self.decode(self.canonical(json.loads(text)["parameters"]))


class Unhashable(PlanSpace):
    member = LoosePlan


class DefinitionWithoutArgument(PlanSpace):
    def __init__(self, deepest: int = 4) -> None:
        self.deepest = 6
        self._deepest = deepest

    def parameters(self) -> dict[str, Parameter]:
        return super().parameters() | {"depth": Int(1, self._deepest)}


# Faults of what makes members.


class MutateInPlace(PlanSpace):
    member = OpenPlan

    def mutate(self, architecture: Any, rng: np.random.Generator) -> Any:
        architecture.depth = self.parameters()["depth"].neighbour(architecture.depth, rng)
        return architecture


class MutateTwo(StepSpace):
    def mutate(self, architecture: Any, rng: np.random.Generator) -> Any:
        return super().mutate(super().mutate(architecture, rng), rng)


class MutateOnlyDepth(StepSpace):
    def mutate(self, architecture: Any, rng: np.random.Generator) -> Any:
        depth = self.parameters()["depth"].neighbour(architecture.depth, rng)
        return dataclasses.replace(architecture, depth=depth)


class MutateOutside(StepSpace):
    def mutate(self, architecture: Any, rng: np.random.Generator) -> Any:
        return dataclasses.replace(architecture, depth=architecture.depth + 1)


class CrossoverInvents(StepSpace):
    def crossover(self, a: Any, b: Any, rng: np.random.Generator, rate: float = 0.5) -> Any:
        child = super().crossover(a, b, rng, rate)
        return child if rate in (0.0, 1.0) else self.mutate(child, rng)


class CrossoverTheOtherWay(StepSpace):
    def crossover(self, a: Any, b: Any, rng: np.random.Generator, rate: float = 0.5) -> Any:
        return super().crossover(b, a, rng, rate)


class CrossoverIgnoresOne(StepSpace):
    def crossover(self, a: Any, b: Any, rng: np.random.Generator, rate: float = 0.5) -> Any:
        return super().crossover(a, b, rng, round(rate - 0.01))


class SampleNeverLast(StepSpace):
    def sample(self, rng: np.random.Generator) -> Any:
        found = super().sample(rng)
        return dataclasses.replace(found, depth=min(found.depth, 5))


class SampleWithoutItsGenerator(StepSpace):
    def sample(self, rng: np.random.Generator) -> Any:
        found = super().sample(rng)
        return dataclasses.replace(found, depth=random.SystemRandom().randint(1, 6))


class SampleOutside(StepSpace):
    def sample(self, rng: np.random.Generator) -> Any:
        found = super().sample(rng)
        return dataclasses.replace(found, depth=found.depth + 1)


class SizeCountsWhatDoesNotCount(StepSpace):
    @property
    def size(self) -> int:  # type: ignore[override]
        return 3 * 6 * 3 * 5


class SizeInfinite(PlanSpace):
    @property
    def size(self) -> int:  # type: ignore[override]
        return 10


class EnumerateTwice(StepSpace):
    def enumerate(self, limit: int | None = None) -> Iterator[Any]:
        rows = [each for each in super().enumerate() for _ in range(2)]
        return iter(rows[: len(rows) // 2] if limit is None else rows[:limit])


class EnumerateBackwards(StepSpace):
    def enumerate(self, limit: int | None = None) -> Iterator[Any]:
        return iter(list(super().enumerate())[::-1][:limit])


# Faults of what tells members apart, and of refusals.


class FeaturesOfVaryingLength(PlanSpace):
    def features(self, architecture: Any) -> np.ndarray:
        found = super().features(architecture)
        return found if architecture.optimizer == "sgd" else found[:-1]


class FeaturesWithNan(PlanSpace):
    def features(self, architecture: Any) -> np.ndarray:
        found = super().features(architecture)
        return found if architecture.optimizer == "sgd" else found * np.nan


class FeaturesForgetDepth(StepSpace):
    def features(self, architecture: Any) -> np.ndarray:
        return super().features(dataclasses.replace(architecture, depth=1))


class CheckStopsAtTheFirst(PlanSpace):
    def check(self, values: Mapping[str, Any], prefix: str = "") -> None:
        try:
            super().check(values, prefix)
        except InvalidArchitectureError as error:
            raise InvalidArchitectureError(str(error).splitlines()[0]) from None


class CheckRaisesKeyErrors(PlanSpace):
    def check(self, values: Mapping[str, Any], prefix: str = "") -> None:
        for name in self.parameters():
            _ = values[prefix + name]
        super().check(values, prefix)


class ValidateTakesAnything(PlanSpace):
    def validate(self, architecture: Any) -> None:
        return None


class ConnectedIsANumber(PlanSpace):
    def is_connected(self, architecture: Any) -> bool:
        return architecture.depth


class PartsWithUnknownSettings(PlanSpace):
    def parts(self, architecture: Any) -> tuple[Any, dict[str, Any]]:
        return architecture, {"lr": architecture.lr}


class OwnParameter(PlanSpace):
    def parameters(self) -> dict[str, Parameter]:
        table = super().parameters()
        return {**table, "depth": Int(1, 6 + next(_COUNT))}


_COUNT = itertools.count()
