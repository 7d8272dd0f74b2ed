"""The spawn page's form: what it shows, and what it understands."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from baton_hub.catalog import Catalog, Lifecycle, Limits, Quotas
from baton_hub.quota import bounds
from baton_hub.spawner.form import parse_form, render_form

GROUPS = frozenset({"data-science"})


def render(catalog: Catalog, **changes: Any) -> str:
    quotas = changes.pop("quotas", Quotas())
    given: dict[str, Any] = {
        "chosen": {},
        "user": "ada",
        "groups": sorted(GROUPS),
        "contact": "an operator",
        "notice": "",
    }
    profiles = changes.pop("profiles", catalog.offered(GROUPS))
    return render_form(profiles, bounds(quotas, "ada", GROUPS, ()), **{**given, **changes})


def test_a_card_is_shown_for_what_is_offered_and_for_nothing_else(catalog: Catalog) -> None:
    page = render(catalog)
    assert 'value="scikit-learn/small"' in page
    assert "2 CPUs · 4 GB" in page
    assert "pytorch" not in page


def test_a_size_beyond_the_quota_is_shown_with_the_reason_and_cannot_be_chosen(
    catalog: Catalog,
) -> None:
    page = render(catalog, quotas=Quotas(each_user=Limits(cpu=1)))
    medium = page[page.index('value="scikit-learn/medium"') :].split("</label>")[0]
    assert "disabled" in medium
    assert "You may use 1 CPU at once." in medium
    assert "You may still start: <strong" in page


def test_the_choice_of_last_time_is_proposed_again_if_it_is_still_offered(catalog: Catalog) -> None:
    page = render(catalog, chosen={"profile": "scikit-learn", "size": "medium"})
    assert 'value="scikit-learn/medium" required checked' in page
    hostile: dict[str, Any] = {"profile": ["x"], "size": {"a": 1}}
    assert 'value="scikit-learn/small" required checked' in render(catalog, chosen=hostile)


def test_a_catalogue_that_never_was_good_is_not_a_matter_of_access(catalog: Catalog) -> None:
    page = render(catalog, profiles=(), is_broken=True)
    assert "There is a fault in the catalogue" in page
    assert "Please tell an operator" in page
    assert "Nothing is offered to you" not in page


def test_nobodys_profile_says_whom_to_ask(catalog: Catalog) -> None:
    page = render(catalog, profiles=())
    assert "Nothing is offered to you yet" in page
    assert "Please ask an operator" in page
    assert "<input" not in page


def test_a_profile_being_retired_says_until_when_and_what_instead(catalog: Catalog) -> None:
    life = Lifecycle(deprecated=date(2026, 1, 1), blocked=date(2099, 1, 1), replaced_by="python")
    profile = catalog.profiles["scikit-learn"].model_copy(update={"lifecycle": life})
    page = render(catalog, profiles=(profile,), today=date(2026, 6, 1))
    assert "It can be started until 2099-01-01. Please move to python." in page
    assert "retired" not in render(catalog, profiles=(profile,), today=date(2025, 6, 1))


def test_what_a_catalogue_says_is_text_and_never_markup(catalog: Catalog) -> None:
    profile = catalog.profiles["python"].model_copy(update={"title": "<script>alert(1)</script>"})
    assert "<script>alert" not in render(catalog, profiles=(profile,))


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"choice": ["a/b"]}, {"profile": "a", "size": "b"}),
        ({"choice": ["a"]}, {"profile": "a"}),
        ({"profile": ["a"], "size": ["b"]}, {"profile": "a", "size": "b"}),
        ({"opt-profile": ["a"], "_xsrf": ["x"]}, {"profile": "a"}),
        ({"profile": ["a", "b"]}, {"profile": ["a", "b"]}),
        ({"choice": ["a/b"], "image": ["evil"]}, {"profile": "a", "size": "b", "image": "evil"}),
        ({}, {}),
    ],
)
def test_a_form_is_understood_and_nothing_in_it_is_overlooked(
    fields: dict[str, list[str]], options: dict[str, Any]
) -> None:
    assert parse_form(fields) == options
