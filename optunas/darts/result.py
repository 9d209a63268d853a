"""What a search leaves in a file: versioned JSON, written whole or not at all. No torch here."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from optunas.darts.choices import LAYERS, Member
from optunas.darts.contents import check_contents
from optunas.errors import InvalidSpecError, OptunasError, StorageError
from optunas.space import Cell, CellSpace, DenseCellSpace, Genotype, Macro
from optunas.space.macro_skeleton import candidate_names

__all__ = [
    "FinalNetwork",
    "Restart",
    "SearchResult",
    "read_result",
    "space_digest",
    "write_json",
    "write_result",
]

KIND, VERSION = "darts", 1


@dataclass(frozen=True)
class FinalNetwork:
    """The network that the architecture is meant for, whose costs the limits are about.

    Attributes:
        input_shape: (channels, height, width).
        num_outputs: of the classifier.
        channels, num_cells: as for ``optunas.build``; None of a macro network, which brings both.
        origin: in words, where the last two come from.
    """

    input_shape: tuple[int, ...]
    num_outputs: int
    channels: int | None = None
    num_cells: int | None = None
    origin: str = ""

    def arguments(self) -> dict[str, Any]:
        """What :func:`optunas.darts.discretize` wants to know."""
        body = asdict(self)
        del body["origin"]
        return body

    def counts(self) -> dict[str, int]:
        """Channels and number of cells, as far as the network takes them."""
        given = {"channels": self.channels, "num_cells": self.num_cells}
        return {name: count for name, count in given.items() if count is not None}


@dataclass(frozen=True)
class Restart:
    """One of the searches: a seed and what came of it.

    Attributes:
        seed: of the search.
        architecture: its JSON as data, chosen under the limits.
        score: sum of the logarithms of its operations' weights.
        costs: of the final network, by name.
        alphas, weights: (E, O) lists by name, as the search left them.
        history: one record an epoch, without the alphas of each.
        epoch: of the history, whose alphas these are; -1 is the last.
        stopped: why the search ended before its last epoch, in words; else empty.
        judged: what ``collapse_report`` found, as plain data; empty where it was not asked.
        stability: share of the edges whose leading operation stayed over the last third.
        seconds, steps: of the search.
        choice: what the choice went by in place of the weights, where it was another rule than
            argmax; (E, O) lists by kind of cell.
        choice_seconds, choice_steps: of that rule, on top of the search's.
        validation: score of the architecture, trained from scratch; None where that was not done.
        validation_epochs, validation_seconds: of that training.
        validation_failed: why that training broke down, in words; else empty.
    """

    seed: int
    architecture: Mapping[str, Any]
    score: float
    costs: Mapping[str, float]
    alphas: Mapping[str, Any]
    weights: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...]
    stability: float
    seconds: float
    steps: int
    validation: float | None = None
    validation_epochs: int = 0
    validation_seconds: float = 0.0
    epoch: int = -1
    stopped: str = ""
    judged: Mapping[str, Any] = field(default_factory=dict)
    choice: Mapping[str, Any] = field(default_factory=dict)
    choice_seconds: float = 0.0
    choice_steps: int = 0
    validation_failed: str = ""

    def network(self) -> Member:
        """The architecture; a user's own operations are known by name only."""
        kinds = {"cell": Cell, "macro": Macro}
        kind: type[Member] = kinds.get(self.architecture.get("kind", ""), Genotype)
        return kind.from_json(json.dumps(self.architecture))

    def arrays(self) -> dict[str, np.ndarray]:
        """What the choice went by, (E, O) by kind of cell."""
        table = self.choice or self.weights
        return {kind: np.array(rows, dtype=np.float64) for kind, rows in table.items()}


@dataclass(frozen=True)
class SearchResult:
    """A search, or several that differ in their seed alone, and the one that is kept.

    Attributes:
        study: name of the study whose space and task were searched.
        space: its definition.
        space_digest: of the definition.
        task: ``reference``, ``options``, ``name``, ``fingerprint``, ``score`` and ``direction``.
        settings: of the search, as in ``SearchSettings``.
        network: the final one.
        limits: on its costs.
        device: of the search.
        restarts: in the order they were run.
        kept: place of the chosen one among them.
        notes: sentences for a person.
        selection: the rule of the choice, ``argmax`` or ``perturbation``.
    """

    study: str
    space: Mapping[str, Any]
    space_digest: str
    task: Mapping[str, Any]
    settings: Mapping[str, Any]
    network: FinalNetwork
    limits: Mapping[str, float]
    device: str
    restarts: tuple[Restart, ...]
    kept: int = 0
    notes: tuple[str, ...] = field(default=())
    selection: str = "argmax"

    @property
    def best(self) -> Restart:
        """The restart that is kept."""
        return self.restarts[self.kept]

    @property
    def architecture(self) -> Member:
        """The result: a ``Cell``, a ``Genotype`` or a ``Macro``."""
        return self.best.network()

    @property
    def operations(self) -> tuple[str, ...]:
        """The columns of the weights: the space's operations, or a macro layer's candidates."""
        if self.space["kind"] == "macro":
            return candidate_names(self.space)
        return tuple(o if isinstance(o, str) else o["name"] for o in self.space["operations"])

    def search_cost(self) -> dict[str, Any]:
        """Epochs, steps and seconds of all searches, and of the trainings that chose one."""
        return {
            "epochs": sum(len(r.history) for r in self.restarts),
            "steps": sum(r.steps for r in self.restarts),
            "seconds": math.fsum(r.seconds for r in self.restarts),
            "choice_steps": sum(r.choice_steps for r in self.restarts),
            "choice_seconds": math.fsum(r.choice_seconds for r in self.restarts),
            "validation_epochs": sum(r.validation_epochs for r in self.restarts),
            "validation_seconds": math.fsum(r.validation_seconds for r in self.restarts),
            "device": self.device,
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain data, JSON-able; what is not a number becomes None."""
        best = self.best
        body = {
            "kind": KIND,
            "version": VERSION,
            "architecture": best.architecture,
            "variant": self.settings.get("variant"),
            "order": self.settings.get("order"),
            "seed": best.seed,
            "search_cost": self.search_cost(),
            **asdict(self),
        }
        plain: dict[str, Any] = _finite(body)
        return plain

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> SearchResult:
        """The result that :meth:`to_dict` wrote.

        Raises:
            InvalidSpecError: for what is no such result; one sentence.
        """
        if body.get("kind") != KIND:
            raise InvalidSpecError(
                f"it is of the kind {body.get('kind')!r}, a search's result is of the kind {KIND!r}"
            )
        if body.get("version") != VERSION:
            raise InvalidSpecError(
                f"it is of version {body.get('version')!r}, this optunas reads version {VERSION}"
            )
        body = {"selection": "argmax", **body}  # which files before there were others lack
        if isinstance(body.get("limits"), Mapping):  # an infinite one, which JSON does not know
            body["limits"] = {n: v for n, v in body["limits"].items() if v is not None}
        missing = [f.name for f in fields(cls) if f.name not in body]
        if missing:
            raise InvalidSpecError(f"its {', '.join(missing)} is missing")
        try:
            made = cls(**{f.name: body[f.name] for f in fields(cls)} | _nested(body))
            _check(made)
        except OptunasError:
            raise
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            raise InvalidSpecError(
                f"its contents do not fit together ({type(error).__name__}: {error})"
            ) from None
        return made


def space_digest(definition: Mapping[str, Any]) -> str:
    """A short hash of a space's definition."""
    text = json.dumps(definition, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_result(path: str | Path) -> SearchResult:
    """The result in a file.

    Raises:
        InvalidSpecError: when it is missing, cut off, of another kind or version, or broken.
    """
    try:
        body = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSpecError(f"Cannot read {str(path)!r}: {error.strerror or error}.") from None
    except ValueError as error:
        raise InvalidSpecError(
            f"{str(path)!r} is no JSON, or it is cut off: {error}. Search again with "
            "'optunas darts search'."
        ) from None
    if not isinstance(body, dict):
        raise InvalidSpecError(f"{str(path)!r} is no result of a search: it holds no JSON object.")
    try:
        return SearchResult.from_dict(body)
    except OptunasError as error:
        raise InvalidSpecError(
            f"{str(path)!r} is no result of a search that can be read: {error}."
        ) from None


def write_result(result: SearchResult, path: str | Path) -> None:
    """Write a result, whole or not at all.

    Raises:
        StorageError: when the file cannot be written.
    """
    write_json(result.to_dict(), path)


def write_json(body: object, path: str | Path) -> None:
    """JSON beside ``path``, then in its place.

    Raises:
        StorageError: when the file cannot be written.
    """
    target = Path(path)
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8") as file:
            json.dump(_finite(body), file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StorageError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from None


def _nested(body: Mapping[str, Any]) -> dict[str, Any]:
    shape = tuple(body["network"]["input_shape"])
    restarts = []
    for row in body["restarts"]:
        restarts.append(Restart(**{**row, "history": tuple(row["history"])}))
    return {
        "network": FinalNetwork(**{**body["network"], "input_shape": shape}),
        "restarts": tuple(restarts),
        "notes": tuple(body["notes"]),
    }


def _check(result: SearchResult) -> None:
    """What later reading goes by: a space with a supernet, an architecture, weights that fit."""
    check_contents(result)
    kinds: dict[Any, tuple[str, ...]] = {
        CellSpace.stored_kind: ("normal", "reduce"),
        DenseCellSpace.stored_kind: ("cell",),
        "macro": (LAYERS,),
    }
    if result.space.get("kind") not in kinds:
        raise InvalidSpecError(f"its space is of the kind {result.space.get('kind')!r}")
    if result.space_digest != space_digest(result.space):
        raise InvalidSpecError("its space was changed since: the digest is another one")
    if not 0 <= result.kept < len(result.restarts):
        raise InvalidSpecError(f"it keeps number {result.kept} of {len(result.restarts)} restarts")
    wanted = kinds[result.space["kind"]]
    for restart in result.restarts:
        shapes = {kind: rows.shape for kind, rows in restart.arrays().items()}
        if set(shapes) != set(wanted):
            raise InvalidSpecError(f"its weights are of the cells {sorted(shapes)}")
        if any(len(s) != 2 or s[1] != len(result.operations) for s in shapes.values()):
            raise InvalidSpecError("its weights do not have a column for each operation")
        restart.network()


def _finite(value: Any) -> Any:
    """``value`` as plain data, numbers that JSON does not know as None."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _finite(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
