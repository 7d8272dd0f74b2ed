"""What several commands read: a catalogue and an audit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from baton_hub.audit.files import find_audit
from baton_hub.catalog import Catalog, CatalogError, load_catalog
from baton_hub.up.machine import find_profiles


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


def read_profiles(given: Path | None) -> Catalog:
    """Return the catalogue to use; raises `InputError` when it is broken."""
    folder = find_profiles(given)
    try:
        return load_catalog(folder)
    except CatalogError as error:
        raise InputError(
            f"The catalogue {folder} can't be used: {error.faults[0]}"
            f" See all that is wrong with: baton catalog lint {folder}"
        ) from None


def audit_path(given: Path | None) -> Path:
    """Return the audit to read; raises `InputError` when there is none."""
    try:
        return find_audit(given)
    except click.ClickException as error:
        raise InputError(error.message) from None
