"""Which MLflow a trace asks, and as whom: what was said, else what a person's server knows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from baton_client.tracing.source import TraceSource
from baton_contract.authorization import renewed_token_name
from baton_contract.errors import BadRequestError

PLATFORM = "BATON_TRACKING_URI"
"""In a person's server, the platform's MLflow; MLflow's own variable follows the notebook."""
ADDRESSES = ("BATON_MLFLOW_URL", PLATFORM, "MLFLOW_TRACKING_URI")
GIVEN = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


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
    given = _given(token, token_file, environment) or _own(address, environment)
    return TraceSource(address, _check(given))


def _check(found: str | None) -> str:
    token = (found or "").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise BadRequestError(
            "no_token",
            "No usable token. Make one on the Hub's page Token, and put it into the variable "
            "BATON_TOKEN or into a file for --token-file.",
        )
    return token


def _given(
    token: str | None, token_file: Path | None, environment: Mapping[str, str]
) -> str | None:
    """Return the token that somebody named, by how explicitly they did; None for none."""
    if token:
        return token
    named = environment.get("BATON_TOKEN_FILE")
    if token_file or not named:
        return _read(token_file) if token_file else environment.get("BATON_TOKEN")
    return environment.get("BATON_TOKEN") or _read(Path(named))


def _read(path: Path) -> str:
    # What is no text is no token either, and is refused as such.
    return path.read_text("utf-8", "replace") or " "


def _own(address: str, environment: Mapping[str, str]) -> str | None:
    """Return the token of the server that this process runs in, for its own MLflow only.

    None outside of one, and for any other address: somebody may have named a stranger's.
    """
    platform = environment.get(PLATFORM) or environment.get("MLFLOW_TRACKING_URI", "")
    if address.rstrip("/") != platform.rstrip("/"):
        return None
    names = ("JUPYTERHUB_API_TOKEN", *GIVEN) if environment.get(PLATFORM) else GIVEN
    first = next((environment[name] for name in names if environment.get(name)), None)
    path = renewed_path(first) if first else None
    return _read(path) if path and path.is_file() else first


def renewed_path(token: str) -> Path | None:
    """Return where a person's server keeps the token that replaced ``token``; None outside."""
    try:
        # There in every person's server, and nowhere needed outside of one.
        from jupyter_core.paths import jupyter_runtime_dir
    except ImportError:
        return None
    return Path(jupyter_runtime_dir()) / "baton" / renewed_token_name(token)
