"""Where teams are notified, and their pipelines' tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from baton_contract import NotFoundError
from baton_desk.identity import TeamToken
from baton_desk.moments import Clock, new_id
from baton_desk.store import convert
from baton_desk.store.journal import Journal, add_deliveries
from baton_desk.store.models import ChannelRow, DeliveryRow, TokenRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from baton_desk.identity import Caller
    from baton_desk.store.database import Database
    from baton_desk.views import Channel, Delivery, PipelineToken

_USED_STEP = 60_000


class Channels:
    """Each team's own; another team's channel is not found."""

    def __init__(self, database: Database, journal: Journal, clock: Clock) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock

    def of_team(self, team: str) -> list[Channel]:
        """Return the team's channels, oldest first."""
        query = select(ChannelRow).where(ChannelRow.team == team).order_by(ChannelRow.id)
        with self._database.read() as session:
            return [convert.channel(row) for row in session.scalars(query)]

    def add(self, team: str, url: str, sealed_secret: str, created_by: str) -> Channel:
        """Notify the team there from now on."""
        now = self._clock()
        row = ChannelRow(
            id=new_id(now),
            team=team,
            url=url,
            sealed_secret=sealed_secret,
            state="active",
            reason=None,
            consecutive_failures=0,
            created_by=created_by,
            created_at=now,
        )
        with self._database.write() as session:
            session.add(row)
            return convert.channel(row)

    def remove(self, team: str, channel_id: str) -> None:
        """Forget the channel and its deliveries."""
        with self._database.write() as session:
            session.delete(_find(session, team, channel_id))

    def resume(self, team: str, channel_id: str) -> Channel:
        """Use the channel again; what waited is due now."""
        now = self._clock()
        with self._database.write() as session:
            row = _find(session, team, channel_id)
            row.state, row.reason, row.consecutive_failures = "active", None, 0
            waiting = (DeliveryRow.channel_id == row.id) & (DeliveryRow.status == "pending")
            session.execute(update(DeliveryRow).where(waiting).values(next_attempt_at=now))
            return convert.channel(row)

    def test(self, team: str, channel_id: str, caller: Caller) -> Delivery:
        """Put a test notification into the outbox."""
        now = self._clock()
        with self._database.write() as session:
            row = _find(session, team, channel_id)
            event = self._journal.channel_test(row, caller, now)
            return convert.delivery(add_deliveries(session, [row], event, now)[0])


class Tokens:
    """Pipeline tokens; what is kept of a token is its SHA-256."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def of_team(self, team: str) -> list[PipelineToken]:
        """Return the team's tokens that still work, oldest first."""
        query = select(TokenRow).where(TokenRow.team == team, TokenRow.revoked_at.is_(None))
        with self._database.read() as session:
            return [convert.token(row) for row in session.scalars(query.order_by(TokenRow.id))]

    def add(self, team: str, name: str, sha256: str, created_by: str) -> PipelineToken:
        """Record a new token."""
        now = self._clock()
        row = TokenRow(
            id=new_id(now),
            team=team,
            name=name,
            sha256=sha256,
            created_by=created_by,
            created_at=now,
            last_used_at=None,
            revoked_at=None,
        )
        with self._database.write() as session:
            session.add(row)
            return convert.token(row)

    def revoke(self, team: str, token_id: str) -> None:
        """End a token at once."""
        with self._database.write() as session:
            row = session.get(TokenRow, token_id)
            if row is None or row.team != team or row.revoked_at is not None:
                raise NotFoundError(
                    "not_found", f"{team} has no such token. Reload to see its tokens."
                )
            row.revoked_at = self._clock()

    def use(self, sha256: str) -> TeamToken | None:
        """Return whose token it is, and note to the minute when it was used; None if nobody's.

        Looking up a SHA-256 leaks no timing of the token itself.
        """
        now = self._clock()
        with self._database.read() as session:
            row = session.scalar(select(TokenRow).where(TokenRow.sha256 == sha256))
            if row is None or row.revoked_at is not None:
                return None
            token, used = TeamToken(id=row.id, team=row.team, name=row.name), row.last_used_at
        if used is None or now - used >= _USED_STEP:
            with self._database.write(in_order=False) as session:
                session.execute(
                    update(TokenRow).where(TokenRow.id == token.id).values(last_used_at=now)
                )
        return token


def _find(session: Session, team: str, channel_id: str) -> ChannelRow:
    row = session.get(ChannelRow, channel_id)
    if row is None or row.team != team:
        raise NotFoundError("not_found", f"{team} has no such channel. Reload to see its channels.")
    return row
