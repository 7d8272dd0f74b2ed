"""``baton sync``: send now what was kept while MLflow could not be reached."""

from __future__ import annotations

import click


@click.command("sync")
def command() -> None:
    """Send runs that were kept on this machine while MLflow could not be reached."""
