"""``optunas study seed``: start a study from what a search by gradient or a proxy found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from optunas.cli.options import Storage, Trust, opened, storage_flag

if TYPE_CHECKING:
    from optunas.study import StudyHandle

__all__ = ["seed"]


def seed(
    name: Annotated[str, typer.Argument(help="Name of a stored study.")],
    file: Annotated[
        str | None, typer.Argument(help="What optunas darts search wrote; not with --proxy.")
    ] = None,
    neighbours: Annotated[
        int,
        typer.Option(
            "--neighbours",
            help="So many next best networks by the search's weights, under its limits, besides.",
        ),
    ] = 0,
    spread: Annotated[
        int,
        typer.Option(
            "--spread",
            help="So many networks from the search's size down to the smallest possible, each the "
            "best by its weights that is no larger.",
        ),
    ] = 0,
    proxy: Annotated[
        str | None,
        typer.Option("--proxy", help="The best by this zero-cost proxy, in place of a file."),
    ] = None,
    of: Annotated[
        int, typer.Option("--of", help="Random networks that --proxy chooses among.")
    ] = 100,
    keep: Annotated[int, typer.Option("--keep", help="Networks that --proxy chooses.")] = 8,
    storage: Storage = None,
    trust: Trust = None,
) -> None:
    """Enqueue networks that promise much: trained first, marked, parents of what comes next."""
    from optunas.errors import InvalidSpecError
    from optunas.study.seeding import seed as enqueue

    if (file is None) == (proxy is None):
        raise InvalidSpecError(
            "Give the file that optunas darts search wrote, or --proxy NAME with --of and --keep: "
            "one of the two."
        )
    if proxy is not None and (neighbours or spread):
        raise InvalidSpecError(
            "--neighbours and --spread go with the file of a search, not with --proxy."
        )
    with opened(name, storage, trust) as handle:
        if file is not None:
            members, source = _searched(handle, file, neighbours, spread), "darts"
        else:
            assert proxy is not None
            members, source = _by_proxy(handle, proxy, of, keep), f"best by {proxy}"
        count = enqueue(handle, members, source=source)
        there = len(members) - count
        room = _room(handle, storage) + _ruled_out(handle, members)
    known = f"{there} {'is' if there == 1 else 'are'} in the study {name} already"
    if not count:
        typer.echo(f"Nothing to enqueue: of {len(members)} {_networks(len(members))}, {known}.")
        return
    more = f"; {known}" if there else ""
    typer.echo(
        f"Enqueued {count} {_networks(count)} (source {source}) in the study {name}{more}. {room}"
    )


def _room(handle: StudyHandle, storage: str | None) -> str:
    """What trains the networks that wait, and whether the budget is enough for it."""
    from optuna.trial import TrialState

    run = f"optunas study run {handle.name}{storage_flag(storage)}"
    budget, used = handle.spec.budget, handle.usage()
    waiting, reached = len(handle.trials(TrialState.WAITING)), budget.reached(used)
    if budget.trials is not None and used.trials + waiting > budget.trials:
        left = max(budget.trials - used.trials, 0)
        return (
            f"Of the budget's {budget.trials} trials {left} are left for the {waiting} that wait; "
            f"train them all: {run} --trials {used.trials + waiting}"
        )
    if reached is not None:
        return (
            f"{reached} They wait until the study's file has a larger one: optunas study run FILE"
        )
    return f"They are trained first: {run}"


def _ruled_out(handle: StudyHandle, members: list[Any]) -> str:
    """How many break a limit that is known before training."""
    if not handle.spec.constraints or handle.knowledge is None:
        return ""
    broken = sum(not handle.knowledge.feasible(member) for member in members)
    if not broken:
        return ""
    return (
        f"\nOf the {len(members)}, {broken} {'breaks' if broken == 1 else 'break'} a limit of the "
        "study and will be ruled out, not trained; --spread and --max-params of the search find "
        "smaller ones."
    )


def _searched(handle: StudyHandle, file: str, neighbours: int, spread: int) -> list[Any]:
    from optunas.darts.result import read_result
    from optunas.study.seeding import members_of

    return members_of(handle, read_result(file), neighbours, spread)


def _by_proxy(handle: StudyHandle, proxy: str, of: int, keep: int) -> list[Any]:
    from optunas.metrics.proxies import prefilter
    from optunas.study.life import make_task

    spec = handle.spec
    feasible = None if handle.knowledge is None else handle.knowledge.feasible
    return prefilter(
        spec.space,
        make_task(spec, handle.trust),
        of,
        keep,
        proxy,
        training=spec.training,
        feasible=feasible,
        seed=spec.seed,
    )


def _networks(count: int) -> str:
    return "network" if count == 1 else "networks"
