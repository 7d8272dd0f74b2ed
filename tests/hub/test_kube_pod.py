"""The final check: a pod is what was decided, or it differs, and the difference has words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from baton_hub.amount import Amount
from baton_hub.catalog import Access, Catalog, GroupLimits, Image, Lifecycle, Profile, Quotas, Size
from baton_hub.cluster.names import priority_class
from baton_hub.cluster.pod import (
    PodRules,
    catalogue_admits,
    decided_labels,
    decided_resources,
    differences,
    groups_of,
)
from baton_hub.cluster.quantity import parse_quantity
from baton_hub.policy import ServerSpec, resolve

DAY = date(2026, 6, 1)
HELPER = "quay.io/jupyterhub/k8s-network-tools:4.3.0"
RULES = PodRules(helper_images=frozenset({HELPER}), use_priority_classes=True)
AMOUNT = Amount(1, 1.5, 2 * 1024**3, {"nvidia.com/gpu": 1, "amd.com/gpu": 2})
SPEC = ServerSpec(
    user="ada",
    groups=frozenset({"Data Science"}),
    profile="python",
    title="Python",
    size="small",
    image=f"quay.io/jupyter/base@sha256:{'a' * 64}",
    digest=f"sha256:{'a' * 64}",
    amount=AMOUNT,
    revision="r",
    group="Data Science",
)
Pod = dict[str, Any]


def pod_for(spec: ServerSpec) -> Pod:
    resources = decided_resources(spec.amount)
    return {
        "metadata": {"labels": decided_labels(spec)},
        "spec": {
            "priorityClassName": priority_class(spec.group),
            "initContainers": [{"name": "network", "image": HELPER}],
            "containers": [
                {
                    "name": "notebook",
                    "image": spec.image,
                    "resources": {"limits": dict(resources), "requests": dict(resources)},
                },
                {"name": "git-sync", "image": spec.image, "resources": {"limits": {"cpu": "100m"}}},
            ],
        },
    }


def notebook(pod: Pod) -> dict[str, Any]:
    return dict(pod["spec"]["containers"][0])


def limits(pod: Pod) -> dict[str, Any]:
    found: dict[str, Any] = pod["spec"]["containers"][0]["resources"]["limits"]
    return found


def requests(pod: Pod) -> dict[str, Any]:
    found: dict[str, Any] = pod["spec"]["containers"][0]["resources"]["requests"]
    return found


def test_the_decided_pod_does_not_differ() -> None:
    assert differences(pod_for(SPEC), SPEC, RULES) == []


@pytest.mark.parametrize("cpu", ["1.5", "1500m", 1.5, "1500000u", "0.0015k", "15e-1", "1.4999999"])
def test_amounts_are_compared_and_not_their_notation(cpu: Any) -> None:
    pod = pod_for(SPEC)
    limits(pod).update({"cpu": cpu, "memory": "2Gi", "nvidia.com/gpu": "1"})
    requests(pod).update({"cpu": cpu, "memory": "2048Mi", "amd.com/gpu": 2})
    assert differences(pod, SPEC, RULES) == []


CHANGES: dict[str, Callable[[Pod], Any]] = {
    "image": lambda pod: pod["spec"]["containers"][0].update(image="evil:latest"),
    "tag beside the digest": lambda pod: pod["spec"]["containers"][0].update(
        image=SPEC.image.replace("@", ":latest@")
    ),
    "no image": lambda pod: pod["spec"]["containers"][0].pop("image"),
    "second notebook": lambda pod: pod["spec"]["containers"].append(notebook(pod)),
    "no notebook": lambda pod: pod["spec"]["containers"][0].update(name="other"),
    "no containers": lambda pod: pod["spec"].update(containers=None),
    "more cpu": lambda pod: limits(pod).update(cpu=64),
    "less cpu": lambda pod: requests(pod).update(cpu="1"),
    "no memory limit": lambda pod: limits(pod).pop("memory"),
    "no memory request": lambda pod: requests(pod).pop("memory"),
    "memory in another unit": lambda pod: limits(pod).update(memory="2G"),
    "no resources": lambda pod: pod["spec"]["containers"][0].pop("resources"),
    "not a quantity": lambda pod: limits(pod).update(cpu="many"),
    "yes": lambda pod: limits(pod).update({"nvidia.com/gpu": True}),
    "fewer GPUs": lambda pod: limits(pod).pop("amd.com/gpu"),
    "another GPU": lambda pod: limits(pod).update({"intel.com/gpu": 1}),
    "another GPU asked for": lambda pod: requests(pod).update({"intel.com/gpu": "1"}),
    "claim of a device": lambda pod: pod["spec"].update(resourceClaims=[{"name": "gpu"}]),
    "resources of the pod": lambda pod: pod["spec"].update(resources={"limits": {"cpu": 64}}),
    "helper's image": lambda pod: pod["spec"]["containers"][1].update(image="evil:latest"),
    "init container's image": lambda pod: pod["spec"]["initContainers"][0].update(image="evil"),
    "helper without image": lambda pod: pod["spec"]["initContainers"][0].pop("image"),
    "helper's GPU": lambda pod: pod["spec"]["containers"][1].update(
        resources={"limits": {"nvidia.com/gpu": 1}}
    ),
    "helper's cpu": lambda pod: pod["spec"]["initContainers"][0].update(
        resources={"requests": {"cpu": "1501m"}}
    ),
    "helper's memory": lambda pod: pod["spec"]["containers"][1].update(
        resources={"limits": {"memory": "1Ti"}}
    ),
    "ephemeral container": lambda pod: pod["spec"].update(ephemeralContainers=[{"name": "x"}]),
    "image volume": lambda pod: pod["spec"].update(
        volumes=[{"name": "tools", "image": {"reference": "evil:latest"}}]
    ),
    "profile": lambda pod: pod["metadata"]["labels"].update({"baton/profile": "pytorch"}),
    "size": lambda pod: pod["metadata"]["labels"].pop("baton/size"),
    "group": lambda pod: pod["metadata"]["labels"].update({"baton/group": "deep-learning"}),
    "no labels": lambda pod: pod["metadata"].pop("labels"),
    "no metadata": lambda pod: pod.pop("metadata"),
    "priority": lambda pod: pod["spec"].update(priorityClassName="baton-deep-learning"),
    "no priority": lambda pod: pod["spec"].pop("priorityClassName"),
    "nothing": lambda pod: pod.clear(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_changed_differs(change: str) -> None:
    pod = pod_for(SPEC)
    CHANGES[change](pod)
    assert differences(pod, SPEC, RULES)


def test_what_operations_add_does_not_differ() -> None:
    """Helpers that are allowed, room on disk, volumes, and the platform's own labels."""
    pod = pod_for(SPEC)
    limits(pod)["ephemeral-storage"] = "10Gi"
    pod["metadata"]["labels"]["component"] = "singleuser-server"
    pod["spec"]["volumes"] = [
        {"name": "home", "persistentVolumeClaim": {"claimName": "ada"}},
        {"name": "tools", "image": {"reference": HELPER}},
    ]
    pod["spec"]["containers"].append({"name": "proxy", "image": HELPER})
    assert differences(pod, SPEC, RULES) == []


def test_without_priority_classes_the_hubs_own_stands_and_the_platforms_does_not() -> None:
    pod, rules = pod_for(SPEC), PodRules(RULES.helper_images)
    assert differences(pod, SPEC, rules)
    pod["spec"]["priorityClassName"] = "hub-default-priority"
    assert differences(pod, SPEC, rules) == []


def test_nobody_without_a_group_takes_a_groups_priority() -> None:
    spec = replace(SPEC, group="")
    pod = pod_for(spec)
    assert differences(pod, spec, RULES) == []
    pod["spec"]["priorityClassName"] = "baton-deep-learning"
    assert differences(pod, spec, RULES)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", "1"),
        ("1000m", "1"),
        ("1.0", "1"),
        ("1.", "1"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("1E", "1000000000000000000"),
        ("2Gi", "2147483648"),
        ("0.5Gi", "536870912"),
        ("100n", "0.001"),
        (0.1 + 0.2, "0.301"),
        (1e-05, "0.001"),
        (3, "3"),
        ("-1", "-1"),
    ],
)
def test_a_quantity_is_read_as_kubernetes_reads_it(text: Any, amount: str) -> None:
    assert parse_quantity(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text", ["", "many", "1 Gi", "1gi", "1e", "Gi", "1Gi1", True, None, [], "٣"]
)
def test_what_is_no_quantity_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)


def profile(name: str, digit: str, **more: Any) -> Profile:
    return Profile(
        **{
            "name": name,
            "title": name.title(),
            "description": "Notebooks.",
            "owner": "Data platform",
            "image": Image(reference=f"quay.io/{name}:1", digest=f"sha256:{digit * 64}"),
            "access": Access(everybody=True),
            "sizes": {"small": Size(cpu=1, memory="2G"), "large": Size(cpu=4, memory="8G")},
            **more,
        }
    )


CATALOG = Catalog(
    profiles=MappingProxyType(
        {
            p.name: p
            for p in (
                profile("python", "a"),
                profile("pytorch", "b", access=Access(groups=("Deep Learning", "research"))),
                profile("mixed", "c", access=Access(groups=("research", "guests"))),
                profile("old", "d", lifecycle=Lifecycle(blocked=date(2026, 5, 31))),
            )
        }
    ),
    quotas=Quotas(groups={"Deep Learning": GroupLimits(), "research": GroupLimits(priority=5)}),
)


def test_the_groups_of_a_profile_are_those_that_policy_can_choose() -> None:
    """Everybody's servers, by every set of groups: policy chooses these, and no others."""
    everything = ["Deep Learning", "research", "guests", "others"]
    for wanted in ("python", "pytorch", "mixed"):
        found = set()
        for bits in range(2 ** len(everything)):
            groups = {name for n, name in enumerate(everything) if bits >> n & 1}
            if CATALOG.profiles[wanted].access.allows(frozenset(groups)):
                spec = resolve(CATALOG, "ada", groups, {"profile": wanted}, today=DAY)
                found.add(spec.group)
        assert set(groups_of(CATALOG, CATALOG.profiles[wanted])) == found


@pytest.mark.parametrize("wanted", ["python", "pytorch", "mixed"])
@pytest.mark.parametrize("size", ["small", "large"])
def test_every_pod_that_policy_decides_is_admitted(wanted: str, size: str) -> None:
    for groups in ({"research"}, {"research", "Deep Learning"}, {"Deep Learning", "guests"}):
        choice = {"profile": wanted, "size": size}
        spec = resolve(CATALOG, "ada", groups, choice, today=DAY)
        assert differences(pod_for(spec), spec, RULES) == []
        assert catalogue_admits(CATALOG, pod_for(spec), RULES, DAY) == []


@pytest.mark.parametrize(
    ("labels", "word"),
    [
        ({"baton/profile": "nothing"}, "profile"),
        ({"baton/profile": "old"}, "no longer offered"),
        ({"baton/size": "huge"}, "size"),
        ({"baton/size": "large"}, "limit"),
        ({"baton/group": "guests"}, "group"),
    ],
)
def test_a_pod_that_nobody_is_offered_is_not_admitted(labels: dict[str, str], word: str) -> None:
    spec = resolve(CATALOG, "ada", (), {"profile": "python"}, today=DAY)
    pod = pod_for(spec)
    assert catalogue_admits(CATALOG, pod, RULES, DAY) == []
    pod["metadata"]["labels"].update(labels)
    assert word in " ".join(catalogue_admits(CATALOG, pod, RULES, DAY))


def test_a_restricted_profile_is_not_admitted_without_its_group() -> None:
    spec = resolve(CATALOG, "ada", {"research"}, {"profile": "pytorch"}, today=DAY)
    pod = pod_for(spec)
    assert catalogue_admits(CATALOG, pod, RULES, DAY) == []
    del pod["metadata"]["labels"]["baton/group"]
    assert catalogue_admits(CATALOG, pod, RULES, DAY)
