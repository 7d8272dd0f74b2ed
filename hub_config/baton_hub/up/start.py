"""From the options of ``baton up`` to a running platform."""

from __future__ import annotations

import asyncio
import logging
import signal
import webbrowser
from pathlib import Path

import click

from baton_hub.catalog import CatalogError, LiveCatalog, load_catalog
from baton_hub.up.folder import Folder, FolderError, Secrets
from baton_hub.up.machine import (
    DESK_COMMAND,
    HUB_COMMAND,
    MLFLOW_COMMAND,
    PEOPLE,
    Machine,
    find_profiles,
    plan_machine,
)
from baton_hub.up.supervisor import Part, Supervisor


def start(
    root: Path, port: int, profiles: Path | None, webhook_hosts: tuple[str, ...], open_browser: bool
) -> int:
    """Run the platform until it is stopped; returns the exit code.

    Nothing is started, and 1 returned, when the folder can't be used or the port is taken.
    """
    folder = Folder(root)
    try:
        folder.prepare()
        secrets = folder.secrets()
        machine = plan_machine(folder, find_profiles(profiles), port)
    except FolderError as error:
        click.echo(str(error), err=True)
        return 1
    except OSError as error:
        click.echo(_port_taken(port, error), err=True)
        return 1
    # The Hub logs the catalogue's faults; here they are told in one line, and once.
    logging.getLogger("baton_hub.catalog").addHandler(logging.NullHandler())
    _check_profiles(Path(machine.profiles))
    parts = _parts(machine, folder, secrets, webhook_hosts)
    asyncio.run(_run(parts, folder, machine, open_browser))
    return 0


async def _run(parts: list[Part], folder: Folder, machine: Machine, open_browser: bool) -> None:
    loop = asyncio.get_running_loop()

    def say(line: str) -> None:
        click.echo(line)
        if open_browser and line.startswith("Baton is ready"):
            _open(machine.public_url)

    supervisor = Supervisor(parts, say, folder.root)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    click.echo("Starting the Hub, MLflow and the handoff desk …")
    watch = asyncio.create_task(_watch_profiles(Path(machine.profiles)))
    await supervisor.run()
    watch.cancel()


def _parts(
    machine: Machine, folder: Folder, secrets: Secrets, webhook_hosts: tuple[str, ...]
) -> list[Part]:
    return [
        Part(
            "The Hub",
            HUB_COMMAND,
            machine.hub_environment(),
            folder.logs / "hub.log",
            f"{machine.public_url}/hub/health",
            _welcome(machine, secrets),
        ),
        Part(
            "MLflow",
            MLFLOW_COMMAND,
            machine.service_environment("mlflow", secrets),
            folder.logs / "mlflow.log",
            f"{machine.service_url('mlflow')}/services/mlflow/baton/health",
            "MLflow is up.",
        ),
        Part(
            "The handoff desk",
            DESK_COMMAND,
            machine.service_environment("desk", secrets, webhook_hosts),
            folder.logs / "desk.log",
            f"{machine.service_url('desk')}/services/desk/health",
            "The handoff desk is up.",
        ),
    ]


def _welcome(machine: Machine, secrets: Secrets) -> str:
    lines = [f"Baton is ready: {machine.public_url}"]
    for name, groups in PEOPLE.items():
        admin = "operations" in groups
        password = secrets.admin_password if admin else secrets.user_password
        role = f"{', '.join(groups)}; Hub admin" if admin else ", ".join(groups)
        lines.append(f"  sign in as {name:<10} password {password}  ({role})")
    lines.append(f"  kept in {machine.folder}; stop with Ctrl-C")
    return "\n".join(lines)


def _check_profiles(profiles: Path) -> None:
    try:
        load_catalog(profiles)
    except CatalogError as error:
        click.echo(
            _broken(profiles, error.faults[0], len(error.faults))
            + "\nUntil they are mended nobody can start a server."
        )


async def _watch_profiles(profiles: Path) -> None:
    """Say when an edit breaks the catalogue, and when it is mended."""
    live = LiveCatalog(profiles)
    live.current()
    faults = live.faults
    while True:
        await asyncio.sleep(2)
        live.current()
        if live.faults != faults:
            faults = live.faults
            if faults:
                click.echo(
                    _broken(profiles, faults[0], len(faults))
                    + "\nThe last good profiles stay in effect."
                )
            else:
                click.echo("The profiles are in order again.")


def _broken(profiles: Path, first: object, count: int) -> str:
    rest = f" See all {count} faults with: baton catalog lint {profiles}" if count > 1 else ""
    return f"The profiles are broken: {first}{rest}"


def _port_taken(port: int, error: OSError) -> str:
    return (
        f"Port {port} on 127.0.0.1 can't be used ({error.strerror}). Nothing was started."
        f" Choose another one with --port {port + 1}, or any free one with --port 0."
    )


def _open(url: str) -> None:
    if not webbrowser.open(url):
        click.echo(f"No browser was found. Open {url} yourself.")
