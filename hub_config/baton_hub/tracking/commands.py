"""``baton tracking``: what operations do with MLflow behind the Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import httpx

from baton_contract.access import EVERYBODY, OWNER, READ, WRITE, Groups, render_groups
from baton_hub.tracking.access.rules import parse_access

API = "/services/mlflow/api/2.0/mlflow"


@click.group("tracking")
def command() -> None:
    """Look after MLflow behind the Hub."""


@command.command()
@click.argument("kind", type=click.Choice(["experiment", "model"]))
@click.argument("name")
@click.option("--read", help='Who reads: "everybody", "nobody", or groups by comma.')
@click.option("--write", help="Who writes, in the same words.")
@click.option("--hub", envvar="BATON_PUBLIC_URL", required=True, help="The Hub's address.")
@click.option(
    "--token-file",
    envvar="BATON_TOKEN_FILE",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with a Hub token of the owner or of operations.",
)
def access(
    kind: str, name: str, read: str | None, write: str | None, hub: str, token_file: Path
) -> None:
    """Show or set who may use an experiment (by number) or a registered model (by name).

    The owner, who is not in the groups, always may. Takes the Hub's address and a token
    from BATON_PUBLIC_URL and BATON_TOKEN_FILE.
    """
    headers = {"Authorization": f"Bearer {token_file.read_text().strip()}"}
    prefix = os.environ.get("JUPYTERHUB_BASE_URL", "/").rstrip("/")
    with httpx.Client(base_url=f"{hub.rstrip('/')}{prefix}{API}", headers=headers) as http:
        for tag, words in ((READ, read), (WRITE, write)):
            if words is not None:
                _set(http, kind, name, tag, render_groups(_parse(words)))
        found = parse_access(_tags(http, kind, name))
    click.echo(f"owner  {found.owner or 'nobody'}")
    click.echo(f"read   {_say(found.read)}")
    click.echo(f"write  {_say(found.write)}")


def _parse(words: str) -> Groups:
    if words == EVERYBODY:
        return None
    names = [] if words == "nobody" else words.split(",")
    return frozenset(name.strip() for name in names if name.strip())


def _say(groups: Groups) -> str:
    if groups is None:
        return EVERYBODY
    return ", ".join(sorted(groups)) or "nobody but the owner"


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
    thing = _answer(lambda: http.get(f"/{route}", params=params))[key]
    tags = {tag["key"]: tag["value"] for tag in thing.get("tags", [])}
    return {name: tags[name] for name in (OWNER, READ, WRITE) if name in tags}


def _answer(ask: Any) -> dict[str, Any]:
    try:
        answer: httpx.Response = ask()
        body: dict[str, Any] = answer.json()
    except httpx.HTTPError as error:
        raise click.ClickException(f"MLflow can't be reached: {error}.") from error
    except ValueError as error:
        raise click.ClickException(
            f"That is no MLflow: it answered {answer.status_code}."
        ) from error
    if not answer.is_success:
        raise click.ClickException(str(body.get("message") or f"MLflow said {answer.status_code}."))
    return body
