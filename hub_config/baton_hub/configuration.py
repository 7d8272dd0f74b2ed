"""The configuration of a Hub, in one call."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from baton_hub.audit.appender import BusyError
from baton_hub.settings import Settings, read_settings

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
    c.CuratedSpawner.service_token_lifetime = chosen.service_token_lifetime
    c.CuratedSpawner.service_scopes = access
    # Where services have tokens that end, the one that does not end is none for them.
    lasting = own[:1] if chosen.service_token_lifetime else own
    c.Spawner.server_token_scopes = ["users:activity!user", "access:servers!server", *lasting]
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
    # Not at the top: it loads the Hub.
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
            "name": "mlflow",
            "description": "Knows who is in which group, and who is an admin",
            "services": ["mlflow"],
            "scopes": ["read:users:name", "read:users:groups"],
        },
        {
            "name": "desk",
            "description": "Knows who is in which team",
            "services": ["desk"],
            "scopes": ["read:users:name", "read:users:groups", "list:groups"],
        },
    ]
    return [*roles, culler] if settings.cull_every else roles
