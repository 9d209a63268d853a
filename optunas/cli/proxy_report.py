"""What ``optunas proxy`` prints: how proxies order networks, and what they say of some."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table as Grid

from optunas.cli.proxy_rank import Contest, Row
from optunas.cli.space_table import console
from optunas.errors import InvalidSpecError
from optunas.metrics.proxies.agreement import Agreement, agreements
from optunas.metrics.proxies.catalogue import COMBINATIONS
from optunas.metrics.proxies.combine import combined
from optunas.metrics.proxies.mix import KINDS, ProxyMix
from optunas.metrics.proxies.table import ALWAYS, ProxyTable

__all__ = ["print_rank", "print_scores", "rank_body"]

FEWEST_FOR_MIX = 20
"""Networks below which no mix is learned and judged on held-out ones."""


def rank_body(
    contest: Contest, rows: Sequence[Row], refused: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What the rows of a contest come to, as plain data; numbers that are none are None.

    Args:
        contest: of the rows.
        rows: one a network.
        refused: by proxy why a network does not support it.

    Raises:
        InvalidSpecError: for fewer than three trained networks.
    """
    done = [row for row in rows if "score" in row]
    if len(done) < 3:
        why = next((row["failure"] for row in rows if "failure" in row), "")
        raise InvalidSpecError(
            f"A rank correlation needs three or more trained networks, and there are {len(done)}; "
            f"take a larger --sample. {why}".strip()
        )
    sign = 1.0 if contest.maximize else -1.0
    scores = sign * np.array([row["score"] for row in done])
    values = {name: np.array([row[name] for row in done]) for name in contest.single}
    columns = dict(values)
    columns |= {n: combined(n, values) for n in contest.asked if n in COMBINATIONS}
    columns |= _mixes(values, scores)
    found = agreements(columns, scores, seed=contest.seed)
    first = [one for one in found if one.name in ALWAYS]
    others = sorted((o for o in found if o.name not in ALWAYS), key=_by_tau, reverse=True)
    trained = [row["train_seconds"] for row in done if "train_seconds" in row]
    return {
        "study": contest.spec.name,
        "score": contest.objective.task.score_name,
        "networks": len(done),
        "failed": len(rows) - len(done),
        "lowest": min(row["score"] for row in done),
        "highest": max(row["score"] for row in done),
        "seed": contest.seed,
        "batch_size": contest.batch_size,
        "proxy_seconds": median(row["proxy_seconds"] for row in done),
        "train_seconds": median(trained) if trained else None,
        "unseen": contest.unseen_settings(),
        "without": _without(values),
        "refused": dict(refused or {}),
        "agreement": [_plain(one) for one in (*first, *others)],
    }


def _mixes(
    values: Mapping[str, NDArray[np.float64]], scores: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """By name what learned mixes predict of networks that they have not seen."""
    if len(scores) < FEWEST_FOR_MIX or len(values) <= len(ALWAYS):
        return {}
    names = tuple(values)
    return {f"mix, {k} (held out)": ProxyMix(names, k).held_out(values, scores) for k in KINDS}


def _by_tau(one: Agreement) -> float:
    return -math.inf if math.isnan(one.tau) else one.tau


def _without(values: Mapping[str, NDArray[np.float64]]) -> dict[str, int]:
    """By proxy how many networks it gives no finite number."""
    counts = {name: int((~np.isfinite(column)).sum()) for name, column in values.items()}
    return {name: count for name, count in counts.items() if count}


def _plain(one: Agreement) -> dict[str, Any]:
    def known(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return {
        key: value
        if isinstance(value, str)
        else ([known(v) for v in value] if isinstance(value, tuple) else known(value))
        for key, value in asdict(one).items()
    }


def print_rank(body: Mapping[str, Any]) -> None:
    """Print it for a person: FLOPs and parameters first, then the others, best first."""
    out = console()
    out.print(
        f"[bold]{body['study']}[/bold]  {body['networks']} networks, {body['score']} "
        f"{body['lowest']:.4g} to {body['highest']:.4g}",
        highlight=False,
    )
    grid = Grid(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for title in ("proxy", "Kendall tau", "95 %", "over FLOPs", "95 %", "Spearman", "95 %"):
        grid.add_column(title, justify="left" if title == "proxy" else "right", no_wrap=True)
    for one in body["agreement"]:
        over = ("", "") if one["name"] == "flops" else (one["over"], one["over_interval"])
        pairs = (one["tau"], one["tau_interval"]), over, (one["rho"], one["rho_interval"])
        grid.add_row(one["name"], *(_shown(value) for pair in pairs for value in pair))
        if one["name"] == ALWAYS[-1]:
            grid.add_section()
    out.print(grid)
    for line in _lines(body):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def _lines(body: Mapping[str, Any]) -> list[str]:
    seconds = f"Seconds per network: {body['proxy_seconds']:.2f} for all proxies"
    if body["train_seconds"] is not None:
        seconds += f", {body['train_seconds']:.2f} for its training (medians)"
    lines = [seconds + ".", "Intervals are bootstraps over the networks."]
    if body["failed"]:
        lines.append(f"{body['failed']} networks failed to train and are left out.")
    for name, count in body["without"].items():
        why = body["refused"].get(name)
        lines.append(
            f"{name} is no finite number for {count} networks, which rank last by it"
            + (f": {why}" if why else ".")
        )
    if body["unseen"]:
        lines.append(
            f"{', '.join(body['unseen'])} vary too, which no proxy sees: fix them in training for "
            "a clearer answer."
        )
    return lines


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        low, high = (_shown(end) for end in value)
        return f"{low} to {high}"
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:.3f}"


def print_scores(table: ProxyTable) -> None:
    """Print networks and their proxies, best first by the last column of the table."""
    out = console()
    names = [*table.names, "seconds"]
    out.print(f"Best first by {table.names[-1]}; more of a proxy is better.", highlight=False)
    grid = Grid("", *names, box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for column in grid.columns:
        column.justify, column.no_wrap = "right", True
    order = table.best(table.names[-1], len(table))
    for place, at in enumerate(order, start=1):
        row = table[at]
        cells = (f"{row[n]:,}" if n in ALWAYS else f"{row[n]:.4g}" for n in names)
        grid.add_row(str(place), *cells)
    out.print(grid)
    for place, at in enumerate(order, start=1):
        line = f"{place:>4}  {table[at]['network']}"
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    for note in table.notes:
        out.print(note, highlight=False, markup=False, soft_wrap=True, style="yellow")
