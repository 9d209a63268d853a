"""optuna-dashboard on a study's storage, with its drawings; loopback only unless asked."""

from __future__ import annotations

import ipaddress
import sys
import webbrowser
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from optuna.artifacts import FileSystemArtifactStore
from optuna.storages import BaseStorage

from optunas.errors import InvalidSpecError
from optunas.inspection.adapter import best_trials_keep_constraints, open_for_dashboard
from optunas.inspection.page import mended_page

__all__ = ["dashboard_server", "serve"]


class _Server(ThreadingMixIn, WSGIServer):
    """Answers while an earlier request is still at work."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """Keeps the terminal free of one line a request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve(
    storage: str | BaseStorage,
    artifacts: str | Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    open_browser: bool = False,
) -> None:
    """Run optuna-dashboard until Ctrl-C.

    The dashboard has no password, and whoever reaches it can delete studies: another host than
    the loopback's is obeyed with a warning. Its best trials keep the constraints here.

    Args:
        storage: an Optuna storage, or a URL as optuna-dashboard reads it.
        artifacts: the folder of the drawings; None shows none.
        host: address to listen on.
        port: 0 takes a free one.
        open_browser: open the page.

    Raises:
        InvalidSpecError: when host and port cannot be listened on.
    """
    opened = open_for_dashboard(storage)
    with (
        dashboard_server(opened, artifacts, host, port) as server,
        best_trials_keep_constraints(opened),
    ):
        url = f"http://{_for_url(host)}:{server.server_port}/dashboard"
        if not _is_loopback(host):
            print(
                f"Warning: {host} can be reached from other machines, the dashboard has no "
                "password, and whoever opens it can change and delete studies.",
                file=sys.stderr,
            )
        print(f"optuna-dashboard: {url} (Ctrl-C ends it)", file=sys.stderr)
        if open_browser:
            webbrowser.open(url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(file=sys.stderr)


def dashboard_server(
    storage: BaseStorage, artifacts: str | Path | None, host: str, port: int
) -> WSGIServer:
    """The server, listening but not yet serving; raises as :func:`serve` does."""
    from optuna_dashboard import wsgi

    store = None if artifacts is None else FileSystemArtifactStore(Path(artifacts))
    app = mended_page(wsgi(storage, artifact_store=store))
    try:
        return make_server(host, port, app, server_class=_Server, handler_class=_Quiet)
    except (OSError, OverflowError) as error:
        raise InvalidSpecError(
            f"The dashboard cannot listen on {host}:{port}: {str(error).rstrip('.')}. Choose "
            "another port or host."
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _for_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
