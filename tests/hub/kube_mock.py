"""A Kubernetes spawner without a Hub and a cluster, up to the pod that it would send."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.utils import maybe_future
from kubernetes_asyncio.config import kube_config
from tests.hub.cluster import KUBECONFIG
from traitlets.config import Config

from baton_hub.spawner import CuratedKubeSpawner

NOWHERE = "http://127.0.0.1:1"


def configure(folder: Path, profiles: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Return the configuration of a Hub with a catalogue."""
    (folder / "kubeconfig").write_text(KUBECONFIG.replace("URL", NOWHERE))
    # Its default is read from the environment once, when the library is loaded.
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(folder / "kubeconfig"))
    c = Config()
    c.CuratedSpawner.catalog_folder = str(profiles)
    c.CuratedSpawner.baton_public_url = "https://hub.example.org"
    return c


def make(config: Config, groups: list[str], **options: Any) -> Any:
    """Return the spawner of somebody in these groups who asks for this."""
    spawner = CuratedKubeSpawner(config=config, _mock=True)
    spawner.user.groups = [SimpleNamespace(name=name) for name in groups]
    spawner.user_options = options
    spawner.api_token = "token-of-the-server"
    return spawner


async def pod_of(spawner: Any) -> Any:
    """Return the pod as KubeSpawner makes it at a start, compared with the decision."""
    await spawner.load_user_options()
    pod = await spawner.get_pod_manifest()
    if spawner.modify_pod_hook:
        pod = await maybe_future(spawner.modify_pod_hook(spawner, pod))
    spawner._check(pod)
    return pod
