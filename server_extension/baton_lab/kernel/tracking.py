"""Questions to the platform's MLflow that may not take long: is it there, what it holds."""

from __future__ import annotations

import json
import os
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit

WEB = ("http://", "https://")
TIMEOUT = 3.0
"""Seconds for which the person waits for the word whether MLflow is there."""
MOST = 200
"""Experiments, or model versions, that are offered."""


def tracking_address() -> str:
    """Return where MLflow logs to, without credentials; "" where nothing says so."""
    mlflow = sys.modules.get("mlflow")
    chosen = getattr(mlflow, "get_tracking_uri", str)()  # Half imported in another thread: "".
    uri = str(chosen) or os.environ.get("MLFLOW_TRACKING_URI", "")
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    # Python's own rendering loses slashes of sqlite:///.
    return uri if host == parts.netloc else urlunsplit((parts.scheme, host, parts.path, "", ""))


def describe() -> str:
    """Return a sentence on whether MLflow can be reached."""
    address = tracking_address()
    if not address:
        return "not set up here: MLFLOW_TRACKING_URI names no server"
    if not address.startswith(WEB):
        return f"on this machine, {address}"
    try:
        load_experiments(TIMEOUT)
    except HTTPError as error:
        if error.code in {401, 403}:
            return f"answers at {address}, and does not accept this server's token"
        if error.code < 400:
            return f"is not there: {address} leads elsewhere"
        if error.code >= 500:
            return f"is starting or away ({error.code}), at {address}"
    except (OSError, ValueError):
        return f"does not answer, at {address}"
    return f"answers, at {address}"


def load_experiments(timeout: float) -> list[str]:
    """Return the names of the latest experiments. Raises `OSError` and `ValueError`."""
    found = _search("experiments/search", "last_update_time", timeout)
    return [str(each["name"]) for each in found.get("experiments", [])]


def load_versions(timeout: float) -> list[str]:
    """Return the latest model versions as MODEL/VERSION. Raises `OSError` and `ValueError`."""
    found = _search("model-versions/search", "last_updated_timestamp", timeout)
    return [f"{each['name']}/{each['version']}" for each in found.get("model_versions", [])]


def _search(path: str, latest: str, timeout: float) -> Any:
    from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

    from baton_client.calls import is_local

    class Stays(HTTPRedirectHandler):
        """Follows nobody: the token goes to this address only."""

        def redirect_request(self, *_: Any) -> None:
            return None

    address = tracking_address()
    if not address.startswith(WEB):
        return {}
    query = f"max_results={MOST}&order_by={latest}%20DESC"
    asked = Request(f"{address.rstrip('/')}/api/2.0/mlflow/{path}?{query}")  # noqa: S310
    token = _token(address)
    if token:
        asked.add_header("Authorization", f"Bearer {token}")
    opener = build_opener(Stays, *([ProxyHandler({})] if is_local(address) else []))
    with opener.open(asked, timeout=timeout) as answer:
        return json.load(answer)


def _token(address: str) -> str:
    """Return the token of the platform's MLflow; no other server gets it."""
    from baton_lab.offline.places import platform_address
    from baton_lab.offline.tokens import HubToken

    return HubToken().current() if address.rstrip("/") == platform_address() else ""
