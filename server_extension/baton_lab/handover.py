"""Handing a model version over: long work in the background, told step by step."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from baton_contract.errors import ConflictError, NotFoundError, PublicError
from baton_contract.types import Handoff, Packet
from baton_lab.packet import Limits, Request, gather, uploads

if TYPE_CHECKING:
    from baton_lab.origin import ReadFile
    from baton_lab.platform import Platform

log = logging.getLogger("baton_lab.handover")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One handover as it stands; each step makes a new one."""

    id: str
    request: Request
    state: Literal["running", "done", "failed"] = "running"
    step: str = "Starting."
    progress: float | None = None
    handoff: str | None = None
    error: dict[str, str] | None = None

    def render(self) -> dict[str, Any]:
        """Return the job as ``GET baton/jobs`` lists it."""
        return {
            "id": self.id,
            "state": self.state,
            "step": self.step,
            "progress": self.progress,
            "model": self.request.model,
            "version": self.request.version,
            "team": self.request.team,
            "handoff": self.handoff,
            "error": self.error,
        }


class Handovers:
    """The handovers of this server: started, told of, kept until they are dismissed.

    Handing the same version to the same team while that is going on gives the job
    that is. A failed one loses nothing: the desk keeps the draft and the files that
    arrived, and the next try of the same packet goes on from there.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, request: Request, read_file: ReadFile) -> Job:
        """Begin to hand over in the background and return at once."""
        for job in self._jobs.values():
            if job.state == "running" and _same(job.request, request):
                return job
        job = Job(id=uuid4().hex, request=request)
        self._put(job)
        task = asyncio.create_task(self._run(job, read_file), name=f"baton-handover-{job.id}")
        self._tasks[job.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.id, None))
        return job

    def jobs(self) -> list[Job]:
        """Return every job that was not dismissed, newest first."""
        return list(reversed(self._jobs.values()))

    def dismiss(self, job_id: str) -> None:
        """Forget an ended job; `ConflictError` while it runs."""
        job = self._jobs.get(job_id)
        if job is None:
            raise NotFoundError("not_found", "This handover was dismissed already.")
        if job.state == "running":
            raise ConflictError("still_running", "This handover is still going on. Let it end.")
        del self._jobs[job_id]

    async def close(self) -> None:
        """Stop what is running; drafts stay on the desk."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _put(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._platform.push.job(job.render())

    def _tell(self, job_id: str, step: str, progress: float | None) -> None:
        self._put(replace(self._jobs[job_id], step=step, progress=progress))

    async def _run(self, job: Job, read_file: ReadFile) -> None:
        try:
            handoff = await self._hand_over(job, read_file)
        except PublicError as error:
            self._fail(job, error.code, error.message)
        # Top of the background task: whatever happened must reach the person, and the log.
        except Exception:
            log.exception("The handover %s failed", job.id)
            self._fail(
                job,
                "internal",
                "Something went wrong here. Nothing was offered. Try again; if it happens again, "
                f"tell operations the id {job.id}.",
            )
        else:
            done = replace(self._jobs[job.id], state="done", handoff=handoff["id"], progress=1.0)
            self._put(replace(done, step=f"The desk has it and checks it for {job.request.team}."))

    def _fail(self, job: Job, code: str, message: str) -> None:
        now = self._jobs[job.id]
        error = {"code": code, "message": message}
        self._put(replace(now, state="failed", step=message, progress=None, error=error))

    async def _hand_over(self, job: Job, read_file: ReadFile) -> Handoff:
        platform, settings = self._platform, self._platform.settings
        limits = Limits(max_bytes=settings.max_packet_bytes, replay_timeout=settings.replay_timeout)
        await self._check_team(job.request.team)
        request = replace(job.request, supersedes=await self._superseded(job.request))
        with tempfile.TemporaryDirectory(prefix="baton-handover-") as name:
            folder = Path(name)
            packet = await gather(
                platform.tracking,
                request,
                folder,
                read_file=read_file,
                limits=limits,
                told=lambda step, progress: self._tell(job.id, step, progress),
            )
            return await self._send(job.id, packet, folder)

    async def _send(self, job_id: str, packet: Packet, folder: Path) -> Handoff:
        desk = self._platform.desk
        self._tell(job_id, "Bringing the packet to the desk.", 0.75)
        draft = await desk.create(packet)
        self._put(replace(self._jobs[job_id], handoff=draft["id"]))
        places = uploads(packet, folder)
        missing = draft["missing_files"]
        for number, sha256 in enumerate(missing):
            path, size = places[sha256]
            self._tell(
                job_id, f"Bringing {path.name} to the desk.", 0.8 + 0.2 * number / len(missing)
            )
            await desk.upload(draft["id"], path, sha256=sha256, size=size)
        return await desk.transition(draft["id"], "submit")

    async def _check_team(self, team: str) -> None:
        """Raise for a team that does not exist, before the long work."""
        teams = [entry["name"] for entry in await self._platform.desk.teams()]
        if team not in teams:
            raise NotFoundError(
                "unknown_team",
                f"There is no team called {team!r}. Teams: {', '.join(teams) or 'none yet'}.",
            )

    async def _superseded(self, request: Request) -> str | None:
        """Return the packet that this one replaces: my newest open offer of it to the team."""
        found: list[Handoff] = []
        for state in ("offered", "changes_requested"):
            page = await self._platform.desk.handoffs(box="sent", state=state)
            found += [
                handoff
                for handoff in page["items"]
                if handoff["model"]["name"] == request.model and handoff["team"] == request.team
            ]
        newest = max(found, key=lambda handoff: handoff["created_at"], default=None)
        return newest["packet_digest"] if newest else None


def _same(first: Request, second: Request) -> bool:
    return (first.model, first.version, first.team) == (
        second.model,
        second.version,
        second.team,
    )
