"""``baton catalog render``: the catalogue in the cluster's own words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from baton_hub.catalog.load import CatalogError, read_catalog
from baton_hub.cluster.folder import read_content
from baton_hub.cluster.render import PATHS, Rendered, render
from baton_hub.cluster.target import Target, TargetError


@click.command("render")
@click.option(
    "--profiles",
    type=click.Path(path_type=Path),
    default="profiles",
    show_default=True,
    metavar="DIR",
    help="The catalogue.",
)
@click.option("--namespace", required=True, metavar="NS", help="Where the Hub and servers run.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default="cluster",
    show_default=True,
    metavar="DIR",
    help="Where to write values.yaml and manifests/.",
)
@click.option("--release", default="", metavar="NAME", help="The chart's Helm release.")
@click.option(
    "--helper-image",
    "helper_images",
    multiple=True,
    metavar="IMAGE",
    help="An image by digest that may run beside a profile's; may be repeated.",
)
@click.option(
    "--service-account",
    default="hub",
    show_default=True,
    metavar="NAME",
    help="The account that the Hub creates pods as.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when DIR differs.")
def command(
    profiles: Path,
    namespace: str,
    output: Path,
    release: str,
    helper_images: tuple[str, ...],
    service_account: str,
    check: bool,
) -> None:
    """Write what the cluster needs to hold the catalogue by itself.

    DIR gets values.yaml for the Zero to JupyterHub chart, and manifests/ for
    kubectl: the catalogue, groups' priorities and quotas, limits, the network,
    and the admission policy. The same catalogue gives the same files.
    """
    try:
        target = Target(
            namespace=namespace,
            release=release,
            service_account=service_account,
            helper_images=helper_images,
        )
        rendered = _rendered(profiles, target)
    except (CatalogError, TargetError, OSError) as error:
        raise click.ClickException(str(error)) from None
    for note in rendered.notes:
        click.echo(note, err=True)
    if check:
        _compare(rendered, output)
        return
    try:
        _write(rendered, output)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from None


def _rendered(profiles: Path, target: Target) -> Rendered:
    today = datetime.now(UTC).date()
    reading = read_catalog(profiles, today=today)
    if reading.catalog is None:
        raise CatalogError(reading.refusing)
    return render(reading.catalog, read_content(profiles, reading.evidence), target, today)


def _write(rendered: Rendered, output: Path) -> None:
    for name in PATHS:
        path = output / name
        if name not in rendered.files:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rendered.files[name], encoding="utf-8")
    click.echo(f"{len(rendered.files)} files in {output}.")


def _compare(rendered: Rendered, output: Path) -> None:
    found = {name: _read(output / name) for name in PATHS}
    differing = [name for name in PATHS if found[name] != rendered.files.get(name)]
    for name in differing:
        wanted = "missing" if found[name] is None else "different"
        click.echo(f"{output / name} is {wanted if name in rendered.files else 'left over'}.")
    if differing:
        click.echo("Render again, and commit what changed.", err=True)
        raise SystemExit(1)
    click.echo(f"{output} is what the catalogue says.")


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
