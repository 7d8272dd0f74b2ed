"""The cluster's own check says what ours says, about every pod, and can't be got round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from random import Random
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from tests.hub.apiserver import Policy, Verdict
from tests.hub.pods import (
    CATALOG,
    CHANGES,
    DAY,
    HELPER,
    LARGE,
    ONE_GPU,
    RULES,
    SMALL,
    TARGET,
    Change,
    Pod,
    catalog_of,
    images,
    labels,
    notebook,
    profile,
    random_pod,
    server,
)

from baton_hub.catalog import Catalog, Image, Profile
from baton_hub.cluster.folder import Content
from baton_hub.cluster.pod import catalogue_admits
from baton_hub.cluster.render import path_of, render

PODS = 1200


def policy_of(catalog: Catalog) -> Policy:
    """Return the policy as it is read back from the text that is rendered."""
    text = render(catalog, Content(0), TARGET, DAY).files[path_of("admission")]
    return Policy(next(yaml.safe_load_all(text)))


@pytest.fixture(scope="module")
def policy() -> Policy:
    return policy_of(CATALOG)


def ours(pod: Pod, creator: str) -> bool:
    """Tell what our own code says: whether it governs the pod, and admits it."""
    labels = pod["metadata"].get("labels") or {}
    named = [labels.get(name) for name in ("component", "app.kubernetes.io/component")]
    if creator != TARGET.creator and "singleuser-server" not in named:
        return True
    return named[0] == "singleuser-server" and not catalogue_admits(CATALOG, pod, RULES, DAY)


def test_the_rendered_policy_and_our_decision_agree_on_every_pod(policy: Policy) -> None:
    rng = Random(20260601)
    found: Counter[str] = Counter()
    for number in range(PODS):
        pod, creator, changes = random_pod(rng)
        verdict = policy.review(pod, creator)
        told = f"pod {number}, {changes}, by {creator}: {verdict.refusals}\n{pod}"
        assert verdict.admitted == ours(pod, creator), told
        found[_kind(verdict)] += 1
        found.update(changes)
    assert found["admitted"] > 250
    assert found["refused"] > 500
    assert found["not governed"] > 25
    assert all(found[change.__name__] > 15 for change in CHANGES)


def _kind(verdict: Verdict) -> str:
    if not verdict.matches:
        return "not governed"
    return "admitted" if verdict.admitted else "refused"


HUGE = {"limits": {"cpu": "64", "memory": "512Gi"}}
EVIL = "docker.io/ada/miner:latest"
BYPASSES: dict[str, tuple[Change, str]] = {
    "another image": (lambda p, _: notebook(p).update(image=EVIL), "one notebook container"),
    "tag and digest": (
        lambda p, _: notebook(p).update(image=images(p)[7]),
        "one notebook container",
    ),
    "another profile's image": (
        lambda p, _: notebook(p).update(image=images(p)[1]),
        "one notebook container",
    ),
    "a second container": (
        lambda p, _: p["spec"]["containers"].append({"name": "miner", "image": EVIL}),
        "container miner",
    ),
    "an init container": (
        lambda p, _: p["spec"].update(initContainers=[{"name": "miner", "image": EVIL}]),
        "container miner",
    ),
    "a large init container": (
        lambda p, _: p["spec"].update(
            initContainers=[{"name": "big", "image": HELPER, "resources": HUGE}]
        ),
        "container big takes more",
    ),
    "an image as a volume": (
        lambda p, _: p["spec"].update(volumes=[{"name": "v", "image": {"reference": EVIL}}]),
        "volume",
    ),
    "a larger limit than request": (
        lambda p, _: notebook(p)["resources"]["limits"].update(cpu="64"),
        "size python/small",
    ),
    "a GPU": (
        lambda p, _: [
            notebook(p)["resources"][kind].update({"amd.com/gpu": "1"})
            for kind in ("limits", "requests")
        ],
        "size python/small",
    ),
    "a GPU by claim": (
        lambda p, _: p["spec"].update(resourceClaims=[{"name": "gpu"}]),
        "claims to devices",
    ),
    "resources of the pod": (lambda p, _: p["spec"].update(resources=HUGE), "as a whole"),
    "another group's priority": (
        lambda p, _: p["spec"].update(priorityClassName="baton-research"),
        "priority class",
    ),
    "a profile that is blocked": (
        lambda p, _: labels(p).update({"baton/profile": "old"}),
        'no profile "old"',
    ),
    "a larger size's label": (
        lambda p, _: labels(p).update({"baton/size": "large"}),
        "size python/large",
    ),
    "no labels at all": (lambda p, _: p["metadata"].clear(), "component=singleuser-server"),
    "only the server's label gone": (
        lambda p, _: labels(p).pop("component"),
        "component=singleuser-server",
    ),
}


@pytest.mark.parametrize("bypass", BYPASSES)
def test_the_hub_itself_gets_nothing_else_past_the_cluster(policy: Policy, bypass: str) -> None:
    """The message names what is wrong."""
    change, word = BYPASSES[bypass]
    pod = server()
    assert policy.review(pod, TARGET.creator).admitted
    change(pod, Random(0))
    refusals = policy.review(pod, TARGET.creator).refusals
    assert word in " ".join(refusals)
    assert not any(refusal.startswith("error") for refusal in refusals)


def test_who_is_not_the_hub_makes_no_server_of_another_kind(policy: Policy) -> None:
    pod = server()
    notebook(pod)["image"] = EVIL
    assert not policy.review(pod, "ada").admitted
    del labels(pod)["component"]
    assert not policy.review(pod, "ada").admitted


def test_pods_that_are_no_servers_are_left_alone(policy: Policy) -> None:
    desk = {"metadata": {"labels": {"component": "desk"}}, "spec": {"containers": []}}
    assert not policy.review(desk, "ada").matches
    assert not policy.review({"metadata": {}, "spec": {"containers": []}}, "ada").matches


def changed(pod: Pod, change: Callable[[Pod], Any]) -> Pod:
    new = deepcopy(pod)
    change(new)
    return new


def test_what_runs_is_let_be_when_its_profile_is_gone(policy: Policy) -> None:
    """Otherwise a server whose profile was retired could not even be cleaned up."""
    running = server("old")
    annotated = changed(running, lambda pod: pod["metadata"].update(annotations={"a": "b"}))
    assert not policy.review(running, TARGET.creator).admitted
    assert policy.review(annotated, "system:node", old=running).admitted


@pytest.mark.parametrize(
    "change",
    [
        lambda pod: notebook(pod).update(image=EVIL),
        lambda pod: notebook(pod)["resources"]["limits"].update(cpu="64"),
        lambda pod: pod["spec"].update(ephemeralContainers=[{"name": "d", "image": HELPER}]),
        lambda pod: pod["metadata"].pop("labels"),
        lambda pod: labels(pod).update(component="desk"),
        lambda pod: labels(pod).update({"baton/size": "large"}),
        lambda pod: labels(pod).update({"baton/group": "research"}),
    ],
    ids=["image", "resize", "ephemeral", "labels", "component", "size", "group"],
)
@pytest.mark.parametrize("name", ["python", "old"])
def test_nobody_changes_a_running_server_into_another(
    policy: Policy, name: str, change: Callable[[Pod], Any]
) -> None:
    running = server(name)
    assert not policy.review(changed(running, change), "ada", old=running).admitted


def test_no_pod_becomes_a_server_by_a_label(policy: Policy) -> None:
    stranger = {"metadata": {}, "spec": {"containers": [{"name": "c", "image": EVIL}]}}
    named = changed(stranger, lambda pod: labels(pod).update(component="singleuser-server"))
    assert not policy.review(named, "ada", old=stranger).admitted


def test_all_that_creates_and_changes_pods_is_asked() -> None:
    text = render(CATALOG, Content(0), TARGET, DAY).files[path_of("admission")]
    rendered, binding = yaml.safe_load_all(text)
    (rule,) = rendered["spec"]["matchConstraints"]["resourceRules"]
    assert set(rule["resources"]) == {"pods", "pods/ephemeralcontainers", "pods/resize"}
    assert set(rule["operations"]) == {"CREATE", "UPDATE"}
    assert rendered["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"]["validationActions"] == ["Deny"]
    selector = binding["spec"]["matchResources"]["namespaceSelector"]
    assert selector == {"matchLabels": {"kubernetes.io/metadata.name": "hub"}}


def test_500_profiles_fit_the_clusters_limits_and_hold() -> None:
    """The parser takes 100,000 characters, an object 1 MiB, one evaluation 10 million units."""
    sizes = {"small": SMALL, "large": LARGE, "one-gpu": ONE_GPU}
    many = [
        replace_digest(profile(f"profile-with-a-long-name-{n:03}", "a", sizes), n)
        for n in range(500)
    ]
    catalog = catalog_of(*many, groups=("research", "Глубокое/Обучение"))
    rendered = render(catalog, Content(0), TARGET, DAY)
    text = rendered.files[path_of("admission")]
    spec = next(yaml.safe_load_all(text))["spec"]
    expressions = [variable["expression"] for variable in spec["variables"]]
    assert (len(text) < 1024**2, rendered.notes) == (True, ())
    assert max(map(len, expressions)) < 100_000
    # A mapping costs 30 units and a list 10, whatever constants are in it.
    cost = [30 * expression.count("{") + 10 * expression.count("[") for expression in expressions]
    assert max(cost) < 1_000_000
    assert sum(cost) < 10_000_000 / 10
    policy = policy_of(catalog)
    for name in (many[0].name, many[250].name, many[-1].name):
        assert policy.review(server(name, "one-gpu", catalog=catalog), TARGET.creator).admitted
        other = server(name, "one-gpu", catalog=catalog)
        notebook(other)["image"] = many[7].image.pinned
        assert not policy.review(other, TARGET.creator).admitted


def replace_digest(given: Profile, number: int) -> Profile:
    image = Image(reference=given.image.reference, digest=f"sha256:{number:064x}")
    return given.model_copy(update={"image": image})


def test_an_empty_catalogue_admits_nobody() -> None:
    empty = policy_of(replace(CATALOG, profiles=MappingProxyType({})))
    assert not empty.review(server(), TARGET.creator).admitted
