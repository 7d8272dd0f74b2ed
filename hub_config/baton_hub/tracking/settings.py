"""What the tracking service is told by its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

THREADS = 10
"""Requests that one worker lets MLflow handle at once; the others wait their turn."""
RECYCLE_SECONDS = 300
"""Age at which a connection to the database is made anew, with the statistics of then."""


class SettingsError(Exception):
    """The environment is incomplete; the text says which variable and what it holds."""


@dataclass(frozen=True)
class Settings:
    """Where the service listens, what it keeps its records in, how it is reached."""

    prefix: str
    """Path below which everything is served, without a slash at the end."""
    public_url: str
    """Scheme and host that people and kernels use, without a path."""
    host: str = "127.0.0.1"
    port: int = 5000
    database: str = ""
    """SQLAlchemy address of MLflow's database."""
    artifacts: str = ""
    """Folder or address that artifacts are kept in."""
    workers: int = 1
    """Processes that answer requests."""


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from JupyterHub's and Baton's variables.

    Raises SettingsError when one that is needed is missing or not an address.
    """
    service = urlsplit(_required(environ, "JUPYTERHUB_SERVICE_URL", "http://127.0.0.1:5000"))
    if service.hostname is None or service.port is None:
        raise SettingsError("JUPYTERHUB_SERVICE_URL needs a host and a port to listen on.")
    public = urlsplit(_required(environ, "BATON_PUBLIC_URL", "https://hub.example.org"))
    if public.scheme not in ("http", "https") or not public.netloc:
        raise SettingsError("BATON_PUBLIC_URL must look like https://hub.example.org.")
    database = _database(_required(environ, "BATON_MLFLOW_DATABASE", "sqlite:////srv/m.sqlite"))
    return Settings(
        prefix=service_prefix(environ),
        public_url=find_origin(public.geturl()),
        host=service.hostname,
        port=service.port,
        database=database,
        artifacts=_artifacts(_required(environ, "BATON_MLFLOW_ARTIFACTS", "/srv/artifacts")),
        workers=_workers(environ, database),
    )


def service_prefix(environ: Mapping[str, str]) -> str:
    """Return the path that the Hub's proxy gives this service, without a last slash."""
    return "/" + environ.get("JUPYTERHUB_SERVICE_PREFIX", "/services/mlflow/").strip("/")


def find_origin(address: str) -> str:
    """Return an address's scheme and host, as browsers name an origin, without its path."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def apply(settings: Settings) -> None:
    """Put the settings into the variables that MLflow's server reads when imported.

    Must run before ``mlflow.server`` is imported. An operator's own
    MLFLOW_SERVER_ALLOWED_HOSTS, MLFLOW_SERVER_CORS_ALLOWED_ORIGINS, MLFLOW_SQLALCHEMYSTORE_…
    and MLFLOW_MODEL_CATALOG_URI win.
    """
    public = urlsplit(settings.public_url)
    hosts = {public.netloc, public.hostname or "", f"{settings.host}:{settings.port}"}
    os.environ.setdefault("MLFLOW_SERVER_ALLOWED_HOSTS", ",".join(sorted(hosts - {""})))
    os.environ.setdefault("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", settings.public_url)
    # A thread that gets no connection fails with a 400, which no client repeats: there are
    # always more connections than threads, even where one request holds two.
    os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", str(THREADS // 2))
    os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW", str(THREADS * 2))
    os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOL_RECYCLE", str(RECYCLE_SECONDS))
    # Models' prices, of which MLflow brings a copy, would be fetched from the internet. An
    # operator's own address of them wins.
    os.environ.setdefault("MLFLOW_MODEL_CATALOG_URI", "")
    # Where MLflow's gateway would pass requests on to; it is closed.
    os.environ.pop("MLFLOW_DEPLOYMENTS_TARGET", None)
    os.environ.update(
        {
            "_MLFLOW_SERVER_FILE_STORE": settings.database,
            "_MLFLOW_SERVER_REGISTRY_STORE": settings.database,
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": settings.artifacts,
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_STATIC_PREFIX": settings.prefix,
            "_MLFLOW_SGI_NAME": "uvicorn",
            "_MLFLOW_IN_JOB_EXECUTOR": "false",
            # Jobs would run people's code in this process's account.
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }
    )


def _required(environ: Mapping[str, str], name: str, example: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set. It looks like {example}.")
    return value


def _database(address: str) -> str:
    """Return the address with PostgreSQL's driver named, as SQLAlchemy's default varies."""
    for plain in ("postgres://", "postgresql://"):
        if address.startswith(plain):
            return f"postgresql+psycopg://{address.removeprefix(plain)}"
    # The text may hold a password, so it is not repeated.
    if "://" not in address:
        raise SettingsError(
            "BATON_MLFLOW_DATABASE must be an address such as sqlite:////srv/mlflow.sqlite or "
            "postgresql://user:password@host/mlflow."
        )
    return address


def _artifacts(place: str) -> str:
    """Return the place, if it is one of those that this service can keep artifacts in."""
    scheme, mark, _ = place.partition("://")
    # The rest may hold a password, so it is not repeated.
    if mark and scheme.lower() not in ("file", "s3"):
        raise SettingsError(
            "BATON_MLFLOW_ARTIFACTS must be a folder or an address such as s3://bucket/path, "
            f"not {scheme}://…."
        )
    return place


def _workers(environ: Mapping[str, str], database: str) -> int:
    given = environ.get("BATON_MLFLOW_WORKERS", "").strip() or "1"
    if not (given.isascii() and given.isdigit()) or not 1 <= int(given) <= 64:
        raise SettingsError(f"BATON_MLFLOW_WORKERS must be a number from 1 to 64, not {given!r}.")
    if int(given) > 1 and not database.startswith("postgresql"):
        raise SettingsError(
            "BATON_MLFLOW_WORKERS above 1 needs PostgreSQL in BATON_MLFLOW_DATABASE: "
            "SQLite has one writer at a time, and several processes only wait for each other."
        )
    return int(given)
