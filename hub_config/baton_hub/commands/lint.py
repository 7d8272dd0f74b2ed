"""``baton catalog lint``: every fault of a catalogue at once."""

from __future__ import annotations

from pathlib import Path

import click

from baton_hub.catalog.load import CatalogError, load_catalog


@click.command("lint")
@click.argument("folder", type=click.Path(path_type=Path), default="profiles", metavar="[DIR]")
def command(folder: Path) -> None:
    """Check every profile in DIR (default: profiles) and show all faults at once.

    Exits with 1 when there is any.
    """
    try:
        catalog = load_catalog(folder)
    except CatalogError as error:
        for fault in error.faults:
            click.echo(str(fault), err=True)
        count = len(error.faults)
        click.echo(f"{count} {'fault' if count == 1 else 'faults'}.", err=True)
        raise SystemExit(1) from None
    count = len(catalog.profiles)
    noun = "profile" if count == 1 else "profiles"
    click.echo(f"{count} {noun}, no fault. Revision {catalog.revision[:12]}.")
