"""Policy: only what is offered can be resolved."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.hub.governed import governed

from baton_contract import PublicError
from baton_hub.amount import Amount
from baton_hub.catalog import Catalog, Lifecycle
from baton_hub.catalog.evidence import Finding
from baton_hub.offer import obstacle
from baton_hub.policy import ServerSpec, resolve

TODAY = date(2026, 11, 1)
SCIENCE = ["data-science"]
LAKE = {"profile": "spark", "size": "small"}
"""A choice in the catalogue of `governed`, to which tests add."""


def refused(catalog: Catalog, choice: Any, groups: list[str] = SCIENCE) -> PublicError:
    with pytest.raises(PublicError) as caught:
        resolve(catalog, "ada", groups, choice, today=TODAY)
    assert 400 <= caught.value.status < 500
    assert caught.value.message.endswith(".") or "Did you mean" in caught.value.message
    return caught.value


def test_a_choice_resolves_to_what_the_catalogue_says(catalog: Catalog) -> None:
    asked = {"profile": "scikit-learn", "size": "medium"}
    spec = resolve(catalog, "ada", SCIENCE, asked, today=TODAY)
    profile = catalog.profiles["scikit-learn"]
    assert isinstance(spec, ServerSpec)
    assert (spec.image, spec.digest) == (profile.image.pinned, profile.image.digest)
    assert spec.amount == Amount(1, 2.0, 4 * 1024**3)
    assert spec.revision == catalog.revision


def test_without_a_size_the_first_one_is_taken(catalog: Catalog) -> None:
    spec = resolve(catalog, "ada", SCIENCE, {"profile": "scikit-learn"}, today=TODAY)
    assert spec.size == "small"


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({}, "no_profile"),
        ({"profile": ""}, "no_profile"),
        ({"size": "small"}, "no_profile"),
        ({"profile": "pytorch-gpu", "size": "one-gpu"}, "profile_not_offered"),
        ({"profile": "nothing"}, "profile_not_offered"),
        ({"profile": "Scikit-learn"}, "profile_not_offered"),
        ({"profile": "scikit-learn "}, "profile_not_offered"),
        ({"profile": "scikit\u2010learn"}, "profile_not_offered"),
        ({"profile": "scikit-learn", "size": "huge"}, "unknown_size"),
        ({"profile": "scikit-learn", "size": "small/../large"}, "unknown_size"),
        ({"profile": ["scikit-learn"]}, "bad_choice"),
        ({"profile": {"name": "scikit-learn"}}, "bad_choice"),
        ({"profile": None}, "bad_choice"),
        ({"profile": 1}, "bad_choice"),
        ({"profile": True}, "bad_choice"),
        ({"profile": "scikit-learn", "size": 4}, "bad_choice"),
        ({"profile": "scikit-learn", "size": None}, "bad_choice"),
        ({"profile": "scikit-learn", "size": ""}, "unknown_size"),
        ({"profile": b"scikit-learn"}, "bad_choice"),
        ({"profile": "scikit-learn\0"}, "profile_not_offered"),
        ({"profile": "scikit-learn", "size": "small\u200b"}, "unknown_size"),
        ({"profile": 10**400}, "bad_choice"),
        ({"profile": float("nan")}, "bad_choice"),
        ({"profile": "\ud800"}, "profile_not_offered"),
        ({1: "scikit-learn"}, "unknown_option"),
        ({None: "scikit-learn"}, "unknown_option"),
        ({("profile",): "scikit-learn"}, "unknown_option"),
        ({"profile": "scikit-learn", "options": None}, "bad_choice"),
        ({"profile": "scikit-learn", "options": []}, "bad_choice"),
        ({"profile": "scikit-learn", "options": {"cores": 1}}, "bad_choice"),
        ({"profile": "scikit-learn", "options": {1: "one"}}, "bad_choice"),
        ({"profile": "scikit-learn", "options": {"cores": "1"}}, "unknown_option"),
        ({"profile": "scikit-learn", "connections": "lake"}, "bad_choice"),
        ({"profile": "scikit-learn", "connections": {"lake": True}}, "bad_choice"),
        ({"profile": "scikit-learn", "connections": [None]}, "bad_choice"),
        ({"profile": "scikit-learn", "connections": ["lake"]}, "connection_not_offered"),
        ({"profile": "scikit-learn", "image": "evil"}, "unknown_option"),
        ({"profile": "scikit-learn", "kubespawner_override": {"image": "evil"}}, "unknown_option"),
        ({"profile": "scikit-learn", "cpu_limit": 64}, "unknown_option"),
        ({"Profile": "scikit-learn"}, "unknown_option"),
        ({"profile": "x" * 1_000_000}, "profile_not_offered"),
        ("scikit-learn", "bad_choice"),
        (None, "bad_choice"),
        ([], "bad_choice"),
    ],
)
def test_anything_else_is_refused_with_a_code_and_a_short_sentence(
    catalog: Catalog, choice: Any, code: str
) -> None:
    error = refused(catalog, choice)
    assert error.code == code
    assert len(error.message) < 400
    assert error.message.replace("…", "").isascii()


def test_a_forbidden_profile_and_a_missing_one_get_the_same_answer(catalog: Catalog) -> None:
    forbidden = refused(catalog, {"profile": "pytorch-gpu"})
    missing = refused(catalog, {"profile": "pytorch-cpu"})
    assert (forbidden.status, forbidden.code) == (missing.status, missing.code)


def test_without_groups_only_what_is_for_everybody_is_offered(catalog: Catalog) -> None:
    spec = resolve(catalog, "ada", [], {"profile": "python"}, today=TODAY)
    assert spec.profile == "python"
    assert refused(catalog, {"profile": "scikit-learn"}, []).code == "profile_not_offered"


def test_an_empty_catalogue_offers_nothing() -> None:
    assert refused(Catalog(), {"profile": "python"}).code == "profile_not_offered"


def test_what_is_left_out_has_a_documented_default(catalog: Catalog) -> None:
    spec = resolve(governed(catalog), "ada", SCIENCE, {"profile": "spark"}, today=TODAY)
    assert (spec.size, spec.connections) == ("small", ())
    assert spec.environment["SPARK_LOG_LEVEL"] == "WARN"
    assert spec.environment["SPARK_QUEUE"] == "default"


def test_an_option_and_a_connection_become_environment_and_references(catalog: Catalog) -> None:
    asked = {
        **LAKE,
        "options": {"log-level": "INFO", "queue": "night-1"},
        "connections": ["lake"],
    }
    spec = resolve(governed(catalog), "ada", SCIENCE, asked, today=TODAY)
    assert spec.environment["SPARK_LOG_LEVEL"] == "INFO"
    assert spec.environment["SPARK_QUEUE"] == "night-1"
    assert spec.environment["LAKE_BUCKET"] == "science"
    assert {name: (ref.secret, ref.key) for name, ref in spec.secrets.items()} == {
        "LAKE_KEY": ("lake", "key")
    }
    assert spec.connections == ("lake",)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"options": {"log-level": "DEBUG"}}, "bad_option"),
        ({"options": {"log-level": "info"}}, "bad_option"),
        ({"options": {"log-level": "INFO "}}, "bad_option"),
        ({"options": {"queue": ""}}, "bad_option"),
        ({"options": {"queue": "Night"}}, "bad_option"),
        ({"options": {"queue": "night\n"}}, "bad_option"),
        ({"options": {"queue": "night\nx"}}, "bad_option"),
        ({"options": {"queue": "n" * 201}}, "bad_option"),
        ({"options": {"queue": "\uff4eight"}}, "bad_option"),
        ({"options": {"depth": "3"}}, "unknown_option"),
        ({"options": {"Queue": "night"}}, "unknown_option"),
        ({"options": {"queue\u200b": "night"}}, "unknown_option"),
        ({"connections": ["lake", "lake"]}, "bad_choice"),
        ({"connections": ["vault"]}, "connection_not_offered"),
        ({"connections": ["lake", "vault"]}, "connection_not_offered"),
        ({"connections": ["LAKE"]}, "connection_not_offered"),
        ({"connections": ["../lake"]}, "connection_not_offered"),
        ({"connections": [""]}, "connection_not_offered"),
    ],
)
def test_an_answer_or_a_connection_that_is_not_offered_is_refused(
    catalog: Catalog, asked: dict[str, Any], code: str
) -> None:
    error = refused(governed(catalog), {**LAKE, **asked})
    assert error.code == code
    assert len(error.message) < 400


@pytest.mark.parametrize("unseen", ["\0", "\n", "\r", "\t", "\x1b", "\x7f", "\u200b", "\u202e"])
def test_what_cannot_be_seen_is_refused_whatever_the_pattern_says(
    catalog: Catalog, unseen: str
) -> None:
    spark = governed(catalog).profiles["spark"]
    anything = spark.options["queue"].model_copy(update={"pattern": r"(?s).*"})
    loose = spark.model_copy(update={"options": {"queue": anything}})
    asked = {**LAKE, "options": {"queue": f"a{unseen}b"}}
    assert refused(Catalog(profiles={"spark": loose}), asked).code == "bad_option"


def test_another_profiles_options_and_connections_do_not_come_along(catalog: Catalog) -> None:
    every = governed(catalog)
    python = {"profile": "python", "size": "small"}
    assert refused(every, {**python, "options": {"queue": "night"}}).code == "unknown_option"
    assert refused(every, {**python, "connections": ["lake"]}).code == "connection_not_offered"


def test_an_answer_that_is_needed_is_asked_for(catalog: Catalog) -> None:
    spark = governed(catalog).profiles["spark"]
    needed = spark.options["queue"].model_copy(update={"default": None})
    bare = Catalog(profiles={"spark": spark.model_copy(update={"options": {"queue": needed}})})
    assert refused(bare, LAKE).code == "option_missing"
    assert refused(bare, {**LAKE, "options": {"queue": ""}}).code == "bad_option"


@pytest.mark.parametrize(
    "asked",
    [
        {"profile": "spark" * 10**6},
        {"profile": "spark", "size": "s" * 10**7},
        {"x" * 10**7: "spark"},
        {str(number): "x" for number in range(10**5)},
        {**LAKE, "options": {str(number): "x" for number in range(10**6)}},
        {**LAKE, "options": {"queue": "n" * 10**7}},
        {**LAKE, "connections": ["lake"] * 10**6},
        {**LAKE, "connections": [str(number) for number in range(10**6)]},
    ],
    ids=lambda asked: str(asked)[:30],
)
def test_a_huge_choice_costs_next_to_nothing(catalog: Catalog, asked: Any) -> None:
    every = governed(catalog)
    began = time.perf_counter()
    error = refused(every, asked)
    assert time.perf_counter() - began < 0.05
    assert len(error.message) < 400


def test_a_choice_nested_as_deep_as_can_be_is_refused_like_any_other(catalog: Catalog) -> None:
    deep: Any = "x"
    for _ in range(sys.getrecursionlimit() * 10):
        deep = {"profile": deep}
    assert refused(catalog, deep).code == "bad_choice"
    assert refused(catalog, {"profile": "python", "options": {"x": deep}}).code == "bad_choice"


def aged(catalog: Catalog, **changes: Any) -> Catalog:
    """Return the catalogue with another lifecycle of scikit-learn."""
    profile = catalog.profiles["scikit-learn"].model_copy(
        update={"lifecycle": Lifecycle(**changes)}
    )
    return replace(catalog, profiles={**catalog.profiles, "scikit-learn": profile})


def test_a_blocked_profile_is_refused_from_its_day_on(catalog: Catalog) -> None:
    old = aged(catalog, blocked=date(2027, 1, 1), replaced_by="python", message="Too old.")
    choice = {"profile": "scikit-learn"}
    assert resolve(old, "ada", SCIENCE, choice, today=date(2026, 12, 31)).profile == "scikit-learn"
    with pytest.raises(PublicError, match=r"Too old\. Use Plain Python instead") as caught:
        resolve(old, "ada", SCIENCE, choice, today=date(2027, 1, 1))
    assert caught.value.code == "profile_blocked"


def test_a_profile_being_retired_starts_with_a_notice_that_names_the_next(catalog: Catalog) -> None:
    old = aged(catalog, deprecated=date(2026, 1, 1), replaced_by="python")
    choice = {"profile": "scikit-learn"}
    spec = resolve(old, "ada", SCIENCE, choice, today=date(2026, 1, 1))
    assert spec.notice == "This profile is being retired. Please move to Plain Python."
    assert resolve(old, "ada", SCIENCE, choice, today=date(2025, 12, 31)).notice == ""


def test_only_a_replacement_that_the_person_may_start_is_named(catalog: Catalog) -> None:
    other = aged(catalog, blocked=date(2026, 1, 1), replaced_by="pytorch-gpu")
    with pytest.raises(PublicError) as caught:
        resolve(other, "ada", SCIENCE, {"profile": "scikit-learn"}, today=date(2026, 1, 1))
    assert "PyTorch" not in caught.value.message
    assert "PyTorch" in obstacle(other, other.profiles["scikit-learn"], date(2026, 1, 1))


def test_a_profile_is_refused_the_day_after_its_evidence_ran_out(catalog: Catalog) -> None:
    finding = Finding(expires=date(2026, 3, 1), expires_because="scan")
    old = replace(catalog, findings={"scikit-learn": finding})
    choice = {"profile": "scikit-learn"}
    assert resolve(old, "ada", SCIENCE, choice, today=date(2026, 3, 1)).size == "small"
    with pytest.raises(PublicError, match=r"The scan of Scikit-learn ran out on 2026-03-01\."):
        resolve(old, "ada", SCIENCE, choice, today=date(2026, 3, 2))
