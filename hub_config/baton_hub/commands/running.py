"""``baton catalog running``: servers that the catalogue would not start any more."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import click

from baton_contract import ForbiddenError
from baton_contract.timestamp import render_timestamp
from baton_hub.audit.replay import Served, read_events, served
from baton_hub.booking import Booking
from baton_hub.catalog import Catalog
from baton_hub.commands.inputs import audit_option, find_audit, load_profiles, profiles_option
from baton_hub.commands.table import render_table
from baton_hub.offer import check_startable, deprecation
from baton_hub.units import render_duration

STATES = {"profile_blocked": "blocked", "evidence_expired": "expired"}


@dataclass(frozen=True)
class Running:
    """A server that runs, beside what the catalogue says of its profile today."""

    booking: Booking
    since: datetime
    state: str
    """``active``, ``deprecated``, ``blocked``, ``expired``, or ``gone`` from the catalogue."""
    why: str
    is_approved: bool
    """Whether its image is the one that the profile names now."""

    @property
    def needs_a_look(self) -> bool:
        """Tell whether it would not be started like this any more, or not for long."""
        return self.state != "active" or not self.is_approved


@click.command("running")
@profiles_option
@audit_option
@click.option("--all", "is_all", is_flag=True, help="Every server that runs.")
@click.option("--json", "is_json", is_flag=True, help="As a JSON list.")
def command(profiles: Path | None, audit: Path | None, is_all: bool, is_json: bool) -> None:
    """Show the running servers whose profile or image is not offered like this any more.

    Their profile is deprecated, blocked, its approval or scan ran out, or it is gone from the
    catalogue; or another image is approved in it now. What runs is read from the audit.
    """
    now = datetime.now(UTC)
    catalog = load_profiles(profiles)
    every = running(catalog, served(read_events(find_audit(audit))), now.date())
    listed = [one for one in every if is_all or one.needs_a_look]
    if is_json:
        click.echo(json.dumps([_facts(one) for one in listed], indent=2))
        return
    if listed:
        click.echo(_table(listed, now))
    click.echo(_summary(len(every), sum(one.needs_a_look for one in every)), err=bool(listed))


def running(catalog: Catalog, ran: Iterable[Served], today: date) -> list[Running]:
    """Return every server that still runs, the longest first, beside what holds today."""
    return [_compared(catalog, one.booking, one.started, today) for one in ran if one.ended is None]


def _compared(catalog: Catalog, booking: Booking, since: datetime, today: date) -> Running:
    profile = catalog.profiles.get(booking.profile)
    if profile is None:
        return Running(booking, since, "gone", "The profile is not in the catalogue.", False)
    is_approved = profile.image.digest == booking.digest
    state, why = "active", deprecation(catalog, profile, today)
    if why:
        state = "deprecated"
    try:
        check_startable(catalog, profile, today)
    except ForbiddenError as error:
        state, why = STATES.get(error.code, error.code), error.message
    return Running(booking, since, state, why, is_approved)


def _table(listed: Iterable[Running], now: datetime) -> str:
    heads = ["user", "server", "profile", "size", "running for", "profile is", "image is"]
    return render_table(heads, [_cells(one, now) for one in listed])


def _cells(one: Running, now: datetime) -> list[str]:
    booking, age = one.booking, render_duration((now - one.since).total_seconds())
    digest = booking.digest.removeprefix("sha256:")[:12]
    image = f"{digest}, {'approved' if one.is_approved else 'not the approved one'}"
    server = booking.server or "(default)"
    return [booking.user, server, booking.profile, booking.size, age, one.state, image]


def _summary(count: int, flagged: int) -> str:
    if not count:
        return "No server runs."
    servers = "1 server runs" if count == 1 else f"{count} servers run"
    if not flagged:
        return f"{servers}, and the catalogue offers all of it as it runs."
    return f"{servers}; {flagged} would not be started like this any more, or not for long."


def _facts(one: Running) -> dict[str, object]:
    booking = one.booking
    return {
        "user": booking.user,
        "server": booking.server,
        "groups": sorted(booking.groups),
        "profile": booking.profile,
        "size": booking.size,
        "since": render_timestamp(one.since),
        "image": booking.image,
        "digest": booking.digest,
        "digest_is_approved": one.is_approved,
        "state": one.state,
        "why": one.why,
    }
