"""`baton catalog running`: what runs and would not be started like this any more."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.hub.running import PROFILES

from baton_hub.amount import Amount
from baton_hub.audit import Audit
from baton_hub.audit.events import started
from baton_hub.audit.replay import Served
from baton_hub.booking import Booking
from baton_hub.catalog import Catalog, Lifecycle, load_catalog
from baton_hub.catalog.evidence import Finding
from baton_hub.commands.running import command, running

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
TODAY = date(2026, 7, 1)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The examples, as far as no day decides about them."""
    found = load_catalog(PROFILES)
    lasting = {
        name: p.model_copy(update={"lifecycle": Lifecycle()}) for name, p in found.profiles.items()
    }
    return Catalog(profiles=lasting)


def booking(catalog: Catalog, profile: str, digest: str = "") -> Booking:
    known = catalog.profiles.get(profile)
    digest = digest or (known.image.digest if known else f"sha256:{'a' * 64}")
    return Booking(
        id="0" * 32,
        user="ada",
        server="",
        groups=frozenset({"data-science"}),
        profile=profile,
        size="small",
        image=f"quay.io/x@{digest}",
        digest=digest,
        revision="0" * 64,
        amount=Amount(1, 1, 2**30),
        since=NOON,
        started=NOON,
    )


def state(catalog: Catalog, one: Booking) -> tuple[str, bool, bool]:
    (found,) = running(catalog, [Served(one, NOON)], TODAY)
    return found.state, found.is_approved, found.needs_a_look


def with_life(catalog: Catalog, **dates: date) -> Catalog:
    changed = catalog.profiles["python"].model_copy(update={"lifecycle": Lifecycle(**dates)})
    return Catalog(profiles={**catalog.profiles, "python": changed})


def test_each_state_of_a_running_servers_profile(catalog: Catalog) -> None:
    one = booking(catalog, "python")
    assert state(catalog, one) == ("active", True, False)
    assert state(with_life(catalog, deprecated=TODAY), one) == ("deprecated", True, True)
    assert state(with_life(catalog, blocked=TODAY), one) == ("blocked", True, True)
    expired = Finding(expires=date(2026, 6, 30), expires_because="approval")
    lapsed = Catalog(profiles=catalog.profiles, findings={"python": expired})
    assert state(lapsed, one) == ("expired", True, True)
    assert state(catalog, booking(catalog, "vanished")) == ("gone", False, True)


def test_another_image_than_the_approved_one_needs_a_look(catalog: Catalog) -> None:
    old = booking(catalog, "python", f"sha256:{'b' * 64}")
    assert state(catalog, old) == ("active", False, True)


def test_what_ended_is_not_listed(catalog: Catalog) -> None:
    assert running(catalog, [Served(booking(catalog, "python"), NOON, NOON)], TODAY) == []


@pytest.fixture
def audit(tmp_path: Path, catalog: Catalog) -> Path:
    path = tmp_path / "audit.jsonl"
    log = Audit(path)
    for name in ("vanished", "python"):
        one = booking(catalog, name)
        log.record(
            "start", **started(Booking(**{**vars(one), "id": name.ljust(32, "0"), "server": name}))
        )
    log.close()
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_only_what_needs_a_look_is_listed_unless_all_is_asked_for(audit: Path) -> None:
    where = ("--profiles", PROFILES, "--audit", audit)
    every = {one["profile"]: one for one in json.loads(run(*where, "--all", "--json").stdout)}
    assert every.keys() == {"vanished", "python"}
    gone = every["vanished"]
    assert (gone["state"], gone["digest_is_approved"]) == ("gone", False)
    assert gone["since"] == "2026-07-01T12:00:00.000Z"
    # How the other one stands depends on the day.
    flagged = [name for name, one in every.items() if one["state"] != "active"]
    result = run(*where)
    assert result.exit_code == 0
    head, *rows = result.stdout.splitlines()
    assert head.split()[:4] == ["user", "server", "profile", "size"]
    assert sorted(row.split()[2] for row in rows) == sorted(flagged)
    (row,) = [row for row in rows if "vanished" in row]
    assert " gone " in row
    assert row.endswith("aaaaaaaaaaaa, not the approved one")
    assert result.stderr.startswith(f"2 servers run; {len(flagged)} would not be started")


def test_a_broken_catalogue_is_a_sentence(audit: Path, tmp_path: Path) -> None:
    broken = tmp_path / "profiles"
    shutil.copytree(PROFILES, broken)
    (broken / "python.yaml").write_text("name: python\n")
    result = run("--profiles", broken, "--audit", audit)
    assert result.exit_code == 1
    assert "baton catalog lint" in result.stderr
