"""The desk's API: a team's channels, deliveries and pipeline tokens.

For members of the team only (403 ``not_a_member``), but for the list of teams.
"""

from __future__ import annotations

from typing import Any

from baton_desk.routes.base import DeskHandler, fields

TEAM = "api/teams/(?P<team>[^/]+)"
_ID = "[0-9a-f]{32}"


class Teams(DeskHandler):
    """GET api/teams (200): any person."""

    async def get(self) -> None:
        """Answer every team, and whether the caller is in it."""
        self.write_json({"items": await self.desk.teams(self.caller)})


class Channels(DeskHandler):
    """GET, POST api/teams/TEAM/channels ``{"url"}`` (200, 201). 400 ``address_refused``."""

    async def get(self, team: str) -> None:
        """Answer the channels."""
        self.write_json({"items": await self.desk.channels(self.caller, team)})

    async def post(self, team: str) -> None:
        """Add a channel; the answer alone carries its secret."""
        said = fields(self.json_body(), url=...)
        self.write_json(await self.desk.add_channel(self.caller, team, said["url"]), 201)


class ChannelItem(DeskHandler):
    """DELETE api/teams/TEAM/channels/ID (204)."""

    async def delete(self, team: str, channel_id: str) -> None:
        """Remove the channel and its deliveries."""
        await self.desk.remove_channel(self.caller, team, channel_id)
        self.set_status(204)


class ChannelTest(DeskHandler):
    """POST api/teams/TEAM/channels/ID/test (202)."""

    async def post(self, team: str, channel_id: str) -> None:
        """Send a test notification; the answer is its delivery, pending."""
        self.write_json(await self.desk.test_channel(self.caller, team, channel_id), 202)


class ChannelResume(DeskHandler):
    """POST api/teams/TEAM/channels/ID/resume (200)."""

    async def post(self, team: str, channel_id: str) -> None:
        """Use the channel again."""
        self.write_json(await self.desk.resume_channel(self.caller, team, channel_id))


class Deliveries(DeskHandler):
    """GET api/teams/TEAM/deliveries (200)."""

    async def get(self, team: str) -> None:
        """Answer the last deliveries with their attempts."""
        self.write_json({"items": await self.desk.deliveries(self.caller, team)})


class Replay(DeskHandler):
    """POST api/teams/TEAM/deliveries/ID/replay (202). 409 ``channel_not_active``."""

    async def post(self, team: str, delivery_id: str) -> None:
        """Send the delivery once more, under the same id."""
        self.write_json(await self.desk.replay(self.caller, team, delivery_id), 202)


class Tokens(DeskHandler):
    """GET, POST api/teams/TEAM/tokens ``{"name"}`` (200, 201)."""

    async def get(self, team: str) -> None:
        """Answer the tokens, without themselves."""
        self.write_json({"items": await self.desk.tokens(self.caller, team)})

    async def post(self, team: str) -> None:
        """Make a token; the answer alone shows it."""
        said = fields(self.json_body(), name=...)
        self.write_json(await self.desk.add_token(self.caller, team, said["name"]), 201)


class TokenItem(DeskHandler):
    """DELETE api/teams/TEAM/tokens/ID (204)."""

    async def delete(self, team: str, token_id: str) -> None:
        """End the token at once."""
        await self.desk.revoke_token(self.caller, team, token_id)
        self.set_status(204)


ROUTES: list[tuple[str, Any]] = [
    ("api/teams", Teams),
    (f"{TEAM}/channels", Channels),
    (f"{TEAM}/channels/(?P<channel_id>{_ID})", ChannelItem),
    (f"{TEAM}/channels/(?P<channel_id>{_ID})/test", ChannelTest),
    (f"{TEAM}/channels/(?P<channel_id>{_ID})/resume", ChannelResume),
    (f"{TEAM}/deliveries", Deliveries),
    (f"{TEAM}/deliveries/(?P<delivery_id>{_ID})/replay", Replay),
    (f"{TEAM}/tokens", Tokens),
    (f"{TEAM}/tokens/(?P<token_id>{_ID})", TokenItem),
]
