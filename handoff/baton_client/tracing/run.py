"""From a run back to its cell, notebook, commit, image, packages and datasets."""

from __future__ import annotations

import re
from typing import Any

from baton_client.tracing import tags as tag
from baton_client.tracing.files import Files, step
from baton_client.tracing.tags import datasets_of, tags_of, without_credentials
from baton_contract.types import TraceStep

Json = dict[str, Any]
GIT_ID = re.compile(r"[0-9a-f]{7,64}")
IMAGE_ID = re.compile(r"sha256:[0-9a-f]{64}")


def steps_of(run: Json, files: Files) -> list[TraceStep]:
    """Return the steps that lie behind a run, as MLflow's ``runs/get`` answers it."""
    tags = tags_of(run)
    uri = str(run.get("info", {}).get("artifact_uri", ""))
    return [
        *_code(tags, uri, files),
        *_git(tags, files),
        _image(tags),
        _packages(tags, files),
        *_datasets(run),
    ]


def _code(tags: dict[str, str], artifact_uri: str, files: Files) -> list[TraceStep]:
    """Return cell and notebook, the script that the run was started by, or both."""
    script = [_script(tags, files)] if tags.get("baton.script.path") else []
    if script and not _notebook_path(tags):
        return script
    return [_cell(tags), _notebook(tags, artifact_uri, files), *script]


def _cell(tags: dict[str, str]) -> TraceStep:
    cell, count = tags.get(tag.CELL), tags.get(tag.COUNT)
    if not cell:
        return step("cell", "missing", note="No cell was recorded.")
    note = f"Its execution count was {count}." if count else ""
    return step("cell", "recorded", cell, note=note)


def _notebook_path(tags: dict[str, str]) -> str | None:
    path = tags.get(tag.PATH) or tags.get("mlflow.source.name", "")
    return path if path.endswith(".ipynb") else None


def _notebook(tags: dict[str, str], artifact_uri: str, files: Files) -> TraceStep:
    path = _notebook_path(tags)
    if snapshot := tags.get(tag.SNAPSHOT):
        note = _ORDER.get(tags.get(tag.IN_ORDER, "").lower(), "")
        digest = tags.get(tag.SHA256, "")
        return files.check("notebook", path, uri=snapshot, digest=digest, note=note)
    if logged := tags.get(tag.LOGGED):
        digest = tags.get(tag.LOGGED_SHA256) or tags.get(tag.SHA256, "")
        note = "Logged by hand after the run began."
        uri = f"{artifact_uri}/{logged}"
        return files.check("notebook", path, uri=uri, digest=digest, note=note)
    if path:
        note = "Only the path was recorded; no snapshot of the notebook was kept."
        return step("notebook", "missing", path, digest=tags.get(tag.SHA256), note=note)
    return step("notebook", "missing", note="The run was not started in a notebook.")


_ORDER = {
    "true": "Its cells had run in order.",
    "false": "Its cells had not run in order.",
}


def _script(tags: dict[str, str], files: Files) -> TraceStep:
    path, snapshot = tags["baton.script.path"], tags.get("baton.script.snapshot")
    digest = tags.get("baton.script.sha256", "")
    if snapshot:
        return files.check("script", path, uri=snapshot, digest=digest)
    note = "Only the path was recorded; no snapshot of the script was kept."
    return step("script", "missing", path, digest=digest, note=note)


def _git(tags: dict[str, str], files: Files) -> list[TraceStep]:
    commit = tags.get(tag.COMMIT)
    if not commit:
        return [step("commit", "missing", note="No git commit was recorded.")]
    remote, branch = without_credentials(tags.get(tag.REMOTE, "")), tags.get(tag.BRANCH)
    is_dirty = tags.get(tag.DIRTY, "").lower()
    if GIT_ID.fullmatch(commit):
        note = _DIRTY.get(is_dirty, "")
        found = step("commit", "recorded", branch, digest=commit, uri=remote, note=note)
    else:
        note = "What was recorded is no commit's id."
        found = step("commit", "differs", branch, digest=commit, uri=remote, note=note)
    return [found, *_diff(tags, files, is_dirty=is_dirty == "true")]


_DIRTY = {"true": "Files differed from it.", "false": "No tracked file differed from it."}


def _diff(tags: dict[str, str], files: Files, *, is_dirty: bool) -> list[TraceStep]:
    uri = tags.get(tag.DIFF)
    if uri:
        return [files.check("diff", None, uri=uri, digest=tags.get(f"{tag.DIFF}.sha256", ""))]
    note = "Files differed from the commit, and what differed was not kept."
    return [step("diff", "missing", note=note)] if is_dirty else []


def _image(tags: dict[str, str]) -> TraceStep:
    image, digest = tags.get(tag.IMAGE), tags.get(tag.IMAGE_DIGEST)
    where = [f"{name} {tags[key]}" for key, name in _SERVER.items() if tags.get(key)]
    note = f"Server: {', '.join(where)}." if where else ""
    if not image and not digest:
        return step("image", "missing", note=" ".join(filter(None, (_NO_IMAGE, note))))
    if digest and not IMAGE_ID.fullmatch(digest):
        note = "What was recorded is no image's digest."
        return step("image", "differs", image, digest=digest, note=note)
    if not digest:
        note = " ".join(filter(None, ("Its digest was not recorded.", note)))
    return step("image", "recorded", image, digest=digest, note=note)


_SERVER = {"baton.profile": "profile", "baton.size": "size"}
_NO_IMAGE = "No image was recorded."


def _packages(tags: dict[str, str], files: Files) -> TraceStep:
    uri, digest = tags.get(tag.PACKAGES), tags.get(f"{tag.PACKAGES}.sha256", "")
    if uri:
        return files.check("packages", None, uri=uri, digest=digest)
    return step("packages", "missing", note="The installed packages were not recorded.")


def _datasets(run: Json) -> list[TraceStep]:
    note = "MLflow knows of no dataset; log one with mlflow.log_input."
    return [
        step("dataset", "recorded", each["name"], digest=each["digest"], uri=each["source"])
        for each in datasets_of(run)
    ] or [step("dataset", "missing", note=note)]
