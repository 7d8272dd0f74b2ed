"""The typed client of the desk and of the way back, and the `baton` command.

Light: no Hub, no MLflow, no Jupyter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from baton_contract.types import Trace

__all__ = ["trace"]


def trace(
    model: str | None = None,
    *,
    run: str | None = None,
    mlflow: str | None = None,
    token: str | None = None,
    token_file: Path | None = None,
) -> Trace:
    """Return the way back from ``model`` (MODEL/VERSION or MODEL@ALIAS) or ``run`` (an id).

    Every digest is checked against what MLflow holds now; see the contract's trace.v1.
    ``mlflow`` is its address and ``token`` a Hub token; both are known in a person's
    server, else BATON_MLFLOW_URL and BATON_TOKEN are read. Raises a `PublicError`.
    """
    # Imported here, because everything that uses the client imports this module.
    from baton_client.tracing.access import open_source
    from baton_client.tracing.steps import trace_back
    from baton_client.tracing.target import parse_target

    target = parse_target(model, run=run)
    with open_source(mlflow, token, token_file) as source:
        return trace_back(source, target)
