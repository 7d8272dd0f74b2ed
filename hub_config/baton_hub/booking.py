"""One server that runs or starts, and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baton_contract.timestamp import render_timestamp
from baton_hub.amount import NO_GPUS, Amount

Key = tuple[str, str]
"""Whose server: the person's name, and the server's (empty for the default one)."""


@dataclass(frozen=True)
class Booking:
    """One server that runs or starts, as it was decided."""

    id: str
    """The decision's; stands in the audit and in the server's environment."""
    user: str
    server: str
    groups: frozenset[str]
    """Its owner's when it was decided."""
    profile: str
    size: str
    image: str
    digest: str
    revision: str
    amount: Amount
    since: datetime
    """When it was decided; its hours count from ``started``."""
    started: datetime | None = None
    """When it ran; None while it starts."""
    idle_limit: int = 0
    """Seconds without activity after which it is stopped; 0 for never."""

    @property
    def key(self) -> Key:
        """Whose server it is."""
        return self.user, self.server

    def facts(self) -> dict[str, Any]:
        """Return it as JSON: for the audit and for what the Hub keeps of a server."""
        return {
            "id": self.id,
            "user": self.user,
            "server": self.server,
            "groups": sorted(self.groups),
            "profile": self.profile,
            "size": self.size,
            "image": self.image,
            "digest": self.digest,
            "revision": self.revision,
            "cpu": self.amount.cpu,
            "memory": self.amount.memory,
            "gpus": dict(self.amount.gpus),
        }

    def state(self) -> dict[str, Any]:
        """Return what `load_booking` makes it from again."""
        return {
            **self.facts(),
            "since": render_timestamp(self.since),
            "started": self.started and render_timestamp(self.started),
            "idle_limit": self.idle_limit,
        }


def load_booking(state: Mapping[str, Any]) -> Booking:
    """Return the booking that `Booking.state` wrote down."""
    started = state.get("started")
    return Booking(
        id=state["id"],
        user=state["user"],
        server=state["server"],
        groups=frozenset(state["groups"]),
        profile=state["profile"],
        size=state["size"],
        image=state.get("image", ""),
        digest=state["digest"],
        revision=state["revision"],
        amount=Amount(1, state["cpu"], state["memory"], state.get("gpus") or NO_GPUS),
        since=datetime.fromisoformat(state["since"]),
        started=datetime.fromisoformat(started) if started else None,
        idle_limit=state.get("idle_limit", 0),
    )
