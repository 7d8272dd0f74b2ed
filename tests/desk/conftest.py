"""A real Hub, real databases, a real model and the desk on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tests.postgres import postgres as postgres
from tests.processes import await_answer, free_port, running

from baton_desk.moments import system_clock
from baton_desk.service import Service
from baton_desk.settings import Settings
from baton_desk.store import Store

PEOPLE = {
    "scientist": ["data-science"],
    "developer": ["app-developers"],
    "tester": ["app-developers"],
    "operator": ["operations"],
    "guest": [],
}
DESK_TOKEN = "desk-service-token-of-the-tests"

HUB_CONFIG = """
import json
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    "Nobody comes through a proxy here: the tests ask Hub and desk directly."
    should_start = False
    async def add_route(self, routespec, target, data): pass
    async def delete_route(self, routespec): pass
    async def get_all_routes(self): return {}

people = json.loads(%(people)r)
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.hub_bind_url = "http://127.0.0.1:%(port)d"
c.JupyterHub.bind_url = "http://127.0.0.1:%(port)d"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allowed_users = set(people)
c.Authenticator.admin_users = {"operator"}
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.load_groups = {
    group: {"users": [name for name in people if group in people[name]]}
    for group in sorted({g for groups in people.values() for g in groups})
}
c.JupyterHub.api_tokens = {f"token-of-{name}": name for name in people}
c.JupyterHub.services = [{
    "name": "desk", "url": "http://127.0.0.1:1", "api_token": %(token)r,
    "oauth_client_id": "service-desk", "oauth_no_confirm": True,
}]
c.JupyterHub.load_roles = [
    {"name": "desk", "services": ["desk"],
     "scopes": ["read:users:name", "read:users:groups", "list:groups", "read:groups:name"]},
    {"name": "desk-users", "scopes": ["access:services!service=desk"],
     "groups": [g for g in ("data-science", "app-developers", "operations")]},
]
"""


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterHub with PEOPLE; yields its API's address."""
    folder = tmp_path_factory.mktemp("hub")
    port = free_port()
    config = folder / "jupyterhub_config.py"
    values = {"people": json.dumps(PEOPLE), "port": port, "token": DESK_TOKEN}
    config.write_text(HUB_CONFIG % values)
    url, log = f"http://127.0.0.1:{port}/hub/api", folder / "hub.log"
    command = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
    env = {**os.environ, "JUPYTERHUB_CRYPT_KEY": "", "PYTHONWARNINGS": "ignore"}
    with running(command, log, env=env, cwd=folder) as process:
        await_answer(f"{url}/", process, log)
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file whose tables are made, to be copied."""
    path = tmp_path_factory.mktemp("template") / "desk.sqlite"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """The name of a PostgreSQL database whose tables are made, to be copied."""
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE template")
    Store.open(f"{postgres}/template").close()
    return "template"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without records, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "desk.sqlite")
        return f"sqlite:///{tmp_path}/desk.sqlite"
    address: str = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("postgres_template")
    name = "t" + hashlib.sha256(str(tmp_path).encode()).hexdigest()[:20]
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return f"{address}/{name}"


class Clock:
    """A clock that only goes forward when told; in milliseconds."""

    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> int:
        return self.now

    def forward(self, *, seconds: float = 0, days: float = 0) -> None:
        """Let time pass."""
        self.now += round(1000 * (seconds + days * 86400))


@pytest.fixture
def clock() -> Clock:
    """The desk's clock."""
    return Clock()


@pytest.fixture
def store(database_url: str, clock: Clock) -> Iterator[Store]:
    """A migrated store on either database."""
    store = Store.open(database_url, clock=clock)
    yield store
    store.close()


# Packets


def sha256(content: bytes) -> str:
    """Return a content's digest."""
    return hashlib.sha256(content).hexdigest()


def _format(path: str) -> str:
    if path.endswith(".pkl"):
        return "pickle"
    kinds = {".json": "json", ".yaml": "yaml", ".txt": "text", ".ipynb": "notebook"}
    return kinds.get(Path(path).suffix, "other")


MakePacket = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def make_packet() -> MakePacket:
    """Return a valid packet of some files (path → content); keywords replace its parts."""

    def make(contents: dict[str, bytes], **parts: Any) -> dict[str, Any]:
        team = parts.pop("team", "app-developers")
        packet = {
            "schema": "urn:baton:packet:1",
            "model": {
                "name": "cancer",
                "version": "1",
                "run_id": "a" * 32,
                "uri": "models:/m-1",
                "flavors": ["sklearn", "python_function"],
            },
            "files": [
                {"path": path, "sha256": sha256(body), "size": len(body), "format": _format(path)}
                for path, body in contents.items()
            ],
            "signature": {"inputs": [], "outputs": [], "params": []},
            "examples": [{"request": {"inputs": [[1.0]]}, "expected": [1], "tolerance": 1e-6}],
            "environment": {
                "image": None,
                "digest": None,
                "profile": "python",
                "python": "3.11",
                "requirements": ["scikit-learn"],
            },
            "source": {"notebook": None, "git": None, "cell": None},
            "lineage": {"datasets": []},
            "metrics": {"accuracy": 0.97},
            "params": {"C": "1.0"},
            "card": {
                "summary": "Tells tumours apart",
                "intended_use": "",
                "limitations": "",
                "license": "",
                "contact": "",
            },
            "supersedes": None,
            "routing": {"team": team, "note": "Please have a look"},
        }
        return {**packet, **parts}

    return make


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A real model of real data, logged by MLflow: its files, a request and its answer."""
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_breast_cancer(as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(data.data, data.target)
    folder = tmp_path_factory.mktemp("trained") / "model"
    rows = data.data.head(3)
    mlflow.sklearn.save_model(
        model,
        str(folder),
        signature=infer_signature(rows, model.predict(rows)),
        input_example=rows,
        pip_requirements=["scikit-learn", "pandas"],
        serialization_format="pickle",
    )
    contents = {
        "model/" + path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    request = {"dataframe_split": json.loads(rows.to_json(orient="split", index=False))}
    return {"contents": contents, "request": request, "answer": model.predict(rows).tolist()}


@pytest.fixture(scope="session")
def model_packet(make_packet: MakePacket, trained: dict[str, Any]) -> MakePacket:
    """Return a packet of the trained model; ``expected`` replaces its example's answer."""

    def make(**parts: Any) -> dict[str, Any]:
        expected = parts.pop("expected", trained["answer"])
        contents = parts.pop("contents", trained["contents"])
        example = {"request": trained["request"], "expected": expected, "tolerance": 1e-6}
        return make_packet(contents, examples=[example], **parts)

    return make


# The desk


def make_settings(tmp_path: Path, hub: str, database: str | None = None, **more: Any) -> Settings:
    """Return settings for a desk of its own, beside the tests' Hub."""
    values: dict[str, Any] = {
        "database": database or f"sqlite:///{tmp_path}/desk.sqlite",
        "files": tmp_path / "files",
        "public_url": "http://127.0.0.1:8000",
        "hub_api_url": hub,
        "hub_api_token": DESK_TOKEN,
        "webhook_hosts": frozenset({"127.0.0.1"}),
        "check_timeout": 120.0,
    }
    return Settings(**{**values, **more})


StartDesk = Callable[..., Awaitable[Service]]


@pytest.fixture
async def start_desk(tmp_path: Path, hub: str, sqlite_template: Path) -> AsyncIterator[StartDesk]:
    """Start a desk; keywords replace settings, ``clock`` its clock."""
    shutil.copyfile(sqlite_template, tmp_path / "desk.sqlite")
    async with contextlib.AsyncExitStack() as stack:

        async def start(**more: Any) -> Service:
            given = {"clock": more.pop("clock")} if "clock" in more else {}
            settings = make_settings(tmp_path, hub, **more)
            return await stack.enter_async_context(Service(settings, **given))

        yield start


@pytest.fixture
async def desk(start_desk: StartDesk) -> Service:
    """A desk on SQLite."""
    return await start_desk()


class Person:
    """Somebody at the desk's API, by their Hub token or a pipeline's."""

    def __init__(self, service: Service, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{service.port}/services/desk/",
            headers=headers,
            trust_env=False,
            # Plain HTTP: to read the machine's certificates takes longer than most tests.
            verify=False,
            timeout=30,
        )

    async def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """Return the answer's JSON, having checked its status."""
        answer = await self.http.request(method, path, **more)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, status: int, code: str, **more: Any) -> Any:
        """Check that the answer is the envelope with this code; return the error."""
        error = (await self.ask(method, path, status, **more))["error"]
        assert error["code"] == code, error
        assert error["message"]
        assert error["request_id"]
        return error

    async def draft(self, packet: dict[str, Any], contents: dict[str, bytes]) -> str:
        """Open a draft and upload its files; return its id."""
        made = await self.ask("POST", "api/handoffs", 201, json=packet)
        for body in contents.values():
            await self.ask(
                "PUT", f"api/handoffs/{made['id']}/files/{sha256(body)}", 204, content=body
            )
        handoff_id: str = made["id"]
        return handoff_id

    async def until(self, handoff_id: str, state: str, seconds: float = 120) -> Any:
        """Return the handoff once it is in ``state``."""
        deadline = time.monotonic() + seconds
        while True:
            handoff = await self.ask("GET", f"api/handoffs/{handoff_id}")
            if handoff["state"] == state:
                return handoff
            assert time.monotonic() < deadline, handoff
            await asyncio.sleep(0.05)


Enter = Callable[..., Person]


@pytest.fixture
async def enter(desk: Service) -> AsyncIterator[Enter]:
    """Return somebody at the desk: by name, by ``token``, or nobody; ``at`` another desk."""
    people: list[Person] = []

    def come(name: str | None = None, *, token: str | None = None, at: Service = desk) -> Person:
        person = Person(at, token or (f"token-of-{name}" if name else None))
        people.append(person)
        return person

    yield come
    for person in people:
        await person.http.aclose()


Offer = Callable[..., Awaitable[str]]


@pytest.fixture
def offer(make_packet: MakePacket) -> Offer:
    """Bring a packet to ``offered`` without the slow check of its model; return the id."""

    async def bring(service: Service, sender: str = "scientist", **parts: Any) -> str:
        from baton_contract import canonical_json, packet_digest
        from baton_desk.identity import Caller
        from baton_desk.records import Finding

        contents = parts.pop("contents", {"model/MLmodel": b"flavors: {}\n"})
        packet = make_packet(contents, **parts)
        store, who = service.desk.store, Caller(sender)
        body, digest = canonical_json(packet), packet_digest(packet)
        made, _ = store.handoffs.open_draft(sender, packet, digest, body)  # type: ignore[arg-type]
        for content in contents.values():
            incoming = service.desk.stored.receive(sha256(content), len(content))
            incoming.write(content)
            incoming.finish()
            store.handoffs.record_upload(sender, sha256(content))
        # Straight to the store: the checker, which hears only the bell, does not see it.
        store.handoffs.submit(made.id, who, [])
        found = [Finding("digests", "1", "passed", "All there.")]
        await service.desk.change(
            store.handoffs.finish_checks, made.id, found, packet["supersedes"]
        )
        return made.id

    return bring
