"""A token of its own for what a server's code asks: it ends soon, and is replaced while it runs."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Any

from jupyterhub import orm
from jupyterhub.scopes import get_scopes_for

GRACE = 300
"""Seconds for which a replaced token stays good, for who has not noticed yet."""
KEPT = 2
"""Tokens of a server beside its newest; older ones end at once, however often it asks."""


class ServiceTokens:
    """The tokens that one running server has for the platform's services.

    They may reach these services and nothing else, never more than the person may, and
    are gone with the server. ``own`` is the id of the server's own token, the only one
    that can ask for another.
    """

    def __init__(self, state: Any = None) -> None:
        known = state if isinstance(state, dict) else {}
        self.own: int | None = known.get("own")
        self.made: list[int] = list(known.get("made", []))

    def state(self) -> dict[str, Any]:
        """Return what must outlive the Hub; ids only."""
        return {"own": self.own, "made": self.made}

    def make(self, user: Any, *, scopes: list[str], lifetime: int, note: str) -> str:
        """Return a new token of the person's, good for ``lifetime`` seconds; others end soon."""
        db = user.db
        # A person who may not use a service gets no token for it.
        may = get_scopes_for(user.orm_user)
        granted = [scope for scope in scopes if scope in may or scope.partition("!")[0] in may]
        token: str = user.new_api_token(note=note, scopes=granted, expires_in=lifetime)
        self._retire(db)
        made = orm.APIToken.find(db, token)
        self.made.append(made.id)
        db.commit()
        return token

    def is_own(self, db: Any, token: str, own: str) -> bool:
        """Tell whether ``token`` is the server's own, which the Hub gave it as ``own``.

        A Hub that was started again knows it by its id only.
        """
        if own:
            return hmac.compare_digest(token.encode(), own.encode())
        found = orm.APIToken.find(db, token)
        return found is not None and self.own is not None and found.id == self.own

    def end(self, db: Any) -> None:
        """End all of them."""
        for token in self._tokens(db):
            db.delete(token)
        db.commit()
        self.made = []

    def _retire(self, db: Any) -> None:
        soon = orm.APIToken.now() + timedelta(seconds=GRACE)
        old = self._tokens(db)
        for token in old[:-KEPT]:
            db.delete(token)
        for token in old[-KEPT:]:
            token.expires_at = min(token.expires_at or soon, soon)
        self.made = [token.id for token in old[-KEPT:]]

    def _tokens(self, db: Any) -> list[Any]:
        found = db.query(orm.APIToken).filter(orm.APIToken.id.in_(self.made))
        return sorted(found, key=lambda token: self.made.index(token.id))
