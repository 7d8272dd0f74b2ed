"""``baton sync``: send now what was kept while MLflow could not be reached."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress

import click

from baton_contract.errors import PublicError
from baton_lab.capture.cells import capture_folder
from baton_lab.capture.late import sweep
from baton_lab.offline.journal import Journal
from baton_lab.offline.places import platform_address, spool_folder
from baton_lab.offline.refusals import Refusal, load_refusals, take_back
from baton_lab.offline.sender import Outcome, make_sender
from baton_lab.offline.unsent import describe

SHOWN = 20
PATIENCE = 30.0
"""Seconds for which it waits while another process of this person's is sending."""


@click.command("sync")
@click.option("--again", is_flag=True, help="Try once more what MLflow refused, in its old order.")
@click.option(
    "--from",
    "old",
    metavar="ADDRESS",
    default="",
    help="Send what was kept for this address of MLflow, which has moved since.",
)
def command(*, again: bool, old: str) -> None:
    """Send what was kept on this machine while MLflow could not be reached.

    It is sent in order, and what MLflow has already is not sent twice. MLflow is the one
    that MLFLOW_TRACKING_URI names, with MLFLOW_TRACKING_USERNAME and _PASSWORD, or the
    token in the file that BATON_TOKEN_FILE names. On a Baton Hub all of that is set.

    Where a run comes from that nobody had time to capture, because the machine ended, is
    captured first.

    Exit code 1 when something stays kept.
    """
    address = platform_address()
    if not address:
        raise click.ClickException("Which MLflow? Set MLFLOW_TRACKING_URI to its address.")
    journal = Journal(spool_folder(old) if old else None)
    try:
        if again:
            click.echo(f"{counted(take_back(journal), 'refused entry')} will be tried again.")
        with suppress(OSError):  # What waits is sent, whatever becomes of that.
            sweep(capture_folder(), time.time())
        outcome = asyncio.run(_send(journal, address))
    except (PublicError, OSError) as error:
        raise click.ClickException(str(error)) from error
    report(journal, address, outcome)
    sys.exit(0 if outcome.is_empty else 1)


async def _send(journal: Journal, address: str) -> Outcome:
    sender = make_sender(journal, address)
    try:
        until = asyncio.get_running_loop().time() + PATIENCE
        while (outcome := await sender.send()).is_busy:
            if asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(0.25)
        return outcome
    finally:
        await sender.close()


def report(journal: Journal, address: str, outcome: Outcome) -> None:
    """Say what was done and what is left, a line each."""
    if outcome.is_empty and not outcome.sent and not outcome.refused:
        click.echo("Nothing waits to be sent.")
    if outcome.sent:
        click.echo(f"Sent {counted(outcome.sent, 'entry')} to {address}.")
    if outcome.is_busy:
        click.echo("This machine is sending already; ask again in a moment.")
    left = describe(journal)
    if not outcome.is_empty:
        what = f"{counted(left['entries'], 'entry')} of {counted(left['runs'], 'run')}"
        click.echo(f"{outcome.problem or 'Not all could be sent.'} {what} stay kept.", err=True)
    refusals = [*load_refusals(journal)]
    for refusal in refusals[:SHOWN]:
        click.echo(f"Refused: {describe_refusal(refusal)}", err=True)
    if len(refusals) > SHOWN:
        click.echo(f"Refused: {len(refusals) - SHOWN:,} more.", err=True)
    if refusals:
        click.echo("Refused entries are kept aside. `baton sync --again` tries them.", err=True)


def describe_refusal(refusal: Refusal) -> str:
    """Return what was refused, and why, in one line."""
    entry = refusal.entry
    if entry["kind"] == "metrics":
        what = "metric " + ", ".join(repr(metric["key"]) for metric in entry["metrics"])
    elif entry["kind"] == "params":
        what = "parameter " + ", ".join(map(repr, entry["params"]))
    elif entry["kind"] == "tags":
        what = "tag " + ", ".join(map(repr, entry["tags"]))
    elif entry["kind"] == "artifact":
        what = f"file {entry['path']!r}"
    else:
        what = entry["kind"]
    reason = " ".join(refusal.reason.split())
    return f"{what[:100]} of {refusal.owner}: {reason[:300]}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, such as ``1,204 entries``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") else f"{count:,} {noun}s"
