"""What ``optunas latency`` shows."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as Grid

from optunas.metrics.predicted.agreement import Agreement, rank_correlation
from optunas.metrics.predicted.model import LatencyModel
from optunas.metrics.predicted.watch import Watch

if TYPE_CHECKING:
    from optunas.cli.latency_work import Asked, Row

__all__ = [
    "Steps",
    "measured_body",
    "model_body",
    "print_measured",
    "print_model",
    "print_repeated",
    "repeated_body",
]

PLAIN_EVERY_S = 15.0
"""Without a terminal, a line now and then."""

BUSY = 0.1
"""Share of the time spent waiting for a core above which a warning is printed."""


class Steps(Watch):
    """Blocks that are done, on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._what, self._done, self._total, self._said = "", 0, 0, time.monotonic()

    def __enter__(self) -> Steps:
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[block]}"),
                console=self._console,
            )
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, what: str, total: int, done: int) -> None:
        """A phase of ``total`` blocks begins, ``done`` of them known from before."""
        self._what, self._total, self._done = what, total, done
        if self._bar is not None:
            self._task = self._bar.add_task(what, total=total, completed=done, block="")

    def step(self, block: str) -> None:
        """A block is finished."""
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._task, advance=1, block=block)
        elif time.monotonic() - self._said > PLAIN_EVERY_S:
            self._said = time.monotonic()
            print(f"{self._what}: {self._done} of {self._total}", file=sys.stderr, flush=True)


def measured_body(rows: Sequence[Row]) -> dict[str, Any]:
    """The networks as plain data."""
    return {
        "networks": [
            {"network": row.network, **asdict(row.latency), "margin": row.latency.margin}
            for row in rows
        ]
    }


def print_measured(rows: Sequence[Row], asked: Asked) -> None:
    """A line a network."""
    out = Console()
    first = rows[0].latency
    title = (
        f"{first.device}, {first.threads} thread{'s' if first.threads != 1 else ''}, "
        f"{first.dtype}, {first.backend}, clock {first.clock}; milliseconds a batch, "
        f"{first.passes} passes"
    )
    grid = Grid(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("", "batch", "median", "interval", "p10 to p90", "fastest", "repeats"):
        grid.add_column(name, justify="right", no_wrap=True)
    labels = list(dict.fromkeys(row.network for row in rows))
    for row in rows:
        one = row.latency
        grid.add_row(
            str(labels.index(row.network) + 1),
            str(row.batch),
            f"{one.median_ms:.4g}",
            f"{one.low_ms:.4g} to {one.high_ms:.4g} (±{one.margin:.1%})",
            f"{one.p10_ms:.4g} to {one.p90_ms:.4g}",
            f"{one.min_ms:.4g}",
            str(one.repeats),
        )
    out.print(grid)
    for number, label in enumerate(labels, start=1):
        _print_plain(out, f"{number:>4}  {label}")
    loose = sum(not row.latency.settled for row in rows)
    if loose:
        out.print(
            f"{loose} of {len(rows)} medians are not sure to ±{asked.within:.0%}: more --passes.",
            highlight=False,
        )
    print_busy([row.latency.busy for row in rows])


def print_busy(shares: Sequence[float | None]) -> None:
    """Say so when other programs took the time that was measured."""
    told = [share for share in shares if share is not None]
    if told and float(np.mean(told)) > BUSY:
        Console().print(
            f"The machine is busy: {np.mean(told):.0%} of the wall time was spent waiting for a "
            "core. The fastest readings, or --clock processor, say more.",
            highlight=False,
        )


def repeated_body(rows: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Processes by networks as what they agree on."""
    table = np.array(rows)
    rhos = [rank_correlation(a, b) for a, b in itertools.combinations(table, 2)]
    ratios = np.percentile(table, 90, axis=0) / np.percentile(table, 10, axis=0)
    return {
        "processes": len(table),
        "networks": table.shape[1],
        "rank_correlation": {"median": float(np.median(rhos)), "lowest": float(np.min(rhos))},
        "p90_over_p10": {"median": float(np.median(ratios)), "highest": float(ratios.max())},
        "median_ms": table.tolist(),
    }


def print_repeated(body: dict[str, Any]) -> None:
    """Two lines."""
    rho, ratio = body["rank_correlation"], body["p90_over_p10"]
    Console().print(
        f"{body['networks']} networks in {body['processes']} fresh processes\n"
        f"rank correlation between two processes: median {rho['median']:.3f}, lowest "
        f"{rho['lowest']:.3f}\n"
        f"p90 / p10 of a network over the processes: median {ratio['median']:.3f}, highest "
        f"{ratio['highest']:.3f}",
        highlight=False,
    )


def model_body(model: LatencyModel) -> dict[str, Any]:
    """A model without its prices."""
    return {
        "device": model.device.to_dict(),
        "settings": dict(model.settings),
        "fitted": model.fitted,
        "recipe": model.recipe,
        "held_out": None if model.report is None else model.report.to_dict(),
        "elsewhere": model.elsewhere(),
    }


def print_model(model: LatencyModel) -> None:
    """What it is of, and how far to believe it."""
    out = Console()
    settings = model.settings
    out.print(f"[bold]{model.device}[/bold]", highlight=False)
    shape = " x ".join(map(str, settings["input_shape"]))
    counts = ", ".join(
        f"{name} {ends[0]}" if ends[0] == ends[1] else f"{name} {ends[0]} to {ends[1]}"
        for name, ends in ((n, settings[n]) for n in ("channels", "num_cells"))
        if ends is not None
    )
    kind = settings["space"].get("kind", "own")
    _print_plain(
        out,
        f"networks: {kind} space, input {shape}, {settings['num_outputs']} outputs"
        + (f", {counts}" if counts else ""),
    )
    _print_plain(out, f"fitted to {model.fitted} networks: {model.recipe}")
    if model.report is None:
        _print_plain(out, "no network was held out: how well it predicts is not known")
        return
    report = model.report
    grid = Grid(
        title=f"on {report.networks} held-out networks", title_justify="left", box=box.SIMPLE_HEAD
    )
    for name in ("prediction by", "Spearman", "within 10 %", "R2", "mean error"):
        grid.add_column(name, justify="left" if name == "prediction by" else "right")
    rows: list[tuple[str, Agreement | None]] = [
        ("this model", report.model),
        ("sum of the table", report.table),
        ("FLOPs alone", report.flops),
    ]
    for name, one in rows:
        if one is not None:
            cells = (f"{one.rho:.3f}", f"{one.within:.0%}", f"{one.r2:.3f}", f"{one.error:.1%}")
            grid.add_row(name, *cells)
    out.print(grid)
    if report.repeat is not None:
        _print_plain(
            out,
            f"Half of the measurement's passes agrees with the other half to {report.repeat:.3f} "
            "(Spearman).",
        )


def _print_plain(out: Console, line: str) -> None:
    out.print(line, highlight=False, markup=False, soft_wrap=True)
