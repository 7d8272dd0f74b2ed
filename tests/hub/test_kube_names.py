"""Names in the cluster: valid for any group, and never those of another one."""

from __future__ import annotations

import random
import re

import pytest

from baton_hub.cluster.names import cluster_name, priority_class

VALID = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def test_a_plain_name_is_kept() -> None:
    assert cluster_name("deep-learning") == "deep-learning"
    assert priority_class("deep-learning") == "baton-deep-learning"


@pytest.mark.parametrize(
    "group", ["Data Science", "über", "a--b", "-", "", "_x_", "x" * 200, "a/b", "日本", "\ud800"]
)
def test_any_other_gets_a_valid_name_of_its_own(group: str) -> None:
    assert VALID.fullmatch(cluster_name(group))
    assert len(priority_class(group)) <= 63
    assert "--" in cluster_name(group)


def test_the_names_never_change() -> None:
    """They are in clusters: quotas would no longer find the pods."""
    assert cluster_name("Data Science") == "data-science--f25168f39ae8"


def test_no_two_groups_share_a_name() -> None:
    letters = random.Random(7)
    groups = {
        "".join(letters.choices("aA-_ .é", k=letters.randint(1, 5))) for _ in range(20_000)
    } | {cluster_name("Data Science"), "Data Science", "data science", "data-science"}
    assert len({cluster_name(group) for group in groups}) == len(groups)
