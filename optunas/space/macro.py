"""The value type of macro spaces: layers in a row with skip connections, then a dense part.

Nodes are numbered: 0 is the network's input, node ``i`` the output of the i-th layer. Layer ``i``
reads node ``i - 1`` and, where it joins, the earlier nodes in ``skips``. A skip is brought to the
resolution of node ``i - 1`` by average pooling and, to be added, to its channels by a 1x1
convolution where they differ; ``concat`` puts the channels side by side in the order of the nodes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from optunas.errors import InvalidArchitectureError, nearest
from optunas.space.json_text import load_json
from optunas.space.macro_operations import POOLS, READOUTS
from optunas.space.operations import Operation

__all__ = ["Dense", "Layer", "Macro"]


@dataclass(frozen=True)
class Layer:
    """One layer of feature maps.

    Attributes:
        operation: a name of ``MACRO_OPERATIONS`` or of an own operation.
        filters: output channels; None where the operation keeps its input's (pools, identity,
            zero).
        kernel: side of the window; None for identity, zero and own operations.
        stride: 1 or 2, always 2 for pools; a size becomes ``ceil(size / stride)``.
        activation: after the norm; None for pools, identity, zero and own operations.
        norm: ``batch``, ``group`` or ``none``; None as for the activation.
        join: ``sequential`` (the previous node alone), ``add`` or ``concat``.
        skips: earlier nodes that are joined to the previous one, ascending; empty when sequential.
            A list is kept as a tuple.
    """

    operation: str
    filters: int | None = None
    kernel: int | None = None
    stride: int = 1
    activation: str | None = None
    norm: str | None = None
    join: str = "sequential"
    skips: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.skips, list):
            object.__setattr__(self, "skips", tuple(self.skips))

    def __str__(self) -> str:
        """``add(0) conv 3x3 16 /2 batch relu``: join, operation, window, filters, stride.

        A join without skips is not shown: there is nothing to join.
        """
        skips = ",".join(str(skip) for skip in self.skips)
        parts = [
            f"{self.join}({skips})" if skips else None,
            self.operation,
            None if self.kernel is None else f"{self.kernel}x{self.kernel}",
            None if self.filters is None else str(self.filters),
            f"/{self.stride}" if self.stride != 1 and self.operation not in POOLS else None,
            None if self.norm == "none" else self.norm,
            self.activation,
        ]
        return " ".join(part for part in parts if part is not None)


@dataclass(frozen=True)
class Dense:
    """One fully connected layer: linear, norm, activation, dropout.

    Attributes:
        units: number of outputs.
        activation: as for a :class:`Layer`.
        norm: ``batch``, ``layer`` or ``none``.
        dropout: share of the outputs set to zero while training, in [0, 1).
    """

    units: int
    activation: str = "relu"
    norm: str = "none"
    dropout: float = 0.0

    def __str__(self) -> str:
        """``dense 64 batch relu dropout 0.5``."""
        norm = "" if self.norm == "none" else f" {self.norm}"
        dropout = f" dropout {self.dropout}" if self.dropout else ""
        return f"dense {self.units}{norm} {self.activation}{dropout}"


@dataclass(frozen=True)
class Macro:
    """A network, without its classifier, which the task's number of outputs decides.

    Attributes:
        layers: of feature maps; empty for a multilayer perceptron. Lists are kept as tuples.
        dense: fully connected layers after the feature maps (or the flattened input).
        readout: how feature maps become a vector: ``average`` or ``max`` over their pixels, or
            ``flatten``; without layers the input is always flattened, and this is ``flatten``.
        operations: a user's own operations that the layers name; not part of equality or JSON.
    """

    layers: tuple[Layer, ...] = ()
    dense: tuple[Dense, ...] = ()
    readout: str = "average"
    operations: tuple[Operation, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("layers", "dense"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        if isinstance(self.layers, tuple) and not self.layers:
            object.__setattr__(self, "readout", "flatten")

    def to_json(self) -> str:
        """JSON text; :meth:`from_json` gives an equal macro back. Defaults are left out."""
        body = {
            "kind": "macro",
            "version": 1,
            "layers": [_written(layer) for layer in self.layers],
            "dense": [_written(dense) for dense in self.dense],
            "readout": self.readout,
        }
        return json.dumps(body, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, operations: tuple[Operation, ...] = ()) -> Macro:
        """The macro that :meth:`to_json` wrote.

        Args:
            text: JSON.
            operations: own operations that the layers may name.

        Raises:
            InvalidArchitectureError: for text of another kind or version, and for what can be no
                network (a skip from a later layer, 0 filters), all problems at once.
        """
        from optunas.space.macro_check import faults  # which reads the types defined here

        body = load_json(text, "macro")
        found: list[str] = []
        rows: dict[str, Any] = {name: body.get(name) for name in ("layers", "dense")}
        for name, listed in rows.items():
            if not isinstance(listed, list):
                found.append(f"The JSON of a macro has a list of {name}, got {listed!r}.")
        if found:
            raise InvalidArchitectureError("\n".join(found))
        layers = _read(Layer, rows["layers"], "layer", found)
        dense = _read(Dense, rows["dense"], "dense", found)
        readout = body.get("readout", "flatten" if not layers else "average")
        if readout not in READOUTS:
            found.append(f"readout is {readout!r}{nearest(str(readout), READOUTS)}")
        if not found:
            macro = cls(tuple(layers), tuple(dense), readout, operations)
            found = list(faults(macro, trust_names=True).values())
        if found:
            raise InvalidArchitectureError("\n".join(found))
        return macro

    def __str__(self) -> str:
        """``conv 3x3 16 batch relu > max_pool 2x2 > average > dense 64 relu``."""
        return " > ".join([*map(str, self.layers), self.readout, *map(str, self.dense)])


def _written(part: Layer | Dense) -> dict[str, Any]:
    values = {f.name: getattr(part, f.name) for f in fields(part)}
    row = {f.name: values[f.name] for f in fields(part) if values[f.name] != f.default}
    return row | ({"skips": list(row["skips"])} if "skips" in row else {})


def _read(kind: type, rows: Iterable[Any], name: str, found: list[str]) -> list[Any]:
    """The layers of ``rows``; what cannot be read is told in ``found``."""
    known = {f.name: f.default is MISSING for f in fields(kind)}
    read = []
    for at, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            found.append(f"{name}{at} must be an object with its fields, got {row!r}.")
            continue
        unknown = [key for key in row if key not in known]
        missing = [key for key, needed in known.items() if needed and key not in row]
        found += [f"{name}{at}: unknown field {k!r}{nearest(k, known)}" for k in unknown]
        found += [f"{name}{at}: its {key} is missing." for key in missing]
        if not unknown and not missing:
            read.append(kind(**row))
    return read
