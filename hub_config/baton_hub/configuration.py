"""The configuration of a Hub, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

SERVICES = ("mlflow", "desk")
SPAWNERS = {
    "kube": "baton_hub.spawner.CuratedKubeSpawner",
    "local": "baton_hub.spawner.CuratedLocalSpawner",
}


class ConfigurationError(Exception):
    """A setting is missing or can't be right. The text names it and says what to write."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a Hub with Baton has to know.

    Each comes from an argument of `configure`, else from the environment variable
    ``BATON_`` and its name in capitals (``BATON_PUBLIC_URL``), else its default.
    """

    public_url: str
    """Address of the Hub as browsers and users' servers reach it, such as https://hub.example.org."""
    mlflow_api_token: str
    """MLflow's token for the Hub's API; the service gets it as JUPYTERHUB_API_TOKEN."""
    desk_api_token: str
    """The desk's token for the Hub's API; the desk gets it as JUPYTERHUB_API_TOKEN."""
    mlflow_url: str = "http://mlflow:5000"
    """Where the Hub's proxy reaches the tracking service."""
    desk_url: str = "http://desk:5001"
    """Where the Hub's proxy reaches the desk."""
    spawner: str = "kube"
    """``kube`` (pods), ``local`` (processes of this machine), or a class by its full name."""
    profiles: str = "/etc/baton/profiles"
    """Folder of the catalogue; edits take effect on the next spawn."""
    audit_file: str = "/srv/jupyterhub/audit.jsonl"
    """File that records every decision. Empty: nothing is recorded."""
    contact: str = "the people who run this Hub"
    """Whom to ask for access; completes 'Please ask …'."""


def read_settings(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Return the settings from arguments and environment variables; an argument wins.

    Raises `ConfigurationError` naming every setting that is unknown, missing or wrong.
    """
    known = {field.name: field for field in fields(Settings)}
    faults = [f"there is no setting {name!r}" for name in given if name not in known]
    values: dict[str, str] = {}
    for name in known:
        variable = f"BATON_{name.upper()}"
        value = given.get(name, environment.get(variable))
        if value is not None:
            values[name] = str(value)
        if not values.get(name) and name in ("public_url", "mlflow_api_token", "desk_api_token"):
            faults.append(f"{name} is missing: pass {name}=… or set {variable}")
    for name in ("public_url", "mlflow_url", "desk_url"):
        value = values.get(name)
        if value and not value.startswith(("http://", "https://")):
            faults.append(f"{name} must start with http:// or https://, not {value!r}")
    if faults:
        raise ConfigurationError("Baton can't configure this Hub: " + "; ".join(faults) + ".")
    values["public_url"] = values["public_url"].rstrip("/")
    return Settings(**values)


def configure(c: Any, **settings: Any) -> Settings:
    """Set a Hub up for Baton: curated spawner, MLflow and desk as services, scopes, spawn page.

    ``c`` is the configuration object of jupyterhub_config.py; keyword arguments are
    the fields of `Settings`. What is not Baton's (authenticator, database, proxy) is
    left alone, and lists that others fill too (services, roles, template paths) are
    added to. Call it once. Raises `ConfigurationError`.
    """
    chosen = read_settings(settings, os.environ)
    c.JupyterHub.spawner_class = SPAWNERS.get(chosen.spawner, chosen.spawner)
    c.CuratedSpawner.catalog_folder = chosen.profiles
    c.CuratedSpawner.audit_file = chosen.audit_file
    c.CuratedSpawner.baton_public_url = chosen.public_url
    c.CuratedSpawner.contact = chosen.contact
    c.Spawner.default_url = "/lab"
    access = [f"access:services!service={name}" for name in SERVICES]
    c.Spawner.server_token_scopes = ["users:activity!user", "access:servers!server", *access]
    c.JupyterHub.services.extend(_services(chosen))
    c.JupyterHub.load_roles.extend(_roles(access))
    c.JupyterHub.template_paths.insert(0, str(Path(__file__).parent / "templates"))
    return chosen


def _services(settings: Settings) -> list[dict[str, Any]]:
    """Return MLflow and the desk as external services: routed to by the Hub, not started by it."""
    # Not at the top: whoever reads settings or asks for help does not need the Hub.
    import jupyterhub

    # JupyterHub 6 waits 30 seconds for each service before it serves anybody; 5 waits for one.
    patience = {"timeout": 1} if jupyterhub.version_info >= (6,) else {}
    where = {
        "mlflow": (settings.mlflow_url, settings.mlflow_api_token),
        "desk": (settings.desk_url, settings.desk_api_token),
    }
    return [
        {
            "name": name,
            "url": url,
            "api_token": token,
            "oauth_client_id": f"service-{name}",
            # People are not asked whether the platform's own pages may know who they are.
            "oauth_no_confirm": True,
            "display": True,
            **patience,
        }
        for name, (url, token) in where.items()
    ]


def _roles(access: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "name": "user",
            "description": "Standard user privileges, and the platform's services",
            "scopes": ["self", *access],
        },
        {
            "name": "desk",
            "description": "Knows who is in which team",
            "services": ["desk"],
            "scopes": ["read:users:name", "read:users:groups", "list:groups"],
        },
    ]
