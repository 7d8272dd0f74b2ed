"""The chart's values: what the chart makes of them, and how they merge with those by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from tests.hub.pods import CATALOG, DAY, HELPER, TARGET

from baton_hub.cluster.folder import Content
from baton_hub.cluster.render import VALUES, render
from baton_hub.cluster.target import Target
from baton_hub.spawner import CuratedKubeSpawner

Json = dict[str, Any]

BY_HAND = Path(__file__).parents[2] / "deploy" / "jupyterhub-values.yaml"
CHART: Json = {
    "custom": None,
    "hub": {
        "config": None,
        "extraVolumes": None,
        "extraVolumeMounts": None,
        "image": None,
        "extraConfig": None,
        "extraEnv": None,
    },
    "prePuller": {"hook": {"enabled": None}, "extraImages": None},
    "singleuser": {
        "image": {"name": None, "tag": None},
        "cloudMetadata": {"blockWithIptables": None},
        "networkTools": {"image": {"name": None, "tag": None}, "resources": None},
        "networkPolicy": {
            "enabled": None,
            "egressAllowRules": {
                "cloudMetadataServer": None,
                "nonPrivateIPs": None,
                "privateIPs": None,
            },
        },
    },
    "cull": {"enabled": None},
}
"""Keys that chart 4 knows, of those that are used; None: anything below."""


def values(target: Target = TARGET) -> Json:
    found: Json = yaml.safe_load(
        render(CATALOG, Content(3, {"a": b"b"}), target, DAY).files[VALUES]
    )
    return found


def merged(base: Any, over: Any) -> Any:
    """Return what Helm makes of two values files: mappings are merged, lists are replaced."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}


def unknown(given: Json, known: Json | None, path: str = "") -> list[str]:
    if known is None or not isinstance(given, dict):
        return []
    found = [f"{path}/{key}" for key in given if key not in known]
    return found + [
        key for name in given if name in known for key in unknown(given[name], known[name], name)
    ]


def test_only_keys_of_the_chart_are_used() -> None:
    assert unknown(values(), CHART) == []
    assert unknown(yaml.safe_load(BY_HAND.read_text()), CHART) == []


def test_what_the_chart_pulls_is_the_catalogue_by_digest() -> None:
    """The chart writes NAME:TAG."""
    pulled = {
        f"{image['name']}:{image['tag']}" for image in values()["prePuller"]["extraImages"].values()
    }
    offered = {p.image.pinned for p in CATALOG.profiles.values() if p.name != "old"}
    assert pulled == offered
    own = values()["singleuser"]["image"]
    assert f"{own['name']}:{own['tag']}" in offered


def test_the_spawner_knows_every_setting() -> None:
    settings = values()["hub"]["config"]["CuratedKubeSpawner"]
    assert set(settings) <= set(CuratedKubeSpawner.class_trait_names())
    assert settings == {"use_priority_classes": True, "helper_images": [HELPER]}


def test_the_charts_own_container_runs_only_when_it_is_named_a_helper() -> None:
    """A container that the policy refuses would keep every server from starting."""
    with_tools = values()["singleuser"]
    image = with_tools["networkTools"]["image"]
    assert with_tools["cloudMetadata"]["blockWithIptables"] is True
    assert f"{image['name']}:{image['tag']}" == HELPER
    # It must be small: a quota counts the largest of what a pod runs first.
    assert set(with_tools["networkTools"]["resources"]["limits"]) == {"cpu", "memory"}
    without = values(Target(namespace="hub"))["singleuser"]
    assert without["cloudMetadata"]["blockWithIptables"] is False
    assert "networkTools" not in without


def test_they_merge_with_the_values_written_by_hand() -> None:
    by_hand = yaml.safe_load(BY_HAND.read_text())
    for both in (merged(by_hand, values()), merged(values(), by_hand)):
        hub = both["hub"]
        assert hub["extraConfig"] == by_hand["hub"]["extraConfig"]
        assert hub["config"]["CuratedKubeSpawner"]["use_priority_classes"] is True
        (volume,), (mount,) = hub["extraVolumes"], hub["extraVolumeMounts"]
        assert (volume["name"], mount["mountPath"]) == (mount["name"], "/etc/baton/profiles")
        assert volume["configMap"]["name"] == "baton-profiles"
        assert both["prePuller"]["hook"]["enabled"] is False
        assert both["prePuller"]["extraImages"]
