"""The configuration of a Hub, in one call."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from baton_hub.audit.appender import MAX_BYTES, BusyError
from baton_hub.units import parse_duration, parse_memory

SERVICES = ("mlflow", "desk")
SPAWNERS = {
    "kube": "baton_hub.spawner.CuratedKubeSpawner",
    "local": "baton_hub.spawner.CuratedLocalSpawner",
}

SCOPES = {
    "custom:baton:standing": {
        "description": "Read one's own profile, quotas and budgets, and what is left of them"
    },
    "custom:baton:idle": {
        "description": "Ask which servers may be stopped because nobody uses them"
    },
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
    audit_rotate_at: int = MAX_BYTES
    """Size in bytes at which that file is renamed and a new one begun. 0: never.
    An amount such as ``64M`` is understood too."""
    contact: str = "the people who run this Hub"
    """Whom to ask for access; completes 'Please ask …'."""
    idle_limit: int = 0
    """Seconds without use after which a server is stopped, where its profile says nothing else.
    0: never. A length of time such as ``8h`` is understood too, here and below."""
    idle_warning: int = 600
    """Seconds before that in which the person is warned; at most half of the limit."""
    cull_every: int = 60
    """How often to look for idle servers, in seconds. 0: never, and none is stopped for it."""


NUMBERS: dict[str, tuple[Callable[[str], int], str]] = {
    "audit_rotate_at": (parse_memory, "bytes"),
    "idle_limit": (parse_duration, "seconds"),
    "idle_warning": (parse_duration, "seconds"),
    "cull_every": (parse_duration, "seconds"),
}
"""The settings that are amounts: how text is read, and what a plain number counts."""


def read_settings(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Return the settings from arguments and environment variables; an argument wins.

    Raises `ConfigurationError` naming every setting that is unknown, missing or wrong.
    """
    known = {field.name: field for field in fields(Settings)}
    faults = [f"there is no setting {name!r}" for name in given if name not in known]
    values: dict[str, Any] = {}
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
    for name in values.keys() & NUMBERS.keys():
        parse, unit = NUMBERS[name]
        try:
            text = values[name]
            values[name] = int(text) if text.isascii() and text.isdigit() else parse(text)
        except ValueError as error:
            faults.append(f"{name}: {error}, or as a number of {unit}")
    if faults:
        raise ConfigurationError("Baton can't configure this Hub: " + "; ".join(faults) + ".")
    values["public_url"] = values["public_url"].rstrip("/")
    return Settings(**values)


def configure(c: Any, **settings: Any) -> Settings:
    """Set a Hub up for Baton: curated spawner, services, scopes, culler, pages.

    ``c`` is the configuration object of jupyterhub_config.py; keyword arguments are
    the fields of `Settings`. What is not Baton's (authenticator, database, proxy) is
    left alone, and lists that others fill too (services, roles, template paths) are
    added to. Call it once. Raises `ConfigurationError`.
    """
    chosen = read_settings(settings, os.environ)
    c.JupyterHub.spawner_class = SPAWNERS.get(chosen.spawner, chosen.spawner)
    c.CuratedSpawner.catalog_folder = chosen.profiles
    c.CuratedSpawner.audit_file = chosen.audit_file
    c.CuratedSpawner.audit_rotate_at = chosen.audit_rotate_at
    c.CuratedSpawner.baton_public_url = chosen.public_url
    c.CuratedSpawner.contact = chosen.contact
    c.CuratedSpawner.idle_limit = chosen.idle_limit
    c.Spawner.default_url = "/lab"
    access = [f"access:services!service={name}" for name in SERVICES]
    own = ["custom:baton:standing", *access]
    c.Spawner.server_token_scopes = ["users:activity!user", "access:servers!server", *own]
    c.JupyterHub.services.extend(_services(chosen))
    c.JupyterHub.custom_scopes.update(SCOPES)
    c.JupyterHub.load_roles.extend(_roles(chosen, own))
    c.JupyterHub.extra_handlers.extend(_handlers(chosen))
    c.JupyterHub.template_paths.insert(0, str(Path(__file__).parent / "templates"))
    _begin(chosen)
    return chosen


def _begin(settings: Settings) -> None:
    """Take the audit and publish metrics, where this process is the Hub and no other command."""
    from jupyterhub.app import JupyterHub

    # JupyterHub's own subcommands read the configuration too, beside a Hub that runs.
    if not JupyterHub.initialized() or JupyterHub.instance().subapp is not None:
        return
    from baton_hub.metrics import publish

    try:
        publish(settings.profiles, settings.audit_file, settings.audit_rotate_at)
    except BusyError as error:
        # Not raised: JupyterHub would show where in the program it happened, not what to do.
        sys.exit(f"Baton can't start this Hub: {error}")


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
    external = [
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
    return [*external, _culler(settings)] if settings.cull_every else external


def _culler(settings: Settings) -> dict[str, Any]:
    """Return the culler, which the Hub starts, and starts again when it ends; it serves nobody."""
    return {
        "name": "culler",
        "command": [sys.executable, "-m", "baton_hub.idle"],
        "environment": {
            "BATON_CULL_EVERY": str(settings.cull_every),
            # So that it knows whether the Hub that started it still lives.
            "BATON_HUB_PID": str(os.getpid()),
        },
    }


def _handlers(settings: Settings) -> list[Any]:
    # Not at the top: it loads the Hub, and has to wait until this module is whole.
    from baton_hub.operations.handlers import handlers
    from baton_hub.spawner.doors import install

    install()
    return list(handlers(settings))


def _roles(settings: Settings, own: list[str]) -> list[dict[str, Any]]:
    culler = {
        "name": "culler",
        "description": "Stops servers that nobody uses",
        "services": ["culler"],
        "scopes": [
            "list:users",
            "read:users:activity",
            "read:servers",
            "delete:servers",
            "custom:baton:idle",
        ],
    }
    roles: list[dict[str, Any]] = [
        {
            "name": "user",
            "description": "Standard user privileges, and the platform's services",
            "scopes": ["self", *own],
        },
        {
            "name": "desk",
            "description": "Knows who is in which team",
            "services": ["desk"],
            "scopes": ["read:users:name", "read:users:groups", "list:groups"],
        },
    ]
    return [*roles, culler] if settings.cull_every else roles
