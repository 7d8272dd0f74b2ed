"""Signing in with a browser: OAuth with the Hub, and the cookie that remembers it."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer
from jupyterhub.services.auth import HubOAuth
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from tornado.httputil import url_concat
from tornado.web import HTTPError

from baton_hub.tracking.identity import HUB_SECONDS, hub_is_down

STATE_SECONDS = 600
COOKIE_SECONDS = 14 * 24 * 3600
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class BrowserSignIn:
    """Sends browsers to the Hub and back, and reads the cookie they return with.

    The cookie holds the Hub's token, signed, HttpOnly, SameSite=Lax and only sent
    below the service's prefix. The state of a sign-in under way is a cookie too,
    one for each, so that several tabs and several workers do not disturb another.
    """

    def __init__(self, hub: HubOAuth, prefix: str, origin: str) -> None:
        self.hub = hub
        self.prefix = prefix
        self.origin = origin
        secret = hashlib.sha256(b"baton tracking cookies" + hub.api_token.encode()).hexdigest()
        self._tokens = URLSafeTimedSerializer(secret, salt="token")
        self._states = URLSafeTimedSerializer(secret, salt="state")

    @property
    def callback_path(self) -> str:
        """The path that the Hub sends browsers back to."""
        return f"{self.prefix}/oauth_callback"

    def token(self, request: Request) -> str | None:
        """Return the Hub token in the request's cookie, if the cookie may be used for it.

        Other sites may link here, but neither read nor change anything: a cookie
        counts for navigations and for this origin's own requests. Changes must
        also come from a page below the prefix. The limit of that: pages of people's
        own servers share the Hub's origin and can claim any referrer, so where
        people are not trusted, the Hub must give every server its own subdomain.
        """
        if not self._cookie_counts(request):
            return None
        try:
            value: str = self._tokens.loads(
                request.cookies.get(self.hub.cookie_name, ""), max_age=COOKIE_SECONDS
            )
        except BadData:
            return None
        return value

    def _cookie_counts(self, request: Request) -> bool:
        site = request.headers.get("sec-fetch-site")
        if request.method not in UNSAFE:
            navigation = request.headers.get("sec-fetch-mode") in (None, "navigate")
            return navigation or site in (None, "same-origin", "none")
        same_origin = (
            site == "same-origin" if site else request.headers.get("origin") == self.origin
        )
        below = f"{self.origin}{self.prefix}/"
        return same_origin and request.headers.get("referer", "").startswith(below)

    def start(self, request: Request) -> Response:
        """Send a browser to the Hub, to come back to the page it asked for."""
        state = secrets.token_urlsafe(16)
        kept: dict[str, Any] = {"next": request.url.path}
        if request.url.query:
            kept["next"] += f"?{request.url.query}"
        query = {"state": state}
        if hasattr(self.hub, "generate_pkce_code_challenge"):  # JupyterHub 6
            kept["verifier"], challenge, method = self.hub.generate_pkce_code_challenge()
            query |= {"code_challenge": challenge, "code_challenge_method": method}
        response = RedirectResponse(url_concat(self.hub.login_url, query), 302)
        self._set(response, self._state_name(state), self._states.dumps(kept), STATE_SECONDS)
        return response

    async def finish(self, request: Request) -> Response:
        """Answer the Hub's redirect: exchange its code, set the cookie, go on.

        GET oauth_callback; anybody with the state cookie of a sign-in begun here.
        """
        state = request.query_params.get("state", "")
        try:
            kept = self._states.loads(
                request.cookies.get(self._state_name(state), ""), max_age=STATE_SECONDS
            )
        except BadData:
            return _told("This sign-in has expired. Open MLflow again from the Hub.", 400)
        code = request.query_params.get("code")
        if not code:
            reason = request.query_params.get("error_description") or "the Hub did not say why"
            return _told(f"The Hub did not sign you in: {reason[:300]}.", 403)
        token = await self._exchange(code, kept.get("verifier"))
        target = kept["next"]
        if not target.startswith(f"{self.prefix}/"):
            target = f"{self.prefix}/"
        response = RedirectResponse(target, 302)
        self._set(response, self.hub.cookie_name, self._tokens.dumps(token), COOKIE_SECONDS)
        response.delete_cookie(self._state_name(state), path=f"{self.prefix}/")
        return response

    async def _exchange(self, code: str, verifier: str | None) -> str:
        proof = {"code_verifier": verifier} if verifier else {}
        try:
            async with asyncio.timeout(HUB_SECONDS):
                token: str = await self.hub.token_for_code(code, sync=False, **proof)
        except (HTTPError, TimeoutError, OSError) as error:
            raise hub_is_down() from error
        return token

    def _state_name(self, state: str) -> str:
        digest = hashlib.sha256(state.encode()).hexdigest()[:16]
        return f"{self.hub.cookie_name}-state-{digest}"

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=f"{self.prefix}/",
            httponly=True,
            samesite="lax",
            secure=self.origin.startswith("https:"),
        )


def is_navigation(request: Request) -> bool:
    """Tell whether a person's browser asks for a page, rather than a program for data."""
    if request.method not in ("GET", "HEAD"):
        return False
    mode = request.headers.get("sec-fetch-mode")
    return mode == "navigate" if mode else "text/html" in request.headers.get("accept", "")


def _told(sentence: str, status: int) -> Response:
    return PlainTextResponse(sentence, status)
