"""Who may see and change an experiment or registered model, over the server extension."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest

EVERYBODY = {"read": "everybody", "write": "everybody"}


@pytest.fixture
def clients(mlflow: Any) -> Iterator[dict[str, httpx.Client]]:
    """MLflow as each one's programs reach it."""
    found = {
        name: httpx.Client(
            base_url=f"{mlflow.url}/api/2.0/mlflow/",
            headers={"Authorization": f"Bearer {name}-token"},
            trust_env=False,
            timeout=60,
        )
        for name in ("scientist", "developer")
    }
    yield found
    for client in found.values():
        client.close()


def make(api: httpx.Client, kind: str, name: str, **tags: str) -> str:
    """Make an experiment or model; return the path of its access."""
    given = [{"key": key, "value": value} for key, value in tags.items()]
    route = "experiments/create" if kind == "experiments" else "registered-models/create"
    answer = api.post(route, json={"name": name, "tags": given})
    assert answer.is_success, answer.text
    return f"{kind}/{quote(answer.json().get('experiment_id', name), safe='')}/access"


def listed(lab: Any, path: str) -> Any:
    """Return the access of the thing behind ``path``, as its list has it."""
    kind, key, _ = map(unquote, path.split("/"))
    items = lab.get(kind)["items"]
    return next(each["access"] for each in items if key in (each.get("id"), each["name"]))


@pytest.mark.parametrize("kind", ["experiments", "models"])
def test_the_owner_says_who_sees_it(lab: Any, clients: dict[str, httpx.Client], kind: str) -> None:
    path = make(clients["scientist"], kind, f"mine, 100% {kind}?")
    assert lab.get(path) == {"owner": "scientist", "read": "everybody", "write": ["data-science"]}
    for given in (
        {"read": ["data-science"], "write": []},
        {"read": [], "write": ["data-science"]},
        EVERYBODY,
        {"read": "everybody", "write": []},
    ):
        answer = lab.http.put(path, json=given)
        assert answer.status_code == 200, answer.text
        assert {key: answer.json()[key] for key in given} == given
        assert listed(lab, path) == answer.json()


@pytest.mark.parametrize("kind", ["experiments", "models"])
def test_who_is_not_the_owner_is_refused_with_whom_to_ask(
    lab: Any, clients: dict[str, httpx.Client], kind: str
) -> None:
    """MLflow's guard refuses, in a sentence; nothing is changed."""
    path = make(clients["developer"], kind, f"theirs {kind}")
    before = lab.get(path)
    assert before == {"owner": "developer", "read": "everybody", "write": ["app-developers"]}
    answer = lab.http.put(path, json={"read": [], "write": []})
    assert answer.status_code == 403
    assert "ask developer" in answer.json()["error"]["message"]
    assert lab.get(path) == before


@pytest.mark.parametrize("kind", ["experiments", "models"])
def test_what_is_not_ones_to_see_has_no_access(
    lab: Any, clients: dict[str, httpx.Client], kind: str
) -> None:
    closed = {"baton.read": "[]", "baton.write": "[]"}
    path = make(clients["developer"], kind, f"closed {kind}", **closed)
    assert lab.http.get(path).status_code == 404
    assert lab.http.put(path, json=EVERYBODY).status_code == 404


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"read": "nobody", "write": []}, "read"),
        ({"read": None, "write": []}, "read"),
        ({"read": [""], "write": []}, "read"),
        ({"read": ["a"] * 101, "write": []}, "read"),
        ({"read": [1], "write": []}, "read"),
        ({"read": [], "write": "everybody"}, "write"),
        ({"read": []}, "write"),
        ({"read": [], "write": [], "owner": "eve"}, "owner"),
    ],
)
@pytest.mark.parametrize("thing", ["experiments/0", "models/any"])
def test_odd_access_is_refused_and_changes_nothing(
    lab: Any, thing: str, body: Any, path: str
) -> None:
    answer = lab.http.put(f"{thing}/access", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["path"] == path


@pytest.mark.parametrize(
    "path", ["experiments/424242/access", "models/none/access", "models/a%20b%3F/access"]
)
def test_what_is_not_there_has_no_access(lab: Any, path: str) -> None:
    assert lab.http.get(path).status_code == 404
    answer = lab.http.put(path, json={"read": [], "write": []})
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["experiments/none/access", "models/%2E%2E%2Fa/access"])
def test_what_can_be_no_name_is_refused_in_a_sentence(lab: Any, path: str) -> None:
    answer = lab.http.get(path)
    assert answer.status_code in {400, 404}
    assert answer.json()["error"]["message"].startswith("MLflow says: ")
