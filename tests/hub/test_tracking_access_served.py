"""The walls under MLflow's own command, ``mlflow server --app-name baton``, with other defaults."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.processes import await_answer, free_port, running
from tests.tracking import PREFIX, Tracking

pytest_plugins = ("tests.tracking",)

API = "/api/2.0/mlflow"
OPERATIONS = 'ops "1" \u00e9'


@pytest.fixture(scope="module")
def served(tracking: Tracking, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    """A second service of the same Hub: private by default, and with a group of operations."""
    folder = tmp_path_factory.mktemp("served")
    known = Path(f"/proc/{tracking.mlflow_pid}/environ").read_bytes().decode().split("\0")
    environment = {
        **dict(pair.split("=", 1) for pair in known if "=" in pair),
        "BATON_MLFLOW_READ": "owner",
        "BATON_MLFLOW_WRITE": "owner",
        "BATON_MLFLOW_OPERATIONS": OPERATIONS,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # A runner of jobs is nine processes more; nobody can give it any.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    port = free_port()
    command = [
        *(str(Path(sys.executable).with_name("mlflow")), "server", "--app-name", "baton"),
        *("--static-prefix", PREFIX, "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.sqlite", "--workers", "1"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    url, log = f"http://127.0.0.1:{port}{PREFIX}", folder / "mlflow.log"
    with running(command, log, env=environment, cwd=folder) as process:
        await_answer(f"{url}/baton/health", process, log)
        yield replace(tracking, url=url, direct=url)


def _made(served: Tracking, user: str, **tags: str) -> tuple[str, str]:
    """Return the numbers of a new experiment of the user's and a run in it."""
    given = [{"key": key.replace("_", "."), "value": value} for key, value in tags.items()]
    body = {"name": secrets.token_hex(6), "tags": given}
    experiment = served.call(user, "experiments/create", body)["experiment_id"]
    claim = {"experiment_id": experiment, "start_time": 1, "user_id": "boss"}
    return experiment, served.call(user, "runs/create", claim)["run"]["info"]["run_id"]


def _seen(served: Tracking, run: str, *users: str) -> list[int]:
    found = []
    for user in users:
        with served.client(user) as client:
            answer = client.get(f"{API}/runs/get", params={"run_id": run})
        found.append(answer.status_code)
    return found


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{PREFIX}/version"),
        ("GET", f"{PREFIX}/"),
        ("POST", f"{PREFIX}{API}/experiments/search"),
        ("POST", f"{PREFIX}/v1/traces"),
        ("POST", f"{PREFIX}/ajax-api/3.0/jobs/search"),
        ("GET", f"{PREFIX}/ajax-api/3.0/mlflow/assistant/config"),
        ("GET", "/api/2.0/mlflow-artifacts/artifacts/1/a"),
    ],
)
def test_the_anonymous_get_401(served: Tracking, method: str, path: str) -> None:
    answer = httpx.request(method, f"{served.url.removesuffix(PREFIX)}{path}", json={})
    assert answer.status_code == 401


def test_what_one_makes_is_ones_own_until_one_says_otherwise(served: Tracking) -> None:
    served.group("science", "ada", "bob")
    experiment, run = _made(served, "ada")
    assert _seen(served, run, "ada", "bob", "eve", "olga") == [200, 404, 404, 200]
    file = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/a"
    with served.client("ada") as ada, served.client("eve") as eve:
        assert ada.put(file, content=b"secret").is_success
        assert eve.get(file).status_code == 404
        found = eve.post(f"{API}/experiments/search", json={"max_results": 1000}).json()
    assert experiment not in {one["experiment_id"] for one in found["experiments"]}
    body = {"experiment_id": experiment, "key": "baton.read", "value": '["science"]'}
    served.call("ada", "experiments/set-experiment-tag", body)
    assert _seen(served, run, "ada", "bob", "eve") == [200, 200, 404]


def test_the_author_is_the_hubs(served: Tracking) -> None:
    _, run = _made(served, "ada", mlflow_user="boss")
    with served.client("ada") as client:
        got: Any = client.get(f"{API}/runs/get", params={"run_id": run}).json()["run"]
    tags = {tag["key"]: tag["value"] for tag in got["data"]["tags"]}
    assert (got["info"]["user_id"], tags["mlflow.user"]) == ("ada", "ada")


def test_members_of_the_operations_group_are_let_through_every_wall(served: Tracking) -> None:
    served.group(OPERATIONS, "oscar")
    experiment, run = _made(served, "ada")
    assert _seen(served, run, "oscar") == [200]
    body = {"experiment_id": experiment, "key": "baton.read", "value": json.dumps("everybody")}
    served.call("oscar", "experiments/set-experiment-tag", body)
    assert _seen(served, run, "eve") == [200]
