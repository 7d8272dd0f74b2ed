"""No file can do harm: whatever lies in the folder makes one fault, quickly."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from baton_hub.catalog import read_catalog
from baton_hub.catalog.codes import CODES
from baton_hub.catalog.document import MAX_VALUES
from baton_hub.catalog.folder import LARGEST
from baton_hub.catalog.secrets import means_secret

PROFILES = Path(__file__).parents[2] / "profiles"
HEAD = b"name: example\n"
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n".encode()
    for before, name in zip("abcdefghijklmnop", "bcdefghijklmnopq", strict=True)
)
CONTENTS = {
    "alias_bomb": (BOMB, "too_large"),
    "nested_lists": (b"a: " + b"[" * 400_000, "too_large"),
    "nested_mappings": (b"a: " + b"{a: " * 200_000, "too_large"),
    "nested_blocks": (b"- " * 400_000, "too_large"),
    "nested_keys": (b"? " * 400_000, "not_yaml"),
    "indented": (b"\n".join(b" " * n + b"a:" for n in range(1000)), "too_large"),
    "many_values": (b"a: [" + b"1," * (MAX_VALUES + 1) + b"]", "too_large"),
    "huge": (b"#" * (LARGEST + 1), "too_large"),
    "one_long_text": (b"name: " + b"a" * (LARGEST - 10), "wrong_value"),
    "python_tag": (HEAD + b"x: !!python/object/apply:time.sleep [60]\n", "unknown_tag"),
    "latin_1": (HEAD + "title: Übung\n".encode("latin-1"), "not_utf8"),
    "utf_16": ("name: example\n".encode("utf-16"), "not_utf8"),
    "binary": (bytes(range(256)), "not_utf8"),
    "zeros": (b"\0" * 100, "not_yaml"),
    "control": (b"name: \x1b[31m\n", "not_yaml"),
    "surrogate": (b"name: \xed\xa0\x80\n", "not_utf8"),
    "long_number": (b"name: " + b"9" * 5000 + b"\n", "wrong_value"),
    "percent": (b"%YAML 9.9\n---\nname: x\n", "not_yaml"),
    "nothing": (b"", "empty_file"),
}


def codes_of(folder: Path) -> list[str]:
    """Return the codes, without those of keys that are only missing beside the fault."""
    codes = [fault.code for fault in read_catalog(folder).faults]
    return [c for c in codes if c not in ("missing_key", "no_sizes", "access_to_nobody")]


@pytest.mark.parametrize("name", CONTENTS)
def test_hostile_content_makes_one_fault_quickly(name: str, tmp_path: Path) -> None:
    content, code = CONTENTS[name]
    (tmp_path / "bad.yaml").write_bytes(content)
    begun = time.perf_counter()
    assert codes_of(tmp_path) == [code]
    assert time.perf_counter() - begun < 1


def test_no_message_repeats_a_long_value(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(CONTENTS["one_long_text"][0])
    assert all(len(fault.message) < 400 for fault in read_catalog(tmp_path).faults)


def test_a_byte_order_mark_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(b"\xef\xbb\xbfname: Example\n")
    fault = next(f for f in read_catalog(tmp_path).faults if f.code == "wrong_value")
    assert (fault.line, fault.column) == (1, 7)


def loop(path: Path) -> None:
    path.symlink_to(path)


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [loop, dangling, pipe, Path.mkdir])
def test_what_is_no_file_is_one_fault(make: Callable[[Path], None], tmp_path: Path) -> None:
    """A pipe is not waited for either."""
    make(tmp_path / "bad.yaml")
    [fault] = read_catalog(tmp_path).faults
    assert (fault.code, fault.line, fault.column) == ("unreadable", 1, 1)


def test_files_that_editors_leave_are_nobodys(tmp_path: Path) -> None:
    (tmp_path / ".#python.yaml").symlink_to("somebody@host.1234")
    (tmp_path / ".python.yaml.swp").write_bytes(b"\0")
    (tmp_path / "python.yaml~").write_text("name: old\n")
    (tmp_path / "README.md").write_text("Our profiles.\n")
    assert [fault.code for fault in read_catalog(tmp_path).faults] == ["no_profiles"]


@pytest.mark.parametrize("name", ["python.yam", "quotas.json", "team-a/python.yaml"])
def test_a_file_that_nobody_reads_is_pointed_at(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("name: python\n")
    warnings = [fault for fault in read_catalog(tmp_path).faults if fault.is_warning]
    assert [(w.code, w.file) for w in warnings] == [("unused_file", tmp_path / Path(name).parts[0])]


@pytest.mark.parametrize(
    ("variable", "is_secret"),
    [
        ("DB_PASSWORD", True),
        ("PGPASSWORD", True),
        ("api_key", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("HF_TOKEN", True),
        ("STORAGE_ACCOUNT_KEY", True),
        ("AWS_ACCESS_KEY_ID", False),
        ("TOKENIZERS_PARALLELISM", False),
        ("MAX_TOKENS", False),
        ("HF_TOKEN_PATH", False),
        ("TOKEN_URL", False),
        ("SORT_KEY", False),
        ("PWD", False),
        ("SECRETARY", False),
    ],
)
def test_names_that_mean_a_secret_are_known(variable: str, is_secret: bool) -> None:
    assert means_secret(variable) is is_secret


def test_no_fault_shows_the_secret(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "environment: {DB_PASSWORD: hunter22}\n# amqp://me:hunter22@queue\n"
    )
    faults = read_catalog(tmp_path).faults
    assert "plain_secret" in {fault.code for fault in faults}
    assert not [fault for fault in faults if "hunter22" in str(fault)]


SCRAPS = (
    b":",
    b"- ",
    b"[",
    b"{",
    b"&a ",
    b"*a",
    b"\t",
    b'"',
    b"\n",
    b"!!int ",
    b"? ",
    b"|\n",
    b"<<: ",
)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return a file with a few bytes changed, put in or left out."""
    damaged = bytearray(content)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(damaged))
        length = chance.choice((0, 1, 20))
        damaged[at : at + length] = chance.choice((*SCRAPS, b"", chance.randbytes(1)))
    return bytes(damaged)


def test_any_damage_ends_in_a_catalogue_or_in_faults(tmp_path: Path) -> None:
    """Never in an exception; every sentence stays short and on one line."""
    chance = random.Random(7)
    examples = {path.name: path.read_bytes() for path in PROFILES.glob("*.yaml")}
    for _ in range(80):
        for name, content in examples.items():
            intact = chance.random() < 0.7
            (tmp_path / name).write_bytes(content if intact else damaged(content, chance))
        reading = read_catalog(tmp_path)
        assert (reading.catalog is None) == bool(reading.refusing)
        for fault in reading.faults:
            assert fault.code in CODES
            assert len(fault.message) < 1500
            assert "\n" not in fault.message
