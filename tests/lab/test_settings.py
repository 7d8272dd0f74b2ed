"""What a person sets for their notebooks: kept whole, through every hand that changes it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from baton_contract.errors import BadRequestError, ConflictError, PublicError, UnavailableError
from baton_lab.following import follow
from baton_lab.settings import (
    LARGEST,
    Settings,
    SettingsFile,
    parse_autolog,
    parse_notebook,
)

WRITER = """
import sys
from pathlib import Path
from baton_lab.settings import SettingsFile

file, name = SettingsFile(Path(sys.argv[1])), sys.argv[2]
sys.stdin.readline()
for number in range(40):
    file.change(lambda settings: settings.with_notebook(f"{name}/{number}.ipynb", "metrics"))
"""


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    return SettingsFile(tmp_path / "baton" / "settings.json")


def put(file: SettingsFile, content: str | bytes) -> None:
    file.path.parent.mkdir(exist_ok=True)
    file.path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_nothing_is_on_until_somebody_turns_it_on(file: SettingsFile) -> None:
    assert file.load() == Settings()
    assert file.load().effective("a.ipynb") == file.load().effective(None) == "off"
    assert file.stamp() is None
    assert not file.path.parent.exists()


def test_a_notebooks_own_setting_wins_and_can_be_taken_away(file: SettingsFile) -> None:
    file.change(lambda settings: settings.with_all("metrics"))
    file.change(lambda settings: settings.with_notebook("größe/b c.ipynb", "models"))
    assert file.load().effective("größe/b c.ipynb") == "models"
    assert file.load().effective("other.ipynb") == "metrics"
    file.change(lambda settings: settings.with_notebook("größe/b c.ipynb", None))
    assert file.load() == Settings("metrics")


def test_a_name_that_is_no_text_is_kept(file: SettingsFile) -> None:
    """As the file system has them, and a kernel names them."""
    file.change(lambda settings: settings.with_notebook("\udcff.ipynb", "models"))
    assert file.load().effective("\udcff.ipynb") == "models"


def test_only_the_person_can_read_it(file: SettingsFile) -> None:
    file.change(lambda settings: settings.with_all("metrics"))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert {path.name for path in file.path.parent.iterdir()} == {"settings.json", "settings.lock"}


def test_every_change_can_be_seen_from_outside(file: SettingsFile) -> None:
    """Also two of the same size within one tick of the file system's clock."""
    stamps = set()
    for word in ("metrics", "off", "metrics"):
        file.change(lambda settings, word=word: settings.with_all(word))
        stamps.add(file.stamp())
    assert len(stamps) >= 2
    assert None not in stamps


def test_two_processes_that_write_at_once_lose_nothing(file: SettingsFile) -> None:
    command = [sys.executable, "-c", WRITER, os.fspath(file.path)]
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, text=True) for name in ("a", "b")
    ]
    for one in writers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.close()
    assert [one.wait(60) for one in writers] == [0, 0]
    assert len(file.load().notebooks) == 80


def test_what_a_later_version_wrote_beside_it_stays(file: SettingsFile) -> None:
    put(file, '{"autolog": "metrics", "notebooks": {}, "colour": [1]}')
    file.change(lambda settings: settings.with_all("off"))
    assert json.loads(file.path.read_bytes())["colour"] == [1]


def test_an_interrupted_writer_is_no_trouble_for_the_next(file: SettingsFile) -> None:
    put(file, '{"autolog": "metrics"}')
    file.path.with_suffix(".arriving").write_text("torn")
    file.change(lambda settings: settings.with_all("models"))
    assert file.load().autolog == "models"


@pytest.mark.parametrize(
    "content",
    [
        '{"autolog"',
        "",
        "[]",
        b"\xff\xfe",
        '{"autolog": "loud"}',
        '{"autolog": null}',
        '{"notebooks": []}',
        '{"notebooks": {"a.ipynb": ["metrics"]}}',
        "[" * 100_000,
        " " * (LARGEST + 1),
    ],
    ids=lambda content: repr(content[:24]),
)
def test_a_broken_file_is_one_error_and_stays_as_it_is(
    file: SettingsFile, content: str | bytes
) -> None:
    put(file, content)
    before = file.path.read_bytes()
    for ask in (file.load, lambda: file.change(lambda settings: settings.with_all("off"))):
        with pytest.raises(ConflictError) as raised:
            ask()
        assert raised.value.code == "broken_settings"
        assert str(file.path) in raised.value.message
        assert len(raised.value.message) < 500 + len(str(file.path))
    assert file.path.read_bytes() == before


def test_a_folder_in_the_files_place_is_said(file: SettingsFile) -> None:
    file.path.mkdir(parents=True)
    with pytest.raises(ConflictError, match="Is a directory"):
        file.load()


def test_a_home_that_takes_nothing_is_said_and_changes_nothing(file: SettingsFile) -> None:
    file.path.parent.write_text("in the way")
    assert file.load() == Settings()
    with pytest.raises(UnavailableError) as raised:
        file.change(lambda settings: settings.with_all("metrics"))
    assert raised.value.code == "not_saved"


def test_a_read_only_home_is_said(tmp_path: Path) -> None:
    """As somebody who may not write there; root always may."""
    code = (
        "import sys; from pathlib import Path; from baton_lab.settings import SettingsFile\n"
        "from baton_contract.errors import PublicError\n"
        "import os; os.geteuid() == 0 and os.setuid(65534)\n"
        "file = SettingsFile(Path('baton/settings.json'))\n"
        "print(file.load().autolog)\n"
        "try: file.change(lambda settings: settings.with_all('off'))\n"
        "except PublicError as error: print(error.message)\n"
    )
    folder = tmp_path / "baton"
    folder.mkdir()
    (folder / "settings.json").write_text('{"autolog": "models"}')
    folder.chmod(0o555)
    # The folders above let nobody else in, so the path is relative.
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    folder.chmod(0o755)
    read, said = done.stdout.splitlines()
    assert read == "models"
    assert said.startswith("The setting could not be saved in your home (Permission denied).")


def test_too_many_notebooks_are_refused_and_none_is_lost(file: SettingsFile) -> None:
    many = {f"{number:05}/{'x' * 4000}.ipynb": "metrics" for number in range(250)}
    file.change(lambda _: Settings("off", many))
    with pytest.raises(PublicError) as raised:
        file.change(lambda settings: Settings("off", many | {"y" * 90_000: "off"}))
    assert raised.value.code == "too_many_settings"
    assert file.load().notebooks == many


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("a.ipynb", "a.ipynb"),
        ("RTC:größe/b c.ipynb", "größe/b c.ipynb"),
        ("./a//b.ipynb", "a/b.ipynb"),
        ("a..b/...ipynb", "a..b/...ipynb"),
        ("日本/\U0001f600.ipynb", "日本/\U0001f600.ipynb"),
    ],
)
def test_a_notebook_has_one_name(said: str, path: str) -> None:
    assert parse_notebook(said) == path


@pytest.mark.parametrize(
    "said",
    [
        "",
        "/",
        ".",
        "/a.ipynb",
        "RTC:/a.ipynb",
        "../a",
        "a/../../b",
        "a\0b",
        "x" * 4097,
        None,
        ["a"],
    ],
)
def test_what_names_no_notebook_is_refused(said: Any) -> None:
    with pytest.raises(BadRequestError):
        parse_notebook(said)


@pytest.mark.parametrize("word", ["on", "", "Metrics", None, True, ["off"], {}])
def test_another_word_is_refused(word: Any) -> None:
    with pytest.raises(BadRequestError, match="off, metrics, models"):
        parse_autolog(word)


OWN = {"a.ipynb": "metrics", "d/b.ipynb": "models", "d/e/c.ipynb": "off", "dd/b.ipynb": "metrics"}


@pytest.mark.parametrize(
    ("event", "after"),
    [
        (
            {"action": "rename", "source_path": "/a.ipynb", "path": "z/ü.ipynb"},
            {"z/ü.ipynb": "metrics", "a.ipynb": None},
        ),
        (
            {"action": "rename", "source_path": "d", "path": "z/"},
            {"z/b.ipynb": "models", "z/e/c.ipynb": "off", "d/b.ipynb": None, "d/e/c.ipynb": None},
        ),
        (
            {"action": "rename", "source_path": "unknown.ipynb", "path": "a.ipynb"},
            {"a.ipynb": None},
        ),
        ({"action": "rename", "source_path": "a.ipynb", "path": "a.ipynb"}, {}),
        (
            {"action": "copy", "source_path": "a.ipynb", "path": "a-Copy1.ipynb"},
            {"a-Copy1.ipynb": "metrics"},
        ),
        (
            {"action": "copy", "source_path": "d", "path": "f"},
            {"f/b.ipynb": "models", "f/e/c.ipynb": "off"},
        ),
        ({"action": "copy", "source_path": "new.ipynb", "path": "a.ipynb"}, {"a.ipynb": None}),
        ({"action": "delete", "path": "a.ipynb"}, {"a.ipynb": None}),
        ({"action": "delete", "path": "d"}, {"d/b.ipynb": None, "d/e/c.ipynb": None}),
    ],
    ids=lambda case: " ".join(map(str, case.values())) if "action" in case else "",
)
def test_a_setting_goes_with_its_notebook(
    file: SettingsFile, event: dict[str, str], after: dict[str, str | None]
) -> None:
    file.change(lambda _: Settings("off", dict(OWN)))
    follow(file, event)
    expected = {path: word for path, word in (OWN | after).items() if word is not None}
    assert file.load().notebooks == expected
