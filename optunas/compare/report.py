"""The report of a comparison: the same content as Markdown, as one HTML file, and as CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from optunas.compare.amount import AXES
from optunas.compare.comparison import Comparison
from optunas.compare.pictures import curves_svg, differences_svg, finals_svg, reached_svg
from optunas.compare.reach import Reach
from optunas.compare.store import write_whole
from optunas.compare.words import listed, notes, number, probability, target_words
from optunas.draw import svg_to_png

__all__ = ["write_report"]

PICTURES = "pictures"


@dataclass(frozen=True)
class Heading:
    """A section begins."""

    words: str


@dataclass(frozen=True)
class Lines:
    """Sentences, as paragraphs or as a list."""

    lines: Sequence[str]
    points: bool = False


@dataclass(frozen=True)
class Grid:
    """A table of words."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Drawing:
    """A picture, by name."""

    name: str
    caption: str
    svg: str


Block = Heading | Lines | Grid | Drawing


def write_report(comparison: Comparison, folder: Path) -> Path:
    """Write everything; returns the path of the HTML file.

    ``report.md`` (with pictures as PNG beside it), ``report.html`` (everything in the file), the
    tables ``summary.csv``, ``pairs.csv``, ``runs.csv`` and ``curves.csv``, and each picture as SVG
    and PNG in ``pictures/``.

    Raises:
        StorageError: when the folder cannot be written.
    """
    blocks = list(_content(comparison))
    for block in blocks:
        if isinstance(block, Drawing):
            write_whole(folder / PICTURES / f"{block.name}.svg", block.svg)
            write_whole(folder / PICTURES / f"{block.name}.png", svg_to_png(block.svg))
    for name, table in (
        ("summary", comparison.table),
        ("pairs", comparison.pairs),
        ("runs", comparison.results),
        ("curves", comparison.curves),
    ):
        write_whole(folder / f"{name}.csv", table.to_csv())
    title = _title(comparison)
    write_whole(folder / "report.md", _markdown(title, blocks))
    path = folder / "report.html"
    write_whole(path, _html(title, blocks))
    return path


def _title(comparison: Comparison) -> str:
    names = dict.fromkeys(one.entry.spec.name for one in comparison.contestants)
    return f"Comparison: {', '.join(names)}"


def _content(comparison: Comparison) -> Iterator[Block]:
    yield Lines(comparison.headlines[:1])
    yield from _setting(comparison)
    yield Heading("Result")
    yield _summary(comparison)
    yield Drawing("finals", "Every run; the tick is the median.", finals_svg(comparison))
    for axis in comparison.axes:
        yield Drawing(
            f"quality-{axis}",
            f"Median over runs against {AXES[axis]}, with its confidence band.",
            curves_svg(comparison, axis),
        )
    yield Heading(
        "Cost to the target" if len(comparison.question.targets) < 2 else "Cost to targets"
    )
    yield from _targets(comparison)
    yield from _statistics(comparison)
    yield Heading("How to read this")
    yield Lines(notes(comparison), points=True)


def _setting(comparison: Comparison) -> Iterator[Block]:
    question = comparison.question
    first = comparison.contestants[0].entry.spec
    names = [
        f"{m.name} ({'larger' if m.maximize else 'smaller'} is better)" for m in question.objectives
    ]
    yield Lines(
        [
            f"{len(comparison.labels)} contestants, {comparison.count} paired runs each, "
            f"{question.budget} a run; task {comparison.settings.task}; objectives {listed(names)}."
        ]
    )
    if first.description:
        yield Lines([first.description])
    differ = list(_differences(comparison))
    if differ:
        yield Lines(["What the studies have different:"])
        yield Lines(differ, points=True)


def _differences(comparison: Comparison) -> Iterator[str]:
    entries = list({one.entry.spec.name: one.entry for one in comparison.contestants}.values())
    first = entries[0].spec
    skipped = ("name:", "description:", "sampler", "budget", "seed:")
    for other in entries[1:]:
        for line in first.differences(other.spec):
            if not line.startswith(skipped):
                said = line.replace("stored ", f"{first.name} ").replace(
                    ", now ", f", {other.spec.name} "
                )
                yield said


def _summary(comparison: Comparison) -> Grid:
    budget = comparison.question.budget
    head = ["contestant", "mean", "std", "median", "best", "worst", "mean rank"]
    head += [f"{AXES[budget.axis]} to {t}" for t in comparison.question.targets]
    head += ["ms to suggest"]
    rows = []
    for row in comparison.table:
        cells = [row["contestant"]]
        cells += [number(row[key]) for key in ("mean", "std", "median", "best", "worst")]
        cells.append(f"{row['rank']:.2f}")
        for target in comparison.question.targets:
            cost, reached = row[f"{budget.axis} to {target}"], row[f"reached {target}"]
            shown = f"more than {number(budget.limit)}" if cost is None else number(cost)
            cells.append(f"{shown} ({reached}/{row['runs']} runs)")
        cells.append(number(row["suggest_ms"], 3))
        rows.append(cells)
    return Grid(head, rows)


def _targets(comparison: Comparison) -> Iterator[Block]:
    for n, target in enumerate(comparison.question.targets, start=1):
        rows = []
        for i in comparison.order:
            cells = [comparison.labels[i]]
            for axis in comparison.axes:
                cells.append(_costs(comparison.reach(i, target, axis)))
            rows.append([*cells, f"{comparison.reach(i, target).reached}/{comparison.count}"])
        head = ["contestant", *(AXES[a] for a in comparison.axes), "runs that reached it"]
        yield Lines(
            [f"Target: {target_words(comparison, target)}. Medians, in brackets quartiles."]
        )
        yield Grid(head, rows)
        yield Drawing(
            f"reached-{n}",
            f"Share of the runs that reached {target_words(comparison, target)}.",
            reached_svg(comparison, target),
        )


def _costs(found: Reach) -> str:
    """Median and quartiles; once that it was not reached, where fewer than a quarter did."""
    if math.isinf(found.quarter):
        return _cost(found.quarter)
    return f"{_cost(found.median)} ({_cost(found.quarter)} to {_cost(found.three_quarters)})"


def _cost(value: float) -> str:
    return "not reached" if math.isinf(value) else number(value)


def _statistics(comparison: Comparison) -> Iterator[Block]:
    if comparison.count < 2:
        return
    yield Heading("What is significant")
    yield Lines(comparison.headlines[1:], points=True)
    svg = differences_svg(comparison)
    if svg is not None:
        yield Drawing(
            "critical-difference",
            "Mean ranks over runs, 1 is best, and Nemenyi's critical difference (Demšar 2006).",
            svg,
        )
    head = ["better rank", "other", "difference", "interval", "better / equal / worse"]
    head += ["effect", "p", "p (Holm)", "p (Nemenyi)", "significant", "seeds needed"]
    rows = []
    for row in comparison.pairs:
        rows.append(
            [
                row["first"],
                row["second"],
                number(row["difference"], 3),
                f"{number(row['low'], 3)} to {number(row['high'], 3)}",
                f"{row['better']} / {row['equal']} / {row['worse']}",
                f"{row['effect']:+.2f} ({row['effect_low']:+.2f} to {row['effect_high']:+.2f})",
                _p(row["p"]),
                _p(row["p_holm"]),
                _p(row["p_nemenyi"]),
                "yes" if row["significant"] else "no",
                "" if row["seeds_needed"] is None else str(row["seeds_needed"]),
            ]
        )
    yield Grid(head, rows)
    yield Lines(
        [
            "Difference: Hodges and Lehmann's estimate over paired runs, first minus second. "
            "Effect: matched-pairs rank-biserial correlation, -1 to 1. p: Wilcoxon's signed-rank "
            "test, two-sided; Holm's correction is over all pairs, intervals are "
            "of each pair alone. Seeds needed: for a power of "
            "80 % were further runs like these (Noether 1987)."
        ]
    )


def _p(value: float | None) -> str:
    """A probability in a table; nothing for none."""
    if value is None or math.isnan(value):
        return ""
    return probability(value).removeprefix("p ").removeprefix("= ")


def _markdown(title: str, blocks: Sequence[Block]) -> str:
    parts = [f"# {title}"]
    for block in blocks:
        if isinstance(block, Heading):
            parts.append(f"## {block.words}")
        elif isinstance(block, Lines):
            lines = [f"- {line}" for line in block.lines] if block.points else block.lines
            parts.append(("\n" if block.points else "\n\n").join(lines))
        elif isinstance(block, Grid):
            rows = [block.head, ["---"] * len(block.head), *block.rows]
            parts.append("\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows))
        else:
            parts.append(f"![{block.caption}]({PICTURES}/{block.name}.png)\n\n{block.caption}")
    return "\n\n".join(parts) + "\n"


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #0f172a; background: #f8fafc; margin: 0; }
main { max-width: 1060px; margin: 0 auto; padding: 24px; }
h1 { font-size: 24px; } h2 { font-size: 18px; margin-top: 32px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; background: #fff; }
th, td { text-align: left; padding: 5px 10px; border-bottom: 1px solid #e2e8f0; }
td:not(:first-child) { font-variant-numeric: tabular-nums; }
figure { margin: 16px 0; } figcaption { color: #64748b; font-size: 13px; }
svg { max-width: 100%; height: auto; }
"""


def _html(title: str, blocks: Sequence[Block]) -> str:
    parts = [f"<h1>{escape(title)}</h1>"]
    for block in blocks:
        if isinstance(block, Heading):
            parts.append(f"<h2>{escape(block.words)}</h2>")
        elif isinstance(block, Lines):
            tag, around = ("li", "ul") if block.points else ("p", "div")
            inner = "".join(f"<{tag}>{escape(line)}</{tag}>" for line in block.lines)
            parts.append(f"<{around}>{inner}</{around}>")
        elif isinstance(block, Grid):
            head = "".join(f"<th>{escape(words)}</th>" for words in block.head)
            body = "".join(
                f"<tr>{''.join(f'<td>{escape(words)}</td>' for words in row)}</tr>"
                for row in block.rows
            )
            inner = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
            parts.append(f'<div class="wide"><table>{inner}</table></div>')
        else:
            caption = f"<figcaption>{escape(block.caption)}</figcaption>"
            parts.append(f"<figure>{block.svg}{caption}</figure>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )
