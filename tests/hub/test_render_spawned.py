"""What the Hub really sends to a cluster passes the policy that was rendered for it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_asyncio.client import ApiClient
from tests.hub.apiserver import Policy
from tests.hub.kube_mock import configure, make, pod_of
from tests.hub.pods import TARGET
from tests.hub.running import PROFILES

from baton_hub.catalog.load import load_catalog
from baton_hub.cluster.folder import Content
from baton_hub.cluster.render import VALUES, path_of, render, startable
from baton_hub.process import reservations

TODAY = datetime.now(UTC).date()
QUOTAS = "groups: {deep-learning: {priority: 5}, 'data-science': {servers: 9}}\n"


@pytest.mark.parametrize("groups", [[], ["deep-learning", "data-science", "operations"]])
async def test_every_server_of_the_examples_is_admitted(
    groups: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the settings of the rendered values, in the groups with a quota and in none."""
    profiles = Path(shutil.copytree(PROFILES, tmp_path / "profiles"))
    (profiles / "quotas.yaml").write_text(QUOTAS)
    catalog = load_catalog(profiles)
    rendered = render(catalog, Content(0), TARGET, TODAY)
    policy = Policy(next(yaml.safe_load_all(rendered.files[path_of("admission")])))
    config = configure(tmp_path, profiles, monkeypatch)
    # As the chart does with hub.config.
    for name, settings in yaml.safe_load(rendered.files[VALUES])["hub"]["config"].items():
        config[name].update(settings)
    offered = startable(catalog, TODAY).offered(frozenset(groups))
    asked = [(profile.name, size) for profile in offered for size in profile.sizes]
    assert len(asked) > 1
    for profile, size in asked:
        spawner = make(config, groups, profile=profile, size=size)
        pod = _json(await pod_of(spawner))
        reservations.release(spawner.booking.key)
        assert policy.review(pod, TARGET.creator).refusals == ()
        pod["spec"]["containers"][0]["image"] = "docker.io/ada/miner:latest"
        assert policy.review(pod, TARGET.creator).refusals


def _json(pod: Any) -> dict[str, Any]:
    client = ApiClient.__new__(ApiClient)  # Connects to nothing: only its notation is asked for.
    found: dict[str, Any] = client.sanitize_for_serialization(pod)
    return found
