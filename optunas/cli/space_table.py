"""A space's design report for a person."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table as Grid

from optunas.study.space_report.narrow import stem
from optunas.study.space_report.numbers import brief, per_option, times
from optunas.study.space_report.shares import percent

__all__ = ["print_report"]

LONGEST = 72
"""Characters of a parameter's values that are shown; the rest is in the JSON."""


def print_report(body: Mapping[str, Any]) -> None:
    """Print what ``describe_space`` found, in sections; the warnings last, where they are seen."""
    out = console()
    for section in (_size, _parameters, _costs, _networks, _constraints, _fit, _warnings):
        section(out, body)


def console() -> Console:
    """The terminal, or a wide page where the output goes to a file or a pipe."""
    return Console() if sys.stdout.isatty() else Console(width=160)


def _heading(out: Console, title: str) -> None:
    out.print()
    out.print(f"[bold]{title}[/bold]", highlight=False)


def _grid(*justify: str, header: tuple[str, ...] = ()) -> Grid:
    grid = Grid(box=None, show_header=bool(header), pad_edge=False, padding=(0, 2, 0, 0))
    for at, side in enumerate(justify):
        text = header[at] if header else ""
        # The last column takes what is left of the line, the others are never broken.
        last = at == len(justify) - 1
        grid.add_column(
            text,
            justify=side,  # type: ignore[arg-type]
            no_wrap=not last or side == "right",
            header_style="dim",
            overflow="fold",
        )
    return grid


def _show(out: Console, grid: Grid) -> None:
    out.print(Padding(grid, (0, 0, 0, 2)), highlight=False)


def _size(out: Console, body: Mapping[str, Any]) -> None:
    members = "member" if body["size"] == 1 else "members"
    out.print(
        f"[bold]{escape(body['study'])}[/bold]  {escape(body['kind'])}, "
        f"{body['size_text']} {members}",
        highlight=False,
    )
    if body["log10_size"] is None and body["discrete_size"] != 1:
        out.print(
            f"  {body['discrete_size_text']} settings of its discrete parameters", highlight=False
        )
    if body["parts"]:
        grid = _grid("left", "left", "left")
        for name, part in body["parts"].items():
            grid.add_row(escape(name), escape(part["kind"]), part["size_text"])
        _show(out, grid)


def _parameters(out: Console, body: Mapping[str, Any]) -> None:
    """One row for all parameters of one kind, that is with equal names but for the numbers."""
    kinds: dict[tuple[str, str, str], list[str]] = {}
    for name, parameter in body["parameters"].items():
        parents = " and ".join(stem(parent) for parent in parameter["when"] or {})
        kinds.setdefault((stem(name), parameter["values"], parents), []).append(name)
    many = len(body["parameters"])
    _heading(out, f"{many} parameter{'' if many == 1 else 's'}")
    conditional = any(parents for _, _, parents in kinds)
    grid = _grid("left", "left", "left") if conditional else _grid("left", "left")
    for (_, values, parents), names in kinds.items():
        name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} alike"
        conditions = [body["parameters"][n]["when"] or {} for n in names]
        when = _condition(conditions) or f"depends on {parents}"
        row = [escape(name), escape(_shortened(values))]
        grid.add_row(*row, *([escape(when)] if conditional else []))
    for column in grid.columns[1:]:
        column.no_wrap = False
    _show(out, grid)


def _condition(conditions: list[Mapping[str, list[Any]]]) -> str:
    """When parameters of one kind count; "" where that differs by more than a number."""
    if not any(conditions):
        return " "
    values = {tuple(v for wanted in when.values() for v in wanted) for when in conditions}
    parents = {parent for when in conditions for parent in when}
    parent = parents.pop() if len(parents) == 1 else stem(parents.pop())
    return f"when {parent} is {_any_of(list(values.pop()))}" if len(values) == 1 else ""


def _any_of(values: list[Any]) -> str:
    return " or ".join(str(value) for value in values)


def _shortened(values: str) -> str:
    """A list of options with its middle left out where it is long."""
    if len(values) <= LONGEST:
        return values
    options = values.split(", ")
    first: list[str] = []
    while options and len(", ".join([*first, options[0]])) < LONGEST - 20:
        first.append(options.pop(0))
    if not first or len(options) < 2:
        return values
    return f"{', '.join(first)}, ... {options[-1]} ({len(first) + len(options)} options)"


def _costs(out: Console, body: Mapping[str, Any]) -> None:
    if not body["costs"]:
        return
    counts = sorted(set(body["costs_sampled"].values()))
    how = "of networks that were built" if body["costs_built"] else "in closed form"
    many = " to ".join(str(n) for n in counts)
    _heading(out, f"Costs of {many} random member{'' if counts == [1] else 's'}, {how}")
    grid = _grid(
        *["left"] + ["right"] * 5, header=("", "lowest", "5 %", "median", "95 %", "highest")
    )
    for name, (low, median, high) in body["costs"].items():
        below, above = body["costs_middle"][name]
        grid.add_row(escape(name), *(brief(v) for v in (low, below, median, above, high)))
    _show(out, grid)


def _networks(out: Console, body: Mapping[str, Any]) -> None:
    found = body["architectures"]
    if found is None:
        return
    whose = f" of {escape(found['part'])}" if found["part"] else ""
    duplicates, disconnected = found["duplicates"], found["disconnected"]
    looked = f"all {duplicates['of']:,}" if found["exact"] else f"{disconnected['of']:,} random"
    many = f"{looked} architectures" if duplicates["of"] > 1 else "1 architecture"
    _heading(out, f"Networks{whose}, {many}")
    grid = _grid("left", "left")
    if found["exact"]:
        distinct = duplicates["of"] - duplicates["count"]
        same = f"{percent(duplicates['share'])} repeat a network under another code"
        grid.add_row(
            "duplicates",
            f"{same}; {distinct:,} differ" if duplicates["count"] else "none, all differ",
        )
    else:
        grid.add_row(
            "duplicates",
            f"{_share(duplicates)} of the sample repeat one of its networks under another code; a "
            "larger sample meets more",
        )
    neutral = found["neutral_changes"]
    if neutral is not None:
        grid.add_row(
            "idle changes", f"{_share(neutral)} of changes of one parameter leave the network as is"
        )
    grid.add_row(
        "disconnected",
        f"{_share(disconnected)} have an output that does not depend on the input",
    )
    _show(out, grid)


def _share(share: Mapping[str, Any]) -> str:
    if share["exact"]:
        return percent(share["share"])
    return (
        f"{percent(share['share'])} (95 % interval {percent(share['low'])} to "
        f"{percent(share['high'])})"
    )


def _constraints(out: Console, body: Mapping[str, Any]) -> None:
    if not body["constraints"]:
        return
    _heading(out, "Constraints, met by")
    grid = _grid("left", "left")
    for name, share in body["constraints"].items():
        grid.add_row(f"{escape(name)} {share['sign']} {brief(share['limit'])}", _share(share))
    _show(out, grid)


def _fit(out: Console, body: Mapping[str, Any]) -> None:
    fit, sampler = body["fit"], body["fit"]["sampler"]
    _heading(out, "Fit to the budget")
    grid = _grid("left", "left")
    grid.add_row("budget", escape(fit["text"]))
    if fit["distinct"] not in (0, 1):
        grid.add_row("sampler", _sampler(sampler))
    if fit["verdict"] in ("large", "too_large"):
        for at, narrowing in enumerate(fit["narrowings"]):
            said = _narrowing(narrowing, fit["options"])
            grid.add_row("" if at else "to narrow", escape(said))
    _show(out, grid)


def _sampler(sampler: Mapping[str, Any]) -> str:
    given, best = escape(sampler["given"]), escape(sampler["recommended"])
    if given == best:
        return f"{given} suits it: {sampler['reason']}"
    if sampler["fits"]:
        return f"{given} suits it, and so does {best}: {sampler['reason']}"
    if sampler["fits"] is None:
        return f"{best} suits it: {sampler['reason']} How {given} does was not measured."
    return f"{best} instead of {given}: {sampler['reason']}"


def _narrowing(found: Mapping[str, Any], options: int) -> str:
    smaller = f"{times(found['factor'])} times smaller"
    if found["factor"] < 1.05:
        smaller = f"{options - found['options']} options fewer"
    each = found["trials_per_option"]
    return f"{found['change']}: {smaller}" + (
        f", {per_option(each)} trials per option" if each else ""
    )


def _warnings(out: Console, body: Mapping[str, Any]) -> None:
    found = body["warnings"]
    serious = sum(one["level"] == "warning" for one in found)
    counted = f"{serious} warning{'' if serious == 1 else 's'}" if serious else "No warnings"
    notes = len(found) - serious
    _heading(out, counted + (f", {notes} note{'' if notes == 1 else 's'}" if notes else ""))
    for one in found:
        style = "yellow" if one["level"] == "warning" else "dim"
        said = f"{escape(one['what'])} {escape(one['why'])} [bold]{escape(one['remedy'])}[/bold]"
        title = f"[{style}]{one['level']} {one['code']}[/{style}]"
        out.print(Padding(title, (0, 0, 0, 2)), highlight=False)
        out.print(Padding(said, (0, 0, 0, 4)), highlight=False)
