"""The way back from a model version or a run."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.utils import ensure_async
from tornado.web import authenticated

from baton_contract.errors import BadRequestError, ConflictError, NotFoundError
from baton_lab.handlers.base import BatonHandler

if TYPE_CHECKING:
    from baton_client.tracing.source import TraceSource
    from baton_contract.types import Trace, TraceStep

FOLDER = "snapshots"
"""Where a home keeps the notebooks that a person took out of runs."""


class TraceHandler(BatonHandler):
    """What both handlers share: MLflow, asked from a thread, as this server's person."""

    # Imports stand in the methods, because this module is imported at every server start.

    def source(self) -> TraceSource:
        """Return MLflow with this server's token."""
        from baton_client.tracing.source import TraceSource

        return TraceSource(self.platform.tracking.url, self.platform.token.current())


class TraceBack(TraceHandler):
    """GET baton/trace?model=NAME&version=V or ?run=ID: the contract's trace.v1 (200).

    400 ``bad_target``; 404 for what is not there or not yours to see; 503 without MLflow.
    """

    @authenticated
    @authorized
    async def get(self) -> None:
        """Ask in a thread: files are fetched whole and digested."""
        asked = [self.get_query_argument(name, "") for name in ("model", "version", "run")]
        self.answer(await asyncio.to_thread(self._trace, *asked))

    def _trace(self, model: str, version: str, run: str) -> Any:
        from baton_client.tracing.steps import trace_back
        from baton_client.tracing.target import parse_run, parse_version

        if not run and not (model and version):
            raise BadRequestError("bad_target", "Say model and version, or run with a run's id.")
        target = parse_run(run) if run else parse_version(model, version)
        with self.source() as source:
            return trace_back(source, target)


class Snapshot(TraceHandler):
    """POST baton/trace/notebook ``{"run"}``: put a run's notebook as it was into the home (201).

    It is verified first. 404 ``no_snapshot``, 409 ``notebook_differs``. One that was taken
    out before stays as it is.
    """

    @authenticated
    @authorized
    async def post(self) -> None:
        """Fetch, verify and save; answer the path."""
        run = self.fields(run=None)["run"]
        with tempfile.TemporaryDirectory(prefix="baton-") as folder:
            kept = Path(folder) / "notebook.ipynb"
            step = await asyncio.to_thread(self._fetch, run, kept)
            path = await self._save(step, kept)
        self.answer({"path": path}, 201)

    def _fetch(self, run: str, to: Path) -> TraceStep:
        from baton_client.tracing.steps import trace_back
        from baton_client.tracing.target import parse_run

        def keep(kind: str) -> Path | None:
            return to if kind == "notebook" else None

        with self.source() as source:
            return _check(trace_back(source, parse_run(run), keep=keep))

    async def _save(self, step: TraceStep, kept: Path) -> str:
        manager: Any = self.contents_manager
        path = f"{FOLDER}/{_name(step)}"
        if not await ensure_async(manager.file_exists(path)):
            if not await ensure_async(manager.dir_exists(FOLDER)):
                await ensure_async(manager.save({"type": "directory"}, FOLDER))
            text = await asyncio.to_thread(kept.read_text, "utf-8")
            await ensure_async(
                manager.save({"type": "file", "format": "text", "content": text}, path)
            )
        return path


def _check(trace: Trace) -> TraceStep:
    step = next((each for each in trace["steps"] if each["kind"] == "notebook"), None)
    if step is None or step["state"] == "missing":
        why = step["note"] if step else "The run was not started in a notebook."
        raise NotFoundError("no_snapshot", f"There is no notebook to open. {why}")
    if step["state"] != "verified":
        raise ConflictError("notebook_differs", f"The notebook was not opened. {step['note']}")
    return step


def _name(step: TraceStep) -> str:
    """Return a file's name: the notebook's own where it is one, and which content it has."""
    stem = PurePosixPath(step["value"] or "").stem.lstrip(".")
    plain = "".join(c for c in stem if c.isprintable() and c not in '\\/:*?"<>|')[:80].strip()
    return f"{plain or 'notebook'}-{str(step['digest'])[:8]}.ipynb"


ROUTES: list[tuple[str, type[BatonHandler]]] = [
    (r"baton/trace", TraceBack),
    (r"baton/trace/notebook", Snapshot),
]
