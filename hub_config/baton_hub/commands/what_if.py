"""``baton catalog what-if``: what other limits would have changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from baton_contract import PublicError
from baton_contract.timestamp import render_timestamp
from baton_hub.audit.replay import read_events
from baton_hub.catalog.draft import Draft
from baton_hub.catalog.fit import check_quotas, check_sizes
from baton_hub.catalog.folder import read_files
from baton_hub.catalog.quotas import Quotas
from baton_hub.catalog.source import Source
from baton_hub.commands.inputs import InputError, audit_option, audit_path, profiles_option
from baton_hub.commands.table import render_table
from baton_hub.quota import Bound, render_used
from baton_hub.up.machine import find_profiles
from baton_hub.what_if import Change, Outcome, median_runs, name_of, what_if

SHOWN = 40
"""How many changes are listed for people; JSON has them all."""
ASSUMPTION = (
    "What was refused and would have started is taken to run for the median of its profile,"
    " and to be stopped when its owner really started that server."
)


@click.command("what-if")
@click.argument("file", metavar="QUOTAS", type=click.Path(path_type=Path))
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True)
@profiles_option
@audit_option
@click.option("--json", "is_json", is_flag=True, help="As a JSON object, with every change.")
def command(
    file: Path, days: int, profiles: Path | None, audit: Path | None, is_json: bool
) -> None:
    """Replay the last days' decisions against the limits in QUOTAS, a file like quotas.yaml.

    Nothing is changed: it shows what would have been refused, or admitted, to whom, and by
    which limit. Exits with 1 when QUOTAS has an error, 2 when something can't be read.
    """
    quotas = _read_quotas(file, find_profiles(profiles))
    now = datetime.now(UTC)
    since, path = now - timedelta(days=days), audit_path(audit)
    try:
        runs = median_runs(read_events(path, since))
        outcome = what_if(read_events(path), quotas, since, runs)
    except (PublicError, OSError) as error:
        raise InputError(f"The audit can't be read: {error}") from None
    if is_json:
        click.echo(json.dumps(_facts(outcome, since, now, runs), indent=2))
    else:
        click.echo("\n".join(_text(outcome, file, since, now)))


def _read_quotas(file: Path, profiles: Path) -> Quotas:
    """Return what a file says, after telling all that lint would say of it."""
    try:
        source = Source(file, file.read_bytes())
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror}.") from None
    draft = Draft(profiles, datetime.now(UTC).date())
    for path, content in read_files(profiles).content.items():
        if path.stem != "quotas":
            draft.add(Source(path, content))
    draft.add_special("quotas", source)
    for fault in sorted({*source.faults, *check_quotas(draft), *check_sizes(draft)}):
        click.echo(str(fault), err=True)
    if any(fault.is_error for fault in source.faults):
        raise SystemExit(1)
    return draft.quotas


def _text(outcome: Outcome, file: Path, since: datetime, now: datetime) -> Iterator[str]:
    yield (
        f"From {since:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC, {outcome.allowed} starts were"
        f" allowed and {outcome.limited} refused for a limit ({outcome.other} for other reasons,"
        " which limits don't change)."
    )
    if not outcome.changes:
        yield f"Under {file} every one would have been decided as it was."
        return
    yield (
        f"Under {file} {len(outcome.changes)} would have been decided otherwise:"
        f" {len(outcome.refused)} refused that were allowed,"
        f" {len(outcome.admitted)} allowed that were refused."
    )
    if outcome.moot:
        yield (
            f"{outcome.moot} more refusals would not have come up, because the same server"
            " would have been running."
        )
    yield ASSUMPTION
    yield ""
    yield from _totals("refused by", Counter(name_of(c.bound) for c in outcome.changes if c.bound))
    yield from _totals("refused to", Counter(change.user for change in outcome.refused))
    yield from _totals("allowed to", Counter(change.user for change in outcome.admitted))
    heads = ["time (UTC)", "user", "server", "profile", "size", "was", "becomes", "limit"]
    yield render_table(heads, [_row(change) for change in outcome.changes[:SHOWN]])
    if len(outcome.changes) > SHOWN:
        yield f"… and {len(outcome.changes) - SHOWN} more; --json has all of them."


def _totals(title: str, counts: Counter[str]) -> Iterator[str]:
    if counts:
        rows = [[name, str(number)] for name, number in counts.most_common(10)]
        yield render_table([title, "starts"], rows, numbers=1)
        if len(counts) > 10:
            yield f"… and {len(counts) - 10} more"
        yield ""


def _row(change: Change) -> list[str]:
    limit = f"{name_of(change.bound)}: {_used(change.bound)}" if change.bound else ""
    server = change.server or "(default)"
    named = [change.user, server, change.profile, change.size, change.was, change.becomes]
    return [f"{change.at.astimezone(UTC):%Y-%m-%d %H:%M}", *named, limit]


def _used(bound: Bound) -> str:
    return f"{render_used(bound, bound.used)} of {render_used(bound, bound.limit)}"


def _facts(
    outcome: Outcome, since: datetime, now: datetime, runs: dict[str, timedelta]
) -> dict[str, Any]:
    return {
        "from": render_timestamp(since),
        "to": render_timestamp(now),
        "allowed": outcome.allowed,
        "refused_for_a_limit": outcome.limited,
        "refused_for_other_reasons": outcome.other,
        "moot": outcome.moot,
        "assumption": ASSUMPTION,
        "assumed_seconds": {
            name or "(any)": round(run.total_seconds()) for name, run in sorted(runs.items())
        },
        "changes": [_change_facts(change) for change in outcome.changes],
    }


def _change_facts(change: Change) -> dict[str, Any]:
    bound = change.bound
    return {
        "time": render_timestamp(change.at),
        "user": change.user,
        "server": change.server,
        "groups": sorted(change.groups),
        "profile": change.profile,
        "size": change.size,
        "was": change.was,
        "becomes": change.becomes,
        "limit": bound
        and {
            "scope": bound.scope,
            "name": bound.name,
            "resource": bound.resource,
            "period": bound.period or None,
            "limit": bound.limit,
            "used": bound.used,
        },
    }
