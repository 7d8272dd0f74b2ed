"""Groups in the cluster: their PriorityClasses, quotas, and the range of one container."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from baton_hub.catalog import Catalog
from baton_hub.catalog.quotas import Limits
from baton_hub.cluster.names import PREFIX, priority_class
from baton_hub.cluster.quantity import render_cpu, render_memory
from baton_hub.cluster.target import Manifest, Target, manifest

NO_GROUP = ""
"""Stands for people who are in no group with a quota."""
# The Hub, MLflow and the desk live in the same namespace and must fit into its range.
_PLATFORM_CPU, _PLATFORM_MEMORY = 2.0, 4 * 1024**3
_TOTAL = f"{PREFIX[:-1]}.total"


def classes(catalog: Catalog) -> tuple[str, ...]:
    """Return the names of all PriorityClasses: a limited group's each, and everybody else's."""
    return tuple(priority_class(group) for group in _groups(catalog))


def render_priorities(catalog: Catalog) -> list[Manifest]:
    """Return a PriorityClass a group with a quota, and one for everybody else.

    None preempts: a full cluster lets pods wait, higher classes first.
    """
    return [_priority(catalog, group) for group in _groups(catalog)]


def render_quotas(catalog: Catalog, target: Target) -> list[Manifest]:
    """Return a ResourceQuota a group, for the pods of its class, and one for all servers."""
    groups = catalog.quotas.groups
    shares: list[tuple[str, Limits, tuple[str, ...]]] = [
        *((priority_class(g), groups[g], (priority_class(g),)) for g in sorted(groups)),
        (_TOTAL, catalog.quotas.total, classes(catalog)),
    ]
    return [
        _quota(name, hard, held, catalog, target)
        for name, limits, held in shares
        if (hard := dict(_hard(limits)))
    ]


def render_range(catalog: Catalog, target: Target) -> Manifest:
    """Return the LimitRange of the namespace: no container is larger than the largest size.

    It can't tell groups apart, and it gives what it names to every container that says
    nothing; so it names no GPU, and requests little for those.
    """
    sizes = [size for profile in catalog.profiles.values() for size in profile.sizes.values()]
    largest = {
        "cpu": render_cpu(max([_PLATFORM_CPU, *(size.cpu for size in sizes)])),
        "memory": render_memory(max([_PLATFORM_MEMORY, *(size.memory for size in sizes)])),
    }
    limit = {
        "type": "Container",
        "max": largest,
        "default": dict(largest),
        "defaultRequest": {"cpu": "50m", "memory": "128Mi"},
    }
    return manifest(
        "LimitRange",
        f"{PREFIX[:-1]}.servers",
        catalog.revision,
        namespace=target.namespace,
        spec={"limits": [limit]},
    )


def _groups(catalog: Catalog) -> list[str]:
    return [NO_GROUP, *sorted(catalog.quotas.groups)]


def _priority(catalog: Catalog, group: str) -> Manifest:
    limits = catalog.quotas.groups.get(group)
    whose = f"the group {group}" if group else "people of no group with a quota"
    return manifest(
        "PriorityClass",
        priority_class(group),
        catalog.revision,
        value=limits.priority if limits else 0,
        preemptionPolicy="Never",
        globalDefault=False,
        description=f"Servers of {whose}.",
    )


def _quota(
    name: str, hard: dict[str, str], held: Iterable[str], catalog: Catalog, target: Target
) -> Manifest:
    selector = {"scopeName": "PriorityClass", "operator": "In", "values": list(held)}
    return manifest(
        "ResourceQuota",
        name,
        catalog.revision,
        namespace=target.namespace,
        spec={"hard": hard, "scopeSelector": {"matchExpressions": [selector]}},
    )


def _hard(limits: Limits) -> Iterator[tuple[str, str]]:
    if limits.servers is not None:
        yield "pods", str(limits.servers)
    if limits.cpu is not None:
        yield from _both("cpu", render_cpu(limits.cpu))
    if limits.memory is not None:
        yield from _both("memory", render_memory(limits.memory))
    for kind in sorted(limits.gpus):
        yield f"requests.{kind}", str(limits.gpus[kind])


def _both(resource: str, amount: str) -> Iterator[tuple[str, str]]:
    yield f"requests.{resource}", amount
    yield f"limits.{resource}", amount
