"""The proxies of several networks as a table, FLOPs and parameters always beside them."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optunas.errors import InvalidSpecError
from optunas.metrics.proxies.catalogue import PROXIES, ProxyError
from optunas.metrics.proxies.combine import combined, needed

__all__ = ["ALWAYS", "ProxyTable", "proxy_table"]

ALWAYS = ("params", "flops")
"""What is printed beside every proxy."""


class ProxyTable(Sequence[dict[str, Any]]):
    """A row for each network, in the order given: ``network``, params, flops, the proxies, seconds.

    Attributes:
        names: of the columns of values.
        notes: sentences on networks that a proxy could not support, whose value is -inf.
    """

    def __init__(
        self, labels: Sequence[str], columns: Mapping[str, Sequence[float]], notes: Sequence[str]
    ) -> None:
        self._labels, self.notes = tuple(labels), tuple(notes)
        self._columns = {n: np.asarray(c, dtype=float) for n, c in columns.items()}
        self.names = tuple(name for name in columns if name != "seconds")

    def column(self, name: str) -> NDArray[np.float64]:
        """The values of one proxy or combination, (n,).

        Raises:
            InvalidSpecError: when the table has it not, and it does not follow from what it has.
        """
        if name in self._columns:
            return self._columns[name].copy()
        if name in ("az_nas", "rank_mean"):
            return combined(name, self.values())
        raise InvalidSpecError(f"This table has {', '.join(self.names)}, not {name!r}.")

    def values(self) -> dict[str, NDArray[np.float64]]:
        """Every single proxy's values, (n,) each, by name."""
        return {n: self._columns[n].copy() for n in self.names if n in PROXIES}

    def best(self, name: str, count: int = 1) -> list[int]:
        """Positions of the ``count`` best networks by a column, best first; equals in order."""
        return np.argsort(-self.column(name), kind="stable")[:count].tolist()

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        row: dict[str, Any] = {"network": self._labels[index]}
        for name, column in self._columns.items():
            row[name] = int(column[index]) if name in ALWAYS else float(column[index])
        return row

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[at] for at in range(len(self)))

    def to_csv(self) -> str:
        """CSV text with a header line."""
        out = io.StringIO()
        writer = csv.DictWriter(out, ["network", *self._columns], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self)
        return out.getvalue()

    def to_json(self) -> str:
        """JSON text, a list of objects; null stands for -inf."""
        rows = [
            {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in r.items()}
            for r in self
        ]
        return json.dumps(rows, indent=2)

    def __str__(self) -> str:
        header = ["network", *self._columns]
        lines = [header, *([_cell(row[name]) for name in header] for row in self)]
        widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
        return "\n".join(
            "  ".join(text.rjust(w) if at else text.ljust(w) for at, (text, w) in enumerate(pairs))
            for pairs in (list(zip(line, widths, strict=True)) for line in lines)
        )

    __repr__ = __str__


def proxy_table(
    networks: Sequence[Any],
    names: Iterable[str] | None = None,
    *,
    task: Any = None,
    batch: Any = None,
    input_shape: tuple[int, ...] | None = None,
    num_classes: int | None = None,
    settings: Mapping[str, Any] | None = None,
    batch_size: int = 64,
    seed: int = 0,
    device: str = "cpu",
    labels: Sequence[str] | None = None,
    watch: Callable[[int, int], None] | None = None,
) -> ProxyTable:
    """Compute the proxies of several networks on one batch.

    Args:
        networks: networks, or architectures, which are built with initial weights from ``seed``.
        names: proxies and combinations (``az_nas``, ``rank_mean``); None is all of them.
        task: gives the batch and builds architectures.
        batch: in place of the task's; see :func:`optunas.metrics.proxy`.
        input_shape: without batch; needed without task and batch, for normal noise.
        num_classes: needed for architectures without a task.
        settings: ``channels`` and ``num_cells`` of architectures of cells.
        batch_size: samples of the task's batch.
        seed: of batch, initial weights and draws.
        device: ``cpu``, ``cuda``, ``cuda:1``.
        labels: names of the networks in the table; None takes an architecture's text.
        watch: called with (networks done, of so many).

    Raises:
        UnknownNameError: for an unknown proxy, with the nearest.
        ProxyError: when no network at all supports a proxy; of some alone it is a note.
        InvalidSpecError: for missing or wrong arguments.
    """
    from optunas.metrics.proxies.batch import task_batch
    from optunas.metrics.proxies.computing import proxy_values
    from optunas.metrics.proxies.of_task import built

    asked = (*PROXIES, "az_nas", "rank_mean") if names is None else tuple(names)
    single = tuple(dict.fromkeys((*ALWAYS, *needed(asked if names is None else names))))
    if not len(networks):
        raise InvalidSpecError("proxy_table needs at least one network, got none.")
    if batch is None and task is not None:
        batch = task_batch(task, batch_size, seed)
    counts = dict(settings or {})
    columns: dict[str, list[float]] = {name: [] for name in (*single, "seconds")}
    refusals: dict[str, list[tuple[int, str]]] = {}
    for at, given in enumerate(networks):
        begun = time.perf_counter()
        network = given if task is None else built(task, given, counts, seed)
        refused: dict[str, str] = {}
        values = proxy_values(
            network,
            single,
            batch,
            input_shape=input_shape,
            num_classes=num_classes,
            channels=counts.get("channels"),
            num_cells=counts.get("num_cells"),
            seed=seed,
            device=device,
            refused=refused,
        )
        for name, value in values.items():
            columns[name].append(value)
        for name, why in refused.items():
            refusals.setdefault(name, []).append((at, why))
        columns["seconds"].append(time.perf_counter() - begun)
        if watch is not None:
            watch(at + 1, len(networks))
    _refuse_where_none_can(refusals, len(networks))
    seconds = columns.pop("seconds")
    for name in dict.fromkeys(asked):
        if name not in columns:
            columns[name] = combined(name, {n: columns[n] for n in single}).tolist()
    notes = [
        f"{len(found)} of {len(networks)} networks have {name} -inf; network {found[0][0]}: "
        f"{found[0][1]}"
        for name, found in refusals.items()
    ]
    return ProxyTable(
        labels or [_label(n) for n in networks], {**columns, "seconds": seconds}, notes
    )


def _refuse_where_none_can(refusals: Mapping[str, list[tuple[int, str]]], count: int) -> None:
    nowhere = [found[0][1] for found in refusals.values() if len(found) == count]
    if nowhere:
        raise ProxyError("\n".join(nowhere))


def _label(network: Any) -> str:
    from torch import nn

    return type(network).__name__ if isinstance(network, nn.Module) else str(network)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
