"""Disks that take nothing, that fill up, that lose power: really mounted."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.disk import Disk, mounted, small_disk
from tests.lab.magic_kernel import start_kernel
from tests.lab.outage import Gate, Person, Service

from baton_lab.offline.entries import parse_line

pytest_plugins = ("tests.lab.outage",)

NOTHING_KEPT = "MLflow does not answer. Nothing was kept on this machine: "


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "home", "400k") as disk:
        yield disk


@pytest.fixture
def person(gate: Gate, disk: Disk) -> Person:
    return Person(disk.path, gate.url, inside=disk.inside)


def test_on_a_read_only_home_a_kernel_records_what_mlflow_takes_and_says_what_it_cannot_keep(
    service: Service, gate: Gate, person: Person, disk: Disk
) -> None:
    disk.make_read_only()
    with start_kernel(disk.path, inside=disk.inside, **person.env) as kernel:
        first = kernel.run("import mlflow; mlflow.set_experiment('ro')\nrun = mlflow.start_run()")
        assert first.status == "ok", first.traceback
        assert "Baton" not in first.printed
        assert kernel.run("mlflow.log_metric('m', 0, step=0)").printed == ""
        gate.close()
        began = time.monotonic()
        away = kernel.run("mlflow.log_metric('m', 1, step=1)")
        assert time.monotonic() - began < 30
        assert away.error == "MlflowException"
        assert away.traceback.splitlines()[-1].endswith(NOTHING_KEPT + "read-only file system.")
        assert away.printed == ""
        assert kernel.run("1 + 1").result == "2"
        gate.open()
        last = kernel.run("mlflow.log_metric('m', 2, step=2); mlflow.end_run()")
        assert last.status == "ok", last.traceback
    (run,) = service.runs("ro")
    assert service.steps(run["info"]["run_id"], "m") == [0, 2]
    assert run["info"]["status"] == "FINISHED"
    tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
    assert "(Read-only file system), so no snapshot is kept." in tags["baton.capture.problem"]


FILLS = """
import sys, mlflow
mlflow.set_experiment("filled")
run = mlflow.start_run()
kept = []
def log(step):
    mlflow.log_metric("m", step, step=step); kept.append(step)
step = 0
try:
    while True:
        log(step); step += 1
except mlflow.exceptions.MlflowException as error:
    print("FULL", error, flush=True)
sys.stdin.readline()
for step in range(step + 1, step + 50):
    log(step)
mlflow.end_run()
print("KEPT", *kept)
"""


def test_what_was_kept_before_a_disk_was_full_is_sent_and_so_is_what_follows(
    service: Service, gate: Gate, person: Person, disk: Disk
) -> None:
    ballast = disk.content / "ballast"
    ballast.write_bytes(b"x" * 300_000)
    gate.close()
    with person.running(FILLS) as process:
        assert process.stdout is not None
        said = ""
        while "FULL" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        # Nobody can even note what was sent, and that costs nothing and nobody a traceback.
        code, sync = person.sync()
        assert code == 1
        assert "Traceback" not in sync
        assert len(sync.strip().splitlines()) == 1
        ballast.unlink()
        more, _ = process.communicate("\n", timeout=120)
    assert process.returncode == 0, more
    assert f"FULL {NOTHING_KEPT}the disk is full." in said
    assert said.count("Baton:") == 1
    kept = [*map(int, more.partition("KEPT ")[2].split("\n")[0].split())]
    assert len(kept) > 100
    gate.open()
    code, sync = person.sync()
    assert code == 0, sync
    (run,) = service.runs("filled")
    assert service.steps(run["info"]["run_id"], "m") == kept
    assert run["info"]["status"] == "FINISHED"


def test_on_a_disk_that_is_full_sending_says_so_in_one_line_and_loses_nothing(
    service: Service, gate: Gate, person: Person, disk: Disk
) -> None:
    gate.close()
    person.run(
        "import mlflow; mlflow.set_experiment('crammed')\n"
        "with mlflow.start_run():\n"
        "    for step in range(100): mlflow.log_metric('m', step, step=step)\n"
    )
    ballast = disk.content / "ballast"
    with pytest.raises(OSError, match="No space"):
        _fill(ballast)
    gate.open()
    code, said = person.sync()
    assert code == 1
    assert "disk is full" in said
    assert len(said.strip().splitlines()) == 1
    ballast.unlink()
    assert person.sync()[0] == 0
    (run,) = service.runs("crammed")
    assert service.steps(run["info"]["run_id"], "m") == list(range(100))


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as out:
        while True:
            out.write(b"x" * 4096)


def test_a_file_of_which_only_a_part_is_left_is_kept_aside_and_never_sent_so(
    service: Service, gate: Gate, person: Person, disk: Disk
) -> None:
    gate.close()
    person.run(
        "import mlflow; mlflow.set_experiment('part')\n"
        "with mlflow.start_run():\n"
        "    mlflow.log_text('the whole text', 'whole.txt')\n"
    )
    files = disk.content / person.spool.relative_to(person.home) / "files"
    (text,) = [path for path in files.iterdir() if path.read_bytes() == b"the whole text"]
    text.write_bytes(b"the who")
    gate.open()
    said = person.sync()[1]
    assert "Refused: file 'whole.txt'" in said
    assert "no longer on this machine, or not all of it" in said
    (run,) = service.runs("part")
    assert run["info"]["status"] == "FINISHED"


STEADY = """
import time, mlflow
mlflow.set_experiment("power")
run = mlflow.start_run()
for step in range(100_000):
    mlflow.log_metric("m", step, step=step)
    print("STEP", step, time.time(), flush=True)
    time.sleep(0.02)
"""
LOST_SECONDS = 3.0
"""What the guide says of a power cut, and a second for a machine that is busy."""


def test_a_power_cut_costs_what_was_logged_in_the_last_seconds_and_no_more(
    gate: Gate, tmp_path: Path
) -> None:
    """The image of a disk, copied while it is in use, is what the cut would have left of it."""
    image = tmp_path / "image"
    with image.open("wb") as out:
        out.truncate(16 << 20)
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("there is no mkfs.ext4 to make a disk with")
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    gate.close()
    with mounted(tmp_path / "home", "-o", "loop", str(image)) as disk:
        person = Person(disk.path, gate.url, inside=disk.inside)
        with person.running(STEADY) as process:
            assert process.stdout is not None
            steps: list[float] = []
            while not steps or time.time() < steps[0] + 6:
                line = process.stdout.readline()
                assert line
                if line.startswith("STEP"):
                    steps.append(float(line.split()[2]))
            cut = time.time()
            shutil.copyfile(image, tmp_path / "cut")
            process.kill()
    with mounted(tmp_path / "after", "-o", "loop", str(tmp_path / "cut")) as disk:
        spool = disk.content / person.spool.relative_to(person.home)
        entries = [
            parse_line(line)
            for path in (spool / "runs").glob("*.calls")
            for line in path.read_bytes().splitlines(keepends=True)
        ]
    found = [e["metrics"][0].get("step", 0) for e in entries if e and e["kind"] == "metrics"]
    assert found == list(range(len(found)))
    assert len(found) >= sum(moment < cut - LOST_SECONDS for moment in steps)
