"""The dashboard's server: loopback, warnings, errors; no request leaves the machine."""

from __future__ import annotations

import threading
import urllib.request
from pathlib import Path

import optuna
import pytest

from optunas.errors import InvalidSpecError
from optunas.inspection import serve
from optunas.inspection.serve import _is_loopback, _Server, dashboard_server


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("192.168.1.5", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_what_is_loopback(host: str, loopback: bool) -> None:
    assert _is_loopback(host) is loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_only_another_host_is_warned_of(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(self: _Server) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_Server, "serve_forever", stop)
    serve(optuna.storages.InMemoryStorage(), host=host, port=0)
    said = capsys.readouterr().err
    assert f"optuna-dashboard: http://{host}:" in said
    assert ("has no password" in said) is (host == "0.0.0.0")


def test_it_serves_the_studies_of_a_url(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    optuna.create_study(storage=url, study_name="mine")
    from optunas.inspection.adapter import open_for_dashboard

    server = dashboard_server(open_for_dashboard(url), tmp_path, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/api/studies"
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert b'"mine"' in answer.read()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_taken_port_is_one_sentence() -> None:
    storage = optuna.storages.InMemoryStorage()
    with (
        dashboard_server(storage, None, "127.0.0.1", 0) as server,
        pytest.raises(InvalidSpecError, match=r"cannot listen on 127\.0\.0\.1:\d+: .*another port"),
    ):
        serve(storage, port=server.server_port)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_an_impossible_port_is_one_sentence(port: int) -> None:
    with pytest.raises(InvalidSpecError, match="cannot listen on"):
        serve(optuna.storages.InMemoryStorage(), port=port)
