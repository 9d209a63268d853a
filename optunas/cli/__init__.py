"""The ``optunas`` command: one file per noun, heavy imports inside the commands."""

from __future__ import annotations

import sys

import typer

from optunas.cli import compare, darts, dashboard, latency, proxy, space, study
from optunas.errors import OptunasError

__all__ = ["app", "main"]

app = typer.Typer(
    name="optunas",
    help="Neural architecture and hyperparameter search on Optuna.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(study.app, name="study")
app.add_typer(space.app, name="space")
app.add_typer(darts.app, name="darts")
app.add_typer(proxy.app, name="proxy")
app.add_typer(latency.app, name="latency")
app.command("compare")(compare.compare)
app.command("dashboard")(dashboard.dashboard)


def _version(wanted: bool) -> None:
    if wanted:
        from optunas import __version__

        typer.echo(f"optunas {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Neural architecture and hyperparameter search on Optuna."""


def main() -> None:
    """Run the command line; a user's mistake becomes one sentence and exit code 2."""
    try:
        app()
    except OptunasError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2)
