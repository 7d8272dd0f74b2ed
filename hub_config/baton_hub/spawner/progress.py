"""What a person sees of a pod that is coming up: the cluster's events, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baton_hub.units import render_duration

STEPS = {
    "Scheduled": "A machine of the cluster was found.",
    "SuccessfulAttachVolume": "Your files are connected.",
    "Pulling": "The image is being fetched; on a machine that never had it, this takes minutes.",
    "Pulled": "The image is there.",
    "Started": "The server is starting.",
    "TriggeredScaleUp": "The cluster is adding a machine; this takes a few minutes.",
    "FailedAttachVolume": "Still waiting for your files.",
    "FailedMount": "Still waiting for your files.",
}
"""By the event's reason. Any other event says nothing to the person who waits."""


def render_step(event: Mapping[str, Any], patience: int) -> str:
    """Return an event of a pod as a sentence; empty when it says nothing to the person.

    The event's own message is never shown: it names nodes, addresses and secrets.
    ``patience`` is for how many seconds a full cluster is waited for.
    """
    if event.get("reason") == "FailedScheduling":
        return (
            "No machine of the cluster has room at the moment."
            f" Waiting for up to {render_duration(patience)} until there is."
        )
    return STEPS.get(str(event.get("reason")), "")
