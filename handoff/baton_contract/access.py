"""Who owns, reads and writes an experiment or registered model, as tags on it say."""

from __future__ import annotations

import json

from baton_contract.errors import BadRequestError

OWNER = "mlflow.user"
READ = "baton.read"
WRITE = "baton.write"
EVERYBODY = "everybody"

Groups = frozenset[str] | None
"""Hub groups; None is everybody who is signed in."""


def parse_groups(value: str) -> Groups:
    """Return the groups that a tag's value names; raises BadRequestError."""
    if value in (EVERYBODY, json.dumps(EVERYBODY)):
        return None
    try:
        groups = json.loads(value)
    except (ValueError, RecursionError):
        groups = None
    if not isinstance(groups, list) or not all(isinstance(name, str) for name in groups):
        raise BadRequestError(
            "access",
            f'{READ} and {WRITE} are "{EVERYBODY}" or a JSON list of Hub groups, '
            'such as ["data-science"]; [] is nobody but the owner.',
        )
    return frozenset(groups)


def believed_groups(value: str) -> Groups:
    """Return the groups that a tag's value names; one that says nothing known opens nothing."""
    try:
        return parse_groups(value)
    except BadRequestError:
        return frozenset()


def render_groups(groups: Groups) -> str:
    """Return the tag's value for groups."""
    return EVERYBODY if groups is None else json.dumps(sorted(groups))
