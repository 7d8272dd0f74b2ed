"""The rules of access alone, and that every table of MLflow's has one."""

from __future__ import annotations

import importlib

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table

from baton_contract.access import parse_groups, render_groups
from baton_contract.errors import BadRequestError
from baton_hub.tracking.access import paths
from baton_hub.tracking.access.defaults import Defaults, parse_defaults
from baton_hub.tracking.access.locations import parse_path
from baton_hub.tracking.access.rules import Caller, parse_access
from baton_hub.tracking.settings import SettingsError

ADA = Caller("ada", frozenset({"science"}))
EVE = Caller("eve", frozenset({"sales"}))
OLGA = Caller("olga", operations=True)


@pytest.mark.parametrize(
    ("tags", "readers", "writers"),
    [
        ({}, "ada eve olga", "ada eve olga"),
        ({"mlflow.user": "ada"}, "ada eve olga", "ada eve olga"),
        ({"mlflow.user": "ada", "baton.read": "[]", "baton.write": "[]"}, "ada olga", "ada olga"),
        ({"baton.read": '["sales"]', "baton.write": '["science"]'}, "ada eve olga", "ada olga"),
        ({"baton.read": "everybody", "baton.write": '["sales"]'}, "ada eve olga", "eve olga"),
        ({"baton.read": "nonsense", "baton.write": '{"a": 1}'}, "olga", "olga"),
    ],
)
def test_tags_say_who_reads_and_writes(tags: dict[str, str], readers: str, writers: str) -> None:
    access = parse_access(tags)
    people = (ADA, EVE, OLGA)
    assert [one.name for one in people if access.readable_by(one)] == readers.split()
    assert [one.name for one in people if access.writable_by(one)] == writers.split()


@pytest.mark.parametrize("value", ["", "all", "[1]", "{}", '"science"', "[", "[" * 100_000])
def test_a_value_that_names_no_groups_is_refused(value: str) -> None:
    with pytest.raises(BadRequestError):
        parse_groups(value)


def test_groups_are_written_as_they_are_read() -> None:
    for groups in (None, frozenset[str](), frozenset({"a", "b c", "ü"})):
        assert parse_groups(render_groups(groups)) == groups
    assert parse_groups('"everybody"') is None


def test_operations_choose_the_defaults() -> None:
    assert parse_defaults({}) == Defaults("everybody", "groups", None)
    chosen = parse_defaults(
        {
            "BATON_MLFLOW_READ": "groups",
            "BATON_MLFLOW_WRITE": "owner",
            "BATON_MLFLOW_OPERATIONS": "ops",
        }
    )
    assert chosen.tags(ADA) == {"baton.read": '["science"]', "baton.write": "[]"}
    assert chosen.operations == "ops"
    with pytest.raises(SettingsError, match="BATON_MLFLOW_READ must be one of"):
        parse_defaults({"BATON_MLFLOW_READ": "nobody"})


@pytest.mark.parametrize(
    ("path", "experiment"),
    [
        ("7/run/artifacts/a", 7),
        ("7", 7),
        ("/7/a/", 7),
        ("7%2Fa", 7),
        ("", None),
        ("..", None),
        ("0/../7", None),
        ("0/%2e%2e/7", None),
        ("0/%252e%252e/7", None),
        ("7/./a", None),
        ("7//a", None),
        ("07/a", None),
        ("+7/a", None),
        ("\u0667/a", None),
        ("models/7", None),
        ("7\\..\\8", None),
    ],
)
def test_a_path_lies_in_one_experiment_or_in_none(path: str, experiment: int | None) -> None:
    assert parse_path(path) == experiment


def test_every_table_of_mlflow_has_an_owner_or_a_rule() -> None:
    for name in ("tracking", "model_registry", "workspace"):
        importlib.import_module(f"mlflow.store.{name}.dbmodels.models")
    from mlflow.store.db.base_sql_model import Base

    tables = Base.metadata.tables
    paths.check(Base.metadata)
    named = paths.MEMBERS | paths.OPERATIONS | paths.OPEN
    assert named <= set(tables)
    assert {mapper.local_table.name for mapper in Base.registry.mappers} == set(tables)
    for name in set(tables) - named:
        step = paths.find_steps(tables[name])[0]
        while not step.is_root and step.table not in paths.MEMBERS:
            step = paths.find_steps(tables[step.table])[0]


def test_a_table_that_nobody_knows_stops_the_service() -> None:
    metadata = MetaData()
    Table("diaries", metadata, Column("id", Integer, primary_key=True))
    with pytest.raises(paths.UnknownTableError, match="diaries"):
        paths.check(metadata)
    metadata = MetaData()
    Table("experiments", metadata, Column("experiment_id", Integer, primary_key=True))
    owner = Column("experiment_id", ForeignKey("experiments.experiment_id"))
    Table("pages", metadata, Column("id", Integer, primary_key=True), owner)
    paths.check(metadata)
