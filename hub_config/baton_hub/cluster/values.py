"""Values for the Zero to JupyterHub chart that follow from the catalogue."""

from __future__ import annotations

from typing import Any

from baton_hub.catalog import Catalog
from baton_hub.cluster.folder import Content, volume, volume_mount
from baton_hub.cluster.target import Target

_NETWORK_TOOLS = "k8s-network-tools"
_SMALL = {"cpu": "50m", "memory": "64Mi"}


def render_values(catalog: Catalog, target: Target, content: Content) -> dict[str, Any]:
    """Return the values, to be merged by Helm after the ones written by hand.

    When the catalogue's files fit a ConfigMap, the Hub mounts it.
    """
    config = {"use_priority_classes": True, "helper_images": list(target.helper_images)}
    hub: dict[str, Any] = {"config": {"CuratedKubeSpawner": config}}
    if content.fits:
        hub["extraVolumes"] = [volume(content.files)]
        hub["extraVolumeMounts"] = [volume_mount()]
    return {
        "custom": {"baton": {"catalogRevision": catalog.revision}},
        "hub": hub,
        "prePuller": {"extraImages": _images(catalog)},
        "singleuser": _servers(catalog, target),
    }


def chart_image(pinned: str) -> dict[str, str]:
    """Return an image by digest as the chart wants it.

    Its templates write NAME:TAG, so the digest's last colon takes the place of the
    tag's: the two together are repository@sha256:digits again.
    """
    name, _, tag = pinned.rpartition(":")
    return {"name": name, "tag": tag}


def _images(catalog: Catalog) -> dict[str, dict[str, str]]:
    """Return what nodes pull in advance: every image once, by its first profile's name."""
    first: dict[str, str] = {}
    for profile in sorted(catalog.profiles.values(), key=lambda profile: profile.name):
        first.setdefault(profile.image.pinned, profile.name)
    return {name: chart_image(pinned) for pinned, name in first.items()}


def _servers(catalog: Catalog, target: Target) -> dict[str, Any]:
    tools = [i for i in target.helper_images if i.split("@")[0].endswith(f"/{_NETWORK_TOOLS}")]
    servers: dict[str, Any] = {
        # Adds a container to every pod, which only a named helper may be.
        "cloudMetadata": {"blockWithIptables": bool(tools)},
        "networkPolicy": {
            "enabled": True,
            # Policies add up, and the other one leaves out more addresses.
            "egressAllowRules": {
                "cloudMetadataServer": False,
                "nonPrivateIPs": False,
                "privateIPs": False,
            },
        },
    }
    # The chart pulls its own image in advance too: let it be one of the catalogue's.
    for image in list(_images(catalog).values())[:1]:
        servers["image"] = image
    if tools:
        servers["networkTools"] = {
            "image": chart_image(tools[0]),
            "resources": {"limits": dict(_SMALL), "requests": dict(_SMALL)},
        }
    return servers
