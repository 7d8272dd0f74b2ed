"""The desk's web application."""

from __future__ import annotations

import hashlib
import hmac
import logging
from typing import TYPE_CHECKING, Any

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler
from tornado.web import Application, RequestHandler

from baton_desk.routes import api, pages
from baton_desk.routes.base import DeskHandler, NotFoundHandler

if TYPE_CHECKING:
    from baton_desk.desk import Desk
    from baton_desk.directory import Directory
    from baton_desk.settings import Settings


log = logging.getLogger(__name__)


class SignInHandler(HubOAuthCallbackHandler, DeskHandler):  # type: ignore[misc]
    """GET oauth_callback: finish the sign-in that began at the Hub."""

    anonymous = True


def make_app(desk: Desk, settings: Settings, directory: Directory) -> Application:
    """Return the application: API and pages under the service's prefix."""
    hub_auth = make_hub_auth(settings)
    routes: list[Any] = [*api.ROUTES, *pages.ROUTES, ("oauth_callback", SignInHandler)]
    return Application(
        [(settings.prefix + path, *rest) for path, *rest in routes],
        default_handler_class=NotFoundHandler,
        desk=desk,
        desk_settings=settings,
        directory=directory,
        hub_auth=hub_auth,
        log_function=log_request,
        # The same after a restart, so that open pages stay valid.
        cookie_secret=hmac.digest(
            settings.hub_api_token.encode(), b"baton desk cookies", hashlib.sha256
        ),
    )


def log_request(handler: RequestHandler) -> None:
    """Log who asked for what and how it ended; no query, no body, no token."""
    request = handler.request
    caller = getattr(handler, "caller", None)
    level = logging.INFO if handler.get_status() < 500 else logging.ERROR
    log.log(
        level,
        "%s %s %s %s by %s in %.0f ms",
        getattr(handler, "request_id", "-"),
        request.method,
        request.path,
        handler.get_status(),
        caller.name if caller else "nobody",
        1000 * request.request_time(),
    )


def make_hub_auth(settings: Settings) -> HubOAuth:
    """Return the Hub's own sign-in; who somebody is counts for at most 60 s."""
    return HubOAuth(
        api_url=settings.hub_api_url,
        api_token=settings.hub_api_token,
        base_url=settings.prefix,
        hub_prefix=settings.hub_base_url.rstrip("/") + "/hub/",
        oauth_client_id=settings.client_id,
        oauth_redirect_uri=settings.callback_url,
        access_scopes=set(settings.access_scopes),
        cache_max_age=60,
    )
