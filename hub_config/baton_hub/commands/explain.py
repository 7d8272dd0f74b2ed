"""``baton catalog explain``: what would be decided for somebody, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from baton_contract import PublicError
from baton_hub.account import Account
from baton_hub.amount import render_resources
from baton_hub.audit.replay import Event, load_account, read_events
from baton_hub.commands.inputs import (
    InputError,
    audit_option,
    audit_path,
    find_audit,
    profiles_option,
    read_profiles,
)
from baton_hub.commands.table import render_table
from baton_hub.explanation import Explanation, Verdict, explain
from baton_hub.quota import Bound, render_used


@dataclass
class Record:
    """What the audit says of now."""

    path: Path | None = None
    account: Account = field(default_factory=Account)
    last: Event | None = None
    """The person's last decision."""


@click.command("explain")
@click.argument("user")
@click.option("--group", "groups", multiple=True, help="A group of theirs; once for each.")
@click.option("--profile", help="The profile asked for; without it, all that are offered.")
@click.option("--size", help="The size asked for.")
@click.option("--option", "answers", multiple=True, metavar="NAME=VALUE", help="An answer.")
@click.option("--connection", "connections", multiple=True, help="A connection to attach.")
@profiles_option
@audit_option
@click.option("--json", "is_json", is_flag=True, help="As a JSON object.")
def command(
    user: str,
    groups: tuple[str, ...],
    profile: str | None,
    size: str | None,
    answers: tuple[str, ...],
    connections: tuple[str, ...],
    profiles: Path | None,
    audit: Path | None,
    is_json: bool,
) -> None:
    """Show what would be decided if USER asked for a server now, and why.

    It is decided as at a start: by the catalogue, and by what runs and was used
    according to the audit. Groups that are not given are those of the person's last
    decision. Exits with 0 when it would start, 1 when not, 2 when it can't be told.
    """
    now = datetime.now(UTC)
    choice = _choice(profile, size, answers, connections)
    catalog, record = read_profiles(profiles), _read_audit(audit, user, now)
    members = frozenset(groups or (record.last or {}).get("groups", ()))
    found = explain(catalog, record.account, user, members, choice, now)
    if is_json:
        source = {"revision": catalog.revision, "audit": record.path and str(record.path)}
        click.echo(json.dumps({**_facts(found), **source}, indent=2))
    else:
        click.echo("\n".join(_text(found, _origin(groups, record), record)))
    raise SystemExit(0 if found.allowed else 1)


def _choice(
    profile: str | None, size: str | None, answers: Iterable[str], connections: Iterable[str]
) -> dict[str, Any]:
    wrong = [answer for answer in answers if "=" not in answer]
    if wrong:
        raise click.UsageError(f"--option {wrong[0]}: write it as NAME=VALUE.")
    given = {
        "profile": profile,
        "size": size,
        "options": dict(answer.split("=", 1) for answer in answers),
        "connections": list(connections),
    }
    return {key: value for key, value in given.items() if value}


def _read_audit(given: Path | None, user: str, now: datetime) -> Record:
    if given is not None:
        record = Record(audit_path(given))
    else:
        try:
            record = Record(find_audit(None))
        except click.ClickException:
            return Record()
    try:
        events = read_events(record.path) if record.path else ()
        record.account = load_account(_watched(events, user, record), now)
    except (PublicError, OSError) as error:
        raise InputError(f"The audit can't be read: {error}") from None
    return record


def _watched(events: Iterable[Event], user: str, record: Record) -> Iterator[Event]:
    for event in events:
        if event["event"] == "spawn" and event["user"] == user:
            record.last = event
        yield event


def _origin(given: tuple[str, ...], record: Record) -> str:
    if given:
        return "as given"
    if record.last is None:
        return "the audit knows no decision of theirs; name groups with --group"
    return f"as at their last decision, {record.last['time']}"


def _text(found: Explanation, origin: str, record: Record) -> Iterator[str]:
    yield f"{found.user}, in {', '.join(sorted(found.groups)) or 'no group'} ({origin})"
    if record.path is None:
        yield "No audit was found: nothing counts as used. Name it with --audit FILE."
    yield ""
    if not found.verdicts:
        yield "No profile is offered to them."
    elif len(found.verdicts) == 1:
        yield from _verdict(found.verdicts[0])
    else:
        rows = [_row(verdict) for verdict in found.verdicts]
        yield render_table(["profile", "size", "takes", "decision"], rows)
        yield from _reasons(found.verdicts)
    yield ""
    yield from _limits(found)


def _verdict(verdict: Verdict) -> Iterator[str]:
    named = f"{verdict.profile}/{verdict.size}" if verdict.size else verdict.profile
    yield f"{named}: {'allowed' if verdict.allowed else f'refused, {verdict.code}'}"
    if verdict.amount is not None:
        yield f"  takes {', '.join(render_resources(verdict.amount))}"
        yield f"  image {verdict.image}"
    for sentence in (verdict.notice, verdict.reason):
        if sentence:
            yield f"  {sentence}"


def _row(verdict: Verdict) -> list[str]:
    takes = ", ".join(render_resources(verdict.amount)) if verdict.amount else ""
    return [verdict.profile, verdict.size, takes, "allowed" if verdict.allowed else verdict.code]


def _reasons(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Yield each sentence once, with the choices that it stands against."""
    refused = [verdict for verdict in verdicts if not verdict.allowed]
    if refused:
        yield ""
    for verdict in refused:
        yield f"{verdict.profile}/{verdict.size}: {verdict.reason}"


def _limits(found: Explanation) -> Iterator[str]:
    if not found.limits:
        yield "No limit applies to them."
        return
    # Of a list of choices, a limit that stands against one need not against another.
    against = found.verdicts[0].exceeded if len(found.verdicts) == 1 else ()
    stopping = {(bound.scope, bound.name, bound.resource) for bound in against}
    rows = [
        [*_limit(b), "refuses it" if (b.scope, b.name, b.resource) in stopping else ""]
        for b in found.limits
    ]
    yield render_table(["limit of", "at once or per", "limit", "used", "left", ""], rows)


def _limit(bound: Bound) -> list[str]:
    whose = {"user": "this person", "group": f"group {bound.name}", "total": "everybody"}
    amounts = [
        render_used(bound, n) if n else "none" for n in (bound.limit, bound.used, bound.left)
    ]
    return [whose[bound.scope], bound.period or "at once", *amounts]


def _facts(found: Explanation) -> dict[str, Any]:
    return {
        "user": found.user,
        "groups": sorted(found.groups),
        "allowed": found.allowed,
        "decisions": [
            {
                "profile": verdict.profile,
                "size": verdict.size,
                "allowed": verdict.allowed,
                "code": verdict.code,
                "reason": verdict.reason,
                "notice": verdict.notice,
                "image": verdict.image,
                "cpu": verdict.amount and verdict.amount.cpu,
                "memory": verdict.amount and verdict.amount.memory,
                "gpus": dict(verdict.amount.gpus) if verdict.amount else {},
                "exceeded": [_bound_facts(bound) for bound in verdict.exceeded],
            }
            for verdict in found.verdicts
        ],
        "limits": [_bound_facts(bound) for bound in found.limits],
    }


def _bound_facts(bound: Bound) -> dict[str, Any]:
    return {
        "scope": bound.scope,
        "name": bound.name,
        "resource": bound.resource,
        "period": bound.period or None,
        "limit": bound.limit,
        "used": bound.used,
        "left": bound.left,
        "holders": dict(bound.holders),
    }
