"""A model's answers, asked in a process of its own."""

from __future__ import annotations

import asyncio
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
    python = _absolute(python or sys.executable)
    text = json.dumps({"requests": requests}).encode()
    with tempfile.TemporaryDirectory(prefix="baton-") as folder:
        try:
            ended = subprocess.run(
                _command(python, model_dir, folder),
                input=text,
                capture_output=True,
                check=False,
                cwd=folder,
                env=_environment(),
                timeout=timeout,
            )
        except OSError as error:
            raise _no_python(python, error) from error
        except subprocess.TimeoutExpired as error:
            raise _timed_out(timeout) from error
    return _read(ended.stdout, ended.stderr, model_dir, python)


async def await_answers(
    model_dir: Path,
    requests: list[dict[str, Any]],
    *,
    timeout: float | None = None,  # noqa: ASYNC109
) -> list[Any]:
    """Return what `answers` returns, by this Python, without holding up the event loop.

    The model's process ends with the call, also when that is cancelled.
    """
    text = json.dumps({"requests": requests}).encode()
    with tempfile.TemporaryDirectory(prefix="baton-") as folder:
        child = await asyncio.create_subprocess_exec(
            *_command(sys.executable, model_dir, folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(timeout):
                out, err = await child.communicate(text)
        except TimeoutError as error:
            raise _timed_out(timeout) from error
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
    return _read(out, err, model_dir, sys.executable)


def _command(python: str, model_dir: Path, folder: str) -> list[str]:
    # A copy that stands alone: beside it, our modules would shadow the library's own.
    script = shutil.copy(replay.__file__, Path(folder, "replay.py"))
    return [python, str(script), str(model_dir.absolute())]


def _absolute(python: str) -> str:
    # The model's process starts in another folder. A link stays one: it makes the environment.
    return str(Path(python).absolute()) if os.sep in python else python


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in SECRETS}


def _no_python(python: str, error: OSError) -> BadRequestError:
    return BadRequestError("no_python", f"{python} can't be started: {error.strerror}.")


def _timed_out(timeout: float | None) -> UnavailableError:
    return UnavailableError(
        "timed_out", f"The model did not answer within {timeout:g} s and was stopped."
    )


def _read(out: bytes, err: bytes, model_dir: Path, python: str) -> list[Any]:
    outcome = _parse_outcome(out.decode(errors="replace"))
    if outcome is None:
        last = err.decode(errors="replace").strip().rpartition("\n")[2][:500]
        raise BadRequestError(
            "model_failed", f"The model's process ended without an answer: {last or 'killed'}"
        )
    if "error" in outcome:
        raise _failure(outcome["error"], model_dir, python)
    found: list[Any] = outcome["answers"]
    return found


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
