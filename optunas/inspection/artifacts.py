"""Where drawings lie, how they get there, and how a study's are removed."""

from __future__ import annotations

import io
import os
import uuid
from pathlib import Path

import optuna
from optuna.artifacts import FileSystemArtifactStore, get_all_artifact_meta
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.trial import FrozenTrial

from optunas.inspection import adapter

__all__ = ["Shelf", "artifact_dir", "delete_artifacts"]

FOLDER = "optunas-artifacts"
ENVIRONMENT = "OPTUNAS_ARTIFACTS"
SVG = "image/svg+xml"


def artifact_dir(storage_url: str | None) -> Path:
    """The folder for a storage's artifacts; it need not exist.

    ``OPTUNAS_ARTIFACTS`` when set, else ``optunas-artifacts`` beside the SQLite database or the
    journal file, else (a server, memory) in the current folder.
    """
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen)
    file = _file(storage_url or "")
    return (file.parent if file else Path()) / FOLDER


def _file(url: str) -> Path | None:
    """The file of a SQLite URL, a ``journal:///`` URL or a path."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return Path(url) if url and ":memory:" not in url else None
    if not scheme.startswith(("sqlite", "journal", "file")) or ":memory:" in rest:
        return None
    path = rest.partition("?")[0].removeprefix("/").removeprefix("file:")
    return Path(path) if path else None


def delete_artifacts(study: optuna.Study, folder: str | Path) -> int:
    """Remove the files of all artifacts of a study and of its trials; call before deleting it.

    The folder goes too when nothing is left in it. Missing files are no error.

    Returns:
        How many files were removed.
    """
    folder = Path(folder)
    store, removed = FileSystemArtifactStore(folder), 0
    for artifact_id in adapter.artifact_ids(study):
        try:
            store.remove(artifact_id)
        except (ArtifactNotFound, NotADirectoryError):
            continue
        removed += 1
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    return removed


class Shelf:
    """A study's artifacts in a folder, which is made with the first of them.

    Every method raises ``OSError`` when the folder cannot be written, and notes nothing then.
    """

    def __init__(self, study: optuna.Study, folder: str | Path) -> None:
        self.study, self.folder = study, Path(folder)
        self._store = FileSystemArtifactStore(self.folder)
        self._own: dict[str, str] = {}

    def add(self, trial: optuna.Trial | FrozenTrial, name: str, svg: str) -> str:
        """Store a drawing of a trial, running or finished; return its address in the dashboard."""
        artifact_id = self._write(svg)
        adapter.attach(self.study, trial, artifact_id, name, SVG)
        return adapter.artifact_path(self.study, artifact_id, trial)

    def replace(self, name: str, svg: str) -> str:
        """Store a drawing of the study in place of the one of that name; return its address."""
        if name not in self._own:
            metas = get_all_artifact_meta(study_or_trial=self.study)
            self._own |= {meta.filename: meta.artifact_id for meta in metas}
        if name in self._own:
            self._write(svg, self._own[name])
        else:
            self._own[name] = self._write(svg)
            adapter.attach(self.study, None, self._own[name], name, SVG)
        return adapter.artifact_path(self.study, self._own[name])

    def _write(self, svg: str, artifact_id: str | None = None) -> str:
        artifact_id = artifact_id or str(uuid.uuid4())
        self.folder.mkdir(parents=True, exist_ok=True)
        self._store.write(artifact_id, io.BytesIO(svg.encode()))
        return artifact_id
