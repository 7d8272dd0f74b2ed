"""A home of the tests' own: nothing that they start reads or writes the person's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REAL_HOME = Path.home()
ROOT = Path(__file__).parents[1]
# Each would lead out of the new home again.
LEADING_ELSEWHERE = (
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
)
# How this machine reaches its package index, and what it has of that already.
OF_PIP = (".config/pip", ".pip", ".cache/pip")
# What MLflow's client leaves where it runs when nobody told it where to log.
OF_MLFLOW = ("mlruns", "mlartifacts", "mlflow.db")


@pytest.fixture(scope="session", autouse=True)
def tests_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home for this process and for every one that it starts, unless a test gives another."""
    home = tmp_path_factory.mktemp("home")
    for name in OF_PIP:
        if (REAL_HOME / name).exists():
            (home / name).parent.mkdir(exist_ok=True)
            (home / name).symlink_to(REAL_HOME / name)
    before = _left_behind()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        for name in LEADING_ELSEWHERE:
            patch.delenv(name, raising=False)
        guard = _Guard()
        sys.addaudithook(guard)
        yield home
        guard.is_on = False
    escaped = _left_behind() - before
    assert not escaped, f"a test logged into the checkout: {sorted(map(str, escaped))}"


class _Guard:
    """Lets no process start in the person's own home."""

    is_on = True

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.is_on or event != "subprocess.Popen":
            return
        _, command, _, env = args
        home = (os.environ if env is None else env).get("HOME", "")
        assert Path(home) != REAL_HOME, f"{command} starts in {home}"


def _left_behind() -> set[Path]:
    return {ROOT / name for name in OF_MLFLOW if (ROOT / name).exists()}
