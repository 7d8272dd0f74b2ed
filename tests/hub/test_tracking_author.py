"""The table of authors, route by route, without a server."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from baton_contract.errors import BadRequestError, ForbiddenError
from baton_hub.tracking.author import find_rule, stamp

FORGED = {"key": "mlflow.user", "value": "boss"}
REAL = {"key": "mlflow.user", "value": "ada"}
OTHER = {"key": "a", "value": "b"}
HUMAN = {"source": {"source_type": "HUMAN", "sourceId": "boss"}}
JUDGE = {"source": {"source_type": "LLM_JUDGE", "source_id": "gpt"}}


@pytest.mark.parametrize(
    ("method", "path", "body", "stamped"),
    [
        (
            "POST",
            "/api/2.0/mlflow/runs/create",
            {"userId": "boss", "tags": [FORGED, OTHER]},
            {"user_id": "ada", "tags": [OTHER, REAL]},
        ),
        (
            "POST",
            "/ajax-api/2.0/mlflow/runs/create-promptlab-run",
            {"userId": "boss"},
            {"user_id": "ada"},
        ),
        (
            "POST",
            "/api/2.0/mlflow/runs/log-batch",
            {"tags": [FORGED, OTHER], "metrics": [1]},
            {"tags": [OTHER], "metrics": [1]},
        ),
        ("POST", "/api/2.0/mlflow/logged-models", {"tags": [FORGED]}, {"tags": [REAL]}),
        ("PATCH", "/api/2.0/mlflow/logged-models/m-1/tags", {"tags": [FORGED]}, {"tags": []}),
        (
            "POST",
            "/api/2.0/mlflow/model-versions/create",
            {"name": "m"},
            {"name": "m", "tags": [REAL]},
        ),
        (
            "POST",
            "/api/3.0/mlflow/traces",
            {
                "trace": {
                    "traceInfo": {"tags": {"mlflow.user": "boss"}, "assessments": [HUMAN, JUDGE]}
                }
            },
            {
                "trace": {
                    "traceInfo": {
                        "tags": {},
                        "trace_metadata": {"mlflow.user": "ada"},
                        "assessments": [
                            {"source": {"source_type": "HUMAN", "source_id": "ada"}},
                            JUDGE,
                        ],
                    }
                }
            },
        ),
        (
            "PATCH",
            "/api/2.0/mlflow/traces/tr-1",
            {"request_metadata": [FORGED]},
            {"request_metadata": [REAL]},
        ),
        (
            "POST",
            "/api/3.0/mlflow/traces/tr-1/assessments",
            {"assessment": HUMAN},
            {"assessment": {"source": {"source_type": "HUMAN", "source_id": "ada"}}},
        ),
        ("POST", "/api/3.0/mlflow/issues", {"createdBy": "boss"}, {"created_by": "ada"}),
        (
            "POST",
            "/api/3.0/mlflow/datasets/create",
            {"tags": json.dumps({"mlflow.user": "boss", "a": "b"})},
            {"created_by": "ada", "tags": json.dumps({"mlflow.user": "ada", "a": "b"})},
        ),
    ],
)
def test_the_author_becomes_the_hubs_user(
    method: str, path: str, body: dict[str, Any], stamped: dict[str, Any]
) -> None:
    given = copy.deepcopy(body)
    assert stamp(method, path, given, "ada") == stamped
    assert given == body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/2.0/mlflow/runs/set-tag"),
        ("POST", "/ajax-api/2.0/mlflow/runs/delete-tag"),
        ("POST", "/api/2.0/mlflow/experiments/set-experiment-tag"),
        ("POST", "/api/2.0/mlflow/model-versions/set-tag"),
        ("DELETE", "/api/2.0/mlflow/registered-models/delete-tag"),
        ("PATCH", "/api/3.0/mlflow/traces/tr-1/tags"),
        ("DELETE", "/api/3.0/mlflow/datasets/d-1/tags/mlflow.user"),
    ],
)
def test_a_later_request_can_not_touch_the_author(method: str, path: str) -> None:
    with pytest.raises(ForbiddenError) as refused:
        stamp(method, path, {"key": "mlflow.user", "value": "ada"}, "ada")
    assert refused.value.code == "author_is_fixed"


def test_other_tags_pass_as_they_are() -> None:
    assert stamp("POST", "/api/2.0/mlflow/runs/set-tag", dict(OTHER), "ada") == OTHER


def test_a_dataset_whose_tags_are_no_json_is_the_callers_mistake() -> None:
    with pytest.raises(BadRequestError):
        stamp("POST", "/api/3.0/mlflow/datasets/create", {"tags": "{"}, "ada")


@pytest.mark.parametrize(
    "path",
    ["/api/2.0/mlflow-artifacts/artifacts/1/x", "/v1/traces", "/api/2.0/mlflow/runs/search", "/"],
)
def test_what_records_no_author_is_not_read(path: str) -> None:
    assert find_rule("POST", path) is None
    assert find_rule("PUT", path) is None
