"""The Hub's name in every row that says who made something, whatever a client claimed.

`baton_hub.tracking.author` answers the requests that try with a sentence. This holds
for all the others: protocols without JSON, and routes that MLflow adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table, inspect
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from baton_contract.access import OWNER
from baton_hub.tracking.access import refusal

# Tables whose rows carry their author as a tag: the relationship to the tags, and how
# a tag's key and value are called.
_TAGGED = {
    "experiments": ("tags", "key", "value"),
    "runs": ("tags", "key", "value"),
    "logged_models": ("tags", "tag_key", "tag_value"),
    "registered_models": ("registered_model_tags", "key", "value"),
    "model_versions": ("model_version_tags", "key", "value"),
    "trace_info": ("request_metadata", "key", "value"),
    "evaluation_datasets": ("tags", "key", "value"),
}
_CREATED = ("user_id", "created_by")
_UPDATED = ("last_updated_by",)
_DONE = ("completed_by",)
FIGURES = frozenset({"metrics", "latest_metrics", "params"})
"""Tables of a run's figures, which come by the thousand and name nobody."""


def stamp(session: Session, name: str) -> None:
    """Put ``name`` into everything that the session is about to write as its author's.

    Who made something stays its author: a later change of that is undone silently.
    """
    new = [thing for thing in session.new if thing.__tablename__ not in FIGURES]
    for thing in new:
        _stamp_new(thing, name)
    made = {id(thing) for thing in new}
    for thing in (*session.new, *session.dirty, *session.deleted):
        _keep_author(session, thing, made)
    for thing in session.dirty:
        if thing.__tablename__ not in FIGURES:
            _stamp_changed(session, thing, name)


def refuse(table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Raise MlflowException if rows that are written without objects name an author."""
    if table.name not in _TAG_TABLES:
        return
    key, _ = _tag_columns(table.name)
    if any(row.get(key) == OWNER for row in rows):
        raise refusal.fixed_author()


def _stamp_new(thing: Any, name: str) -> None:
    columns = inspect(thing).mapper.columns.keys()
    for column in (*_CREATED, *_UPDATED):
        # Users of a review queue are named by whoever fills it.
        if column in columns and column not in _keys(thing):
            setattr(thing, column, name)
    if inspect(thing).mapper.local_table.name == "assessments" and thing.source_type == "HUMAN":
        thing.source_id = name
    if tagged := _TAGGED.get(inspect(thing).mapper.local_table.name):
        put_tag(thing, *tagged, name=OWNER, text=name)


def put_tag(thing: Any, tags: str, key: str, value: str, *, name: str, text: str) -> None:
    """Set one tag of an object that is about to be written for the first time."""
    for tag in getattr(thing, tags):
        if getattr(tag, key) == name:
            setattr(tag, value, text)
            return
    kind = inspect(thing).mapper.relationships[tags].mapper.class_
    tag = kind(**{key: name, value: text})
    for column in ("experiment_id", "workspace"):
        if column in inspect(kind).columns and hasattr(thing, column):
            setattr(tag, column, getattr(thing, column))
    getattr(thing, tags).append(tag)


def _stamp_changed(session: Session, thing: Any, name: str) -> None:
    columns = inspect(thing).mapper.columns.keys()
    for column in _CREATED:
        if column in columns and column not in _keys(thing):
            _undo(thing, column)
    # Whoever names the one before them leaves the column as it was, and is not them.
    changed = session.is_modified(thing, include_collections=False)
    for column in (*_UPDATED, *_DONE):
        if column in columns and changed and getattr(thing, column):
            setattr(thing, column, name)
    if inspect(thing).mapper.local_table.name == "assessments":
        _undo(thing, "source_id")


def _keep_author(session: Session, thing: Any, made: set[int]) -> None:
    """Undo what is done to the author's tag of something that was there before."""
    table = thing.__tablename__
    if table not in _TAG_TABLES:
        return
    key, value = _tag_columns(table)
    if getattr(thing, key) != OWNER:
        return
    if thing in session.new:
        if not _belongs_to(thing, made):
            session.expunge(thing)
    elif thing in session.deleted:
        if not _goes_with_its_thing(session, thing):
            session.add(thing)
    else:
        _undo(thing, value)


def _tag_columns(table: str) -> tuple[str, str]:
    return ("tag_key", "tag_value") if table == "logged_model_tags" else ("key", "value")


_TAG_TABLES = frozenset(
    {
        "tags",
        "logged_model_tags",
        "model_version_tags",
        "trace_tags",
        "trace_request_metadata",
        "evaluation_dataset_tags",
        "experiment_tags",
        "registered_model_tags",
    }
)


def _belongs_to(tag: Any, made: set[int]) -> bool:
    return any(id(parent) in made for parent in _parents(tag))


def _goes_with_its_thing(session: Session, tag: Any) -> bool:
    for thing in session.deleted:
        tagged = _TAGGED.get(inspect(thing).mapper.local_table.name)
        if tagged is not None and tag in getattr(thing, tagged[0]):
            return True
    return False


def _parents(tag: Any) -> Iterable[Any]:
    relationships = inspect(tag).mapper.relationships
    loaded = inspect(tag).dict
    return [loaded[one.key] for one in relationships if loaded.get(one.key) is not None]


def _keys(thing: Any) -> list[str]:
    return [column.name for column in inspect(thing).mapper.local_table.primary_key]


def _undo(thing: Any, name: str) -> None:
    history = inspect(thing).attrs[name].history
    if history.has_changes() and history.deleted:
        set_committed_value(thing, name, history.deleted[0])
