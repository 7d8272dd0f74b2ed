"""What every page stands on: sign-in, templates, what a page may load, and how an error looks."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from tornado.web import StaticFileHandler

from baton_contract import ForbiddenError, PublicError, UnauthorizedError
from baton_contract.size import render_size
from baton_desk.routes import pages_view, pages_words
from baton_desk.routes.base import DeskHandler

if TYPE_CHECKING:
    from baton_desk.identity import Caller

PACKAGE = Path(__file__).parent.parent

TITLES = {
    401: "You are not signed in any more",
    403: "This is not for you",
    404: "There is nothing here",
    409: "The moment has passed",
    413: "That is too large",
    503: "A service that is needed does not answer",
}


class PageHandler(DeskHandler):
    """A handler that answers people: with pages, in their browser.

    Who is not signed in is sent to the Hub's sign-in and comes back. A mistake is
    answered with a page that says what happened, what is safe and what to do.
    """

    page: ClassVar[str] = ""

    def set_default_headers(self) -> None:
        """Let a page load its own and the Hub's files, and run no script but those."""
        super().set_default_headers()
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", _policy(self.settings["hub_auth"].hub_host))

    async def prepare(self) -> None:
        """Find out who is calling; a pipeline's token opens no page."""
        await super().prepare()
        if not self._finished and not self.anonymous and self.caller.team_token:
            raise ForbiddenError("token_not_allowed", "A pipeline's token opens no page. Sign in.")

    def refuse_anonymous(self) -> None:
        """Send the person to sign in; a form that they posted meanwhile is not done."""
        asked_by_script = self.request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
        if self.request.method in {"GET", "HEAD"} and not asked_by_script:
            self.redirect(self.get_login_url())
            return
        raise UnauthorizedError(
            "not_signed_in",
            "Your sign-in has ended, so nothing was changed. Open your handoffs to sign in, then "
            "do it again.",
        )

    @property
    def prefix(self) -> str:
        """The desk's path, with a slash at the end."""
        return self.desk_settings.prefix

    @property
    def hub_url(self) -> str:
        """The Hub's own path (or address, on a domain of its own), with a slash at the end."""
        return f"{self.hub_auth.hub_host}{self.hub_auth.hub_prefix}"

    def render_page(self, template: str, **values: Any) -> None:
        """Answer with a template; it knows the caller and where things are."""
        caller: Caller | None = getattr(self, "caller", None)
        self.finish(
            environment()
            .get_template(template)
            .render(
                caller=caller,
                page=self.page,
                prefix=self.prefix,
                hub_url=self.hub_url,
                hub_static=self.hub_url + "static",
                asset=self._asset,
                xsrf_token=_text(self.xsrf_token) if caller else "",
                **{"live": None, "refresh": self.request.path, **values},
            )
        )

    async def live_url(self) -> str:
        """Return the stream of what changes from now on; read it before the page's content."""
        token = quote(_text(self.xsrf_token), safe="")
        # EventSource sends no header, so the token that the Hub asks for goes along.
        return f"{self.prefix}live?after={await self.desk.last_event()}&_xsrf={token}"

    def render_error(self, error: PublicError) -> None:
        """Answer with a page that says what happened."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.render_page(
            "error.html",
            title=TITLES.get(error.status) or _title(error.status),
            message=error.message,
            kept=[text for name in ("reason", "body") for text in self.get_body_arguments(name)],
            status=error.status,
            request_id=self.request_id,
        )

    def _asset(self, path: str) -> str:
        version = StaticFileHandler.get_content_version(str(PACKAGE / "static" / path))
        return f"{self.prefix}static/{path}?v={version[:16]}"


class PageNotFound(PageHandler):
    """Any other path of the desk (404), for those who are signed in."""

    def get(self) -> None:
        """Say so."""
        self.send_error(404)


class Assets(StaticFileHandler):
    """GET static/PATH: the pages' own styles and scripts. Nobody has to sign in."""

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002
        """Let browsers keep what they have, and ask whether it is still right."""
        self.set_header("X-Content-Type-Options", "nosniff")
        if not self.get_argument("v", ""):
            self.set_header("Cache-Control", "no-cache")


@cache
def environment() -> Environment:
    """Return the templates, with the words and figures that they show."""
    made = Environment(
        loader=FileSystemLoader(PACKAGE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "relative": pages_words.render_relative,
        "exact": pages_words.render_exact,
        "size": render_size,
        "figure": pages_words.render_figure,
        "short_digest": pages_words.short_digest,
        "first_line": pages_words.first_line,
        "wrappable": pages_words.render_wrappable,
        "as_json": pages_view.render_json,
        "urlencode_segment": lambda text: quote(text, safe=""),
    }
    made.globals |= {
        "states": pages_words.STATES,
        "verdicts": pages_words.VERDICTS,
        "deployments": pages_words.DEPLOYMENTS,
        "channel_signs": pages_words.CHANNELS,
        "delivery_signs": pages_words.DELIVERIES,
        "checks": pages_words.CHECKS,
        "fields_shown": pages_view.FIELDS_SHOWN,
    }
    return made


def _policy(hub_host: str) -> str:
    own = f"'self' {hub_host}".strip() if urlsplit(hub_host).scheme else "'self'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {own}",
            f"style-src {own}",
            f"font-src {own}",
            # Bootstrap's own icons are data.
            f"img-src {own} data:",
            "connect-src 'self'",
            "frame-src 'self'",
            f"form-action {own}",
            "frame-ancestors 'self'",
            "base-uri 'none'",
        )
    )


def _title(status: int) -> str:
    return "That did not work" if status < 500 else "Something went wrong"


def _text(token: str | bytes) -> str:
    return token.decode() if isinstance(token, bytes) else token
