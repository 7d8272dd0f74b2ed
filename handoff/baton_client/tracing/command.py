"""`baton trace`: the way back, printed and checked."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("trace")
@click.argument("model", required=False, metavar="[MODEL/VERSION | MODEL@ALIAS]")
@click.option("--run", metavar="ID", help="Begin at a run instead of a model version.")
@click.option(
    "--mlflow",
    "url",
    metavar="URL",
    help="MLflow's address; without it, BATON_MLFLOW_URL or MLFLOW_TRACKING_URI is read.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that holds a Hub token; without it, the variable BATON_TOKEN is read, or the "
    "file that BATON_TOKEN_FILE names. Inside your server none is needed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the contract's trace.v1 instead.")
@click.option(
    "--save",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep notebook, diff and packages in a new folder, those that are verified.",
)
def command(
    model: str | None,
    run: str | None,
    url: str | None,
    token_file: Path | None,
    *,
    as_json: bool,
    folder: Path | None,
) -> None:
    """Print the way back from a model to what made it, and check every digest.

    Model version, files, run, cell, notebook, commit, image, packages and datasets.
    Exit code 1 when something differs from what was recorded.
    """
    from baton_client.tracing.access import open_source
    from baton_client.tracing.git import look_up_commit
    from baton_client.tracing.save import Folder
    from baton_client.tracing.steps import trace_back
    from baton_client.tracing.target import parse_target
    from baton_client.tracing.text import render_trace

    target = parse_target(model, run=run)
    saved = Folder(folder) if folder else None
    with open_source(url, None, token_file) as source:
        trace = trace_back(source, target, keep=saved.place if saved else lambda _: None)
    look_up_commit(trace, Path.cwd())
    click.echo(json.dumps(trace, ensure_ascii=False) if as_json else render_trace(trace))
    if saved:
        names = ", ".join(saved.finish(trace))
        click.echo(f"In {folder}: {names}", err=True)
    if trace["verdict"] == "differs":
        raise SystemExit(1)
