"""Where a run comes from: tags that MLflow adds to every run started in a notebook.

MLflow finds the provider by its entry point when the user's own code imports
MLflow. It reads what is in the process already: no subprocess, no request, no file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.tracking.context.abstract_context import RunContextProvider

_FROM_ENVIRONMENT = {
    "baton.profile": "BATON_PROFILE",
    "baton.size": "BATON_SIZE",
    "baton.image": "BATON_IMAGE",
    "baton.image_digest": "BATON_IMAGE_DIGEST",
}


class NotebookContext(RunContextProvider):  # type: ignore[misc]
    """Tags each run with its notebook, cell, profile, size and image.

    A tag whose value is not known is left out. Never raises, because a run is worth
    more than its tags.
    """

    def in_context(self) -> bool:
        """Return whether there is anything to say of this process."""
        return bool(self.tags())

    def tags(self) -> dict[str, str]:
        """Return the tags; empty outside the platform and outside notebooks."""
        found = {tag: os.environ.get(name, "") for tag, name in _FROM_ENVIRONMENT.items()}
        found["baton.notebook.path"] = notebook_path(os.environ) or ""
        found["baton.cell"] = running_cell() or ""
        return {tag: value for tag, value in found.items() if value}


def notebook_path(environ: Mapping[str, str]) -> str | None:
    """Return the notebook's path relative to the home, or None outside a notebook.

    A notebook elsewhere keeps its absolute path. Jupyter sets the variable when the
    kernel starts: after a rename it is the old name.
    """
    name = environ.get("JPY_SESSION_NAME", "")
    if not name:
        return None
    path = Path(name)
    try:
        return path.relative_to(Path.home()).as_posix()
    except (ValueError, RuntimeError):
        return path.as_posix()


def running_cell() -> str | None:
    """Return the id of the cell that runs now, or None where there is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    # Clients name the cell in the request's metadata; the format promises neither.
    parent: Any = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else {}
    metadata = parent.get("metadata") if isinstance(parent, Mapping) else None
    cell = metadata.get("cellId") if isinstance(metadata, Mapping) else None
    return cell if isinstance(cell, str) else None
