"""The Hub of one machine: what `configure` leaves open, filled in for a demonstration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from baton_hub.configuration import configure
from baton_hub.up.folder import Folder
from baton_hub.up.machine import PEOPLE, read_machine


def configure_one_machine(c: Any) -> None:
    """Configure the Hub from what `baton up` put into the environment."""
    machine = read_machine()
    folder = Folder(Path(machine.folder))
    secrets = folder.secrets()
    configure(
        c,
        spawner="local",
        public_url=machine.public_url,
        profiles=machine.profiles,
        audit_file=str(folder.audit),
        contact="an operator",
        mlflow_url=machine.service_url("mlflow"),
        mlflow_api_token=secrets.mlflow_token,
        desk_url=machine.service_url("desk"),
        desk_api_token=secrets.desk_token,
    )
    c.JupyterHub.bind_url = machine.public_url
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{machine.hub_port}"
    c.JupyterHub.db_url = folder.hub_database
    c.JupyterHub.cookie_secret = bytes.fromhex(secrets.cookie_secret)
    c.JupyterHub.allow_named_servers = True
    c.ConfigurableHTTPProxy.command = [sys.executable, "-m", "baton_hub.proxy"]
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{machine.proxy_api_port}"
    c.ConfigurableHTTPProxy.auth_token = secrets.proxy_token
    c.ConfigurableHTTPProxy.pid_file = str(folder.root / "proxy.pid")
    c.CuratedLocalSpawner.home_dir_template = str(folder.homes / "{username}")
    c.CuratedLocalSpawner.secrets_folder = str(folder.connection_secrets)
    # A demonstration is stopped with Ctrl-C, by somebody who waits.
    c.LocalProcessSpawner.interrupt_timeout = 4
    c.LocalProcessSpawner.term_timeout = 3
    _admit_people(c, secrets.user_password, secrets.admin_password)


def _admit_people(c: Any, user_password: str, admin_password: str) -> None:
    admins = {name for name, groups in PEOPLE.items() if "operations" in groups}
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = user_password
    c.SharedPasswordAuthenticator.admin_password = admin_password
    c.Authenticator.allowed_users = set(PEOPLE) - admins
    c.Authenticator.admin_users = admins
    groups = sorted({group for names in PEOPLE.values() for group in names})
    c.JupyterHub.load_groups = {
        group: {"users": [name for name, names in PEOPLE.items() if group in names]}
        for group in groups
    }
