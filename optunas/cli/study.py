"""``optunas study``: create, seed, run, list, show, front, delete."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optunas.cli import study_seed
from optunas.cli.options import AsJson, Storage, Trust, guarded, opened, storage_flag
from optunas.errors import without_password

if TYPE_CHECKING:
    from optunas.study import StudyHandle, StudySpec

__all__ = ["app"]

app = typer.Typer(help="Create, run and inspect studies.", no_args_is_help=True)
app.command("seed")(study_seed.seed)

File = Annotated[str, typer.Argument(help="Study file, one that defines study = StudySpec(...).")]
Name = Annotated[str, typer.Argument(help="Name of a stored study.")]
NewName = Annotated[str | None, typer.Option("--name", help="In place of the file's name.")]
Seed = Annotated[int | None, typer.Option("--seed", help="In place of the file's seed.")]
Trials = Annotated[
    int | None, typer.Option("--trials", help="The study's total of trials, not this run's.")
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, ...")]


@app.command()
def create(
    file: File,
    name: NewName = None,
    storage: Storage = None,
    trials: Trials = None,
    seed: Seed = None,
    device: Device = "cpu",
) -> None:
    """Check a study file and store its study; nothing is trained yet."""
    from optunas.study import create as create_study
    from optunas.study.running import check_device

    with guarded(storage):
        spec = _spec(file, name, seed, trials)
        check_device(device)
        handle = create_study(spec, storage, device=device)
    done = len(handle.trials())
    typer.echo(
        f"Study {handle.name} {'is there, with ' + str(done) + ' trials' if done else 'created'} "
        f"in {without_password(handle.url)}. "
        f"Run it with: optunas study run {handle.name}{storage_flag(storage)}"
    )


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="Study file (created when missing) or name.")],
    trials: Trials = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", help="Seconds after which no trial begins.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", help="Processes.")] = 1,
    seed: Seed = None,
    device: Device = "cpu",
    name: NewName = None,
    storage: Storage = None,
    trust: Trust = None,
    warm_start: Annotated[
        str | None,
        typer.Option(
            "--warm-start",
            help="Earlier study on other data or another device: its front is trained first, its "
            "trials inform the predictor.",
        ),
    ] = None,
    warm_start_storage: Annotated[
        str | None,
        typer.Option("--warm-start-storage", help="Where the earlier study is, if not here."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate minutes and disk, store nothing.")
    ] = False,
) -> None:
    """Run a study until its budget is used; run it again to go on where it stopped."""
    from optunas.cli.render import summary
    from optunas.errors import InvalidSpecError
    from optunas.study import create as create_study
    from optunas.study import load
    from optunas.study import run as run_study
    from optunas.study.running import check_device, check_numbers
    from optunas.study.starting_warm import check_earlier

    with guarded(storage):
        check_numbers(trials, timeout, workers)
        check_device(device)
        spec = _spec(study, name, seed) if _is_file(study) else None
        if dry_run:
            _dry_run(study, spec, storage, trust or [], trials, workers, device)
            return
        earlier = None
        if warm_start is not None:
            earlier = load(warm_start, warm_start_storage or storage, trust=trust or ())
        elif warm_start_storage is not None:
            raise InvalidSpecError("--warm-start-storage says where --warm-start is; give both.")
        if spec is not None:
            if earlier is not None:
                check_earlier(spec, earlier)
            handle = create_study(spec, storage, device=device)
        else:
            handle = load(study, storage, trust=trust or ())
            if name is not None or seed not in (None, handle.spec.seed):
                raise InvalidSpecError(
                    f"The study {study!r} is stored with its name and seed {handle.spec.seed}; "
                    "give --name and --seed with the study file, which makes a new study."
                )
        if earlier is not None:
            _start_warm(handle, earlier)
        again = f"optunas study run {handle.name}{storage_flag(storage)}"
        try:
            run_study(
                handle,
                trials=trials,
                timeout=timeout,
                workers=workers,
                device=device,
            )
        except KeyboardInterrupt:
            typer.echo(f"\nStopped; everything finished is stored. Go on with: {again}", err=True)
            raise typer.Exit(130) from None
        summary(handle)


def _start_warm(handle: StudyHandle, earlier: StudyHandle) -> None:
    from optunas.samplers.own import learns_from_earlier
    from optunas.study import warm_start

    count = warm_start(handle, earlier)
    learns = learns_from_earlier(handle.spec.sampler)
    also = "" if learns else f"; the sampler {handle.spec.sampler} learns nothing else from it"
    typer.echo(f"Enqueued {count} networks of the front of {earlier.name}{also}.")


@app.command("list")
def list_(storage: Storage = None, as_json: AsJson = False) -> None:
    """List the studies of a storage."""
    from optunas.cli.render import print_studies

    with guarded(storage):
        print_studies(storage, as_json)


@app.command()
def show(name: Name, storage: Storage = None, as_json: AsJson = False, trust: Trust = None) -> None:
    """Show a study: definition, budget used, what was pruned and why, Pareto front."""
    from optunas.cli.render import as_dict, print_json, summary

    with opened(name, storage, trust) as handle:
        if as_json:
            print_json(as_dict(handle))
        else:
            summary(handle)


@app.command()
def front(
    name: Name,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: AsJson = False,
    storage: Storage = None,
    trust: Trust = None,
) -> None:
    """Print the Pareto front as a table, CSV or JSON."""
    from optunas.cli.render import print_front
    from optunas.errors import InvalidSpecError

    if csv and as_json:
        raise InvalidSpecError("Give --csv or --json, not both.")
    with opened(name, storage, trust) as handle:
        if csv or as_json:
            table = handle.front()
            typer.echo(table.to_csv().rstrip() if csv else table.to_json())
        else:
            print_front(handle)


@app.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    storage: Storage = None,
) -> None:
    """Delete a study with its trials, notes and artifacts."""
    from optunas.study import delete as delete_study
    from optunas.study.life import check_exists

    with guarded(storage):
        count = check_exists(name, storage)
        if not yes and not typer.confirm(f"Delete {name} with its {count} trials?"):
            raise typer.Exit(1)
        delete_study(name, storage)
    typer.echo(f"Study {name} deleted.")


def _is_file(study: str) -> bool:
    return study.endswith(".py") or Path(study).is_file()


def _spec(file: str, name: str | None, seed: int | None, trials: int | None = None) -> StudySpec:
    from optunas.study import load_file

    spec = load_file(file)
    if name is not None:
        spec = replace(spec, name=name)
    if seed is not None:
        spec = replace(spec, seed=seed)
    return spec if trials is None else replace(spec, budget=replace(spec.budget, trials=trials))


def _dry_run(
    study: str,
    spec: StudySpec | None,
    storage: str | None,
    trust: list[str],
    trials: int | None,
    workers: int,
    device: str,
) -> None:
    from optunas.study import load
    from optunas.study.estimate import estimate
    from optunas.study.life import make_objective

    handle = None
    if spec is None:
        handle = load(study, storage, trust=trust)
        spec = handle.spec
    else:
        trust = ["*"]
    objective = make_objective(spec, trust, device)
    found = estimate(spec, objective, spec.budget.override(trials=trials), workers, handle)
    typer.echo(found.sentence(workers))
