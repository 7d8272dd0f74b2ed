"""A real Hub and cluster of which one goes away: what runs is found again, or ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hub.cluster import Cluster, running
from tests.hub.kube_hub import KubeHub
from tests.hub.running import wait_for


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster() as running_cluster:
        yield running_cluster


@pytest.fixture
def hub(cluster: Cluster, tmp_path: Path) -> Iterator[KubeHub]:
    hub = KubeHub(tmp_path / "hub", cluster, slow=0.5)
    try:
        yield hub
    finally:
        hub.stop()


def test_a_cluster_that_does_not_answer_is_told_and_found_again(tmp_path: Path) -> None:
    with Cluster() as first:
        port = first.port
        hub = KubeHub(tmp_path / "hub", first)
    try:
        began = time.monotonic()
        answer = hub.ask("ada")
        assert time.monotonic() - began < 8
        assert (answer.status_code, answer.headers["Baton-Refusal"]) == (503, "cluster_unreachable")
        assert "The cluster does not answer, so Python (small) was not started" in answer.text
        assert hub.audit()[-1]["code"] == "cluster_unreachable"
        with Cluster(port) as second:
            second.plays(running())
            wait_for(lambda: hub.ask("ada").status_code == 201, "a start", 30)
            assert second.pods() == ["jupyter-ada"]
    finally:
        hub.stop()


def test_a_running_pod_and_its_booking_outlive_the_hub(cluster: Cluster, hub: KubeHub) -> None:
    cluster.plays(running())
    hub.ask("ada")
    wait_for(lambda: hub.servers("ada")[""]["ready"], "the server")
    hub.kill()
    hub.start()
    wait_for(lambda: hub.servers("ada").get("", {}).get("ready"), "the server, found again")
    answer = hub.ask("ada", "second")
    assert answer.headers["Baton-Refusal"] == "quota_servers", answer.text
    cluster.delete("jupyter-ada")
    wait_for(lambda: hub.audit()[-1]["event"] == "stop", "the stop's record")
    stop = hub.audit()[-1]
    assert (stop["code"], stop["user"]) == ("ended", "ada")
    assert stop["started"]
    assert [event["event"] for event in hub.audit()].count("start") == 1


def test_a_pod_that_can_t_be_deleted_counts_until_it_is_gone(
    cluster: Cluster, hub: KubeHub
) -> None:
    cluster.plays(running())
    hub.ask("ada")
    wait_for(lambda: hub.servers("ada")[""]["ready"], "the server")
    cluster.api.keeps = True
    hub.api.delete("users/ada/server")
    wait_for(lambda: not hub.servers("ada"), "the end of the stop")
    assert cluster.pods() == ["jupyter-ada"]
    assert hub.ask("ada", "second").headers["Baton-Refusal"] == "quota_servers"
    assert "stop" not in [event["event"] for event in hub.audit()]
    cluster.api.keeps = False
    wait_for(lambda: hub.audit()[-1]["event"] == "stop", "the stop's record", 60)
    assert (hub.audit()[-1]["code"], cluster.pods()) == ("lost", [])


def test_a_pod_that_no_hub_knows_any_more_is_ended(cluster: Cluster, hub: KubeHub) -> None:
    """Only the audit still tells of it, and the label on the pod."""
    cluster.plays()
    hub.ask("ada")
    wait_for(cluster.pods, "the pod")
    hub.kill()
    hub.forget()
    hub.start()
    cluster.plays(running())
    hub.ask("bob")
    wait_for(lambda: cluster.pods() == ["jupyter-bob"], "the end of the lost pod")
    stops = wait_for(
        lambda: [event for event in hub.audit() if event["event"] == "stop"], "the stop's record"
    )
    assert [(stop["user"], stop["code"]) for stop in stops] == [("ada", "lost")]
