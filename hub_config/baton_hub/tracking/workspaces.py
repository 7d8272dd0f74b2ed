"""MLflow's workspaces, which are not used here: who reads and writes is said by access tags."""

from __future__ import annotations

import re
from collections.abc import Iterable

from baton_contract.errors import ForbiddenError

HEADER = b"x-mlflow-workspace"
_ROUTES = re.compile(r"/(?:ajax-)?api/3\.0/mlflow/workspaces(?:/.*)?")
# MLflow's client asks here whether there are workspaces, and says by itself that there are none.
_ASKED = re.compile(r"/(?:ajax-)?api/3\.0/mlflow/server-info/?")


def refuse_workspaces(path: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raise ForbiddenError for a request to a workspace, or for the list of them.

    ``path`` is the path below the service's prefix, ``headers`` as ASGI has them.
    """
    named = any(name == HEADER and value.strip() for name, value in headers)
    if _ROUTES.fullmatch(path) or (named and not _ASKED.fullmatch(path)):
        raise ForbiddenError(
            "no_workspaces",
            "Workspaces are not used on this platform: leave the header X-MLFLOW-WORKSPACE out, "
            "or unset MLFLOW_WORKSPACE. Experiments and models have owners and may be private.",
        )
