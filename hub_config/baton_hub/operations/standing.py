"""What one person should know of their server and of what is left to them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from baton_contract.timestamp import render_timestamp
from baton_hub.amount import render_amount, render_resources
from baton_hub.booking import Booking
from baton_hub.catalog import Catalog
from baton_hub.catalog.evidence import SOON
from baton_hub.idle import Idleness
from baton_hub.offer import connections_for, deprecation, obstacle
from baton_hub.quota import Bound, concerning, left, render_bound
from baton_hub.units import render_memory


def standing(
    catalog: Catalog,
    groups: frozenset[str],
    limits: Iterable[Bound],
    booking: Booking | None,
    today: date,
) -> dict[str, Any]:
    """Return as JSON how a person stands: their server, what to know of it, what is left.

    ``server`` is None when ``booking`` is. ``notices`` are sentences, each with its kind:
    ``retiring``, ``blocked``, ``evidence`` or ``gone``. ``left`` has the strictest limit of
    each resource that the person could use.
    """
    kinds = frozenset().union(*(profile.gpus for profile in catalog.offered(groups)))
    return {
        "server": None if booking is None else _server(catalog, groups, booking),
        "notices": [] if booking is None else _notices(catalog, groups, booking, today),
        "left": [_left(bound) for bound in left(concerning(limits, kinds)).values()],
    }


def idling(idleness: Idleness, lead: int, *, is_watched: bool) -> dict[str, Any] | None:
    """Return as JSON, in seconds, when a server is stopped; None when it never is."""
    if not idleness.limit:
        return None
    return {
        "limit": idleness.limit,
        "remaining": idleness.remaining,
        "warning": idleness.warning(lead),
        "is_watched": is_watched,
    }


def _server(catalog: Catalog, groups: frozenset[str], booking: Booking) -> dict[str, Any]:
    profile = catalog.profiles.get(booking.profile)
    size = profile and profile.sizes.get(booking.size)
    return {
        "id": booking.id,
        "name": booking.server,
        "profile": booking.profile,
        "title": profile.title if profile else booking.profile,
        "size": booking.size,
        "size_title": (size and size.title) or booking.size,
        "resources": render_resources(booking.amount),
        "started": booking.started and render_timestamp(booking.started),
        # Which of them are attached the server itself knows; here is what they are called.
        "connections": {
            name: catalog.connections[name].title
            for name in (connections_for(catalog, groups, profile) if profile else ())
        },
    }


def _notices(
    catalog: Catalog, groups: frozenset[str], booking: Booking, today: date
) -> list[dict[str, str]]:
    profile = catalog.profiles.get(booking.profile)
    if profile is None:
        text = "This profile is no longer in the catalogue. The server runs on until it stops."
        return [{"kind": "gone", "text": text}]
    against = obstacle(catalog, profile, today, groups)
    if against:
        text = f"{against} This server runs on until it stops."
        return [{"kind": "blocked", "text": text}]
    retiring = deprecation(catalog, profile, today)
    notices = [{"kind": "retiring", "text": retiring}] if retiring else []
    finding = catalog.finding(profile.name)
    expires = finding.expires
    if expires is not None and expires - today <= SOON:
        text = (
            f"The {finding.expires_because} of this profile's image runs out on {expires}. After"
            f" that day it can't be started until {profile.owner} renews it."
        )
        notices.append({"kind": "evidence", "text": text})
    return notices


def _left(bound: Bound) -> dict[str, Any]:
    return {
        "resource": bound.resource,
        "scope": bound.scope,
        "name": bound.name,
        "period": bound.period,
        "limit": bound.limit,
        "left": bound.left,
        "text": _words(bound),
        "detail": f"{render_bound(bound)[:1].upper()}{render_bound(bound)[1:]}.",
    }


def _words(bound: Bound) -> str:
    """Return what is left of a limit: ``1 of 4 CPUs``, ``12.5 of 40 CPU hours this month``."""
    if bound.period:
        kind = "CPU" if bound.resource == "cpu_hours" else "GPU"
        return f"{bound.left:.4g} of {bound.limit:g} {kind} hours this {bound.period}"
    is_memory = bound.resource == "memory"
    amount = render_memory(int(bound.left)) if is_memory else f"{bound.left:g}"
    return f"{amount} of {render_amount(bound.resource, bound.limit)}"
