"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TeamToken:
    """A pipeline's token: good for one team's accepted handoffs and nothing else."""

    id: str
    team: str
    name: str


@dataclass(frozen=True)
class Caller:
    """Who is calling, as the Hub says; or a team's pipeline.

    ``name`` is the Hub user's name, or ``pipeline:NAME``. ``groups`` are the Hub
    groups, which are the teams. ``admin`` are the Hub's admins: operations.
    ``team_token`` is None for people.
    """

    name: str
    groups: frozenset[str] = frozenset()
    admin: bool = False
    team_token: TeamToken | None = None

    def member_of(self, team: str) -> bool:
        """Return whether this is a person in ``team``; a pipeline is a member of nothing."""
        return self.team_token is None and team in self.groups

    @classmethod
    def pipeline(cls, token: TeamToken) -> Caller:
        """Return the caller that a pipeline's token stands for."""
        return cls(name=f"pipeline:{token.name}", team_token=token)
