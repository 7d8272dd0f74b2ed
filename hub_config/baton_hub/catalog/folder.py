"""A catalogue's folder: which of its files are read, and whether they changed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from baton_hub.catalog.fault import Fault

SUFFIXES = (".yaml", ".yml")
LARGEST = 1024**2
"""Bytes of the largest file that is read; Kubernetes keeps no more in a ConfigMap."""


@dataclass
class Files:
    """The files of a catalogue, in the order of their names, and what can't be read of them."""

    content: dict[Path, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def revision(self) -> str:
        """The name of this content: SHA-256 over the files' names and what they hold."""
        digest = hashlib.sha256()
        for path, content in self.content.items():
            digest.update(f"{path.name}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()


def read_files(folder: Path) -> Files:
    """Return the YAML files directly in a folder. Hidden ones are nobody's: editors make them."""
    files = Files()
    try:
        paths = sorted(path for path in folder.iterdir() if _is_catalogue(path.name))
    except OSError as error:
        message = f"The folder can't be read: {error.strerror}. Name a folder with profile files."
        files.faults.append(Fault(folder, 1, 1, "unreadable", message))
        return files
    for path in paths:
        try:
            files.content[path] = _content(path)
        except OSError as error:
            message = f"The file can't be read: {error.strerror}. Mend or remove it."
            files.faults.append(Fault(path, 1, 1, "unreadable", message))
        except ValueError as error:
            files.faults.append(Fault(path, 1, 1, "too_large", str(error)))
    return files


def _is_catalogue(name: str) -> bool:
    return name.endswith(SUFFIXES) and not name.startswith(".")


def _content(path: Path) -> bytes:
    # Without waiting for a writer, should somebody have put a pipe there.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        entry = os.fstat(handle)
        if not stat.S_ISREG(entry.st_mode):
            raise OSError(0, "it is no file")
        if entry.st_size > LARGEST:
            raise ValueError(f"The file has more than {LARGEST} bytes. Make it smaller.")
        return stream.read(LARGEST + 1)


def unused_files(folder: Path, named: Iterable[str]) -> Iterator[Fault]:
    """Yield files beside the catalogue's that nobody reads, though somebody may think so.

    ``named`` are the files that evidence names.
    """
    used = set(named)
    for path in _listed(folder):
        name = path.name
        if _is_catalogue(name) or _is_nobodys(name) or name in used:
            continue
        if not path.is_dir():
            message = "Nothing reads this file. Let its name end in .yaml, or remove it."
        elif any(_is_catalogue(inner.name) for inner in _listed(path)):
            message = "Only files directly in the catalogue's folder are read. Move them up."
        else:
            continue
        yield Fault(path, 1, 1, "unused_file", message, is_warning=True)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        # Whether it can be read is reported where it has to be.
        return []


def _is_nobodys(name: str) -> bool:
    return name.startswith(".") or name.endswith(("~", ".md", ".txt")) or name == "LICENSE"


Fingerprint = Mapping[str, tuple[int, ...]]
"""Of each file what its entry says, which changes with its content."""


def fingerprint(folder: Path, named: Iterable[str] = ()) -> Fingerprint:
    """Return what the file system says of the catalogue's files, and of those evidence names.

    It reads no file: of 500 profiles with their evidence it takes some 3 milliseconds.
    """
    # Plain text and no `Path`, which would take twice as long: this runs all day.
    root = os.fspath(folder)
    found: dict[str, tuple[int, ...]] = {}
    try:
        names = [name for name in os.listdir(root) if _is_catalogue(name)]  # noqa: PTH208
    except OSError as error:
        return {"": (error.errno or 0,)}
    for name in (*names, *named):
        try:
            entry = os.stat(f"{root}/{name}")  # noqa: PTH116
        except OSError as error:
            found[name] = (error.errno or 0,)
        else:
            found[name] = (
                entry.st_dev,
                entry.st_ino,
                entry.st_size,
                entry.st_mtime_ns,
                entry.st_ctime_ns,
                entry.st_mode,
            )
    return found
