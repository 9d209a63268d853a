"""``optunas compare``: studies times samplers over seeds on one budget, with statistics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optunas.cli.options import AsJson, Storage, Trust, guarded

if TYPE_CHECKING:
    from optunas.compare import Comparison

__all__ = ["compare"]


Studies = Annotated[list[str], typer.Argument(help="Study files, or names of stored studies.")]
Samplers = Annotated[
    str | None,
    typer.Option(
        "--samplers",
        help="tpe,nsga2:population_size=20,package.module:factory; default: each study's own. "
        "Random search is always added.",
        show_default=False,
    ),
]
Seeds = Annotated[int, typer.Option("--seeds", help="Paired runs of each contestant.")]
Spend = Annotated[
    str | None,
    typer.Option(
        "--budget",
        help="Of each run: 100trials, 500epochs, or 2h of training (recorded time of tables).",
        show_default=False,
    ),
]
FirstSeed = Annotated[int, typer.Option("--seed", help="Seed of the first runs.")]
Processes = Annotated[int, typer.Option("--processes", "--workers", help="Runs at the same time.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Folder of runs and report; the same command goes on where it stopped. "
        "Default: comparison-STUDY.",
        show_default=False,
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        help="95% of the best known, or a value of the only objective; repeatable.",
        show_default=False,
    ),
]
Logs = Annotated[
    list[str] | None, typer.Option("--log", help="Objective on a logarithmic scale; repeatable.")
]
References = Annotated[
    list[str] | None,
    typer.Option(
        "--reference",
        help="accuracy=0.85: where volumes begin in this objective; repeatable.",
    ),
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, ...")]


def compare(
    studies: Studies,
    samplers: Samplers = None,
    seeds: Seeds = 20,
    budget: Spend = None,
    first_seed: FirstSeed = 0,
    processes: Processes = 1,
    output: Output = None,
    target: Targets = None,
    log: Logs = None,
    reference: References = None,
    device: Device = "cpu",
    storage: Storage = None,
    trust: Trust = None,
    as_json: AsJson = False,
) -> None:
    """Compare samplers, or whole studies, on equal budgets and seeds, and write a report."""
    import shlex
    import sys

    from optunas.compare import compare as run_comparison

    entries = [_entry(study, storage, trust) for study in studies]
    folder = output or Path(f"comparison-{entries[0].spec.name}")
    try:
        found = run_comparison(
            entries,
            _split(samplers),
            seeds,
            budget,
            first_seed=first_seed,
            processes=processes,
            output=folder,
            targets=target or (),
            log=log or (),
            reference=_numbers(reference or []),
            device=device,
        )
    except KeyboardInterrupt:
        typer.echo(
            "\nStopped; every finished trial is stored. Go on with the same command:\n"
            f"  optunas {shlex.join(sys.argv[1:])}",
            err=True,
        )
        raise typer.Exit(130) from None
    path = found.report(folder)
    if as_json:
        _print_json(found, path)
    else:
        _print(found, path)


def _entry(study: str, storage: str | None, trust: list[str] | None) -> Any:
    from optunas.compare.comparing import entry
    from optunas.study import load

    if study.endswith(".py") or Path(study).is_file():
        return entry(study)
    with guarded(storage):
        return entry(load(study, storage, trust=trust or ()))


def _split(samplers: str | None) -> list[str]:
    from optunas.compare.contestants import apart
    from optunas.errors import InvalidSpecError

    if samplers is None:
        return []
    names = apart(samplers, ",")
    if not all(names):
        raise InvalidSpecError(
            f"--samplers takes names with commas between, such as tpe,nsga2, got {samplers!r}."
        )
    return names


def _numbers(given: list[str]) -> dict[str, float]:
    from optunas.errors import InvalidSpecError

    found = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise InvalidSpecError(
                f"--reference takes an objective and a number, such as accuracy=0.85, got {text!r}."
            ) from None
    return found


def _print(found: Comparison, path: Path) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from optunas.compare.words import number

    console = Console()
    axis, targets = found.question.budget.axis, found.question.targets
    title = f"{found.question.name}, {found.count} runs of {found.question.budget}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    columns = ["median", "best", "worst", "rank"]
    if console.width >= 100:  # the report has them in any case
        columns = ["mean", "std", *columns]
    for name in ("contestant", *columns, *(f"{axis} to {t} (runs)" for t in targets)):
        left = name == "contestant"
        table.add_column(name, justify="left" if left else "right", no_wrap=not left)
    for row in found.table:
        reached = [
            f"{number(row[f'{axis} to {t}']) or '-'} ({row[f'reached {t}']}/{found.count})"
            for t in targets
        ]
        table.add_row(row["contestant"], *(number(row[c]) for c in columns), *reached)
    console.print(table)
    for line in found.headlines:
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"Report: {path}", highlight=False, soft_wrap=True)


def _print_json(found: Comparison, path: Path) -> None:
    import json

    body = {
        "measure": found.question.name,
        "budget": str(found.question.budget),
        "table": list(found.table),
        "pairs": list(found.pairs),
        "sentences": found.sentences,
        "report": str(path),
    }
    typer.echo(json.dumps(_finite(body), indent=2))


def _finite(value: Any) -> Any:
    """JSON has no infinity; an interval without an end has none here."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    infinite = isinstance(value, float) and abs(value) == float("inf")
    return None if infinite else value
