"""Access tags: put on what is new, and changed by nobody but the owner and operations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from baton_contract.access import OWNER, parse_groups, render_groups
from baton_contract.errors import BadRequestError
from baton_hub.tracking.access import refusal
from baton_hub.tracking.access.asking import system_work
from baton_hub.tracking.access.authors import put_tag
from baton_hub.tracking.access.defaults import Defaults
from baton_hub.tracking.access.rules import TAGS, Owner
from baton_hub.tracking.access.view import View

_THINGS = {
    "experiments": ("tags", "experiment_id"),
    "registered_models": ("registered_model_tags", "name"),
}
_TAGS = {
    "experiment_tags": ("experiments", "experiment_id"),
    "registered_model_tags": ("registered_models", "name"),
}
_RENAME = "rename"
TABLES = frozenset({*_THINGS, *_TAGS})
"""Where access is kept; whatever changes there may change who sees what."""


def keep_access(session: Session, view: View, defaults: Defaults) -> list[Any]:
    """Return the objects by which the session changes access; raise if the caller may not.

    New experiments and registered models get their access tags here.
    """
    changed = []
    for thing in (*session.new, *session.dirty, *session.deleted):
        table = thing.__tablename__
        if table in _THINGS:
            if _keep_thing(session, view, defaults, table, thing):
                changed.append(thing)
        elif table in _TAGS and thing.key in TAGS and _keep_tag(session, view, table, thing):
            changed.append(thing)
    return changed


def find_thing(changed: Any) -> Owner:
    """Return whose access an object that was written changed."""
    table = changed.__tablename__
    kind, key = _TAGS.get(table) or (table, _THINGS[table][1])
    return Owner(kind, inspect(changed).dict[key])


def _keep_thing(session: Session, view: View, defaults: Defaults, table: str, thing: Any) -> bool:
    if thing in session.new:
        _refuse_bad_name(session, thing)
        given = _given(getattr(thing, _THINGS[table][0]))
        for name, text in defaults.tags(view.caller).items():
            value = _valid(given[name]) if name in given else text
            put_tag(thing, _THINGS[table][0], "key", "value", name=name, text=value)
        return True
    deed = _deed(session, thing)
    if deed:
        _refuse_others(view, _owner(table, thing, _THINGS[table][1]), deed)
    if deed == _RENAME:
        _refuse_bad_name(session, thing)
    return bool(deed)


def _given(tags: Any) -> dict[str, str]:
    given: dict[str, str] = {}
    for tag in tags:
        if tag.key in given:
            raise refusal.invalid(f"The tag {tag.key} is given twice. Give it once.")
        given[tag.key] = tag.value
    return given


def _refuse_bad_name(session: Session, thing: Any) -> None:
    if "\0" in (thing.name or ""):
        # SQLite's lists end there: what is hidden by that name would show.
        raise refusal.invalid("A name can't hold a NUL character. Choose another one.")
    # MLflow would show the database's words, or look for what is in the way and not find it.
    table = inspect(thing).mapper.local_table
    with system_work():
        same = select(table.c.name).where(table.c.name == thing.name)
        found = session.connection().execute(same).first()
    if found is not None:
        raise refusal.taken(thing.name)


def _deed(session: Session, thing: Any) -> str | None:
    if thing in session.deleted:
        return "delete"
    attributes = inspect(thing).attrs
    if attributes.name.history.has_changes():
        return _RENAME
    if "lifecycle_stage" in attributes and attributes.lifecycle_stage.history.has_changes():
        return "delete or restore"
    return None


def _keep_tag(session: Session, view: View, table: str, tag: Any) -> bool:
    kind, key = _TAGS[table]
    if _is_with_its_thing(session, kind, key, tag):
        return True
    if tag not in session.new and tag not in session.deleted and not _differs(tag):
        return False
    if tag.key == OWNER:
        raise refusal.fixed_author()
    _refuse_others(view, _owner(kind, tag, key), "change access to")
    if tag not in session.deleted:
        tag.value = _valid(tag.value)
    return True


def _is_with_its_thing(session: Session, kind: str, key: str, tag: Any) -> bool:
    """Tell whether the tag comes or goes together with what it is on."""
    for thing in (*session.new, *session.deleted):
        if inspect(thing).mapper.local_table.name == kind:
            if tag in getattr(thing, _THINGS[kind][0]):
                return True
            if thing in session.deleted and getattr(thing, key) == getattr(tag, key):
                return True
    return False


def _differs(tag: Any) -> bool:
    attributes = inspect(tag).attrs
    return bool(attributes.value.history.has_changes() or attributes.key.history.has_changes())


def _valid(value: str) -> str:
    try:
        return render_groups(parse_groups(value))
    except BadRequestError as error:
        raise refusal.invalid(error.message) from error


def _owner(kind: str, thing: Any, key: str) -> Owner:
    was = inspect(thing).committed_state.get(key)
    # SQLAlchemy keeps a sign of its own where there was nothing before.
    value = was if isinstance(was, (int, str)) else getattr(thing, key)
    return Owner(kind, int(value) if kind == "experiments" else value)


def _refuse_others(view: View, owner: Owner, deed: str) -> None:
    known = view.experiments if owner.kind == "experiments" else view.models
    access = known.get(owner.key)
    if view.caller.operations or (access is not None and access.owned_by(view.caller)):
        return
    if access is None or not access.readable_by(view.caller):
        raise refusal.not_there()
    raise refusal.not_the_owner(owner, access, deed)
