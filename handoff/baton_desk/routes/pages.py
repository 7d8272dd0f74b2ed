"""The desk's pages: which path is which."""

from __future__ import annotations

from typing import Any

from baton_desk.routes.live import LiveHandler
from baton_desk.routes.pages_base import PACKAGE, Assets, PageNotFound
from baton_desk.routes.pages_handoff import ActionHandler, CommentHandler, HandoffHandler
from baton_desk.routes.pages_inbox import InboxHandler
from baton_desk.routes.pages_notebook import NotebookContentHandler, NotebookHandler
from baton_desk.routes.pages_team import (
    ChannelHandler,
    NewChannelHandler,
    NewTokenHandler,
    ReplayHandler,
    RevokeTokenHandler,
    TeamHandler,
)

_HANDOFF = r"handoffs/([0-9a-f]{32})"
_TEAM = r"teams/([^/]+)"
_ID = r"([A-Za-z0-9_-]+)"

ROUTES: list[tuple[Any, ...]] = [
    (r"", InboxHandler),
    (r"live", LiveHandler),
    (r"static/(.*)", Assets, {"path": str(PACKAGE / "static")}),
    (_HANDOFF, HandoffHandler),
    (
        _HANDOFF + r"/(submit|withdraw|reoffer|accept|request_changes|decline|revoke)",
        ActionHandler,
    ),
    (_HANDOFF + r"/comment", CommentHandler),
    (_HANDOFF + r"/notebook", NotebookHandler),
    (_HANDOFF + r"/notebook/content", NotebookContentHandler),
    (_TEAM, TeamHandler),
    (_TEAM + r"/channels", NewChannelHandler),
    (_TEAM + rf"/channels/{_ID}/(test|resume|remove)", ChannelHandler),
    (_TEAM + rf"/deliveries/{_ID}/replay", ReplayHandler),
    (_TEAM + r"/tokens", NewTokenHandler),
    (_TEAM + rf"/tokens/{_ID}/revoke", RevokeTokenHandler),
    # People who mistype an address get a page; programs get the contract's envelope.
    (r"(?!api/|health$|oauth_callback$).+", PageNotFound),
]
"""Path below the service's prefix, handler, and its arguments."""
