"""Which cluster is rendered for, and what its manifests have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

SERVER_LABEL = "component"
SERVER = "singleuser-server"
"""The label that KubeSpawner gives to every person's server, and the chart's policies select by."""
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PINNED = re.compile(r"([a-z0-9.-]+(:[0-9]+)?/)?[a-z0-9][a-z0-9._/-]*@sha256:[0-9a-f]{64}")


class TargetError(ValueError):
    """The cluster can't be rendered for. The text says what to write instead."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One namespace of one cluster, with the Hub that starts servers there.

    Raises `TargetError` for a name that the cluster would not take.
    """

    namespace: str
    release: str = ""
    """The chart's Helm release; empty: any Hub of the namespace is meant."""
    service_account: str = "hub"
    """The one that the Hub creates pods as; the chart's own is called hub."""
    helper_images: tuple[str, ...] = ()
    """Images by digest that may run beside a profile's, such as the chart's network tools."""

    def __post_init__(self) -> None:
        for what, name in (
            ("namespace", self.namespace),
            ("service account", self.service_account),
            # An empty one is any.
            ("release", self.release or "any"),
        ):
            if not _NAMESPACE.fullmatch(name):
                raise TargetError(
                    f"{name!r} can't be the name of a {what}: write up to 63 lower-case letters,"
                    " digits and hyphens."
                )
        for image in self.helper_images:
            if not _PINNED.fullmatch(image):
                raise TargetError(
                    f"The helper image {image!r} is not named by its digest:"
                    " write REPOSITORY@sha256: and 64 hexadecimal digits, without a tag."
                )

    @property
    def creator(self) -> str:
        """The user name that the Hub's requests have in the cluster."""
        return f"system:serviceaccount:{self.namespace}:{self.service_account}"

    def chart_pods(self, component: str) -> dict[str, Any]:
        """Return a selector of the chart's own pods: hub, proxy, autohttps."""
        release = {"release": self.release} if self.release else {}
        return {"matchLabels": {"app": "jupyterhub", "component": component, **release}}


def manifest(kind: str, name: str, revision: str, *, namespace: str = "", **body: Any) -> Manifest:
    """Return an object of the cluster, marked with the catalogue that it was rendered from.

    Without a namespace it belongs to the whole cluster.
    """
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    metadata["labels"] = {"app.kubernetes.io/managed-by": "baton"}
    metadata["annotations"] = {"baton/catalog-revision": revision}
    return {"apiVersion": _VERSIONS[kind], "kind": kind, "metadata": metadata, **body}


_VERSIONS = {
    "ConfigMap": "v1",
    "LimitRange": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "PriorityClass": "scheduling.k8s.io/v1",
    "ResourceQuota": "v1",
    "ValidatingAdmissionPolicy": "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicyBinding": "admissionregistration.k8s.io/v1",
}
