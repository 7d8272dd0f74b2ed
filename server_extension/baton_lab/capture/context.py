"""Where a run comes from: tags that MLflow adds to every run.

MLflow finds the provider by its entry point when the user's own code imports
MLflow. It reads what is in the process already and a few small files: no
subprocess, no request.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from mlflow.tracking.context.abstract_context import RunContextProvider

from baton_lab.capture import start
from baton_lab.capture.commit import Commit, find_commit
from baton_lab.capture.place import Place, current_shell, find_place, from_home, printable

_FROM_ENVIRONMENT = {
    "baton.profile": "BATON_PROFILE",
    "baton.size": "BATON_SIZE",
    "baton.image": "BATON_IMAGE",
    "baton.image_digest": "BATON_IMAGE_DIGEST",
}
LONGEST = 1000
"""Characters of a path or name in a tag; MLflow itself takes 8000."""


class NotebookContext(RunContextProvider):  # type: ignore[misc]
    """Tags each run with its notebook or script, cell, commit, server, profile and image.

    A tag whose value is not known is left out. Never raises, because a run is worth
    more than its tags.
    """

    def __init__(self) -> None:
        # MLflow is imported at a script's top: what is read now is what runs.
        start.note_script()

    def in_context(self) -> bool:
        """Return whether there is anything to say of this process."""
        return True

    def tags(self) -> dict[str, str]:
        """Return the tags."""
        found = {tag: os.environ.get(name, "") for tag, name in _FROM_ENVIRONMENT.items()}
        found["baton.server"] = server_name()
        with suppress(Exception):  # Whatever is odd about this process, the run goes on.
            place = find_place()
            commit = _commit_below(start.folder_of(place))
            start.note(place, commit.commit if commit else None)
            found |= _tags_of_place(place) | _tags_of_commit(commit)
        return {tag: printable(value[:LONGEST]) for tag, value in found.items() if value}


def _tags_of_place(place: Place) -> dict[str, str]:
    in_notebook = place.kernel is not None
    return {
        "mlflow.source.name": _source_name(place),
        "baton.notebook.path": place.path or "",
        "baton.cell": place.cell or "",
        "baton.cell.count": str(place.count) if in_notebook and place.count else "",
        "baton.script.path": from_home(Path(place.script)) if place.script else "",
        "baton.papermill.output": from_home(Path(place.output)) if place.output else "",
        "baton.capture.problem": start.problem(place),
    }


def _source_name(place: Place) -> str:
    """Return what MLflow's own tag is to say instead, "" where it is right."""
    if place.kernel is not None and (place.script is None or current_shell() is not None):
        # Its own keeps the name that the kernel was started under.
        return Path(place.path).name if place.path else ""
    # A name that is no text would fail the run.
    name = sys.argv[0] if sys.argv else ""
    return "" if name.isprintable() else name


def _commit_below(folder: Path | None) -> Commit | None:
    return find_commit(folder) if folder is not None else None


def _tags_of_commit(found: Commit | None) -> dict[str, str]:
    if found is None:
        return {}
    return {
        "mlflow.source.git.commit": found.commit,
        # What git itself calls it where no branch is checked out.
        "mlflow.source.git.branch": found.branch or "HEAD",
        "mlflow.source.git.repoURL": found.remote or "",
    }


def server_name() -> str:
    """Return the Hub's name of this server: ``user``, or ``user/name`` for a named one."""
    user = os.environ.get("JUPYTERHUB_USER", "")
    name = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
    return f"{user}/{name}" if user and name else user
