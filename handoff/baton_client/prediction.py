"""A model's answers, asked in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from baton_contract import replay
from baton_contract.errors import BadRequestError, PublicError, UnavailableError

SECRETS = ("BATON_TOKEN", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "MLFLOW_TRACKING_PASSWORD")
"""Environment variables that a model's code does not get to see."""


def answers(
    model_dir: Path,
    requests: list[dict[str, Any]],
    *,
    python: str | None = None,
    timeout: float | None = None,
) -> list[Any]:
    """Return the model's answer to each request, as plain JSON.

    The model is loaded by ``python`` (this one when None), which needs MLflow and the
    model's requirements, but not Baton. ``timeout`` is in seconds; None waits. Raises
    a `PublicError`: ``no_mlflow`` and ``missing_package`` say what to install,
    ``model_failed`` what the model said, ``no_python`` and ``timed_out`` the rest.
    """
    python = python or sys.executable
    with tempfile.TemporaryDirectory(prefix="baton-") as folder:
        # A copy that stands alone: beside it, our modules would shadow the library's own.
        script = shutil.copy(replay.__file__, Path(folder, "replay.py"))
        command = [python, str(script), str(model_dir.absolute())]
        ended = _run(command, json.dumps({"requests": requests}), cwd=folder, timeout=timeout)
    outcome = _parse_outcome(ended.stdout)
    if outcome is None:
        last = ended.stderr.strip().rpartition("\n")[2][:500]
        raise BadRequestError(
            "model_failed",
            f"The model's process ended without an answer (exit code {ended.returncode}): {last}",
        )
    if "error" in outcome:
        raise _failure(outcome["error"], model_dir, python)
    found: list[Any] = outcome["answers"]
    return found


def _run(
    command: list[str], text: str, *, cwd: str, timeout: float | None
) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in SECRETS}
    try:
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            cwd=cwd,
            env=environment,
            timeout=timeout,
        )
    except OSError as error:
        raise BadRequestError(
            "no_python", f"{command[0]} can't be started: {error.strerror}."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(
            "timed_out", f"The model did not answer within {timeout:g} s and was stopped."
        ) from error


def _parse_outcome(text: str) -> dict[str, Any] | None:
    try:
        outcome = json.loads(text.strip().rpartition("\n")[2])
    except ValueError:
        return None
    return outcome if isinstance(outcome, dict) else None


def _failure(error: dict[str, Any], model_dir: Path, python: str) -> PublicError:
    code, message = str(error.get("code")), str(error.get("message"))
    if code in {"no_mlflow", "missing_package"}:
        requirements = model_dir / "requirements.txt"
        pip = "pip" if python == sys.executable else f"{python} -m pip"
        message = f"{message} Run: {pip} install -r {requirements}"
    return BadRequestError(code, message)
