"""The `baton` command."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from baton_contract.errors import PublicError

EXTRAS = {"baton_hub": "platform", "baton_desk": "desk", "baton_lab": "lab"}
"""Which extra of jupyter-baton brings what a package of Baton needs."""


class BatonGroup(click.Group):
    """A group that other packages join through the entry points ``baton.commands``.

    A subcommand's module is imported when it is asked for and not before; one that
    can't be imported says what is missing and leaves the others alone. A
    `PublicError` ends the command with its message and exit code 1.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of our own commands and of those that joined, sorted."""
        return sorted({*super().list_commands(ctx), *_joined()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command called ``cmd_name``, or None when there is none."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        point = _joined().get(cmd_name)
        return _load(point) if point else None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a `PublicError` becomes one line and exit code 1."""
        try:
            return super().invoke(ctx)
        except PublicError as error:
            raise click.ClickException(error.message) from error


def _joined() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="baton.commands")}


def _load(point: EntryPoint) -> click.Command:
    try:
        command = point.load()
    # Somebody else's module is imported here; whatever it raises must not break `baton`.
    except Exception as error:  # noqa: BLE001
        return _broken(point, error)
    if isinstance(command, click.Command):
        return command
    return _broken(point, TypeError(f"{point.value} is no command"))


def _broken(point: EntryPoint, error: Exception) -> click.Command:
    extra = EXTRAS.get(point.module.partition(".")[0])
    if isinstance(error, ImportError) and extra:
        reason = (
            f"`baton {point.name}` needs {error.name or 'a package'}, which can't be imported here."
        )
        advice = f"Install it with: pip install 'jupyter-baton[{extra}]'"
    else:
        reason = f"`baton {point.name}` can't be loaded: {type(error).__name__}: {error}."
        advice = "The other commands work."

    def refuse() -> None:
        raise click.ClickException(f"{reason} {advice}")

    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(
        point.name,
        context_settings=settings,
        callback=refuse,
        add_help_option=False,
        short_help="Not available here; run it to see what is missing.",
    )


@click.group(cls=BatonGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jupyter-baton", prog_name="baton")
def main() -> None:
    """Carry a model from the notebook that trained it to the team that ships it."""
