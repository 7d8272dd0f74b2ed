"""``baton tracking access`` at an address where something else than MLflow answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from baton_hub.tracking.commands import command


class _Other(BaseHTTPRequestHandler):
    answer = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a web server that is no MLflow."""
    with HTTPServer(("127.0.0.1", 0), _Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"{}", b'{"experiment": 1}'])
def test_what_is_no_mlflow_is_said_to_be_none(
    address: str, answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Other, "answer", answer)
    token = tmp_path / "token"
    token.write_text("a-token")
    options = ["access", "experiment", "1", "--hub", address, "--token-file", str(token)]
    done = CliRunner().invoke(command, options)
    assert done.exit_code == 1
    assert done.output.startswith("Error: That is no MLflow")
    assert "--hub" in done.output
