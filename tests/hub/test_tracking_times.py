"""A time that no reader can make a date of is refused where it would be stored."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.tracking import Tracking

pytest_plugins = ("tests.tracking",)

V2, V3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
LAST = 2**63 // 10**6
"""Milliseconds; the last that nanoseconds in 64 bits can say."""
BEYOND = [2**63 - 1, -(2**62), LAST + 1, 1_700_000_000_000_000]


def _experiment(tracking: Tracking) -> str:
    name = {"name": f"times {secrets.token_hex(3)}"}
    return str(tracking.call("ada", "experiments/create", name)["experiment_id"])


def _search(client: httpx.Client, experiment: str) -> list[dict[str, Any]]:
    """Return the experiment's traces, as MLflow's pages and its client list them."""
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    answer = client.post(f"{V3}/traces/search", json={"locations": [place]})
    assert answer.status_code == 200, answer.text
    traces: list[dict[str, Any]] = answer.json().get("traces", [])
    return traces


def _refused(answer: httpx.Response) -> bool:
    assert answer.status_code in (200, 400), answer.text
    return answer.status_code == 400 and "is too far away" in answer.json()["message"]


def test_a_trace_beyond_all_dates_is_refused_and_the_others_are_still_found(
    either: Tracking,
) -> None:
    experiment = _experiment(either)
    with either.client("ada") as client:

        def start(when: int) -> httpx.Response:
            body = {"experiment_id": experiment, "timestamp_ms": when, "status": "OK"}
            return client.post(f"{V2}/traces", json=body)

        assert [when for when in BEYOND if not _refused(start(when))] == []
        assert _search(client, experiment) == []
        trace = start(1).json()["trace_info"]["request_id"]
        assert start(LAST).is_success
        end = {"timestamp_ms": 2**63 - 1, "status": "OK"}
        assert _refused(client.patch(f"{V2}/traces/{trace}", json=end))
        found = {one["trace_id"]: one["state"] for one in _search(client, experiment)}
    assert found[trace] == "IN_PROGRESS"
    assert len(found) == 2


@pytest.mark.parametrize(("nanoseconds", "count"), [(2**63 - 1, 1), (2**63, 0), (2**64 - 1, 0)])
def test_no_span_makes_such_a_trace(either: Tracking, nanoseconds: int, count: int) -> None:
    experiment = _experiment(either)
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="span")
    span.trace_id, span.span_id = secrets.token_bytes(16), secrets.token_bytes(8)
    span.start_time_unix_nano = span.end_time_unix_nano = nanoseconds
    headers = {"Content-Type": "application/x-protobuf", "X-MLflow-Experiment-Id": experiment}
    with either.client("ada") as client:
        answer = client.post("/v1/traces", content=request.SerializeToString(), headers=headers)
        assert answer.status_code == (200 if count else 400), answer.text
        assert len(_search(client, experiment)) == count


def test_a_run_beyond_all_dates_is_refused_and_goes_on(either: Tracking) -> None:
    experiment = _experiment(either)
    with either.client("ada") as client:

        def start(when: int) -> httpx.Response:
            body = {"experiment_id": experiment, "start_time": when}
            return client.post(f"{V2}/runs/create", json=body)

        assert [when for when in BEYOND if not _refused(start(when))] == []
        run = start(1).json()["run"]["info"]["run_id"]
        end = {"run_id": run, "status": "FINISHED", "end_time": 2**63 - 1}
        assert _refused(client.post(f"{V2}/runs/update", json=end))
        assert client.post(f"{V2}/runs/update", json=end | {"end_time": LAST}).is_success
        runs = client.post(f"{V2}/runs/search", json={"experiment_ids": [experiment]}).json()
    assert [one["info"]["status"] for one in runs["runs"]] == ["FINISHED"]
