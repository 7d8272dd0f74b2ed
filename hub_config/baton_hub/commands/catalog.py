"""``baton catalog``: look after the profiles."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "explain": "baton_hub.commands.explain",
    "lint": "baton_hub.commands.lint",
    "render": "baton_hub.commands.render",
    "running": "baton_hub.commands.running",
    "schema": "baton_hub.commands.schema",
    "what-if": "baton_hub.commands.what_if",
}


class _Commands(click.Group):
    """Loads a subcommand when it is called, or when help lists it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        found: click.Command = import_module(COMMANDS[name]).command
        return found


@click.command("catalog", cls=_Commands)
def command() -> None:
    """Look after the curated profiles."""
