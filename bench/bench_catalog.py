"""How long a catalogue takes: lint, reload to effect, and asking for what is in effect.

``python bench/bench_catalog.py`` writes 500 profiles, each with a scan report of Trivy and
a CycloneDX SBOM of its own, and prints medians, with plain PyYAML on the same files as the
peer.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import yaml

from baton_hub.catalog import LiveCatalog, read_catalog

PROFILES = 500
VULNERABILITIES = 40
COMPONENTS = 150
ROUNDS = 5

PROFILE = """\
# yaml-language-server: $schema=../docs/reference/profile.schema.json
name: profile-{number}
title: Profile {number}
description: Classical machine learning on tables, with the libraries of team {number}.
owner: Data platform
contact: "#data-platform"
image:
  reference: registry.example.org/notebooks/profile-{number}:2026-08-10
  digest: {image}
software:
  JupyterLab: "4"
  Python: "3.13"
  scikit-learn: "1"
evidence:
  approval: {{by: Security, on: {today}, reference: CHANGE-{number}}}
  scan: {{file: evidence/scan-{number}.json, digest: {scan}}}
  sbom: {{file: evidence/sbom-{number}.json, digest: {sbom}}}
access:
  groups: [team-{group}, operations]
sizes:
  small: {{title: Small, cpu: 1, memory: 2G}}
  medium: {{title: Medium, cpu: 2, memory: 4G}}
  large: {{title: Large, cpu: 4, memory: 16G, gpus: {{nvidia.com/gpu: 1}}}}
options:
  branch:
    title: Branch
    variable: BRANCH
    choices: {{main: Main, next: Next}}
    default: main
environment:
  OMP_NUM_THREADS: "2"
  REGION: eu-central-1
connections: [warehouse]
stop_when_idle: 8h
kubernetes:
  node_selector: {{pool: cpu}}
"""
CONNECTIONS = """\
connections:
  warehouse:
    title: Warehouse
    kind: database
    access: {everybody: true}
    environment: {PGHOST: warehouse.example.org}
    secrets:
      PGPASSWORD: {secret: warehouse, key: password}
"""
QUOTAS = """\
each_user: {servers: 2, cpu: 8, memory: 32G, gpus: {nvidia.com/gpu: 1}}
total: {servers: 2000}
"""


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def scan_of(image: str, number: int) -> bytes:
    found = [
        {
            "VulnerabilityID": f"CVE-2026-{each:05}",
            "PkgName": f"package-{each}",
            "InstalledVersion": "1.2.3",
            "Severity": ("LOW", "MEDIUM", "HIGH")[each % 3],
            "Title": "A flaw that is described in some words, as they are",
            "Description": "What it is and how it comes about. " * 8,
            "References": [f"https://example.org/advisories/{each}"],
        }
        for each in range(VULNERABILITIES)
    ]
    report = {
        "SchemaVersion": 2,
        "CreatedAt": datetime.now(UTC).isoformat(),
        "Trivy": {"Version": "0.70.0"},
        "ArtifactName": f"registry.example.org/notebooks/profile-{number}@{image}",
        "Results": [{"Target": "os", "Class": "os-pkgs", "Vulnerabilities": found}],
    }
    return json.dumps(report).encode()


def sbom_of(image: str, number: int) -> bytes:
    parts = [
        {
            "type": "library",
            "name": f"package-{each}",
            "version": "1.2.3",
            "purl": f"pkg:pypi/package-{each}@1.2.3",
            "licenses": [{"license": {"id": "BSD-3-Clause"}}],
        }
        for each in range(COMPONENTS)
    ]
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": {"type": "container", "name": f"profile-{number}@{image}"}},
        "components": parts,
    }
    return json.dumps(bill).encode()


def write_catalogue(folder: Path) -> int:
    """Write the catalogue and return how many bytes its evidence has."""
    (folder / "evidence").mkdir()
    (folder / "connections.yaml").write_text(CONNECTIONS)
    (folder / "quotas.yaml").write_text(QUOTAS)
    size = 0
    for number in range(PROFILES):
        image = digest_of(str(number).encode())
        evidence = {"scan": scan_of(image, number), "sbom": sbom_of(image, number)}
        for kind, content in evidence.items():
            (folder / "evidence" / f"{kind}-{number}.json").write_bytes(content)
            size += len(content)
        text = PROFILE.format(
            number=number,
            image=image,
            group=number % 20,
            today=datetime.now(UTC).date(),
            **{kind: digest_of(content) for kind, content in evidence.items()},
        )
        (folder / f"profile-{number}.yaml").write_text(text)
    return size


def median_of(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median of some rounds, in seconds."""
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def in_new_process(folder: Path) -> tuple[float, float]:
    """Return seconds, and those of the processor, that a first reading takes in a process."""
    code = (
        "import gc, sys, time; from pathlib import Path\n"
        "from baton_hub.catalog import read_catalog\n"
        "gc.disable()\n"  # As lint does.
        "begun = time.perf_counter(), time.process_time()\n"
        "reading = read_catalog(Path(sys.argv[1]))\n"
        "assert not reading.faults, reading.faults[:3]\n"
        "print(time.perf_counter() - begun[0], time.process_time() - begun[1])"
    )
    command = [sys.executable, "-c", code, str(folder)]
    taken = []
    for _ in range(ROUNDS):
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        taken.append(tuple(map(float, result.stdout.split())))
    wall, processor = zip(*taken, strict=True)
    return statistics.median(wall), statistics.median(processor)


def from_the_shell(folder: Path) -> float:
    baton = Path(sys.executable).with_name("baton")
    command = [str(baton), "catalog", "lint", str(folder)]
    return median_of(lambda: subprocess.run(command, check=True, capture_output=True))


def plain_yaml(folder: Path) -> None:
    for path in folder.glob("*.yaml"):
        yaml.safe_load(path.read_text())


def plain_yaml_in_c(folder: Path) -> None:
    for path in folder.glob("*.yaml"):
        yaml.load(path.read_text(), Loader=yaml.CSafeLoader)


def ask(live: LiveCatalog, times: int) -> None:
    for _ in range(times):
        live.current()


def to_effect(live: LiveCatalog, path: Path) -> float:
    """Return seconds from an edit until the catalogue in effect has it."""
    text = path.read_text()
    title = f"Edited at {time.perf_counter_ns()}"
    changed = "\n".join(
        f"title: {title}" if line.startswith("title: ") else line for line in text.splitlines()
    )
    path.write_text(changed)
    begun = time.perf_counter()
    while live.current().profiles["profile-7"].title != title:
        time.sleep(0.005)
    return time.perf_counter() - begun


def longest_wait(live: LiveCatalog, path: Path) -> float:
    """Return by how much the longest nap of a millisecond lasted longer beside a reading."""
    before = live.current()
    path.write_text(path.read_text() + "# touched\n")
    longest = 0.0
    while live.current() is before:
        begun = time.perf_counter()
        time.sleep(0.001)
        longest = max(longest, time.perf_counter() - begun - 0.001)
    return longest


def kept(folder: Path) -> int:
    """Return bytes that a catalogue in effect keeps."""
    tracemalloc.start()
    reading = read_catalog(folder)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert reading.catalog is not None
    return size


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write_catalogue(folder)
        print(f"{PROFILES} profiles with {size / 2**20:.0f} MiB of evidence\n")
        lint, processor = in_new_process(folder)
        live = LiveCatalog(folder)
        live.current()
        edited = folder / "profile-7.yaml"
        again = median_of(live.refresh)
        shell, safe = from_the_shell(folder), median_of(lambda: plain_yaml(folder), 3)
        fast = median_of(lambda: plain_yaml_in_c(folder))
        effect = sorted(to_effect(live, edited) for _ in range(ROUNDS))
        asked = median_of(partial(ask, live, 1000)) / 1000
        wait, memory = longest_wait(live, edited), kept(folder)
        del live  # Ends its watch before the folder goes.
    rows = [
        ("lint, in a new process, without its start", f"{lint:.2f} s", "goal: under 1 s"),
        ("the same, seconds of the processor", f"{processor:.2f} s", ""),
        ("lint, as `baton catalog lint` from the shell", f"{shell:.2f} s", "with Python's start"),
        ("read again, evidence unchanged", f"{again:.2f} s", ""),
        ("plain yaml.safe_load of the same profiles", f"{safe:.2f} s", f"{lint / safe:.2f} of it"),
        ("the same with libyaml", f"{fast:.2f} s", f"lint takes {lint / fast:.1f} times that"),
        ("an edit until it is in effect, median", f"{effect[len(effect) // 2]:.2f} s", ""),
        ("an edit until it is in effect, longest", f"{effect[-1]:.2f} s", "goal: under 2 s"),
        ("asking for what is in effect", f"{asked * 1e6:.1f} us", ""),
        ("what others wait while it is read again, at most", f"{wait * 1000:.0f} ms", ""),
        ("memory of the catalogue", f"{memory / 2**20:.1f} MiB", ""),
    ]
    for what, figure, note in rows:
        print(f"{what:48} {figure:>10}  {note}".rstrip())


if __name__ == "__main__":
    main()
