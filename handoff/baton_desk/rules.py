"""A handoff's states: who may do what, when. Pure; the only place where it is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from baton_contract import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PublicError,
)

if TYPE_CHECKING:
    from baton_contract.types import EventType, HandoffAction, HandoffState
    from baton_desk.identity import Caller
    from baton_desk.records import HandoffRecord

Role = Literal["sender", "receiver", "operations", "desk"]


@dataclass(frozen=True)
class Transition:
    """One way from a state to another, who may take it, and what is then announced."""

    action: str
    sources: frozenset[HandoffState]
    target: HandoffState
    who: Role
    event: EventType
    needs_reason: bool = False


def _row(
    action: str,
    sources: str,
    target: str,
    who: Role,
    *,
    event: str = "",
    needs_reason: bool = False,
) -> Transition:
    return Transition(
        action=action,
        sources=cast("frozenset[HandoffState]", frozenset(sources.split())),
        target=cast("HandoffState", target),
        who=who,
        event=cast("EventType", f"baton.handoff.{event or target}"),
        needs_reason=needs_reason,
    )


_OPEN = "offered changes_requested"

TRANSITIONS = (
    _row("submit", "draft", "checking", "sender"),
    _row("withdraw", f"draft {_OPEN}", "withdrawn", "sender"),
    _row("reoffer", "changes_requested", "offered", "sender"),
    _row("accept", _OPEN, "accepted", "receiver"),
    _row("request_changes", "offered", "changes_requested", "receiver", needs_reason=True),
    _row("decline", _OPEN, "declined", "receiver", needs_reason=True),
    _row("revoke", f"{_OPEN} accepted", "revoked", "operations", needs_reason=True),
    _row("offer", "checking", "offered", "desk"),
    _row("send_back", "checking", "draft", "desk", event="check_failed"),
    _row("expire", "offered", "expired", "desk"),
    _row("supersede", _OPEN, "superseded", "desk"),
)
"""Every transition there is. Anything else is refused with the state that it is in."""

_BY_ACTION = {transition.action: transition for transition in TRANSITIONS}

_TEAM_HEARS = {
    f"baton.handoff.{what}"
    for what in ("offered", "commented", "withdrawn", "superseded", "revoked", "expired")
}


def visible(handoff: HandoffRecord, caller: Caller) -> bool:
    """Return whether the handoff exists as far as the caller is concerned.

    The sender always sees it; the team and operations once it has been offered; a
    pipeline when its team has accepted it.
    """
    if caller.team_token is not None:
        return handoff.state == "accepted" and caller.team_token.team == handoff.team
    if caller.name == handoff.sender:
        return True
    return handoff.was_offered and (caller.member_of(handoff.team) or caller.admin)


def require_visible(handoff: HandoffRecord | None, caller: Caller) -> HandoffRecord:
    """Return the handoff; raises `NotFoundError` when the caller may not know of it."""
    if handoff is None or not visible(handoff, caller):
        raise NotFoundError(
            "not_found", "There is no such handoff, or it is not for you. Check the address."
        )
    return handoff


def actions(handoff: HandoffRecord, caller: Caller) -> list[HandoffAction]:
    """Return what the caller may do to the handoff now."""
    found = [t.action for t in TRANSITIONS if _may(t, handoff, caller)]
    if caller.team_token is None and handoff.was_offered and visible(handoff, caller):
        found.append("comment")
    if handoff.state == "accepted" and _may_report(handoff, caller):
        found.append("report")
    return cast("list[HandoffAction]", found)


def decide(
    handoff: HandoffRecord, caller: Caller, action: str, reason: str | None = None
) -> Transition:
    """Return the transition that ``action`` is, once it is clear that it may happen.

    Raises `ForbiddenError` (``not_sender``, ``own_handoff``, ``not_a_member``,
    ``not_operations``), `ConflictError` (``wrong_state``) or `BadRequestError`
    (``reason_required``, ``unknown_action``), in that order.
    """
    transition = _BY_ACTION.get(action)
    if transition is None or transition.who == "desk":
        raise BadRequestError("unknown_action", f"A handoff can't be asked to {action!r}.")
    refusal = _refusal(transition, handoff, caller)
    if refusal:
        raise refusal
    check_state(transition, handoff)
    if transition.needs_reason and not (reason or "").strip():
        raise BadRequestError(
            "reason_required",
            f"Say why: to {_words(action)} needs a reason, which the sender reads.",
        )
    return transition


def desk_transition(handoff: HandoffRecord, action: str) -> Transition:
    """Return the transition that the desk itself makes; raises `ConflictError` ``wrong_state``."""
    transition = _BY_ACTION[action]
    check_state(transition, handoff)
    return transition


def check_state(transition: Transition, handoff: HandoffRecord) -> None:
    """Raise `ConflictError` ``wrong_state`` unless the handoff is where the transition starts."""
    if handoff.state not in transition.sources:
        raise wrong_state(handoff, _words(transition.action))


def wrong_state(handoff: HandoffRecord, action: str) -> ConflictError:
    """Return the refusal of what does not fit the state that the handoff is in."""
    return ConflictError(
        "wrong_state",
        f"This handoff is {_words(handoff.state)}; one can't {action} it now. Nothing was changed; "
        "reload to see what happened.",
        state=handoff.state,
    )


def require_comment(handoff: HandoffRecord, caller: Caller) -> None:
    """Raise unless the caller may add to the thread: anybody who sees it, once it was offered."""
    if caller.team_token is not None:
        raise _pipeline_refusal()
    if not handoff.was_offered:
        raise wrong_state(handoff, "comment on")


def require_upload(handoff: HandoffRecord, caller: Caller) -> None:
    """Raise unless the caller may upload the packet's files: the sender, into a draft."""
    if caller.team_token is not None:
        raise _pipeline_refusal()
    if caller.name != handoff.sender:
        raise ForbiddenError("not_sender", f"Only {handoff.sender} may upload this packet's files.")
    if handoff.state != "draft":
        raise wrong_state(handoff, "upload files to")


def require_member(caller: Caller, team: str) -> None:
    """Raise `ForbiddenError` ``not_a_member`` unless the caller is in the team."""
    if not caller.member_of(team):
        raise _not_a_member(team)


def require_report(handoff: HandoffRecord, caller: Caller) -> None:
    """Raise unless the caller may report a deployment: the team or its pipeline, once accepted."""
    if not _may_report(handoff, caller):
        raise _not_a_member(handoff.team)
    if handoff.state != "accepted":
        raise wrong_state(handoff, "report a deployment of")


def team_hears(event_type: str, handoff: HandoffRecord, actor: Caller | None) -> bool:
    """Return whether the team's channels are told; not of what the team did itself.

    ``actor`` is None for the desk.
    """
    by_team = actor is not None and (actor.member_of(handoff.team) or actor.team_token is not None)
    own = by_team and actor is not None and actor.name != handoff.sender
    return event_type in _TEAM_HEARS and handoff.was_offered and not own


def _may(transition: Transition, handoff: HandoffRecord, caller: Caller) -> bool:
    return (
        transition.who != "desk"
        and handoff.state in transition.sources
        and _refusal(transition, handoff, caller) is None
    )


def _refusal(transition: Transition, handoff: HandoffRecord, caller: Caller) -> PublicError | None:
    if caller.team_token is not None:
        return _pipeline_refusal()
    match transition.who:
        case "sender" if caller.name != handoff.sender:
            return ForbiddenError(
                "not_sender",
                f"Only {handoff.sender}, who sent it, may {_words(transition.action)} it.",
            )
        case "receiver" if caller.name == handoff.sender:
            return ForbiddenError(
                "own_handoff",
                "You sent this handoff; somebody else in the team has to decide on it.",
            )
        case "receiver" if not caller.member_of(handoff.team):
            return _not_a_member(handoff.team)
        case "operations" if not caller.admin:
            return ForbiddenError(
                "not_operations", f"Only operations may {_words(transition.action)} a handoff."
            )
    return None


def _may_report(handoff: HandoffRecord, caller: Caller) -> bool:
    token = caller.team_token
    return token.team == handoff.team if token else caller.member_of(handoff.team)


def _not_a_member(team: str) -> ForbiddenError:
    return ForbiddenError(
        "not_a_member",
        f"Only members of {team} may do this. Ask operations to be added to it.",
        team=team,
    )


def _pipeline_refusal() -> ForbiddenError:
    return ForbiddenError(
        "token_not_allowed", "A pipeline's token may read and report, and not decide or comment."
    )


def _words(name: str) -> str:
    return name.replace("_", " ")
