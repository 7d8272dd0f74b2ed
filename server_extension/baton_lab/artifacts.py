"""What comes from outside: artifact paths and addresses, text in MLflow's filters, tags."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from baton_contract.errors import BadRequestError

Json = dict[str, Any]
"""An object as MLflow's API answers it."""


def named(tags: list[Json]) -> dict[str, str]:
    """Return MLflow's tags, which are key and value pairs, by key."""
    return {tag["key"]: tag.get("value", "") for tag in tags}


def quoted(text: str) -> str:
    """Return ``text`` fit to stand between single quotes in MLflow's filters.

    Raises `BadRequestError` for a quote: MLflow's filters have no way to write one.
    """
    if "'" in text or "\\" in text:
        raise BadRequestError("bad_name", "A name with a quote or a backslash can't be looked up.")
    return text


def parse_path(path: str) -> str:
    """Return a relative artifact path that stays below its root.

    Raises `BadRequestError` (``unsafe_path``) for absolute paths, dot-dot segments,
    backslashes and control characters.
    """
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts) or "\\" in path or not path.isprintable():
        raise BadRequestError("unsafe_path", f"{path!r} is no path of an artifact.")
    return path


def parse_artifact_uri(uri: str) -> str:
    """Return the path on MLflow's artifact service that an mlflow-artifacts address names.

    Raises `BadRequestError` (``artifacts_elsewhere``) for files that MLflow does not serve.
    """
    parts = urlsplit(uri)
    if parts.scheme != "mlflow-artifacts":
        raise BadRequestError(
            "artifacts_elsewhere",
            f"These files are kept at {parts.scheme or 'a local path'}, which the platform's "
            "MLflow does not serve. Log the model again on this platform.",
        )
    return parse_path(parts.path.strip("/"))
