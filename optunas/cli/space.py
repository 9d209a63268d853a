"""``optunas space``: what a search space holds."""

from __future__ import annotations

from typing import Annotated

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
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the sampling.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Report on a space's design: size, costs, duplicates, warnings, fit to the budget."""
    from optunas.cli.options import guarded
    from optunas.cli.render import print_json
    from optunas.cli.space_table import print_report
    from optunas.study import load_file
    from optunas.study.space_report import describe_space

    with guarded(None):
        body = describe_space(load_file(file), sample, seed)
        if as_json:
            print_json(body)
        else:
            print_report(body)
