"""``baton catalog explain``: the decision and why, by the same rules as a start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.hub.accounts import GIB, NOON, booking
from tests.hub.past import Past
from tests.hub.running import PROFILES

from baton_hub.account import Account
from baton_hub.amount import Amount
from baton_hub.catalog import Catalog, Limits, Quotas
from baton_hub.commands.explain import command
from baton_hub.explanation import explain

HOUR = timedelta(hours=1)
QUOTAS = """
each_user: {cpu: 4}
groups:
  data-science: {cpu: 6, budget: {period: month, cpu_hours: 9000}}
  secret: {cpu: 1}
"""


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    """Ada and Bob of data-science hold 2 CPUs each; Mallory's group is nobody else's."""
    made = Past(tmp_path / "audit.jsonl")
    started = datetime.now(UTC) - HOUR
    two = Amount(1, 2, GIB)
    for user, group in (("ada", "data-science"), ("bob", "data-science"), ("mallory", "secret")):
        made.start(booking(user, groups=[group], amount=two, started=started, since=started))
    made.close()
    yield made
    made.close()


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    folder = tmp_path / "profiles"
    folder.mkdir()
    for file in PROFILES.iterdir():
        if file.is_file() and file.name != "quotas.yaml":
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / "quotas.yaml").write_text(QUOTAS)
    return folder


def run(past: Past | None, profiles: Path, *given: str) -> Result:
    audit = ["--audit", str(past.path)] if past else []
    return CliRunner().invoke(command, [*given, "--profiles", str(profiles), *audit])


def facts(past: Past | None, profiles: Path, *given: str) -> dict[str, object]:
    return dict(json.loads(run(past, profiles, *given, "--json").output))


def test_an_allowed_choice_exits_with_0_and_says_what_would_run(
    past: Past, profiles: Path, catalog: Catalog
) -> None:
    result = run(past, profiles, "ada", "--profile", "scikit-learn", "--size", "medium")
    assert result.exit_code == 0, result.output
    assert "scikit-learn/medium: allowed" in result.output
    assert catalog.profiles["scikit-learn"].image.pinned in result.output
    assert "ada, in data-science (as at their last decision, " in result.output


def test_a_refused_choice_exits_with_1_and_names_the_rule_and_who_uses_it(
    past: Past, profiles: Path
) -> None:
    result = run(past, profiles, "eve", "--group", "data-science", "--profile", "scikit-learn",
                 "--size", "large")  # fmt: skip
    assert result.exit_code == 1
    assert "refused, quota_cpu" in result.output
    assert "(ada 2 CPUs, bob 2 CPUs)" in result.output
    row = next(line for line in result.output.splitlines() if "refuses it" in line)
    assert row.split("  ")[0] == "group data-science"
    assert "mallory" not in result.output


def test_a_policy_refusal_is_told_with_its_code(past: Past, profiles: Path) -> None:
    result = run(past, profiles, "ada", "--profile", "pytorch-gpu")
    assert result.exit_code == 1
    assert "refused, profile_not_offered" in result.output
    assert "Offered are: " in result.output


def test_without_a_profile_every_size_that_is_offered_has_its_verdict(
    past: Past, profiles: Path, catalog: Catalog
) -> None:
    found = facts(past, profiles, "ada")
    decisions = {(d["profile"], d["size"]): d["code"] for d in found["decisions"]}  # type: ignore[attr-defined]
    offered = catalog.offered(frozenset({"data-science"}))
    assert decisions.keys() == {(p.name, size) for p in offered for size in p.sizes}
    assert decisions["scikit-learn", "medium"] == "ok"
    assert decisions["scikit-learn", "large"] == "quota_cpu"
    text = run(past, profiles, "ada").output
    assert "scikit-learn/large: Scikit-learn (large) does not fit: " in text


def test_limits_are_told_with_what_is_used_and_left(past: Past, profiles: Path) -> None:
    found = facts(past, profiles, "ada", "--profile", "python")
    limits = {(x["scope"], x["resource"]): x for x in found["limits"]}  # type: ignore[attr-defined]
    assert (limits["user", "cpu"]["used"], limits["user", "cpu"]["left"]) == (2, 2)
    assert limits["group", "cpu"]["holders"] == {"ada": 2, "bob": 2}
    spent = limits["group", "cpu_hours"]
    assert (spent["period"], spent["limit"]) == ("month", 9000)


def test_options_are_answered_as_in_a_choice(past: Past, profiles: Path) -> None:
    result = run(past, profiles, "ada", "--profile", "python", "--option", "nothing=1")
    assert (result.exit_code, "unknown_option" in result.output) == (1, True)
    assert run(past, profiles, "ada", "--option", "nothing").exit_code == 2


def test_somebody_the_audit_does_not_know_is_decided_on_without_groups(
    past: Past, profiles: Path
) -> None:
    result = run(past, profiles, "nobody-yet")
    assert "the audit knows no decision of theirs; name groups with --group" in result.output
    assert "scikit-learn" not in result.output


def test_without_any_audit_nothing_counts_as_used(
    profiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_AUDIT_FILE", str(tmp_path / "none.jsonl"))
    result = run(None, profiles, "ada", "--group", "data-science", "--profile", "scikit-learn")
    assert result.exit_code == 0
    assert "No audit was found: nothing counts as used." in result.output


def test_what_cannot_be_read_is_neither_allowed_nor_refused(past: Past, profiles: Path) -> None:
    (profiles / "quotas.yaml").write_text("each_usr: {}\n")
    result = run(past, profiles, "ada")
    assert result.exit_code == 2
    assert "baton catalog lint" in result.output
    (profiles / "quotas.yaml").write_text(QUOTAS)
    past.path.write_text("nonsense\n{}\n")
    result = run(past, profiles, "ada")
    assert result.exit_code == 2
    assert "The audit can't be read: " in result.output
    assert run(None, profiles, "ada", "--audit", str(profiles / "none")).exit_code == 2


def test_it_decides_as_a_start_does(catalog: Catalog) -> None:
    quotas = catalog.quotas.model_copy(update={"total": Limits(servers=1)})
    account = Account([booking("bob", groups=["secret"], started=NOON)])
    changed = Catalog(catalog.profiles, quotas or Quotas(), findings=catalog.findings)
    groups = frozenset({"data-science"})
    found = explain(changed, account, "ada", groups, {"profile": "python"}, NOON)
    assert not found.allowed
    [verdict] = found.verdicts
    assert verdict.code == "quota_servers"
    assert "everybody together may use 1 server at once" in verdict.reason
    assert "bob" not in verdict.reason
