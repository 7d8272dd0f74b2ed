"""The two spawners, with one policy: on one machine, and on Kubernetes.

Imported by name from here; each loads only what it needs, so that a machine
without Kubernetes never imports its client.
"""

from __future__ import annotations

from typing import Any

__all__ = ["CuratedKubeSpawner", "CuratedLocalSpawner"]


def __getattr__(name: str) -> Any:
    if name == "CuratedLocalSpawner":
        from baton_hub.spawner.local import CuratedLocalSpawner

        return CuratedLocalSpawner
    if name == "CuratedKubeSpawner":
        from baton_hub.spawner.kube import CuratedKubeSpawner

        return CuratedKubeSpawner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
