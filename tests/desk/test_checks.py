"""Checks of a real model, logged by MLflow, in a process of their own."""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from baton_desk.checks.content import check_formats
from baton_desk.checks.place import Ended, Isolation, find_isolation, run_apart
from baton_desk.checks.predict import Predict
from baton_desk.identity import Caller

OPEN = Isolation((), "openly")


async def submit(person: Any, handoff_id: str) -> Any:
    return await person.ask("POST", f"api/handoffs/{handoff_id}/submit", 202)


def verdicts(handoff: Any) -> list[tuple[str, str]]:
    return [(check["tool"], check["verdict"]) for check in handoff["checks"]]


async def test_from_draft_to_acceptance_with_a_real_model(
    desk: Any, enter: Any, model_packet: Any, trained: Any
) -> None:
    """Draft, upload, submit, checks in a clean process, offer, acceptance."""
    scientist, developer = enter("scientist"), enter("developer")
    handoff_id = await scientist.draft(model_packet(), trained["contents"])
    assert (await submit(scientist, handoff_id))["state"] == "checking"
    await developer.refused("GET", f"api/handoffs/{handoff_id}", 404, "not_found")
    await scientist.refused("POST", f"api/handoffs/{handoff_id}/withdraw", 409, "wrong_state")
    offered = await scientist.until(handoff_id, "offered")
    assert verdicts(offered) == [("digests", "passed"), ("format", "passed"), ("predict", "passed")]
    formats, predict = offered["checks"][1]["details"], offered["checks"][2]
    assert "model/model.pkl: a pickle, which runs its sender's code" in formats
    assert "answered its example as it did for its sender" in predict["details"]
    assert "in a process of its own, with" in predict["details"]
    assert "mlflow" in predict["version"]
    received = (await developer.ask("GET", "api/handoffs"))["items"]
    assert [item["id"] for item in received] == [handoff_id]
    await developer.ask("POST", f"api/handoffs/{handoff_id}/accept")


async def test_another_answer_sends_it_back_and_says_where_it_differs(
    desk: Any, enter: Any, model_packet: Any, trained: Any
) -> None:
    scientist = enter("scientist")
    wrong = [1 - trained["answer"][0], *trained["answer"][1:]]
    handoff_id = await scientist.draft(model_packet(expected=wrong), trained["contents"])
    await submit(scientist, handoff_id)
    back = await scientist.until(handoff_id, "draft")
    assert verdicts(back)[-1] == ("predict", "failed")
    assert "answers its own example differently here: answer 1[0] is 0" in back["reason"]
    assert back["missing_files"] == []
    assert (await enter("developer").ask("GET", "api/handoffs"))["items"] == []


async def test_a_file_spoilt_on_disk_is_found_and_can_be_uploaded_again(
    desk: Any, enter: Any, make_packet: Any
) -> None:
    scientist, contents = enter("scientist"), {"model/MLmodel": b"x: 1\n"}
    packet = make_packet(contents)
    handoff_id = await scientist.draft(packet, contents)
    stored = desk.desk.stored.path(packet["files"][0]["sha256"])
    stored.chmod(0o600)
    stored.write_bytes(b"x: 2\n")
    await submit(scientist, handoff_id)
    back = await scientist.until(handoff_id, "draft")
    assert verdicts(back) == [("digests", "failed")]
    assert "model/MLmodel is not on the desk's disk as it was uploaded" in back["reason"]
    assert back["missing_files"] == [packet["files"][0]["sha256"]]


def python_that(tmp_path: Path, script: str) -> str:
    """Return a stand-in for the check's Python that runs ``script`` instead."""
    path = tmp_path / "python"
    path.write_text(f"#!{sys.executable}\n{script}\n")
    path.chmod(0o755)
    return str(path)


ANSWERS_ONE = "print('{\"answers\": [[1]]}')"


async def test_a_check_that_was_cut_off_is_made_at_the_next_start(
    start_desk: Any, enter: Any, make_packet: Any, tmp_path: Path
) -> None:
    python = python_that(tmp_path, ANSWERS_ONE)
    first = await start_desk(check_python=python)
    scientist, contents = enter("scientist", at=first), {"model/weights.json": b"{}"}
    packet = make_packet(contents)
    handoff_id = await scientist.draft(packet, contents)
    # What a desk that dies right after the commit leaves behind: nobody's bell rang.
    file = packet["files"][0]["sha256"]
    first.desk.store.handoffs.submit(handoff_id, Caller("scientist"), [file])
    second = await start_desk(check_python=python)
    offered = await enter("scientist", at=second).until(handoff_id, "offered")
    assert verdicts(offered)[-1] == ("predict", "passed")


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        ("/nowhere/python", "can't be started. Tell operations."),
        ("/usr/bin/python3", "lacks Baton. Tell operations."),
    ],
)
async def test_a_check_environment_that_is_broken_is_not_the_senders_fault(
    make_packet: Any, python: str, sentence: str
) -> None:
    check = Predict(python, OPEN, 20)
    finding = await check.check(make_packet({"model/x": b""}), lambda _: Path(os.devnull))
    assert finding.verdict == "error"
    assert sentence in finding.details


async def test_a_model_that_does_not_load_is_said_in_the_senders_words(
    make_packet: Any, tmp_path: Path
) -> None:
    """By the real replay: a folder that is no MLflow model."""
    check = Predict(sys.executable, OPEN, 60)
    finding = await check.check(make_packet({"model/x": b""}), lambda _: Path(os.devnull))
    assert finding.verdict == "failed"
    assert "does not load or answer in a clean place" in finding.details


@pytest.mark.parametrize(
    ("script", "verdict", "sentence"),
    [
        (
            'print(\'{"error": {"code": "missing_package", "message": "The model needs the package '
            "\\'xgboost\\', which is not installed here.\"}}')",
            "failed",
            "needs the package 'xgboost', which is not installed here. Ask operations to add it",
        ),
        ('print(\'{"error": {"code": "no_mlflow", "message": ""}}\')', "error", "has no MLflow"),
        ("print('{\"answers\": []}')", "failed", "another number of answers"),
        (ANSWERS_ONE, "passed", "loaded and answered its example"),
        ('print("[1]")', "failed", "ended before the model gave an answer"),
        ("import os; os.abort()", "failed", "signal 6"),
        ("import time; time.sleep(60)", "failed", "did not load and answer within 2 s"),
    ],
)
async def test_what_each_end_of_the_process_says(
    tmp_path: Path, make_packet: Any, script: str, verdict: str, sentence: str
) -> None:
    # A loaded machine takes seconds to start any Python; only one script is to run out of time.
    check = Predict(python_that(tmp_path, script), OPEN, 2 if "sleep" in script else 60)
    finding = await check.check(make_packet({"model/x": b""}), lambda _: Path(os.devnull))
    assert finding.verdict == verdict
    assert sentence in finding.details


async def run_script(script: str, folder: Path, isolation: Isolation = OPEN) -> Ended:
    """Run Python as a model is run."""
    command = [sys.executable, "-I", "-c", script]
    return await run_apart(command, isolation=isolation, folder=folder, given=b"", timeout=60)


async def test_the_place_has_nothing_of_the_desks_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    script = "import json, os; print(json.dumps([dict(os.environ), os.getcwd()]))"
    ended = await run_script(script, tmp_path)
    assert b"secret" not in ended.output
    assert b"JUPYTERHUB" not in ended.output
    assert str(tmp_path).encode() in ended.output


async def test_what_a_model_leaves_running_is_killed(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', "
        "'import time; time.sleep(60)']); print(p.pid)"
    )
    ended = await run_script(script, tmp_path)
    child, deadline = Path(f"/proc/{int(ended.output)}/stat"), time.monotonic() + 10
    while child.exists() and child.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline, "it still runs"
        await asyncio.sleep(0.01)


async def test_the_place_has_no_network_where_the_machine_can_do_without(tmp_path: Path) -> None:
    isolation = find_isolation()
    if not isolation.command:
        pytest.skip("this machine does not allow the desk to take the network away")
    script = (
        "import socket\n"
        "try: socket.create_connection(('127.0.0.1', 22), 2)\n"
        "except OSError as e: print(e.errno)\n"
        "print(socket.if_nameindex())"
    )
    ended = await run_script(script, tmp_path, isolation)
    assert ended.code == 0, ended.complaints
    assert b"eth" not in ended.output
    assert b"'lo'" in ended.output


async def test_the_desks_records_are_out_of_the_models_sight(tmp_path: Path) -> None:
    """Neither read nor uncovered, where the machine lets the desk hide them."""
    secret, folder = tmp_path / "desk", tmp_path / "check"
    (secret / "files").mkdir(parents=True)
    folder.mkdir()
    (secret / "desk.sqlite").write_text("secret")
    isolation = find_isolation([secret, secret / "files"], [folder, Path(sys.prefix)])
    if "records" not in isolation.words:
        pytest.skip("this machine does not allow the desk to hide folders")
    script = (
        "import os, subprocess\n"
        f"subprocess.run(['umount', '{secret}'])\n"
        f"try: print(os.listdir('{secret}'))\n"
        "except OSError as error: print(type(error).__name__)\n"
        f"print(os.path.exists('{secret}/desk.sqlite'))\n"
        "open('mine', 'w').write('x')"
    )
    ended = await run_script(script, folder, isolation)
    assert ended.code == 0, ended.complaints
    assert ended.output.split() == [b"PermissionError", b"False"]
    assert (secret / "desk.sqlite").read_text() == "secret"
    assert (folder / "mine").read_text() == "x"
    unhidden = find_isolation([secret], [secret / "venv" / "bin" / "python"])
    assert "records" not in unhidden.words


def test_a_pickle_that_calls_itself_json_is_refused(tmp_path: Path, make_packet: Any) -> None:
    hidden = tmp_path / "hidden"
    hidden.write_bytes(pickle.dumps([1]))
    finding = check_formats(make_packet({"model/config.json": b""}), lambda _: hidden)
    assert finding.verdict == "failed"
    assert "says that it is json, and is a pickle" in finding.details
    finding = check_formats(make_packet({"model/data.bin": b""}), lambda _: hidden)
    assert finding.verdict == "passed"
    assert "model/data.bin: a pickle" in finding.details
