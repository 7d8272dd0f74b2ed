"""What is recorded, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from baton_contract import ConflictError, PublicError, canonical_json, packet_digest, validate
from baton_desk.identity import Caller
from baton_desk.records import DueDelivery, Finding, HandoffRecord, Outcome
from baton_desk.store import Store, StoreError, migrate
from baton_desk.store.models import Base

SENDER = Caller("scientist", frozenset({"data-science"}))
RECEIVER = Caller("developer", frozenset({"app-developers"}))
PASSED = [Finding("digests", "1", "passed", "All there.")]
FAILED = [*PASSED, Finding("predict", "1", "failed", "It answers 2.")]


def draft(store: Store, packet: Any) -> HandoffRecord:
    body, digest = canonical_json(packet), packet_digest(packet)
    return store.handoffs.open_draft("scientist", packet, digest, body)[0]


def offered(store: Store, packet: Any) -> HandoffRecord:
    made = draft(store, packet)
    store.handoffs.submit(made.id, SENDER, [])
    return store.handoffs.finish_checks(made.id, PASSED, packet["supersedes"])


def types(store: Store, caller: Caller = SENDER) -> list[str]:
    return [str(s["event"]["type"]).rpartition(".")[2] for s in store.journal.after(0, caller)]


@pytest.fixture
def packet(make_packet: Any) -> Any:
    return make_packet({"model/MLmodel": b"x"})


def test_models_and_migrations_agree(store: Store) -> None:
    with store.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_go_down_and_up_again(store: Store, packet: Any) -> None:
    offered(store, packet)
    assert migrate.downgrade(store.database, "base") == "base"
    assert store.migrate() == "0001"
    assert store.journal.last() == 0


def test_an_address_that_does_not_answer_is_one_line() -> None:
    for url in (
        "postgresql://baton@127.0.0.1:1/none",
        "sqlite:////nowhere/desk.sqlite",
        "nonsense",
        "dialect://x",
    ):
        with pytest.raises(StoreError) as fault:
            Store.open(url)
        assert "\n" not in str(fault.value)
        assert str(fault.value).startswith("The desk's database can't be opened:")


def test_the_same_packet_in_draft_is_the_same_draft(store: Store, packet: Any) -> None:
    first = draft(store, packet)
    assert draft(store, packet).id == first.id
    store.handoffs.act(first.id, SENDER, "withdraw")
    assert draft(store, packet).id != first.id


def test_every_change_is_an_event_that_fits_the_contract(
    store: Store, packet: Any, clock: Any
) -> None:
    made = offered(store, packet)
    store.handoffs.comment(made.id, RECEIVER, "Which scaler?")
    store.handoffs.act(made.id, RECEIVER, "request_changes", "Name the scaler.")
    store.handoffs.act(made.id, SENDER, "reoffer", "Named.")
    store.handoffs.act(made.id, RECEIVER, "accept")
    store.handoffs.report(
        made.id, RECEIVER, environment="staging", status="success", description="", url=None
    )
    streamed = store.journal.after(0, SENDER)
    assert [s["seq"] for s in streamed] == list(range(1, 8))
    for item in streamed:
        validate("event.v1", item["event"])
    assert types(store) == [
        "checking",
        "offered",
        "commented",
        "changes_requested",
        "offered",
        "accepted",
        "deployment_reported",
    ]
    assert types(store, RECEIVER) == types(store)[1:]
    assert types(store, Caller("guest")) == []
    assert [s["seq"] for s in store.journal.after(5, SENDER)] == [6, 7]


def test_a_refused_change_leaves_nothing_behind(store: Store, packet: Any) -> None:
    made = offered(store, packet)
    before = store.journal.last()
    with pytest.raises(PublicError):
        store.handoffs.act(made.id, RECEIVER, "decline", "")
    assert store.journal.last() == before
    assert store.shelf.get(made.id) == made


def test_failed_checks_send_it_back_with_what_was_found(store: Store, packet: Any) -> None:
    made = draft(store, packet)
    store.handoffs.submit(made.id, SENDER, [])
    back = store.handoffs.finish_checks(made.id, FAILED, None)
    assert (back.state, back.reason, back.was_offered) == ("draft", "It answers 2.", False)
    assert [c["verdict"] for c in store.shelf.checks(made.id)] == ["passed", "failed"]
    assert types(store) == ["checking", "check_failed"]
    assert types(store, RECEIVER) == []


def test_submitting_needs_every_file(store: Store, packet: Any) -> None:
    made = draft(store, packet)
    file = packet["files"][0]["sha256"]
    with pytest.raises(ConflictError) as refusal:
        store.handoffs.submit(made.id, SENDER, [file])
    assert refusal.value.details == {"files": [file]}
    store.handoffs.record_upload("somebody", file)
    assert store.shelf.uploaded("scientist", [file]) == set()
    store.handoffs.record_upload("scientist", file)
    store.handoffs.record_upload("scientist", file)
    assert store.handoffs.submit(made.id, SENDER, [file]).state == "checking"


def test_a_new_version_supersedes_the_offered_one(store: Store, make_packet: Any) -> None:
    old = make_packet({"model/MLmodel": b"1"})
    new = make_packet({"model/MLmodel": b"2"}, supersedes=packet_digest(old))
    first = offered(store, old)
    second = offered(store, new)
    assert second.supersedes == first.id
    replaced = store.shelf.get(first.id)
    assert replaced
    assert (replaced.state, replaced.reason) == ("superseded", "Replaced by a new packet of it.")
    assert types(store)[-2:] == ["superseded", "offered"]


def test_an_accepted_handoff_is_not_superseded(store: Store, make_packet: Any) -> None:
    old = make_packet({"model/MLmodel": b"1"})
    first = offered(store, old)
    store.handoffs.act(first.id, RECEIVER, "accept")
    second = offered(store, make_packet({"model/MLmodel": b"2"}, supersedes=packet_digest(old)))
    assert second.supersedes is None
    assert store.shelf.get(first.id).state == "accepted"  # type: ignore[union-attr]


def test_offers_expire_when_their_time_is_over(store: Store, packet: Any, clock: Any) -> None:
    made = offered(store, packet)
    assert made.expires_at == clock.now + 30 * 86_400_000
    clock.forward(days=29)
    assert store.handoffs.expire() == 0
    clock.forward(days=2)
    assert store.handoffs.expire() == 1
    assert store.shelf.get(made.id).state == "expired"  # type: ignore[union-attr]
    with pytest.raises(ConflictError):
        store.handoffs.act(made.id, RECEIVER, "accept")


def test_of_two_who_decide_at_once_exactly_one_wins(store: Store, make_packet: Any) -> None:
    made = [offered(store, make_packet({"model/MLmodel": bytes([n])})) for n in range(5)]

    def decide(job: tuple[str, str]) -> str:
        name, handoff_id = job
        try:
            who = Caller(name, frozenset({"app-developers"}))
            return store.handoffs.act(handoff_id, who, "accept").state
        except ConflictError as refusal:
            return refusal.code

    jobs = [(name, record.id) for record in made for name in ("developer", "tester")]
    with ThreadPoolExecutor(10) as pool:
        ends = list(pool.map(decide, jobs))
    assert sorted(ends) == ["accepted"] * 5 + ["wrong_state"] * 5
    seqs = [s["seq"] for s in store.journal.after(0, SENDER)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_lists_are_newest_first_and_pages_do_not_overlap(
    store: Store, make_packet: Any, clock: Any
) -> None:
    made = []
    for number in range(5):
        made.append(offered(store, make_packet({"model/MLmodel": bytes([number])})).id)
        clock.forward(seconds=number % 2)  # two pairs share their moment
    for caller, box in ((SENDER, "sent"), (RECEIVER, "received")):
        seen: list[str] = []
        place = None
        while True:
            records, place = store.shelf.page(caller, box, None, place, 2)  # type: ignore[arg-type]
            seen += [record.id for record in records]
            if place is None:
                break
        assert sorted(seen) == sorted(made)
        assert seen[0] == made[-1]
    assert store.shelf.page(SENDER, "received", None, None, 50) == ([], None)
    assert store.shelf.page(Caller("guest"), "received", None, None, 50) == ([], None)
    assert store.shelf.page(SENDER, "sent", "accepted", None, 50) == ([], None)


# Outbox


def channel(store: Store) -> str:
    made = store.channels.add("app-developers", "https://example.org/", "sealed", "developer")
    return made["id"]


def test_a_delivery_is_claimed_once_and_again_only_when_its_claim_ends(
    store: Store, packet: Any, clock: Any
) -> None:
    channel(store)
    offered(store, packet)
    with ThreadPoolExecutor(8) as pool:
        claimed = [
            due for batch in pool.map(lambda _: store.outbox.claim(), range(8)) for due in batch
        ]
    assert [due.event_type for due in claimed] == ["baton.handoff.offered"]
    assert store.outbox.claim() == []
    clock.forward(seconds=121)
    again = store.outbox.claim()
    assert [(due.id, due.attempt) for due in again] == [(claimed[0].id, 2)]


def test_a_delivery_that_failed_waits_and_one_that_is_done_is_done(
    store: Store, packet: Any, clock: Any
) -> None:
    channel(store)
    offered(store, packet)
    due = store.outbox.claim()[0]
    store.outbox.finish(
        due, Outcome(retry_in=5000, status_code=503, error="The receiver answered 503.")
    )
    assert store.outbox.claim() == []
    assert store.outbox.next_due() == clock.now + 5000
    clock.forward(seconds=5)
    due = store.outbox.claim()[0]
    store.outbox.finish(due, Outcome(delivered=True, status_code=204))
    shown = store.outbox.of_team("app-developers")[0]
    assert shown["status"] == "delivered"
    assert [a["status_code"] for a in shown["attempts"]] == [503, 204]
    assert store.outbox.next_due() is None
    assert store.outbox.of_team("data-science") == []
    replayed = store.outbox.replay("app-developers", due.id)
    assert replayed["id"] == due.id
    assert [again.id for again in store.outbox.claim()] == [due.id]


def _fail(store: Store, due: DueDelivery, **how: Any) -> None:
    store.outbox.finish(due, Outcome(error="No.", **how))


def test_a_channel_that_keeps_failing_is_paused_and_loses_nothing(
    store: Store, make_packet: Any, clock: Any
) -> None:
    made = channel(store)
    for number in range(10):
        offered(store, make_packet({"model/MLmodel": bytes([number])}))
    for due in store.outbox.claim():
        _fail(store, due, retry_in=1000)
    shown = store.channels.of_team("app-developers")[0]
    assert shown["state"] == "paused"
    assert shown["consecutive_failures"] == 10
    clock.forward(seconds=2)
    assert store.outbox.claim() == []
    assert store.outbox.next_due() is None
    assert store.channels.resume("app-developers", made)["state"] == "active"
    assert len(store.outbox.claim()) == 10


def test_a_receiver_that_is_gone_disables_its_channel(store: Store, packet: Any) -> None:
    made = channel(store)
    gone = offered(store, packet)
    due = store.outbox.claim()[0]
    _fail(store, due, gone=True, status_code=410)
    assert store.channels.of_team("app-developers")[0]["state"] == "disabled"
    with pytest.raises(ConflictError):
        store.outbox.replay("app-developers", due.id)
    store.handoffs.act(gone.id, SENDER, "withdraw")
    assert len(store.outbox.of_team("app-developers")) == 1, "nothing new for a disabled channel"
    store.channels.remove("app-developers", made)
    assert store.outbox.of_team("app-developers") == []


def test_a_pipelines_token_is_kept_as_its_digest_and_ends_at_once(store: Store, clock: Any) -> None:
    made = store.tokens.add("app-developers", "ci", "d" * 64, "developer")
    assert made["last_used_at"] is None
    token = store.tokens.use("d" * 64)
    assert token
    assert (token.team, token.name) == ("app-developers", "ci")
    assert store.tokens.of_team("app-developers")[0]["last_used_at"]
    with pytest.raises(PublicError):
        store.tokens.revoke("data-science", made["id"])
    store.tokens.revoke("app-developers", made["id"])
    assert store.tokens.use("d" * 64) is None
    assert store.tokens.of_team("app-developers") == []
