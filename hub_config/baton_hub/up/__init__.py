"""``baton up``: the whole platform on one machine, from one command."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("up")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=True),
    default=Path("~/.local/share/baton"),
    show_default=True,
    help="Where everything is kept.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="0: any free one.",
)
@click.option(
    "--profiles",
    type=click.Path(path_type=Path),
    help="The catalogue. Default: ./profiles, else the one that comes with Baton.",
)
@click.option(
    "--allow-webhook-host",
    "webhook_hosts",
    multiple=True,
    metavar="HOST[:PORT]",
    help="A host that webhooks may go to though it is private. May be repeated.",
)
@click.option(
    "--open/--no-browser", "open_browser", default=False, help="Open the page in a browser."
)
def command(
    folder: Path,
    port: int,
    profiles: Path | None,
    webhook_hosts: tuple[str, ...],
    open_browser: bool,
) -> None:
    """Start the platform on this machine: Hub, MLflow and the handoff desk.

    Everything listens on 127.0.0.1 only and is kept in one folder. Ctrl-C stops all of it.
    """
    # Loaded here so that `baton --help` stays quick.
    from baton_hub.up.start import start

    raise SystemExit(start(folder, port, profiles, webhook_hosts, open_browser))
