"""``baton catalog lint``: every fault of a catalogue at once."""

from __future__ import annotations

import gc
from datetime import date, datetime
from pathlib import Path

import click

from baton_hub.catalog.load import Reading, read_catalog


@click.command("lint")
@click.argument("folder", type=click.Path(path_type=Path), default="profiles", metavar="[DIR]")
@click.option(
    "--on",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Hold dates against this day (such as 2027-01-31) and not against today, in UTC.",
)
def command(folder: Path, day: datetime | None) -> None:
    """Check every file in DIR (default: profiles) and show all faults at once.

    Each stands as FILE:LINE:COLUMN: error CODE: what is wrong and what to do. Exits with
    1 when there is an error; warnings alone don't fail.
    """
    reading = _read(folder, day.date() if day else None)
    for fault in reading.faults:
        click.echo(str(fault), err=True)
    errors = sum(fault.is_error for fault in reading.faults)
    warnings = _counted(len(reading.faults) - errors, "warning")
    if reading.catalog is None or errors:
        click.echo(f"{_counted(errors, 'error')}, {warnings}.", err=True)
        raise SystemExit(1)
    profiles = _counted(len(reading.catalog.profiles), "profile")
    found = f"no error, {warnings}" if reading.faults else "no fault"
    click.echo(f"{profiles}, {found}. Revision {reading.catalog.revision[:12]}.")


def _read(folder: Path, day: date | None) -> Reading:
    # All that is read is kept until the answer: looking for garbage is a fifth of the time.
    gc.disable()
    try:
        return read_catalog(folder, today=day)
    finally:
        gc.enable()


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
