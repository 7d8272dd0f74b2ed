"""What deploy/ holds fits the code: values configure a Hub, services get their environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from traitlets.config import Config

from baton_hub.cluster.folder import MOUNT_PATH
from baton_hub.up.folder import Folder
from baton_hub.up.machine import plan_machine

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_the_charts_values_configure_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = yaml.safe_load((DEPLOY / "jupyterhub-values.yaml").read_text())["hub"]
    for name, value in hub["extraEnv"].items():
        monkeypatch.setenv(name, value if isinstance(value, str) else "from-a-secret")
    c = Config()
    # The chart fills these before extraConfig runs.
    c.JupyterHub.services, c.JupyterHub.load_roles = [], []
    for program in hub["extraConfig"].values():
        exec(program, {"c": c})
    assert c.JupyterHub.spawner_class == "baton_hub.spawner.CuratedKubeSpawner"
    assert c.CuratedSpawner.catalog_folder == MOUNT_PATH
    services = {s["name"]: s["url"] for s in c.JupyterHub.services if "url" in s}
    assert services == {"mlflow": "http://baton-mlflow:5000", "desk": "http://baton-desk:5001"}


@pytest.mark.parametrize("name", ["mlflow", "desk"])
def test_a_service_gets_the_same_environment_as_on_one_machine(name: str, tmp_path: Path) -> None:
    documents: list[dict[str, Any]] = list(
        yaml.safe_load_all((DEPLOY / "services.yaml").read_text())
    )
    found = {(d["kind"], d["metadata"]["name"]): d for d in documents}
    pod = found["Deployment", f"baton-{name}"]["spec"]["template"]
    container = pod["spec"]["containers"][0]
    given = {item["name"]: item.get("value") for item in container["env"]}
    folder = Folder(tmp_path)
    machine = plan_machine(folder, tmp_path, 0)
    wanted = machine.service_environment(name, folder.secrets()).keys()
    assert given.keys() == wanted - {"BATON_DESK_WEBHOOK_HOSTS"}
    assert json.loads(given["JUPYTERHUB_OAUTH_ACCESS_SCOPES"] or "") == [
        f"access:services!service={name}"
    ]
    port = found["Service", f"baton-{name}"]["spec"]["ports"][0]["port"]
    assert (given["JUPYTERHUB_SERVICE_URL"] or "").endswith(f":{port}")


def test_the_services_manifests_are_what_kubernetes_takes() -> None:
    for document in yaml.safe_load_all((DEPLOY / "services.yaml").read_text()):
        kubernetes_validate.validate(document, "1.30", strict=True)


@pytest.mark.parametrize("name", ["mlflow", "desk"])
def test_a_service_names_what_it_takes(name: str) -> None:
    """A namespace with a quota refuses pods that name nothing."""
    documents = yaml.safe_load_all((DEPLOY / "services.yaml").read_text())
    pods = [d["spec"]["template"]["spec"] for d in documents if d["kind"] == "Deployment"]
    [container] = [c for pod in pods for c in pod["containers"] if c["name"] == name]
    for kind in ("requests", "limits"):
        assert container["resources"][kind].keys() == {"cpu", "memory"}
