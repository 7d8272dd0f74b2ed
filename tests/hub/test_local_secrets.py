"""Secrets of connections on one machine: read as files, and never told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from baton_hub.catalog.connections import SecretReference
from baton_hub.spawner.secrets import LONGEST, SecretError, read_secret

KEY = SecretReference.model_validate({"secret": "lake", "key": "password"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "lake").mkdir()
    return tmp_path / "lake" / "password"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"word", "word"),
        (b"word\n", "word"),
        (b"word\r\n", "word"),
        (b"two\nlines\n\n", "two\nlines\n"),
        (b" spaced ", " spaced "),
        ("wörd".encode(), "wörd"),
        (b"{username} $(HOME)", "{username} $(HOME)"),
    ],
)
def test_a_value_is_what_the_file_holds_without_one_line_break(
    file: Path, content: bytes, value: str
) -> None:
    file.write_bytes(content)
    assert read_secret(file.parents[1], KEY) == value


def test_a_secret_may_be_mounted_as_kubernetes_does_with_links(file: Path) -> None:
    data = file.parent / "..data"
    data.mkdir()
    (data / "password").write_text("word")
    file.symlink_to(Path("..data") / "password")
    assert read_secret(file.parents[1], KEY) == "word"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a\0b", b"\xff\xfe", b"x" * (LONGEST + 1)], ids=len
)
def test_what_no_variable_can_hold_is_no_secret_and_is_not_told(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(SecretError) as caught:
        read_secret(file.parents[1], KEY)
    assert str(file) in str(caught.value)
    assert "xxx" not in str(caught.value)


def test_what_is_no_file_is_not_waited_for(file: Path) -> None:
    """Reading from a pipe that nobody writes to would stop the whole Hub."""
    os.mkfifo(file)
    with pytest.raises(SecretError, match="there is no file"):
        read_secret(file.parents[1], KEY)


def test_without_a_folder_there_is_no_secret() -> None:
    with pytest.raises(SecretError, match="no secrets_folder"):
        read_secret(None, KEY)


@pytest.mark.parametrize("name", ["..", ".", "../lake", "a/b", "/etc", "a\0", ""])
def test_no_name_of_a_catalogue_leads_out_of_the_folder(name: str) -> None:
    for reference in ({"secret": name, "key": "k"}, {"secret": "s", "key": name}):
        with pytest.raises(ValueError, match="pattern"):
            SecretReference.model_validate(reference)
