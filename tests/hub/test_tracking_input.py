"""What a request has wrong is said in one sentence, and is never a failure of the service."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import exc
from tests.tracking import Tracking

from baton_contract.errors import ForbiddenError
from baton_hub.tracking.mistakes import explain

pytest_plugins = ("tests.tracking",)

HALF = "\ud800"
HUGE = 2**70
DEEP = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
INSIDE = re.compile(r"sqlite3?\.|psycopg|sqlalche|\[SQL|SELECT|UNIQUE|Traceback|<!doctype", re.I)
V2, V3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
PAGE = {"experiment_ids": ["0"]}


def _sentence(answer: httpx.Response, *statuses: int) -> str:
    """Return the answer's sentence, which shows nothing of the inside."""
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    assert not INSIDE.search(answer.text)
    message: str = answer.json()["message"]
    assert message
    return message


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/version"),
        ("POST", "/graphql"),
        ("GET", f"{V2}/experiments/search?max_results=1"),
        ("POST", f"{V2}/runs/search"),
        ("POST", "/v1/traces"),
        ("POST", "/ajax-api/3.0/jobs/search"),
        ("PUT", "/api/2.0/mlflow-artifacts/artifacts/0/a"),
        ("GET", "/ajax-api/2.0/mlflow-artifacts/artifacts/0/a"),
    ],
)
def test_a_workspace_is_refused_on_every_kind_of_route(
    tracking: Tracking, method: str, path: str
) -> None:
    with tracking.client("ada") as client:
        answer = client.request(method, path, headers={"X-MLFLOW-WORKSPACE": "team"})
    assert "leave the header X-MLFLOW-WORKSPACE out" in _sentence(answer, 403)
    assert answer.json()["error"]["code"] == "no_workspaces"


@pytest.mark.parametrize("path", [f"{V3}/workspaces", f"{V3}/workspaces/x"])
def test_there_is_no_list_of_workspaces(tracking: Tracking, path: str) -> None:
    with tracking.client("ada") as client:
        assert "Workspaces are not used" in _sentence(client.get(path), 403)


def test_mlflows_client_may_ask_for_workspaces_and_a_blank_header_is_none(
    tracking: Tracking,
) -> None:
    with tracking.client("ada") as client:
        named = client.get(f"{V3}/server-info", headers={"X-MLFLOW-WORKSPACE": "team"})
        blank = client.get("/version", headers={"X-MLFLOW-WORKSPACE": ""})
    assert (named.status_code, blank.status_code) == (200, 200)
    assert named.json()["workspaces_enabled"] is False


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        # Bodies that are no object, or that no program reads to its end.
        *[
            (method, f"{V2}/{route}", raw)
            for method, route in (("POST", "runs/search"), ("PATCH", "traces/tr-1"))
            for raw in (b'"x"', b"1", DEEP)
        ],
        # Values of another kind than the field's.
        ("POST", f"{V2}/runs/search", {"max_results": [1]}),
        ("POST", f"{V2}/runs/log-batch", {"run_id": "x", "metrics": ["m"]}),
        ("POST", f"{V2}/runs/create", {}),
        ("POST", f"{V3}/traces", {"trace": {"trace_info": {"trace_id": "x"}}}),
        ("GET", f"{V3}/datasets/d-1/records?max_results=x", None),
        ("POST", "/graphql", {"query": None}),
        ("POST", "/graphql", {"query": "{"}),
        ("POST", "/graphql", [{"query": "{__typename}"}]),
        ("GET", "/graphql?query={__typename}", None),
        # Characters that neither Protobuf nor a database keeps.
        ("POST", f"{V2}/experiments/create", {"name": HALF}),
        ("POST", f"{V2}/runs/search", {HALF: 1}),
        ("GET", f"{V2}/experiments/get-by-name?experiment_name=a%00b", None),
        # Numbers beyond the database's.
        ("GET", f"{V2}/experiments/get?experiment_id={HUGE}", None),
        ("GET", f"/model-versions/get-artifact?name=x&version={HUGE}&path=a", None),
        ("POST", f"{V2}/runs/search", {**PAGE, "filter": f"attributes.start_time > {HUGE}"}),
        # Pages, filters and orders that nobody made.
        *[
            ("POST", f"{V2}/runs/search", {**PAGE, "page_token": token})
            for token in ("é", "x", "bnVsbA==", "W10=", "eyJvZmZzZXQiOiAieCJ9")
        ],
        ("POST", f"{V2}/runs/search", {**PAGE, "filter": "metrics."}),
        ("POST", f"{V2}/runs/search", {**PAGE, "order_by": ["metrics.m FOO"]}),
        ("GET", f"{V2}/experiments/search?max_results=1&filter=name%20%3D%20'", None),
        ("POST", f"{V2}/logged-models/search", {**PAGE, "filter": "version_number > 1"}),
    ],
)
def test_a_request_that_mlflow_does_not_expect_is_400(
    either: Tracking, method: str, path: str, body: Any
) -> None:
    with either.client("ada") as client:
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        answer = client.request(method, path, content=sent, headers=headers)
    _sentence(answer, 400, 404)


def test_a_graphql_query_shows_nothing_of_the_database(either: Tracking) -> None:
    """Its errors come with a 200."""
    query = '{mlflowGetExperiment(input: {experimentId: "9%s"}) {experiment {name}}}' % ("9" * 30)
    with either.client("ada") as client:
        answer = client.post("/graphql", json={"query": query})
    assert answer.json()["errors"]
    assert not INSIDE.search(answer.text)


def test_what_contradicts_the_state_of_things_is_no_failure(tracking: Tracking) -> None:
    """MLflow's own answer is a 500, which its client repeats for minutes."""
    experiment = {"experiment_id": tracking.run("ada", "old")["experiment_id"]}
    tracking.call("ada", "experiments/delete", experiment)
    with tracking.client("ada") as client:
        answer = client.post(f"{V2}/experiments/update", json={**experiment, "new_name": "new"})
    assert "non-active" in _sentence(answer, 409)


@pytest.fixture
def broken(tracking: Tracking) -> Iterator[Path]:
    """MLflow's database without one of its tables, which comes back in the end."""
    database = tracking.folder / "mlflow.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ALTER TABLE label_schemas RENAME TO elsewhere")
        yield database
        connection.execute("ALTER TABLE elsewhere RENAME TO label_schemas")


@pytest.mark.usefixtures("broken")
def test_a_failure_of_the_database_stays_one_and_shows_nothing_of_it(tracking: Tracking) -> None:
    experiment = tracking.run("ada", "labels")["experiment_id"]
    with tracking.client("ada") as client:
        answer = client.get(f"{V3}/label-schemas/list?experiment_id={experiment}")
    assert "database can't be used" in _sentence(answer, 503)
    assert answer.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"


def _of_database(kind: type[exc.DBAPIError], cause: Exception) -> Exception:
    return kind("SELECT 1", (), cause)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("x"), 400),
        (RecursionError(), 400),
        (exc.StatementError("x", "SELECT 1", (), OverflowError()), 400),
        (_of_database(exc.DataError, psycopg.errors.NumericValueOutOfRange()), 400),
        (_of_database(exc.ProgrammingError, psycopg.errors.UndefinedFunction()), 400),
        (_of_database(exc.OperationalError, psycopg.errors.StatementTooComplex()), 400),
        (_of_database(exc.OperationalError, psycopg.errors.DiskFull()), 503),
        (_of_database(exc.OperationalError, psycopg.errors.AdminShutdown()), 503),
        (_of_database(exc.OperationalError, sqlite3.OperationalError("database is locked")), 503),
        (exc.TimeoutError("QueuePool limit"), 503),
        (_of_database(exc.ProgrammingError, psycopg.errors.UndefinedTable()), None),
        (_of_database(exc.InternalError, psycopg.errors.InFailedSqlTransaction()), None),
        (OSError(28, "No space left on device"), None),
        (MemoryError(), None),
        (RuntimeError("x"), None),
        (SystemError("x"), None),
        (ForbiddenError("x", "y"), 403),
    ],
)
def test_only_mistakes_are_explained_as_such(error: Exception, status: int | None) -> None:
    answer = explain(error)
    assert (answer and answer.status) == status
