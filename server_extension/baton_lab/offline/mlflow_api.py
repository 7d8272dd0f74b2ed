"""MLflow's REST API as the sender uses it: what is sent, and what its answers mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import anyio
import httpx

from baton_client.calls import is_local
from baton_client.reason import parse_reason
from baton_lab.offline.tokens import HubToken

Json = dict[str, Any]
API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
AWAY = {408, 429, 502, 503, 504}
CHUNK = 1024 * 1024


class SilentError(Exception):
    """MLflow takes nothing now; ``text`` says why, for a person. It may later.

    ``is_failure``: whether it failed at this very request (500).
    """

    def __init__(self, text: str, *, is_failure: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.is_failure = is_failure


class RefusedError(Exception):
    """MLflow will never take this; ``text`` says why, in its own words."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class TokenAuth(httpx.Auth):
    """Signs with the token as it is now; tries the others there are when it is refused."""

    def __init__(self, token: HubToken) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Yield the request, signed, until it is not refused."""
        tokens = self._token.candidates()
        for token in tokens:
            request.headers["Authorization"] = f"Bearer {token}"
            response = yield request
            if response.status_code != 401:
                return
        # Without any token MLflow says what it thinks of that.
        if "Authorization" not in request.headers:
            yield request


class MlflowApi:
    """Calls that raise `SilentError` or `RefusedError`, and nothing else, when they fail."""

    def __init__(self, address: str, token: HubToken) -> None:
        self._http = httpx.AsyncClient(
            base_url=address.rstrip("/"),
            auth=TokenAuth(token),
            timeout=httpx.Timeout(60, connect=5),
            follow_redirects=False,
            trust_env=not is_local(address),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Return what MLflow answers; ``path`` is below its address."""
        text = json.dumps(body) if body is not None and method != "GET" else None
        headers = {"Content-Type": "application/json"} if text is not None else {}
        params = body if method == "GET" else None
        response = await self._send(method, path, content=text, headers=headers, params=params)
        return _parse(response)

    async def post(self, path: str, body: Json) -> Json:
        """POST to a route of MLflow's 2.0 API."""
        return await self.call("POST", f"{API}/{path}", body)

    async def get(self, path: str, **params: str) -> Json:
        """GET a route of MLflow's 2.0 API."""
        return await self.call("GET", f"{API}/{path}", params)

    async def upload(self, uri: str, content: Path | bytes) -> None:
        """Store a file at an address that begins with mlflow-artifacts:."""
        if isinstance(content, bytes):
            await self._send("PUT", _file_path(uri), content=content)
            return
        size = (await asyncio.to_thread(content.stat)).st_size
        headers = {"Content-Length": str(size)}
        stream = _Streamed(content)
        await self._send("PUT", _file_path(uri), content=stream, headers=headers)

    async def has_file(self, uri: str) -> bool:
        """Tell whether there is a file at an address that begins with mlflow-artifacts:."""
        folder, _, name = _root(uri).rpartition("/")
        try:
            answer = await self.call("GET", FILES, {"path": folder})
        except RefusedError:
            return False
        return any(str(file["path"]).rpartition("/")[2] == name for file in answer.get("files", []))

    async def _send(self, method: str, path: str, **given: Any) -> httpx.Response:
        try:
            response = await self._http.request(method, path, **given)
        except httpx.TransportError as error:
            raise SilentError("MLflow does not answer.") from error
        except httpx.HTTPError as error:
            raise SilentError(f"MLflow could not be asked: {error}.") from error
        if not response.is_success:
            raise judge(response)
        return response


def judge(response: httpx.Response) -> Exception:
    """Return what an answer that is no success means."""
    status = response.status_code
    reason = parse_reason(response)
    code, message = reason.code or reason.mlflow_code, reason.message
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    if status == 401:
        return SilentError("The Hub does not accept this server's token.")
    if status in AWAY or response.is_redirect or (status == 404 and is_page):
        return SilentError(message if code == "starting" else "MLflow does not answer.")
    if status >= 500:
        return SilentError(f"MLflow failed (HTTP {status}).", is_failure=True)
    if not code or code == "no_access":
        # Somebody in between, or a right that operations can give: it does not last.
        return SilentError(message or f"Something before MLflow refuses (HTTP {status}).")
    return RefusedError(message[:500], code)


def _parse(response: httpx.Response) -> Json:
    try:
        answer = json.loads(response.content or b"{}")
    except ValueError as error:
        raise SilentError("What answers in MLflow's place is not MLflow.") from error
    return answer if isinstance(answer, dict) else {}


def _root(uri: str) -> str:
    parts = urlsplit(uri)
    path = parts.path.strip("/")
    if parts.scheme != "mlflow-artifacts" or ".." in path.split("/"):
        raise RefusedError(
            f"Files at {parts.scheme or 'a local path'} can't be sent from here, because "
            "MLflow does not serve them."
        )
    return path


def _file_path(uri: str) -> str:
    return f"{FILES}/{quote(_root(uri), safe='/')}"


class _Streamed(httpx.AsyncByteStream):
    """A file, read as it is sent; from its beginning each time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with await anyio.open_file(self._path, "rb") as file:
            while chunk := await file.read(CHUNK):
                yield chunk
