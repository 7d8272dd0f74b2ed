"""What several commands read: a catalogue and an audit."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from baton_hub.audit.files import log_files
from baton_hub.up.machine import find_profiles

if TYPE_CHECKING:
    from baton_hub.catalog import Catalog

VARIABLE = "BATON_AUDIT_FILE"
PLACES = (
    ".lab/audit.jsonl",
    "~/.local/share/baton/audit.jsonl",
    "/srv/jupyterhub/audit.jsonl",
)
"""Where an audit is looked for when nobody says where it is."""


class InputError(click.ClickException):
    """Something that the command needs can't be read; 1 is for a refusal."""

    exit_code = 2


profiles_option: Callable[[Any], Any] = click.option(
    "--profiles",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="BATON_PROFILES",
    metavar="DIR",
    help="The catalogue; without it, BATON_PROFILES, ./profiles, or the one that came with Baton.",
)
audit_option: Callable[[Any], Any] = click.option(
    "--audit",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The audit; without it, BATON_AUDIT_FILE or one of the usual places.",
)


def load_profiles(given: Path | None) -> Catalog:
    """Return the catalogue to use; raises `click.ClickException` when it is broken."""
    # Not at the top: commands that read an audit alone need not wait for it.
    from baton_hub.catalog import CatalogError, load_catalog

    folder = find_profiles(given)
    try:
        return load_catalog(folder)
    except CatalogError as error:
        raise click.ClickException(
            f"The catalogue {folder} can't be used: {error.faults[0]}"
            f" See all that is wrong with: baton catalog lint {folder}"
        ) from None


def find_audit(given: Path | None) -> Path:
    """Return the audit to read: the one given, else ``BATON_AUDIT_FILE``, else one of `PLACES`.

    Raises `click.ClickException` with a sentence when there is none.
    """
    named = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        if log_files(named):
            return named
        raise click.ClickException(f"There is no audit at {named}. Name another file.")
    found = next((p for p in (Path(p).expanduser() for p in PLACES) if p.is_file()), None)
    if found is None:
        raise click.ClickException(
            f"No audit was found in {', '.join(PLACES)}."
            f" Name it with --audit FILE, or set {VARIABLE}."
        )
    return found


def read_profiles(given: Path | None) -> Catalog:
    """Return what `load_profiles` does; raises `InputError`."""
    try:
        return load_profiles(given)
    except click.ClickException as error:
        raise InputError(error.message) from None


def audit_path(given: Path | None) -> Path:
    """Return what `find_audit` does; raises `InputError`."""
    try:
        return find_audit(given)
    except click.ClickException as error:
        raise InputError(error.message) from None
