"""What a person set for their notebooks: whether they autolog, and what.

Read by kernels and by the Jupyter server, so nothing of either is imported here; and at every
kernel's start, so errors are imported where they are raised.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from baton_contract.errors import BadRequestError, ConflictError

AUTOLOG = ("off", "metrics", "models")
"""Nothing; metrics, parameters and data sets; models, their signatures and examples too."""
LONGEST_PATH = 4096
"""Characters of a notebook's path."""
LARGEST = 1024 * 1024
"""Bytes of the file: some ten thousand notebooks."""
DRIVE = "RTC:"
"""What jupyter-collaboration puts before a path."""


@dataclass(frozen=True)
class Settings:
    """What holds for all notebooks, and for those that differ, by path from the server's root.

    ``more`` is what else the file says; it is written back as it was.
    """

    autolog: str = "off"
    notebooks: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def effective(self, notebook: str | None) -> str:
        """Return what holds for a notebook, or for a kernel without one."""
        return self.notebooks.get(notebook or "", self.autolog)

    def with_all(self, autolog: str) -> Settings:
        """Return the settings with another one for all notebooks that have none of their own."""
        return replace(self, autolog=autolog)

    def with_notebook(self, notebook: str, autolog: str | None) -> Settings:
        """Return the settings with one notebook's own; None: it does as all do."""
        others = {path: word for path, word in self.notebooks.items() if path != notebook}
        return replace(self, notebooks=others if autolog is None else others | {notebook: autolog})

    def copied(self, old: str, new: str) -> Settings:
        """Return the settings after a notebook or folder was copied over what was at ``new``."""
        copies = {
            new + path.removeprefix(old): word
            for path, word in self.notebooks.items()
            if _is_within(path, old)
        }
        return replace(self, notebooks=self.deleted(new).notebooks | copies)

    def moved(self, old: str, new: str) -> Settings:
        """Return the settings after a notebook or folder was renamed over what was at ``new``."""
        if old == new:
            return self
        moved = self.copied(old, new)
        kept = {
            path: word
            for path, word in moved.notebooks.items()
            if not _is_within(path, old) or _is_within(path, new)
        }
        return replace(moved, notebooks=kept)

    def deleted(self, path: str) -> Settings:
        """Return the settings after a notebook or folder was deleted."""
        kept = {name: word for name, word in self.notebooks.items() if not _is_within(name, path)}
        return replace(self, notebooks=kept)


class SettingsFile:
    """The file that keeps them, on the home volume; only the person can read it.

    Each change is read and written under a lock, so that several kernels and servers lose
    nothing of one another's, and arrives whole or not at all.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or settings_path()

    def load(self) -> Settings:
        """Return what is set; an absent file sets nothing.

        Raises `ConflictError` (``broken_settings``) for a file that says nothing sensible.
        """
        try:
            with self.path.open("rb") as file:
                content = file.read(LARGEST + 1)
        except (FileNotFoundError, NotADirectoryError):
            return Settings()
        except OSError as error:
            raise self._broken(error.strerror or "it can't be read") from error
        return self._parse(content)

    def change(self, changed: Callable[[Settings], Settings]) -> Settings:
        """Write what ``changed`` makes of the settings, and return it.

        Raises `ConflictError` for a file that is broken, which stays as it is, and
        `UnavailableError` (``not_saved``) where nothing can be written.
        """
        try:
            with self._locked():
                before = self.load()
                after = changed(before)
                if after != before:
                    self._save(after)
        except OSError as error:
            from baton_contract.errors import UnavailableError

            said = error.strerror or str(error)
            raise UnavailableError(
                "not_saved",
                f"The setting could not be saved in your home ({said}). It is as it was.",
            ) from error
        return after

    def stamp(self) -> tuple[int, int, int] | None:
        """Return what differs after every change of the file; None where there is none."""
        return stamp_of(self.path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        lock = os.open(self.path.with_suffix(".lock"), flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _save(self, settings: Settings) -> None:
        said = settings.more | {"autolog": settings.autolog, "notebooks": settings.notebooks}
        content = json.dumps(said, indent=2).encode()
        if len(content) > LARGEST:
            raise _too_many()
        arriving = self.path.with_suffix(".arriving")
        with suppress(FileNotFoundError):
            arriving.unlink()  # Of a writer that died; whoever holds the lock is alone here.
        fd = os.open(arriving, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:  # noqa: PTH123 - of a descriptor
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        arriving.replace(self.path)

    def _parse(self, content: bytes) -> Settings:
        if len(content) > LARGEST:
            raise self._broken(f"it is larger than {LARGEST} bytes")
        try:
            said = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._broken(f"it is not JSON: {str(error)[:200]}") from error
        if not isinstance(said, dict):
            raise self._broken("it is not a JSON object")
        autolog, notebooks = said.pop("autolog", "off"), said.pop("notebooks", {})
        if not isinstance(notebooks, dict):
            raise self._broken("its notebooks are not a JSON object")
        for word in (autolog, *notebooks.values()):
            if word not in AUTOLOG:
                raise self._broken(f"{str(word)[:40]!r} is none of {', '.join(AUTOLOG)}")
        return Settings(autolog, notebooks, said)

    def _broken(self, what: str) -> ConflictError:
        from baton_contract.errors import ConflictError

        return ConflictError(
            "broken_settings",
            f"Your settings in {self.path} can't be used: {what}. Nothing was changed; mend "
            "the file, or remove it to start anew.",
        )


def settings_path() -> Path:
    """Return where a person's settings are."""
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "baton" / "settings.json"


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Return what differs after a file was replaced or written; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def parse_autolog(word: Any) -> str:
    """Return the setting that was asked for; `BadRequestError` for anything else."""
    if word not in AUTOLOG:
        from baton_contract.errors import BadRequestError

        raise BadRequestError(
            "unknown_autolog", f"Autologging is one of {', '.join(AUTOLOG)}.", path="autolog"
        )
    return str(word)


def parse_notebook(path: Any) -> str:
    """Return a notebook's path from the server's root, without a drive and idle parts.

    `BadRequestError` for what names no file below it.
    """
    if not isinstance(path, str) or not 0 < len(path) <= LONGEST_PATH:
        raise _no_notebook(f"A notebook's path is text of 1 to {LONGEST_PATH} characters.")
    plain = path.removeprefix(DRIVE)
    parts = [part for part in plain.split("/") if part not in {"", "."}]
    if plain.startswith("/") or ".." in parts or "\0" in plain or not parts:
        raise _no_notebook(
            "Name the notebook by its path from the server's folder, such as work/train.ipynb."
        )
    return "/".join(parts)


def _too_many() -> ConflictError:
    from baton_contract.errors import ConflictError

    return ConflictError(
        "too_many_settings",
        "Too many notebooks have a setting of their own. Nothing was changed; let some do as "
        "all do first.",
    )


def _no_notebook(message: str) -> BadRequestError:
    from baton_contract.errors import BadRequestError

    return BadRequestError("no_notebook_path", message, path="notebook")


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")
