"""``baton tracking``: what operations do with MLflow behind the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import httpx

from baton_contract.access import EVERYBODY, OWNER, READ, WRITE, Groups, render_groups
from baton_hub.tracking.access.rules import parse_access

API = "/services/mlflow/api/2.0/mlflow"
NOBODY = "nobody"
WHERE = "Give the Hub's address, such as https://hub.example.org, by --hub or BATON_PUBLIC_URL."


@click.group("tracking")
def command() -> None:
    """Look after MLflow behind the Hub."""


@command.command()
@click.argument("kind", type=click.Choice(["experiment", "model"]))
@click.argument("name")
@click.option("--read", help='Who reads: "everybody", "nobody", or groups by comma.')
@click.option("--write", help="Who writes, in the same words.")
@click.option(
    "--hub",
    envvar="BATON_PUBLIC_URL",
    required=True,
    show_envvar=True,
    help="The Hub's address as people reach it.",
)
@click.option(
    "--token-file",
    envvar="BATON_TOKEN_FILE",
    required=True,
    show_envvar=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with a Hub token of the owner or of operations.",
)
def access(
    kind: str, name: str, read: str | None, write: str | None, hub: str, token_file: Path
) -> None:
    """Show or set who may use an experiment (by number) or a registered model (by name).

    An experiment's number stands in the address of its page. The owner may in any case.
    """
    chosen = {
        tag: _parse(words) for tag, words in ((READ, read), (WRITE, write)) if words is not None
    }
    headers = {"Authorization": f"Bearer {token_file.read_text().strip()}"}
    with httpx.Client(base_url=f"{hub.rstrip('/')}{API}", headers=headers) as http:
        for tag, groups in chosen.items():
            _set(http, kind, name, tag, render_groups(groups))
        found = parse_access(_tags(http, kind, name))
    click.echo(f"owner  {found.owner or 'nobody'}")
    click.echo(f"read   {_say(found.read)}")
    click.echo(f"write  {_say(found.write)}")


def _parse(words: str) -> Groups:
    names = frozenset(name.strip() for name in words.split(",") if name.strip())
    if names == {EVERYBODY}:
        return None
    if names == {NOBODY}:
        return frozenset()
    # Words that were meant otherwise would be groups that nobody is in.
    if not names or {name.lower() for name in names} & {EVERYBODY, NOBODY}:
        raise click.ClickException(
            f"Say {EVERYBODY}, {NOBODY}, or groups by comma, not {words!r}. Nothing was changed."
        )
    return names


def _say(groups: Groups) -> str:
    if groups is None:
        return EVERYBODY
    return ", ".join(sorted(groups)) or f"{NOBODY} but the owner"


def _set(http: httpx.Client, kind: str, name: str, tag: str, value: str) -> None:
    body = {"key": tag, "value": value}
    if kind == "experiment":
        route, body["experiment_id"] = "experiments/set-experiment-tag", name
    else:
        route, body["name"] = "registered-models/set-tag", name
    _answer(lambda: http.post(f"/{route}", json=body))


def _tags(http: httpx.Client, kind: str, name: str) -> dict[str, str]:
    if kind == "experiment":
        route, params, key = "experiments/get", {"experiment_id": name}, "experiment"
    else:
        route, params, key = "registered-models/get", {"name": name}, "registered_model"
    thing = _answer(lambda: http.get(f"/{route}", params=params)).get(key)
    if not isinstance(thing, dict):
        raise click.ClickException(f"That is no MLflow: it says nothing of the {kind}. {WHERE}")
    tags = {tag["key"]: tag["value"] for tag in thing.get("tags", [])}
    return {name: tags[name] for name in (OWNER, READ, WRITE) if name in tags}


def _answer(ask: Any) -> dict[str, Any]:
    try:
        answer: httpx.Response = ask()
        body = answer.json()
    except httpx.HTTPError as error:
        raise click.ClickException(
            f"MLflow can't be reached ({str(error).rstrip('.')}). {WHERE}"
        ) from error
    except ValueError as error:
        raise click.ClickException(f"That is no MLflow ({answer.status_code}). {WHERE}") from error
    if not isinstance(body, dict):
        raise click.ClickException(f"That is no MLflow ({answer.status_code}). {WHERE}")
    if not answer.is_success:
        raise click.ClickException(str(body.get("message") or f"MLflow said {answer.status_code}."))
    return body
