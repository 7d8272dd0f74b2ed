"""A real Hub against Kubernetes' API over HTTP: what cannot start is told at once, and why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Thread
from typing import Any

import httpx
import pytest
from tests.hub.cluster import UNSCHEDULABLE, Cluster, ended, running, waiting, with_state
from tests.hub.kube_hub import DIGEST, KubeHub
from tests.hub.running import wait_for, xsrf

IMAGE = f"registry.example.org/secret-place/python@{DIGEST}"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as running_cluster:
        yield running_cluster


@pytest.fixture(scope="module")
def hub(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeHub]:
    hub = KubeHub(tmp_path_factory.mktemp("hub"), cluster)
    try:
        yield hub
    finally:
        hub.stop()


def test_the_pod_is_what_was_decided_and_comes_up(cluster: Cluster, hub: KubeHub) -> None:
    cluster.plays(running())
    answer = hub.ask("ada", size="large", connections=["lake"])
    assert answer.status_code == 201, answer.text
    pod = cluster.api.created[-1]
    container = pod["spec"]["containers"][0]
    assert container["image"] == IMAGE
    for kind in ("limits", "requests"):
        found = container["resources"][kind]
        assert found == {"cpu": 4.0, "memory": 16 * 1024**3, "nvidia.com/gpu": "1"}
    labels = pod["metadata"]["labels"]
    events = [event for event in hub.audit() if event["event"] in ("spawn", "start")]
    assert [event["event"] for event in events] == ["spawn", "start"]
    assert labels["baton/profile"] == "python"
    assert labels["baton/size"] == "large"
    assert labels["baton/group"] == "data-science--f25168f39ae8"
    assert labels["baton/decision"] == events[0]["id"]
    assert pod["metadata"]["annotations"]["baton/group"] == "Data Science"
    assert pod["spec"]["priorityClassName"] == "baton-data-science--f25168f39ae8"
    variables = {item["name"]: item for item in container["env"]}
    assert variables["LAKE_HOST"]["value"] == "lake.example.org"
    secret = variables["LAKE_PASSWORD"]["valueFrom"]["secretKeyRef"]
    assert secret == {"name": "lake-access", "key": "password"}
    assert hub.api.delete("users/ada/server").status_code < 300
    wait_for(lambda: not cluster.pods(), "the end of the pod")
    wait_for(lambda: hub.audit()[-1]["event"] == "stop", "the stop's record")
    assert hub.audit()[-1]["code"] == "stopped"


TROUBLES: list[tuple[str, list[Any], str, int, str]] = [
    (
        "a name that does not exist",
        [waiting("ErrImagePull", f'failed to pull "{IMAGE}": not found')],
        "image_unavailable",
        503,
        "can't fetch the image of Python",
    ),
    (
        "a registry that refuses",
        [waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"')],
        "image_unavailable",
        503,
        "choose another profile",
    ),
    (
        "a name that can't be",
        [waiting("InvalidImageName")],
        "image_unavailable",
        503,
        "can't fetch the image",
    ),
    (
        "a secret that is missing",
        [waiting("CreateContainerConfigError", 'secret "lake-access" not found')],
        "secret_missing",
        409,
        "the connection The lake needs is missing",
    ),
    (
        "a setting that can't work",
        [waiting("CreateContainerConfigError", 'configmap "settings" not found')],
        "cluster_refused",
        409,
        "does not accept Python (small)",
    ),
    ("too little memory", [ended("OOMKilled", 137)], "out_of_memory", 409, "choose a larger size"),
    ("a crash", [ended("Error", 1)], "server_crashed", 409, "ended by itself while it started"),
    (
        "no room, and no patience left",
        [{"phase": "Pending", "conditions": [UNSCHEDULABLE]}],
        "cluster_full",
        503,
        "No machine of the cluster has room for Python (small), which takes 0.5 CPU, 1 GB:",
    ),
    (
        "a machine that says no",
        [{"phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough cpu"}],
        "cluster_full",
        503,
        "No machine of the cluster has room",
    ),
    (
        "an eviction",
        [{"phase": "Failed", "reason": "Evicted", "message": "node 10.0.0.7 low on memory"}],
        "cluster_evicted",
        503,
        "took Python (small) away before it was ready",
    ),
]


@pytest.mark.parametrize(
    ("script", "code", "status", "words"),
    [trouble[1:] for trouble in TROUBLES],
    ids=[trouble[0] for trouble in TROUBLES],
)
def test_a_pod_that_can_t_come_up_is_one_sentence_within_seconds(
    cluster: Cluster, hub: KubeHub, script: list[Any], code: str, status: int, words: str
) -> None:
    cluster.plays(*script)
    check_refusal(cluster, hub, code, status, words, connections=["lake"])


REFUSALS: list[tuple[int, str, str, int, str]] = [
    (
        403,
        'pods "jupyter-ada" is forbidden: exceeded quota: research, requested: cpu=4, used: cpu=98',
        "cluster_quota",
        503,
        "The cluster's own quota has no room for Python (small) now",
    ),
    (
        422,
        "ValidatingAdmissionPolicy 'baton' with binding 'baton' denied request: not approved",
        "cluster_refused",
        409,
        "does not accept Python (small)",
    ),
    (
        403,
        'pods "jupyter-ada" is forbidden: no PriorityClass with name baton-x was found',
        "cluster_refused",
        409,
        "please tell the data platform team",
    ),
    (500, "etcdserver: request timed out", "cluster_unreachable", 503, "does not answer"),
    (429, "Too many requests", "cluster_unreachable", 503, "try again in a few minutes"),
]


@pytest.mark.parametrize(
    ("answered", "message", "code", "status", "words"), REFUSALS, ids=lambda value: str(value)[:30]
)
def test_a_refusal_of_the_api_is_one_sentence_at_once(
    cluster: Cluster, hub: KubeHub, answered: int, message: str, code: str, status: int, words: str
) -> None:
    cluster.refuses(answered, message)
    check_refusal(cluster, hub, code, status, words)


def check_refusal(
    cluster: Cluster, hub: KubeHub, code: str, status: int, words: str, **options: Any
) -> None:
    """Ask, and check what the person reads, and that nothing is left of the start."""
    began = time.monotonic()
    answer = hub.ask("ada", size="small", **options)
    assert time.monotonic() - began < 8
    assert (answer.status_code, answer.headers.get("Baton-Refusal")) == (status, code), answer.text
    message = answer.json()["message"]
    assert words in message
    assert message.count(". ") == 0
    assert message.endswith(".")
    for hidden in ("registry", "example.org", "10.0.0.7", "lake-access", "sha256", "Traceback"):
        assert hidden not in message
    assert not cluster.pods()
    assert not hub.servers("ada")
    stop = hub.audit()[-1]
    assert (stop["event"], stop["code"], stop["started"]) == ("stop", code, None)
    # What the person does not read, operations find in the log, without any token.
    assert f": {code}: " in hub.words()
    assert "JUPYTERHUB_API_TOKEN" not in hub.words()


def test_a_server_that_crashes_before_it_answers_is_told(cluster: Cluster, hub: KubeHub) -> None:
    """Its container runs for a moment, so that the pod is up for KubeSpawner."""
    cluster.plays(running())
    cluster.api.answers = False
    Thread(target=crash, args=(cluster,)).start()
    check_refusal(cluster, hub, "server_crashed", 409, "ended by itself while it started")


def crash(cluster: Cluster) -> None:
    wait_for(cluster.pods, "the pod")
    time.sleep(1.5)
    cluster.becomes("jupyter-ada", ended("Error", 1))


def test_a_server_that_never_answers_is_told(cluster: Cluster, hub: KubeHub) -> None:
    cluster.plays(running())
    cluster.api.answers = False
    check_refusal(cluster, hub, "server_slow", 503, "was not ready in time")


def test_why_a_running_server_ended_is_recorded(cluster: Cluster, hub: KubeHub) -> None:
    cluster.plays(running())
    assert hub.ask("bob").status_code == 201
    over = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    cluster.becomes("jupyter-bob", {**with_state(over), "phase": "Running"})
    wait_for(lambda: hub.audit()[-1]["event"] == "stop", "the stop's record")
    stop = hub.audit()[-1]
    assert (stop["user"], stop["code"]) == ("bob", "out_of_memory")
    assert stop["started"]


def test_the_spawn_page_says_why(cluster: Cluster, hub: KubeHub) -> None:
    cluster.refuses(403, "forbidden: exceeded quota: research, requested: cpu=4")
    wait_for(lambda: httpx.get(f"{hub.public}/hub/health").status_code == 200, "the proxy")
    with httpx.Client(base_url=hub.public, follow_redirects=True, timeout=30) as browser:
        browser.get("/hub/login")
        fields = {"username": "bob", "password": "x", "_xsrf": xsrf(browser)}
        browser.post("/hub/login", data=fields)
        answer = browser.post(
            f"/hub/spawn/bob?_xsrf={xsrf(browser)}", data={"choice": "python/small"}
        )
    assert answer.status_code == 503
    assert "The cluster&#39;s own quota has no room for Python (small) now" in answer.text
    assert "requested: cpu=4" not in answer.text


def test_after_all_of_that_the_hub_still_starts_servers(cluster: Cluster, hub: KubeHub) -> None:
    """The Hub would end after two failures in a row: none of these was one of its own."""
    cluster.plays(running())
    assert hub.ask("ada").status_code == 201
    assert hub.process.poll() is None
