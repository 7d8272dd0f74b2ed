"""Policy: only what is offered can be resolved."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from baton_contract import PublicError
from baton_hub.catalog import Catalog, Lifecycle
from baton_hub.policy import ServerSpec, resolve

SCIENCE = ["data-science"]


def refused(catalog: Catalog, choice: Any, groups: list[str] = SCIENCE) -> PublicError:
    with pytest.raises(PublicError) as caught:
        resolve(catalog, "ada", groups, choice)
    assert 400 <= caught.value.status < 500
    assert caught.value.message.endswith(".") or "Did you mean" in caught.value.message
    return caught.value


def test_a_choice_resolves_to_what_the_catalogue_says(catalog: Catalog) -> None:
    spec = resolve(catalog, "ada", SCIENCE, {"profile": "scikit-learn", "size": "medium"})
    profile = catalog.profiles["scikit-learn"]
    assert isinstance(spec, ServerSpec)
    assert (spec.image, spec.digest) == (profile.image.pinned, profile.image.digest)
    assert (spec.cpu, spec.memory, spec.gpu) == (2.0, 4 * 1024**3, 0)
    assert spec.revision == catalog.revision


def test_without_a_size_the_first_one_is_taken(catalog: Catalog) -> None:
    assert resolve(catalog, "ada", SCIENCE, {"profile": "scikit-learn"}).size == "small"


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
    assert resolve(catalog, "ada", [], {"profile": "python"}).profile == "python"
    assert refused(catalog, {"profile": "scikit-learn"}, []).code == "profile_not_offered"


def test_an_empty_catalogue_offers_nothing() -> None:
    assert refused(Catalog(), {"profile": "python"}).code == "profile_not_offered"


def test_a_blocked_profile_is_refused_from_its_day_on(catalog: Catalog) -> None:
    life = Lifecycle(blocked=date(2027, 1, 1), replaced_by="python", message="Too old.")
    profile = catalog.profiles["scikit-learn"].model_copy(update={"lifecycle": life})
    old = Catalog.model_construct(profiles={"scikit-learn": profile}, revision="x")
    choice = {"profile": "scikit-learn"}
    assert resolve(old, "ada", SCIENCE, choice, today=date(2026, 12, 31)).profile == "scikit-learn"
    with pytest.raises(PublicError, match=r"Too old\. Use python instead") as caught:
        resolve(old, "ada", SCIENCE, choice, today=date(2027, 1, 1))
    assert caught.value.code == "profile_blocked"
