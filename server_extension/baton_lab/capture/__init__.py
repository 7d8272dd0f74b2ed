"""What a run carries of where it came from: notebook, cell, commit, packages, image.

Runs in the kernel, and in a small process beside it. Nothing is imported here for
convenience: MLflow's plugin loads `context` alone.
"""

from __future__ import annotations

from contextlib import suppress


def run_started(run_id: str, experiment_id: str, artifact_uri: str) -> None:
    """Have a run's origin captured, in a process of its own. Returns at once, never raises."""
    with suppress(Exception):  # A run is worth more than what is known of it.
        from baton_lab.capture import start

        start.run_started(run_id, experiment_id, artifact_uri)


def run_ended(run_id: str) -> None:
    """Do nothing: what a run comes from is settled when it starts."""
    del run_id
