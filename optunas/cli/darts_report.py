"""What ``optunas darts`` shows: a search while it runs, its result, and pictures of it."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from optunas.darts.restarts import Plan, Watch
from optunas.darts.result import Restart, SearchResult

if TYPE_CHECKING:
    from optunas.darts.record import EpochRecord

__all__ = ["Shown", "architecture_svg", "print_result", "report", "shares_picture"]

PLAIN_EVERY_S = 15.0
"""Without a terminal, a line now and then."""

BLOCKS = " ▁▂▃▄▅▆▇█"


class Shown(Watch):
    """Draws the search on standard error while it runs: bar, losses, entropy, shares."""

    def __init__(self, plan: Plan, restarts: int) -> None:
        self.plan, self.restarts = plan, restarts
        self._console = Console(stderr=True)
        self._live: Live | None = None
        self._said = 0.0

    def __enter__(self) -> Shown:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the last state on the terminal."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def resuming(self, there: bool) -> None:
        """Say that an earlier run's checkpoint is gone on from."""
        if there:
            self._say("Going on from the checkpoint of an earlier run.")

    def epoch(self, restart: int, record: EpochRecord) -> bool | None:
        """A line with losses, entropies and the largest shares."""
        total = self.plan.settings.epochs
        done = restart * total + record.epoch + 1
        head = f"epoch {record.epoch + 1}/{total}"
        if self.restarts > 1:
            head = f"restart {restart + 1}/{self.restarts}  {head}"
        lines = [
            f"{head}  training loss {record.train_loss:.4g}, validation loss "
            f"{_loss(record.validation_loss)}"
        ]
        for kind, shares in record.shares.items():
            largest = sorted(shares.items(), key=lambda item: -item[1])
            words = ", ".join(f"{name} {share:.0%}" for name, share in largest[:4])
            lines.append(f"{kind}: entropy {record.entropy[kind]:.3f}, {words}")
        self._draw(done, self.restarts * total, lines, last=record.epoch + 1 == total)
        return None

    def training(self, restart: int, step: int, score: float) -> None:
        """A line with the score of what was chosen, trained from scratch."""
        words = (
            f"training the network of restart {restart + 1}: epoch {step + 1}/"
            f"{self.plan.validation_epochs}, {self.plan.task.score_name} {score:.4g}"
        )
        total = self.restarts * self.plan.settings.epochs
        done = (restart + 1) * self.plan.settings.epochs
        self._draw(done, total, [words], last=step + 1 == self.plan.validation_epochs)

    def finished(self, restart: int, row: Restart, resumed: bool) -> None:
        """With several restarts a line each."""
        if self.restarts == 1:
            return
        before = " (by an earlier run)" if resumed else ""
        value = "" if row.validation is None else f", validation {row.validation:.4g}"
        if row.validation_failed:
            value = ", its network's training broke down"
        self._say(f"restart {restart + 1} (seed {row.seed}) is done{before}{value}")

    def _draw(self, done: int, total: int, lines: Sequence[str], last: bool) -> None:
        if self._live is not None:
            bar = Grid.grid(padding=(0, 1))
            bar.add_row(ProgressBar(total=total, completed=done, width=40), f"{done} of {total}")
            self._live.update(Group(bar, *(Text(line) for line in lines)))
            return
        now = time.monotonic()
        if last or now - self._said >= PLAIN_EVERY_S:
            self._said = now
            self._say("; ".join(lines))

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def report(result: SearchResult, target: Path) -> None:
    """Print what was found, and what to do with it."""
    print_result(result)
    typer.echo(
        f"Written to {target}. Start a study there with: optunas study seed {result.study} {target}"
    )


def print_result(result: SearchResult) -> None:
    """Print a result for a person: how it came about and ended, the shares, the architecture."""
    console, best = Console() if sys.stdout.isatty() else Console(width=160), result.best
    console.print(f"[bold]{result.study}[/bold]  a search by gradient", highlight=False)
    for key, text in _facts(result).items():
        console.print(f"  {key:<12}{text}", highlight=False, markup=False, soft_wrap=True)
    judged = best.judged
    remedy = [judged["remedy"]] if judged.get("remedy") else []
    failed = [
        f"The network of seed {row.seed} has no validation, its training broke down: "
        f"{row.validation_failed}"
        for row in result.restarts
        if row.validation_failed
    ]
    for sentence in (*result.notes, *failed, *judged.get("words", ()), *remedy):
        console.print(f"  {sentence}", highlight=False, markup=False, soft_wrap=True)
    console.print(_shares_grid(best))
    if len(result.restarts) > 1:
        console.print(_restarts_grid(result))
    for row in (best, *(row for row in result.restarts if row is not best)):
        line = f"seed {row.seed:>3}  {row.network()}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _facts(result: SearchResult) -> dict[str, str]:
    best, cost, settings = result.best, result.search_cost(), result.settings
    network = result.network
    lines = {
        "task": f"{result.task.get('name')}",
        "search": f"{settings['variant']}, order {settings['order']}, {len(best.history)} epochs, "
        f"{_supernet(result)}seed {best.seed}{_chosen(result)}",
        "cost": f"{cost['epochs']} epochs, {cost['steps']} steps, {cost['seconds']:.1f} s on "
        f"{result.device}",
        "network": ", ".join(f"{n} {v:,.0f}" for n, v in best.costs.items())
        + "".join(
            f"{' with' if at == 0 else ','} {count} {name.replace('num_', '')}"
            for at, (name, count) in enumerate(network.counts().items())
        ),
        "limits": ", ".join(f"{n} <= {v:,.10g}" for n, v in result.limits.items()),
    }
    if cost["validation_epochs"]:
        lines["cost"] += (
            f"; {cost['validation_epochs']} epochs, {cost['validation_seconds']:.1f} s to choose "
            f"between {len(result.restarts)} restarts"
        )
    if cost["choice_seconds"]:
        lines["cost"] += (
            f"; {cost['choice_steps']} steps, {cost['choice_seconds']:.1f} s to choose by "
            "perturbation"
        )
    if best.validation is not None:
        lines["validation"] = (
            f"{result.task.get('score')} {best.validation:.4f}, trained from scratch for "
            f"{best.validation_epochs} epochs"
        )
    if best.history and not best.judged:
        moved = best.history[best.epoch]["moved"]
        words = ", ".join(f"{kind} {value:.3f}" for kind, value in moved.items())
        lines["alphas"] = (
            f"the largest distance from equal weights is {words}; over the last third "
            f"{best.stability:.0%} of the edges kept their operation"
        )
    return {key: text for key, text in lines.items() if text}


def _supernet(result: SearchResult) -> str:
    """Width and depth of a supernet of cells; a macro network's are its space's."""
    if not result.network.counts():
        return ""
    return f"{result.settings['channels']} channels, {result.settings['num_cells']} cells, "


def _chosen(result: SearchResult) -> str:
    return "" if result.selection == "argmax" else f", chosen by {result.selection}"


def _shares_grid(best: Restart) -> Grid:
    """Each operation's mean weight, first and last, with a line of its epochs."""
    grid = Grid(
        *("cell", "operation", "first", "last", "over the epochs"),
        title="Mean weight of each operation",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    grid.pad_edge = False
    for column in grid.columns[2:4]:
        column.justify = "right"
    series = _series(best)
    top = max((v for s in series.values() for row in s.values() for v in row if v > 0), default=1.0)
    for kind, shares in series.items():
        grid.add_section()
        for name, row in shares.items():
            if row:
                grid.add_row(kind, name, f"{row[0]:.3f}", f"{row[-1]:.3f}", _line(row, top))
    return grid


def _restarts_grid(result: SearchResult) -> Grid:
    costs = list(result.best.costs)
    grid = Grid(
        *("seed", "validation", *costs, "kept"),
        title="Restarts",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    grid.pad_edge = False
    for column in grid.columns:
        column.justify = "right"
    for row in result.restarts:
        value = "" if row.validation is None else f"{row.validation:.4f}"
        spent = [f"{row.costs[name]:,.0f}" for name in costs]
        kept = "*" if row is result.best else ""
        grid.add_row(str(row.seed), value, *spent, kept)
    return grid


def _series(best: Restart) -> dict[str, dict[str, list[float]]]:
    """For each kind of cell the share of each operation over the epochs."""
    found: dict[str, dict[str, list[float]]] = {}
    for record in best.history:
        shares: Mapping[str, Mapping[str, Any]] = record["shares"]
        for kind, row in shares.items():
            for name, share in row.items():
                series = found.setdefault(kind, {}).setdefault(name, [])
                series.append(math.nan if share is None else float(share))
    return found


def _line(row: Sequence[float], top: float, width: int = 40) -> str:
    """The values as blocks, from 0 to ``top``; at most ``width`` of them, with the last one."""
    step = max(-(-len(row) // width), 1)
    shown = list(row[::-1][::step])[::-1]
    return "".join("?" if v != v else BLOCKS[round(v / top * (len(BLOCKS) - 1))] for v in shown)


def _loss(value: float) -> str:
    return "none while the weights warm up" if math.isnan(value) else f"{value:.4g}"


def architecture_svg(result: SearchResult) -> str:
    """The architecture as SVG."""
    from optunas.draw import to_svg

    return to_svg(result.architecture, f"{result.study}: {result.settings['variant']}")


def shares_picture(result: SearchResult) -> str:
    """The operations' shares over the epochs as SVG."""
    from optunas.draw import shares_svg

    return shares_svg(_series(result.best), f"{result.study}: operation shares")
