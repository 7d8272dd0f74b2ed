"""A team's page: where it is notified, what was sent, and its pipeline's tokens."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from baton_contract import PublicError
from baton_desk.routes.pages_base import PageHandler
from baton_desk.routes.pages_handoff import FilledForm

if TYPE_CHECKING:
    from baton_desk.views import Attempt, Delivery

SHOWN_FOR = 300.0
"""Seconds within which the page after a form has to fetch its secret."""
WAITED_FOR = 2.0
"""Seconds that somebody who tests a channel waits for the first attempt."""


@dataclass(frozen=True)
class Secret:
    """What is shown once, on the page that follows its making."""

    what: str
    title: str
    text: str
    value: str


class ShownOnce:
    """Secrets on their way from a form to the page that it leads to.

    They stay in this process, for a few minutes, and each is given out once, to
    whom it was made for.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], tuple[float, Secret]] = {}

    def hold(self, who: str, secret: Secret) -> str:
        """Keep a secret for ``who``; return the key that they get it with."""
        now = time.monotonic()
        self._held = {key: held for key, held in self._held.items() if held[0] > now}
        key = secrets.token_urlsafe(16)
        self._held[who, key] = (now + SHOWN_FOR, secret)
        return key

    def take(self, who: str, key: str) -> Secret | None:
        """Give a secret out and forget it; None when there is none (any more)."""
        until, secret = self._held.pop((who, key), (0.0, None))
        return secret if until > time.monotonic() else None


shown_once = ShownOnce()


class TeamPage(PageHandler):
    """Shows a team to its members; also to somebody whose form was refused."""

    page = "team"

    async def get(self, team: str, *_: str) -> None:
        """Show the team: somebody reloads what a refused form had answered."""
        self.back(team, "channels")

    async def show(self, team: str, form: FilledForm) -> None:
        """Answer with the team's page; ``form`` is what could not be done, if anything."""
        live = await self.live_url()
        channels = await self.desk.channels(self.caller, team)
        deliveries = await self.desk.deliveries(self.caller, team)
        self.render_page(
            "team.html",
            live=live,
            refresh=self.place(team),
            here=self.place(team),
            team=team,
            form=form,
            channels=channels,
            channel_urls={channel["id"]: channel["url"] for channel in channels},
            deliveries=deliveries,
            last_failures=_last_failures(deliveries),
            tokens=await self.desk.tokens(self.caller, team),
            secret=shown_once.take(self.caller.name, self.get_query_argument("once", "")),
        )

    def place(self, team: str) -> str:
        """Return the path of the team's page."""
        return f"{self.prefix}teams/{quote(team, safe='')}"

    def back(self, team: str, anchor: str, once: str = "") -> None:
        """Lead to the team's page after a form."""
        query = f"?once={once}" if once else ""
        self.redirect(f"{self.place(team)}{query}#{anchor}", status=303)

    async def refuse(self, team: str, form: FilledForm, error: PublicError) -> None:
        """Show the page again with the person's text and one sentence."""
        if error.status in {403, 404}:
            raise error
        self.set_status(error.status)
        await self.show(team, form)


class TeamHandler(TeamPage):
    """GET teams/TEAM: channels, deliveries and tokens, for the team's members (200, 403, 404)."""

    async def get(self, team: str, *_: str) -> None:
        """Show the team."""
        await self.show(team, FilledForm())


class NewChannelHandler(TeamHandler):
    """POST teams/TEAM/channels: notify the team at an address (303; 4xx the page, text kept)."""

    async def post(self, team: str) -> None:
        """Add it, and show its signing secret once."""
        url = self.get_body_argument("url", "")
        try:
            made = await self.desk.add_channel(self.caller, team, url)
        except PublicError as error:
            await self.refuse(team, FilledForm("channels", url, error.message), error)
            return
        secret = Secret(
            "signing secret",
            "The channel is added.",
            "Your receiver checks signatures with this secret. It is shown only now:",
            made["secret"],
        )
        self.back(team, "channels", shown_once.hold(self.caller.name, secret))


class NewTokenHandler(TeamHandler):
    """POST teams/TEAM/tokens: make a pipeline token (303; 4xx the page, text kept)."""

    async def post(self, team: str) -> None:
        """Make it, and show it once."""
        name = self.get_body_argument("name", "")
        try:
            made = await self.desk.add_token(self.caller, team, name)
        except PublicError as error:
            await self.refuse(team, FilledForm("tokens", name, error.message), error)
            return
        secret = Secret(
            "token",
            f"The token for {made['name']} is made.",
            "Put it into your pipeline's secrets as BATON_TOKEN. It is shown only now:",
            made["token"],
        )
        self.back(team, "tokens", shown_once.hold(self.caller.name, secret))


class ChannelHandler(TeamPage):
    """POST teams/TEAM/channels/ID/test|resume|remove (303; 4xx the page)."""

    async def post(self, team: str, channel_id: str, action: str) -> None:
        """Do it."""
        try:
            if action == "test":
                sent = await self.desk.test_channel(self.caller, team, channel_id)
                await self.settled(team, sent["id"])
            elif action == "resume":
                await self.desk.resume_channel(self.caller, team, channel_id)
            else:
                await self.desk.remove_channel(self.caller, team, channel_id)
        except PublicError as error:
            await self.refuse(team, FilledForm(action, "", error.message), error)
        else:
            self.back(team, "deliveries" if action == "test" else "channels")

    async def settled(self, team: str, delivery_id: str) -> None:
        """Wait a moment for a delivery's first attempt, so that the page shows how it went."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAITED_FOR):
                while True:
                    heard = self.desk.bell.rings
                    deliveries = await self.desk.deliveries(self.caller, team)
                    mine = next((one for one in deliveries if one["id"] == delivery_id), None)
                    if mine is None or mine["status"] != "pending" or mine["attempts"]:
                        return
                    await self.desk.bell.wait(heard)


class ReplayHandler(TeamPage):
    """POST teams/TEAM/deliveries/ID/replay: send it once more (303; 4xx the page)."""

    async def post(self, team: str, delivery_id: str) -> None:
        """Do it."""
        try:
            await self.desk.replay(self.caller, team, delivery_id)
        except PublicError as error:
            await self.refuse(team, FilledForm("replay", "", error.message), error)
        else:
            self.back(team, "deliveries")


class RevokeTokenHandler(TeamPage):
    """POST teams/TEAM/tokens/ID/revoke: end a token at once (303; 4xx the page)."""

    async def post(self, team: str, token_id: str) -> None:
        """Do it."""
        try:
            await self.desk.revoke_token(self.caller, team, token_id)
        except PublicError as error:
            await self.refuse(team, FilledForm("revoke", "", error.message), error)
        else:
            self.back(team, "tokens")


def _last_failures(deliveries: list[Delivery]) -> dict[str, Attempt]:
    """Return by channel its newest attempt, where that failed."""
    newest: dict[str, Attempt] = {}
    for delivery in deliveries:
        for attempt in delivery["attempts"][-1:]:
            known = newest.get(delivery["channel"])
            if known is None or attempt["at"] > known["at"]:
                newest[delivery["channel"]] = attempt
    return {channel: last for channel, last in newest.items() if not _succeeded(last)}


def _succeeded(attempt: Attempt) -> bool:
    return attempt["status_code"] is not None and 200 <= attempt["status_code"] < 300
