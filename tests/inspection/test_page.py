"""The dashboard's script is mended where its slip is found, and nothing else is touched."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna_dashboard
import pytest

from optunas.inspection import page

SCRIPT = Path(optuna_dashboard.__file__).parent / "public" / "bundle.js"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    page._script.cache_clear()
    yield
    page._script.cache_clear()


def ask(path: str = page.BUNDLE, method: str = "GET", encoding: str = "gzip, br") -> list[Any]:
    """Status, headers and body; the dashboard's own answer is a teapot."""
    told: list[Any] = []

    def own(_: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("418 its own", [])
        return [b"its own"]

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        told.extend([status, dict(headers)])

    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "HTTP_ACCEPT_ENCODING": encoding}
    body = b"".join(page.mended_page(own)(environ, start))
    return [*told, body]


def test_the_installed_dashboard_has_the_slip_once() -> None:
    """Another version may have mended it; then this room can forget it."""
    assert SCRIPT.read_bytes().count(page.SLIP) == 1


def test_only_the_slip_is_changed() -> None:
    status, headers, body = ask()
    assert status == "200 OK"
    assert headers["Content-Encoding"] == "gzip"
    assert int(headers["Content-Length"]) == len(body)
    served, installed = gzip.decompress(body), SCRIPT.read_bytes()
    assert served == installed.replace(page.SLIP, page.MENDED)
    assert len(served) == len(installed) + 2


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/static/other.js"},
        {"path": "/api/studies"},
        {"method": "HEAD"},
        {"encoding": "identity"},
    ],
)
def test_whatever_else_is_asked_for_is_the_dashboards_own(other: dict[str, str]) -> None:
    assert ask(**other)[0] == "418 its own"


@pytest.mark.parametrize("script", [b"no slip", page.SLIP * 2, None])
def test_another_versions_script_is_served_as_it_is(
    script: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is not None:
        (tmp_path / "bundle.js").write_bytes(script)
    monkeypatch.setattr("optuna_dashboard._app.STATIC_DIR", str(tmp_path))
    assert ask()[2] == b"its own"
