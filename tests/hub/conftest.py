"""A catalogue to test with, and a real platform: `baton up` in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from tests.hub.running import PROFILES, Platform

from baton_hub.catalog import Catalog, load_catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(PROFILES)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with the example catalogue, where nobody may use more than 2 CPUs."""
    root = tmp_path_factory.mktemp("platform")
    shutil.copytree(PROFILES, root / "profiles")
    (root / "profiles" / "quotas.yaml").write_text("each_user: {servers: 3, cpu: 2}\n")
    running = Platform(root / "lab", root / "profiles")
    try:
        yield running
    finally:
        running.stop()
