"""One machine's platform: its addresses, and how each process of it is started."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from baton_hub.up.folder import Folder, Secrets

PEOPLE = {
    "scientist": ("data-science",),
    "developer": ("app-developers",),
    "operator": ("operations", "deep-learning"),
}
"""The demo's people and their groups. The operator is a Hub admin."""

VARIABLE = "BATON_UP"
"""The environment variable by which the Hub's process learns where it is."""


@dataclass(frozen=True)
class Machine:
    """Where a platform listens, always on 127.0.0.1, and where it keeps its files."""

    folder: str
    profiles: str
    port: int
    hub_port: int
    proxy_api_port: int
    mlflow_port: int
    desk_port: int

    @property
    def public_url(self) -> str:
        """The one address that people use."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def hub_api_url(self) -> str:
        """The Hub's API without the proxy between."""
        return f"http://127.0.0.1:{self.hub_port}/hub/api"

    def service_url(self, name: str) -> str:
        """Return where a service listens."""
        return f"http://127.0.0.1:{getattr(self, f'{name}_port')}"

    def hub_environment(self) -> dict[str, str]:
        """Return what the Hub's configuration reads back with `read_machine`."""
        return {VARIABLE: json.dumps(asdict(self))}

    def service_environment(
        self, name: str, secrets: Secrets, webhook_hosts: tuple[str, ...] = ()
    ) -> dict[str, str]:
        """Return the environment of MLflow or the desk, by the names that JupyterHub uses."""
        folder = Folder(Path(self.folder))
        common = {
            "JUPYTERHUB_API_TOKEN": getattr(secrets, f"{name}_token"),
            "JUPYTERHUB_API_URL": self.hub_api_url,
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_SERVICE_NAME": name,
            "JUPYTERHUB_SERVICE_PREFIX": f"/services/{name}/",
            "JUPYTERHUB_SERVICE_URL": self.service_url(name),
            "JUPYTERHUB_CLIENT_ID": f"service-{name}",
            "JUPYTERHUB_OAUTH_CALLBACK_URL": f"/services/{name}/oauth_callback",
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps([f"access:services!service={name}"]),
            "BATON_PUBLIC_URL": self.public_url,
        }
        own = {
            "mlflow": {
                "BATON_MLFLOW_DATABASE": folder.mlflow_database,
                "BATON_MLFLOW_ARTIFACTS": str(folder.artifacts),
                "BATON_MLFLOW_WORKERS": "1",
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
            "desk": {
                "BATON_DESK_DATABASE": folder.desk_database,
                "BATON_DESK_FILES": str(folder.files),
                "BATON_DESK_WEBHOOK_HOSTS": ",".join(webhook_hosts),
            },
        }
        return common | own[name]


def read_machine(environment: Mapping[str, str] = os.environ) -> Machine:
    """Return the machine that the parent process described."""
    return Machine(**json.loads(environment[VARIABLE]))


def plan_machine(folder: Folder, profiles: Path, port: int) -> Machine:
    """Return a machine on ``port`` (0: any free one) and on free ports for what nobody types."""
    # All are held open together, so that no two are the same.
    held = [_listener(port if i == 0 else 0) for i in range(5)]
    try:
        ports = [sock.getsockname()[1] for sock in held]
    finally:
        for sock in held:
            sock.close()
    return Machine(str(folder.root), str(profiles.absolute()), *ports)


def _listener(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
        sock.listen(1)
    except OSError:
        sock.close()
        raise
    return sock


def find_profiles(given: Path | None) -> Path:
    """Return the catalogue: the one asked for, else ./profiles, else the one that came along."""
    package = Path(__file__).parents[1]
    places = [Path("profiles"), package / "profiles", package.parents[1] / "profiles"]
    return given or next((place for place in places if place.is_dir()), places[0])


HUB_COMMAND = [
    sys.executable,
    "-m",
    "jupyterhub",
    "-f",
    str(Path(__file__).with_name("jupyterhub_config.py")),
]
MLFLOW_COMMAND = [sys.executable, "-m", "baton_hub.tracking"]
DESK_COMMAND = [sys.executable, "-m", "baton_desk"]
