"""Experiments and runs, and the notebook logged to a run."""

from __future__ import annotations

import hashlib
import os
from asyncio import to_thread
from pathlib import PurePosixPath

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from baton_contract.errors import BadRequestError
from baton_lab import runs
from baton_lab.access import access_of
from baton_lab.handlers.base import BatonHandler

RUN = r"(?P<run_id>[A-Za-z0-9_-]{1,64})"


class Experiments(BatonHandler):
    """GET baton/experiments: all active ones, latest changed first (200)."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Ask MLflow."""
        found = await self.platform.tracking.experiments()
        items = [
            {
                "id": entry["experiment_id"],
                "name": entry["name"],
                "last_update_time": entry.get("last_update_time"),
                "access": access_of(entry),
            }
            for entry in found
        ]
        self.answer({"items": items})


class RunList(BatonHandler):
    """GET baton/runs?experiment=ID&cursor=: one page, latest started first (200)."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Ask MLflow for a page."""
        experiment = self.get_query_argument("experiment", "")
        if not experiment.isalnum():
            raise BadRequestError("bad_experiment", "Choose an experiment.")
        cursor = self.get_query_argument("cursor", None)
        self.answer(await runs.list_runs(self.platform.tracking, experiment, cursor))


class Run(BatonHandler):
    """GET baton/runs/ID: everything about a run (200). 404 for one that is not there."""

    @authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        """Ask MLflow for the run and its models."""
        self.answer(await runs.show_run(self.platform.tracking, run_id))


class Artifacts(BatonHandler):
    """GET baton/runs/ID/artifacts?path=: a folder of the run (200). 400 ``unsafe_path``."""

    @authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        """Ask MLflow for the folder."""
        path = self.get_query_argument("path", "")
        self.answer({"items": await runs.list_artifacts(self.platform.tracking, run_id, path)})


class Notebook(BatonHandler):
    """POST baton/runs/ID/notebook ``{"path"}``: log the saved notebook to the run (201).

    400 ``not_a_notebook``, 404 ``no_file``. Logging again replaces it. Secrets are masked.
    What was captured when the run began stays beside it.
    """

    @authenticated
    @authorized
    async def post(self, run_id: str) -> None:
        """Store the file, and tag the run with where it came from."""
        from baton_client.tracing import tags as trace_tags
        from baton_lab.capture.mask import load_mask
        from baton_lab.capture.snapshot import masked_notebook

        path = self.fields(path=None)["path"].lstrip("/")
        name = PurePosixPath(path).name
        if not name.endswith(".ipynb"):
            raise BadRequestError("not_a_notebook", f"{path} is no notebook.")
        saved = await self.read_file(path)
        text = await to_thread(lambda: masked_notebook(saved, load_mask(os.environ)))
        tracking = self.platform.tracking
        run = await tracking.run(run_id)
        artifact, sha256 = f"notebook/{name}", hashlib.sha256(text).hexdigest()
        await tracking.upload(run["info"]["artifact_uri"], artifact, text)
        tags = {trace_tags.LOGGED: artifact, trace_tags.LOGGED_SHA256: sha256}
        if trace_tags.SNAPSHOT not in runs.tags_of(run):
            tags |= {trace_tags.PATH: path, trace_tags.SHA256: sha256}
        await tracking.set_tags(run_id, tags)
        self.answer({"artifact_path": artifact, "sha256": sha256}, 201)


ROUTES: list[tuple[str, type[BatonHandler]]] = [
    (r"baton/experiments", Experiments),
    (r"baton/runs", RunList),
    (rf"baton/runs/{RUN}", Run),
    (rf"baton/runs/{RUN}/artifacts", Artifacts),
    (rf"baton/runs/{RUN}/notebook", Notebook),
]
