"""The audit: a chain of lines, written by one process, that survives crashes and full disks."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from baton_contract import UnavailableError
from baton_hub.audit import Audit
from baton_hub.audit.appender import BusyError
from baton_hub.audit.chain import REASON, START, TEXT, Head, parse_line, seal
from baton_hub.audit.files import log_files
from baton_hub.audit.log import MAX_WAITING
from baton_hub.audit.replay import read_chain
from baton_hub.audit.verify import verify

NOON = datetime(2026, 7, 1, 12, 0, 0, 5000, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def audit(path: Path) -> Iterator[Audit]:
    made = Audit(path, clock=lambda: NOON)
    yield made
    made.close()


def refuse(audit: Audit, number: int = 0, **facts: Any) -> None:
    audit.record("spawn", user=f"user-{number}", decision="refused", code="no_profile", **facts)


def reopened(audit: Audit, path: Path, **settings: Any) -> Audit:
    """Return the audit as the next Hub has it."""
    audit.close()
    return Audit(path, clock=lambda: NOON, **settings)


def events(path: Path) -> list[dict[str, Any]]:
    return [event for _, _, event in read_chain(path)]


def kinds(path: Path) -> list[str]:
    return [event.get("code") or event["event"] for event in events(path)]


def sound(path: Path) -> bool:
    verdict = verify([path])
    assert not verdict.flaws, [str(flaw) for flaw in verdict.flaws]
    return True


def test_each_event_is_one_line_of_json_with_its_time_and_place(audit: Audit, path: Path) -> None:
    refuse(audit, reason="two\nlines \ud800")
    before = path.read_bytes()
    refuse(audit)
    assert path.read_bytes().startswith(before)
    begin, first, second = [json.loads(line) for line in path.read_text().splitlines()]
    assert begin["event"] == "begin"
    assert first["time"] == "2026-07-01T12:00:00.005Z"
    assert first["reason"] == "two\nlines \\ud800"
    assert [line["seq"] for line in (begin, first, second)] == [1, 2, 3]
    assert (begin["prev"], second["prev"]) == ("0" * 64, first["hash"])


def test_a_lines_hash_is_that_of_its_canonical_form_without_it() -> None:
    """So that anybody can check it with ten lines of any language."""
    line, head = seal({"event": "stop", "cpu": 1.0, "who": "é"}, START)
    body = {k: v for k, v in json.loads(line).items() if k != "hash"}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert head == Head(1, hashlib.sha256(canonical.encode()).hexdigest())
    assert parse_line(line)["hash"] == head.hash


def test_text_from_outside_is_bounded(audit: Audit, path: Path) -> None:
    refuse(
        audit,
        profile="x" * 10_000,
        reason="y" * 10_000,
        groups=["g" * 500] * 5000,
        memory=2**60,
    )
    event = events(path)[-1]
    assert (len(event["profile"]), len(event["reason"])) == (TEXT, REASON)
    assert (len(event["groups"]), len(event["groups"][0])) == (2000, TEXT)
    assert event["memory"] == 2**53 - 1
    asyncio.run(audit.durable())
    assert sound(path)


@pytest.mark.parametrize("separator", ["\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_text_from_outside_cannot_begin_a_line_of_its_own(
    audit: Audit, path: Path, separator: str
) -> None:
    """Also for readers that know more ends of lines than JSON Lines does."""
    refuse(audit, profile=f"python{separator}forged", groups=[separator], gpus={separator: 1})
    lines = path.read_bytes().decode().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["begin", "spawn"]
    asyncio.run(audit.durable())
    assert sound(path)


def test_without_a_file_nothing_is_recorded_and_nothing_fails() -> None:
    audit = Audit(None)
    refuse(audit)
    audit.note("stop", code="stopped")
    asyncio.run(audit.durable())
    assert audit.decisions["refused", "no_profile"] == 1


def test_the_chain_goes_on_when_the_hub_starts_again(audit: Audit, path: Path) -> None:
    refuse(audit)
    refuse(reopened(audit, path))
    assert [event["seq"] for event in events(path)] == [1, 2, 3]
    assert sound(path)


def test_two_hubs_on_one_file_are_an_error_in_one_sentence(audit: Audit, path: Path) -> None:
    refuse(audit)
    other = Audit(path)
    with pytest.raises(BusyError, match="Another Hub writes the audit"):
        other.open()
    with pytest.raises(UnavailableError):
        refuse(other)
    assert len(events(path)) == 2
    audit.close()
    refuse(other)
    assert sound(path)
    other.close()


def test_who_is_told_durable_finds_it_on_the_disk_and_many_share_one_write(
    audit: Audit, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit.open()
    asyncio.run(audit.durable())
    synced: list[int] = []
    under_way, all_asked = threading.Event(), threading.Event()

    def fsync(handle: int) -> None:
        under_way.set()
        all_asked.wait(10)
        synced.append(handle)

    monkeypatch.setattr(os, "fsync", fsync)

    async def start(number: int) -> None:
        refuse(audit, number)
        if number == 99:
            all_asked.set()
        await audit.durable()
        noted = path.with_name("audit.jsonl.head").read_text()
        assert int(noted.split(":")[0]) >= 2 + number

    async def start_all() -> None:
        first = asyncio.create_task(start(0))
        assert await asyncio.to_thread(under_way.wait, 10)
        await asyncio.gather(first, *(start(number) for number in range(1, 100)))

    asyncio.run(start_all())
    # One write that was under way, one for all the others; each of the file and of its head.
    assert len(synced) == 4
    assert sound(path)


def test_the_hubs_loop_goes_on_while_the_disk_is_slow(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(audit)
    asyncio.run(audit.durable())
    turns = 0

    async def count() -> None:
        nonlocal turns
        release = threading.Event()
        monkeypatch.setattr(os, "fsync", lambda handle: release.wait(10))
        refuse(audit)
        waiting = asyncio.create_task(audit.durable())
        for _ in range(100):
            await asyncio.sleep(0)
            turns += not waiting.done()
        release.set()
        await waiting

    asyncio.run(count())
    assert turns == 100


def test_giving_up_waiting_does_not_end_the_write_of_others(audit: Audit) -> None:
    async def run() -> None:
        refuse(audit)
        gone, stays = (asyncio.create_task(audit.durable()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        await stays

    asyncio.run(run())


# What the machine does to it.


def test_a_torn_line_is_kept_and_marked_by_the_next_hub(audit: Audit, path: Path) -> None:
    refuse(audit)
    refuse(audit)
    audit.close()
    whole = path.read_bytes()
    torn = whole[: len(whole) - 40]
    last = len(torn) - torn.rindex(b"\n") - 1
    path.write_bytes(torn)
    path.with_name("audit.jsonl.head").write_text(f"2:{events(path)[1]['hash']}\n")
    assert "torn" in str(verify([path]).flaws[0])
    after = reopened(audit, path)
    refuse(after)
    after.close()
    assert path.read_bytes().startswith(torn)
    repair = events(path)[-2]
    assert (repair["code"], repair["torn"]["bytes"]) == ("torn_line", last)
    assert repair["torn"]["sha256"] == hashlib.sha256(torn[-last:]).hexdigest()
    assert verify([path]).repairs == 1
    assert sound(path)


def test_wherever_a_line_is_torn_the_next_hub_goes_on(tmp_path: Path) -> None:
    """At each byte of the last line, and within what was torn twice."""
    source = tmp_path / "source.jsonl"
    audit = Audit(source, clock=lambda: NOON)
    refuse(audit)
    audit.open()
    first = source.read_bytes()
    head = source.with_name("source.jsonl.head")
    asyncio.run(audit.durable())
    noted = head.read_bytes()
    refuse(audit)
    audit.close()
    whole = source.read_bytes()
    for length in range(len(first), len(whole), 7):
        path = tmp_path / f"{length}.jsonl"
        path.write_bytes(whole[:length])
        path.with_name(f"{length}.jsonl.head").write_bytes(noted)
        for _ in range(2):
            again = Audit(path, clock=lambda: NOON)
            refuse(again)
            again.close()
            assert sound(path)
            with path.open("ab") as stream:
                stream.write(b'{"code":"no_prof')
            assert verify([path]).flaws


def test_a_start_that_cannot_be_recorded_is_refused_and_a_stop_is_recorded_later(
    audit: Audit, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(audit)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(UnavailableError) as caught:
            refuse(audit, 1)
        audit.note("stop", user="ada", code="stopped")
    assert caught.value.code == "audit_unavailable"
    assert (audit.waiting, audit.errors) == (1, 2)
    assert kinds(path) == ["begin", "no_profile"]
    refuse(audit, 2)
    assert kinds(path) == ["begin", "no_profile", "stopped", "no_profile"]
    assert audit.waiting == 0
    asyncio.run(audit.durable())
    assert sound(path)


def full(handle: int, data: bytes) -> int:
    raise OSError(28, "No space left on device")


def test_what_a_full_disk_took_of_a_line_is_marked(
    audit: Audit, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when there is room for a part of the mark only, and then for a part of the next."""
    refuse(audit)
    really = os.write
    room = iter([30, 0, 200, 0, 1, 0])

    def nearly_full(handle: int, data: bytes) -> int:
        size = next(room)
        return really(handle, data[:size]) if size else full(handle, data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", nearly_full)
        for _ in range(3):
            with pytest.raises(UnavailableError):
                refuse(audit)
    refuse(audit)
    asyncio.run(audit.durable())
    assert sound(path)
    assert verify([path]).repairs == 1
    assert kinds(path)[-2:] == ["torn_line", "no_profile"]


def test_a_disk_that_fails_to_keep_refuses_the_start(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(handle: int) -> None:
        raise OSError(5, "Input/output error")

    refuse(audit)
    monkeypatch.setattr(os, "fsync", failing)

    async def start() -> None:
        refuse(audit)
        await audit.durable()

    with pytest.raises(UnavailableError):
        asyncio.run(start())
    monkeypatch.undo()
    asyncio.run(start())


def test_refusals_beyond_what_memory_should_hold_are_counted(
    audit: Audit, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        audit.note("stop", user="ada", code="stopped")
        monkeypatch.setattr("baton_hub.audit.log.MAX_WAITING", 10)
        for number in range(20):
            audit.note("spawn", user=f"user-{number}", decision="refused", code="no_profile")
        assert audit.waiting == 21
    assert MAX_WAITING >= 10_000
    assert audit.retry()
    assert kinds(path)[:3] == ["begin", "events_dropped", "stopped"]
    assert events(path)[1]["dropped"] == 11
    assert len(events(path)) == 3 + 9


def test_a_killed_hub_loses_nothing_that_it_recorded(tmp_path: Path) -> None:
    """A process is killed while it writes; the next goes on, and the chain is sound."""
    path = tmp_path / "audit.jsonl"
    program = (
        "import sys; from pathlib import Path; from baton_hub.audit import Audit\n"
        "audit, n = Audit(Path(sys.argv[1])), 0\n"
        "while True:\n"
        "    audit.record('spawn', user=str(n), decision='refused', code='no_profile')\n"
        "    n += 1; print(n, flush=True)\n"
    )
    recorded = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(50):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        recorded += 50 + len(process.stdout.read().splitlines())
        process.wait()
    audit = Audit(path)
    audit.open()
    audit.close()
    assert sum(event.get("code") == "no_profile" for event in events(path)) >= recorded
    assert sound(path)


# Rotation.


def test_own_rotation_keeps_the_chain_and_renames_over_nothing(audit: Audit, path: Path) -> None:
    audit = reopened(audit, path, rotate_at=2000)
    for number in range(30):
        refuse(audit, number)
    asyncio.run(audit.durable())
    files = log_files(path)
    assert len(files) > 3
    assert files[0].name == "audit.jsonl-20260701-0000000001"
    assert [event["seq"] for event in events(path)] == list(range(1, 32))
    assert sound(path)
    assert max(file.stat().st_size for file in files) < 2600
    again = reopened(audit, path, rotate_at=2000)
    refuse(again)
    again.close()
    assert sound(path)


def test_a_rename_by_somebody_else_is_noticed_and_the_chain_goes_on(
    audit: Audit, path: Path
) -> None:
    for number in range(3):
        refuse(audit, number)
        path.rename(path.with_name(f"audit.jsonl.{3 - number}"))
    # As logrotate does with "create".
    path.touch()
    refuse(audit)
    assert [file.name[-2:] for file in log_files(path)] == [".3", ".2", ".1", "nl"]
    asyncio.run(audit.durable())
    assert sound(path)


def test_rotated_files_may_be_compressed(audit: Audit, path: Path) -> None:
    refuse(audit)
    path.rename(path.with_name("audit.jsonl.1"))
    subprocess.run(["gzip", path.with_name("audit.jsonl.1")], check=True)
    refuse(audit)
    audit.close()
    assert sound(path)
    path.unlink()
    again = Audit(path)
    again.open()
    again.close()
    assert "end_missing" in kinds(path)


def test_the_chain_goes_on_when_every_file_was_moved_to_another_folder(
    audit: Audit, path: Path, tmp_path: Path
) -> None:
    refuse(audit)
    audit.close()
    (tmp_path / "old").mkdir()
    path.rename(tmp_path / "old" / "one")
    again = Audit(path)
    refuse(again)
    again.close()
    assert events(path)[0]["seq"] == 3
    assert "give --from 2:" in str(verify([path]).flaws[0])
    after = Head(2, events(path)[0]["prev"])
    assert not verify([path], after=after).flaws
    assert not verify([path, tmp_path / "old" / "one"]).flaws


def test_copytruncate_is_survived_when_it_loses_nothing_and_noticed_when_it_does(
    audit: Audit, path: Path
) -> None:
    refuse(audit)
    copy = path.with_name("audit.jsonl.1")
    copy.write_bytes(path.read_bytes())
    os.truncate(path, 0)
    refuse(audit)
    asyncio.run(audit.durable())
    assert sound(path)
    refuse(audit)
    os.truncate(path, 0)
    refuse(audit)
    assert any("missing" in str(flaw) for flaw in verify([path]).flaws)


def test_a_copy_beside_the_audit_is_no_part_of_it(audit: Audit, path: Path) -> None:
    refuse(audit)
    path.with_name("audit.jsonl.bak").write_bytes(path.read_bytes())
    refuse(audit)
    audit.close()
    assert len(events(path)) == 3
    assert sound(path)


def test_another_file_in_its_place_is_put_aside_and_told(audit: Audit, path: Path) -> None:
    refuse(audit)
    path.rename(path.with_name("audit.jsonl.1"))
    path.write_text("somebody's notes\n")
    refuse(audit)
    asyncio.run(audit.durable())
    repair = events(path)[-2]
    assert repair["code"] == "set_aside"
    assert path.with_name(repair["set_aside"]["file"]).read_text() == "somebody's notes\n"
    assert sound(path)


def test_a_file_of_a_version_without_chain_is_put_aside_and_told_first(path: Path) -> None:
    old = '{"time":"2026-03-02T09:12:38.782Z","event":"stop","user":"ada"}\n'
    path.write_text(old)
    audit = Audit(path, clock=lambda: NOON)
    refuse(audit)
    audit.close()
    aside = events(path)[0]["set_aside"]
    assert aside == {
        "file": "audit.jsonl.unchained-20260701T120000Z",
        "bytes": len(old),
        "sha256": hashlib.sha256(old.encode()).hexdigest(),
    }
    assert path.with_name(aside["file"]).read_text() == old
    assert sound(path)


def test_lines_that_vanished_from_the_end_are_told_for_ever(audit: Audit, path: Path) -> None:
    for number in range(3):
        refuse(audit, number)
    audit.close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]))
    again = Audit(path)
    refuse(again)
    again.close()
    assert kinds(path)[-2:] == ["end_missing", "no_profile"]
    (flaw,) = verify([path]).flaws
    assert "lines at the end were gone" in str(flaw)


def test_a_folder_that_cannot_be_written_stops_starts_and_nothing_else(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "missing" / "audit.jsonl")
    audit.open()
    with pytest.raises(UnavailableError):
        refuse(audit)
    audit.note("stop", user="ada", code="stopped")
    (tmp_path / "missing").mkdir()
    refuse(audit)
    assert kinds(tmp_path / "missing" / "audit.jsonl") == ["begin", "stopped", "no_profile"]
    audit.close()


def test_what_waited_keeps_the_time_at_which_it_happened(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = NOON
    audit = Audit(path, clock=lambda: now)
    audit.open()
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        audit.note("stop", user="ada", code="stopped")
    now += timedelta(hours=1)
    refuse(audit)
    audit.close()
    assert [event["time"][11:16] for event in events(path)] == ["12:00", "12:00", "13:00"]


def test_the_same_file_put_back_is_taken_up_again(audit: Audit, path: Path) -> None:
    refuse(audit)
    aside = path.rename(path.with_name("elsewhere"))
    path.mkdir()
    with pytest.raises(UnavailableError):
        refuse(audit)
    path.rmdir()
    aside.rename(path)
    refuse(audit)
    asyncio.run(audit.durable())
    assert kinds(path) == ["begin", "no_profile", "no_profile"]
    assert sound(path)


def test_what_waits_is_written_without_being_asked(
    audit: Audit, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baton_hub.audit.log.RETRY", 0.01)
    audit.open()

    async def run() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            audit.note("stop", user="ada", code="stopped")
            await asyncio.sleep(0.05)
            assert audit.waiting == 1
        while audit.waiting:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(run(), 10))
    assert kinds(path) == ["begin", "stopped"]


def test_a_file_that_cannot_be_renamed_goes_on_growing(
    audit: Audit, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is mounted into a container by itself."""
    audit = reopened(audit, path, rotate_at=100)
    audit.open()

    def busy(self: Path, target: Path) -> Path:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rename", busy)
    for number in range(3):
        refuse(audit, number)
    audit.close()
    assert log_files(path) == [path]
    assert sound(path)


def test_a_line_torn_by_a_full_disk_is_marked_in_the_next_file_when_its_own_was_renamed(
    audit: Audit, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(audit)
    really = os.write
    room = iter([30, 0])

    def nearly_full(handle: int, data: bytes) -> int:
        size = next(room)
        return really(handle, data[:size]) if size else full(handle, data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", nearly_full)
        with pytest.raises(UnavailableError):
            refuse(audit)
    path.rename(path.with_name("audit.jsonl.2"))
    refuse(audit)
    path.rename(path.with_name("audit.jsonl.1"))
    refuse(audit)
    asyncio.run(audit.durable())
    assert kinds(path) == ["begin", "no_profile", "torn_line", "no_profile", "no_profile"]
    assert sound(path)
