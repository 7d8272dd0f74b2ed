# ruff: noqa: RUF001
"""Servers' pods as the Hub makes them, and as anybody might change them."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from random import Random
from types import MappingProxyType
from typing import Any

from baton_hub.catalog import Access, Catalog, GroupLimits, Image, Lifecycle, Profile, Quotas, Size
from baton_hub.cluster.names import cluster_name, priority_class
from baton_hub.cluster.pod import PodRules, groups_of
from baton_hub.cluster.target import Target

Pod = dict[str, Any]

DAY = date(2026, 6, 1)
HELPER = f"quay.io/jupyterhub/k8s-network-tools@sha256:{'9' * 64}"
TARGET = Target(namespace="hub", release="hub", helper_images=(HELPER,))
RULES = PodRules(helper_images=frozenset({HELPER}), use_priority_classes=True)
GIB = 1024**3
SMALL, LARGE = Size(cpu=1, memory=GIB), Size(cpu=2.5, memory=4 * GIB)
ODD = Size(cpu=1 / 3, memory=int(1.5 * GIB))
ONE_GPU = Size(cpu=4, memory=16 * GIB, gpus={"nvidia.com/gpu": 1})
TWO_KINDS = Size(cpu=4, memory=16 * GIB, gpus={"nvidia.com/gpu": 2, "amd.com/gpu": 1})


def profile(name: str, digit: str, sizes: dict[str, Size], **more: Any) -> Profile:
    image = Image(reference=f"quay.io/jupyter/{name}:latest", digest=f"sha256:{digit * 64}")
    texts = {"title": name, "description": name, "owner": "Data platform"}
    more.setdefault("access", Access(everybody=True))
    return Profile(name=name, image=image, sizes=sizes, **texts, **more)


def catalog_of(*profiles: Profile, groups: tuple[str, ...] = ()) -> Catalog:
    return Catalog(
        profiles=MappingProxyType({profile.name: profile for profile in profiles}),
        quotas=Quotas(groups={group: GroupLimits() for group in groups}),
        revision="0" * 64,
    )


CATALOG = catalog_of(
    profile("python", "a", {"small": SMALL, "large": LARGE, "odd": ODD}),
    profile("python-2", "b", {"small": LARGE}),
    profile(
        "pytorch", "c", {"one": ONE_GPU}, access=Access(groups=("Глубокое/Обучение", "research"))
    ),
    profile("mixed", "d", {"two": TWO_KINDS}, access=Access(groups=("research", "guests"))),
    profile("old", "e", {"small": SMALL}, lifecycle=Lifecycle(blocked=date(2026, 5, 31))),
    groups=("Глубокое/Обучение", "research"),
)


def server(
    name: str = "python", size: str = "small", group: str = "", catalog: Catalog = CATALOG
) -> Pod:
    """Return a pod as the Hub makes it."""
    chosen = catalog.profiles[name]
    taken = chosen.sizes[size]
    resources = {"cpu": taken.cpu, "memory": taken.memory, **taken.gpus}
    labels = {
        "component": "singleuser-server",
        "app.kubernetes.io/component": "singleuser-server",
        "baton/profile": name,
        "baton/size": size,
    }
    if group:
        labels["baton/group"] = cluster_name(group)
    notebook = {"name": "notebook", "image": chosen.image.pinned}
    notebook["resources"] = {"limits": dict(resources), "requests": dict(resources)}
    return {
        "metadata": {"labels": labels},
        "spec": {"priorityClassName": priority_class(group), "containers": [notebook]},
    }


# Every way in which a random pod differs from one of the Hub's.

Change = Callable[[Pod, Random], None]


def notebook(pod: Pod) -> Pod:
    found: Pod = pod["spec"]["containers"][0]
    return found


def labels(pod: Pod) -> dict[str, str]:
    found: dict[str, str] = pod["metadata"].setdefault("labels", {})
    return found


def resources(pod: Pod, rng: Random) -> dict[str, Any]:
    both: dict[str, dict[str, Any]] = notebook(pod).setdefault("resources", {})
    return both.setdefault(rng.choice(["limits", "requests"]), {})


def spelt(amount: float, rng: Random) -> Any:
    """Return an amount in one of the ways in which it can be written."""
    whole = amount == int(amount)
    ways: list[Any] = [amount, str(amount), f"{amount:f}0", f"{amount * 1000:.9f}m"]
    if whole:
        count = int(amount)
        ways += [count, str(count), f"{count}.0", f"{count}.", f"{count}000m", f"{count}e0"]
        ways += [f"{count}000000u", f"{count}000E-3", f"+{count}", f"00{count}"]
        ways += [f"{count // 1024}Ki"] * (count % 1024 == 0) * 3
        ways += [f"{count / GIB}Gi", f"{count // 1024**2}Mi"] * (count % 1024**2 == 0) * 3
    return rng.choice(ways)


def rewrite(pod: Pod, rng: Random) -> None:
    for kind in ("limits", "requests"):
        given = notebook(pod).get("resources", {}).get(kind, {})
        for name, amount in given.items():
            if isinstance(amount, int | float):
                given[name] = spelt(amount, rng)


def off(pod: Pod, rng: Random) -> None:
    wrong = ["1001m", "999m", "1.001", "1G", "1025Mi", "3", 3, 64, "1073741825", "1Ki", "0", "-1"]
    nonsense = ["", "１", "1gi", "one", "1KiB", "0x1", "1e", "1_000", "٣", "NaN"]
    resources(pod, rng)[rng.choice(["cpu", "memory"])] = rng.choice(wrong + nonsense)


def missing(pod: Pod, rng: Random) -> None:
    given = resources(pod, rng)
    given.pop(rng.choice([*given, "cpu"]), None)


def without_resources(pod: Pod, rng: Random) -> None:
    if rng.random() < 0.5:
        notebook(pod).pop("resources", None)
    else:
        notebook(pod).get("resources", {}).pop(rng.choice(["limits", "requests"]), None)


def foreign(pod: Pod, rng: Random) -> None:
    kinds = ["amd.com/gpu", "nvidia.com/mig-1g.5gb", "nvidia.com/gpu", "NVIDIA.com/gpu"]
    resources(pod, rng)[rng.choice(kinds)] = rng.choice(["1", "0", 2, "2"])


def storage(pod: Pod, rng: Random) -> None:
    resources(pod, rng)[rng.choice(["ephemeral-storage", "hugepages-2Mi"])] = "2Gi"


def images(pod: Pod) -> list[str]:
    own = CATALOG.profiles["python"].image
    return [
        *(profile.image.pinned for profile in CATALOG.profiles.values()),
        HELPER,
        own.reference,
        f"{own.reference}@{own.digest}",
        own.pinned.upper(),
        own.pinned.replace("quay.io/", ""),
        f"{own.pinned} ",
        own.pinned.replace("a", "а"),
        own.pinned[:-1],
        str(notebook(pod).get("image")),
    ]


def other_image(pod: Pod, rng: Random) -> None:
    notebook(pod)["image"] = rng.choice(images(pod))


def no_image(pod: Pod, rng: Random) -> None:
    rng.choice(pod["spec"]["containers"]).pop("image", None)


def beside(pod: Pod, rng: Random) -> None:
    container: Pod = {"name": rng.choice(["sidecar", "Notebook", "notebook ", "notebook"])}
    container["image"] = rng.choice([HELPER, notebook(pod).get("image"), *images(pod)])
    wanted = {
        "cpu": rng.choice(["100m", 1, "1", "1000m", "1001m", "64"]),
        "memory": rng.choice(["64Mi", "1Gi", "1024Mi", 2 * GIB, "64Gi"]),
        "ephemeral-storage": "64Gi",
        "nvidia.com/gpu": "1",
        "hugepages-2Mi": "2Mi",
    }
    names = rng.sample(sorted(wanted), rng.choice([0, 0, 1, 1, 2]))
    if names:
        kind = rng.choice(["limits", "requests"])
        container["resources"] = {kind: {name: wanted[name] for name in names}}
    pod["spec"].setdefault(rng.choice(["containers", "initContainers"]), []).append(container)


def helper(pod: Pod, rng: Random) -> None:
    container = {"name": "block-cloud-metadata", "image": HELPER}
    pod["spec"].setdefault(rng.choice(["containers", "initContainers"]), []).append(container)


def as_large(pod: Pod, rng: Random) -> None:
    """Put a helper beside the notebook that takes as much as it, and not more."""
    container: Pod = {"name": "mirror", "image": HELPER}
    container["resources"] = deepcopy(notebook(pod).get("resources", {}))
    for given in container["resources"].values():
        for name in [name for name in given if "/" in name]:
            del given[name]
    pod["spec"].setdefault(rng.choice(["containers", "initContainers"]), []).append(container)


def twin(pod: Pod, _: Random) -> None:
    pod["spec"]["containers"].append(deepcopy(notebook(pod)))


def renamed(pod: Pod, rng: Random) -> None:
    notebook(pod)["name"] = rng.choice(["Notebook", "notebook-2", "main", "nоtebook"])


def relabelled(pod: Pod, rng: Random) -> None:
    values = {
        "baton/profile": [*CATALOG.profiles, "Python", "python/small", "", "none"],
        "baton/size": ["small", "large", "one", "two", "odd", "SMALL", ""],
        "baton/group": ["research", cluster_name("Глубокое/Обучение"), "guests", "", "no--group"],
    }
    name = rng.choice(sorted(values))
    labels(pod)[name] = rng.choice(values[name])


def unlabelled(pod: Pod, rng: Random) -> None:
    labels(pod).pop(rng.choice(["baton/profile", "baton/size", "baton/group"]), None)


def no_labels(pod: Pod, rng: Random) -> None:
    if rng.random() < 0.5:
        pod["metadata"].pop("labels", None)
    else:
        pod["metadata"]["labels"] = {}


def no_server(pod: Pod, rng: Random) -> None:
    for name in rng.choice([["component"], ["app.kubernetes.io/component"], []]) or [
        "component",
        "app.kubernetes.io/component",
    ]:
        labels(pod).pop(name, None)
        if rng.random() < 0.3:
            labels(pod)[name] = rng.choice(["hub", "Singleuser-Server", ""])


def more_labels(pod: Pod, rng: Random) -> None:
    labels(pod)[rng.choice(["Baton/Profile", "team", "baton/decision"])] = "любой"


def priority(pod: Pod, rng: Random) -> None:
    names = ["", "research", "baton-research", "baton-no--group", "hub-default-priority"]
    names.append(priority_class("Глубокое/Обучение"))
    pod["spec"]["priorityClassName"] = rng.choice(names)


def no_priority(pod: Pod, rng: Random) -> None:
    pod["spec"].pop("priorityClassName", None)


def volumes(pod: Pod, rng: Random) -> None:
    image = {"reference": rng.choice([HELPER, notebook(pod).get("image"), *images(pod)])}
    kinds: list[Pod] = [{"emptyDir": {}}, {"image": image}, {"image": {"pullPolicy": "Always"}}]
    pod["spec"]["volumes"] = [{"name": f"v{n}", **rng.choice(kinds)} for n in range(2)]


def ephemeral(pod: Pod, rng: Random) -> None:
    image = rng.choice([HELPER, notebook(pod).get("image")])
    debugger = [{"name": "debugger", "image": image}]
    pod["spec"]["ephemeralContainers"] = rng.choice([debugger, []])


def of_the_pod(pod: Pod, rng: Random) -> None:
    pod["spec"]["resources"] = rng.choice(
        [{"limits": {"cpu": "64"}}, {"requests": {"cpu": "1"}}, {}]
    )


def claims(pod: Pod, rng: Random) -> None:
    pod["spec"]["resourceClaims"] = rng.choice([[{"name": "gpu"}], []])


CHANGES: tuple[Change, ...] = (
    rewrite, rewrite, rewrite, off, missing, without_resources, foreign, storage, other_image,
    no_image, beside, beside, helper, as_large, twin, renamed, relabelled, unlabelled, no_labels,
    no_server, more_labels, more_labels, priority, no_priority, volumes, ephemeral, of_the_pod,
    claims,
)  # fmt: skip
CREATORS = (TARGET.creator,) * 3 + (
    "system:serviceaccount:kube-system:job-controller",
    "system:serviceaccount:hub:hub2",
    "ada",
)


def random_pod(rng: Random) -> tuple[Pod, str, list[str]]:
    chosen = rng.choice(list(CATALOG.profiles.values()))
    group = rng.choice([*groups_of(CATALOG, chosen)] * 5 + ["research", ""])
    pod = server(chosen.name, rng.choice(list(chosen.sizes)), group)
    changes = rng.choices(CHANGES, k=rng.choice([0, 1, 1, 1, 2, 2, 3]))
    for change in changes:
        change(pod, rng)
    return pod, rng.choice(CREATORS), [change.__name__ for change in changes]
