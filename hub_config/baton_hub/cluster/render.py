"""The whole of a cluster's side, as files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

import yaml

from baton_hub.catalog import Catalog
from baton_hub.cluster.admission import render_policy
from baton_hub.cluster.folder import MOUNT_PATH, Content, render_folder
from baton_hub.cluster.network import render_network
from baton_hub.cluster.shares import render_priorities, render_quotas, render_range
from baton_hub.cluster.target import Manifest, Target
from baton_hub.cluster.values import render_values
from baton_hub.offer import obstacle

VALUES = "values.yaml"
"""For Helm. Everything else is for kubectl, in a folder of its own."""
PARTS = ("catalog", "priorities", "quotas", "limits", "network", "admission")
_LARGEST_POLICY = 1024**2
_HEAD = "# Rendered by `baton catalog render`: change the catalogue, and render again.\n"


@dataclass(frozen=True)
class Rendered:
    """What a cluster gets. The same catalogue, target and day give the same, byte for byte."""

    files: Mapping[str, str]
    """Text by path below the output folder; the paths of all `render` could write are `PATHS`."""
    notes: tuple[str, ...] = ()
    """What operations have to do by other means, a sentence each."""


def path_of(part: str) -> str:
    """Return where a part of the manifests is written."""
    return f"manifests/{part}.yaml"


PATHS = (VALUES, *map(path_of, PARTS))


def render(catalog: Catalog, content: Content, target: Target, today: date) -> Rendered:
    """Return values and manifests for the profiles that can be started on the day (UTC)."""
    offered = startable(catalog, today)
    parts: dict[str, list[Manifest]] = {
        "catalog": [render_folder(content.files, catalog, target)] if content.fits else [],
        "priorities": render_priorities(offered),
        "quotas": render_quotas(offered, target),
        "limits": [render_range(offered, target)],
        "network": [render_network(offered, target)],
        "admission": render_policy(offered, target),
    }
    texts = {VALUES: _HEAD + _dump([render_values(offered, target, content)])}
    texts |= {path_of(part): _HEAD + _dump(found) for part, found in parts.items() if found}
    return Rendered(MappingProxyType(texts), tuple(_notes(content, texts)))


def startable(catalog: Catalog, today: date) -> Catalog:
    """Return the catalogue without the profiles that nobody can start on the day."""
    offered = {n: p for n, p in catalog.profiles.items() if not obstacle(catalog, p, today)}
    return replace(catalog, profiles=MappingProxyType(offered))


def _notes(content: Content, texts: Mapping[str, str]) -> Iterable[str]:
    if not content.fits:
        yield (
            f"The catalogue and its evidence are {_mebibytes(content.size)}, and a ConfigMap holds"
            f" 1 MiB: mount them into the Hub at {MOUNT_PATH} from a volume or a Git checkout."
        )
    size = len(texts[path_of("admission")])
    if size > _LARGEST_POLICY:
        yield (
            f"The admission policy is {_mebibytes(size)}, and a cluster may keep no object of more"
            " than 1 MiB: retire profiles, or give another namespace a catalogue of its own."
        )


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.1f} MiB"


class _Dumper(yaml.SafeDumper):
    """Writes expressions as blocks, and quotes what another reader could take for a number."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else '"' if re.match(r"[-+.\d]", value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _dump(documents: list[dict[str, Any]]) -> str:
    return yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000
    )
