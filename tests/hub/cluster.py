"""A small cluster to test with: Kubernetes' API over HTTP, and a kubelet that plays a script."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Self

import attrs
import kmock
from aiohttp.web import StreamResponse

PODS = kmock.resource("v1/pods")
NAMESPACE = "hub"
SCHEDULED = {"type": "PodScheduled", "status": "True"}
UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient cpu.",
}
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "URL"}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
users: [{name: test, user: {}}]
current-context: test
"""
Json = dict[str, Any]


def waiting(reason: str, message: str = "", **more: Any) -> Json:
    """Return the status of a pod whose server's container waits."""
    return with_state({"waiting": {"reason": reason, "message": message}}, **more)


def ended(reason: str, code: int) -> Json:
    """Return the status of a pod whose server's container ended, and is started again."""
    terminated = {"terminated": {"reason": reason, "exitCode": code}}
    return with_state({"waiting": {"reason": "CrashLoopBackOff"}}, lastState=terminated)


def running() -> Json:
    """Return the status of a pod that is up; the cluster answers for its server too."""
    status = with_state({"running": {}}, ready=True)
    return {**status, "phase": "Running", "podIP": "127.0.0.1"}


def with_state(state: Json, **more: Any) -> Json:
    """Return the status of a pod whose server's container is in a state."""
    needed = {"image": "", "imageID": "", "restartCount": 0, "ready": False}
    container = {"name": "notebook", **needed, "state": state, **more}
    return {"phase": "Pending", "conditions": [SCHEDULED], "containerStatuses": [container]}


@attrs.define(kw_only=True)
class Api(kmock.KubernetesEmulator):
    """The API: as kmock has it, and with what KubeSpawner reads beyond that."""

    script: Sequence[Json] = ()
    """Statuses that the kubelet gives to every new pod, one after another."""
    events: Sequence[tuple[str, str]] = ()
    """Reasons and messages of the events of every new pod."""
    refusal: Exception | None = None
    """What the next creations of a pod are answered with."""
    keeps: bool = False
    """Whether to delete a pod fails."""
    answers: bool = True
    """Whether servers in pods answer."""
    created: list[Json] = attrs.field(factory=list)
    _versions: Any = attrs.field(factory=lambda: itertools.count(1))
    _tasks: set[Any] = attrs.field(factory=set)

    async def _handle(self, request: kmock.Request) -> StreamResponse:
        # Python's client writes True where kmock, like Go's client, expects true.
        if request.action == kmock.action.LIST and request.params.get("watch") == "True":
            request = attrs.evolve(request, action=kmock.action.WATCH)
        creates = request.resource == PODS and request.action == kmock.action.CREATE
        if self.keeps and request.resource == PODS and request.action == kmock.action.DELETE:
            raise kmock.KubernetesError(status=500, message="etcd does not answer")
        if creates:
            if self.refusal is not None:
                raise self.refusal
            self._stamp(request.data)
            self.created.append(request.data)
        answer = await super()._handle(request)
        if creates:
            task = asyncio.ensure_future(self._play(request.data["metadata"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return answer

    def _stamp(self, made: Json) -> None:
        number = str(next(self._versions))
        made["metadata"] |= {"uid": number, "resourceVersion": number, "namespace": NAMESPACE}
        made.setdefault("status", {"phase": "Pending"})

    async def _play(self, about: Json) -> None:
        for reason, message in self.events:
            await self._tell(about, reason, message)
        for status in self.script:
            await self.become(about["name"], status)

    def serve(self, request: kmock.Request) -> Json:
        """Answer for a server in a pod."""
        if not self.answers:
            raise kmock.KubernetesError(status=503)
        return {"version": "2"}

    async def become(self, name: str, status: Json) -> None:
        """Give a pod another status, as a kubelet does."""
        version = str(next(self._versions))
        changes = {"status": status, "metadata": {"resourceVersion": version}}
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}"
        async with self.patch(path, json=changes) as answer:
            answer.raise_for_status()

    async def _tell(self, about: Json, reason: str, message: str) -> None:
        event: Json = {
            "metadata": {"name": f"{about['name']}.{next(self._versions)}"},
            "involvedObject": {"kind": "Pod", "name": about["name"], "uid": about["uid"]},
            "reason": reason,
            "message": message,
            "type": "Warning",
            "lastTimestamp": "2026-06-01T10:00:00Z",
            "eventTime": None,
        }
        self._stamp(event)
        await self.post(f"/api/v1/namespaces/{NAMESPACE}/events", json=event)


class Cluster:
    """The API on a thread of its own, so that tests are plain functions."""

    def __init__(self, port: int | None = None) -> None:
        self.api = Api()
        self._port = port
        self._ready, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)

    async def _serve(self) -> None:
        # Objects of these kinds can be listed before the first is made.
        for kind in ("v1/pods", "v1/events"):
            self.api.resources[kind] = {"kind": kind, "namespaced": True}  # type: ignore[typeddict-item]
        self.api["get", re.compile("/user/.*")] << self.api.serve
        async with self.api, kmock.Server(self.api, port=self._port) as server:
            self.url, self.port = str(server.url).rstrip("/"), server.port
            self._loop = asyncio.get_running_loop()
            self._ready.set()
            await asyncio.to_thread(self._end.wait)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(20)

    def write_kubeconfig(self, folder: Path) -> Path:
        """Write the file by which a client finds the API."""
        path = folder / "kubeconfig"
        path.write_text(KUBECONFIG.replace("URL", self.url))
        return path

    def plays(self, *script: Json, events: Sequence[tuple[str, str]] = ()) -> None:
        """Set what happens to every pod from now on."""
        self.api.script, self.api.events, self.api.refusal = script, events, None
        self.api.answers = True

    def refuses(self, status: int, message: str, reason: str = "Forbidden") -> None:
        """Set what every creation of a pod is answered with from now on."""
        self.api.refusal = kmock.KubernetesError(status=status, reason=reason, message=message)

    def pods(self) -> list[str]:
        """Return the names of the pods that are there."""
        found = list(self.api.objects.items())
        return [name for (kind, _, name), pod in found if kind == PODS and not pod.deleted]

    def becomes(self, name: str, status: Json) -> None:
        """Give a pod another status."""
        self._run(self.api.become(name, status))

    def delete(self, name: str) -> None:
        """Take a pod away, as somebody with rights to the cluster can."""
        self._run(self._delete(f"/api/v1/namespaces/{NAMESPACE}/pods/{name}"))

    async def _delete(self, path: str) -> None:
        async with self.api.request("delete", path) as answer:
            answer.raise_for_status()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)
