"""KubeSpawner with watches that recover, and with pods told apart by the decision they are of."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from typing import Any

from aiohttp import ClientError
from jupyterhub.utils import exponential_backoff
from kubernetes_asyncio.client import ApiException
from kubespawner import KubeSpawner

from baton_hub.cluster.pod import DECISION_LABEL

NO_ANSWER = (ClientError, OSError, TimeoutError)
"""What the Kubernetes client raises where the API does not answer at all."""


class WatchedKubeSpawner(KubeSpawner):  # type: ignore[misc]
    """What `CuratedKubeSpawner` needs of KubeSpawner beyond what it does by itself.

    Pods are read from KubeSpawner's own watch of the namespace, in memory.
    """

    def pod_of(self, decision: str) -> dict[str, Any] | None:
        """Return this server's pod, as JSON, if it is of this decision; never an older one."""
        reflector = self.pod_reflector
        found = reflector.pods.get(f"{self.namespace}/{self.pod_name}") if reflector else None
        return found if found and _decision(found) == decision else None

    async def delete_pods(self, decisions: Collection[str]) -> None:
        """Delete every pod of these decisions, whoever's, and return once they are gone.

        Raises when the API does not answer or refuses, and when a pod stays, as one does
        whose node is gone.
        """
        await self._start_watching_pods()
        for pod in tuple(self._pods_of(decisions)):
            about = pod["metadata"]
            self.log.warning("Deleting the pod %s, which the Hub does not know", about["name"])
            await self._delete(about["namespace"], about["name"])
        await exponential_backoff(
            lambda: not any(self._pods_of(decisions)),
            "Deleted pods are still there",
            timeout=self.k8s_api_request_retry_timeout,
        )

    async def delete_own_pod(self) -> None:
        """Ask for this server's pod to be deleted; failing that, leave it to the Hub's stop."""
        try:
            await self._delete(self.namespace, self.pod_name)
        except (ApiException, *NO_ANSWER) as error:
            self.log.warning("The pod %s can't be deleted yet: %r", self.pod_name, error)

    def plain(self, part: Any) -> Any:
        """Return the JSON of a part of a pod, as it is sent."""
        return self.api.api_client.sanitize_for_serialization(part)

    def _pods_of(self, decisions: Collection[str]) -> Iterator[dict[str, Any]]:
        return (pod for pod in self.pod_reflector.pods.values() if _decision(pod) in decisions)

    async def _delete(self, namespace: str, name: str) -> None:
        grace = self.delete_grace_period
        try:
            async with asyncio.timeout(self.k8s_api_request_timeout):
                await self.api.delete_namespaced_pod(name, namespace, grace_period_seconds=grace)
        except ApiException as error:
            if error.status != 404:
                raise

    async def _start_reflector(
        self, kind: str, reflector_class: Any, replace: bool = False, **settings: Any
    ) -> Any:
        """Start a watch, or return the one that runs.

        KubeSpawner keeps a watch for ever that failed or was cancelled at its beginning, or
        that gave up after an outage: no pod would be seen again, or whoever waits for its
        beginning would wait for ever.
        """
        key = self._get_reflector_key(kind)
        known = self.reflectors.get(key)
        has_ended = known is not None and known.watch_task is not None and known.watch_task.done()
        try:
            return await super()._start_reflector(
                kind, reflector_class, replace=replace or has_ended, **settings
            )
        except BaseException:
            self._forget_reflector(key)
            raise

    def _forget_reflector(self, key: tuple[str, str | None]) -> None:
        reflector = self.reflectors.get(key)
        if reflector is None or reflector.watch_task is not None:
            return  # It runs, and only who waited for it was cancelled.
        del self.reflectors[key]
        begun = reflector.first_load_future
        if not begun.done():
            begun.set_exception(ConnectionError("the watch was not started"))
            begun.exception()  # Nobody has to be waiting for it.


def _decision(pod: dict[str, Any]) -> str | None:
    labels: dict[str, str] = pod["metadata"].get("labels") or {}
    return labels.get(DECISION_LABEL)
