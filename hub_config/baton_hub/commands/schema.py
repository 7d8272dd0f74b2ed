"""``baton catalog schema``: what editors and other tools know the catalogue's files by."""

from __future__ import annotations

import json

import click

from baton_hub.catalog.reference import render_reference
from baton_hub.catalog.schema import MODELS, render_schema


@click.command("schema")
@click.argument("name", type=click.Choice(list(MODELS)), required=False)
@click.option("--markdown", is_flag=True, help="Print the reference of all files instead.")
def command(name: str | None, markdown: bool) -> None:
    """Print the JSON Schema of a file of the catalogue.

    Editors complete and check a file that begins with this line:

    \b
    # yaml-language-server: $schema=ADDRESS
    """
    if markdown == bool(name):
        raise click.UsageError("Name one of the files, or ask for --markdown.")
    text = render_schema(name) if name else None
    click.echo(json.dumps(text, indent=2) if text else render_reference().rstrip("\n"))
