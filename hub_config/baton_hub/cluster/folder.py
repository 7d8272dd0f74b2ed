"""The catalogue's own files as a ConfigMap, and how the Hub mounts it as a folder."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baton_hub.catalog import Catalog
from baton_hub.catalog.folder import read_files
from baton_hub.cluster.names import cluster_name
from baton_hub.cluster.target import Manifest, Target, manifest

NAME = "baton-profiles"
MOUNT_PATH = "/etc/baton/profiles"
LARGEST = 1024**2
"""Bytes that a ConfigMap holds, keys and values together."""
_PLAIN = re.compile(r"(?!.*--)[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True)
class Content:
    """The files that a catalogue is made of, evidence included, by path below its folder."""

    size: int
    """Bytes, with the keys that the files would have."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """In the order of their paths; empty when the cluster would not take them."""

    @property
    def fits(self) -> bool:
        """Tell whether the cluster takes them as one ConfigMap."""
        return self.size <= LARGEST


def read_content(folder: Path, evidence: Iterable[str]) -> Content:
    """Return the folder's own files and those that evidence names, if they fit.

    Raises `OSError` when one can't be read.
    """
    paths = sorted({*(path.name for path in read_files(folder).content), *evidence})
    size = sum(len(_key(path)) + (folder / path).stat().st_size for path in paths)
    if size > LARGEST:
        return Content(size)
    return Content(size, {path: (folder / path).read_bytes() for path in paths})


def render_folder(files: Mapping[str, bytes], catalog: Catalog, target: Target) -> Manifest:
    """Return the ConfigMap; a file that is no text stands under ``binaryData``."""
    data: dict[str, str] = {}
    binary: dict[str, str] = {}
    for path, content in files.items():
        try:
            data[_key(path)] = content.decode()
        except UnicodeDecodeError:
            binary[_key(path)] = b64encode(content).decode()
    parts = {"data": data, "binaryData": binary}
    return manifest(
        "ConfigMap",
        NAME,
        catalog.revision,
        namespace=target.namespace,
        **{part: content for part, content in parts.items() if content},
    )


def volume(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the Hub's volume. Keys are flat, so paths are named where they are not."""
    source: dict[str, Any] = {"name": NAME}
    if any(_key(path) != path for path in files):
        source["items"] = [{"key": _key(path), "path": path} for path in files]
    return {"name": NAME, "configMap": source}


def volume_mount() -> dict[str, Any]:
    """Return where the Hub sees it: a folder, since a single file would never be updated."""
    return {"name": NAME, "mountPath": MOUNT_PATH, "readOnly": True}


def _key(path: str) -> str:
    return path if _PLAIN.fullmatch(path) else cluster_name(path)
