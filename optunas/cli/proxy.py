"""``optunas proxy``: what untrained networks say of the accuracy they will reach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optunas.cli.options import AsJson, Storage, Trust

__all__ = ["app"]

app = typer.Typer(
    help="Zero-cost proxies: score untrained networks, and see how far to believe it.",
    no_args_is_help=True,
)

Names = Annotated[
    str | None,
    typer.Option("--proxies", help="Names with commas between; default: all.", show_default=False),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="Of samples, weights and training; default: the study's."),
]
BatchSize = Annotated[int, typer.Option("--batch-size", min=2, help="Samples that proxies see.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, ...")]


@app.command()
def rank(
    file: Annotated[
        str | None, typer.Argument(help="Study file: networks of its space, trained as it says.")
    ] = None,
    sample: Annotated[int, typer.Option("--sample", min=3, help="Networks to train.")] = 100,
    proxies: Names = None,
    study: Annotated[
        str | None,
        typer.Option("--study", help="A stored study's trained trials, in place of a file."),
    ] = None,
    seed: Seed = None,
    batch_size: BatchSize = 64,
    device: Device = "cpu",
    output: Annotated[
        str,
        typer.Option("--output", "-o", help="CSV of the networks; a run goes on from it."),
    ] = "proxy_rank.csv",
    as_json: AsJson = False,
    storage: Storage = None,
    trust: Trust = None,
) -> None:
    """Rank correlation of proxies with trained accuracy; Ctrl-C and the same command goes on."""
    from optunas.cli.options import guarded
    from optunas.cli.proxy_rank import contest_of_file, contest_of_study, run
    from optunas.cli.proxy_report import print_rank, rank_body
    from optunas.cli.render import print_json
    from optunas.errors import InvalidSpecError
    from optunas.metrics.proxies.combine import needed

    with guarded(storage):
        if (file is None) == (study is None):
            raise InvalidSpecError(
                "Give a study file, whose networks are sampled and trained, or --study NAME, whose "
                "trained trials are taken: one of the two."
            )
        names = _names(proxies)
        needed(names)
        if file is not None:
            contest = contest_of_file(file, names, sample, seed, batch_size, device)
        else:
            assert study is not None
            contest = contest_of_study(study, names, seed, batch_size, device, storage, trust or [])
        target = _target(output)
        try:
            rows, refused = run(contest, target)
        except KeyboardInterrupt:
            typer.echo(
                f"\nStopped; every finished network is in {target}. Go on with the same command.",
                err=True,
            )
            raise typer.Exit(130) from None
        body = rank_body(contest, rows, refused)
        if as_json:
            print_json(body)
        else:
            print_rank(body)
            typer.echo(f"The networks are in {target}.")


@app.command()
def score(
    file: Annotated[str, typer.Argument(help="Study file.")],
    sample: Annotated[int, typer.Option("--sample", min=1, help="Random networks.")] = 10,
    proxies: Names = None,
    seed: Seed = None,
    batch_size: BatchSize = 64,
    device: Device = "cpu",
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    """Score random networks of a study's space, best first; nothing is trained."""
    from optunas.cli.options import guarded
    from optunas.cli.proxy_rank import contest_of_file, scored
    from optunas.cli.proxy_report import print_scores
    from optunas.errors import InvalidSpecError

    with guarded(None):
        if csv and as_json:
            raise InvalidSpecError("Give --csv or --json, not both.")
        contest = contest_of_file(file, _names(proxies), sample, seed, batch_size, device)
        table = scored(contest)
        if csv or as_json:
            typer.echo(table.to_csv().rstrip() if csv else table.to_json())
        else:
            print_scores(table)


def _names(given: str | None) -> tuple[str, ...]:
    """Names between commas; all proxies and combinations where none are given."""
    from optunas.metrics import PROXIES
    from optunas.metrics.proxies import COMBINATIONS

    if given is None:
        return (*PROXIES, *COMBINATIONS)
    return tuple(name.strip() for name in given.split(",") if name.strip())


def _target(output: str) -> Path:
    """The file to write, which can be written.

    Raises:
        InvalidSpecError: when its folder is missing or it is a folder.
    """
    from optunas.errors import InvalidSpecError

    target = Path(output)
    if target.is_dir() or not target.parent.is_dir():
        raise InvalidSpecError(
            f"--output {output!r} must be a file in a folder that exists, such as proxy_rank.csv."
        )
    return target
