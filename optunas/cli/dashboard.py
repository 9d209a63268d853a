"""``optunas dashboard``: optuna-dashboard on the same storage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optunas.cli.options import Storage, guarded

__all__ = ["dashboard"]


def dashboard(
    storage: Storage = None,
    host: Annotated[
        str, typer.Option("--host", help="Loopback by default: the dashboard has no password.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port")] = 8080,
    artifacts: Annotated[
        Path | None, typer.Option("--artifacts", help="Default: beside the database.")
    ] = None,
) -> None:
    """Open optuna-dashboard with drawings, curves and fronts of the stored studies."""
    from optunas.inspection import artifact_dir, serve
    from optunas.study.storage import open_storage, storage_url

    with guarded(storage):
        opened = open_storage(storage, must_exist=True)
        folder = artifacts or artifact_dir(storage_url(storage))
        serve(opened, folder, host=host, port=port)
