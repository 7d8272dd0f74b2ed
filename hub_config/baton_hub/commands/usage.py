"""``baton usage``: who used how much, from the audit alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, get_args

import click

from baton_contract.timestamp import render_timestamp
from baton_hub.audit.replay import moment_of, read_events, served
from baton_hub.audit.usage import By, Usage, Used, Window, usage
from baton_hub.commands.inputs import audit_option, find_audit
from baton_hub.commands.table import render_table

FIGURES = ("server_hours", "cpu_hours", "gpu_hours")


class Moment(click.ParamType):  # type: ignore[type-arg]
    """A day in UTC, or a moment that says its zone."""

    name = "DATE"

    def __init__(self, *, is_end: bool) -> None:
        self._is_end = is_end

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the moment; of a day its first, or where a window ends, its last."""
        if isinstance(value, datetime):
            return value
        moment = self._day(value) or _moment(value)
        # Centuries are left on both sides for zones, and for the day that an end adds.
        if moment is None or not 1970 <= moment.year < 3000:
            self.fail(
                f"{value!r} is no day such as 2026-11-01 (in UTC), and no moment with its zone"
                " such as 2026-11-01T08:00+01:00.",
                param,
                ctx,
            )
        return moment

    def _day(self, value: str) -> datetime | None:
        try:
            start = datetime.combine(date.fromisoformat(value), time(), UTC)
            return start + timedelta(days=1) if self._is_end else start
        except (ValueError, OverflowError):
            return None


def _moment(value: str) -> datetime | None:
    with suppress(ValueError):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else None
    return None


@click.command("usage")
@click.option(
    "--by", type=click.Choice(get_args(By)), default="user", show_default=True, help="Whose use."
)
@click.option(
    "--from",
    "start",
    type=Moment(is_end=False),
    help="The first day, in UTC; without it, the audit's first. A moment with its zone works too.",
)
@click.option(
    "--to",
    "end",
    type=Moment(is_end=True),
    help="The last day, in UTC and whole; without it, or in the future: now.",
)
@click.option("--csv", "form", flag_value="csv", help="As CSV, hours with six decimals.")
@click.option("--json", "form", flag_value="json", help="As one JSON object.")
@audit_option
def command(
    by: By, start: datetime | None, end: datetime | None, form: str | None, audit: Path | None
) -> None:
    """Show who used how many hours of servers, CPUs and GPUs, from the audit alone.

    Hours count from when a server ran to when it stopped; waiting for it does not. What
    still runs counts up to now. Only what lies between --from and --to counts.
    """
    now = datetime.now(UTC)
    log = _Log(read_events(find_audit(audit)))
    ran = served(log)
    window = Window(start or log.began or now, min(end or now, now))
    if (start or end) and window.start >= window.end:
        raise click.ClickException(
            f"Nothing lies between {_shown(window.start)} and {_shown(window.end)}."
            " Give an earlier --from, or a later --to."
        )
    found = usage(ran, by, window)
    render = {"csv": _csv, "json": _json}.get(form or "", _table)
    click.echo(render(found, by), nl=form != "csv")
    for note in _notes(found, by, log):
        click.echo(note, err=True)


class _Log(Iterable[Mapping[str, Any]]):
    """The events of an audit, and where it began once they were read."""

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self._events = events
        self.began: datetime | None = None
        self.first = 1

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for event in self._events:
            if self.began is None:
                self.began, self.first = moment_of(event), event["seq"]
            yield event


def _table(found: Usage, by: By) -> str:
    heads = [by, *(["people"] if by != "user" else []), "servers"]
    units = ["server-hours", "CPU-hours", "GPU-hours"]
    total = [_row(found.total, "total", by)] if len(found.rows) > 1 else []
    rows = [_row(row, row.name or "(no group)", by) for row in found.rows] + total
    table = render_table([*heads, *units], rows, numbers=len(heads) - 1 + len(units))
    ran = table if rows else "No server ran."
    return f"{_shown(found.window.start)} to {_shown(found.window.end)}\n\n{ran}"


def _row(row: Used, name: str, by: By) -> list[str]:
    people = [str(row.people)] if by != "user" else []
    figures = (f"{getattr(row, figure):,.2f}" for figure in FIGURES)
    return [name, *people, str(row.servers), *figures]


def _csv(found: Usage, by: By) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([by, "from", "to", "people", "servers", *FIGURES])
    window = [render_timestamp(found.window.start), render_timestamp(found.window.end)]
    for row in found.rows:
        hours = (f"{getattr(row, figure):.6f}" for figure in FIGURES)
        writer.writerow([_cell(row.name), *window, row.people, row.servers, *hours])
    return out.getvalue()


def _cell(text: str) -> str:
    """Return a name that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _json(found: Usage, by: By) -> str:
    return json.dumps(
        {
            "by": by,
            "from": render_timestamp(found.window.start),
            "to": render_timestamp(found.window.end),
            "rows": [{by: row.name, **_figures(row)} for row in found.rows],
            "total": _figures(found.total),
            "running": found.running,
            "lost": found.lost,
        },
        indent=2,
    )


def _figures(row: Used) -> dict[str, float]:
    hours = {figure: round(getattr(row, figure), 6) for figure in FIGURES}
    return {"people": row.people, "servers": row.servers, **hours}


def _notes(found: Usage, by: By, log: _Log) -> Iterator[str]:
    """Yield what somebody should know who takes these figures further."""
    if found.running:
        are = (
            "1 server still runs and is"
            if found.running == 1
            else (f"{found.running} servers still run and are")
        )
        yield f"{are} counted up to {_shown(found.window.end)}."
    if by == "group" and sum(row.server_hours for row in found.rows) > found.total.server_hours:
        yield "Somebody in several groups counts in each; the total counts every server once."
    if found.lost:
        yield (
            f"{found.lost} of the servers ended while the Hub was down, or could not be stopped;"
            " they are counted until the Hub knew that they were gone, so their hours may be too"
            " many."
        )
    if log.first > 1 and log.began and found.window.start <= log.began:
        yield f"The audit at hand begins on {_shown(log.began)}; older files were moved away."


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
