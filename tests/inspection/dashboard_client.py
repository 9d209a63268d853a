"""Asks optuna-dashboard's own application, in this process, without a socket."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from optuna.artifacts import FileSystemArtifactStore
from optuna.storages import BaseStorage


class Dashboard:
    """What a browser would get."""

    def __init__(self, storage: BaseStorage, artifacts: Path | None = None) -> None:
        from optuna_dashboard import wsgi

        store = None if artifacts is None else FileSystemArtifactStore(artifacts)
        self._app = wsgi(storage, artifact_store=store)

    def get(self, address: str) -> tuple[str, str, bytes]:
        """Status, content type and body."""
        path, _, query = address.partition("?")
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
        }
        answer: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answer[:] = [status, dict(headers)]

        parts = self._app(environ, start)
        body = b"".join(parts)
        close = getattr(parts, "close", None)
        if close is not None:
            close()
        return answer[0], answer[1].get("Content-Type", ""), body

    def study(self, study_id: int = 0) -> dict[str, Any]:
        """The study as the page reads it."""
        status, _, body = self.get(f"/api/studies/{study_id}")
        assert status.startswith("200"), (status, body)
        found: dict[str, Any] = json.loads(body)
        return found
