"""Whether a pod is what was decided. Pure; the cluster's own rules are made from the same.

The decision covers what a pod runs and takes: every image in it, the resources of
every container, the labels that say which profile, size and group it is counted
under, and the priority class. It does not cover volumes, identity, privileges, the
command or the environment: those are the Hub's configuration, which no choice of a
person can reach, and what a namespace allows of them is Pod Security's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from baton_hub.amount import Amount
from baton_hub.catalog.model import Catalog, Profile
from baton_hub.cluster.names import PREFIX, cluster_name, priority_class
from baton_hub.cluster.quantity import parse_quantity
from baton_hub.offer import obstacle
from baton_hub.policy import ServerSpec

NOTEBOOK = "notebook"
"""The container that is the server; KubeSpawner calls it so."""
PROFILE_LABEL = "baton/profile"
SIZE_LABEL = "baton/size"
GROUP_LABEL = "baton/group"
DECISION_LABEL = "baton/decision"
"""The booking's id; not compared, it is how a pod that the Hub lost is found."""
_HELPERS_MAY_NAME = ("cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True)
class PodRules:
    """What operations decided for all pods, beside the catalogue."""

    helper_images: frozenset[str] = frozenset()
    """Images that other containers than the notebook's may have, letter for letter."""
    use_priority_classes: bool = False
    """Whether a pod has the priority class of its group, or of no group; they must exist."""


NO_HELPERS = PodRules()


def differences(
    pod: Mapping[str, Any], spec: ServerSpec, rules: PodRules = NO_HELPERS
) -> list[str]:
    """Return in words what of a pod differs from the decision; empty when nothing does.

    ``pod`` is the JSON that the API gets. What has to hold:

    - One container is named ``notebook``. It has the decided image, and its limits and
      its requests are the decided CPU, memory and GPUs, each compared as an amount.
      It takes no other resource of a vendor (a name with a slash).
    - Every other container, init container and image volume has the decided image or one
      of ``helper_images``. Such a container names CPU, memory and ephemeral storage only,
      and of CPU and memory no more than was decided for the notebook.
    - There are no ephemeral containers, no resources of the pod as a whole, and no claims
      to devices.
    - The labels name the profile, the size and, where there is one, the group.
    - With priority classes, the class is the group's, or that of people without one. Without
      them, the pod has no class of the platform.
    """
    body = pod.get("spec") or {}
    return [
        *_label_differences(pod, spec),
        *_priority_differences(body, spec, rules),
        *_container_differences(body, spec, rules),
        *_smuggled(body, spec, rules),
    ]


def catalogue_admits(
    catalog: Catalog,
    pod: Mapping[str, Any],
    rules: PodRules,
    today: date,
) -> list[str]:
    """Return why a pod is nothing that the catalogue offers to anybody; empty when it is.

    A pod is admitted when it shows no `differences` to a profile and size that can be
    started on the day (UTC), for some group that its servers can stand for.
    """
    labels = _labels(pod)
    profile = catalog.profiles.get(labels.get(PROFILE_LABEL, ""))
    if profile is None:
        return ["its label baton/profile names no profile"]
    if problem := obstacle(catalog, profile, today):
        return [problem]
    if labels.get(SIZE_LABEL) not in profile.sizes:
        return ["its label baton/size names no size of the profile"]
    for group in groups_of(catalog, profile):
        if (cluster_name(group) if group else None) == labels.get(GROUP_LABEL):
            return differences(pod, spec_of(profile, labels[SIZE_LABEL], group), rules)
    return ["its label baton/group names no group that the profile's servers stand for"]


def groups_of(catalog: Catalog, profile: Profile) -> tuple[str, ...]:
    """Return every group that some server of a profile can stand for; empty text for none.

    It is what `policy.resolve` can choose: where each group with access has a quota, one
    of these; else somebody may use it through no quota, or be in any other group with one.
    """
    limited = catalog.quotas.groups.keys()
    named = profile.access.groups
    if named and not profile.access.everybody and limited >= set(named):
        return tuple(named)
    return ("", *sorted(limited))


def spec_of(profile: Profile, size: str, group: str) -> ServerSpec:
    """Return what is decided of a pod by profile, size and group alone."""
    return ServerSpec(
        user="",
        groups=frozenset(),
        profile=profile.name,
        title=profile.title,
        size=size,
        image=profile.image.pinned,
        digest=profile.image.digest,
        amount=profile.sizes[size].amount,
        revision="",
        group=group,
    )


def decided_labels(spec: ServerSpec) -> dict[str, str]:
    """Return the labels that say what a pod is counted under."""
    labels = {PROFILE_LABEL: spec.profile, SIZE_LABEL: spec.size}
    return {**labels, GROUP_LABEL: cluster_name(spec.group)} if spec.group else labels


def decided_resources(amount: Amount) -> dict[str, float | int]:
    """Return the resources that the notebook's container has, as limits and as requests."""
    return {"cpu": amount.cpu, "memory": amount.memory, **amount.gpus}


def _labels(pod: Mapping[str, Any]) -> Mapping[str, str]:
    return (pod.get("metadata") or {}).get("labels") or {}


def _label_differences(pod: Mapping[str, Any], spec: ServerSpec) -> Iterator[str]:
    labels, decided = _labels(pod), decided_labels(spec)
    for label in (PROFILE_LABEL, SIZE_LABEL, GROUP_LABEL):
        if labels.get(label) != decided.get(label):
            yield f"its label {label} is {labels.get(label)!r}"


def _priority_differences(
    body: Mapping[str, Any], spec: ServerSpec, rules: PodRules
) -> Iterator[str]:
    name = body.get("priorityClassName") or ""
    if rules.use_priority_classes:
        same = name == priority_class(spec.group)
    else:
        same = not name.startswith(PREFIX)
    if not same:
        yield f"its priority class is {name!r}"


def _container_differences(
    body: Mapping[str, Any], spec: ServerSpec, rules: PodRules
) -> Iterator[str]:
    containers, first = body.get("containers") or [], body.get("initContainers") or []
    notebooks = [container for container in containers if container.get("name") == NOTEBOOK]
    if len(notebooks) != 1:
        yield f"it has {len(notebooks)} notebook containers"
    for container in notebooks:
        if container.get("image") != spec.image:
            yield f"its image is {container.get('image')}"
        yield from _notebook_resources(container, spec.amount)
    for helper in [*(c for c in containers if c.get("name") != NOTEBOOK), *first]:
        if not _may_be(helper.get("image"), spec, rules):
            yield f"its container {helper.get('name')} has the image {helper.get('image')}"
        yield from _helper_resources(helper, spec.amount)


def _smuggled(body: Mapping[str, Any], spec: ServerSpec, rules: PodRules) -> Iterator[str]:
    if body.get("ephemeralContainers"):
        yield "it has ephemeral containers"
    if body.get("resources"):
        yield "it has resources of its own, beside its containers'"
    if body.get("resourceClaims"):
        yield "it claims devices"
    for volume in body.get("volumes") or []:
        image = (volume.get("image") or {}).get("reference")
        if volume.get("image") is not None and not _may_be(image, spec, rules):
            yield f"its volume {volume.get('name')} has the image {image}"


def _may_be(image: Any, spec: ServerSpec, rules: PodRules) -> bool:
    return image == spec.image or image in rules.helper_images


def _notebook_resources(container: Mapping[str, Any], amount: Amount) -> Iterator[str]:
    for kind, word in (("limits", "limit"), ("requests", "request")):
        given, decided = _resources(container, kind), decided_resources(amount)
        foreign = [name for name in given if "/" in name and name not in decided]
        for name in [*decided, *foreign]:
            if not _same(given.get(name), decided.get(name)):
                yield f"its {word} of {name} is {given.get(name)}"


def _helper_resources(container: Mapping[str, Any], amount: Amount) -> Iterator[str]:
    for kind, word in (("limits", "limit"), ("requests", "request")):
        most = {"cpu": amount.cpu, "memory": amount.memory}
        for name, given in _resources(container, kind).items():
            if name not in _HELPERS_MAY_NAME or not _at_most(given, most.get(name)):
                yield f"its container {container.get('name')} has the {word} {given} of {name}"


def _resources(container: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return (container.get("resources") or {}).get(kind) or {}


def _same(given: Any, decided: float | None) -> bool:
    try:
        return decided is not None and parse_quantity(given) == parse_quantity(decided)
    except ValueError:
        return False


def _at_most(given: Any, most: float | None) -> bool:
    try:
        return most is None or parse_quantity(given) <= parse_quantity(most)
    except ValueError:
        return False
