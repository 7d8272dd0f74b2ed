"""Files behind the walls: by path, by run, by model version, and by no detour."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import pytest
from tests.hub.shelf import FILES, PRIVATE, Shelf
from tests.tracking import Tracking

pytest_plugins = ("tests.tracking",)

API = "/api/2.0/mlflow"


@pytest.fixture(scope="module")
def private(tracking: Tracking) -> Shelf:
    """A shelf that only ada may see."""
    return Shelf(tracking, PRIVATE)


@pytest.fixture(scope="module")
def public(tracking: Tracking) -> Shelf:
    """A shelf that everybody may read."""
    return Shelf(tracking, [])


def _raw(tracking: Tracking, user: str, method: str, path: str) -> httpx.Response:
    """Ask for a path exactly as it is written."""
    with tracking.client(user) as client:
        url = httpx.URL(tracking.url).copy_with(raw_path=f"/services/mlflow{path}".encode())
        return client.request(method, url, content=b"x" if method in ("PUT", "POST") else None)


def test_files_of_a_hidden_experiment_do_not_exist(tracking: Tracking, private: Shelf) -> None:
    number, folder = private.experiment, private.folder
    dotted = folder.replace("/", "/./", 1)
    paths = [
        f"{FILES}/{folder}/a.txt",
        f"/ajax-api/2.0/mlflow-artifacts/artifacts/{folder}/a.txt",
        f"{FILES}/{folder.replace('/', '%2F')}%2Fa.txt",
        f"{FILES}/{folder.replace('/', '%252F')}%252Fa.txt",
        f"{FILES}/0/../{folder}/a.txt",
        f"{FILES}/0/%2E%2E/{folder}/a.txt",
        f"{FILES}/0/%252E%252E/{folder}/a.txt",
        f"{FILES}/.%2F{folder}/a.txt",
        f"{FILES}/%2F{folder}/a.txt",
        f"{FILES}/{dotted}/a.txt",
        f"{FILES}//{folder}/a.txt",
        f"{FILES}/0%5C..%5C{folder}/a.txt",
        f"{FILES}?path={folder}",
        f"{FILES}?path={number}",
        f"{FILES}?path=",
        f"{FILES}?path=&path=0",
        f"{FILES}?path=0&path={number}",
        f"{FILES}?path=0/../{number}",
        f"{FILES}?path=0%252F..%252F{number}",
        FILES,
        f"{FILES}/",
        f"/get-artifact?run_uuid={private.run}&path=a.txt",
        f"/get-artifact?run_id={private.run}&path=a.txt",
        f"{API}/artifacts/list?run_id={private.run}",
        f"/api/2.0/mlflow-artifacts/presigned/{folder}/a.txt",
    ]
    for path in paths:
        answer = _raw(tracking, "eve", "GET", path)
        assert "secret" not in answer.text, path
        if private.run not in path:
            assert private.run not in answer.text, (path, answer.text)
        assert answer.status_code in (400, 404, 308, 501, 200), (path, answer.status_code)
        if answer.status_code == 200:
            assert path == f"{FILES}?path=0&path={number}", path
    assert _raw(tracking, "ada", "GET", paths[0]).text == "secret"
    listing = _raw(tracking, "ada", "GET", f"{FILES}?path={folder}").json()
    assert [one["path"] for one in listing["files"]] == ["a.txt"]


@pytest.mark.parametrize("slashes", ["/", "//", "/%2f"])
def test_slashes_in_front_are_no_way_past_the_walls(
    tracking: Tracking, private: Shelf, slashes: str
) -> None:
    port = httpx.URL(tracking.direct)
    attempts = (
        ("GET", f"{FILES}/{private.folder}/a.txt", ""),
        ("GET", FILES, f"?path={private.experiment}"),
        ("DELETE", f"{FILES}/{private.folder}/a.txt", ""),
    )
    for method, path, query in attempts:
        raw = f"{slashes}services/mlflow{path}{query}"
        with tracking.client("eve") as client:
            url = port.copy_with(raw_path=raw.encode())
            answer = client.request(method, url)
        assert answer.status_code == 404, (raw, answer.text)
    with tracking.client("ada") as client:
        assert client.get(f"{FILES}/{private.folder}/a.txt").content == b"secret"


def test_who_reads_does_not_write_files(tracking: Tracking, public: Shelf) -> None:
    folder = public.folder
    assert _raw(tracking, "eve", "GET", f"{FILES}/{folder}/a.txt").text == "secret"
    for method, path in (
        ("PUT", f"{FILES}/{folder}/b.txt"),
        ("PUT", f"/ajax-api/2.0/mlflow-artifacts/artifacts/{folder}/a.txt"),
        ("PUT", f"{FILES}/{public.experiment}/baton/notebooks/x.ipynb"),
        ("DELETE", f"{FILES}/{folder}/a.txt"),
        ("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{folder}/b.txt"),
        ("POST", f"/api/2.0/mlflow-artifacts/mpu/complete/{folder}/b.txt"),
        ("POST", f"/api/2.0/mlflow-artifacts/mpu/abort/{folder}/b.txt"),
        ("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={public.run}&path=b.txt"),
    ):
        answer = _raw(tracking, "eve", method, path)
        assert answer.status_code == 403, (method, path, answer.text)
        assert "You may read experiment" in answer.json()["message"]
    with tracking.client("eve") as client:
        body = {"run_id": public.run, "path": "b.txt"}
        answer = client.post(f"{API}/artifacts/presigned-upload-url", json=body)
        assert answer.status_code == 403
    assert _raw(tracking, "ada", "GET", f"{FILES}/{folder}/a.txt").text == "secret"
    snapshot = f"{FILES}/{public.experiment}/baton/notebooks/x.ipynb"
    assert _raw(tracking, "ada", "PUT", snapshot).status_code == 200


@pytest.mark.parametrize("location", ["mlflow-artifacts:/{}", "mlflow-artifacts:/{}/x", "s3://b"])
def test_an_experiment_is_not_put_over_anothers_files(
    tracking: Tracking, private: Shelf, location: str
) -> None:
    body = {"name": secrets.token_hex(6), "artifact_location": location.format(private.experiment)}
    with tracking.client("eve") as client:
        for name in ("artifact_location", "artifactLocation"):
            body = {"name": secrets.token_hex(6), name: location.format(private.experiment)}
            answer = client.post(f"{API}/experiments/create", json=body)
            assert answer.status_code in (400, 404), answer.text


def test_a_model_version_is_no_way_to_anothers_files(tracking: Tracking, private: Shelf) -> None:
    name = f"detour-{secrets.token_hex(4)}"
    tracking.call("eve", "registered-models/create", {"name": name})
    sources = (
        f"mlflow-artifacts:/{private.folder}",
        f"mlflow-artifacts:/0/../{private.folder}",
        f"mlflow-artifacts:///{private.folder}",
        f"runs:/{private.run}/a.txt",
        f"MLFLOW-ARTIFACTS:/{private.folder}",
    )
    with tracking.client("eve") as client:
        for source in sources:
            body: dict[str, Any] = {"name": name, "source": source}
            made = client.post(f"{API}/model-versions/create", json=body)
            if made.is_success:
                version = made.json()["model_version"]["version"]
                params = {"name": name, "version": version, "path": "a.txt"}
                answer = client.get("/model-versions/get-artifact", params=params)
                assert answer.status_code in (400, 404), (source, answer.text)
            else:
                assert made.status_code in (400, 404), (source, made.text)


def test_a_trace_is_no_way_to_anothers_files(tracking: Tracking, private: Shelf) -> None:
    experiment = tracking.run("eve", "detour")["experiment_id"]
    trace = f"tr-{secrets.token_hex(16)}"
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    info = {
        "trace_id": trace,
        "trace_location": location,
        "request_time": "2026-01-01T00:00:00Z",
        "state": "OK",
        "tags": {"mlflow.artifactLocation": f"mlflow-artifacts:/{private.folder}"},
    }
    with tracking.client("eve") as client:
        url = "/api/3.0/mlflow/traces"
        answer = client.post(url, json={"trace": {"trace_info": info}})
        if answer.is_success:
            for key in ("mlflow.artifactLocation", "mlflow.trace.archiveLocation"):
                value = f"mlflow-artifacts:/{private.folder}"
                tag = {"key": key, "value": value}
                assert client.patch(f"{url}/{trace}/tags", json=tag).status_code in (400, 404)
            params = {"request_id": trace, "path": "a.txt"}
            got = client.get("/ajax-api/2.0/mlflow/get-trace-artifact", params=params)
            assert "secret" not in got.text
        else:
            assert answer.status_code in (400, 404), answer.text
