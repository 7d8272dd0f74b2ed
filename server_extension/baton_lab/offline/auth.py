"""Signs MLflow's requests with the Hub's token as it is now, and those to the platform only."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from mlflow.environment_variables import MLFLOW_TRACKING_AUTH
from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider
from requests import PreparedRequest, Response
from requests.auth import AuthBase
from requests.utils import rewind_body

from baton_lab.offline.places import ADDRESS, platform_address
from baton_lab.offline.tokens import HubToken


class HubSignature(AuthBase):
    """Signs requests below ``address``; takes the Hub's token out of all others.

    A request that is refused (401) is sent once more with each other token there is: one
    may have come meanwhile. ``alone``: whether no other server may get the token, which
    holds wherever it is the Hub that gave it.
    """

    def __init__(self, address: str, token: HubToken, *, alone: bool) -> None:
        self._address = address
        self._token = token
        self._alone = alone

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request."""
        if not self._is_ours(request.url or ""):
            self._strip(request)
        elif token := self._token.current():
            request.headers["Authorization"] = signature(token)
            request.register_hook("response", self._again)
        return request

    def _again(self, response: Response, **sending: Any) -> Response:
        """Send a refused request with the tokens that were not tried yet."""
        if response.status_code != 401 or not self._is_ours(response.request.url or ""):
            return response
        refused = str(response.request.headers.get("Authorization"))
        for header in self._others(refused):
            retry = response.request.copy()
            if not _rewound(retry):
                break
            _ = response.content  # Frees the connection.
            response.close()
            retry.headers["Authorization"] = header
            answer: Response = response.connection.send(retry, **sending)
            answer.history.append(response)
            answer.request, response = retry, answer
            if answer.status_code != 401:
                break
        return response

    def _others(self, refused: str) -> Iterator[str]:
        headers = (signature(token) for token in self._token.candidates())
        return (header for header in headers if header != refused)

    def _is_ours(self, url: str) -> bool:
        return bool(self._address) and is_below(url, self._address)

    def _strip(self, request: PreparedRequest) -> None:
        """Take a token of the Hub's out of a request to somebody else; others' stay."""
        if not self._alone:
            return
        kind, _, value = str(request.headers.get("Authorization", "")).partition(" ")
        token = _password(value) if kind.lower() == "basic" else value.strip()
        if token in self._token.known:
            del request.headers["Authorization"]


class HubAuth(RequestAuthProvider):  # type: ignore[misc]
    """MLflow's plugin; `choose` has MLflow take it, as MLFLOW_TRACKING_AUTH=baton does."""

    def get_name(self) -> str:
        """Return the name to choose it by."""
        return "baton"

    def get_auth(self) -> AuthBase:
        """Return what signs a request."""
        return hub_signature()


@cache
def hub_signature() -> HubSignature:
    """Return what signs this process's requests."""
    return HubSignature(platform_address(), hub_token(), alone=ADDRESS in os.environ)


@cache
def hub_token() -> HubToken:
    """Return this process's token."""
    return HubToken()


def choose() -> None:
    """Have MLflow ask us for its sign-in, unless the person chose another."""
    if platform_address() and hub_token().current():
        # Not in the environment: what this process starts may be a Python without Baton.
        MLFLOW_TRACKING_AUTH.default = "baton"
        hub_signature()  # Now, before a notebook says which server it wants.


def signature(token: str) -> str:
    """Return the header that signs with ``token``; MLflow's own form where there is a name."""
    name = os.environ.get("MLFLOW_TRACKING_USERNAME") or os.environ.get("JUPYTERHUB_USER", "")
    if not name:
        return f"Bearer {token}"
    return "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode("ascii")


def is_below(url: str, address: str) -> bool:
    """Tell whether ``url`` is at or below ``address``: the same scheme, host, port and folder."""
    here, there = urlsplit(url), urlsplit(address)
    if here.scheme.lower() != there.scheme.lower() or _host(here) != _host(there):
        return False
    # A path that climbs, also in disguise, belongs to whoever is asked for it.
    if ".." in here.path.replace("%2e", ".").replace("%2E", "."):
        return False
    folder = there.path.rstrip("/") + "/"
    return (here.path + "/").startswith(folder)


def _host(parts: Any) -> tuple[str, int]:
    usual = 443 if parts.scheme.lower() == "https" else 80
    return (parts.hostname or "").lower(), parts.port or usual


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials).decode("utf-8", "replace").partition(":")[2]
    except ValueError:
        return ""


def _rewound(request: PreparedRequest) -> bool:
    """Put a body back to its beginning; False where that can't be done."""
    if request.body is None or isinstance(request.body, str | bytes):
        return True
    try:
        rewind_body(request)
    except Exception:  # noqa: BLE001 - requests and streams say it in ways of their own
        return False
    return True
