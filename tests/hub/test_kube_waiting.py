"""A real Hub and a cluster that keeps people waiting: what they see of it, and how it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from tests.hub.cluster import UNSCHEDULABLE, Cluster, running
from tests.hub.kube_hub import KubeHub
from tests.hub.running import wait_for

PENDING = {"phase": "Pending", "conditions": [UNSCHEDULABLE]}
SCHEDULING = ("FailedScheduling", "0/3 nodes are available: node-7.internal")
PULLING = ("Pulling", 'Pulling image "registry.example.org/secret-place/python"')


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as running_cluster:
        yield running_cluster


@pytest.fixture(scope="module")
def hub(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeHub]:
    # Slow is what takes longer than this: the person goes to the page that shows progress.
    hub = KubeHub(tmp_path_factory.mktemp("hub"), cluster, slow=0.5)
    try:
        yield hub
    finally:
        hub.stop()


def told(hub: KubeHub, user: str) -> Iterator[dict[str, Any]]:
    """Yield what the page that shows progress gets."""
    with hub.api.stream("GET", f"users/{user}/server/progress") as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def test_a_full_cluster_is_told_within_seconds_and_ends_after_the_patience(
    cluster: Cluster, hub: KubeHub
) -> None:
    cluster.plays(PENDING, events=[SCHEDULING, PULLING])
    began = time.monotonic()
    assert hub.ask("ada").status_code < 300
    news = [(time.monotonic() - began, event) for event in told(hub, "ada")]
    messages = [event["message"] for _, event in news]
    waiting = next(n for n, text in enumerate(messages) if "has room at the moment" in text)
    assert news[waiting][0] < 4
    assert any("The image is being fetched" in text for text in messages)
    assert news[-1][1]["failed"]
    assert "No machine of the cluster has room for Python (small)" in messages[-1]
    assert 4 < news[-1][0] < 10
    assert '<a href="/hub/spawn/ada/">Choose again</a>' in news[-1][1]["html_message"]
    for hidden in ("node-7", "registry", "0/3"):
        assert hidden not in json.dumps([event for _, event in news])
    wait_for(lambda: hub.audit()[-1]["event"] == "stop", "the stop's record")
    assert hub.audit()[-1]["code"] == "cluster_full"
    assert "jupyter-ada" not in cluster.pods()


def test_a_server_comes_up_when_there_is_room_again(cluster: Cluster, hub: KubeHub) -> None:
    cluster.plays(PENDING, events=[SCHEDULING])
    assert hub.ask("cyd").status_code < 300
    wait_for(cluster.pods, "the pod")
    Thread(target=lambda: (time.sleep(2), cluster.becomes("jupyter-cyd", running()))).start()
    last = list(told(hub, "cyd"))[-1]
    assert last["ready"], last
    assert hub.servers("cyd")[""]["ready"]


def test_a_pod_that_is_taken_away_while_it_starts_is_told(cluster: Cluster, hub: KubeHub) -> None:
    cluster.plays()
    assert hub.ask("ada").status_code < 300
    wait_for(lambda: "jupyter-ada" in cluster.pods(), "the pod")
    time.sleep(1.5)  # Until the Hub's watch has it.
    cluster.delete("jupyter-ada")
    last = list(told(hub, "ada"))[-1]
    assert last["failed"]
    assert "took Python (small) away before it was ready" in last["message"]
    wait_for(lambda: hub.audit()[-1]["event"] == "stop", "the stop's record")
    assert hub.audit()[-1]["code"] == "cluster_evicted"
