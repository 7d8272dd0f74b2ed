"""``baton tracking``: what operations do with MLflow behind the Hub."""

from __future__ import annotations

import click


@click.group("tracking")
def command() -> None:
    """Look after MLflow behind the Hub."""
