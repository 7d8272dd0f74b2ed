"""The desk as one running service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tornado.httpserver import HTTPServer
from tornado.web import Application

from baton_desk.app import make_app
from baton_desk.checks import Checker
from baton_desk.checks.place import find_isolation
from baton_desk.checks.predict import Predict
from baton_desk.desk import Desk
from baton_desk.directory import HubDirectory
from baton_desk.files import FileStore
from baton_desk.moments import Clock, system_clock
from baton_desk.notifier import Notifier
from baton_desk.notifier.address import AddressPolicy
from baton_desk.notifier.webhook import WebhookSender
from baton_desk.seal import Seal
from baton_desk.settings import Settings, SettingsError
from baton_desk.store import Store, StoreError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any, Self

    from baton_desk.directory import Directory

log = logging.getLogger(__name__)

MAX_BODY = 16 * 2**20
"""Bytes that a request may have, uploads excepted."""

_EXPIRY_ROUND = 300.0


class Service:
    """Everything that runs in the desk's process; use it as an asynchronous context.

    Entering raises `SettingsError` in one line when database, folder or port can't be
    used. Leaving stops at once; what was under way is taken up at the next start.
    """

    def __init__(
        self, settings: Settings, *, directory: Directory | None = None, clock: Clock = system_clock
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._directory = directory or HubDirectory(settings.hub_api_url, settings.hub_api_token)
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = contextlib.AsyncExitStack()
        self.desk: Desk
        self.app: Application
        self.port = settings.port

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    async def _start(self) -> None:
        files, secrets = _open_folder(self.settings)
        store = await asyncio.to_thread(_open_store, self.settings, self._clock)
        self._stack.callback(store.close)
        policy = AddressPolicy(self.settings.webhook_hosts)
        sender = WebhookSender(policy)
        self._stack.push_async_callback(sender.close)
        if isinstance(self._directory, HubDirectory):
            self._stack.push_async_callback(self._directory.close)
        self.desk = Desk(
            store=store,
            files=files,
            directory=self._directory,
            addresses=policy,
            secrets=secrets,
            max_packet_bytes=self.settings.max_packet_bytes,
        )
        self._listen()
        notifier = Notifier(
            store=store, bell=self.desk.bell, sender=sender, secrets=secrets, clock=self._clock
        )
        self._spawn(notifier.run())
        predict = await asyncio.to_thread(_predict, self.settings, store.database.folder)
        self._spawn(Checker(self.desk, predict).run())
        self._spawn(self._expire())

    def _listen(self) -> None:
        self.app = make_app(self.desk, self.settings, self._directory)
        server = HTTPServer(self.app, max_body_size=MAX_BODY, xheaders=True)
        try:
            server.listen(self.settings.port, self.settings.host)
        except OSError as error:
            where = f"{self.settings.host}:{self.settings.port}"
            raise SettingsError(f"The desk can't listen on {where}: {error.strerror}.") from error
        self._stack.push_async_callback(server.close_all_connections)
        self._stack.callback(server.stop)
        sockets = server._sockets.values()
        self.port = next(iter(sockets)).getsockname()[1]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _expire(self) -> None:
        while True:
            try:
                if await self.desk.look(self.desk.store.handoffs.expire):
                    self.desk.bell.ring()
            # The top of the loop: the next round is due whatever happened in this one.
            except Exception:
                log.exception("offers can't be expired; trying again later")
            await asyncio.sleep(_EXPIRY_ROUND)


async def serve(settings: Settings) -> None:
    """Run the desk until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Service(settings) as service:
        log.info("the desk listens on %s:%s", settings.host, service.port)
        await stop.wait()
        log.info("the desk stops")


def _open_folder(settings: Settings) -> tuple[FileStore, Seal]:
    files = FileStore(settings.files)
    try:
        files.open()
        return files, Seal.load(settings.files / "channels.key")
    except OSError as error:
        raise SettingsError(
            f"The desk can't write to its folder {settings.files}: {error.strerror}."
        ) from error
    except ValueError as error:
        path = settings.files / "channels.key"
        raise SettingsError(f"{path} is not a key of the desk; restore it.") from error


def _open_store(settings: Settings, clock: Clock) -> Store:
    try:
        return Store.open(
            settings.database, clock=clock, source=settings.source, expiry_days=settings.expiry_days
        )
    except StoreError as error:
        raise SettingsError(str(error)) from error


def _predict(settings: Settings, records: Path | None) -> Predict:
    secret = [settings.files, *([records] if records else [])]
    python = Path(settings.check_python)
    needed = [python, Path(sys.prefix), Path(sys.base_prefix), Path(tempfile.gettempdir())]
    isolation = find_isolation(secret, needed)
    log.info("checks run %s", isolation.words)
    return Predict(settings.check_python, isolation, settings.check_timeout)
