"""What is rendered for a cluster is what Kubernetes takes, and what the catalogue says."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tests.hub.pods import CATALOG, DAY, HELPER, TARGET
from tests.hub.running import PROFILES

from baton_hub.catalog import Catalog, GroupLimits, Limits, Quotas
from baton_hub.catalog.load import read_catalog
from baton_hub.cluster.folder import LARGEST, Content, read_content
from baton_hub.cluster.names import cluster_name, priority_class
from baton_hub.cluster.render import VALUES, Rendered, path_of, render
from baton_hub.cluster.target import Target, TargetError

Json = dict[str, Any]

TODAY = datetime.now(UTC).date()
CONTENT = Content(6, {"a.yaml": b"a"})
AWKWARD = ("research", "Research", "research/", "Глубокое/Обучение", "深層学習", "a" * 300, "total")


def rendered_example(target: Target = TARGET) -> Rendered:
    reading = read_catalog(PROFILES, today=TODAY)
    assert reading.catalog is not None
    content = read_content(PROFILES, reading.evidence)
    return render(reading.catalog, content, target, TODAY)


def documents(rendered: Rendered) -> list[Json]:
    texts = (text for path, text in rendered.files.items() if path != VALUES)
    return [document for text in texts for document in yaml.safe_load_all(text)]


def awkward_catalog() -> Catalog:
    limits = GroupLimits(
        servers=3, cpu=2.5, memory=3 * 1024**3, gpus={"amd.com/gpu": 2}, priority=7
    )
    quotas = Quotas(
        groups=dict.fromkeys(AWKWARD, limits), total=Limits(servers=40, cpu=0.5, gpus={"x.y/z": 0})
    )
    return replace(CATALOG, quotas=quotas)


def of_kind(rendered: Rendered, kind: str) -> list[Json]:
    return [document for document in documents(rendered) if document["kind"] == kind]


@pytest.mark.parametrize("version", ["1.30", "1.34", "1.37"])
def test_manifests_pass_kubernetes_own_schemas(version: str) -> None:
    """Strictly: a key that Kubernetes does not know is a fault."""
    found = [*documents(rendered_example()), *documents(_awkward())]
    for document in found:
        kubernetes_validate.validate(document, version, strict=True)
    assert len({document["kind"] for document in found}) == 7


def test_the_schemas_would_find_a_misspelt_key() -> None:
    (quota, *_) = of_kind(_awkward(), "ResourceQuota")
    quota["spec"]["scopeSelektor"] = quota["spec"].pop("scopeSelector")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(quota, "1.34", strict=True)


def _awkward() -> Rendered:
    return render(awkward_catalog(), CONTENT, TARGET, DAY)


def test_the_same_catalogue_gives_the_same_bytes() -> None:
    assert rendered_example().files == rendered_example().files
    order = MappingProxyType(dict(reversed(CATALOG.profiles.items())))
    assert (
        render(replace(CATALOG, profiles=order), CONTENT, TARGET, DAY).files
        == render(CATALOG, CONTENT, TARGET, DAY).files
    )


def test_every_object_says_which_catalogue_it_is_from() -> None:
    for document in documents(_awkward()):
        assert document["metadata"]["annotations"]["baton/catalog-revision"] == CATALOG.revision


def test_what_another_reader_could_take_for_a_number_is_quoted() -> None:
    """YAML's readers differ: 52e1 is a text to one and a number to the other."""
    image = CATALOG.profiles["python"].image.model_copy(update={"digest": "sha256:52e" + "1" * 61})
    changed = CATALOG.profiles["python"].model_copy(update={"image": image})
    catalog = replace(CATALOG, profiles=MappingProxyType({"python": changed}))
    assert f'tag: "52e{"1" * 61}"' in render(catalog, CONTENT, TARGET, DAY).files[VALUES]


# Names


def _names(rendered: Rendered) -> Iterator[tuple[str, str]]:
    for document in documents(rendered):
        yield document["kind"], document["metadata"]["name"]


def test_no_two_objects_clash_and_every_name_is_one_that_the_cluster_takes() -> None:
    names = list(_names(_awkward()))
    assert len(set(names)) == len(names)
    for kind, name in names:
        assert len(name) <= 63 or kind.startswith("Validating")
        assert all(part.isascii() for part in name)
        assert name == name.lower().strip("-.")
    assert ("ResourceQuota", "baton-total") in names  # The group's.
    assert ("ResourceQuota", "baton.total") in names  # Everybody's.


def test_the_longest_namespace_is_still_no_name_too_long() -> None:
    rendered = render(CATALOG, CONTENT, Target(namespace="n" * 63), DAY)
    assert all(len(name) <= 253 for _, name in _names(rendered))


# Groups


def test_each_group_has_its_class_and_its_quota() -> None:
    rendered = _awkward()
    quotas = {q["metadata"]["name"]: q["spec"] for q in of_kind(rendered, "ResourceQuota")}
    classes = {c["metadata"]["name"]: c for c in of_kind(rendered, "PriorityClass")}
    for group in AWKWARD:
        name = priority_class(group)
        assert quotas[name]["hard"] == {
            "pods": "3",
            "requests.cpu": "2500m",
            "limits.cpu": "2500m",
            "requests.memory": "3Gi",
            "limits.memory": "3Gi",
            "requests.amd.com/gpu": "2",
        }
        (selector,) = quotas[name]["scopeSelector"]["matchExpressions"]
        assert selector == {"scopeName": "PriorityClass", "operator": "In", "values": [name]}
        assert classes[name]["value"] == 7
        assert (classes[name]["preemptionPolicy"], classes[name]["globalDefault"]) == (
            "Never",
            False,
        )
    assert len(classes) == len(AWKWARD) + 1  # Everybody else's.


def test_the_total_counts_every_server_and_nothing_else() -> None:
    rendered = _awkward()
    (total,) = [q for q in of_kind(rendered, "ResourceQuota") if "." in q["metadata"]["name"]]
    (selector,) = total["spec"]["scopeSelector"]["matchExpressions"]
    assert sorted(selector["values"]) == sorted(
        c["metadata"]["name"] for c in of_kind(rendered, "PriorityClass")
    )
    assert total["spec"]["hard"] == {
        "pods": "40",
        "requests.cpu": "500m",
        "limits.cpu": "500m",
        "requests.x.y/z": "0",
    }


def test_what_is_not_limited_has_no_quota() -> None:
    quotas = Quotas(groups={"free": GroupLimits(priority=1)})
    rendered = render(replace(CATALOG, quotas=quotas), CONTENT, TARGET, DAY)
    assert of_kind(rendered, "ResourceQuota") == []
    assert path_of("quotas") not in rendered.files


def test_the_range_of_a_container_is_the_largest_size_and_names_no_gpu() -> None:
    """A GPU in a LimitRange would be given to every container that says nothing."""
    (limits,) = of_kind(render(CATALOG, CONTENT, TARGET, DAY), "LimitRange")
    (limit,) = limits["spec"]["limits"]
    assert limit["max"] == limit["default"] == {"cpu": "4", "memory": "16Gi"}
    assert set(limit["defaultRequest"]) == {"cpu", "memory"}


# Network


def test_servers_reach_the_platform_names_and_the_internet_only() -> None:
    (policy,) = of_kind(rendered_example(), "NetworkPolicy")
    spec = policy["spec"]
    assert spec["podSelector"] == {"matchLabels": {"component": "singleuser-server"}}
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    (incoming,) = spec["ingress"]
    callers = [peer["podSelector"]["matchLabels"]["component"] for peer in incoming["from"]]
    assert callers == ["hub", "proxy"]
    open_to_all = [rule for rule in spec["egress"] if "ports" not in rule]
    (internet,) = open_to_all
    excepted = {cidr for peer in internet["to"] for cidr in peer["ipBlock"]["except"]}
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= excepted


def test_the_network_knows_the_services_by_the_labels_that_they_are_deployed_with() -> None:
    deployed = yaml.safe_load_all((PROFILES.parent / "deploy" / "services.yaml").read_text())
    wanted = {
        (d["metadata"]["name"], d["spec"]["ports"][0]["port"])
        for d in deployed
        if d["kind"] == "Service"
    }
    (policy,) = of_kind(rendered_example(), "NetworkPolicy")
    found = {
        (peer["podSelector"]["matchLabels"].get("app.kubernetes.io/name"), rule["ports"][0]["port"])
        for rule in policy["spec"]["egress"]
        for peer in rule["to"]
        if "podSelector" in peer
    }
    assert wanted <= found


# The catalogue itself


def test_the_folder_that_the_hub_mounts_is_the_catalogue(tmp_path: Path) -> None:
    """With evidence in folders: keys are flat, and the volume puts each file where it belongs."""
    files = {
        "python.yaml": b"name: python\n",
        "evidence/python/scan.json": b"{}",
        "evidence/python/bundle": b"\xff\xfe",
        "Übersicht.yaml": "title: ö\n".encode(),
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    named = [path for path in files if path.startswith("evidence/")]
    content = read_content(tmp_path, named)
    assert dict(content.files) == files
    rendered = render(CATALOG, content, TARGET, DAY)
    (configmap,) = of_kind(rendered, "ConfigMap")
    kubernetes_validate.validate(configmap, "1.34", strict=True)
    (volume,) = yaml.safe_load(rendered.files[VALUES])["hub"]["extraVolumes"]
    assert volume["configMap"]["name"] == configmap["metadata"]["name"]
    data = {key: text.encode() for key, text in configmap["data"].items()}
    data |= {key: base64.b64decode(text) for key, text in configmap["binaryData"].items()}
    mounted = {item["path"]: data.pop(item["key"]) for item in volume["configMap"]["items"]}
    assert (mounted, data) == (files, {})


def test_a_catalogue_that_no_configmap_holds_is_left_to_another_volume(tmp_path: Path) -> None:
    (tmp_path / "python.yaml").write_text("name: python\n")
    (tmp_path / "scan.json").write_bytes(b" " * LARGEST)
    rendered = render(CATALOG, read_content(tmp_path, ["scan.json"]), TARGET, DAY)
    assert path_of("catalog") not in rendered.files
    assert "extraVolumes" not in yaml.safe_load(rendered.files[VALUES])["hub"]
    (note,) = rendered.notes
    assert "1.0 MiB" in note
    assert "/etc/baton/profiles" in note


def test_a_policy_that_a_cluster_may_not_keep_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baton_hub.cluster.render._LARGEST_POLICY", 1000)
    (note,) = render(CATALOG, CONTENT, TARGET, DAY).notes
    assert "admission policy" in note


# Targets that can't be


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"namespace": "Hub"}, "namespace"),
        ({"namespace": ""}, "namespace"),
        ({"namespace": "a.b"}, "namespace"),
        ({"namespace": "hub", "service_account": "a'b"}, "service account"),
        ({"namespace": "hub", "helper_images": ("alpine:3",)}, "digest"),
        ({"namespace": "hub", "helper_images": (f"alpine:3@{HELPER.split('@')[1]}",)}, "tag"),
    ],
)
def test_a_target_that_can_not_be_is_refused_in_a_sentence(wrong: Json, word: str) -> None:
    with pytest.raises(TargetError, match=word):
        Target(**wrong)


def test_names_of_groups_in_labels_and_in_the_policy_are_the_same() -> None:
    policy = of_kind(_awkward(), "ValidatingAdmissionPolicy")[0]
    rows = {v["name"]: v["expression"] for v in policy["spec"]["variables"]}
    for group in AWKWARD:
        assert f"'{cluster_name(group)}'" in rows["groups1"]
    assert json.dumps(rows).isascii()
