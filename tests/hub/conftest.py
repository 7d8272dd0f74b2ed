"""A catalogue to test with, and a real platform: `baton up` in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.hub.recorded import check_audit
from tests.hub.running import PROFILES, Platform

from baton_hub.catalog import Catalog, load_catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(PROFILES)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with the example catalogue and more, where nobody may use more than 2 CPUs."""
    root = tmp_path_factory.mktemp("platform")
    shutil.copytree(PROFILES, root / "profiles")
    (root / "profiles" / "quotas.yaml").write_text("each_user: {servers: 3, cpu: 2}\n")
    add_tables(root / "profiles")
    running = Platform(root / "lab", root / "profiles")
    try:
        yield running
    finally:
        running.stop()
    check_audit(running.folder / "audit.jsonl", tuple(running.secrets.values()))


def add_tables(profiles: Path) -> None:
    """Add a profile with options, and with data that it may attach or that is for others."""
    # As written: of all loaders only this one leaves an approval's key "on" the word that it is.
    like = yaml.load((profiles / "scikit-learn.yaml").read_text(), yaml.BaseLoader)
    profile = {key: like[key] for key in ("image", "software", "evidence") if key in like} | {
        "description": "Classical machine learning on tables.",
        "owner": "Data platform",
        "name": "tables",
        "title": "Tables",
        "access": {"groups": ["data-science"]},
        "sizes": {"small": {"cpu": 1, "memory": "1G"}, "large": {"cpu": 4, "memory": "1G"}},
        "options": {
            "log-level": {
                "title": "Log level",
                "variable": "TABLES_LOG_LEVEL",
                "choices": {"warn": "Warnings", "info": "Everything"},
                "default": "warn",
            },
            "note": {"title": "Note", "variable": "TABLES_NOTE", "pattern": ".*", "default": ""},
        },
        "connections": ["tables-lake", "tables-vault", "tables-moon"],
    }
    (profiles / "tables.yaml").write_text(yaml.safe_dump(profile, sort_keys=False))
    path = profiles / "connections.yaml"
    found = yaml.safe_load(path.read_text())
    lake = {"title": "Lake", "kind": "lake", "access": {"groups": ["data-science"]}}
    found["connections"] |= {
        "tables-lake": {
            **lake,
            "environment": {"LAKE_BUCKET": "tables"},
            "secrets": {"LAKE_KEY": {"secret": "tables-lake", "key": "key"}},
        },
        "tables-vault": {**lake, "title": "Vault", "access": {"groups": ["operations"]}},
        "tables-moon": {
            **lake,
            "title": "Moon",
            "secrets": {"MOON_KEY": {"secret": "tables-moon", "key": "key"}},
        },
    }
    path.write_text(yaml.safe_dump(found))
