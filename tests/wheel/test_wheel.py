"""What `pip install` of the built wheel gives, outside the checkout."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment that knows nothing of the checkout."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with the build tools that are installed."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (built,) = folder.glob("jupyter_baton-*.whl")
    return built


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment as a pipeline has it: the wheel and what it requires, no extras."""
    folder = tmp_path_factory.mktemp("light")
    venv.create(folder, with_pip=True)
    constraints = ROOT / "constraints.txt"
    subprocess.run(
        [folder / "bin/pip", "install", "--quiet", "--constraint", constraints, wheel], check=True
    )
    return folder


@pytest.fixture(scope="module")
def whole(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel beside the libraries of all extras.

    The libraries are those of the running environment, by path: its editable
    install of the checkout is not among them, because .pth files count only in an
    environment's own folder.
    """
    folder = tmp_path_factory.mktemp("whole")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin/pip", "install", "--quiet", "--no-deps", wheel], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    return folder


def test_wheel_holds_panel_schemas_migrations_pages_and_profiles(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in (
        "share/jupyter/labextensions/jupyter-baton/package.json",
        "share/jupyter/labextensions/jupyter-baton/static/remoteEntry",
        "etc/jupyter/jupyter_server_config.d/baton_lab.json",
        "etc/ipython/ipython_kernel_config.py",
        "baton_contract/schemas/packet.v1.schema.json",
        "baton_desk/static/vendor/idiomorph.min.js",
        "baton_desk/templates/inbox.html",
        "baton_desk/store/migrations/versions/",
        "baton_hub/profiles/scikit-learn.yaml",
        "baton_lab/examples/breast-cancer.ipynb",
        "baton_lab/examples/diabetes-spark.ipynb",
    ):
        assert any(part in name for name in names), part
    assert not [name for name in names if "node_modules" in name or "/test" in name]


def test_light_install_has_the_command_and_none_of_the_heavy_libraries(
    light: Path, tmp_path: Path
) -> None:
    help_text = run(light / "bin/baton", "--help", cwd=tmp_path)
    assert help_text.returncode == 0, help_text.stderr
    for command in ("pull", "predict", "report"):
        assert command in help_text.stdout
    listed = run(light / "bin/pip", "list", "--format=json", cwd=tmp_path)
    names = {entry["name"].lower() for entry in json.loads(listed.stdout)}
    assert not names & {
        "jupyterhub",
        "mlflow",
        "jupyter-server",
        "sqlalchemy",
        "tornado",
        "pydantic",
    }


@pytest.mark.parametrize("command", ["up", "catalog lint", "desk serve"])
def test_command_whose_extra_is_missing_says_which(
    light: Path, tmp_path: Path, command: str
) -> None:
    refused = run(light / "bin/baton", *command.split(), cwd=tmp_path)
    assert refused.returncode != 0
    assert "jupyter-baton[" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_pull_without_a_token_is_one_sentence(light: Path, tmp_path: Path) -> None:
    refused = run(light / "bin/baton", "pull", "0" * 32, "--to", "model", cwd=tmp_path)
    assert refused.returncode != 0
    assert "BATON_" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_installed_platform_finds_its_extension_and_its_profiles(
    whole: Path, tmp_path: Path
) -> None:
    panel = whole / "share/jupyter/labextensions/jupyter-baton/package.json"
    assert json.loads(panel.read_text("utf-8"))["name"] == "jupyter-baton"
    where = "import baton_hub, baton_lab, baton_desk; print(baton_hub.__file__)"
    found = run(whole / "bin/python", "-c", where, cwd=tmp_path)
    assert found.stdout.startswith(str(whole)), found.stderr
    (profiles,) = whole.glob("lib/python*/site-packages/baton_hub/profiles")
    lint = run(whole / "bin/baton", "catalog", "lint", profiles, cwd=tmp_path)
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_installed_platform_starts_outside_the_checkout(whole: Path, tmp_path: Path) -> None:
    """And offers the profiles that come with it to somebody who signs in."""
    platform = subprocess.Popen(
        [whole / "bin/baton", "up", "--port", "0", "--folder", "lab"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert platform.stdout is not None
        printed = ""
        while "sign in as scientist" not in printed:
            line = platform.stdout.readline()
            assert line, printed
            printed += line
        url = re.search(r"Baton is ready: (http://\S+)", printed)
        password = re.search(r"scientist\s+password (\S+)", printed)
        assert url
        assert password
        with httpx.Client(base_url=url[1], follow_redirects=True) as browser:
            browser.get("/hub/login")
            form = {"username": "scientist", "password": password[1]}
            form["_xsrf"] = browser.cookies["_xsrf"]
            assert browser.post("/hub/login", data=form).status_code == 200
            assert 'data-profile="scikit-learn"' in browser.get("/hub/spawn").text
    finally:
        platform.send_signal(signal.SIGINT)
        rest, _ = platform.communicate(timeout=60)
    assert "Nothing is running any more" in rest
