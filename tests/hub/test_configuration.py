"""`configure`: one call, typed settings, and an error that names what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from traitlets.config import Config

from baton_hub import ConfigurationError, configure

GIVEN = {
    "public_url": "https://hub.example.org/",
    "mlflow_api_token": "m" * 32,
    "desk_api_token": "d" * 32,
}


def test_everything_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BATON_PUBLIC_URL", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        configure(Config(), mlflow_url="mlflow:5000", colour="red")
    text = str(caught.value)
    for name in ("BATON_PUBLIC_URL", "BATON_MLFLOW_API_TOKEN", "BATON_DESK_API_TOKEN", "colour"):
        assert name in text
    assert "mlflow_url must start with http" in text


def test_settings_come_from_the_environment_and_arguments_win(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(f"BATON_{name.upper()}", value)
    monkeypatch.setenv("BATON_CONTACT", "somebody")
    assert configure(Config()).contact == "somebody"
    settings = configure(Config(), contact="an operator")
    assert (settings.contact, settings.public_url) == ("an operator", "https://hub.example.org")


def test_what_others_configured_is_kept() -> None:
    c = Config()
    c.JupyterHub.services = [{"name": "theirs"}]
    c.JupyterHub.load_roles = [{"name": "theirs"}]
    c.JupyterHub.template_paths = ["/theirs"]
    configure(c, **GIVEN)
    assert [s["name"] for s in c.JupyterHub.services] == [
        "theirs",
        "mlflow",
        "desk",
        "culler",
    ]
    roles = [r["name"] for r in c.JupyterHub.load_roles]
    assert roles == ["theirs", "user", "mlflow", "desk", "culler"]
    assert "/theirs" in c.JupyterHub.template_paths


def test_lengths_of_time_are_seconds_or_written_as_in_the_catalogue() -> None:
    settings = configure(Config(), **GIVEN, idle_limit="8h", idle_warning=90, cull_every="0")
    assert (settings.idle_limit, settings.idle_warning, settings.cull_every) == (28800, 90, 0)
    with pytest.raises(ConfigurationError, match="idle_limit: 'soon' is not a length of time"):
        configure(Config(), **GIVEN, idle_limit="soon")


def test_without_a_culler_nothing_is_granted_to_one() -> None:
    c = Config()
    c.JupyterHub.services, c.JupyterHub.load_roles = [], []
    configure(c, **GIVEN, cull_every=0)
    assert "culler" not in {s["name"] for s in c.JupyterHub.services + c.JupyterHub.load_roles}


def test_importing_the_package_is_light() -> None:
    program = (
        "import sys, baton_hub;"
        "heavy = {'mlflow', 'jupyterhub', 'kubespawner', 'sqlalchemy'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
