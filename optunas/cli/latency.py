"""``optunas latency``: measure networks, calibrate a model of a device, see how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optunas.cli.options import AsJson

__all__ = ["app"]

app = typer.Typer(
    help="Latency of networks: measured, and predicted on your device.", no_args_is_help=True
)

File = Annotated[str, typer.Argument(help="Study file: networks of its space, for its task.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, mps.")]
Threads = Annotated[int, typer.Option("--threads", help="Threads inside one run, on the CPU.")]
Dtype = Annotated[str, typer.Option("--dtype", help="float32, float16 or bfloat16.")]
Backend = Annotated[
    str, typer.Option("--backend", help="eager, compile, or onnxruntime (extra onnx).")
]
Batch = Annotated[int, typer.Option("--batch", help="Inputs in one run.")]
Clock = Annotated[
    str | None,
    typer.Option(
        "--clock",
        help="wall, or processor: a thread's time on a core. Default: processor for one thread on "
        "the CPU, unless the network itself waits; else wall.",
        show_default=False,
    ),
]
Passes = Annotated[
    int, typer.Option("--passes", help="Rounds over all networks, each in a random order.")
]
Within = Annotated[
    float,
    typer.Option("--within", help="Read until the median is known to this share, each way."),
]
Seed = Annotated[int, typer.Option("--seed", help="Of the choice of networks and the orders.")]
InputShape = Annotated[
    str | None,
    typer.Option("--input-shape", help="3x32x32, without batch; default: the task's."),
]
Outputs = Annotated[
    int | None, typer.Option("--outputs", help="Of the networks; default: the task's.")
]


@app.command()
def measure(
    file: File,
    networks: Annotated[int, typer.Option("--networks", help="Random networks.")] = 5,
    device: Device = "cpu",
    threads: Threads = 1,
    dtype: Dtype = "float32",
    backend: Backend = "eager",
    batch: Annotated[
        list[int] | None,
        typer.Option("--batch", help="Inputs in one run; repeatable. Default: 1."),
    ] = None,
    clock: Clock = None,
    passes: Passes = 5,
    within: Within = 0.02,
    seed: Seed = 0,
    input_shape: InputShape = None,
    outputs: Outputs = None,
    as_json: AsJson = False,
) -> None:
    """Measure random networks of a study's space, each median with its interval."""
    from optunas.cli.latency_report import measured_body, print_measured
    from optunas.cli.latency_work import Asked, measured
    from optunas.cli.render import print_json

    asked = Asked(device, threads, dtype, backend, clock, passes, within, seed)
    rows = measured(file, networks, batch or [1], asked, input_shape, outputs)
    if as_json:
        print_json(measured_body(rows))
    else:
        print_measured(rows, asked)


@app.command()
def repeat(
    file: File,
    processes: Annotated[
        int, typer.Option("--processes", help="Fresh processes, one after the other.")
    ] = 10,
    networks: Annotated[int, typer.Option("--networks", help="Random networks.")] = 20,
    device: Device = "cpu",
    threads: Threads = 1,
    dtype: Dtype = "float32",
    backend: Backend = "eager",
    batch: Batch = 1,
    clock: Clock = None,
    passes: Passes = 5,
    within: Within = 0.02,
    seed: Seed = 0,
    input_shape: InputShape = None,
    outputs: Outputs = None,
    as_json: AsJson = False,
) -> None:
    """Measure the same networks in fresh processes: how far do the latencies agree?"""
    from optunas.cli.latency_report import print_repeated, repeated_body
    from optunas.cli.latency_work import Asked, repeated
    from optunas.cli.render import print_json

    asked = Asked(device, threads, dtype, backend, clock, passes, within, seed)
    body = repeated_body(repeated(file, processes, networks, batch, asked, input_shape, outputs))
    if as_json:
        print_json(body)
    else:
        print_repeated(body)


@app.command()
def calibrate(
    file: File,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The model's file, such as laptop.json.")
    ],
    device: Device = "cpu",
    networks: Annotated[int, typer.Option("--networks", help="To fit to.")] = 60,
    held_out: Annotated[
        int, typer.Option("--held-out", help="To judge the fit by; 0 for no report.")
    ] = 50,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="CSV of times measured elsewhere (columns architecture and latency_ms, see "
            "export-plan); nothing is measured here.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Of the device; default: its kind, or the CSV's name."),
    ] = None,
    threads: Threads = 1,
    dtype: Dtype = "float32",
    backend: Backend = "eager",
    batch: Batch = 1,
    clock: Clock = None,
    passes: Passes = 6,
    within: Within = 0.02,
    table: Annotated[
        bool, typer.Option("--table/--no-table", help="Measure single operations too.")
    ] = True,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on from OUTPUT.partial, or begin anew.")
    ] = True,
    seed: Seed = 0,
    input_shape: InputShape = None,
    outputs: Outputs = None,
    as_json: AsJson = False,
) -> None:
    """Fit a latency model to a device; Ctrl-C and the same command goes on."""
    from optunas.cli.latency_report import model_body, print_model
    from optunas.cli.latency_work import Asked, calibrated, from_csv
    from optunas.cli.render import print_json

    target = _model_file(output)
    asked = Asked(device, threads, dtype, backend, clock, passes, within, seed)
    if source is not None:
        model = from_csv(file, source, name, held_out, batch, asked, input_shape, outputs)
    else:
        try:
            model = calibrated(
                file,
                target,
                name,
                (networks, held_out),
                batch,
                table,
                resume,
                asked,
                input_shape,
                outputs,
            )
        except KeyboardInterrupt:
            typer.echo(
                f"\nStopped; every finished block is in {target}.partial. Go on with the same "
                "command, or begin anew with --no-resume.",
                err=True,
            )
            raise typer.Exit(130) from None
    model.save(target)
    target.with_name(f"{target.name}.partial").unlink(missing_ok=True)
    if as_json:
        print_json(model_body(model))
    else:
        print_model(model)
        typer.echo(f"The model is in {target}.")


def _model_file(output: str) -> Path:
    """Where a model goes.

    Raises:
        InvalidSpecError: for what is no file in a folder, and for another ending than .json.
        StorageError: when its folder cannot be written to.
    """
    from optunas.errors import InvalidSpecError
    from optunas.metrics.predicted.files import check_target

    target = check_target(output)
    if target.suffix != ".json":
        raise InvalidSpecError(
            f"--output must end in .json, by which a study's latency is read as such a file, got "
            f"{output!r}."
        )
    return target


@app.command("export-plan")
def export_plan(
    file: File,
    output: Annotated[str, typer.Option("--output", "-o", help="Folder, new or empty.")],
    networks: Annotated[int, typer.Option("--networks", help="To fit to.")] = 60,
    held_out: Annotated[int, typer.Option("--held-out", help="To judge the fit by.")] = 50,
    batch: Batch = 1,
    dtype: Dtype = "float32",
    seed: Seed = 0,
    input_shape: InputShape = None,
    outputs: Outputs = None,
) -> None:
    """Write networks as ONNX with a CSV to fill in, for a device that runs no Python."""
    from shlex import join

    from optunas.cli.latency_work import exported

    csv = exported(file, output, networks, held_out, batch, dtype, seed, input_shape, outputs)
    given = {
        "--batch": (batch, 1),
        "--dtype": (dtype, "float32"),
        "--input-shape": (input_shape, None),
        "--outputs": (outputs, None),
    }
    then = ["optunas", "latency", "calibrate", file, "--from", str(csv), "-o", "device.json"]
    # The model is of these networks, so the options that shaped them are said again.
    for option, (value, default) in given.items():
        then += [option, str(value)] if value != default else []
    typer.echo(
        f"Measure each network of {csv.parent} on the device, put the milliseconds into the column "
        f"latency_ms of {csv}, then:\n  {join(then)}"
    )


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="What latency calibrate wrote.")],
    as_json: AsJson = False,
) -> None:
    """Show a latency model: device, networks, agreement on held-out networks, prices."""
    from optunas.cli.latency_report import model_body, print_model
    from optunas.cli.render import print_json
    from optunas.metrics.predicted import LatencyModel

    loaded = LatencyModel.load(model)
    if as_json:
        print_json(model_body(loaded))
    else:
        print_model(loaded)
        note = loaded.elsewhere()
        if note:
            typer.echo(note, err=True)
