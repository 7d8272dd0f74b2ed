"""The spawn page's form: what it shows, and what it understands."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import pytest
from tests.hub.governed import governed

from baton_hub.account import Account
from baton_hub.amount import Amount
from baton_hub.booking import Booking
from baton_hub.catalog import Budget, Catalog, GroupLimits, Lifecycle, Limits, Quotas
from baton_hub.catalog.evidence import Finding
from baton_hub.policy import resolve
from baton_hub.quota import bounds
from baton_hub.spawner.form import parse_form
from baton_hub.spawner.page import render_page

GROUPS = frozenset({"data-science"})
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def render(catalog: Catalog, **changes: Any) -> str:
    """Return the page of ada, as text that a person reads and with its markup."""
    quotas = changes.pop("quotas", Quotas())
    account = Account(changes.pop("bookings", ()))
    given: dict[str, Any] = {
        "chosen": {},
        "user": "ada",
        "groups": sorted(GROUPS),
        "contact": "an operator",
        "today": NOW.date(),
    }
    limits = bounds(quotas, "ada", GROUPS, account, NOW)
    return unescape(render_page(catalog, limits, **{**given, **changes}))


def booking(user: str, cpu: float) -> Booking:
    return Booking(
        id=user,
        user=user,
        server="",
        groups=GROUPS,
        profile="scikit-learn",
        size="small",
        image="",
        digest="",
        revision="",
        amount=Amount(1, cpu),
        since=NOW,
    )


def card(page: str, profile: str) -> str:
    """Return the part of a page that is about one profile."""
    return page.split(f'data-profile="{profile}"')[1].split("data-profile=")[0]


def chosen(page: str) -> list[str]:
    """Return the values that the form would send of radio buttons and check boxes."""
    return re.findall(r'value="([^"]*)"[^>]* checked', page)


def aged(catalog: Catalog, **changes: Any) -> Catalog:
    """Return the catalogue with another lifecycle of scikit-learn."""
    profile = catalog.profiles["scikit-learn"].model_copy(
        update={"lifecycle": Lifecycle(**changes)}
    )
    return replace(catalog, profiles={**catalog.profiles, "scikit-learn": profile})


def without_profiles(catalog: Catalog) -> Catalog:
    """Return the catalogue with what is offered to others only."""
    return replace(catalog, profiles={"pytorch-gpu": catalog.profiles["pytorch-gpu"]})


def test_a_card_is_shown_for_what_is_offered_and_for_nothing_else(catalog: Catalog) -> None:
    page = render(catalog)
    assert 'name="profile" id="profile-scikit-learn" value="scikit-learn"' in page
    assert "2 CPUs · 4 GB" in page
    assert "pytorch" not in page


def many(catalog: Catalog, *titles: str) -> Catalog:
    """Return a catalogue with one profile a title, all of them alike."""
    like = catalog.profiles["scikit-learn"]
    named = {f"p{number}": title for number, title in enumerate(titles)}
    profiles = {
        name: like.model_copy(update={"name": name, "title": title})
        for name, title in named.items()
    }
    return replace(catalog, profiles=profiles)


def test_numbers_in_titles_are_sorted_as_numbers(catalog: Catalog) -> None:
    titles = ["Profile 10", "profile 2", "Profile", "Profile 1.12", "Profile 1.9", "7", "Audio"]
    page = render(many(catalog, *titles))
    assert re.findall(r'data-title="([^":]*)"', page) == [
        "7",
        "Audio",
        "Profile",
        "Profile 1.9",
        "Profile 1.12",
        "profile 2",
        "Profile 10",
    ]


def test_what_is_ones_own_stays_before_what_is_everybodys(catalog: Catalog) -> None:
    every = many(catalog, "Profile 1", "Profile 2")
    shared = catalog.profiles["python"].access
    first = every.profiles["p0"].model_copy(update={"access": shared})
    page = render(replace(every, profiles={**every.profiles, "p0": first}))
    assert re.findall(r'data-profile="(\w+)"', page) == ["p1", "p0"]


@pytest.mark.parametrize(("number", "is_there"), [(8, False), (9, True)])
def test_many_profiles_can_be_searched_but_not_without_scripts(
    catalog: Catalog, number: int, is_there: bool
) -> None:
    page = render(many(catalog, *map(str, range(number))))
    assert ('<div class="mb-3" data-baton="find" hidden>' in page) == is_there
    assert ('type="search"' in page) == is_there


def test_a_size_beyond_the_quota_is_shown_with_the_reason_and_cannot_be_chosen(
    catalog: Catalog,
) -> None:
    page = render(catalog, quotas=Quotas(each_user=Limits(cpu=1)))
    medium = card(page, "scikit-learn").split('value="medium"')[1].split("</label>")[0]
    assert "disabled" in medium
    assert "You may use 1 CPU at once." in medium
    assert "You may still start: <strong" in page


def test_what_is_left_names_the_group_who_holds_it_and_the_budget(catalog: Catalog) -> None:
    quotas = Quotas(
        each_user=Limits(servers=2, budget=Budget(period="month", cpu_hours=40)),
        groups={"data-science": GroupLimits(cpu=4)},
    )
    page = render(catalog, quotas=quotas, bookings=[booking("bob", 1), booking("ada", 0.5)])
    assert "1 server · 40 CPU hours this month · 2.5 CPUs" in page
    assert "Group data-science" in page
    assert re.search(r"bob 1 CPU, ada 0\.5 CPU", page)
    assert "40 CPU hours a month" in page


def test_when_nothing_fits_the_page_says_why_and_where_servers_are_stopped(
    catalog: Catalog,
) -> None:
    page = render(
        catalog,
        quotas=Quotas(each_user=Limits(servers=1)),
        bookings=[booking("ada", 1)],
        home="/hub/home",
    )
    assert "Nothing fits at the moment" in page
    assert "You may use 1 server at once, and 1 server in use already." in page
    assert 'href="/hub/home"' in page
    assert "profile" not in chosen(page)


def test_the_choice_of_last_time_is_proposed_again_if_it_is_still_offered(catalog: Catalog) -> None:
    every = governed(catalog)
    last = {
        "profile": "spark",
        "size": "medium",
        "options": {"log-level": "INFO", "queue": "night"},
        "connections": ["lake"],
    }
    page = render(every, chosen=last)
    spark = card(page, "spark")
    assert page.index('data-profile="spark"') < page.index('data-profile="scikit-learn"')
    assert chosen(spark) == ["spark", "medium", "lake"]
    assert '<option value="INFO" selected>' in spark
    assert 'value="night"' in spark
    assert "spark" not in chosen(card(page, "scikit-learn"))


@pytest.mark.parametrize(
    "last",
    [
        {"profile": ["x"], "size": {"a": 1}},
        {"profile": "spark", "size": "huge", "options": {"queue": "A B"}, "connections": ["vault"]},
        {"profile": "spark", "options": {"log-level": "DEBUG"}},
        "spark",
        None,
        b"spark",
        {"profile": "spark", "connections": [{}]},
    ],
    ids=str,
)
def test_a_stored_choice_that_is_no_longer_offered_leaves_the_defaults(
    catalog: Catalog, last: Any
) -> None:
    page = render(governed(catalog), chosen=last)
    spark = card(page, "spark")
    assert "small" in chosen(spark)
    assert "lake" not in chosen(spark)
    assert '<option value="WARN" selected>' in spark
    assert 'value="default"' in spark
    assert "vault" not in page


def test_the_profiles_options_and_connections_are_described(catalog: Catalog) -> None:
    spark = card(render(governed(catalog)), "spark")
    for text in ("Log level", "How much Spark says while it works", "Everything", "Queue"):
        assert text in spark
    assert 'data-pattern="[a-z0-9-]+"' in spark
    assert "The lake" in spark
    assert "Tables of the science department" in spark


def test_a_connection_that_cannot_be_attached_is_shown_with_the_reason(catalog: Catalog) -> None:
    page = render(
        governed(catalog),
        chosen={"profile": "spark", "connections": ["lake"]},
        unavailable={"lake": "The lake is dry."},
    )
    lake = page.split('value="lake"')[1].split("</div>")[0]
    assert "disabled" in lake
    assert "checked" not in lake
    assert "The lake is dry." in lake


def test_a_catalogue_that_never_was_good_is_not_a_matter_of_access() -> None:
    page = render(Catalog())
    assert "There is a fault in the catalogue" in page
    assert "Please tell an operator" in page
    assert "Nothing is offered to you" not in page


def test_nobodys_profile_says_whom_to_ask(catalog: Catalog) -> None:
    page = render(without_profiles(catalog))
    assert "Nothing is offered to you yet" in page
    assert "Please ask an operator" in page
    assert "<input" not in page


def test_a_profile_being_retired_says_until_when_and_what_instead(catalog: Catalog) -> None:
    old = aged(
        catalog,
        deprecated=date(2026, 1, 1),
        blocked=date(2099, 1, 1),
        replaced_by="python",
    )
    page = render(old, today=date(2026, 6, 1))
    assert "started from 2099-01-01 on. Please move to Plain Python." in page
    assert 'data-pick="python"' in page
    assert "retired" not in render(old, today=date(2025, 6, 1))


def test_who_used_a_blocked_profile_is_told_and_offered_what_replaced_it(catalog: Catalog) -> None:
    old = aged(catalog, blocked=date(2026, 1, 1), replaced_by="python")
    last = {"profile": "scikit-learn", "size": "medium"}
    page = render(old, chosen=last)
    assert "What you used last time can't be started any more." in page
    assert "Use Plain Python instead." in page
    assert chosen(card(page, "python")) == ["python", "medium"]
    assert 'data-profile="scikit-learn"' not in page
    assert "last time" not in render(old)
    assert "last time" not in render(old, chosen=last, was_refused=True)


def test_a_profile_whose_evidence_ran_out_is_not_offered(catalog: Catalog) -> None:
    finding = Finding(expires=date(2026, 1, 1), expires_because="scan")
    old = replace(catalog, findings={"scikit-learn": finding})
    assert 'data-profile="scikit-learn"' not in render(old)
    page = render(old, chosen={"profile": "scikit-learn"})
    assert "The scan of Scikit-learn ran out on 2026-01-01." in page
    assert "ask an operator" in page


def test_what_a_catalogue_says_is_text_and_never_markup(catalog: Catalog) -> None:
    evil = "<script>alert(1)</script>"
    spark = governed(catalog).profiles["spark"]
    queue = spark.options["queue"].model_copy(update={"title": evil, "pattern": f'.*">{evil}'})
    profile = spark.model_copy(
        update={"title": evil, "description": evil, "owner": evil, "options": {"queue": queue}}
    )
    every = replace(governed(catalog), profiles={"spark": profile})
    quotas = Quotas(groups={"data-science": GroupLimits(cpu=0)})
    limits = bounds(quotas, evil, GROUPS, Account([booking(evil, 1)]), NOW)
    page = render_page(
        every,
        limits,
        chosen={},
        user=evil,
        groups=["data-science"],
        contact=evil,
        notice=evil,
        today=NOW.date(),
    )
    assert "<script" not in page


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"choice": ["a/b"]}, {"profile": "a", "size": "b"}),
        ({"choice": ["a"]}, {"profile": "a"}),
        ({"profile": ["a"], "size": ["b"]}, {"profile": "a", "size": "b"}),
        ({"profile": ["a"], "size.a": ["b"], "size.c": ["d"]}, {"profile": "a", "size": "b"}),
        ({"opt-profile": ["a"], "_xsrf": ["x"]}, {"profile": "a"}),
        ({"profile": ["a", "b"]}, {"profile": ["a", "b"]}),
        ({"opt-profile": ["a"], "profile": ["b"]}, {"profile": ["a", "b"]}),
        ({"choice": ["a/b"], "image": ["evil"]}, {"profile": "a", "size": "b", "image": "evil"}),
        ({"choice": ["a"], "profile": ["b"]}, {"choice": "a", "profile": "b"}),
        (
            {"profile": ["a"], "option.a.x": ["1"], "option.c.x": ["2"]},
            {"profile": "a", "options": {"x": "1"}},
        ),
        (
            {"profile": ["a"], "connection.a": ["x", "y"], "connection.c": ["z"]},
            {"profile": "a", "connections": ["x", "y"]},
        ),
        (
            {"profile": ["a"], "connection.a": ["x"]},
            {"profile": "a", "connections": ["x"]},
        ),
        ({"option.a.x": ["1"]}, {}),
        ({"option.": ["1"], "size.": ["1"]}, {"option.": "1", "size.": "1"}),
        ({"profile": ["a"], "option.a": ["1"]}, {"profile": "a", "option.a": "1"}),
        (
            {"profile": ["a"], "options": ["x"], "option.a.y": ["1"]},
            {"profile": "a", "options": "x"},
        ),
        ({"__jupyterhub_bytes__": ["1"]}, {"jupyterhub_bytes__": "1"}),
        ({"x_file": [{"body": b"1"}]}, {"x_file": "(a file)"}),
        ({}, {}),
    ],
)
def test_a_form_is_understood_and_nothing_in_it_is_overlooked(
    fields: dict[str, list[Any]], options: dict[str, Any]
) -> None:
    assert parse_form(fields) == options


def test_the_page_without_scripts_sends_what_policy_takes(catalog: Catalog) -> None:
    """A browser without scripts sends every profile's fields; the chosen one's are kept."""
    every = governed(catalog)
    page = render(every, chosen={"profile": "spark", "connections": ["lake"]})
    fields: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        found = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if found["type"] == "text" or " checked" in tag:
            fields.setdefault(found["name"], []).append(found["value"])
    for name, value in re.findall(
        r'<select[^>]* name="([^"]*)".*?<option value="(\w+)" selected', page, re.DOTALL
    ):
        fields[name] = [value]
    assert "size.python" in fields
    spec = resolve(every, "ada", GROUPS, parse_form(fields), today=date(2026, 11, 1))
    assert (spec.profile, spec.size, spec.connections) == ("spark", "small", ("lake",))
    answers = {name: spec.environment[name] for name in ("SPARK_LOG_LEVEL", "SPARK_QUEUE")}
    assert answers == {"SPARK_LOG_LEVEL": "WARN", "SPARK_QUEUE": "default"}
