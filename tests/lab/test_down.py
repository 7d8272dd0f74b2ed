"""MLflow and the desk away: the server works, and says what is missing."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("service", ["mlflow", "desk"])
def test_status_says_what_does_not_answer(lonely_lab: Any, service: str) -> None:
    status = lonely_lab.get("status")
    assert status["user"] == "scientist"
    assert status["services"][service]["state"] in {"starting", "down"}
    assert "appears here" in status["services"][service]["message"]


@pytest.mark.parametrize("path", ["experiments", "models", "runs?experiment=1", "runs/abc"])
def test_without_mlflow_its_endpoints_answer_503_with_a_sentence(
    lonely_lab: Any, path: str
) -> None:
    answer = lonely_lab.http.get(path)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "mlflow_unavailable"
    assert "try again" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["teams", "handoffs", f"handoffs/{'0' * 32}"])
def test_without_the_desk_its_endpoints_answer_503_with_a_sentence(
    lonely_lab: Any, path: str
) -> None:
    answer = lonely_lab.http.get(path)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "desk_unavailable"


def test_the_rest_of_the_server_works(lonely_lab: Any) -> None:
    answer = lonely_lab.http.get(lonely_lab.url + "/api/contents/")
    assert answer.is_success


def test_a_handover_without_the_desk_fails_with_one_sentence_and_can_be_dismissed(
    lonely_lab: Any, until: Any
) -> None:
    body = {"model": "m", "version": "1", "team": "app-developers", "note": ""}
    job = lonely_lab.post("handoffs", body)
    assert job.status_code == 202
    [failed] = until(lambda: [j for j in lonely_lab.get("jobs")["items"] if j["state"] == "failed"])
    assert failed["error"]["code"] == "desk_unavailable"
    assert lonely_lab.http.delete(f"jobs/{failed['id']}").status_code == 204
    assert lonely_lab.http.delete(f"jobs/{failed['id']}").status_code == 404
    assert lonely_lab.get("jobs")["items"] == []


def test_a_server_of_no_baton_hub_says_absent_and_503(plain_lab: Any) -> None:
    status = plain_lab.get("status")
    assert {s["state"] for s in status["services"].values()} == {"absent"}
    answer = plain_lab.http.get("experiments")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "not_configured"
    assert (
        plain_lab.post("handoffs", {"model": "m", "version": "1", "team": "t"}).status_code == 503
    )
