"""Corners of the walls: odd paths, numbers and names, and the parts that few people use."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.tracking import PREFIX, Tracking

pytest_plugins = ("tests.tracking",)

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
PRIVATE = [{"key": key, "value": "[]"} for key in ("baton.read", "baton.write")]


class Private:
    """An experiment that only ada may see, with a run and a file in it."""

    def __init__(self, tracking: Tracking) -> None:
        body = {"name": f"corner {secrets.token_hex(4)}", "tags": PRIVATE}
        self.experiment = tracking.call("ada", "experiments/create", body)["experiment_id"]
        made = {"experiment_id": self.experiment, "start_time": 1}
        self.run = tracking.call("ada", "runs/create", made)["run"]["info"]["run_id"]
        self.file = f"{FILES}/{self.experiment}/{self.run}/artifacts/a.txt"
        with tracking.client("ada") as client:
            assert client.put(self.file, content=b"secret").is_success


@pytest.fixture(scope="module")
def private(tracking: Tracking) -> Private:
    """What only ada may see."""
    return Private(tracking)


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
        ("GET", "/ajax{file}"),
        ("GET", f"{PREFIX}{{file}}"),
        ("GET", f"{PREFIX}/ajax-api/3.0/mlflow/assistant/config"),
        ("POST", f"{PREFIX}/ajax-api/3.0/mlflow/assistant/message"),
        ("POST", f"{PREFIX}/gateway/mlflow/v1/chat/completions"),
        ("POST", f"{PREFIX}/ajax-api/3.0/jobs/"),
    ],
)
def test_a_newline_at_a_paths_end_is_no_way_past_the_checks(
    tracking: Tracking, private: Private, method: str, path: str, end: str
) -> None:
    where = path.format(file=private.file).replace("/ajax/", "/ajax-") + end
    answer = _raw(tracking, "eve", method, where, json={"message": "x"})
    assert answer.status_code == 404, answer.text
    assert "secret" not in answer.text
    assert _raw(tracking, "ada", "GET", private.file).content == b"secret"


@pytest.mark.parametrize("version", ["1", "%201", "+1", "0_1", "01", "1%0A", "%EF%BC%91", "1%20"])
@pytest.mark.parametrize("name", ["s3", "x%FF", "mod\u00e8le", "a&b"])
def test_no_spelling_of_a_version_has_the_server_fetch_from_elsewhere(
    tracking: Tracking, name: str, version: str
) -> None:
    """With the server's own credentials, anybody would read what these can."""
    full = f"{name}-{secrets.token_hex(4)}"
    tracking.call("eve", "registered-models/create", {"name": full})
    tracking.call("eve", "model-versions/create", {"name": full, "source": "s3://bucket/m"})
    # A client that does not encode a percent sign which is not one of an encoding's.
    spelt = full if "%" in full else quote(full)
    path = f"{PREFIX}/model-versions/get-artifact?path=a&name={spelt}&version={version}"
    answer = _raw(tracking, "eve", "GET", path)
    assert answer.status_code in (400, 404), answer.text
    assert "kept on this platform" in answer.text or "%" in name
