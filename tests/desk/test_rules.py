"""The table of transitions, row by row."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from baton_contract import ConflictError, NotFoundError, PublicError
from baton_contract.types import HandoffState
from baton_desk import rules
from baton_desk.identity import Caller, TeamToken
from baton_desk.records import HandoffRecord

SENDER = Caller("scientist", frozenset({"data-science"}))
RECEIVER = Caller("developer", frozenset({"app-developers"}))
SENDER_IN_TEAM = Caller("scientist", frozenset({"app-developers"}))
OPERATIONS = Caller("operator", frozenset({"operations"}), admin=True)
STRANGER = Caller("guest")
PIPELINE = Caller.pipeline(TeamToken("1", "app-developers", "ci"))
OTHER_PIPELINE = Caller.pipeline(TeamToken("2", "data-science", "ci"))

STATES: tuple[Any, ...] = get_args(HandoffState)
NEVER_SHOWN = {"draft", "checking"}


def handoff(state: Any, **more: Any) -> HandoffRecord:
    offered = None if state in NEVER_SHOWN else 1
    values = {"offered_at": offered, **more}
    return HandoffRecord(
        id="0" * 32,
        state=state,
        team="app-developers",
        sender="scientist",
        note="",
        packet_digest="0" * 64,
        model_name="m",
        model_version="1",
        created_at=0,
        updated_at=0,
        **values,
    )


ALLOWED = {
    ("submit", "draft"): (SENDER, "checking"),
    ("withdraw", "draft"): (SENDER, "withdrawn"),
    ("withdraw", "offered"): (SENDER, "withdrawn"),
    ("withdraw", "changes_requested"): (SENDER, "withdrawn"),
    ("reoffer", "changes_requested"): (SENDER, "offered"),
    ("accept", "offered"): (RECEIVER, "accepted"),
    ("accept", "changes_requested"): (RECEIVER, "accepted"),
    ("request_changes", "offered"): (RECEIVER, "changes_requested"),
    ("decline", "offered"): (RECEIVER, "declined"),
    ("decline", "changes_requested"): (RECEIVER, "declined"),
    ("revoke", "offered"): (OPERATIONS, "revoked"),
    ("revoke", "changes_requested"): (OPERATIONS, "revoked"),
    ("revoke", "accepted"): (OPERATIONS, "revoked"),
}
ACTORS = {
    "submit": SENDER,
    "withdraw": SENDER,
    "reoffer": SENDER,
    "accept": RECEIVER,
    "request_changes": RECEIVER,
    "decline": RECEIVER,
    "revoke": OPERATIONS,
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTORS)
def test_the_right_person_may_exactly_what_the_table_says(action: str, state: Any) -> None:
    if (action, state) in ALLOWED:
        who, target = ALLOWED[action, state]
        assert rules.decide(handoff(state), who, action, "because").target == target
        assert action in rules.actions(handoff(state), who)
    else:
        with pytest.raises(ConflictError) as refusal:
            rules.decide(handoff(state), ACTORS[action], action, "because")
        assert refusal.value.code == "wrong_state"
        assert refusal.value.details == {"state": state}
        assert action not in rules.actions(handoff(state), ACTORS[action])


@pytest.mark.parametrize(
    ("action", "who", "code"),
    [
        ("accept", SENDER, "own_handoff"),
        ("accept", SENDER_IN_TEAM, "own_handoff"),
        ("decline", SENDER_IN_TEAM, "own_handoff"),
        ("accept", OPERATIONS, "not_a_member"),
        ("accept", STRANGER, "not_a_member"),
        ("withdraw", RECEIVER, "not_sender"),
        ("submit", RECEIVER, "not_sender"),
        ("revoke", RECEIVER, "not_operations"),
        ("accept", PIPELINE, "token_not_allowed"),
        ("offer", RECEIVER, "unknown_action"),
        ("expire", OPERATIONS, "unknown_action"),
        ("draw", RECEIVER, "unknown_action"),
    ],
)
def test_others_are_refused_by_name(action: str, who: Caller, code: str) -> None:
    with pytest.raises(PublicError) as refusal:
        rules.decide(handoff("offered"), who, action, "because")
    assert refusal.value.code == code


@pytest.mark.parametrize("action", ["request_changes", "decline", "revoke"])
@pytest.mark.parametrize("reason", [None, "", "  "])
def test_some_actions_need_a_reason(action: str, reason: str | None) -> None:
    with pytest.raises(PublicError) as refusal:
        rules.decide(handoff("offered"), ACTORS[action], action, reason)
    assert refusal.value.code == "reason_required"


@pytest.mark.parametrize("state", STATES)
def test_who_sees_a_handoff(state: Any) -> None:
    """The sender always; team and operations once offered; its pipeline once accepted."""
    shown = state not in NEVER_SHOWN
    expected = {
        SENDER: True,
        RECEIVER: shown,
        OPERATIONS: shown,
        STRANGER: False,
        PIPELINE: state == "accepted",
        OTHER_PIPELINE: False,
    }
    assert {who: rules.visible(handoff(state), who) for who in expected} == expected


def test_a_withdrawn_draft_was_never_the_teams_business() -> None:
    dropped = handoff("withdrawn", offered_at=None)
    with pytest.raises(NotFoundError):
        rules.require_visible(dropped, RECEIVER)
    assert not rules.team_hears("baton.handoff.withdrawn", dropped, SENDER)


def test_what_each_person_is_shown_as_possible() -> None:
    accepted, offered = handoff("accepted"), handoff("offered")
    assert rules.actions(offered, RECEIVER) == ["accept", "request_changes", "decline", "comment"]
    assert rules.actions(offered, SENDER) == ["withdraw", "comment"]
    assert rules.actions(offered, SENDER_IN_TEAM) == ["withdraw", "comment"]
    assert rules.actions(offered, OPERATIONS) == ["revoke", "comment"]
    assert rules.actions(offered, STRANGER) == []
    assert rules.actions(accepted, RECEIVER) == ["comment", "report"]
    assert rules.actions(accepted, PIPELINE) == ["report"]


@pytest.mark.parametrize(
    ("event", "actor", "heard"),
    [
        ("offered", None, True),
        ("expired", None, True),
        ("superseded", None, True),
        ("withdrawn", SENDER, True),
        ("revoked", OPERATIONS, True),
        ("commented", SENDER, True),
        ("commented", SENDER_IN_TEAM, True),
        ("commented", RECEIVER, False),
        ("accepted", RECEIVER, False),
        ("changes_requested", RECEIVER, False),
        ("declined", RECEIVER, False),
        ("deployment_reported", PIPELINE, False),
        ("check_failed", None, False),
        ("checking", SENDER, False),
    ],
)
def test_teams_hear_what_they_did_not_do_themselves(
    event: str, actor: Caller | None, heard: bool
) -> None:
    assert rules.team_hears(f"baton.handoff.{event}", handoff("offered"), actor) is heard
