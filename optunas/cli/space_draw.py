"""``optunas space draw``: any member of a study's space as an SVG or a PNG."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from optunas.space import Space
    from optunas.study import StudySpec

__all__ = ["draw"]

SUFFIXES = (".svg", ".png")


def draw(
    file: Annotated[str, typer.Argument(help="Study file.")],
    params: Annotated[
        list[str] | None,
        typer.Option(
            "--params",
            metavar="JSON|@FILE|NAME=VALUE",
            help="A trial's parameters: a JSON object, a file of one, or one name=value; "
            "repeatable.",
        ),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(
            "--architecture",
            metavar="JSON|@FILE",
            help="The JSON of a trial's attribute 'architecture', or a file of it.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="Of a random member, drawn without the other options."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write, .svg or .png; one that is there is replaced. "
            "Default: the study's name with .svg, in the current folder.",
        ),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Above the drawing.")] = None,
) -> None:
    """Draw a member of a space: a given one, or one at random."""
    from optunas.cli.options import guarded
    from optunas.study import load_file

    with guarded(None):
        _refuse_mixed(params, architecture, seed)
        spec = load_file(file)
        target = _target(output, spec)
        member, what = _member(spec.space, params, architecture, seed or 0)
        data = _drawing(spec.space, member, spec.name if title is None else title, target)
        replaced = target.exists()
        _write(target, data)
    again = ", in place of the file that was there" if replaced else ""
    typer.echo(f"Drew {what} of {spec.name}'s space: {target} ({len(data) / 1000:.1f} kB){again}.")


def _refuse_mixed(params: list[str] | None, architecture: str | None, seed: int | None) -> None:
    from optunas.errors import InvalidSpecError

    given = {"--params": params, "--architecture": architecture, "--seed": seed}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise InvalidSpecError(
            f"Give --params, --architecture or --seed (a random member), got {' and '.join(names)}."
        )


def _target(output: str | None, spec: StudySpec) -> Path:
    """The file to write.

    Raises:
        InvalidSpecError: for another suffix, a folder that is not there, and what is no file.
    """
    from optunas.errors import InvalidSpecError

    target = Path(f"{spec.name}.svg" if output is None else output)
    if target.suffix.lower() not in SUFFIXES:
        raise InvalidSpecError(
            f"A drawing's file ends in .svg or .png, got {str(target)!r}; "
            f"for instance --output {target.stem or 'drawing'}.png."
        )
    if not target.parent.is_dir():
        raise InvalidSpecError(f"There is no folder {str(target.parent)!r} for {str(target)!r}.")
    if target.exists() and not target.is_file():
        raise InvalidSpecError(f"{str(target)!r} is there and is no file; give another --output.")
    return target


def _member(
    space: Space[Any], params: list[str] | None, architecture: str | None, seed: int
) -> tuple[Any, str]:
    """The member to draw, and in words where it comes from."""
    import numpy as np

    from optunas.codec import from_params

    if architecture is not None:
        return space.from_json(_text(architecture, "--architecture")), "the given architecture"
    if params is not None:
        return from_params(space, _parameters(space, params)), "the given parameters"
    return space.sample(np.random.default_rng(seed)), f"a random member (seed {seed})"


def _text(given: str, option: str) -> str:
    """The option's text, or that of the file behind an ``@``."""
    from optunas.errors import InvalidSpecError

    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InvalidSpecError(f"{option}: cannot read {given[1:]!r}: {reason}.") from None


def _parameters(space: Space[Any], given: Sequence[str]) -> dict[str, Any]:
    """The values of all ``--params``; what is wrong with how they are written is told at once."""
    from optunas.codec import distributions
    from optunas.errors import InvalidSpecError

    known = distributions(space)
    values: dict[str, Any] = {}
    found: list[str] = []
    for one in given:
        if one.lstrip().startswith(("{", "@")):
            pairs = _object(_text(one, "--params"), found)
        else:
            name, equals, text = one.partition("=")
            if not equals or not name.strip():
                found.append(
                    f"--params: expected a JSON object, @file.json or name=value, got {one!r}."
                )
                continue
            pairs = {name.strip(): _value(known.get(name.strip()), text.strip())}
        twice = [name for name in pairs if name in values]
        found += [f"--params: parameter {name!r} is given twice." for name in twice]
        values |= pairs
    if found:
        raise InvalidSpecError("\n".join(found))
    return values


def _object(text: str, found: list[str]) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as error:
        found.append(f"--params: {text[:60]!r} is no JSON: {error}.")
        return {}
    if not isinstance(body, dict):
        found.append(f"--params: expected a JSON object of names and values, got {text[:60]!r}.")
        return {}
    return body


def _value(distribution: Any, text: str) -> Any:
    """The text as JSON where it is some, else as it is; ``3`` may be an option named "3"."""
    options = getattr(distribution, "choices", ())
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if text in options and value not in options:
        return text
    return value


def _drawing(space: Space[Any], member: Any, title: str, target: Path) -> bytes:
    """The picture's bytes; a table of the parameters where there is no drawing of the member."""
    from optunas.draw import can_draw, parameters_svg, svg_to_png, to_svg
    from optunas.space import Hyperparameters, Joint

    shown = member
    if not can_draw(member):
        # An own space may be made of a network and hyperparameters.
        network, settings = space.parts(member)
        if can_draw(network):
            shown = Joint({"network": network, "settings": Hyperparameters(settings)})
    if can_draw(shown):
        svg = to_svg(shown, title)
    else:
        values = space.encode(member)
        svg = parameters_svg({name: values[name] for name in space.active(values)}, title)
    return svg_to_png(svg) if target.suffix.lower() == ".png" else svg.encode()


def _write(target: Path, data: bytes) -> None:
    """Write all or nothing: a temporary file in the same folder takes the target's place."""
    from optunas.errors import StorageError

    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.stem}-", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise StorageError(f"Cannot write {str(target)!r}: {error.strerror or error}.") from None
