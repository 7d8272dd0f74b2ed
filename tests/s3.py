"""A real server that speaks S3's protocol, and the environment that leads MLflow to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.processes import await_answer, free_port, running

BUCKET = "baton-artifacts"
ACCESS_KEY = "AKIAOFTHETESTS"
SECRET_KEY = "secret-key-of-the-tests"


@dataclass
class S3:
    """Where it listens, and a client of it."""

    url: str
    client: Any

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables by which boto3 and MLflow find the server."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "MLFLOW_S3_ENDPOINT_URL": self.url,
            **more,
        }


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An S3 with one empty bucket."""
    url, log = f"http://127.0.0.1:{free_port()}", tmp_path_factory.mktemp("s3") / "s3.log"
    with start_s3(url, log) as server:
        server.client.create_bucket(Bucket=BUCKET)
        yield server


@contextmanager
def start_s3(url: str, log: Path, **settings: str) -> Iterator[S3]:
    """Run an S3 at ``url``; ``settings`` are moto's own."""
    command = [sys.executable, "-m", "moto.server", "-p", url.rpartition(":")[2]]
    with running(command, log, env={**os.environ, **settings}) as process:
        await_answer(f"{url}/moto-api/data.json", process, log)
        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
        yield S3(url, client)
