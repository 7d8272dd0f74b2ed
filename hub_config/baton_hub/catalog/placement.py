"""Where on the cluster a profile's pods may run. Keys are names of KubeSpawner's traits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from baton_hub.catalog.words import Part, Text, Value


class Toleration(Part):
    """One taint of nodes that the pods put up with, in Kubernetes' own words."""

    key: Text | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: Value | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    tolerationSeconds: Annotated[int, Field(ge=0, strict=True)] | None = None  # noqa: N815


class Placement(Part):
    """What of KubeSpawner a profile may set: where its pods go, and nothing about what they are.

    The image, resources, command, identity and volumes of a pod are not here: the first
    two are the profile's own fields, the others belong to the Hub's configuration.
    """

    node_selector: Mapping[Text, Value] = Field(
        default_factory=dict, description="Labels that a node must have"
    )
    tolerations: tuple[Toleration, ...] = Field(
        default=(), description="Taints of nodes that the pods put up with"
    )
    node_affinity_preferred: tuple[Mapping[str, Any], ...] = Field(
        default=(), description="Kubernetes' PreferredSchedulingTerm objects"
    )
    node_affinity_required: tuple[Mapping[str, Any], ...] = Field(
        default=(), description="Kubernetes' NodeSelectorTerm objects"
    )
    scheduler_name: Text | None = Field(default=None, description="A scheduler of the cluster")
    extra_annotations: Mapping[Text, Value] = Field(
        default_factory=dict, description="Annotations of the pods"
    )
    image_pull_policy: Literal["Always", "IfNotPresent"] | None = None
    image_pull_secrets: tuple[Text, ...] = Field(
        default=(), description="Names of Secrets that the image is pulled with"
    )
