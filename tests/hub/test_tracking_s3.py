"""Artifacts in S3: passed through whole and unnoticed, and one sentence where it fails."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import free_port
from tests.s3 import ACCESS_KEY, BUCKET, S3, SECRET_KEY, start_s3
from tests.s3 import s3 as s3
from tests.tracking import Tracking, start_tracking

pytest_plugins = ("tests.tracking",)

MIB = 1024 * 1024
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
PIECE, PIECES = bytes(range(256)) * 4096, 100


@pytest.fixture(scope="module")
def tracking_s3(tmp_path_factory: pytest.TempPathFactory, s3: S3) -> Iterator[Tracking]:
    """MLflow behind a Hub, with its artifacts below a path of a bucket."""
    settings = s3.environment(BATON_MLFLOW_ARTIFACTS=f"s3://{BUCKET}/some/where")
    with start_tracking(tmp_path_factory.mktemp("s3"), **settings) as started:
        yield started


def _memory(pid: int) -> int:
    """Return the most memory that a process has had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _folder(tracking: Tracking, name: str) -> str:
    run = tracking.run("ada", name)
    return f"{ARTIFACTS}/{run['experiment_id']}/{run['run_id']}/artifacts"


def test_a_hundred_mebibytes_pass_both_ways_and_memory_stays_flat(
    tracking_s3: Tracking, s3: S3
) -> None:
    folder = _folder(tracking_s3, "large")
    with tracking_s3.client("ada") as client:
        # What is loaded at first use is not the file's.
        client.put(f"{folder}/small.bin", content=b"x" * 9 * MIB).raise_for_status()
        client.get(f"{folder}/small.bin").raise_for_status()
        before = _memory(tracking_s3.mlflow_pid)
        pieces = (PIECE for _ in range(PIECES))
        assert client.put(f"{folder}/large.bin", content=pieces).status_code == 200
        got = hashlib.sha256()
        with client.stream("GET", f"{folder}/large.bin") as response:
            for chunk in response.iter_bytes(MIB):
                got.update(chunk)
    assert got.hexdigest() == hashlib.sha256(PIECE * PIECES).hexdigest()
    assert _memory(tracking_s3.mlflow_pid) - before < 60 * MIB
    key = "some/where/" + folder.removeprefix(f"{ARTIFACTS}/") + "/large.bin"
    assert s3.client.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == PIECES * MIB


CLIENT = """
import mlflow

mlflow.set_experiment("s3")
with mlflow.start_run() as run:
    mlflow.log_text("hello", "notes/ünïcode name.txt")
print(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/ünïcode name.txt"))
print([each.path for each in mlflow.MlflowClient().list_artifacts(run.info.run_id, "notes")])
"""


def test_mlflows_own_client_writes_lists_and_reads(tracking_s3: Tracking) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLIENT],
        env=tracking_s3.kernel_environment("ada"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "hello" in done.stdout
    assert "['notes/ünïcode name.txt']" in done.stdout


def test_an_artifact_that_is_not_there_is_404(tracking_s3: Tracking) -> None:
    with tracking_s3.client("ada") as client:
        answer = client.get(f"{_folder(tracking_s3, 'missing')}/none.txt")
    assert answer.status_code == 404, answer.text


def test_a_bucket_that_is_gone_is_503_in_one_sentence_and_metrics_go_on(
    tracking_s3: Tracking, s3: S3
) -> None:
    folder = _folder(tracking_s3, "gone")
    run_id = folder.split("/")[-2]
    for page in s3.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for each in page.get("Contents", []):
            s3.client.delete_object(Bucket=BUCKET, Key=each["Key"])
    s3.client.delete_bucket(Bucket=BUCKET)
    try:
        with tracking_s3.client("ada") as client:
            answers = [
                client.put(f"{folder}/a.txt", content=b"x"),
                client.delete(f"{folder}/a.txt"),
            ]
            metric = {"run_id": run_id, "key": "m", "value": 1.0, "timestamp": 1}
            client.post("/api/2.0/mlflow/runs/log-metric", json=metric).raise_for_status()
            listing = client.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run_id})
    finally:
        s3.client.create_bucket(Bucket=BUCKET)
    # MLflow has a word of its own for this one.
    assert listing.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.headers["retry-after"]
        assert "there is no such bucket" in answer.json()["message"]
        assert answer.json()["error"]["code"] == "artifacts_unavailable"
    log = (tracking_s3.folder / "mlflow.log").read_text()
    assert "Traceback" not in log
    assert SECRET_KEY not in log
    assert ACCESS_KEY not in log


def _start(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Start the service with settings that it can't use; return how it ended."""
    environment = {
        **os.environ,
        "HOME": str(folder),
        "JUPYTERHUB_API_TOKEN": "t",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:1/hub/api",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{free_port()}",
        "JUPYTERHUB_CLIENT_ID": "service-mlflow",
        "BATON_MLFLOW_DATABASE": f"sqlite:///{folder}/mlflow.sqlite",
        "BATON_PUBLIC_URL": "http://127.0.0.1:8000",
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "baton_hub.tracking"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("artifacts", "settings", "sentence"),
    [
        ("s3://no-such-bucket", {}, "there is no such bucket."),
        (
            f"s3://{BUCKET}",
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            "Unable to locate credentials.",
        ),
        (f"s3://{BUCKET}", {"MLFLOW_S3_ENDPOINT_URL": "not an address"}, "Invalid endpoint"),
        ("s3:///path", {}, "the bucket '' for artifacts can't be used: that is no name of"),
        ("s3://no bucket", {}, "no name of a bucket, as in s3://bucket/path."),
        ("/proc/nowhere", {}, "for artifacts can't be made"),
    ],
)
def test_a_place_that_cannot_be_used_stops_the_start_with_one_line(
    s3: S3, tmp_path: Path, artifacts: str, settings: dict[str, str], sentence: str
) -> None:
    environment = s3.environment(BATON_MLFLOW_ARTIFACTS=artifacts) | settings
    done = _start(tmp_path, **environment)
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("MLflow can't start: ")
    assert sentence in line
    assert "Traceback" not in done.stderr
    assert SECRET_KEY not in done.stderr


def test_credentials_that_are_refused_stop_the_start_with_one_line(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    # From its first request on this one checks who asks, and knows nobody.
    with start_s3(url, tmp_path / "s3.log", INITIAL_NO_AUTH_ACTION_COUNT="0") as strict:
        environment = strict.environment(BATON_MLFLOW_ARTIFACTS=f"s3://{BUCKET}")
        done = _start(tmp_path, **environment)
    assert done.returncode == 1
    assert "the access key is not known there." in done.stderr.splitlines()[-1]
    assert ACCESS_KEY not in done.stderr
    assert SECRET_KEY not in done.stderr
