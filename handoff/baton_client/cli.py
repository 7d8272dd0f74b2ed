"""The `baton` command."""

from __future__ import annotations

import json
import os
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from baton_client.tracing.command import command as trace_command
from baton_contract.errors import BadRequestError, PublicError
from baton_contract.types import DeploymentStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from baton_client.desk import DeskClient
    from baton_contract.types import Packet

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
        """Run the command; an error meant for people becomes one line and exit code 1."""
        try:
            return super().invoke(ctx)
        except PublicError as error:
            raise click.ClickException(error.message) from error
        except ModuleNotFoundError as error:
            # A command that joined may import what it needs only when it runs.
            point = _joined().get(ctx.invoked_subcommand or "")
            if point is None:
                raise
            raise click.ClickException(_reason(point, error)) from error
        except OSError as error:
            if error.filename is None or error.strerror is None:
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}.") from error


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


def _reason(point: EntryPoint, error: Exception) -> str:
    """Return why a command can't be used here, and what to do."""
    extra = EXTRAS.get(point.module.partition(".")[0])
    if isinstance(error, ImportError) and extra:
        return (
            f"`baton {point.name}` needs {error.name or 'a package'}, which can't be imported here."
            f" Install it with: pip install 'jupyter-baton[{extra}]'"
        )
    return (
        f"`baton {point.name}` can't be loaded: {type(error).__name__}: {error}."
        " The other commands work."
    )


def _broken(point: EntryPoint, error: Exception) -> click.Command:
    reason = _reason(point, error)

    def refuse() -> None:
        raise click.ClickException(reason)

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


main.add_command(trace_command)


def _desk_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which desk, and as whom."""
    desk = click.option(
        "--desk",
        envvar="BATON_DESK_URL",
        show_envvar=True,
        required=True,
        metavar="URL",
        help="The desk's address, such as https://hub.example.org/services/desk.",
    )
    token = click.option(
        "--token-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A file that holds the token; without it, the variable BATON_TOKEN is read.",
    )
    return desk(token(command))


def _open(desk: str, token_file: Path | None) -> DeskClient:
    from baton_client.desk import DeskClient

    return DeskClient(desk, _load_token(token_file))


def _load_token(token_file: Path | None) -> str:
    token = token_file.read_text("utf-8") if token_file else os.environ.get("BATON_TOKEN", "")
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise BadRequestError(
            "no_token",
            "No usable token. Put a team's pipeline token, made on the team's page of the desk, "
            "into the variable BATON_TOKEN or into a file for --token-file.",
        )
    return token


def _handoff_id(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if len(value) != 32 or not set(value) <= set("0123456789abcdef"):
        raise click.BadParameter("a handoff's id is 32 hexadecimal digits, as its page shows.")
    return value


_handoff = click.argument("handoff", callback=_handoff_id)


@main.command("pull")
@_handoff
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder that is new, empty, or holds the same packet.",
)
@_desk_options
def pull_command(handoff: str, folder: Path, desk: str, token_file: Path | None) -> None:
    """Fetch a handoff's packet and files, and verify every digest."""
    from baton_client.pull import pull

    with _open(desk, token_file) as client:
        pulled = pull(client, handoff, folder)
    files = pulled.packet["files"]
    for entry in files:
        click.echo(f"{entry['sha256'][:12]}  {entry['size']:>12,} B  {entry['path']}")
    model, size = pulled.packet["model"], sum(entry["size"] for entry in files)
    click.echo(
        f"{model['name']} version {model['version']}, packet {pulled.digest[:12]}: "
        f"{len(files)} files, {size:,} B, all verified, {pulled.fetched} fetched now, in {folder}"
    )


@main.command("predict")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--python",
    metavar="PYTHON",
    help="The Python that has the model's requirements; without it, the one that runs `baton`.",
)
@click.option(
    "--input",
    "input_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON file with another request, in the form of MLflow's scoring protocol.",
)
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=600, show_default=True, help="In seconds."
)
def predict_command(
    folder: Path, python: str | None, input_file: Path | None, timeout: float
) -> None:
    """Let the pulled model answer its own example, and say whether it still agrees.

    Answers go to standard output, one JSON value a line.
    """
    from baton_client.prediction import answers
    from baton_client.pull import load_packet

    packet = load_packet(folder)
    examples = [example["request"] for example in packet["examples"]]
    requests = [_load_request(input_file)] if input_file else examples
    found = answers(folder / "model", requests, python=python, timeout=timeout)
    for answer in found:
        click.echo(json.dumps(answer))
    if input_file is None:
        _compare(packet, found)


def _load_request(path: Path) -> dict[str, Any]:
    try:
        request = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BadRequestError("not_json", f"{path} is not JSON: {error}.") from error
    if not isinstance(request, dict):
        raise BadRequestError(
            "not_a_request", f'{path} must hold an object such as {{"inputs": [[1, 2]]}}.'
        )
    return request


def _compare(packet: Packet, found: list[Any]) -> None:
    from baton_contract.example import difference

    for number, (example, answer) in enumerate(zip(packet["examples"], found, strict=True), 1):
        differs = difference(example["expected"], answer, example["tolerance"])
        if differs:
            raise BadRequestError(
                "example_differs",
                f"Example {number} does not agree with the packet: {differs} "
                "Compare the installed packages with model/requirements.txt.",
            )
    click.echo("Agrees with the packet's example.", err=True)


@main.command("report")
@_handoff
@click.option("--environment", required=True, help="Where it was deployed, such as staging.")
@click.option(
    "--status",
    required=True,
    type=click.Choice(get_args(DeploymentStatus)),
    help="How the deployment stands.",
)
@click.option("--description", help="A sentence for the people who read it.")
@click.option("--url", help="Where the deployment is, http or https.")
@_desk_options
def report_command(
    handoff: str,
    environment: str,
    status: str,
    description: str | None,
    url: str | None,
    desk: str,
    token_file: Path | None,
) -> None:
    """Report to both sides how a deployment stands."""
    with _open(desk, token_file) as client:
        made = client.report(
            handoff, environment=environment, status=status, description=description, url=url
        )
    click.echo(f"Reported {made['status']} in {made['environment']}.")
