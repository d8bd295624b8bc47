import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from smmplus.api.async_client import AsyncClient
from smmplus.errors import (
    AccountError,
    AddressError,
    BusyError,
    FollowUpError,
    LostAnswerError,
    UnknownRefusalError,
    UnreadableAnswerError,
)
from smmplus.journal.group_commit import Intent
from smmplus.journal.state_machine import Event, Outcome
from smmplus.orders.models import OrderStatus
from smmplus.placing.tracking import LONGEST_PAUSE, next_pause, not_understood, open_orders, poll
from tests.smmplus.api.client_facts import panel_at
from tests.smmplus.batches import request_for
from tests.smmplus.wire import RawServer, http


def test_only_orders_that_may_still_change_are_open(batch):
    accepted, doubtful = batch.accepted("501"), batch.in_doubt()
    final = replace(batch.accepted("502"), final=True)
    assert open_orders([accepted, doubtful, final]) == {"501": accepted.id}


@pytest.mark.parametrize(
    ("pause", "moved", "wanted"),
    [(60.0, True, 60.0), (60.0, False, 90.0), (500.0, False, LONGEST_PAUSE), (500.0, True, 60.0)],
)
def test_the_pause_grows_by_half_while_nothing_moves(pause, moved, wanted):
    assert next_pause(pause, 60.0, moved=moved) == wanted


def test_a_pause_that_was_asked_for_is_never_shortened():
    assert next_pause(900.0, 900.0, moved=False) == 900.0


@pytest.mark.e2e
async def test_what_the_panel_says_is_written_down_and_given(sandbox, panel, batch, link):
    (entry,) = batch.plan(request=request_for(link))
    async with AsyncClient(panel, rate=0.0) as client:
        order_id = await client.add_order(entry.request)
        batch.settle(batch.intend(entry), Event.ORDER_ID, order_id)
        sandbox.advance(3600)
        found, _ = await poll(client, batch.journal, {order_id: entry.id})
    now = batch.now(entry)
    assert (found[entry.id].status, now.order_status, now.final, str(now.charge)) == (
        "Completed",
        "Completed",
        True,
        "0.9",
    )


@pytest.mark.e2e
async def test_what_the_panel_refuses_or_leaves_out_changes_nothing(batch):
    refused, missing = batch.accepted("501"), batch.accepted("502")
    with RawServer(lambda _: http({"501": {"error": "Incorrect order ID"}, "503": {"status": "Completed"}})) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client:
            found, _ = await poll(client, batch.journal, {"501": refused.id, "502": missing.id})
    assert ({entry: type(answer) for entry, answer in found.items()}) == {refused.id: FollowUpError}
    assert (batch.now(refused), batch.now(missing)) == (refused, missing)


@pytest.mark.e2e
async def test_one_bad_id_that_makes_a_panel_refuse_a_whole_batch_costs_the_others_nothing(batch):
    """Seen on panels: a batch with one top-level error and HTTP 200."""
    entries = {str(number): batch.accepted(str(number)).id for number in range(501, 511)}

    def answer(request):
        ids = (request.fields.get("orders") or request.fields["order"]).split(",")
        status = {"status": "Completed", "charge": "1", "start_count": "1", "remains": "0", "currency": "USD"}
        return http({"error": "Incorrect order ID"} if "507" in ids else dict.fromkeys(ids, status))

    with RawServer(answer) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client:
            found, _ = await poll(client, batch.journal, entries)
    refused = [order_id for order_id, entry in entries.items() if isinstance(found[entry], FollowUpError)]
    assert (len(found), refused) == (10, ["507"])


class FakeClient:
    """Answers a call by the first order that it asks for: a status for each of its orders, or an error."""

    def __init__(self, faults):
        self._faults = faults
        self.cancelled = 0

    async def order_statuses(self, ids):
        fault = self._faults.get(ids[0])
        if fault == "never":
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled += 1
        if fault == "late":
            await asyncio.sleep(0.05)  # the fault of another call comes first
        if isinstance(fault, Exception):
            raise fault
        return {order_id: OrderStatus("Completed", Decimal(1), 0, 0, "USD") for order_id in ids}


@pytest.fixture
def three_hundred(batch):
    """Orders 1000 to 1299 in the journal: order id -> entry."""
    attempts = batch.journal.commit([Intent(entry.id) for entry in batch.plan(300)])
    ids = [str(1000 + at) for at in range(300)]
    batch.journal.commit(
        [Outcome(attempt.entry, attempt.number, Event.ORDER_ID, order_id)
         for attempt, order_id in zip(attempts, ids, strict=True)]
    )  # fmt: skip
    return {order_id: attempt.entry for order_id, attempt in zip(ids, attempts, strict=True)}


@pytest.mark.parametrize("kind", [UnknownRefusalError, UnreadableAnswerError])
async def test_a_call_that_is_refused_or_unreadable_costs_its_own_hundred_and_no_others(batch, three_hundred, kind):
    faults = {"1000": kind("declined"), "1200": "late"}
    found, fault = await poll(FakeClient(faults), batch.journal, three_hundred)
    assert (len(found), str(fault)) == (200, "declined")
    final = [order_id for order_id, entry in three_hundred.items() if batch.journal.with_ids([entry])[entry].final]
    assert final == [str(at) for at in range(1100, 1300)]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            OrderStatus("Вручную", None, None, None, ""),
            ["unknown order status 'Вручную': its orders count as unfinished"],
        ),
        (
            OrderStatus("Pending", None, None, None, "", "charge '1,234'"),
            ["the panel's charge '1,234' cannot be read: nothing is computed from it"],
        ),
        (OrderStatus("Pending", None, None, None, ""), []),
    ],
)
def test_what_is_not_understood_is_named_once(status, words):
    assert not_understood([status, status, FollowUpError("Incorrect order ID")]) == words


@pytest.mark.parametrize("status", [404, 405])
async def test_an_address_that_is_wrong_is_raised(batch, status):
    entry = batch.accepted("501")
    with RawServer(lambda _: http(b"", status)) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client:
            with pytest.raises(AddressError):
                await poll(client, batch.journal, {"501": entry.id})
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [LostAnswerError("no answer"), BusyError("too many requests")])
async def test_a_fault_that_concerns_all_ends_the_round_and_what_was_answered_is_kept(batch, three_hundred, fault):
    client = FakeClient({"1100": fault, "1200": "never"})
    found, told = await poll(client, batch.journal, three_hundred)
    assert (len(found), told, client.cancelled) == (100, fault, 1)


async def test_an_account_that_is_refused_is_raised_when_what_was_answered_is_kept(batch, three_hundred):
    faults = {"1100": AccountError("Invalid API key"), "1200": UnknownRefusalError("declined")}
    with pytest.raises(AccountError, match="Invalid API key"):
        await poll(FakeClient(faults), batch.journal, three_hundred)
    first = three_hundred["1000"]
    assert batch.journal.with_ids([first])[first].final


async def test_a_mistake_of_ours_is_raised(batch, three_hundred):
    with pytest.raises(ZeroDivisionError):
        await poll(FakeClient({"1100": ZeroDivisionError()}), batch.journal, three_hundred)
