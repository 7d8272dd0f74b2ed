"""The way back of a run or a model, as text in the notebook."""

from __future__ import annotations

import re
import sys

from baton_contract.errors import NotFoundError

RUN_ID = re.compile(r"(?:offline-)?[0-9a-f]{32}")


def render(target: str | None) -> str:
    """Return the way back of ``target``, a run's id or MODEL/VERSION; None: the last run's.

    Raises a `PublicError`.
    """
    run = last_run() if target is None else target if RUN_ID.fullmatch(target) else None
    if run is not None and not _has_page(run):
        from baton_lab.fluent.run import describe_tags

        return describe_tags(run)
    import baton_client
    from baton_client.tracing.text import render_trace

    return render_trace(baton_client.trace(None if run else target, run=run))


def last_run() -> str:
    """Return the id of the active run, else of this kernel's last one."""
    if "mlflow" in sys.modules:
        from baton_lab.fluent.run import current_id

        found = current_id()
        if found is not None:
            return found
    raise NotFoundError("no_run", "This kernel has made no run yet.")


def _has_page(run: str) -> bool:
    from baton_lab.kernel.tracking import tracking_address

    return tracking_address().startswith(("http://", "https://")) and "offline" not in run
