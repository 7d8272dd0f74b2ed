"""What a Hub with Baton has to know, read from arguments and environment variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from baton_hub.audit.appender import MAX_BYTES
from baton_hub.units import parse_duration, parse_memory


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
    service_token_lifetime: int = 0
    """Seconds for which a server's token for MLflow and the desk is good; the server gets a new
    one in time. 0: it is the server's own, good for as long as the server runs."""


SHORTEST_LIFETIME = 120
"""Services believe a token for up to a minute after the Hub ended it."""

NUMBERS: dict[str, tuple[Callable[[str], int], str]] = {
    "audit_rotate_at": (parse_memory, "bytes"),
    "idle_limit": (parse_duration, "seconds"),
    "idle_warning": (parse_duration, "seconds"),
    "cull_every": (parse_duration, "seconds"),
    "service_token_lifetime": (parse_duration, "seconds"),
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
    lifetime = values.get("service_token_lifetime")
    if isinstance(lifetime, int) and 0 < lifetime < SHORTEST_LIFETIME:
        faults.append(f"service_token_lifetime must be 0, or at least {SHORTEST_LIFETIME} seconds")
    if faults:
        raise ConfigurationError("Baton can't configure this Hub: " + "; ".join(faults) + ".")
    values["public_url"] = values["public_url"].rstrip("/")
    return Settings(**values)
