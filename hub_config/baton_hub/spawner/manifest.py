"""A decision, written into the pod that KubeSpawner made from the Hub's configuration.

The pod is changed, and not KubeSpawner's traits: so the operators' own settings stay,
nothing is left over for the next start, and no text is taken for a template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from baton_hub.booking import Booking
from baton_hub.catalog.connections import SecretReference
from baton_hub.catalog.placement import Placement
from baton_hub.cluster.names import priority_class
from baton_hub.cluster.pod import DECISION_LABEL, NOTEBOOK, PodRules, decided_labels
from baton_hub.policy import ServerSpec

Plain = Callable[[Any], Any]
"""Returns the JSON of a part of a pod, however it was made: model, dict or list."""


def apply_spec(pod: Any, spec: ServerSpec, booking: Booking, rules: PodRules, plain: Plain) -> None:
    """Write labels, annotations, priority class, GPUs and placement into a pod.

    The operators' own settings stay; where one value is possible, the profile's wins.
    """
    labels = {**decided_labels(spec), DECISION_LABEL: booking.id}
    pod.metadata.labels = {**(pod.metadata.labels or {}), **labels}
    pod.metadata.annotations = {**(pod.metadata.annotations or {}), **_annotations(spec)}
    if rules.use_priority_classes:
        pod.spec.priority_class_name = priority_class(spec.group)
    notebook = next(c for c in pod.spec.containers if c.name == NOTEBOOK)
    gpus = {kind: str(number) for kind, number in spec.amount.gpus.items()}
    notebook.resources.limits = {**(notebook.resources.limits or {}), **gpus}
    notebook.resources.requests = {**(notebook.resources.requests or {}), **gpus}
    if spec.placement.image_pull_policy:
        notebook.image_pull_policy = spec.placement.image_pull_policy
    _place(pod.spec, spec.placement, plain)


def literal(value: str) -> str:
    """Return a variable's value so that Kubernetes passes it on as it is.

    In a container's environment it replaces ``$(NAME)`` and reads ``$$`` as one dollar:
    https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#environment-variables
    """
    return value.replace("$", "$$")


def secret_variable(name: str, reference: SecretReference) -> dict[str, Any]:
    """Return a variable whose value the cluster takes from a Secret; the Hub never sees it."""
    source = {"secretKeyRef": {"name": reference.secret, "key": reference.key}}
    return {"name": name, "valueFrom": source}


def _annotations(spec: ServerSpec) -> dict[str, str]:
    """Return what labels can't hold: names as people write them."""
    ours = {"baton/title": spec.title, "baton/revision": spec.revision}
    if spec.group:
        ours["baton/group"] = spec.group
    if spec.connections:
        ours["baton/connections"] = ",".join(spec.connections)
    return {**spec.placement.extra_annotations, **ours}


def _place(body: Any, placement: Placement, plain: Plain) -> None:
    ours = placement.traits()
    if "node_selector" in ours:
        body.node_selector = {**(body.node_selector or {}), **ours["node_selector"]}
    if "tolerations" in ours:
        body.tolerations = [*(body.tolerations or []), *ours["tolerations"]]
    if "scheduler_name" in ours:
        body.scheduler_name = ours["scheduler_name"]
    if "image_pull_secrets" in ours:
        known = plain(body.image_pull_secrets) or []
        own = [{"name": name} for name in ours["image_pull_secrets"]]
        body.image_pull_secrets = [*known, *(one for one in own if one not in known)]
    if "node_affinity_preferred" in ours or "node_affinity_required" in ours:
        body.affinity = _affinity(plain(body.affinity) or {}, ours)


def _affinity(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    node = dict(theirs.get("nodeAffinity") or {})
    if preferred := ours.get("node_affinity_preferred"):
        name = "preferredDuringSchedulingIgnoredDuringExecution"
        node[name] = [*(node.get(name) or []), *preferred]
    if required := ours.get("node_affinity_required"):
        name = "requiredDuringSchedulingIgnoredDuringExecution"
        known = (node.get(name) or {}).get("nodeSelectorTerms") or []
        node[name] = {"nodeSelectorTerms": _both(known, required)}
    return {**theirs, "nodeAffinity": node}


def _both(
    theirs: Sequence[Mapping[str, Any]], ours: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return terms that ask for one of each: a node has to meet any one of a list of terms."""
    if not theirs:
        return list(ours)
    return [
        {key: [*left.get(key, []), *right.get(key, [])] for key in {**left, **right}}
        for left, right in product(theirs, ours)
    ]
