"""Whom the tracking service connects to: the Hub, its database, its artifacts, nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
import os, socket
from baton_hub.tracking import settings
from mlflow.utils import providers

settings.apply(settings.parse_settings(os.environ))

def connect(*_, **__):
    raise SystemExit("It connects to somebody.")

socket.socket.connect = socket.getaddrinfo = connect
providers._lookup_model_info("gpt-4o", "openai")
print(bool(providers._fetch_remote_provider("openai")))
"""


@pytest.mark.parametrize("own", [None, "here"])
def test_prices_of_models_come_from_mlflows_own_list_or_from_where_operations_say(
    tmp_path: Path, own: str | None
) -> None:
    environ = {
        **os.environ,
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:1",
        "BATON_PUBLIC_URL": "http://127.0.0.1:1",
        "BATON_MLFLOW_DATABASE": f"sqlite:///{tmp_path}/mlflow.sqlite",
        "BATON_MLFLOW_ARTIFACTS": str(tmp_path),
    }
    environ.pop("MLFLOW_MODEL_CATALOG_URI", None)
    if own:
        environ["MLFLOW_MODEL_CATALOG_URI"] = tmp_path.as_uri()
        (tmp_path / "openai.json").write_text('{"models": {"gpt-4o": {"mode": "chat"}}}')
    asked = subprocess.run(
        [sys.executable, "-c", ASK], env=environ, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.strip() == str(bool(own))
