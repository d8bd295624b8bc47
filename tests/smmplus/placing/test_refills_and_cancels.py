"""Refills and cancels, each asked for once under a key; what the panel was really asked, its ledger tells."""

import asyncio
from dataclasses import replace

import pytest

from smmplus.api import protocol, retry
from smmplus.api.async_client import AsyncClient
from smmplus.api.panel import Panel
from smmplus.errors import (
    AccountError,
    BusyError,
    CallError,
    FollowUpError,
    JournalError,
    LostAnswerError,
    MalformedCallError,
    NeverSentError,
    UnclearAnswerError,
    UnknownRefusalError,
)
from smmplus.journal import refills_and_cancels as records
from smmplus.journal.journal import Journal
from smmplus.journal.refills_and_cancels import MOVES, FollowUp, RequestKind, RequestMove, RequestState, Settled
from smmplus.placing.refills_and_cancels import Asking, answered, ask_for, failed, known
from tests.databases import DATABASES
from tests.smmplus.batches import request_for

RUNS_ON = DATABASES

CANCEL = Asking("main", RequestKind.CANCEL, "the|key")
REFILL = Asking("main", RequestKind.REFILL, "the|key")
ITEM = FollowUp(1, "501", RequestState.SENDING, 1, "run", "", "")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Have each call sent once: the pauses of the retry policy are seconds, and it has tests of its own."""
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    monkeypatch.setattr(retry, "PATIENCE", 0.0)


@pytest.fixture
async def client(panel):
    async with AsyncClient(panel, rate=0) as client:
        yield client


@pytest.fixture
def place(client, link):
    """Give a function that places orders of a service that can be cancelled."""

    async def orders(count=1, service=1):
        return [await client.add_order(request_for(link, service=service, quantity=100)) for _ in range(count)]

    return orders


def intend(journal, panel, ids, asking=CANCEL):
    """Write intents as a process does that is about to send them."""
    account = journal.ensure_account(panel.url, asking.account)
    with journal.transaction() as connection:
        items = records.asked(connection, account, asking.kind, asking.key, ids)
    run_id = journal.begin_run()
    with journal.transaction() as connection:
        return records.intend(connection, items, run_id, journal.time())


def settle(journal, *outcomes):
    with journal.transaction() as connection:
        records.record_outcomes(connection, outcomes, journal.time())


def states(found):
    return [item.state for item in found.values()]


async def test_each_is_asked_for_once(client, journal, place, sandbox):
    ids = await place(2)
    before = sandbox.calls("cancel")
    first = await ask_for(client, journal, CANCEL, ids)
    assert states(first) == [RequestState.ACCEPTED] * 2
    assert list(first) == ids
    assert await ask_for(client, journal, CANCEL, [*ids, *ids]) == first
    assert sandbox.calls("cancel") == before + 1


async def test_another_key_and_another_kind_ask_anew(client, journal, place, sandbox):
    ids = await place()
    await ask_for(client, journal, CANCEL, ids)
    before = (sandbox.calls("cancel"), sandbox.calls("refill"))
    await ask_for(client, journal, replace(CANCEL, key="other"), ids)
    await ask_for(client, journal, REFILL, ids)
    assert (sandbox.calls("cancel"), sandbox.calls("refill")) == (before[0] + 1, before[1] + 1)


async def test_what_is_refused_is_told_and_asked_for_again_what_was_taken_is_not(client, journal, place, sandbox):
    (taken,), (refused,) = await place(service=1), await place(service=2)
    found = await ask_for(client, journal, CANCEL, [taken, refused])
    assert states(found) == [RequestState.ACCEPTED, RequestState.REJECTED]
    assert (found[taken].error, found[refused].answer) == ("", "")
    assert found[refused].error == "Cancel is not available"
    again = await ask_for(client, journal, CANCEL, [taken, refused])
    assert (again[taken].attempt, again[refused].attempt) == (1, 2)


async def test_a_refills_id_is_kept(client, journal, place, sandbox):
    (number,) = await place()
    sandbox.advance(2000)
    found = await ask_for(client, journal, REFILL, [number])
    assert await client.refill_status(found[number].answer) == "Pending"


@pytest.mark.parametrize("fault", ["drop_after_accept", "http_502", "html", "truncated_json"])
async def test_a_lost_answer_is_a_doubt_and_left_alone(client, journal, place, sandbox, fault):
    ids = await place()
    sandbox.faults({"fault": fault, "action": "cancel"})
    found = await ask_for(client, journal, CANCEL, ids)
    sandbox.faults()
    assert states(found) == [RequestState.IN_DOUBT]
    assert found[ids[0]].error
    before = sandbox.calls("cancel")
    assert await ask_for(client, journal, CANCEL, ids) == found
    assert sandbox.calls("cancel") == before


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"fault": "429"}, BusyError),
        ({"fault": "refuse", "text": "Incorrect API key"}, AccountError),
    ],
)
async def test_what_was_held_back_is_asked_for_later(client, journal, place, sandbox, fault, kind):
    ids = await place()
    sandbox.faults({**fault, "action": "cancel"})
    with pytest.raises(kind):
        await ask_for(client, journal, CANCEL, ids)
    sandbox.faults()
    assert states(known(journal, client.panel.url, CANCEL, ids)) == [RequestState.NOT_SENT]
    assert states(await ask_for(client, journal, CANCEL, ids)) == [RequestState.ACCEPTED]


async def test_what_never_reached_the_panel_is_held_back(journal, panel):
    async with AsyncClient(Panel(panel.key, "http://127.0.0.1:9/api/v2"), rate=0) as client:
        with pytest.raises(NeverSentError):
            await ask_for(client, journal, CANCEL, ["501"])
        assert states(known(journal, client.panel.url, CANCEL, ["501"])) == [RequestState.NOT_SENT]


async def test_a_busy_panel_is_asked_again_by_the_retry_policy(journal, panel, place, sandbox, monkeypatch):
    monkeypatch.setattr(retry, "PATIENCE", 3.0)
    ids, pauses = await place(), []

    async def sleep(seconds):
        pauses.append(seconds)

    sandbox.faults({"fault": "429", "action": "cancel", "calls": [1, 2]})
    async with AsyncClient(panel, rate=0, sleep=sleep) as client:
        found = await ask_for(client, journal, CANCEL, ids)
    assert states(found) == [RequestState.ACCEPTED]
    assert sandbox.faults_applied() == [2]
    assert [item.attempt for item in found.values()] == [3]


async def test_a_lost_answer_is_not_asked_again_by_the_retry_policy(journal, panel, place, sandbox, monkeypatch):
    monkeypatch.setattr(retry, "ATTEMPTS", 3)
    ids = await place()
    sandbox.faults({"fault": "drop_after_accept", "action": "cancel"})
    async with AsyncClient(panel, rate=0) as client:
        await ask_for(client, journal, CANCEL, ids)
    assert sandbox.faults_applied() == [1]


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "status"), [("before", 429), ("after", 429), ("before", 200), ("doubled", 200)])
@pytest.mark.parametrize("asking", [CANCEL, REFILL], ids=["cancel", "refill"])
async def test_a_surplus_answer_is_a_doubt_and_left_alone(client, journal, place, sandbox, asking, moment, status):
    ids = await place(2)
    before = sandbox.calls(asking.kind.value)
    sandbox.faults(
        {"fault": "surplus_answer", "moment": moment, "status": status, "action": asking.kind.value, "calls": [1]}
    )
    for _ in range(2):
        assert states(await ask_for(client, journal, asking, ids)) == [RequestState.IN_DOUBT] * 2
    assert sandbox.calls(asking.kind.value) == before + 1


async def test_many_are_asked_for_by_the_hundred(client, journal, sandbox):
    ids = [str(number) for number in range(900_000, 900_250)]
    before = sandbox.calls("cancel")
    found = await ask_for(client, journal, CANCEL, ids)
    assert list(found) == ids
    assert set(states(found)) == {RequestState.REJECTED}
    assert sandbox.calls("cancel") == before + 3


async def test_of_two_processes_one_asks(client, journal, journal_url, place, sandbox):
    ids = await place(3)
    before = sandbox.calls("cancel")
    with Journal(journal_url) as other:
        both = await asyncio.gather(ask_for(client, journal, CANCEL, ids), ask_for(client, other, CANCEL, ids))
    assert sandbox.calls("cancel") == before + 1
    assert any(states(found) == [RequestState.ACCEPTED] * 3 for found in both)


async def test_what_a_dead_process_left_is_a_doubt(client, journal, journal_url, panel, place, sandbox):
    ids = await place()
    with Journal(journal_url) as dying:
        intend(dying, panel, ids)
    before = sandbox.calls("cancel")
    found = await ask_for(client, journal, CANCEL, ids)
    assert states(found) == [RequestState.IN_DOUBT]
    assert found[ids[0]].error == "the process that sent it is gone; it is not known whether the panel accepted it"
    assert sandbox.calls("cancel") == before


async def test_what_a_live_process_is_asking_for_is_left_to_it(client, journal, journal_url, panel, place, sandbox):
    ids = await place()
    before = sandbox.calls("cancel")
    with Journal(journal_url) as alive:
        intend(alive, panel, ids)
        assert states(await ask_for(client, journal, CANCEL, ids)) == [RequestState.SENDING]
    assert sandbox.calls("cancel") == before


async def test_where_the_outcome_cannot_be_written_it_is_a_doubt_for_the_next(
    client, journal, journal_url, place, sandbox, monkeypatch
):
    ids = await place()

    def fail(*_):
        raise JournalError("the disk is full")

    with Journal(journal_url) as dying, monkeypatch.context() as patch:
        patch.setattr(records, "record_outcomes", fail)
        with pytest.raises(JournalError):
            await ask_for(client, dying, CANCEL, ids)
    before = sandbox.calls("cancel")
    assert states(await ask_for(client, journal, CANCEL, ids)) == [RequestState.IN_DOUBT]
    assert sandbox.calls("cancel") == before


def test_a_yes_that_arrives_late_is_kept(journal, journal_url, panel):
    """The process was thought dead, and was only slow."""
    with Journal(journal_url) as slow:
        (item,) = intend(slow, panel, ["501"])
        with journal.transaction() as connection:
            records.mark_in_doubt(connection, lambda _: False, journal.time())
        settle(slow, Settled(item, RequestMove.YES, "77"))
    (found,) = known(journal, panel.url, CANCEL, ["501"]).values()
    assert (found.state, found.answer, found.error) == (RequestState.ACCEPTED, "77", "")


@pytest.mark.parametrize("move", [RequestMove.NO, RequestMove.HELD_BACK, RequestMove.DOUBT])
def test_anything_else_that_arrives_late_changes_nothing(journal, panel, move):
    (item,) = intend(journal, panel, ["501"])
    settle(journal, Settled(item, RequestMove.YES, "77"))
    settle(journal, Settled(item, move, error="late"))
    (found,) = known(journal, panel.url, CANCEL, ["501"]).values()
    assert (found.state, found.answer) == (RequestState.ACCEPTED, "77")


def test_an_intent_is_written_once(journal, panel):
    (item,) = intend(journal, panel, ["501"])
    before = replace(item, state=RequestState.NOT_SENT, attempt=0)
    with journal.transaction() as connection:
        assert records.intend(connection, [before], journal.begin_run(), journal.time()) == []


def test_two_accounts_share_nothing(journal, panel):
    intend(journal, panel, ["501"])
    assert states(known(journal, panel.url, replace(CANCEL, account="other"), ["501"])) == [RequestState.NOT_SENT]


@pytest.mark.parametrize(
    ("answer", "move"),
    [("77", RequestMove.YES), (FollowUpError("Cancel is not available"), RequestMove.NO), (None, RequestMove.DOUBT)],
)
def test_what_an_answer_makes_of_it(answer, move):
    """An id that the answer leaves out may have been taken."""
    assert answered(ITEM, answer).move is move


@pytest.mark.parametrize(
    ("error", "move"),
    [
        (NeverSentError("no connection"), RequestMove.HELD_BACK),
        (BusyError("not now"), RequestMove.HELD_BACK),
        (AccountError("no such key"), RequestMove.HELD_BACK),
        (MalformedCallError("what?"), RequestMove.HELD_BACK),
        (FollowUpError("no such order"), RequestMove.NO),
        (UnknownRefusalError("nein"), RequestMove.NO),
        (LostAnswerError("gone", may_have_taken_effect=True), RequestMove.DOUBT),
        (UnclearAnswerError("502", may_have_taken_effect=True), RequestMove.DOUBT),
        (AccountError("no funds", may_have_taken_effect=True), RequestMove.DOUBT),
        (CallError("?", may_have_taken_effect=True), RequestMove.DOUBT),
    ],
)
def test_what_an_error_of_the_whole_call_makes_of_it(error, move):
    assert failed(ITEM, error).move is move


def test_every_state_has_its_moves_and_money_never_moves_back():
    assert set(MOVES) == set(RequestState)
    assert MOVES[RequestState.ACCEPTED] == MOVES[RequestState.IN_DOUBT] == {}
    assert all(set(moves.values()) <= set(RequestState) for moves in MOVES.values())


def test_an_asking_fits_one_call():
    for kind, calls in ((RequestKind.REFILL, protocol.refills), (RequestKind.CANCEL, protocol.cancel)):
        (call,) = calls([str(number) for number in range(100)])
        assert (call.action, call.effect) == (kind.value, True)
