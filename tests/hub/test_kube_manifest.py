"""What is written into a pod arrives as it is, beside what operations set, and only once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kubespawner import KubeSpawner
from tests.hub.kube_mock import configure, make, pod_of
from tornado.web import HTTPError
from traitlets.config import Config

from baton_hub.process import reservations
from baton_hub.spawner import CuratedKubeSpawner
from baton_hub.spawner.curated import CuratedSpawner
from baton_hub.spawner.watched import WatchedKubeSpawner

DIGEST = f"sha256:{'a' * 64}"
STRANGE = "{username} $(JUPYTERHUB_API_TOKEN) $$ ${HOME} {} {0.__class__} -"
PLACED = f"""
name: placed
title: Placed
description: Notebooks on machines of their own.
owner: Data platform
image: {{reference: "quay.io/placed:1", digest: "{DIGEST}"}}
access: {{everybody: true}}
sizes:
  small: {{cpu: 1, memory: 2G}}
  gpus: {{cpu: 2, memory: 4G, gpus: {{nvidia.com/gpu: 2, amd.com/gpu: 1}}}}
environment:
  STRANGE: "{STRANGE}"
options:
  note: {{title: Note, variable: NOTE, pattern: ".*", default: ""}}
kubernetes:
  node_selector: {{pool: placed, disk: fast}}
  tolerations: [{{key: gpu, operator: Exists}}]
  node_affinity_required:
    - matchExpressions: [{{key: zone, operator: In, values: [a]}}]
    - matchExpressions: [{{key: zone, operator: In, values: [b]}}]
  node_affinity_preferred:
    - weight: 10
      preference: {{matchExpressions: [{{key: new, operator: Exists}}]}}
  scheduler_name: packing
  extra_annotations: {{note: "{{username}} as it is"}}
  image_pull_policy: Always
  image_pull_secrets: [registry, ours]
"""
PLAIN = f"""
name: plain
title: Plain
description: Notebooks.
owner: Data platform
image: {{reference: "quay.io/plain:1", digest: "{DIGEST}"}}
access: {{everybody: true}}
sizes: {{small: {{cpu: 1, memory: 2G}}}}
"""
MEANT = """
clear_state get_env get_pod_manifest get_state load_state load_user_options options_from_query
poll progress start start_polling stop user_options _make_create_pod_request _start_reflector
"""
EXISTS = {"key": "role", "operator": "Exists"}


@pytest.fixture(autouse=True)
def _no_bookings_left() -> Any:
    yield
    reservations.release(("mock@name", ""))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    (profiles / "placed.yaml").write_text(PLACED)
    (profiles / "plain.yaml").write_text(PLAIN)
    (profiles / "evidence.yaml").write_text("required: []\n")
    (profiles / "quotas.yaml").write_text("groups: {research: {cpu: 8}, 'a {b}': {cpu: 8}}\n")
    c = configure(tmp_path, profiles, monkeypatch)
    c.KubeSpawner.node_selector = {"pool": "everybody", "region": "north"}
    c.KubeSpawner.tolerations = [{"key": "user", "operator": "Exists"}]
    c.KubeSpawner.node_affinity_required = [{"matchExpressions": [EXISTS]}]
    c.KubeSpawner.image_pull_secrets = ["registry"]
    c.KubeSpawner.extra_annotations = {"theirs": "{username}"}
    c.KubeSpawner.extra_labels = {"theirs": "yes"}
    c.KubeSpawner.extra_resource_limits = {"ephemeral-storage": "10Gi"}
    c.KubeSpawner.environment = {"THEIRS": "{username}"}
    c.KubeSpawner.priority_class_name = "theirs"
    return c


async def sent(spawner: Any) -> dict[str, Any]:
    """Return the JSON of the pod."""
    found: dict[str, Any] = spawner.plain(await pod_of(spawner))
    return found


def variables(pod: dict[str, Any]) -> dict[str, Any]:
    return {item["name"]: item.get("value") for item in pod["spec"]["containers"][0]["env"]}


def expanded(value: str) -> str:
    """Return what a container gets of a value in which no variable is referred to."""
    return value.replace("$$", "$")


@pytest.mark.parametrize(
    "answer", ["{username}", "$(HOME) $$", "{unknown}", "{", "ends with -", ""]
)
async def test_values_arrive_as_they_were_written(config: Config, answer: str) -> None:
    """Neither KubeSpawner's templates nor Kubernetes' references change them."""
    found = variables(await sent(make(config, [], profile="placed", options={"note": answer})))
    assert expanded(found["STRANGE"]) == STRANGE
    assert expanded(found["NOTE"]) == answer
    assert "$(" not in found["STRANGE"].replace("$$", "")
    assert found["THEIRS"].startswith("mock-name---")


async def test_the_hubs_own_priority_class_stays_where_groups_have_none(config: Config) -> None:
    pod = await sent(make(config, ["research"], profile="plain"))
    assert pod["spec"]["priorityClassName"] == "theirs"


async def test_placement_joins_what_operations_set(config: Config) -> None:
    body = (await sent(make(config, [], profile="placed")))["spec"]
    assert body["nodeSelector"] == {"pool": "placed", "region": "north", "disk": "fast"}
    assert [t["key"] for t in body["tolerations"]] == ["user", "gpu"]
    assert body["schedulerName"] == "packing"
    assert body["imagePullSecrets"] == [{"name": "registry"}, {"name": "ours"}]
    assert body["containers"][0]["imagePullPolicy"] == "Always"
    node = body["affinity"]["nodeAffinity"]
    required = node["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    # Any one term is enough for a node: each asks for the operators' and one of the profile's.
    assert [
        [(e["key"], e.get("values")) for e in term["matchExpressions"]] for term in required
    ] == [[("role", None), ("zone", ["a"])], [("role", None), ("zone", ["b"])]]
    assert node["preferredDuringSchedulingIgnoredDuringExecution"][0]["weight"] == 10


async def test_several_kinds_of_gpu_are_limits_and_requests(config: Config) -> None:
    pod = await sent(make(config, [], profile="placed", size="gpus"))
    resources = pod["spec"]["containers"][0]["resources"]
    decided = {"cpu": 2.0, "memory": 4 * 1024**3, "nvidia.com/gpu": "2", "amd.com/gpu": "1"}
    assert resources["requests"] == decided
    assert resources["limits"] == {**decided, "ephemeral-storage": "10Gi"}


async def test_annotations_hold_what_labels_can_t(config: Config) -> None:
    config.CuratedKubeSpawner.use_priority_classes = True
    spawner = make(config, ["a {b}"], profile="placed")
    pod = await sent(spawner)
    about = pod["metadata"]
    assert about["annotations"]["note"] == "{username} as it is"
    assert about["annotations"]["baton/group"] == "a {b}"
    assert "{" not in about["annotations"]["theirs"]
    assert about["labels"]["theirs"] == "yes"
    assert about["labels"]["baton/group"].startswith("a-b--")
    assert about["labels"]["baton/decision"] == spawner.booking.id
    assert pod["spec"]["priorityClassName"] == f"baton-{about['labels']['baton/group']}"


async def test_nothing_of_one_start_is_in_the_next(config: Config) -> None:
    config.CuratedKubeSpawner.use_priority_classes = True
    fresh = await sent(make(config, [], profile="plain"))
    reservations.release(("mock@name", ""))
    spawner = make(config, ["research"], profile="placed", size="gpus")
    await sent(spawner)
    spawner.clear_state()
    spawner.api_token = "token-of-the-server"
    spawner.user_options, spawner.user.groups = {"profile": "plain"}, []
    again = await sent(spawner)
    for pod in (again, fresh):
        del pod["metadata"]["labels"]["baton/decision"]
        env = pod["spec"]["containers"][0]["env"]
        env[:] = [item for item in env if item["name"] != "BATON_SERVER_ID"]
    assert again == fresh
    assert again["spec"]["priorityClassName"] == "baton-no--group"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("extra_containers", [{"name": "sidecar", "image": "evil:latest"}]),
        ("init_containers", [{"name": "first", "image": "evil:latest"}]),
        ("extra_resource_limits", {"nvidia.com/gpu": "8"}),
        ("extra_container_config", {"image": "evil:latest"}),
        ("priority_class_name", "baton-research"),
        ("volumes", [{"name": "tools", "image": {"reference": "evil:latest"}}]),
    ],
)
async def test_a_setting_that_breaks_the_decision_is_refused(
    config: Config, setting: str, value: Any
) -> None:
    setattr(config.KubeSpawner, setting, value)
    spawner = make(config, [], profile="plain")
    with pytest.raises(HTTPError) as caught:
        await pod_of(spawner)
    assert caught.value.status_code == 409
    assert spawner.trouble_code == "pod_differs"


async def test_helpers_of_allowed_images_are_sent(config: Config) -> None:
    image = "quay.io/jupyterhub/k8s-network-tools:4.3.0"
    config.CuratedKubeSpawner.helper_images = [image]
    config.KubeSpawner.init_containers = [{"name": "network", "image": image}]
    pod = await sent(make(config, [], profile="plain"))
    assert pod["spec"]["initContainers"][0]["image"] == image


def test_no_name_of_ours_hides_one_of_jupyterhubs() -> None:
    """A method that takes the place of another by chance breaks the Hub in strange ways."""
    meant = frozenset(MEANT.split())
    theirs = {name for name in dir(KubeSpawner) if not name.startswith("__")}
    for kind in (CuratedKubeSpawner, CuratedSpawner, WatchedKubeSpawner):
        ours = {name for name in vars(kind) if callable(getattr(kind, name, None))}
        assert ours & theirs <= meant, kind
    assert "_make_create_pod_request" in theirs
