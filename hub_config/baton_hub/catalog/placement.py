"""Where on the cluster a profile's pods may run. Keys are names of KubeSpawner's traits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from baton_hub.catalog.words import Part, Text, Value, wrong


class Toleration(Part):
    """One taint of nodes that the pods put up with, in Kubernetes' own words."""

    key: Text | None = Field(default=None, description="The taint's key; default: every taint")
    operator: Literal["Equal", "Exists"] = Field(
        default="Equal", description="Exists: whatever the taint's value is"
    )
    value: Value | None = Field(default=None, description="The taint's value")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="The taint's effect; default: all of them"
    )
    tolerationSeconds: Annotated[int, Field(ge=0, strict=True)] | None = Field(  # noqa: N815
        default=None, description="With NoExecute: how long the pod stays; default: for ever"
    )

    @model_validator(mode="after")
    def _fits_its_operator(self) -> Toleration:
        # The API server refuses these, pod by pod.
        if self.operator == "Exists" and self.value is not None:
            raise wrong("wrong_value", "Exists takes no value: remove it, or write Equal", "value")
        if self.operator == "Equal" and self.key is None:
            raise wrong("wrong_value", "without a key the operator is Exists: write it, or a key")
        return self


class Requirement(Part):
    """One thing that is asked of a node, in Kubernetes' own words."""

    key: Text = Field(description="The label of the node, or its field")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] = Field(
        description="How its value is compared"
    )
    values: tuple[Value, ...] = Field(default=(), description="What it is compared with")


class NodeSelectorTerm(Part):
    """What is asked of a node, all of it together."""

    matchExpressions: tuple[Requirement, ...] = Field(  # noqa: N815
        default=(), description="What is asked of the node's labels"
    )
    matchFields: tuple[Requirement, ...] = Field(  # noqa: N815
        default=(), description="What is asked of the node's fields"
    )


class PreferredSchedulingTerm(Part):
    """Nodes that are better than others, and by how much."""

    weight: int = Field(ge=1, le=100, strict=True, description="1 to 100")
    preference: NodeSelectorTerm = Field(description="Which nodes")


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
    node_affinity_preferred: tuple[PreferredSchedulingTerm, ...] = Field(
        default=(), description="Nodes that are taken rather than others"
    )
    node_affinity_required: tuple[NodeSelectorTerm, ...] = Field(
        default=(), description="Nodes of which one has to be taken"
    )
    scheduler_name: Text | None = Field(default=None, description="A scheduler of the cluster")
    extra_annotations: Mapping[Text, Value] = Field(
        default_factory=dict, description="Annotations of the pods"
    )
    image_pull_policy: Literal["Always", "IfNotPresent"] | None = Field(
        default=None, description="When the image is pulled; default: KubeSpawner's setting"
    )
    image_pull_secrets: tuple[Text, ...] = Field(
        default=(), description="Names of Secrets that the image is pulled with"
    )

    def traits(self) -> dict[str, Any]:
        """Return what is set, by the trait's name and in the form that KubeSpawner takes."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True)
