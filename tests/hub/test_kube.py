"""On Kubernetes: the pod is what was decided, or it is not sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubespawner.reflector import ResourceReflector
from tests.hub.kube_mock import configure, make, pod_of
from tornado.web import HTTPError
from traitlets.config import Config

from baton_contract import ForbiddenError
from baton_hub.audit.replay import read_events
from baton_hub.catalog import Catalog, Limits, Quotas
from baton_hub.process import recovery_of, reservations
from baton_hub.spawner import CuratedKubeSpawner
from baton_hub.spawner import refusal as refusals
from baton_hub.spawner.watched import WatchedKubeSpawner

PROFILES = Path(__file__).parents[2] / "profiles"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    return configure(tmp_path, PROFILES, monkeypatch)


@pytest.fixture(autouse=True)
def _no_bookings_left() -> Any:
    yield
    reservations.release(("mock@name", ""))


@pytest.fixture(autouse=True)
def _generous(monkeypatch: pytest.MonkeyPatch, catalog: Catalog) -> None:
    """The example's quotas are for a laptop; here only policy is asked."""
    live = SimpleNamespace(current=lambda: replace(catalog, quotas=Quotas()))
    monkeypatch.setattr(CuratedKubeSpawner, "catalog", live)


async def test_the_pod_has_the_digest_the_resources_and_the_labels(
    config: Config, catalog: Catalog
) -> None:
    spawner = make(config, ["deep-learning"], profile="pytorch-gpu", size="one-gpu")
    pod = await pod_of(spawner)
    container = pod.spec.containers[0]
    assert container.image == catalog.profiles["pytorch-gpu"].image.pinned
    wanted = {"cpu": 4.0, "memory": 16 * 1024**3, "nvidia.com/gpu": "1"}
    assert container.resources.limits == wanted
    assert container.resources.requests == wanted
    assert pod.metadata.labels["baton/profile"] == "pytorch-gpu"


async def test_the_server_learns_where_the_services_are_and_who_it_is(config: Config) -> None:
    spawner = make(config, [], profile="python")
    pod = await pod_of(spawner)
    env = {item.name: item.value for item in pod.spec.containers[0].env}
    assert env["MLFLOW_TRACKING_URI"] == "https://hub.example.org/services/mlflow"
    assert env["MLFLOW_TRACKING_USERNAME"] == "mock@name"
    assert env["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "5"
    assert env["MLFLOW_TRACKING_PASSWORD"] == "token-of-the-server"
    assert env["BATON_DESK_URL"] == "https://hub.example.org/services/desk"
    assert env["BATON_PROFILE"] == "python"
    assert env["BATON_IMAGE_DIGEST"].startswith("sha256:")


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, 400),
        ({"profile": "pytorch-gpu"}, 403),
        ({"profile": "python", "size": "huge"}, 400),
        ({"profile": "python", "image": "evil"}, 400),
        ({"profile": "python", "profile-option-python--image": "evil"}, 400),
    ],
)
async def test_a_refusal_is_a_4xx_with_its_sentence(
    config: Config, options: dict[str, Any], status: int
) -> None:
    spawner = make(config, [], **options)
    image = spawner.image
    with pytest.raises(HTTPError) as caught:
        await spawner.load_user_options()
    assert caught.value.status_code == status
    assert caught.value.jupyterhub_message
    assert spawner.image == image
    assert spawner.spec is None


@pytest.mark.parametrize("change", ["image", "cpu", "gpu", "container"])
async def test_a_pod_that_is_changed_afterwards_is_not_sent(config: Config, change: str) -> None:
    """An operators' own hook may add to the pod, and not change what was decided."""

    def hook(_: Any, pod: Any) -> Any:
        container = pod.spec.containers[0]
        if change == "image":
            container.image = "quay.io/jupyter/minimal-notebook:latest"
        elif change == "container":
            container.name = "other"
        else:
            name = {"cpu": "cpu", "gpu": "nvidia.com/gpu"}[change]
            container.resources.limits[name] = 64
        return pod

    config.KubeSpawner.modify_pod_hook = hook
    with pytest.raises(HTTPError) as caught:
        await pod_of(make(config, [], profile="python"))
    assert caught.value.status_code == 409


async def test_an_operators_hook_that_only_adds_is_respected(config: Config) -> None:
    async def hook(_: Any, pod: Any) -> Any:
        pod.metadata.annotations["theirs"] = "yes"
        return pod

    config.KubeSpawner.modify_pod_hook = hook
    pod = await pod_of(make(config, [], profile="python"))
    assert pod.metadata.annotations["theirs"] == "yes"


async def test_a_second_start_takes_nothing_over_from_the_first(config: Config) -> None:
    spawner = make(config, ["deep-learning"], profile="pytorch-gpu")
    await pod_of(spawner)
    spawner.clear_state()
    spawner.user_options = {"profile": "python"}
    pod = await pod_of(spawner)
    assert "nvidia.com/gpu" not in pod.spec.containers[0].resources.limits
    assert pod.metadata.labels["baton/profile"] == "python"


@pytest.mark.parametrize("fails", ["stop", "poll"])
async def test_a_server_that_may_run_on_counts_until_it_was_ended(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """JupyterHub forgets a server whose stop fails, and one that it can't ask for."""
    config.CuratedSpawner.audit_file = str(tmp_path / "audit.jsonl")
    is_back, ended = asyncio.Event(), []

    async def no_answer(*_: Any) -> None:
        raise ConnectionError("no answer")

    async def delete_pods(_: Any, ids: frozenset[str]) -> None:
        await is_back.wait()
        ended.append(ids)

    monkeypatch.setattr(WatchedKubeSpawner, fails, no_answer)
    monkeypatch.setattr(WatchedKubeSpawner, "delete_pods", delete_pods)
    spawner = make(config, [], profile="python")
    await pod_of(spawner)
    spawner.note_start()
    booking = spawner.booking
    with pytest.raises(ConnectionError):
        await getattr(spawner, fails)()
    spawner.clear_state()
    assert spawner.booking is None
    assert reservations.get(booking.key) == booking
    assert [event["event"] for event in read_events(tmp_path / "audit.jsonl")][-1] == "start"
    is_back.set()
    await recovery_of(spawner.audit).finished()
    assert ended == [{booking.id}]
    assert reservations.get(booking.key) is None
    spawner.audit.close()
    stops = [e for e in read_events(tmp_path / "audit.jsonl") if e["event"] == "stop"]
    assert [(stop["id"], stop["code"]) for stop in stops] == [(booking.id, "lost")]


async def test_a_start_that_is_refused_replaces_no_server_that_may_run_on(
    config: Config, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_back = asyncio.Event()

    async def fail(*_: Any) -> None:
        raise ConnectionError("no answer")

    async def delete_pods(*_: Any) -> None:
        await is_back.wait()

    monkeypatch.setattr(WatchedKubeSpawner, "stop", fail)
    monkeypatch.setattr(WatchedKubeSpawner, "delete_pods", delete_pods)
    spawner = make(config, [], profile="python")
    await pod_of(spawner)
    booking = spawner.booking
    with pytest.raises(ConnectionError):
        await spawner.stop()
    spawner.clear_state()
    full = replace(catalog, quotas=Quotas(each_user=Limits(servers=0)))
    monkeypatch.setattr(CuratedKubeSpawner, "catalog", SimpleNamespace(current=lambda: full))
    with pytest.raises(HTTPError):
        await make(config, [], profile="python").load_user_options()
    assert reservations.get(booking.key) == booking
    is_back.set()
    await recovery_of(spawner.audit).finished()
    assert reservations.get(booking.key) is None


async def test_a_start_that_came_to_no_pod_is_no_lost_server(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_answer(_: Any) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr(WatchedKubeSpawner, "poll", no_answer)
    spawner = make(config, [], profile="python")
    await spawner.load_user_options()
    key = spawner.booking.key
    with pytest.raises(ConnectionError):
        await spawner.poll()
    spawner.clear_state()
    assert reservations.get(key) is None


def test_a_refusal_never_counts_as_a_failing_spawner(monkeypatch: pytest.MonkeyPatch) -> None:
    """JupyterHub 5 counts every exception and stops after a number of them: one is taken off."""
    monkeypatch.setattr(refusals, "SpawnException", None)
    settings = {"failure_count": 2}
    raised = refusals.refusal(ForbiddenError("quota_cpu", "Too much: 100%."), settings)
    assert isinstance(raised, HTTPError)
    assert (raised.status_code, settings["failure_count"]) == (403, 1)
    assert "Too much: 100%." in str(raised)


async def test_a_watch_that_was_cancelled_at_its_beginning_holds_nobody_up(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KubeSpawner cancels the watch of pods when that of events fails at the same time."""
    listing, lets_go = asyncio.Event(), asyncio.Event()

    async def silent(*_: Any, **__: Any) -> None:
        listing.set()
        await lets_go.wait()

    monkeypatch.setattr(CuratedKubeSpawner, "reflectors", {})
    monkeypatch.setattr(ResourceReflector, "_list_and_update", silent)
    first = asyncio.ensure_future(make(config, [])._start_watching_pods())
    await listing.wait()
    second = asyncio.ensure_future(make(config, [])._start_watching_pods())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(second, 5)
    assert not CuratedKubeSpawner.reflectors
