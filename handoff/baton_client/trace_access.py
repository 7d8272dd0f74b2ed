"""Which MLflow a trace asks, and as whom: what was said, else what a person's server knows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from baton_client.trace_source import TraceSource
from baton_contract.errors import BadRequestError

ADDRESSES = ("BATON_MLFLOW_URL", "MLFLOW_TRACKING_URI")


def open_source(
    url: str | None = None,
    token: str | None = None,
    token_file: Path | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
) -> TraceSource:
    """Return MLflow at ``url`` as the owner of ``token`` or of the token in ``token_file``.

    What is None comes from the environment; inside a person's server everything does.
    Raises `BadRequestError`: ``no_address``, ``address``, ``no_token``.
    """
    address = url or next((environment[key] for key in ADDRESSES if environment.get(key)), None)
    if not address:
        raise BadRequestError(
            "no_address",
            "Say where MLflow is: --mlflow https://hub.example.org/services/mlflow, "
            "or the variable BATON_MLFLOW_URL.",
        )
    return TraceSource(address, load_token(token, token_file, environment=environment))


def load_token(
    token: str | None,
    token_file: Path | None,
    *,
    environment: Mapping[str, str] = os.environ,
) -> str:
    """Return the first token there is, by how explicitly it was given.

    ``token``, ``token_file``, BATON_TOKEN, the file that BATON_TOKEN_FILE names, the
    server's own that rotates, and what its environment had at the start. Raises
    `BadRequestError` (``no_token``) when there is none, or it can't be one.
    """
    found = (_given(token, token_file, environment) or "").strip()
    if not found or not found.isascii() or not found.isprintable():
        raise BadRequestError(
            "no_token",
            "No usable token. Make one on the Hub's page Token, and put it into the variable "
            "BATON_TOKEN or into a file for --token-file.",
        )
    return found


def _given(
    token: str | None, token_file: Path | None, environment: Mapping[str, str]
) -> str | None:
    named = environment.get("BATON_TOKEN_FILE")
    if token:
        return token
    if token_file:
        return _read(token_file)
    if environment.get("BATON_TOKEN"):
        return environment["BATON_TOKEN"]
    return _read(Path(named)) if named else _own(environment)


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace")


def _own(environment: Mapping[str, str]) -> str | None:
    """Return the token of the server that this process runs in; None outside of one."""
    path = _rotating()
    if path and path.is_file():
        return _read(path)
    names = ("JUPYTERHUB_API_TOKEN", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
    return next((environment[name] for name in names if environment.get(name)), None)


def _rotating() -> Path | None:
    try:
        # There in every person's server, and nowhere needed outside of one.
        from jupyter_core.paths import jupyter_runtime_dir
    except ImportError:
        return None
    return Path(jupyter_runtime_dir()) / "baton" / "token"
