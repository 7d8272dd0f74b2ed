"""Corners of the walls: odd paths, numbers and names, and parts that few people use."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
from contextlib import closing
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.hub.shelf import PRIVATE, Shelf
from tests.tracking import PREFIX, Tracking

from baton_hub.tracking.access.defaults import Defaults
from baton_hub.tracking.access.rules import Caller

pytest_plugins = ("tests.tracking",)

API = "/api/2.0/mlflow"
NEVER = "987654321"


@pytest.fixture(scope="module")
def private(tracking: Tracking) -> Shelf:
    """What only ada may see."""
    return Shelf(tracking, PRIVATE)


def _raw(tracking: Tracking, user: str, method: str, path: str, **body: Any) -> httpx.Response:
    """Ask MLflow's own port for a path exactly as it is written."""
    url = httpx.URL(tracking.direct).copy_with(raw_path=path.encode())
    with tracking.client(user) as client:
        return client.request(method, url, **body)


@pytest.mark.parametrize("end", ["%0A", "%0D%0A", "%0a%0a"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "{file}"),
        ("PUT", "{file}"),
        ("GET", "/ajax-{file}"),
        ("GET", f"{PREFIX}/{{file}}"),
        ("GET", f"{PREFIX}/ajax-api/3.0/mlflow/assistant/config"),
        ("POST", f"{PREFIX}/ajax-api/3.0/mlflow/assistant/message"),
        ("POST", f"{PREFIX}/gateway/mlflow/v1/chat/completions"),
        ("POST", f"{PREFIX}/ajax-api/3.0/jobs/"),
    ],
)
def test_a_newline_at_a_paths_end_is_no_way_past_the_checks(
    tracking: Tracking, private: Shelf, method: str, path: str, end: str
) -> None:
    where = path.format(file=private.file).replace("-/", "-").replace("//", "/") + end
    answer = _raw(tracking, "eve", method, where, json={"message": "x"})
    assert answer.status_code == 404, answer.text
    assert "secret" not in answer.text
    assert _raw(tracking, "ada", "GET", private.file).content == b"secret"


def test_what_the_walls_refuse_is_no_fault_in_the_log(tracking: Tracking, private: Shelf) -> None:
    log = tracking.folder / "mlflow.log"
    before = log.stat().st_size
    assert _raw(tracking, "eve", "GET", f"{PREFIX}{private.file}").status_code == 404
    assert "Traceback" not in log.read_bytes()[before:].decode()


@pytest.mark.parametrize("version", ["1", "%201", "+1", "0_1", "01", "1%0A", "%EF%BC%91", "1%20"])
@pytest.mark.parametrize("name", ["s3", "x%FF", "mod\u00e8le", "a&b"])
def test_no_spelling_of_a_version_has_the_server_fetch_from_elsewhere(
    tracking: Tracking, name: str, version: str
) -> None:
    """With the server's own credentials, anybody would read what these can."""
    full = f"{name}-{secrets.token_hex(4)}"
    tracking.call("eve", "registered-models/create", {"name": full})
    tracking.call("eve", "model-versions/create", {"name": full, "source": "s3://bucket/m"})
    # Some clients leave a percent sign that is not one of an encoding's.
    spelt = full if "%" in full else quote(full)
    path = f"{PREFIX}/model-versions/get-artifact?path=a&name={spelt}&version={version}"
    answer = _raw(tracking, "eve", "GET", path)
    assert answer.status_code in (400, 404), answer.text
    assert "kept on this platform" in answer.text or "%" in name


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/ajax-api/3.0/mlflow/scorer/invoke"),
        ("POST", "/ajax-api/3.0/mlflow/genai/evaluate/invoke"),
        ("POST", "/ajax-api/3.0/mlflow/issues/invoke"),
        ("PUT", "/api/3.0/mlflow/scorers/online-config"),
        ("POST", "/api/3.0/mlflow/prompt-optimization/jobs"),
        ("POST", "/api/3.0/mlflow/prompt-optimization/jobs/x/cancel"),
        ("POST", "/ajax-api/3.0/jobs"),
        ("POST", "/ajax-api/3.0/jobs/"),
        ("PATCH", "/ajax-api/3.0/jobs/cancel/x"),
        ("PATCH", "/api/3.0/mlflow/jobs/cancel/x"),
    ],
)
def test_nobody_has_the_server_run_a_job(tracking: Tracking, method: str, path: str) -> None:
    with tracking.client("olga") as client:
        answer = client.request(method, path, json={"experiment_id": "0", "params": {}})
        # Pages ask for what there is; that is answered.
        found = client.post("/ajax-api/3.0/jobs/search", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "switched_off")
    assert found.json() == {"jobs": []}


RUN = 'mlflowGetRun(input: {{runId: "{run}"}})'
EXPERIMENT = 'mlflowGetExperiment(input: {{experimentId: "{experiment}"}})'
INFO = "{{ run {{ info {{ artifactUri }} experiment {{ name }} }} }}"
DOCUMENTS = {
    "aliases": f"{{{{ a: {RUN} {INFO} b: {EXPERIMENT} {{{{ experiment {{{{ name }}}} }}}} }}}}",
    "fragment": f"fragment F on MlflowGetRunResponse {INFO} {{{{ {RUN} {{{{ ...F }}}} }}}}",
    "list": '{{ mlflowSearchRuns(input: {{experimentIds: ["{experiment}"]}})'
    " {{ runs {{ info {{ artifactUri }} }} }} }}",
    "mutation": 'mutation {{ mlflowSearchRuns(input: {{experimentIds: ["{experiment}"]}})'
    " {{ runs {{ info {{ artifactUri }} }} }} }}",
    "variable": "query Q($run: MlflowGetRunInput) {{ mlflowGetRun(input: $run) " + INFO + " }}",
}


@pytest.mark.parametrize("form", DOCUMENTS)
def test_graphql_finds_nothing_hidden_in_any_form(
    tracking: Tracking, private: Shelf, form: str
) -> None:
    document = DOCUMENTS[form].format(run=private.run, experiment=private.experiment)
    body = {"query": document, "variables": {"run": {"runId": private.run}}}
    told = {}
    for user in ("ada", "eve"):
        with tracking.client(user) as client:
            told[user] = client.post("/graphql", json=body).text
    assert "mlflow-artifacts:" in told["ada"]
    assert "mlflow-artifacts:" not in told["eve"]
    assert "corner" not in told["eve"]


@pytest.mark.parametrize("spelt", ["0{}", " {}", "+{}", "{}\n", "{}.0", "0_{}", "-{}", "\t{}"])
def test_no_spelling_of_a_hidden_number_finds_it(
    tracking: Tracking, private: Shelf, spelt: str
) -> None:
    """What is hidden answers as a number that never was, spelt in the same way."""
    with tracking.client("eve") as eve:
        for route, name in (
            ("experiments/get", "experiment_id"),
            ("runs/search", "experiment_ids"),
            ("runs/create", "experiment_id"),
            ("logged-models/search", "experiment_ids"),
            ("experiments/search-datasets", "experiment_ids"),
            ("experiments/set-experiment-tag", "experiment_id"),
        ):
            told = []
            for number in (private.experiment, NEVER):
                one = spelt.format(number)
                body = {name: [one] if name.endswith("s") else one, "key": "a", "value": "b"}
                url = f"/ajax-api/2.0/mlflow/{route}"
                if route.endswith("/get"):
                    answer = eve.get(url, params={name: one})
                else:
                    answer = eve.post(url, json=body)
                told.append((answer.status_code, re.sub(r"\d+", "#", answer.text)))
            assert told[0] == told[1], route


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a%b", "mod\u00e8le", "\U0001f600", "null", "[]"])
def test_a_model_of_any_name_is_hidden(tracking: Tracking, name: str) -> None:
    full = name + secrets.token_hex(4)
    tracking.call("ada", "registered-models/create", {"name": full, "tags": PRIVATE})
    seen = {}
    for user in ("ada", "eve"):
        with tracking.client(user) as client:
            answer = client.get(f"{API}/registered-models/get", params={"name": full})
            seen[user] = answer.status_code
    assert seen == {"ada": 200, "eve": 404}


ODD = ["jos\u00e9", 'o"brien', "100% sure", "\u0430da", "ada\u200b", "a+b", "everybody", "[]"]
"""Names that the Hub lets people have; the fourth begins with a Cyrillic letter."""


@pytest.mark.parametrize("name", ODD)
def test_a_person_and_a_group_of_any_name_are_who_they_are(
    tracking: Tracking, private: Shelf, name: str
) -> None:
    tracking.group(name, name)
    shared = [{"key": "baton.read", "value": json.dumps([name])}, PRIVATE[1]]
    made = {"name": secrets.token_hex(6), "tags": shared}
    experiment = tracking.call("bob", "experiments/create", made)["experiment_id"]
    own = {"name": secrets.token_hex(6), "tags": PRIVATE}
    theirs = tracking.call(name, "experiments/create", own)["experiment_id"]
    seen = {}
    for number, user in ((experiment, name), (experiment, "ada"), (theirs, name), (theirs, "ada")):
        with tracking.client(user) as client:
            got = client.get(f"{API}/experiments/get", params={"experiment_id": number})
            hidden = client.get(f"{API}/runs/get", params={"run_id": private.run})
        seen[number, user] = got.is_success, hidden.is_success
    assert seen[experiment, name] == seen[theirs, name] == (True, False)
    assert seen[experiment, "ada"] == seen[theirs, "ada"] == (False, True)


def test_a_review_is_completed_by_whoever_completed_it(tracking: Tracking) -> None:
    """Also where they name the one who did before them."""
    tracking.group("reviewers", "rita", "roy")
    made = {"name": secrets.token_hex(6)}
    experiment = tracking.call("rita", "experiments/create", made)["experiment_id"]

    def post(user: str, route: str, **body: Any) -> Any:
        with tracking.client(user) as client:
            answer = client.post(f"/api/3.0/mlflow/review-queues/{route}", json=body)
        return answer.raise_for_status().json()

    made = {"experiment_id": experiment, "name": "q", "queue_type": "CUSTOM"}
    queue = {"queue_id": post("rita", "create", **made)["review_queue"]["queue_id"]}
    item = f"tr-{secrets.token_hex(16)}"
    with tracking.client("rita") as client:
        location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
        times = {"request_time": "2026-01-01T00:00:00Z", "state": "OK"}
        info = {"trace_id": item, "trace_location": location, **times}
        url = "/api/3.0/mlflow/traces"
        client.post(url, json={"trace": {"trace_info": info}}).raise_for_status()
    post("rita", "items/add", **queue, item_ids=[item])
    for user, status in (("roy", "COMPLETE"), ("rita", "DECLINED")):
        claim = {"item_id": item, "status": status, "completed_by": "roy"}
        done = post(user, "items/set-status", **queue, **claim)["item"]
        assert (done["status"], done["completed_by"]) == (status, user)


@pytest.mark.parametrize(("groups", "most"), [(1, True), (90, True), (120, False)])
def test_somebody_in_more_groups_than_a_tag_holds_shares_with_nobody(
    groups: int, most: bool
) -> None:
    """PostgreSQL takes 5,000 characters, and refuses more with an error of its own."""
    names = (f"cn=team-{number:03},ou=groups,dc=example,dc=org" for number in range(groups))
    caller = Caller("ada", frozenset(names))
    tag = Defaults().tags(caller)["baton.write"]
    assert len(tag) <= 5000
    assert len(json.loads(tag)) == (groups if most else 0)


def test_what_is_left_of_a_removed_experiment_is_not_the_next_ones(tracking: Tracking) -> None:
    """SQLite would give its number anew; ``mlflow gc`` leaves captured files below it."""
    left = Shelf(tracking, PRIVATE)
    body = {"name": secrets.token_hex(6), "experiment_ids": [left.experiment]}
    with tracking.client("ada") as ada:
        url = "/api/3.0/mlflow/datasets"
        made = ada.post(f"{url}/create", json=body).raise_for_status().json()["dataset"]
    with closing(sqlite3.connect(tracking.folder / "mlflow.sqlite", timeout=20)) as database:
        for table in ("tags", "runs", "experiment_tags", "experiments"):
            which = "experiment_id = ?" if table != "tags" else "run_uuid = ?"
            value = left.run if table == "tags" else left.experiment
            database.execute(f"DELETE FROM {table} WHERE {which}", (value,))
        database.commit()
    body = {"name": secrets.token_hex(6)}
    experiment = tracking.call("eve", "experiments/create", body)["experiment_id"]
    assert experiment != left.experiment
    with tracking.client("eve") as eve, tracking.client("ada") as ada:
        assert eve.get(left.file).status_code == 404
        assert eve.get(f"{url}/{made['dataset_id']}").status_code == 404
        assert ada.get(f"{url}/{made['dataset_id']}").status_code == 200


def test_who_reads_an_experiment_lists_its_questions_for_reviewers(tracking: Tracking) -> None:
    """MLflow puts the first one in when they are listed, whoever lists them."""
    made = {"name": secrets.token_hex(6)}
    experiment = tracking.call("ada", "experiments/create", made)["experiment_id"]
    url = "/api/3.0/mlflow/label-schemas"
    with tracking.client("eve") as eve:
        found = eve.get(f"{url}/list", params={"experiment_id": experiment})
        assert [one["name"] for one in found.json()["label_schemas"]] == ["Feedback"]
        body = {"experiment_id": experiment, "name": "x", "type": "FEEDBACK", "input": {"text": {}}}
        assert eve.post(f"{url}/create", json=body).status_code == 403
