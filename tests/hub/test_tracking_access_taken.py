"""A name that is taken answers with a sentence that says only that."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import pytest
from tests.hub.shelf import PRIVATE
from tests.tracking import Tracking

pytest_plugins = ("tests.tracking",)

DATABASE = ("IntegrityError", "UNIQUE", "constraint", "psycopg", "sqlite", "SQL", "sqlalche.me")


def _post(tracking: Tracking, user: str, route: str, **body: Any) -> httpx.Response:
    with tracking.client(user) as client:
        return client.post(f"/api/2.0/mlflow/{route}", json=body)


def _refused(answer: httpx.Response, code: str) -> str:
    """Return the sentence of an answer that says no more than it should."""
    assert answer.status_code == 400, answer.text
    assert answer.json()["error_code"] == code, answer.text
    assert not any(word in answer.text for word in DATABASE), answer.text
    message: str = answer.json()["message"]
    return message


def _new(word: str) -> str:
    return f"{word}-{secrets.token_hex(4)}"


@pytest.mark.parametrize("tags", [PRIVATE, []], ids=["hidden", "seen"])
def test_a_taken_name_of_an_experiment_is_refused_with_a_sentence(
    either: Tracking, tags: list[dict[str, str]]
) -> None:
    name, mine = _new("taken"), _new("mine")
    either.call("ada", "experiments/create", {"name": name, "tags": tags})
    made = _post(either, "eve", "experiments/create", name=name)
    taken = f"The name {name} is taken. Choose another one."
    assert _refused(made, "RESOURCE_ALREADY_EXISTS") == taken
    number = either.call("eve", "experiments/create", {"name": mine})["experiment_id"]
    renamed = {"experiment_id": number, "new_name": name}
    answer = _post(either, "eve", "experiments/update", **renamed)
    assert _refused(answer, "RESOURCE_ALREADY_EXISTS") == taken
    assert _post(either, "eve", "experiments/update", **renamed | {"new_name": mine}).is_success


@pytest.mark.parametrize("tags", [PRIVATE, []], ids=["hidden", "seen"])
def test_a_taken_name_of_a_model_or_prompt_is_refused_with_a_sentence(
    either: Tracking, tags: list[dict[str, str]]
) -> None:
    name, mine = _new("taken"), _new("mine")
    either.call("ada", "registered-models/create", {"name": name, "tags": tags})
    prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    taken = f"The name {name} is taken. Choose another one."
    for kind in ([], prompt):
        made = _post(either, "eve", "registered-models/create", name=name, tags=kind)
        assert _refused(made, "RESOURCE_ALREADY_EXISTS") == taken
    either.call("eve", "registered-models/create", {"name": mine})
    either.call("eve", "model-versions/create", {"name": mine, "source": "s3://bucket/m"})
    renamed = _post(either, "eve", "registered-models/rename", name=mine, new_name=name)
    assert _refused(renamed, "RESOURCE_ALREADY_EXISTS") == taken
    free = _post(either, "eve", "registered-models/rename", name=mine, new_name=f"{mine}-2")
    assert free.is_success, free.text
    # Under its new name it is as much theirs as before.
    version = {"name": f"{mine}-2", "source": "s3://bucket/m"}
    assert _post(either, "eve", "model-versions/create", **version).is_success


def test_a_tag_given_twice_is_refused_with_a_sentence(either: Tracking) -> None:
    for key in ("baton.read", "note"):
        tags = [{"key": key, "value": "[]"}, {"key": key, "value": "everybody"}]
        made = _post(either, "eve", "experiments/create", name=_new("twice"), tags=tags)
        sentence = f"The tag {key} is given twice. Give it once."
        assert _refused(made, "INVALID_PARAMETER_VALUE") == sentence


def test_the_databases_words_are_in_no_answer(either: Tracking) -> None:
    """Names that are unique within an experiment, and ids that clients choose."""
    run = either.run("eve", "twice")
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "x"}
    tags = [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]
    inputs = {"run_id": run["run_id"], "datasets": [{"dataset": dataset, "tags": tags}]}
    answer = _post(either, "eve", "runs/log-inputs", **inputs)
    assert "is in the request twice" in _refused(answer, "BAD_REQUEST")


def test_a_name_that_the_database_would_cut_is_refused_with_a_sentence(either: Tracking) -> None:
    name = _new("cut")
    either.call("ada", "registered-models/create", {"name": name})
    for route, body in (
        ("experiments/create", {"name": f"{name}\0x"}),
        ("registered-models/create", {"name": f"{name}\0x", "tags": PRIVATE}),
        ("registered-models/rename", {"name": name, "new_name": f"{name}\0x"}),
    ):
        sentence = _refused(_post(either, "ada", route, **body), "INVALID_PARAMETER_VALUE")
        assert sentence.endswith("Choose another one.")
