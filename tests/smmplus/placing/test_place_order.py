"""One order under a key: placed once, and taken up whenever it is asked for again; the panel's ledger is the judge."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from smmplus.api import retry
from smmplus.api.async_client import AsyncClient
from smmplus.api.panel import Panel
from smmplus.errors import (
    AccountError,
    CallError,
    JournalConflictError,
    JournalInUseError,
    OrderHeldBackError,
    OrderInDoubtError,
    OrderRefusedError,
)
from smmplus.journal import budgets
from smmplus.journal.backends import sqlite
from smmplus.journal.balances import all_of
from smmplus.journal.entry import Planned
from smmplus.journal.group_commit import Intent
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance.backup_and_move import back_up
from smmplus.journal.maintenance.restore import restore, settle
from smmplus.journal.state_machine import State
from smmplus.placing.place_order import Ticket, known, place_order
from smmplus.reconciliation.balance_evidence import evidence
from tests.databases import on_both, url_of
from tests.smmplus.batches import request_for


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Have each call sent once: the pauses of the retry policy are seconds, and it has tests of its own."""
    monkeypatch.setattr(retry, "ATTEMPTS", 1)


@pytest.fixture
def ticket(link):
    return Ticket("main", "spring", "a task", "the|key", request_for(link, quantity=100))


@pytest.fixture
async def client(panel):
    async with AsyncClient(panel, rate=0) as client:
        yield client


@pytest.fixture
def ordered(sandbox, link):
    return lambda: [order for order in sandbox.orders() if order["link"] == link]


def leave_submitting(journal, panel, ticket):
    """Bring the ticket's entry to where its request is about to leave."""
    campaign = journal.ensure_campaign(journal.ensure_account(panel.url, ticket.account), ticket.campaign)
    batch = journal.open_batch(campaign, ticket.source)
    journal.plan(campaign, batch, [Planned(ticket.key, ticket.request, Decimal("0.09"))], {})
    journal.commit([Intent(journal.with_keys(campaign, [ticket.key])[ticket.key].id)])


async def test_the_same_key_is_the_same_order(client, journal, ticket, ordered):
    entries = [await place_order(client, journal, ticket) for _ in range(3)]
    assert {entry.order_id for entry in entries} == {str(order["order"]) for order in ordered()}
    assert len(ordered()) == 1
    assert (entries[0].state, entries[0].name) == (State.ACCEPTED, "spring/the|key")
    assert entries[0].cost == Decimal("0.09")


@on_both
async def test_another_process_gets_the_same_order(client, journal, journal_url, ticket, ordered):
    first = await place_order(client, journal, ticket)
    with Journal(journal_url) as other:
        assert (await place_order(client, other, ticket)).order_id == first.order_id
    assert len(ordered()) == 1


@on_both
async def test_of_two_at_once_one_places_it(client, journal, journal_url, ticket, ordered):
    with Journal(journal_url) as other:
        both = await asyncio.gather(
            place_order(client, journal, ticket), place_order(client, other, ticket), return_exceptions=True
        )
        for failure in (each for each in both if isinstance(each, Exception)):
            assert isinstance(failure, JournalInUseError), failure
        again = await place_order(client, other, ticket)
    assert len(ordered()) == 1
    assert str(ordered()[0]["order"]) == again.order_id


async def test_another_key_is_another_order(client, journal, ticket, ordered):
    for key in ("one", "other"):
        await place_order(client, journal, replace(ticket, key=key))
    assert len(ordered()) == 2


async def test_the_same_key_for_something_else_is_an_error_that_names_both(client, journal, ticket, ordered):
    await place_order(client, journal, ticket)
    changed = replace(ticket, request=request_for(ticket.request.values["link"], service=2, quantity=200))
    with pytest.raises(JournalConflictError) as raised:
        await place_order(client, journal, changed)
    assert "spring/the|key is an order for something else: service 1," in str(raised.value)
    assert "quantity 100; asked for now: service 2," in str(raised.value)
    assert "quantity 200" in str(raised.value)
    assert len(ordered()) == 1


async def test_what_is_placed_is_told_without_asking_the_panel(client, journal, ticket, panel):
    placed = await place_order(client, journal, ticket)
    gone = Panel("another key", "http://127.0.0.1:9/api/v2")
    assert known(journal, panel.url, ticket).order_id == placed.order_id
    async with AsyncClient(gone, rate=0) as nobody:
        with pytest.raises(CallError):
            await place_order(nobody, journal, ticket)


async def test_a_campaign_in_another_currency_orders_nothing(client, journal, ticket, panel, ordered):
    campaign = journal.ensure_campaign(journal.ensure_account(panel.url, ticket.account), ticket.campaign)
    budgets.hold_to_currency(journal, campaign, "IDR")
    with pytest.raises(JournalConflictError, match=r"campaign 'spring' is in IDR .* balance is in USD now"):
        await place_order(client, journal, ticket)
    assert ordered() == []
    await place_order(client, journal, replace(ticket, campaign="spring in USD"))
    assert [each.currency for each in budgets.all_budgets(journal)] == ["IDR", "USD"]


async def test_a_key_under_another_account_name_orders_nothing(client, journal, ticket, ordered):
    await place_order(client, journal, ticket)
    with pytest.raises(JournalConflictError, match="`smmplus account other --same-as"):
        await place_order(client, journal, replace(ticket, account="other"))
    assert len(ordered()) == 1


async def test_a_refusal_is_told_in_the_panels_words_and_sent_again_when_asked_for_anew(
    client, journal, ticket, sandbox, ordered
):
    sandbox.faults({"fault": "refuse", "action": "add", "text": "Incorrect link"})
    with pytest.raises(OrderRefusedError, match=r"^spring/the\|key .* was refused by the panel: Incorrect link$"):
        await place_order(client, journal, ticket)
    sandbox.faults()
    await place_order(client, journal, ticket)
    assert len(ordered()) == 1


async def test_a_refusal_in_no_list_is_sent_again_only_when_told(client, journal, ticket, sandbox, ordered):
    sandbox.faults({"fault": "translated", "action": "add"})
    for _ in range(2):
        with pytest.raises(OrderRefusedError):
            await place_order(client, journal, ticket)
        sandbox.faults()
    assert ordered() == []
    await place_order(client, journal, ticket, retry_refused=True)
    assert len(ordered()) == 1


@pytest.mark.parametrize("fault", ["drop_after_accept", "http_502", "order_null", "html"])
@pytest.mark.parametrize("retry_refused", [False, True])
async def test_a_doubt_is_never_sent_again(client, journal, ticket, sandbox, ordered, fault, retry_refused):
    chosen = {} if fault == "drop_after_accept" else {"after_accept": True}
    sandbox.faults({"fault": fault, "action": "add", **chosen})
    with pytest.raises(OrderInDoubtError, match=r"spring/the\|key .* is in doubt since \d{4}-.* UTC: "):
        await place_order(client, journal, ticket)
    sandbox.faults()
    before = sandbox.calls("add")
    with pytest.raises(
        OrderInDoubtError,
        match=r"If it was placed: `smmplus resolve 'spring/the\|key' --order-id NUMBER --account main`",
    ):
        await place_order(client, journal, ticket, retry_refused=retry_refused)
    assert sandbox.calls("add") == before
    assert len(ordered()) == 1


@on_both
async def test_what_a_dead_process_left_is_a_doubt(client, journal, journal_url, panel, ticket, ordered):
    with Journal(journal_url) as dying:
        leave_submitting(dying, panel, ticket)
    with pytest.raises(OrderInDoubtError):
        await place_order(client, journal, ticket)
    assert ordered() == []


@on_both
async def test_what_a_live_process_is_sending_is_not_sent(client, journal, journal_url, panel, ticket, ordered):
    with Journal(journal_url) as alive:
        leave_submitting(alive, panel, ticket)
        with pytest.raises(JournalInUseError, match="is being sent by another process: wait for it"):
            await place_order(client, journal, ticket)
    assert ordered() == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"fault": "429"}, "Rate limit exceeded"),
        ({"fault": "refuse", "text": "Not enough funds on balance"}, "Not enough funds"),
        ({"fault": "refuse", "text": "Incorrect API key"}, "Incorrect API key"),
    ],
)
async def test_what_was_held_back_says_why_and_is_placed_later(client, journal, ticket, sandbox, ordered, fault, words):
    sandbox.faults({**fault, "action": "add"})
    with pytest.raises(OrderHeldBackError, match="was not sent: .*" + words):
        await place_order(client, journal, ticket)
    sandbox.faults()
    assert (await place_order(client, journal, ticket)).state is State.ACCEPTED
    assert len(ordered()) == 1


async def test_a_price_that_rose_meanwhile_is_the_price_that_the_budget_counts(client, journal, ticket, sandbox):
    sandbox.faults({"fault": "429", "action": "add"})
    with pytest.raises(OrderHeldBackError):
        await place_order(client, journal, ticket)
    sandbox.faults()
    sandbox.service("1", rate="1.80")
    try:
        assert (await place_order(client, journal, ticket)).cost == Decimal("0.18")
    finally:
        sandbox.service("1", rate="0.90")


async def test_a_budget_is_kept_and_what_is_beyond_it_is_not_sent(client, journal, ticket, ordered):
    await place_order(client, journal, ticket, max_spend=Decimal("0.10"))
    with pytest.raises(OrderHeldBackError, match="was not sent: "):
        await place_order(client, journal, replace(ticket, key="next"), max_spend=Decimal("0.10"))
    assert len(ordered()) == 1


@on_both
async def test_a_budget_that_the_journal_keeps_holds_too(client, journal, ticket, panel, ordered):
    campaign = journal.ensure_campaign(journal.ensure_account(panel.url, "main"), "spring")
    budgets.set_budget(journal, campaign, Decimal("0.10"))
    await place_order(client, journal, ticket)
    with pytest.raises(OrderHeldBackError):
        await place_order(client, journal, replace(ticket, key="next"))
    assert len(ordered()) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"service": 77777}, "service 77777"), ({"quantity": 1}, "quantity"), ({"quantity": "many"}, "quantity")],
)
async def test_what_cannot_be_right_leaves_no_trace(client, journal, ticket, panel, sandbox, wrong, words):
    before = sandbox.calls("add")
    wrong_ticket = replace(ticket, request=request_for(**{"link": ticket.request.values["link"], **wrong}))
    with pytest.raises(OrderRefusedError, match=rf"{words}.*Nothing was sent"):
        await place_order(client, journal, wrong_ticket)
    assert sandbox.calls("add") == before
    assert known(journal, panel.url, wrong_ticket) is None


async def test_a_refused_key_is_an_account_error_and_plans_nothing(journal, ticket, panel):
    async with AsyncClient(replace(panel, key="not-the-key-0123456789"), rate=0) as client:
        with pytest.raises((AccountError, OrderHeldBackError)) as raised:
            await place_order(client, journal, ticket)
    assert "not-the-key" not in str(raised.value)


@on_both
async def test_a_restored_journal_sends_no_key_that_it_does_not_know(client, journal, ticket, tmp_path, ordered):
    back_up(url_of(journal), tmp_path / "backup.sqlite3", "2026-01-01T12:00:00.000+00:00")
    await place_order(client, journal, ticket)
    url = sqlite.url_of(tmp_path / "restored" / "journal.sqlite3")
    restore(tmp_path / "backup.sqlite3", url, "2026-01-02T12:00:00.000+00:00")
    with Journal(url) as restored:
        with pytest.raises(OrderInDoubtError, match="on 2026-01-02 12:00 UTC from a backup of 2026-01-01 12:00 UTC"):
            await place_order(client, restored, ticket)
        assert len(ordered()) == 1
        settle(restored)
        await place_order(client, restored, replace(ticket, key="another|key"))
    assert len(ordered()) == 2


# The balance, as evidence.


def looks(journal, panel):
    with journal.reading() as connection:
        return all_of(connection, journal.ensure_account(panel.url, "main"))


async def test_the_balance_before_an_order_is_written_down(client, journal, panel, ticket):
    await place_order(client, journal, ticket)
    assert len(looks(journal, panel)) == 1


@pytest.mark.parametrize(("fault", "verdict"), [("drop_after_accept", "DEBITED"), ("drop_before_accept", "TOO_EARLY")])
async def test_an_order_in_doubt_has_a_balance_on_either_side(client, journal, panel, sandbox, ticket, fault, verdict):
    sandbox.faults({"fault": fault, "action": "add"})
    with pytest.raises(OrderInDoubtError):
        await place_order(client, journal, ticket)
    (doubt,) = journal.in_doubt()
    assert evidence(journal, [doubt])[doubt.id].verdict.name == verdict


async def test_an_order_that_is_taken_up_reads_no_balance(client, journal, sandbox, ticket):
    await place_order(client, journal, ticket)
    before = sandbox.calls("balance")
    await place_order(client, journal, ticket)
    assert sandbox.calls("balance") == before


@pytest.mark.parametrize("fault", ["http_502", "hang_before_accept", "html", "429"])
async def test_where_the_balance_after_a_doubt_cannot_be_read_the_doubt_is_told(
    client, journal, panel, sandbox, ticket, fault, monkeypatch
):
    monkeypatch.setattr("smmplus.placing.place_order.LOOK_SECONDS", 0.5)
    second = {"fault": fault, "action": "balance", "calls": [2]}
    sandbox.faults({"fault": "drop_after_accept", "action": "add"}, second)
    with pytest.raises(OrderInDoubtError, match="is in doubt since"):
        await place_order(client, journal, ticket)
    assert len(looks(journal, panel)) == 1
