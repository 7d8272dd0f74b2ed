"""MLflow as the tests ask what a run carries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import httpx

Json = dict[str, Any]


class Mlflow:
    """MLflow as the scientist asks it."""

    def __init__(self, url: str, until: Callable[..., Any]) -> None:
        headers = {"Authorization": "Bearer scientist-token"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)
        self._until = until

    def close(self) -> None:
        self._http.close()

    def run(self, run_id: str) -> Json:
        answer = self._http.get("/api/2.0/mlflow/runs/get", params={"run_id": run_id})
        assert answer.is_success, answer.text
        found: Json = answer.json()["run"]
        return found

    def tags(self, run_id: str) -> dict[str, str]:
        return {tag["key"]: tag["value"] for tag in self.run(run_id)["data"]["tags"]}

    def captured(self, run_id: str, tag: str = "baton.packages.sha256") -> dict[str, str]:
        """Return the tags when ``tag`` is among them."""

        def there() -> dict[str, str] | None:
            tags = self.tags(run_id)
            return tags if tag in tags else None

        found: dict[str, str] = self._until(there)
        return found

    def file(self, uri: str) -> bytes:
        path = uri.removeprefix("mlflow-artifacts:/")
        answer = self._http.get(f"/api/2.0/mlflow-artifacts/artifacts/{path}")
        assert answer.is_success, answer.text
        return answer.content

    def snapshot(self, tags: dict[str, str], kind: str = "notebook") -> bytes:
        """Return the snapshot that the tags name, when its digest is what they say."""
        content = self.file(tags[f"baton.{kind}.snapshot"])
        assert hashlib.sha256(content).hexdigest() == tags[f"baton.{kind}.sha256"]
        return content
