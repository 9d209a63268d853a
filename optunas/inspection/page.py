"""optuna-dashboard's page as ``optunas dashboard`` serves it: with one slip of its plot mended.

The plot of two objectives walks the trials along the first one, remembering the smallest second
one, and means to leave out, of trials with equal seconds, all but the first. It compares them with
the trial before instead of with the first of them, so of several dominated trials with *equal*
values only the first counts as dominated; the others get the colour of the best. Reused networks
are such trials. Written for optuna-dashboard 0.21; another version's page is served as it is. A
browser that keeps the script of a plain optuna-dashboard at the same address shows that until it
loads the page anew.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["BUNDLE", "MENDED", "SLIP", "mended_page"]

BUNDLE = "/static/bundle.js"

SLIP = b"i[e[2]]=!0:n=e[1],r=e[0];return i"
MENDED = b"i[e[2]]=!0:(n=e[1],r=e[0]);return i"
"""The first of equal trials is remembered only where it is remembered as the smallest."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def mended_page(app: Application) -> Application:
    """The dashboard's application, with the plot's script mended where its slip is found."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked = environ.get("PATH_INFO") == BUNDLE and environ.get("REQUEST_METHOD") == "GET"
        body = _script() if asked and "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "") else None
        if body is None:
            return app(environ, start_response)
        kind = ("Content-Type", "text/javascript; charset=UTF-8")
        size = ("Content-Length", str(len(body)))
        start_response("200 OK", [kind, size, ("Content-Encoding", "gzip")])
        return [body]

    return answer


@lru_cache(maxsize=1)
def _script() -> bytes | None:
    """The mended script, packed; None where the installed one has no such slip."""
    from optuna_dashboard import _app

    try:
        script = (Path(_app.STATIC_DIR) / BUNDLE.rpartition("/")[2]).read_bytes()
    except OSError:
        return None
    return gzip.compress(script.replace(SLIP, MENDED), 6) if script.count(SLIP) == 1 else None
