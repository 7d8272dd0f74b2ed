"""Sends what one run, experiment or model has waiting, in its order, each entry once."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from baton_lab.offline import batches
from baton_lab.offline.batches import Item, Step
from baton_lab.offline.entries import Artifact, Entry, File
from baton_lab.offline.journal import Journal
from baton_lab.offline.lanes import Lane, load_entries
from baton_lab.offline.local import ID, is_local
from baton_lab.offline.making import BEGINNINGS, Maker
from baton_lab.offline.mlflow_api import API, MlflowApi, RefusedError, SilentError
from baton_lab.offline.refusals import refuse

Json = dict[str, Any]


class BlockedError(Exception):
    """This has to wait for something else that waits."""


class Delivery:
    """Sends one lane of a journal. MLflow gets what is sent twice once: all of it is
    idempotent, and what makes something is looked for first.

    ``waits``: whether something made on this machine is still to be sent. ``gives_up``:
    whether MLflow failed at this place so often that it is set aside.
    """

    def __init__(
        self,
        journal: Journal,
        api: MlflowApi,
        lane: Lane,
        *,
        waits: Callable[[str], bool],
        gives_up: Callable[[Lane, int], bool],
    ) -> None:
        self._journal = journal
        self._api = api
        self._lane = lane
        self._waits = waits
        self._gives_up = gives_up
        self.sent = self.refused = 0
        """Entries and items, so far."""

    async def run(self) -> bool:
        """Send until nothing is left, and return True; False where something has to come first.

        Raises `SilentError` when MLflow takes nothing. What was sent until then stays sent.
        """
        start = self._lane.position()
        steps = batches.steps(load_entries(self._lane.path, start), start)
        try:
            # In a thread: the file may be large, and the Jupyter server has others to serve.
            while (step := await asyncio.to_thread(next, steps, None)) is not None:
                await self._send(step)
                self._lane.advance(step.end)
        except BlockedError:
            return False
        if self._lane.finish():
            return True
        return await self.run()  # Somebody wrote meanwhile.

    async def _send(self, step: Step) -> None:
        if step.entry is not None:
            await self._or_refuse([step.entry], step.end, lambda: self._send_entry(step.entry))
        elif step.items:
            await self._send_items(step.items, step.end)

    async def _or_refuse(self, entries: list[Any], end: int, send: Callable[[], Any]) -> None:
        """Send; set aside what MLflow will never take, and all that hangs on it."""
        try:
            await send()
        except SilentError as error:
            if not error.is_failure or not self._gives_up(self._lane, end):
                raise
            self._set_aside(entries, error.text)
        except RefusedError as error:
            if entries[0].get("kind") in BEGINNINGS:
                self._give_up_lane(error.text)
            elif reason := await self._reason_to_give_up():
                self._give_up_lane(reason)
            else:
                self._set_aside(entries, error.text)
        else:
            self.sent += len(entries)

    async def _send_items(self, items: list[Item], end: int) -> None:
        """Send a batch; where it is refused, find the part that is at fault."""
        text = self._settled(json.dumps(batches.body(self._owner(), items)))
        try:
            await self._api.post("runs/log-batch", json.loads(text))
        except (RefusedError, SilentError) as error:
            fails = isinstance(error, SilentError)
            if isinstance(error, SilentError) and not (
                error.is_failure and self._gives_up(self._lane, end)
            ):
                raise
            if not fails and (reason := await self._reason_to_give_up()):
                self._give_up_lane(reason)
            elif len(items) == 1:
                self._set_aside([_entry_of(items[0])], str(error))
            else:
                half = len(items) // 2
                await self._send_items(items[:half], end)
                await self._send_items(items[half:], end)
        else:
            self.sent += len(items)

    async def _send_entry(self, entry: Any) -> None:
        kind = entry["kind"]
        if kind in BEGINNINGS:
            maker = Maker(self._api, self._lane.owner, self._settled)
            made = await maker.make(entry)
            await asyncio.to_thread(self._journal.note_made, self._lane.owner, made)
        elif kind == "artifact":
            await self._upload(entry)
        elif kind == "file":
            await self._upload_once(entry)
        else:
            self._owner()
            body = json.loads(self._settled(json.dumps(entry["body"])))
            await self._api.call(entry["method"], self._settled(entry["path"]), body)

    def _owner(self) -> str:
        """Return MLflow's id of what this lane belongs to."""
        return self._settled(self._lane.owner)

    def _settled(self, text: str) -> str:
        """Return a text with MLflow's ids; raise `BlockedError` while one is to be had later."""
        text = self._journal.settle(text)
        for name in set(ID.findall(text)):
            is_itself = name == self._lane.owner and self._lane.is_calls
            if not is_itself and self._waits(name):
                raise BlockedError
        return text

    async def _upload(self, entry: Artifact) -> None:
        content = await self._content(entry["sha256"])
        uri = f"{await self._artifacts()}/{entry['path']}"
        if entry["path"].rpartition("/")[2] != "MLmodel":
            await self._api.upload(uri, content)
            return
        # A model's own description names the run and itself.
        text = await asyncio.to_thread(content.read_text, "utf-8", "surrogateescape")
        await self._api.upload(uri, self._settled(text).encode("utf-8", "surrogateescape"))

    async def _upload_once(self, entry: File) -> None:
        uri = self._settled(entry["uri"])
        self._owner()
        if not await self._api.has_file(uri):
            await self._api.upload(uri, await self._content(entry["sha256"]))

    async def _content(self, digest: str) -> Path:
        path = self._journal.content(digest)
        # A power cut may have left a part of it.
        if not await asyncio.to_thread(_is_whole, path, digest):
            raise RefusedError("Its content is no longer on this machine, or not all of it.")
        return path

    async def _artifacts(self) -> str:
        """Return the address of the owner's artifacts."""
        made = self._journal.made(self._lane.owner) if is_local(self._lane.owner) else None
        if made is not None:
            return made.artifacts
        owner = self._owner()
        if owner.startswith("m-"):
            model = await self._api.call("GET", f"{API}/logged-models/{owner}")
            return str(model["model"]["info"]["artifact_uri"])
        run = await self._api.get("runs/get", run_id=owner)
        return str(run["run"]["info"]["artifact_uri"])

    async def _reason_to_give_up(self) -> str | None:
        """Return why nothing of this lane can be sent any more; None while some of it may."""
        owner = self._journal.settle(self._lane.owner)
        if owner.startswith("m-") or is_local(owner):
            return "What this belongs to was refused." if is_local(owner) else None
        if not self._lane.is_calls:
            return None
        try:
            run = await self._api.get("runs/get", run_id=owner)
        except RefusedError as error:
            return error.text
        if run["run"]["info"].get("lifecycle_stage") == "deleted":
            return f"The run {owner} was deleted."
        return None

    def _set_aside(self, entries: list[Any], reason: str) -> None:
        refuse(self._journal, self._lane.owner, entries, reason)
        self.refused += len(entries)

    def _give_up_lane(self, reason: str) -> None:
        """Set aside all that is left of this lane."""
        rest = load_entries(self._lane.path, self._lane.position())
        entries: list[Entry] = [e for e, _ in rest if e is not None and e["kind"] != "since"]
        self._set_aside(entries, reason)
        self._lane.advance(self._lane.path.stat().st_size)
        raise BlockedError  # The rest of this round has nothing to do here.


def _is_whole(path: Path, digest: str) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest
    return False


def _entry_of(item: Item) -> dict[str, Any]:
    kind, value = item
    if kind == "metrics":
        return {"kind": "metrics", "metrics": [value]}
    return {"kind": kind, kind: {value["key"]: value["value"]}}
