"""MLflow, as far as a trace reads it: records and the bytes of artifacts, over HTTP alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from baton_client.calls import is_local
from baton_client.reason import parse_reason
from baton_contract.errors import (
    BY_STATUS,
    BadRequestError,
    NotFoundError,
    PublicError,
    TooLargeError,
    UnauthorizedError,
    UnavailableError,
)

API = "api/2.0/mlflow"
ARTIFACTS = "api/2.0/mlflow-artifacts/artifacts"
CHUNK = 1024 * 1024
TIMEOUT = httpx.Timeout(60, connect=5)
MISSING = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What arrived of a file: its SHA-256 in hexadecimal, and its size in bytes."""

    sha256: str
    size: int


class TraceSource:
    """MLflow behind the Hub, as the owner of one token sees it.

    Every method raises a `PublicError`: ``not_found`` for what is not there or not the
    caller's to see, ``token_refused``, ``mlflow_unavailable`` (503) and ``no_mlflow``
    otherwise. The token goes to ``url``'s host only.
    """

    def __init__(self, url: str, token: str, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.url = parse_address(url)
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=timeout,
            # A redirect could carry the token to another host; it is an error here.
            follow_redirects=False,
            trust_env=not is_local(url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, /, **params: str) -> Json:
        """Return what MLflow's API answers below ``api/2.0/mlflow``."""
        return self._json(f"{API}/{path}", params)

    def entries(self, uri: str, folder: str = "") -> list[Json]:
        """Return what stands in a folder below an artifact address, "" being the top."""
        path = "/".join(filter(None, (parse_artifact(uri), folder)))
        found: list[Json] = self._json(ARTIFACTS, {"path": path}).get("files", [])
        return found

    def fetch(self, uri: str, to: Path | None = None) -> Fetched:
        """Read an artifact whole, as a stream, and return its digest and size.

        ``to``: the file that its content is written to; None keeps nothing.
        """
        digest, size = hashlib.sha256(), 0
        with to.open("wb") if to else nullcontext() as kept:
            for chunk in self._stream(uri):
                digest.update(chunk)
                size += len(chunk)
                if kept:
                    kept.write(chunk)
        return Fetched(sha256=digest.hexdigest(), size=size)

    def read(self, uri: str, *, limit: int = CHUNK) -> str:
        """Return a small artifact's text; `TooLargeError` beyond ``limit`` bytes."""
        found = bytearray()
        for chunk in self._stream(uri):
            found += chunk
            if len(found) > limit:
                raise TooLargeError("artifact_too_large", f"A file is larger than {limit:,} B.")
        return found.decode("utf-8", "replace")

    def _json(self, path: str, params: dict[str, str]) -> Json:
        try:
            response = self._http.get(path, params=params)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if not response.is_success:
            raise parse_error(response)
        try:
            answer = json.loads(response.content or b"{}")
        except ValueError as error:
            raise _no_mlflow(response.status_code) from error
        if not isinstance(answer, dict):
            raise _no_mlflow(response.status_code)
        return answer

    def _stream(self, uri: str) -> Iterator[bytes]:
        path = f"{ARTIFACTS}/{quote(parse_artifact(uri), safe='/')}"
        try:
            with self._http.stream("GET", path) as response:
                if not response.is_success:
                    response.read()
                    raise parse_error(response)
                yield from response.iter_bytes(CHUNK)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx.TransportError) -> UnavailableError:
        is_slow = isinstance(error, httpx.TimeoutException)
        what = "takes too long to answer" if is_slow else "can't be reached"
        return UnavailableError(
            "mlflow_unavailable",
            f"MLflow at {urlsplit(self.url).netloc} {what}. "
            "What was recorded is safe; try again in a moment.",
        )


def parse_address(url: str) -> str:
    """Return MLflow's address with one slash at its end.

    Raises `BadRequestError` (``address``) for anything but http or https with a host,
    and for an address that holds a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadRequestError(
            "address",
            "MLflow's address must look like https://hub.example.org/services/mlflow.",
        )
    if parts.username or parts.password:
        raise BadRequestError("address", "Leave the password out of MLflow's address.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"


def parse_artifact(uri: str) -> str:
    """Return the path on MLflow's artifact service that an mlflow-artifacts address names.

    Raises `BadRequestError`: ``artifacts_elsewhere`` for what MLflow does not serve,
    ``unsafe_path`` for a path that could leave its root.
    """
    scheme, _, path = uri.partition(":")
    if scheme != "mlflow-artifacts":
        place = scheme if path else "a local path"
        raise BadRequestError(
            "artifacts_elsewhere", f"It is kept at {place}, which MLflow does not serve."
        )
    # A host, as in mlflow-artifacts://host/path, is left out: only this MLflow is asked.
    path = path.removeprefix("//").partition("/")[2] if path.startswith("//") else path
    parts = path.strip("/").split("/")
    if any(part in {"", ".", ".."} for part in parts) or "\\" in path or not path.isprintable():
        raise BadRequestError("unsafe_path", "Its address is no path of an artifact.")
    return "/".join(parts)


def parse_error(response: httpx.Response) -> PublicError:
    """Return what a failed answer of MLflow, or of the layer before it, means for a person."""
    status = response.status_code
    code, message = _said(response)
    if status in {502, 503, 504}:
        return UnavailableError(
            "mlflow_unavailable", message or "MLflow does not answer now. Try again in a moment."
        )
    if status == 401 or response.is_redirect or (status == 403 and not message):
        return UnauthorizedError(
            "token_refused",
            "MLflow does not accept this token. Use a Hub token that is still valid; the Hub's "
            "page Token makes one. A team's pipeline token is for the desk alone.",
        )
    if status >= 500:
        return UnavailableError(
            "mlflow_failed", f"MLflow failed to answer (HTTP {status}). Try again in a moment."
        )
    if code in MISSING:
        return NotFoundError("not_found", message)
    if not code:
        return _no_mlflow(status)
    return BY_STATUS.get(status, BadRequestError)("mlflow_refused", message)


def _said(response: httpx.Response) -> tuple[str, str]:
    """Return MLflow's code, else ours, and the sentence.

    The layer before MLflow writes for people; what MLflow says itself is marked as its own.
    """
    reason = parse_reason(response)
    mark = "" if reason.code or not reason.message else "MLflow says: "
    return reason.mlflow_code or reason.code, mark + reason.message[:500]


def _no_mlflow(status: int) -> PublicError:
    return BadRequestError(
        "no_mlflow", f"There is no MLflow at this address (HTTP {status}). Check the address."
    )
