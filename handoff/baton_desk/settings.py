"""What the desk is told by its environment."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


class SettingsError(Exception):
    """The environment is incomplete or can't be used; the text is one line for a person."""


@dataclass(frozen=True)
class Settings:
    """Everything that the desk is told, read once at start."""

    database: str
    """SQLAlchemy address: ``sqlite:///…`` or ``postgresql://…``."""
    files: Path
    """Folder of the packets' files."""
    public_url: str
    """The platform's address as people see it, with its path if it has one; no slash ends it."""
    prefix: str = "/services/desk/"
    host: str = "127.0.0.1"
    port: int = 0
    hub_api_url: str = "http://127.0.0.1:8081/hub/api"
    hub_api_token: str = ""
    hub_base_url: str = "/"
    client_id: str = "service-desk"
    callback_url: str = "/services/desk/oauth_callback"
    access_scopes: tuple[str, ...] = ("access:services!service=desk",)
    """A caller needs one of these; never empty."""
    webhook_hosts: frozenset[str] = frozenset()
    """``host`` or ``host:port`` that operations allow though private or plain http."""
    max_packet_bytes: int = 2**30
    check_python: str = sys.executable
    """The Python, with the models' libraries, that checks run in."""
    check_timeout: int = 120
    """Seconds that a model may take to load and answer its examples."""
    expiry_days: int = 30

    @property
    def source(self) -> str:
        """The desk's path, as events name it."""
        return self.prefix.rstrip("/")

    @property
    def url(self) -> str:
        """The desk's address as people see it, without a slash at the end."""
        # The prefix begins with the platform's path, if it has one.
        return urljoin(self.public_url, self.source)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; raises `SettingsError` naming what is missing or wrong."""
        url = urlsplit(_required(environ, "JUPYTERHUB_SERVICE_URL"))
        prefix = environ.get("JUPYTERHUB_SERVICE_PREFIX") or cls.prefix
        return cls(
            database=_required(environ, "BATON_DESK_DATABASE"),
            files=Path(_required(environ, "BATON_DESK_FILES")),
            public_url=_required(environ, "BATON_PUBLIC_URL").rstrip("/"),
            prefix=prefix if prefix.endswith("/") else prefix + "/",
            host=url.hostname or cls.host,
            port=url.port or 80,
            hub_api_url=_required(environ, "JUPYTERHUB_API_URL").rstrip("/"),
            hub_api_token=_required(environ, "JUPYTERHUB_API_TOKEN"),
            hub_base_url=environ.get("JUPYTERHUB_BASE_URL") or cls.hub_base_url,
            client_id=_required(environ, "JUPYTERHUB_CLIENT_ID"),
            callback_url=_required(environ, "JUPYTERHUB_OAUTH_CALLBACK_URL"),
            access_scopes=_scopes(environ),
            webhook_hosts=_hosts(environ.get("BATON_DESK_WEBHOOK_HOSTS", "")),
            max_packet_bytes=_number(environ, "BATON_DESK_MAX_PACKET_BYTES", cls.max_packet_bytes),
            check_python=environ.get("BATON_DESK_CHECK_PYTHON") or cls.check_python,
            check_timeout=_number(environ, "BATON_DESK_CHECK_TIMEOUT", cls.check_timeout),
            expiry_days=_number(environ, "BATON_DESK_EXPIRY_DAYS", cls.expiry_days),
        )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise SettingsError(
            f"{name} is not set. The desk is started by `baton up` or by the Hub, which set it."
        )
    return value


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise SettingsError(f"{name} must be a whole number above 0, and is {text!r}.")
    return int(text)


def _scopes(environ: Mapping[str, str]) -> tuple[str, ...]:
    name = "JUPYTERHUB_OAUTH_ACCESS_SCOPES"
    try:
        scopes = json.loads(_required(environ, name))
    except ValueError:
        scopes = None
    # Without a scope to ask for, HubAuth would let every Hub user and service in.
    if not isinstance(scopes, list) or not scopes:
        raise SettingsError(f"{name} must be a JSON list with at least one scope.")
    return tuple(str(scope) for scope in scopes)


def _hosts(text: str) -> frozenset[str]:
    return frozenset(host.strip().lower() for host in text.split(",") if host.strip())
