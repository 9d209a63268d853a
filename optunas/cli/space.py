"""``optunas space``: what a search space holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from optunas.cli.options import AsJson
from optunas.cli.space_draw import draw

__all__ = ["app"]

app = typer.Typer(help="Look at search spaces.", no_args_is_help=True)
app.command("draw")(draw)


@app.callback()
def spaces() -> None:
    """Look at search spaces."""


@app.command()
def info(
    file: Annotated[str, typer.Argument(help="Study file.")],
    sample: Annotated[
        int, typer.Option("--sample", min=1, help="Random members to look at.")
    ] = 500,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show a space's exact size, parameters, cost range and share of duplicates."""
    from optunas.cli.options import guarded
    from optunas.cli.render import print_json
    from optunas.study import load_file
    from optunas.study.describe import describe_space

    with guarded(None):
        body = describe_space(load_file(file), sample, seed)
        if as_json:
            print_json(body)
        else:
            _print(body)


def _print(body: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    console = Console()
    console.print(f"{body['kind']}: {body['size_text']} members", highlight=False)
    for name, size in body["parts"].items():
        if name:
            console.print(f"  {name}: {size}", highlight=False)
    grid = Grid("parameter", "values", box=None)
    for name, values in body["parameters"].items():
        grid.add_row(name, values)
    console.print(grid)
    console.print(
        f"of {body['sampled']} random architectures {body['duplicates']:.1%} are no new network",
        highlight=False,
    )
    for name, (low, median, high) in body["costs"].items():
        console.print(f"{name}: {low:,.0f} to {high:,.0f}, median {median:,.0f}", highlight=False)
