"""``optunas darts``: search the architecture of a study by gradient, look at what was found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optunas.cli.options import AsJson

if TYPE_CHECKING:
    from optunas.darts import SearchSettings
    from optunas.darts.choices import Searchable
    from optunas.darts.restarts import Plan
    from optunas.study import StudySpec

__all__ = ["app"]

app = typer.Typer(
    help="Search by gradient (DARTS); the result seeds a study.", no_args_is_help=True
)


File = Annotated[
    str,
    typer.Argument(
        help="Study file: on its task its cells are searched, for the width and depth of its "
        "training, or the layers of its macro networks. It may define search = "
        "SearchSettings(...), which the options replace."
    ),
]
Output = Annotated[
    str, typer.Option("--output", "-o", help="File to write; one that is there is replaced.")
]
Variant = Annotated[str | None, typer.Option("--variant", help="darts, pc_darts, gdas or drnas.")]
Order = Annotated[int | None, typer.Option("--order", help="1, or 2 for the second-order step.")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Of the search.")]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", help="Of training and validation half.")
]
Channels = Annotated[
    int | None,
    typer.Option("--channels", help="Of the supernet; default: the final network's."),
]
NumCells = Annotated[
    int | None,
    typer.Option("--num-cells", help="Of the supernet; default: the final network's."),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Of the first search; default: the study's.")
]
Restarts = Annotated[
    int | None,
    typer.Option(
        "--restarts",
        help="Searches with one seed after the other; the one is kept whose network, trained "
        "from scratch, validates best. All are in the file. Default: 3, and 1 where nothing is "
        "validated.",
    ),
]
ValidationEpochs = Annotated[
    int | None,
    typer.Option(
        "--validation-epochs",
        help="Of those trainings, with the study's own settings; default: the study's epochs, "
        "and none for a single search.",
    ),
]
AlphaLr = Annotated[
    float | None,
    typer.Option(
        "--alpha-lr", help="Of the mixing weights; default: the paper's, scaled to the steps."
    ),
]
BetaDecay = Annotated[
    float | None,
    typer.Option("--beta-decay", help="Weight of this regularisation at the end; 0 leaves it out."),
]
Halt = Annotated[
    str | None,
    typer.Option(
        "--halt", help="What ends a search that collapses: none, skips (too many) or eigenvalue."
    ),
]
Checkpointing = Annotated[
    bool | None,
    typer.Option(
        "--checkpointing/--no-checkpointing",
        help="Keep less for the backward pass and compute it again: a fraction of the memory, "
        "more time.",
    ),
]
Selection = Annotated[
    str,
    typer.Option(
        "--selection",
        help="argmax of the mixing weights, or perturbation (DARTS-PT): keep what is missed most.",
    ),
]
MaxParams = Annotated[
    float | None, typer.Option("--max-params", help="Limit of the final network's parameters.")
]
MaxFlops = Annotated[
    float | None, typer.Option("--max-flops", help="Limit of the final network's FLOPs.")
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, ...")]
Resume = Annotated[
    bool,
    typer.Option("--resume/--no-resume", help="Go on from the output's checkpoint, if any."),
]


RESTARTS = 3
"""Of a search without ``--restarts``."""


@app.command()
def search(
    file: File,
    output: Output = "genotype.json",
    variant: Variant = None,
    order: Order = None,
    epochs: Epochs = None,
    alpha_lr: AlphaLr = None,
    beta_decay: BetaDecay = None,
    halt: Halt = None,
    checkpointing: Checkpointing = None,
    selection: Selection = "argmax",
    batch_size: BatchSize = None,
    channels: Channels = None,
    num_cells: NumCells = None,
    seed: Seed = None,
    restarts: Restarts = None,
    validation_epochs: ValidationEpochs = None,
    max_params: MaxParams = None,
    max_flops: MaxFlops = None,
    device: Device = "cpu",
    resume: Resume = True,
) -> None:
    """Search the architecture of a study by gradient; Ctrl-C and the same command goes on."""
    from optunas.cli.darts_files import check_output, target_of
    from optunas.cli.darts_report import Shown, report
    from optunas.cli.options import guarded
    from optunas.darts.restarts import checkpoints, forget, run_restarts
    from optunas.darts.result import write_result

    with guarded(None):
        target = target_of(output)
        check_output(target, file)
        options = {
            "variant": variant,
            "order": order,
            "epochs": epochs,
            "batch_size": batch_size,
            "channels": channels,
            "num_cells": num_cells,
            "alpha_lr": alpha_lr,
            "beta_decay": beta_decay,
            "halt": halt,
            "checkpointing": checkpointing,
        }
        limits = {"params": max_params, "flops": max_flops}
        restarts = _restarts(restarts, validation_epochs)
        _check_numbers(seed, restarts, validation_epochs)
        plan = _plan(file, options, limits, selection, restarts, validation_epochs, device)
        if not resume:
            forget(target)
        first = _seed_of(file) if seed is None else seed
        with Shown(plan, restarts) as shown:
            try:
                shown.resuming(any(p.exists() for p in checkpoints(target, restarts)))
                result = run_restarts(plan, range(first, first + restarts), target, shown)
            except KeyboardInterrupt:
                shown.stop()
                typer.echo(_stopped(target, restarts), err=True)
                raise typer.Exit(130) from None
        write_result(result, target)
        forget(target)
        report(result, target)


@app.command()
def show(
    file: Annotated[str, typer.Argument(help="What darts search wrote.")],
    svg: Annotated[
        str | None,
        typer.Option("--svg", help="Draw the architecture into this file, .svg or .png."),
    ] = None,
    shares: Annotated[
        str | None,
        typer.Option("--shares", help="Draw the operations' shares over the epochs: .svg or .png."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a search found: architecture, cost, weights, shares over the epochs."""
    from optunas.cli.darts_files import draw_into, picture
    from optunas.cli.darts_report import architecture_svg, print_result, shares_picture
    from optunas.cli.render import print_json
    from optunas.darts.result import read_result

    result = read_result(file)
    pictures = [(svg, architecture_svg), (shares, shares_picture)]
    targets = [(picture(name), draw) for name, draw in pictures if name is not None]
    if as_json:
        print_json(result.to_dict())
    else:
        print_result(result)
    for target, draw in targets:
        draw_into(draw(result), target)
        if not as_json:
            typer.echo(f"Drew {target}.")


def _stopped(target: Path, restarts: int) -> str:
    """What Ctrl-C leaves."""
    from optunas.darts.restarts import checkpoints, finished

    if not any(path.exists() for path in (*checkpoints(target, restarts), finished(target))):
        return "\nStopped before the end of the first epoch; there is nothing to go on from."
    return (
        f"\nStopped; every finished epoch is in {target}.checkpoint. Go on with the same command, "
        "or begin anew with --no-resume."
    )


def _plan(
    file: str,
    options: dict[str, Any],
    limits: dict[str, float | None],
    selection: str,
    restarts: int,
    validation_epochs: int | None,
    device: str,
) -> Plan:
    """What to search, all of it checked."""
    from optunas.darts.choices import check_searchable
    from optunas.darts.restarts import Plan
    from optunas.errors import InvalidSpecError
    from optunas.study import load_file
    from optunas.study.final_network import complete, final_network, searched_part
    from optunas.study.life import make_task
    from optunas.study.running import check_device
    from optunas.tasks import NetworkTask

    spec = load_file(file)
    part = searched_part(spec.space)
    check_searchable(part.space)
    check_device(device)
    task = make_task(spec, ["*"])
    if not isinstance(task, NetworkTask):
        raise InvalidSpecError(
            f"A differentiable search trains a network; the task {task.name!r} of {spec.name!r} "
            "does not."
        )
    network = final_network(spec, task)
    counts = network.counts()
    _check_counts(options, counts)
    member = complete(spec.space, next(iter(part.space.enumerate(1))), counts)
    training = {**spec.training, **spec.space.parts(member)[1]}
    validated = validation_epochs
    if validated is None:
        validated = int(training.get("epochs", task.default_epochs)) if restarts > 1 else 0
    plan = Plan(
        study=spec.name,
        space=part.space,
        task=task,
        settings=_settings(file, options, counts),
        task_is={"reference": spec.task, "options": dict(spec.task_options)},
        network=network,
        limits={name: limit for name, limit in limits.items() if limit is not None},
        selection=selection,
        device=device,
        training=training,
        validation_epochs=validated,
        keep_best_epoch=spec.score == "best",
        notes=_notes(part.space, network.origin),
    )
    plan.check()
    return plan


def _notes(space: Searchable, origin: str) -> tuple[str, ...]:
    """What a person should know of the final network and of what was left out."""
    from optunas.darts.choices import closed_of, operations_of

    notes = [f"The final network has {origin}."] if origin else []
    closed = closed_of(space)
    if closed is not None:
        names = [o.name for o, shut in zip(operations_of(space), closed[0], strict=True) if shut]
        notes.append(
            f"In the first layer there is no {' or '.join(names)}, for the input's channels would "
            "stay as they are."
        )
    return tuple(notes)


def _check_counts(options: dict[str, Any], counts: dict[str, int]) -> None:
    """Widths and depths given to a supernet that has its own."""
    from optunas.errors import InvalidSpecError

    wrong = [name for name in ("channels", "num_cells") if options[name] is not None]
    if wrong and not counts:
        given = " and ".join(f"--{name.replace('_', '-')}" for name in wrong)
        raise InvalidSpecError(
            f"The layers of a macro network bring their widths and their number; leave {given} out."
        )


def _settings(file: str, options: dict[str, Any], counts: dict[str, int]) -> SearchSettings:
    """The file's ``search`` with the options in place of its fields.

    Without one the supernet is as wide and as deep as the final network: what is searched is then
    what is built.

    Raises:
        InvalidSpecError: where ``search`` is other data; a function of that name is the file's own.
    """
    import sys
    from types import ModuleType

    from optunas.darts import SearchSettings
    from optunas.errors import InvalidSpecError

    own = getattr(sys.modules.get(Path(file).stem), "search", None)
    if isinstance(own, SearchSettings):
        base = own
    elif own is not None and not callable(own) and not isinstance(own, ModuleType):
        raise InvalidSpecError(
            f"The 'search' of the study file {file!r} must be a SearchSettings(...), got a "
            f"{type(own).__name__}."
        )
    else:
        own_counts: dict[str, Any] = dict(counts)
        base = SearchSettings(**own_counts)
    return replace(base, **{name: value for name, value in options.items() if value is not None})


def _seed_of(file: str) -> int:
    import sys

    spec: StudySpec = sys.modules[Path(file).stem].study
    return spec.seed


def _restarts(given: int | None, validation_epochs: int | None) -> int:
    """How many searches: one can fail where three in a row seldom do (measured, see README)."""
    if given is not None:
        return given
    return 1 if validation_epochs == 0 else RESTARTS


def _check_numbers(seed: int | None, restarts: int, validation_epochs: int | None) -> None:
    from optunas.errors import InvalidSpecError

    found = []
    if seed is not None and seed < 0:
        found.append(f"--seed must be a whole number from 0 on, got {seed}.")
    if restarts < 1:
        found.append(f"--restarts must be a whole number from 1 on, got {restarts}.")
    if validation_epochs is not None and validation_epochs < 0:
        found.append(
            f"--validation-epochs must be a whole number from 0 on, got {validation_epochs}."
        )
    if restarts > 1 and validation_epochs == 0:
        found.append(
            "--restarts keeps the best by validation, which takes --validation-epochs of at least "
            "1, got 0."
        )
    if found:
        raise InvalidSpecError("\n".join(found))
