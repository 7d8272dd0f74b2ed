"""Starting the platform's processes, keeping them up, and telling what happens to them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from baton_hub.up.processes import adopt_orphans, die_with_parent, end_descendants, reap_orphans

Say = Callable[[str], None]

FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
CALM = 60.0
"""A process that ran for this many seconds is given a fresh start: the delay begins again."""


@dataclass(frozen=True)
class Part:
    """A process of the platform. It counts as up when ``health`` answers 200."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    health: str
    news: str
    """What to say when it is up for the first time."""


@dataclass
class Supervisor:
    """Keeps the parts running until it is told to stop.

    A part that ends is reported in one line, with the last one of its log where it failed,
    and started again, after a delay that doubles each time it does not last. The other parts
    are left alone.
    """

    parts: list[Part]
    say: Say
    folder: Path
    _running: dict[int, asyncio.subprocess.Process] = field(default_factory=dict)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _announced: set[str] = field(default_factory=set)

    def stop(self) -> None:
        """Have `run` end everything and return. Calling it again changes nothing."""
        if not self._stop.is_set():
            self._stop.set()
            self.say("Stopping …")

    async def run(self) -> None:
        """Run the parts until `stop`; when it returns, no process is left."""
        adopt_orphans()
        # At once: a Hub that starts again waits for what its predecessor left to be gone.
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGCHLD, lambda: reap_orphans(self._running)
        )
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            keepers = [asyncio.create_task(self._keep(part, client)) for part in self.parts]
            await self._stop.wait()
            await self._end_parts()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
        end_descendants(patience=3)
        self.say("Stopped. Nothing is running any more.")

    async def _end_parts(self, patience: float = 12) -> None:
        """Ask every part to end, and wait: the Hub stops people's servers meanwhile."""
        for process in list(self._running.values()):
            if process.returncode is None:
                process.terminate()
        ends = [asyncio.create_task(process.wait()) for process in self._running.values()]
        if ends:
            await asyncio.wait(ends, timeout=patience)

    async def _keep(self, part: Part, client: httpx.AsyncClient) -> None:
        delay = FIRST_DELAY
        while not self._stop.is_set():
            began = time.monotonic()
            code = await self._run_once(part, client)
            if self._stop.is_set():
                return
            delay = FIRST_DELAY if time.monotonic() - began > CALM else delay
            self.say(
                f"{part.name} stopped ({_ending(code)}). The rest keeps running."
                f" Starting it again in {delay:g} s. Log: {part.log}"
            )
            if code > 0:
                self.say(f"  Its last words: {_last_line(part.log)}")
            await self._pause(delay)
            delay = min(delay * 2, LONGEST_DELAY)

    async def _run_once(self, part: Part, client: httpx.AsyncClient) -> int:
        with part.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                cwd=self.folder,
                env={**os.environ, **part.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the supervisor alone; it ends the others in order.
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self._running[process.pid] = process
        watch = asyncio.create_task(self._watch(part, client))
        try:
            return await process.wait()
        finally:
            watch.cancel()
            if process.returncode is not None:
                del self._running[process.pid]

    async def _watch(self, part: Part, client: httpx.AsyncClient) -> None:
        """Say when a part is up."""
        while not await _answers(part.health, client):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.2)
        self.say(part.news if part.name not in self._announced else f"{part.name} is up again.")
        self._announced.add(part.name)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()


async def _answers(url: str, client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.HTTPError:
        return False


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(-min(4096, log.stat().st_size), os.SEEK_END)
        lines = file.read().decode("utf-8", "replace").split("\n")
    return next((line.strip()[:400] for line in reversed(lines) if line.strip()), "none")


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
