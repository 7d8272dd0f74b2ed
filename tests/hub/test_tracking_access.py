"""Who sees and changes what in MLflow: walls that hold on every route."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from tests.tracking import Tracking

from baton_hub.tracking.commands import command

pytest_plugins = ("tests.tracking",)

API = "/api/2.0/mlflow"


@pytest.fixture
def groups(either: Tracking) -> Tracking:
    """Ada and bob in one group, eve in another."""
    either.group("science", "ada", "bob")
    either.group("sales", "eve")
    return either


def _run(tracking: Tracking, user: str, **tags: str) -> dict[str, Any]:
    """Return the info of a run in a new experiment with these tags."""
    body = {
        "name": f"walls {secrets.token_hex(4)}",
        "tags": [{"key": key.replace("_", "."), "value": value} for key, value in tags.items()],
    }
    experiment = tracking.call(user, "experiments/create", body)["experiment_id"]
    made = {"experiment_id": experiment, "start_time": 1}
    info: dict[str, Any] = tracking.call(user, "runs/create", made)["run"]["info"]
    return info


def _post(tracking: Tracking, user: str, route: str, **body: Any) -> httpx.Response:
    with tracking.client(user) as client:
        return client.post(f"{API}/{route}", json=body)


def _get(tracking: Tracking, user: str, route: str, **params: Any) -> httpx.Response:
    with tracking.client(user) as client:
        return client.get(f"{API}/{route}", params=params)


def _tags(tracking: Tracking, user: str, experiment: str) -> dict[str, str]:
    answer = _get(tracking, user, "experiments/get", experiment_id=experiment)
    tags = answer.raise_for_status().json()["experiment"]["tags"]
    return {tag["key"]: tag["value"] for tag in tags}


def test_what_somebody_makes_is_read_by_all_and_written_by_their_groups(groups: Tracking) -> None:
    run = _run(groups, "ada")
    tags = _tags(groups, "eve", run["experiment_id"])
    assert tags["mlflow.user"] == "ada"
    assert tags["baton.read"] == "everybody"
    assert json.loads(tags["baton.write"]) == ["science"]
    metric = {"run_id": run["run_id"], "key": "m", "value": 1, "timestamp": 1}
    assert _post(groups, "bob", "runs/log-metric", **metric).status_code == 200
    refused = _post(groups, "eve", "runs/log-metric", **metric)
    assert refused.status_code == 403
    assert refused.json()["error_code"] == "PERMISSION_DENIED"
    assert refused.json()["message"].startswith("You may read the experiment")
    assert _get(groups, "eve", "runs/get", run_id=run["run_id"]).status_code == 200


def test_a_private_experiment_is_in_no_search_of_others(groups: Tracking) -> None:
    run = _run(groups, "ada", baton_read="[]", baton_write="[]")
    experiment = run["experiment_id"]
    for user, seen in (("ada", True), ("bob", False), ("eve", False)):
        found = _post(groups, user, "experiments/search", max_results=1000).json()["experiments"]
        assert (experiment in {one["experiment_id"] for one in found}) is seen
        runs = _post(groups, user, "runs/search", experiment_ids=[experiment]).json()
        assert bool(runs.get("runs")) is seen
        assert _get(groups, user, "runs/get", run_id=run["run_id"]).is_success is seen


def test_only_the_owner_changes_access_renames_and_deletes(groups: Tracking) -> None:
    run = _run(groups, "ada")
    experiment = run["experiment_id"]
    for user in ("bob", "eve"):
        for route, body in (
            ("experiments/set-experiment-tag", {"key": "baton.read", "value": "[]"}),
            ("experiments/update", {"new_name": secrets.token_hex(8)}),
            ("experiments/delete", {}),
        ):
            answer = _post(groups, user, route, experiment_id=experiment, **body)
            assert answer.status_code == 403, (user, route, answer.text)
            assert "Only its owner" in answer.json()["message"]
    plain = {"experiment_id": experiment, "key": "note", "value": "mine too"}
    assert _post(groups, "bob", "experiments/set-experiment-tag", **plain).status_code == 200
    closed = {"experiment_id": experiment, "key": "baton.read", "value": '["science"]'}
    assert _post(groups, "ada", "experiments/set-experiment-tag", **closed).status_code == 200
    assert _get(groups, "eve", "runs/get", run_id=run["run_id"]).status_code == 404
    assert _get(groups, "bob", "runs/get", run_id=run["run_id"]).status_code == 200
    wrong = closed | {"value": "science"}
    answer = _post(groups, "ada", "experiments/set-experiment-tag", **wrong)
    assert answer.status_code == 400
    assert "JSON list of Hub groups" in answer.json()["message"]
    assert _post(groups, "ada", "experiments/delete", experiment_id=experiment).is_success
    assert _post(groups, "ada", "experiments/restore", experiment_id=experiment).is_success


def test_registered_models_have_the_same_walls(groups: Tracking) -> None:
    name = f"walls-{secrets.token_hex(4)}"
    closed = [{"key": key, "value": "[]"} for key in ("baton.read", "baton.write")]
    groups.call("ada", "registered-models/create", {"name": name, "tags": closed})
    for user, seen in (("ada", True), ("bob", False), ("eve", False)):
        assert _get(groups, user, "registered-models/get", name=name).is_success is seen
        found = _get(groups, user, "registered-models/search", max_results=1000).json()
        names = {one["name"] for one in found.get("registered_models", [])}
        assert (name in names) is seen
    # The name is taken all the same, and that is all there is to learn.
    taken = _post(groups, "eve", "registered-models/create", name=name)
    assert taken.status_code == 400
    assert taken.json()["error_code"] == "RESOURCE_ALREADY_EXISTS"
    opened = {"name": name, "key": "baton.read", "value": "everybody"}
    assert _post(groups, "bob", "registered-models/set-tag", **opened).status_code == 404
    assert _post(groups, "ada", "registered-models/set-tag", **opened).status_code == 200
    assert _get(groups, "eve", "registered-models/get", name=name).is_success
    renamed = {"name": name, "new_name": f"{name}-2"}
    refused = _post(groups, "eve", "registered-models/rename", **renamed)
    assert refused.status_code == 403
    version = {"name": name, "source": "s3://bucket/m"}
    assert _post(groups, "eve", "model-versions/create", **version).status_code == 403
    assert _post(groups, "ada", "registered-models/rename", **renamed).status_code == 200
    refused = _post(groups, "eve", "registered-models/set-tag", **opened | {"name": f"{name}-2"})
    assert refused.status_code == 403
    with groups.client("eve") as eve, groups.client("ada") as ada:
        url = f"{API}/registered-models/delete"
        body = {"name": f"{name}-2"}
        assert eve.request("DELETE", url, json=body).status_code == 403
        assert ada.request("DELETE", url, json=body).status_code == 200


def test_pages_and_counts_hold_only_what_is_seen(groups: Tracking) -> None:
    word = secrets.token_hex(4)
    for number in range(6):
        tags = [{"key": "baton.read", "value": "everybody" if number % 2 else "[]"}]
        tags.append({"key": "baton.write", "value": "[]"})
        groups.call("ada", "experiments/create", {"name": f"{word} {number}", "tags": tags})
    found, token = [], None
    while token != "":
        body = {"max_results": 2, "filter": f"name LIKE '{word}%'"}
        page = _post(groups, "eve", "experiments/search", **body, page_token=token or "").json()
        # Every page but the last is full: nothing hidden was taken out of it afterwards.
        token = page.get("next_page_token", "")
        assert len(page["experiments"]) == 2 or token == ""
        found += [one["name"] for one in page["experiments"]]
    assert sorted(found) == [f"{word} 1", f"{word} 3", f"{word} 5"]


def test_graphql_has_the_same_walls(groups: Tracking) -> None:
    run = _run(groups, "ada", baton_read="[]", baton_write="[]")
    queries = (
        f'''{{ mlflowGetRun(input: {{runId: "{run["run_id"]}"}})
            {{ run {{ info {{ runName status }} experiment {{ name }} }} }} }}''',
        f'''{{ mlflowGetExperiment(input: {{experimentId: "{run["experiment_id"]}"}})
            {{ experiment {{ name }} }} }}''',
    )
    for query in queries:
        with groups.client("eve") as eve, groups.client("ada") as ada:
            theirs = ada.post("/graphql", json={"query": query}).text
            ours = eve.post("/graphql", json={"query": query}).text
        assert "RUNNING" in theirs or "walls" in theirs
        assert "RUNNING" not in ours
        assert "walls" not in ours


def test_hub_admins_are_let_through_every_wall(groups: Tracking) -> None:
    run = _run(groups, "ada", baton_read="[]", baton_write="[]")
    assert _get(groups, "olga", "runs/get", run_id=run["run_id"]).is_success
    opened = {"experiment_id": run["experiment_id"], "key": "baton.read", "value": "everybody"}
    assert _post(groups, "olga", "experiments/set-experiment-tag", **opened).is_success
    assert _get(groups, "eve", "runs/get", run_id=run["run_id"]).is_success
    # Whoever let somebody in is not the author of anything.
    assert _tags(groups, "eve", run["experiment_id"])["mlflow.user"] == "ada"


def test_the_default_experiment_is_everybodys_and_nobody_deletes_it(groups: Tracking) -> None:
    made = {"experiment_id": "0", "start_time": 1}
    assert _post(groups, "eve", "runs/create", **made).is_success
    refused = _post(groups, "eve", "experiments/delete", experiment_id="0")
    assert refused.status_code == 403
    closed = {"experiment_id": "0", "key": "baton.read", "value": "[]"}
    assert _post(groups, "eve", "experiments/set-experiment-tag", **closed).status_code == 403


def test_hints_of_hidden_runs_reach_only_those_who_may_know(groups: Tracking) -> None:
    hidden = _run(groups, "ada", baton_read="[]", baton_write="[]")
    shown = _run(groups, "ada")
    metric = {"key": "m", "value": 1, "timestamp": 1}
    with groups.client("eve") as eve, eve.stream("GET", "/baton/events", timeout=20) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": listening"
        for run in (hidden, shown):
            logged = _post(groups, "ada", "runs/log-metric", run_id=run["run_id"], **metric)
            assert logged.is_success
        heard = []
        for line in lines:
            if line.startswith("data: "):
                heard.append(json.loads(line.removeprefix("data: "))["run_id"])
            if shown["run_id"] in heard:
                break
    assert hidden["run_id"] not in heard


def test_a_service_is_in_no_group_and_owns_what_it_makes(groups: Tracking) -> None:
    run = _run(groups, "ada", baton_read='["science"]', baton_write="[]")
    token = groups.admin.headers["authorization"]
    with httpx.Client(base_url=groups.url, headers={"Authorization": token}) as service:
        got = service.get(f"{API}/runs/get", params={"run_id": run["run_id"]})
        assert got.status_code == 404
        body = {"name": f"service {secrets.token_hex(4)}"}
        made = service.post(f"{API}/experiments/create", json=body).raise_for_status().json()
    assert _tags(groups, "eve", made["experiment_id"])["mlflow.user"] == "service:tests"


def test_nobody_passes_for_a_service_by_name(groups: Tracking) -> None:
    with groups.client("service:tests") as person:
        answer = person.post(f"{API}/experiments/search", json={"max_results": 1})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "name_of_a_service")


def test_the_command_shows_and_sets_access(groups: Tracking, tmp_path: Path) -> None:
    run = _run(groups, "ada")
    token = tmp_path / "token"

    def baton(user: str, *options: str) -> Result:
        token.write_text(groups.token(user))
        environment = {"BATON_PUBLIC_URL": groups.hub, "BATON_TOKEN_FILE": str(token)}
        arguments = ["access", "experiment", run["experiment_id"], *options]
        return CliRunner().invoke(command, arguments, env=environment)

    shown = baton("eve")
    assert shown.output.split("\n")[:3] == [
        "owner  ada",
        "read   everybody",
        "write  science",
    ]
    refused = baton("eve", "--read", "nobody")
    assert refused.exit_code == 1
    assert "Only its owner and operations may" in refused.output
    closed = baton("olga", "--read", "science,sales", "--write", "nobody")
    assert "read   sales, science\nwrite  nobody but the owner" in closed.output
    for words in ("Everybody", "nobody,science", " "):
        unclear = baton("olga", "--write", "science", "--read", words)
        assert unclear.exit_code == 1
        assert f"Say everybody, nobody, or groups by comma, not {words!r}." in unclear.output
    assert baton("olga").output == closed.output
