"""MLflow over its REST API: runs, artifacts, models. Never through its Python package."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from baton_client.calls import is_local
from baton_client.reason import parse_reason
from baton_contract.errors import (
    BY_STATUS,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PublicError,
    TooLargeError,
    UnavailableError,
)
from baton_lab.artifacts import Json, parse_artifact_uri, parse_path, quoted

if TYPE_CHECKING:
    from baton_lab.access import Kind

API = "api/2.0/mlflow"
ARTIFACTS = "api/2.0/mlflow-artifacts/artifacts"
CHUNK = 1024 * 1024
KINDS: dict[str, type[PublicError]] = {
    "RESOURCE_DOES_NOT_EXIST": NotFoundError,
    "NOT_FOUND": NotFoundError,
    "RESOURCE_ALREADY_EXISTS": ConflictError,
    "PERMISSION_DENIED": ForbiddenError,
}


class Tracking:
    """MLflow as one person sees it; values are MLflow's own JSON.

    Every method raises a `PublicError`: ``mlflow_unavailable`` (503) when MLflow does
    not answer, ``not_found``, ``mlflow_refused`` and MLflow's own sentence otherwise.
    ``http`` is the pooled connection, for the event stream.
    """

    def __init__(self, url: str, token: str | httpx.Auth, *, timeout: float) -> None:
        self.url = url.rstrip("/") + "/"
        self.http = httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"}
            if isinstance(token, str) and token
            else {},
            auth=None if isinstance(token, str) else token,
            timeout=httpx.Timeout(timeout, connect=5),
            limits=httpx.Limits(max_connections=10, keepalive_expiry=60),
            # The token goes to this address only.
            follow_redirects=False,
            trust_env=not is_local(url),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def experiments(self) -> list[Json]:
        """Return all active experiments, latest changed first."""
        body = {"max_results": 1000, "order_by": ["last_update_time DESC"]}
        return await self._pages("experiments/search", body, "experiments")

    async def thing(self, kind: Kind, key: str) -> Json:
        """Return one experiment (by id) or registered model (by name)."""
        answer = await self._get(kind.get, **{kind.key: key})
        found: Json = answer[kind.answer]
        return found

    async def tag(self, kind: Kind, key: str, tag: str, value: str) -> None:
        """Set a tag on an experiment or registered model."""
        await self._post(kind.tag, {kind.key: key, "key": tag, "value": value})

    async def runs(self, experiment_id: str, *, filter_: str, limit: int) -> list[Json]:
        """Return an experiment's runs that fit MLflow's ``filter_``, latest started first."""
        body = {
            "experiment_ids": [experiment_id],
            "filter": filter_,
            "max_results": limit,
            "order_by": ["attributes.start_time DESC"],
        }
        found: list[Json] = (await self._post("runs/search", body)).get("runs", [])
        return found

    async def run(self, run_id: str) -> Json:
        """Return one run."""
        found: Json = (await self._get("runs/get", run_id=run_id))["run"]
        return found

    async def set_tags(self, run_id: str, tags: dict[str, str]) -> None:
        """Set tags on a run."""
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        await self._post("runs/log-batch", {"run_id": run_id, "tags": pairs})

    async def logged_models(self, experiment_id: str, run_id: str) -> list[Json]:
        """Return the models that a run logged, oldest first."""
        body = {
            "experiment_ids": [experiment_id],
            "filter": f"source_run_id = '{quoted(run_id)}'",
            "order_by": [{"field_name": "creation_timestamp", "ascending": True}],
        }
        return await self._pages("logged-models/search", body, "models")

    async def logged_model(self, model_id: str) -> Json:
        """Return one logged model."""
        found: Json = (await self._get(f"logged-models/{quote(model_id, safe='')}"))["model"]
        return found

    async def run_artifacts(self, run_id: str, path: str) -> list[Json]:
        """Return what stands in a folder of the run's artifacts, "" being the top."""
        params = {"run_id": run_id, **({"path": path} if path else {})}
        found: list[Json] = (await self._get("artifacts/list", **params)).get("files", [])
        return found

    async def registered_models(self) -> list[Json]:
        """Return all registered models, by name."""
        return await self._get_pages("registered-models/search", "registered_models", 200)

    async def model_versions(self, filter_: str = "") -> list[Json]:
        """Return the versions that fit MLflow's ``filter_``, newest first."""
        return await self._get_pages(
            "model-versions/search",
            "model_versions",
            1000,
            filter=filter_,
            order_by="creation_timestamp DESC",
        )

    async def model_version(self, name: str, version: str) -> Json:
        """Return one version of a registered model."""
        answer = await self._get("model-versions/get", name=name, version=version)
        found: Json = answer["model_version"]
        return found

    async def version_files(self, name: str, version: str) -> str:
        """Return the address of the version's files, such as mlflow-artifacts:/1/models/…."""
        answer = await self._get("model-versions/get-download-uri", name=name, version=version)
        return str(answer["artifact_uri"])

    async def create_registered_model(self, name: str) -> None:
        """Make a registered model; one that exists stays as it is."""
        try:
            await self._post("registered-models/create", {"name": name})
        except ConflictError:
            return

    async def create_version(
        self, name: str, *, source: str, run_id: str, model_id: str | None
    ) -> Json:
        """Make the next version of a registered model from files that are there."""
        body = {"name": name, "source": source, "run_id": run_id}
        if model_id:
            body["model_id"] = model_id
        found: Json = (await self._post("model-versions/create", body))["model_version"]
        return found

    async def files(self, uri: str) -> list[Json]:
        """Return every file below an artifact address, with its path relative to it, by path."""
        root = parse_artifact_uri(uri)
        found: list[Json] = []
        folders = [""]
        while folders:
            folder = folders.pop()
            for entry in await self._list(root, folder):
                path = str(entry["path"])
                if entry.get("is_dir"):
                    folders.append(path)
                else:
                    found.append({**entry, "path": path})
        return sorted(found, key=lambda entry: str(entry["path"]))

    async def read(self, uri: str, path: str, *, limit: int = 4 * 1024 * 1024) -> bytes:
        """Return a small artifact's content; `TooLargeError` beyond ``limit`` bytes."""
        found = bytearray()
        async for chunk in self._stream(_artifact(uri, path)):
            found += chunk
            if len(found) > limit:
                raise TooLargeError("artifact_too_large", f"{path} is larger than {limit:,} B.")
        return bytes(found)

    async def download(self, uri: str, path: str, to: Path) -> None:
        """Write an artifact's content to the file ``to``."""
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("wb") as stream:
            async for chunk in self._stream(_artifact(uri, path)):
                stream.write(chunk)

    async def upload(self, uri: str, path: str, content: bytes) -> None:
        """Store ``content`` as an artifact."""
        await self._send("PUT", _artifact(uri, path), content=content)

    async def _list(self, root: str, folder: str) -> list[Json]:
        path = f"{root}/{folder}".rstrip("/")
        answer = await self._send("GET", ARTIFACTS, params={"path": path})
        return [
            {**entry, "path": parse_path("/".join(filter(None, (folder, str(entry["path"])))))}
            for entry in answer.get("files", [])
        ]

    async def _get(self, path: str, /, **params: str) -> Json:
        return await self._send("GET", f"{API}/{path}", params=params)

    async def _post(self, path: str, body: Json) -> Json:
        return await self._send("POST", f"{API}/{path}", json=body)

    async def _pages(self, path: str, body: Json, field: str) -> list[Json]:
        found: list[Json] = []
        while True:
            answer = await self._post(path, body)
            found += answer.get(field, [])
            if not answer.get("next_page_token"):
                return found
            body = {**body, "page_token": answer["next_page_token"]}

    async def _get_pages(self, path: str, field: str, size: int, /, **params: str) -> list[Json]:
        found: list[Json] = []
        token = ""
        while True:
            page = {"max_results": str(size), **({"page_token": token} if token else {})}
            answer = await self._get(path, **params, **page)
            found += answer.get(field, [])
            token = answer.get("next_page_token", "")
            if not token:
                return found

    async def _send(self, method: str, path: str, **given: Any) -> Json:
        try:
            response = await self.http.request(method, path, **given)
        except httpx.TransportError as error:
            raise unavailable() from error
        if not response.is_success:
            raise parse_error(response)
        try:
            answer = json.loads(response.content or b"{}")
        except ValueError as error:
            raise unavailable() from error
        return answer if isinstance(answer, dict) else {}

    async def _stream(self, path: str) -> AsyncIterator[bytes]:
        try:
            async with self.http.stream("GET", path) as response:
                if not response.is_success:
                    await response.aread()
                    raise parse_error(response)
                async for chunk in response.aiter_bytes(CHUNK):
                    yield chunk
        except httpx.TransportError as error:
            raise unavailable() from error


def parse_error(response: httpx.Response) -> PublicError:
    """Return what a failed answer of MLflow, or of the guard before it, means for a person."""
    status = response.status_code
    reason = parse_reason(response)
    code, message = reason.code or reason.mlflow_code, reason.message
    if status in {502, 503, 504}:
        return UnavailableError(code, message) if message else unavailable()
    if status == 401 or response.is_redirect or (status == 403 and not message):
        return ForbiddenError(
            "mlflow_refused",
            "MLflow does not accept this server's token. Restart your server from the Hub.",
        )
    if status >= 500:
        return UnavailableError(
            "mlflow_failed", f"MLflow failed to answer (HTTP {status}). Try again in a moment."
        )
    kind = KINDS.get(code, BY_STATUS.get(status, BadRequestError))
    name = "not_found" if kind is NotFoundError else "mlflow_refused"
    return kind(name, f"MLflow says: {message[:500] or f'HTTP {status}'}", mlflow_code=code)


def unavailable() -> UnavailableError:
    """Return what to say when MLflow does not answer."""
    return UnavailableError(
        "mlflow_unavailable",
        "MLflow does not answer. Nothing recorded is lost; try again in a moment.",
    )


def _artifact(uri: str, path: str) -> str:
    root = parse_artifact_uri(uri)
    return f"{ARTIFACTS}/{quote(f'{root}/{parse_path(path)}', safe='/')}"
