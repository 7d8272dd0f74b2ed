"""What the handlers work with: MLflow, the desk, running handovers and the push to the panel."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baton_contract.errors import UnavailableError

if TYPE_CHECKING:
    from baton_client.desk import AsyncDeskClient
    from baton_lab.events import Streams
    from baton_lab.extension import BatonExtension
    from baton_lab.handover import Handovers
    from baton_lab.hub import Hub
    from baton_lab.idle import Watch
    from baton_lab.offline.tokens import HubToken
    from baton_lab.presence import Presence
    from baton_lab.push import Push
    from baton_lab.tracking import Tracking
    from baton_lab.unsent import Unsent
    from baton_lab.use import Use


class Platform:
    """The parts of one server, each made when it is first asked for.

    ``tracking`` and ``desk`` raise `UnavailableError` (``not_configured``) on a server
    that was not started by a Baton Hub.
    """

    # Imports stand in the properties because this module is imported at every server start.

    def __init__(self, settings: BatonExtension, *, emit: Callable[..., Any], use: Use) -> None:
        self.settings = settings
        self.use = use
        self._emit = emit
        self.user = os.environ.get("JUPYTERHUB_USER") or None
        self._tasks: list[asyncio.Task[None]] = []

    @cached_property
    def push(self) -> Push:
        """What tells the panel."""
        from baton_lab.push import Push

        return Push(self._emit)

    @cached_property
    def token(self) -> HubToken:
        """The token for MLflow and the desk, as it is now."""
        from baton_lab.offline.tokens import HubToken, server_environ

        return HubToken(server_environ(self.settings.tracking_url, self.settings.token))

    @cached_property
    def tracking(self) -> Tracking:
        """MLflow, as this server's user."""
        from baton_lab.offline.mlflow_api import TokenAuth
        from baton_lab.tracking import Tracking

        url = self.settings.tracking_url
        if not url:
            raise _absent("MLflow")
        return Tracking(url, TokenAuth(self.token), timeout=self.settings.request_timeout)

    @cached_property
    def unsent(self) -> Unsent:
        """What waits to be sent to MLflow, and what sends it."""
        from baton_lab.unsent import Unsent

        if not self.settings.tracking_url:
            raise _absent("MLflow")
        return Unsent(self.settings.tracking_url, self.token, self.push.unsent)

    @cached_property
    def desk(self) -> AsyncDeskClient:
        """The desk, as this server's user."""
        import httpx

        from baton_client.desk import AsyncDeskClient

        if not self.settings.desk_url:
            raise _absent("desk")
        from baton_lab.offline.mlflow_api import TokenAuth

        timeout = httpx.Timeout(self.settings.request_timeout, connect=5)
        client = AsyncDeskClient(self.settings.desk_url, self.token.current(), timeout=timeout)
        client.http.auth = TokenAuth(self.token)
        return client

    @cached_property
    def presence(self) -> Presence:
        """Whether the two services are there."""
        from baton_lab.presence import Presence

        urls = {"mlflow": self.settings.tracking_url, "desk": self.settings.desk_url}
        return Presence(urls, changed=self._service_changed)

    def _service_changed(self, service: dict[str, Any]) -> None:
        self.push.service(service)
        if service["name"] == "mlflow" and service["state"] == "up":
            self.unsent.send()

    @cached_property
    def handovers(self) -> Handovers:
        """The handovers of this server, running and ended."""
        from baton_lab.handover import Handovers

        return Handovers(self)

    @cached_property
    def hub(self) -> Hub:
        """The Hub, as this server."""
        from baton_lab.hub import Hub

        server = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
        return Hub(self.settings.hub_url, self.settings.token, server)

    @cached_property
    def watch(self) -> Watch:
        """What warns before the Hub stops this server."""
        from baton_lab.idle import Watch

        return Watch(self.hub, self.use, lambda moment: self.push.server(stops_at=moment))

    def start(self) -> None:
        """Begin to listen to the services and to watch for idleness, in the background."""
        self.use.listen()
        self._tasks.append(asyncio.create_task(self._collect_late(), name="baton-collect"))
        if self.settings.tracking_url or self.settings.desk_url:
            self._tasks.append(asyncio.create_task(self._listen(), name="baton-listen"))
        if self.settings.hub_url:
            self._tasks.append(asyncio.create_task(self._watch(), name="baton-watch"))
            self._tasks.append(asyncio.create_task(self._renew(), name="baton-renew"))
        if self.settings.tracking_url:
            self._tasks.append(asyncio.create_task(self._send(), name="baton-send"))

    async def _send(self) -> None:
        await asyncio.to_thread(import_module, "baton_lab.unsent")
        await self.unsent.run()

    async def _renew(self) -> None:
        renewal = await asyncio.to_thread(import_module, "baton_lab.renewal")
        tokens = await asyncio.to_thread(import_module, "baton_lab.offline.tokens")
        await asyncio.to_thread(import_module, "baton_lab.hub")
        await renewal.Renewal(self.hub, tokens.token_path(self.settings.token)).run()

    async def _watch(self) -> None:
        await asyncio.to_thread(import_module, "baton_lab.hub")
        await self.watch.run()

    async def _collect_late(self) -> None:
        late = await asyncio.to_thread(import_module, "baton_lab.capture.late")
        await late.collect_late()

    async def _listen(self) -> None:
        # Imported in a thread, so that the server answers its first requests meanwhile.
        events = await asyncio.to_thread(import_module, "baton_lab.events")
        paths = await asyncio.to_thread(import_module, "jupyter_core.paths")
        streams: Streams = events.Streams(self, memory=Path(paths.jupyter_data_dir()) / "baton")
        await streams.run()

    async def stop(self) -> None:
        """End what runs in the background and close the connections."""
        made = self.__dict__
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for name in ("handovers", "presence", "tracking", "desk", "hub", "unsent"):
            if name in made:
                await made[name].close()


def _absent(what: str) -> UnavailableError:
    return UnavailableError(
        "not_configured",
        f"This server knows no {what}, because it was not started by a Baton Hub. "
        "Start it from the Hub's spawn page.",
    )
