"""Secrets of data connections on one machine: files, as Kubernetes would mount them."""

from __future__ import annotations

from pathlib import Path

from baton_hub.catalog.connections import SecretReference

LONGEST = 64 * 1024
"""Bytes; an environment variable can't be much longer."""


class SecretError(Exception):
    """A secret can't be used. The text is for operations: it names the file, never the value."""


def read_secret(folder: Path | None, reference: SecretReference) -> str:
    """Return the value in ``folder/SECRET/KEY``, without one line break at its end.

    A catalogue's names of secrets and keys can't lead out of the folder. Raises
    `SecretError` when there is no folder, no such file, or no text of a usable length in it.
    """
    if folder is None:
        raise SecretError("no secrets_folder is set")
    path = folder / reference.secret / reference.key
    try:
        # Only a file: reading from a pipe or a device might never end.
        if not path.is_file():
            raise SecretError(f"there is no file {path}")
        with path.open("rb") as stream:
            content = stream.read(LONGEST + 1)
        text = content.decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise SecretError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not text") from None
    if not text or len(content) > LONGEST or "\0" in text:
        raise SecretError(f"{path} is empty, longer than {LONGEST} bytes, or no text")
    return text
