"""What the cluster says of a pod, as a code and a sentence; and how long one waits for it."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientConnectionError
from kubernetes_asyncio.client import ApiException

from baton_hub.amount import Amount
from baton_hub.audit.events import load_schema
from baton_hub.policy import ServerSpec
from baton_hub.spawner.progress import STEPS, render_step
from baton_hub.spawner.trouble import (
    SENTENCES,
    Trouble,
    public_error,
    read_refusal,
    read_trouble,
    sentence,
)
from baton_hub.spawner.vigil import Vigil

SPEC = ServerSpec(
    user="ada",
    groups=frozenset(),
    profile="python",
    title="Python {0} {user}",
    size="small",
    image="registry.example.org/python",
    digest="",
    amount=Amount(1, 0.5, 1024**3, {"nvidia.com/gpu": 1}),
    revision="r",
)
FULL = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3"}
GONE = Trouble("cluster_evicted", "the pod is gone")


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "jupyter-ada"}, "status": {"phase": "Pending", **status}}


def one(name: str = "notebook", **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, **more}]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (pod(), None),
        ({"metadata": {}}, None),
        (pod(containerStatuses=one(state={"waiting": {"reason": "ContainerCreating"}})), None),
        (pod(containerStatuses=one(state={"waiting": {"reason": "PodInitializing"}})), None),
        (pod(phase="Running", containerStatuses=one(state={"running": {}}, lastState={})), None),
        (pod(initContainerStatuses=one("first", state={"terminated": {"exitCode": 0}})), None),
        # It is started again; when that does not help it is said to be in a loop.
        (pod(initContainerStatuses=one("first", state={"terminated": {"exitCode": 1}})), None),
        (
            pod(
                initContainerStatuses=one(
                    "first", state={"waiting": {"reason": "CrashLoopBackOff"}}
                )
            ),
            "server_crashed",
        ),
        (
            pod(initContainerStatuses=one("first", state={"waiting": {"reason": "ErrImagePull"}})),
            "image_unavailable",
        ),
        (pod(containerStatuses=one(state={"terminated": {"exitCode": 0}})), "server_crashed"),
        (
            pod(
                containerStatuses=one(
                    state={"running": {}},
                    lastState={"terminated": {"reason": "OOMKilled", "exitCode": 137}},
                )
            ),
            "out_of_memory",
        ),
        (pod(phase="Failed", reason="UnexpectedAdmissionError"), "cluster_full"),
        (pod(phase="Failed", reason="NodeShutdown"), "cluster_evicted"),
        (pod(phase="Succeeded"), "server_crashed"),
        (pod(conditions=[FULL]), "cluster_full"),
        ({**pod(), "metadata": {"deletionTimestamp": "2026-06-01T10:00:00Z"}}, "cluster_evicted"),
    ],
)
def test_a_pods_status_is_read(found: dict[str, Any], code: str | None) -> None:
    trouble = read_trouble(found)
    assert (trouble.code if trouble else None) == code


@pytest.mark.parametrize("code", SENTENCES)
def test_every_trouble_is_one_sentence_and_a_refusal_with_its_code(code: str) -> None:
    told = sentence(code, SPEC, "the {team}")
    assert told.endswith(".")
    assert ". " not in told
    assert len(told) < 250
    error = public_error(Trouble(code), told)
    assert (error.code, error.message) == (code, told)
    assert error.status in (409, 503)
    assert code in load_schema()["$defs"]["stop"]["properties"]["code"]["enum"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ClientConnectionError("no route to 10.0.0.1"), "cluster_unreachable"),
        (TimeoutError(), "cluster_unreachable"),
        (ApiException(status=401, reason="Unauthorized"), "cluster_refused"),
        (ApiException(status=404), "cluster_refused"),
        (ApiException(status=503), "cluster_unreachable"),
    ],
)
def test_what_the_client_raises_is_read(error: Exception, code: str) -> None:
    assert read_refusal(error).code == code


def test_an_event_is_told_without_its_own_message() -> None:
    for reason in (*STEPS, "FailedScheduling", "Unknown"):
        told = render_step({"reason": reason, "message": "registry.example.org"}, 90)
        assert "registry" not in told
    assert render_step({"reason": "Unknown", "message": "x"}, 90) == ""


def test_what_may_pass_is_waited_for_and_nothing_else() -> None:
    vigil = Vigil(began=100, patience=10, limit=60)
    assert vigil.look(None, 100) is None
    assert vigil.look(pod(conditions=[FULL]), 101) is None
    assert vigil.look(pod(conditions=[FULL]), 110.9) is None
    trouble = vigil.look(pod(conditions=[FULL]), 111)
    assert trouble
    assert trouble.code == "cluster_full"


def test_room_in_between_begins_the_waiting_anew() -> None:
    vigil = Vigil(began=0, patience=10, limit=60)
    assert vigil.look(pod(conditions=[FULL]), 1) is None
    assert vigil.look(pod(), 9) is None
    assert vigil.look(pod(conditions=[FULL]), 12) is None
    assert vigil.look(pod(conditions=[FULL]), 22) is not None


def test_a_start_ends_in_time_with_what_it_waited_for() -> None:
    slow, full = Vigil(0, patience=100, limit=60), Vigil(0, patience=100, limit=60)
    assert slow.look(pod(), 59) is None
    assert full.look(pod(conditions=[FULL]), 59) is None
    assert getattr(slow.look(pod(), 60), "code", "") == "server_slow"
    assert getattr(full.look(pod(conditions=[FULL]), 60), "code", "") == "cluster_full"


def test_a_pod_that_was_there_and_is_gone_is_not_waited_for() -> None:
    vigil = Vigil(0, patience=10, limit=60)
    assert vigil.look(None, 1) is None
    assert vigil.look(pod(), 2) is None
    assert vigil.look(None, 3) == GONE
