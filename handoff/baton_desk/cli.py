"""The command ``baton desk``."""

from __future__ import annotations

import asyncio
import logging
import os

import click

from baton_desk.settings import Settings, SettingsError

# Everything else is imported where it is used, because `baton --help` imports this module.


@click.group(name="desk")
def command() -> None:
    """The handoff desk, a JupyterHub service."""


@command.command(name="serve")
def serve_command() -> None:
    """Serve the desk until it is stopped; settings come from the environment."""
    from baton_desk.service import serve

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # httpx would log every question to the Hub, HubAuth what cookies are made of.
    for name in ("httpx", "httpcore", "alembic", "tornado.application"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        asyncio.run(serve(Settings.from_environment(os.environ)))
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


@command.command()
@click.option("--database", envvar="BATON_DESK_DATABASE", required=True, help="SQLAlchemy address.")
def migrate(database: str) -> None:
    """Bring the desk's tables to this version's form; serving does so too."""
    from baton_desk.store import Store, StoreError

    try:
        store = Store.open(database)
        click.echo(f"The desk's tables are at revision {store.migrate()}.")
        store.close()
    except StoreError as error:
        raise click.ClickException(str(error)) from error
