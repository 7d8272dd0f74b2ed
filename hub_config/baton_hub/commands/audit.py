"""``baton audit``: whether the record is whole."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from baton_hub.audit.chain import START, Head, parse_head
from baton_hub.audit.events import load_schema
from baton_hub.audit.verify import Verdict, first_place, verify
from baton_hub.commands.inputs import find_audit

MOMENT = 0.2
"""Seconds after which an audit that does not look whole is read once more."""
MOST = 20
"""How many flaws are told; the rest are counted."""


class HeadType(click.ParamType):  # type: ignore[type-arg]
    """A line's number and hash, as ``baton audit head`` prints it."""

    name = "SEQ:HASH"

    def convert(
        self, value: str | Head, param: click.Parameter | None, ctx: click.Context | None
    ) -> Head:
        """Return the head that a text stands for."""
        try:
            return parse_head(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(f"{value!r}: {error}.", param, ctx)


def _there(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,
    files: tuple[Path, ...],
) -> tuple[Path, ...]:
    """Return the files, which are there; a rotation takes one away for a moment."""
    for file in files:
        if not file.exists():
            time.sleep(MOMENT)
        if not file.exists():
            raise click.BadParameter(f"File '{file}' does not exist.", param=param)
    return files


_files = click.argument(
    "files",
    nargs=-1,
    callback=_there,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="[FILE…]",
)
_after = click.option(
    "--from",
    "after",
    type=HeadType(),
    default=START,
    help="The line before the first one that should be there, where older files were moved away.",
)


@click.group("audit")
def command() -> None:
    """Check the record of what was decided."""


@command.command("verify")
@_files
@click.option(
    "--head",
    "heads",
    type=HeadType(),
    multiple=True,
    help="A line that must be there as it was when you wrote this down. May be repeated.",
)
@_after
def verify_command(files: tuple[Path, ...], heads: tuple[Head, ...], after: Head) -> None:
    """Check that no byte of the audit was changed, and no line is missing, moved or added.

    FILE stands for the audit with the files rotated away from it; several are taken as
    they are. Without one the audit is looked for: BATON_AUDIT_FILE, then the usual places.
    Exits with 1 when anything is not as the Hub wrote it.
    """
    paths = files or [find_audit(None)]
    verdict = verify(paths, after=after, anchors=heads)
    if verdict.flaws:
        # A line that a Hub was just writing is whole a moment later.
        time.sleep(MOMENT)
        verdict = verify(paths, after=after, anchors=heads)
    for flaw in verdict.flaws[:MOST]:
        click.echo(str(flaw), err=True)
    if verdict.flaws:
        rest = len(verdict.flaws) - MOST
        if rest > 0:
            click.echo(f"And {rest} more.", err=True)
        raise SystemExit(1)
    click.echo(_summary(verdict))


@command.command("head")
@_files
def head_command(files: tuple[Path, ...]) -> None:
    """Print the last line's number and hash, to be kept where nobody of this machine can write.

    `baton audit verify --head` then tells whether the audit still begins with all that was
    in it. What is printed was checked; exits with 1 when the audit is not whole.
    """
    paths = files or [find_audit(None)]
    verdict = verify(paths, after=first_place(paths), needs_end=False)
    if verdict.flaws:
        raise click.ClickException(f"{verdict.flaws[0]} See: baton audit verify")
    click.echo(str(verdict.last))


@command.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of an audit's lines."""
    click.echo(json.dumps(load_schema(), indent=2, ensure_ascii=False))


def _summary(verdict: Verdict) -> str:
    lines = "1 line" if verdict.lines == 1 else f"{verdict.lines:,} lines"
    files = "" if verdict.files == 1 else f" in {verdict.files} files"
    torn = (
        "1 torn line that a crash left is"
        if verdict.repairs == 1
        else (f"{verdict.repairs} torn lines that crashes left are")
    )
    repairs = f" {torn} marked." if verdict.repairs else ""
    return (
        f"{lines}{files}, {verdict.first} to {verdict.last.seq}, all as written.{repairs}"
        f" The last is {verdict.last}"
    )
