"""``optunas study seed``: start a study from what a search by gradient found."""

from __future__ import annotations

from typing import Annotated

import typer

from optunas.cli.options import Storage, Trust, opened

__all__ = ["seed"]


def seed(
    name: Annotated[str, typer.Argument(help="Name of a stored study.")],
    file: Annotated[str, typer.Argument(help="What optunas darts search wrote.")],
    neighbours: Annotated[
        int,
        typer.Option(
            "--neighbours",
            help="So many next best networks by the search's weights, under its limits, besides.",
        ),
    ] = 0,
    storage: Storage = None,
    trust: Trust = None,
) -> None:
    """Enqueue what a search found: trained first, marked, and parents of what is sampled next."""
    from optunas.darts.result import read_result
    from optunas.study.seeding import members_of
    from optunas.study.seeding import seed as enqueue

    result = read_result(file)
    with opened(name, storage, trust) as handle:
        members = members_of(handle, result, neighbours)
        count = enqueue(handle, members, source="darts")
        there = len(members) - count
    known = f"{there} {'is' if there == 1 else 'are'} in the study {name} already"
    if not count:
        typer.echo(f"Nothing to enqueue: of {len(members)} {_networks(len(members))}, {known}.")
        return
    more = f"; {known}" if there else ""
    typer.echo(
        f"Enqueued {count} {_networks(count)} (source darts) in the study {name}{more}. "
        f"They are trained first: optunas study run {name}"
    )


def _networks(count: int) -> str:
    return "network" if count == 1 else "networks"
