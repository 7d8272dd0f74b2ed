"""`baton audit verify` notices every byte that is not as the Hub wrote it."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from baton_hub.audit import Audit
from baton_hub.audit.chain import START, Head, parse_line, seal
from baton_hub.audit.files import head_file, log_files
from baton_hub.audit.verify import verify
from baton_hub.commands.audit import command

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def write(path: Path, rotate_at: int = 0) -> None:
    """Write a small audit: five lines, a torn one and its mark among them."""
    audit = Audit(path, clock=lambda: NOON, rotate_at=rotate_at)
    for name in ("ada", "bob"):
        audit.record("spawn", user=name, decision="refused", code="no_profile")
    audit.close()
    with path.open("ab") as stream:
        stream.write(b'{"code":"no_prof')
    audit = Audit(path, clock=lambda: NOON, rotate_at=rotate_at)
    audit.record("spawn", user="kim", decision="refused", code="no_profile")
    audit.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "audit.jsonl"
    write(made)
    return made


def is_sound(path: Path) -> bool:
    return not verify([path]).flaws


def unnoticed(path: Path, changes: list[tuple[str, bytes]]) -> list[str]:
    """Return which changes of a file verify does not notice; the file is as before afterwards."""
    audit = path.with_name("audit.jsonl")
    whole = path.read_bytes()
    missed = []
    for name, data in changes:
        path.write_bytes(data)
        if data != whole and is_sound(audit):
            missed.append(name)
    path.write_bytes(whole)
    assert is_sound(audit)
    return missed


def flips(data: bytes) -> list[tuple[str, bytes]]:
    return [
        (f"byte {i} changed", data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :])
        for i in range(len(data))
    ]


def cuts(data: bytes) -> list[tuple[str, bytes]]:
    return [(f"only {length} bytes", data[:length]) for length in range(len(data))]


def gaps(data: bytes) -> list[tuple[str, bytes]]:
    return [(f"without byte {i}", data[:i] + data[i + 1 :]) for i in range(len(data))]


def insertions(data: bytes) -> list[tuple[str, bytes]]:
    return [
        (f"{byte!r} before byte {i}", data[:i] + byte + data[i:])
        for i in range(len(data) + 1)
        for byte in (b" ", b"\n")
    ]


def lines(data: bytes) -> list[tuple[str, bytes]]:
    """Return it without each line, with each twice, and with each two lines exchanged."""
    each = data.splitlines(keepends=True)
    changed = []
    for i in range(len(each)):
        changed.append((f"without line {i}", [*each[:i], *each[i + 1 :]]))
        changed.append((f"line {i} twice", [*each[: i + 1], *each[i:]]))
        changed.append((f"only {i} lines", each[:i]))
    for i, j in itertools.combinations(range(len(each)), 2):
        swapped = list(each)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        changed.append((f"lines {i} and {j} exchanged", swapped))
    return [(name, b"".join(found)) for name, found in changed]


@pytest.mark.parametrize("change", [flips, cuts, gaps, insertions, lines])
def test_no_change_of_the_log_goes_unnoticed(
    path: Path, change: Callable[[bytes], list[tuple[str, bytes]]]
) -> None:
    """Every byte changed, left out, and something put before it; every line too."""
    assert unnoticed(path, change(path.read_bytes())) == []


@pytest.mark.parametrize("change", [flips, cuts, gaps])
def test_no_change_of_the_head_goes_unnoticed(
    path: Path, change: Callable[[bytes], list[tuple[str, bytes]]]
) -> None:
    head = head_file(path)
    assert unnoticed(head, change(head.read_bytes())) == []


def test_no_change_of_a_rotated_file_goes_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, rotate_at=500)
    files = log_files(path)
    assert len(files) > 1
    for file in files:
        data = file.read_bytes()
        assert unnoticed(file, [*flips(data), *cuts(data), *lines(data)]) == []
    for file in files[:-1]:
        aside = file.rename(tmp_path / "aside")
        assert not is_sound(path)
        aside.rename(file)
    assert is_sound(path)


def test_a_line_that_was_rewritten_with_its_hash_is_noticed_by_the_next(path: Path) -> None:
    """Whoever changes a line has to change all that follow."""
    before, line, *rest = path.read_bytes().splitlines(keepends=True)
    event = {**json.loads(line), "user": "mallory"}
    facts = {k: v for k, v in event.items() if k not in ("schema", "seq", "prev", "hash")}
    forged, _ = seal(facts, Head(1, parse_line(before)["hash"]))
    path.write_bytes(b"".join([before, forged, *rest]))
    (flaw,) = verify([path]).flaws
    assert (flaw.line, flaw.sentence) == (3, "This line does not follow line 2 as it stands here.")


def test_only_an_anchor_kept_elsewhere_notices_a_chain_that_was_written_anew(
    path: Path, tmp_path: Path
) -> None:
    """Honestly: a chain without a key stands for order, not for who wrote it."""
    anchor = verify([path]).last
    before, data = START, b""
    for number in range(anchor.seq):
        line, before = seal({"event": "begin", "set_aside": None, "number": number}, before)
        data += line
    path.write_bytes(data)
    head_file(path).write_text(f"{before}\n")
    assert is_sound(path)
    (flaw,) = verify([path], anchors=[anchor]).flaws
    assert "is not the one that was noted" in flaw.sentence


def test_a_mark_of_a_torn_line_covers_exactly_what_was_torn(path: Path) -> None:
    each = path.read_bytes().splitlines(keepends=True)
    torn = next(i for i, line in enumerate(each) if not line.endswith(b"}\n"))
    each[torn] = b'{"code":"no_proF\n'
    path.write_bytes(b"".join(each))
    (flaw,) = [flaw for flaw in verify([path]).flaws if flaw.line == torn + 1]
    assert "not as the Hub wrote it" in flaw.sentence


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_each_flaw_is_told_with_file_and_line_and_exit_code_1(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"user":"ada"', b'"user":"bob"'))
    result = run("verify", path)
    assert result.exit_code == 1
    assert result.stderr == (
        f"{path}:2: This line was changed: the line's content does not fit its hash.\n"
    )


def test_head_and_verify_fit_together(path: Path, tmp_path: Path) -> None:
    head = run("head", path)
    assert head.exit_code == 0
    noted = head.stdout.strip()
    assert head_file(path).read_text().strip() == noted
    whole = run("verify", path, "--head", noted)
    assert (whole.exit_code, "all as written" in whole.stdout) == (0, True)
    assert "1 torn line that a crash left is marked." in whole.stdout
    # Elsewhere, without the head beside it.
    copy = tmp_path / "copy"
    copy.write_bytes(path.read_bytes())
    assert run("verify", copy).exit_code == 1
    assert run("verify", copy, "--head", noted).exit_code == 0
    copy.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    short = run("verify", copy, "--head", noted)
    assert "Line 5 is missing at the end" in short.stderr
    wrong = run("verify", copy, "--head", "six")
    assert (wrong.exit_code, "64 hexadecimal digits" in wrong.stderr) == (2, True)


def test_an_audit_whose_older_files_were_moved_away_is_verified_from_there_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, rotate_at=500)
    oldest, *_ = log_files(path)
    archived = run("head", oldest).stdout.strip()
    (tmp_path / "archive").mkdir()
    oldest.rename(tmp_path / "archive" / oldest.name)
    result = run("verify", path)
    assert result.exit_code == 1
    assert f"give --from {archived}" in result.stderr
    assert run("verify", path, "--from", archived).exit_code == 0
    assert run("verify", path, "--from", f"{archived[:-1]}x").exit_code == 2
    wrong = archived[:-1] + ("0" if archived[-1] != "0" else "1")
    assert run("verify", path, "--from", wrong).exit_code == 1


def test_what_is_no_audit_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "deep").write_bytes(b"[" * 100_000 + b"\n")
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "wrong.gz").write_bytes(b"not gzip")
    for name in ("empty", "deep", "binary", "wrong.gz"):
        result = run("verify", tmp_path / name)
        assert (result.exit_code, "Traceback" in result.output) == (1, False), name
        assert str(tmp_path / name) in result.stderr
        assert run("head", tmp_path / name).exit_code == 1


def test_an_audit_can_be_verified_while_a_hub_writes_and_rotates_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = Audit(path, rotate_at=20_000)
    audit.open()
    asyncio.run(audit.durable())
    is_done = threading.Event()

    def write_on() -> None:
        while not is_done.is_set():
            audit.record("spawn", user="ada", decision="refused", code="no_profile")

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        runs = 0
        # How quickly it is rotated depends on how quick the disk is.
        while runs < 20 or len(log_files(path)) <= 2:
            result = run("verify", path)
            assert result.exit_code == 0, result.stderr
            runs += 1
    finally:
        is_done.set()
        writer.join()
        audit.close()
    assert len(log_files(path)) > 2
