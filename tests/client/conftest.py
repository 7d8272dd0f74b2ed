"""A desk that serves what a test gives it, hostile or not; the real one is met in tests/lab."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from baton_client.cli import main
from baton_contract import canonical_json, packet_digest

HANDOFF = "0190" + "a" * 28
TOKEN = "baton_right"
SAMPLES = Path(__file__).parents[1] / "contract" / "samples"


@dataclass
class Desk:
    """What the played desk answers with; a test changes it before it asks."""

    packet: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    digest: str | None = None
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    redirect: str | None = None
    url: str = ""

    def carry(self, content: dict[str, bytes]) -> None:
        """Offer a packet with these files, all as they should be."""
        entries = []
        for path, data in content.items():
            sha256 = hashlib.sha256(data).hexdigest()
            self.files[sha256] = data
            entry = {"path": path, "sha256": sha256, "size": len(data), "format": "other"}
            entries.append(entry)
        self.packet = make_packet(entries)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        parts = path.removeprefix("/services/desk/api/handoffs/").split("/")
        if parts[0] != HANDOFF:
            return 404, error("not_found", "There is no such handoff, or it is not for you.")
        if method == "POST":
            report = json.loads(body)
            self.reports.append(report)
            made = {"id": "1", "reported_by": "pipeline:ci", "created_at": "", "description": ""}
            return 201, json.dumps({**made, "url": None, **report}).encode()
        if parts[1:] == []:
            digest = self.digest or packet_digest(self.packet)
            return 200, json.dumps({"id": HANDOFF, "packet_digest": digest}).encode()
        if parts[1:] == ["packet"]:
            return 200, canonical_json(self.packet)
        content = self.files.get(parts[-1])
        return (404, error("unknown_file", "No such file.")) if content is None else (200, content)


def error(code: str, message: str) -> bytes:
    body = {"code": code, "message": message, "details": {}, "request_id": "r"}
    return json.dumps({"error": body}).encode()


def make_packet(files: list[dict[str, Any]]) -> dict[str, Any]:
    nothing: dict[str, list[Any]] = {"inputs": [], "outputs": [], "params": []}
    card = dict.fromkeys(("summary", "intended_use", "limitations", "license", "contact"), "")
    environment = dict.fromkeys(("image", "digest", "profile", "python"))
    return {
        "schema": "urn:baton:packet:1",
        "model": {
            "name": "tumours",
            "version": "3",
            "run_id": None,
            "uri": "models:/m-1",
            "flavors": ["python_function"],
        },
        "files": files,
        "signature": nothing,
        "examples": [{"request": {"inputs": [1.5, 2]}, "expected": [3.0, 4], "tolerance": 1e-6}],
        "environment": {**environment, "requirements": []},
        "source": {"notebook": None, "git": None, "cell": None},
        "lineage": {"datasets": []},
        "metrics": {},
        "params": {},
        "card": card,
        "supersedes": None,
        "routing": {"team": "app-developers", "note": ""},
    }


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A played desk that carries a small, honest packet."""
    played = Desk()
    played.carry({"model/MLmodel": b"flavors: {}\n", "model/data/model.bin": b"\x00" * 5000})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            played.asked.append(self.path)
            played.tokens.append(self.headers.get("Authorization", ""))
            if played.redirect:
                self.send_response(302)
                self.send_header("Location", played.redirect)
                status, answer = 302, b""
            elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, answer = 401, error("not_signed_in", "The token is not known here.")
                self.send_response(status)
            else:
                status, answer = played.answer(self.command, self.path, body)
                self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # A short poll, because the server is stopped after every test.
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    played.url = f"http://127.0.0.1:{server.server_port}/services/desk"
    yield played
    server.shutdown()
    server.server_close()


@pytest.fixture
def handoff() -> str:
    return HANDOFF


@pytest.fixture
def baton(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return a function that runs the command against the played desk."""
    monkeypatch.setenv("BATON_DESK_URL", desk.url)
    monkeypatch.setenv("BATON_TOKEN", TOKEN)
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])
