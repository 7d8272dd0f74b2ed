"""Every fault of a catalogue is found, once, at its line, with its code."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from baton_hub.catalog import Fault, read_catalog

CORPUS = Path(__file__).parent / "bad_profiles"
CASES = sorted(CORPUS.iterdir())
TODAY = date(2026, 11, 24)
_MARK = re.compile(r"# (fault|warning): ([a-z_0-9]+)")


def marks(folder: Path) -> list[tuple[str, int, str, bool]]:
    """Return what the files themselves say is wrong: file, line, code, whether it only warns."""
    return [
        (path.name, number, match[2], match[1] == "warning")
        for path in sorted(folder.glob("*.y*ml"))
        for number, line in enumerate(path.read_text().split("\n"), 1)
        if (match := _MARK.search(line))
    ]


def laid_out(case: Path, folder: Path) -> Path:
    """Copy a case into a folder, with rules that ask for no evidence unless it has its own."""
    (folder / "evidence.yaml").write_text("required: []\n")
    if case.is_dir():
        shutil.copytree(case, folder, dirs_exist_ok=True)
    else:
        shutil.copy(case, folder)
    return folder


def found(faults: tuple[Fault, ...]) -> list[tuple[str, int, str, bool]]:
    return [(fault.file.name, fault.line, fault.code, fault.is_warning) for fault in faults]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_bad_file_has_this_one_fault_at_this_line(case: Path, tmp_path: Path) -> None:
    folder = laid_out(case, tmp_path)
    expected = marks(folder)
    assert len(expected) == 1
    reading = read_catalog(folder, today=TODAY)
    assert found(reading.faults) == expected, "\n".join(map(str, reading.faults))
    [fault] = reading.faults
    assert fault.column >= 1
    assert re.fullmatch(r".{10,}[.?…]", fault.message), fault.message
    assert (reading.catalog is None) == fault.refuses


def test_the_corpus_is_large_enough() -> None:
    assert len(CASES) >= 80


def test_all_faults_are_found_at_once(tmp_path: Path) -> None:
    """Each file is still wrong at the same places when all of them are in one folder."""
    (tmp_path / "evidence.yaml").write_text("required: []\n")
    for case in CASES:
        if case.is_file():
            shutil.copy(case, tmp_path)
    reading = read_catalog(tmp_path, today=TODAY)
    between = {"name_clash", "no_replacement"}
    assert [each for each in found(reading.faults) if each[2] not in between] == marks(tmp_path)
