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
    ConfigurationError,
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
from smmplus.journal.maintenance.restore import confirm_restored, restore
from smmplus.journal.state_machine import State
from smmplus.orders.models import OrderRequest
from smmplus.placing.place_order import find_order, place_order
from smmplus.reconciliation.balance_evidence import evidence
from tests.databases import on_both, url_of


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Have each call sent once: the pauses of the retry policy are seconds, and it has tests of its own."""
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    monkeypatch.setattr(retry, "PATIENCE", 0.0)


@pytest.fixture
def order(link):
    return {"account": "main", "campaign": "spring", "key": "the|key", "service": 1, "link": link, "quantity": 100}


@pytest.fixture
async def client(panel):
    async with AsyncClient(panel, rate=0) as client:
        yield client


@pytest.fixture
def ordered(sandbox, link):
    return lambda: [order for order in sandbox.orders() if order["link"] == link]


def campaign_of(journal, panel, order):
    return journal.ensure_campaign(journal.ensure_account(panel.url, order["account"]), order["campaign"])


def request_of(order):
    fields = {name: value for name, value in order.items() if name not in {"account", "campaign", "key", "service"}}
    return OrderRequest.of(order["service"], fields)


def leave_submitting(journal, panel, order):
    """Bring the order's entry to where its request is about to leave."""
    campaign = campaign_of(journal, panel, order)
    batch = journal.open_batch(campaign, "Python")
    journal.plan(campaign, batch, [Planned(order["key"], request_of(order), Decimal("0.09"))], {})
    journal.commit([Intent(journal.with_keys(campaign, [order["key"]])[order["key"]].id)])


async def test_the_same_key_is_the_same_order(client, journal, order, ordered):
    entries = [await place_order(client, journal, **order) for _ in range(3)]
    assert {entry.order_id for entry in entries} == {str(order["order"]) for order in ordered()}
    assert len(ordered()) == 1
    assert (entries[0].state, entries[0].name) == (State.PLACED, "spring/the|key")
    assert entries[0].cost == Decimal("0.09")


@on_both
async def test_another_process_gets_the_same_order(client, journal, journal_url, order, ordered):
    first = await place_order(client, journal, **order)
    with Journal(journal_url) as other:
        assert (await place_order(client, other, **order)).order_id == first.order_id
    assert len(ordered()) == 1


@on_both
async def test_of_two_at_once_one_places_it(client, journal, journal_url, order, ordered):
    with Journal(journal_url) as other:
        both = await asyncio.gather(
            place_order(client, journal, **order), place_order(client, other, **order), return_exceptions=True
        )
        for failure in (each for each in both if isinstance(each, Exception)):
            assert isinstance(failure, JournalInUseError), failure
        again = await place_order(client, other, **order)
    assert len(ordered()) == 1
    assert str(ordered()[0]["order"]) == again.order_id


async def test_another_key_is_another_order(client, journal, order, ordered):
    for key in ("one", "other"):
        await place_order(client, journal, **order | {"key": key})
    assert len(ordered()) == 2


async def test_the_same_key_for_something_else_is_an_error_that_names_both(client, journal, order, ordered):
    await place_order(client, journal, **order)
    changed = order | {"service": 2, "quantity": 200}
    with pytest.raises(JournalConflictError) as raised:
        await place_order(client, journal, **changed)
    first, second = str(raised.value).split("This call asks for")
    assert all(words in first for words in ("spring/the|key", "service 1,", "quantity 100"))
    assert all(words in second for words in ("service 2,", "quantity 200", "Nothing was sent"))
    assert len(ordered()) == 1


async def test_what_is_placed_is_told_without_asking_the_panel(client, journal, order, panel):
    placed = await place_order(client, journal, **order)
    gone = Panel("another key", "http://127.0.0.1:9/api/v2")
    assert (
        find_order(journal, campaign_of(journal, panel, order), order["key"], request_of(order)).order_id
        == placed.order_id
    )
    async with AsyncClient(gone, rate=0) as nobody:
        with pytest.raises(CallError):
            await place_order(nobody, journal, **order)


async def test_a_campaign_in_another_currency_orders_nothing(client, journal, order, panel, ordered):
    campaign = campaign_of(journal, panel, order)
    budgets.hold_to_currency(journal, campaign, "IDR")
    with pytest.raises(JournalConflictError, match=r"campaign 'spring' is in IDR .* balance is in USD now"):
        await place_order(client, journal, **order)
    assert ordered() == []
    await place_order(client, journal, **order | {"campaign": "spring in USD"})
    assert [each.currency for each in budgets.all_budgets(journal)] == ["IDR", "USD"]


async def test_a_key_under_another_account_name_orders_nothing(client, journal, order, ordered):
    await place_order(client, journal, **order)
    with pytest.raises(JournalConflictError, match="`smmplus account other --same-as"):
        await place_order(client, journal, **order | {"account": "other"})
    assert len(ordered()) == 1


async def test_a_refusal_is_told_in_the_panels_words_and_sent_again_when_asked_for_anew(
    client, journal, order, sandbox, ordered
):
    sandbox.faults({"fault": "refuse", "action": "add", "text": "Incorrect link"})
    with pytest.raises(OrderRefusedError, match=r"^spring/the\|key .* was rejected by the panel: Incorrect link$"):
        await place_order(client, journal, **order)
    sandbox.faults()
    await place_order(client, journal, **order)
    assert len(ordered()) == 1


async def test_a_refusal_in_no_list_is_sent_again_only_when_told(client, journal, order, sandbox, ordered):
    sandbox.faults({"fault": "translated", "action": "add"})
    for _ in range(2):
        with pytest.raises(OrderRefusedError):
            await place_order(client, journal, **order)
        sandbox.faults()
    assert ordered() == []
    await place_order(client, journal, **order, retry_refused=True)
    assert len(ordered()) == 1


@pytest.mark.parametrize("fault", ["drop_after_accept", "http_502", "order_null", "html"])
@pytest.mark.parametrize("retry_refused", [False, True])
async def test_a_doubt_is_never_sent_again(client, journal, order, sandbox, ordered, fault, retry_refused):
    chosen = {} if fault == "drop_after_accept" else {"after_accept": True}
    sandbox.faults({"fault": fault, "action": "add", **chosen})
    with pytest.raises(OrderInDoubtError, match=r"spring/the\|key .* is in doubt since \d+ \w+ \d{4}, [\d:]+ UTC: "):
        await place_order(client, journal, **order)
    sandbox.faults()
    before = sandbox.calls("add")
    with pytest.raises(
        OrderInDoubtError,
        match=r"If it was placed: `smmplus resolve 'spring/the\|key' --order-id NUMBER --account main`",
    ):
        await place_order(client, journal, **order, retry_refused=retry_refused)
    assert sandbox.calls("add") == before
    assert len(ordered()) == 1


@on_both
async def test_what_a_dead_process_left_is_a_doubt(client, journal, journal_url, panel, order, ordered):
    with Journal(journal_url) as dying:
        leave_submitting(dying, panel, order)
    with pytest.raises(OrderInDoubtError):
        await place_order(client, journal, **order)
    assert ordered() == []


@on_both
async def test_what_a_live_process_is_sending_is_not_sent(client, journal, journal_url, panel, order, ordered):
    with Journal(journal_url) as alive:
        leave_submitting(alive, panel, order)
        with pytest.raises(JournalInUseError, match="is being sent by another process"):
            await place_order(client, journal, **order)
    assert ordered() == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"fault": "429"}, "Rate limit exceeded"),
        ({"fault": "refuse", "text": "Not enough funds on balance"}, "Not enough funds"),
        ({"fault": "refuse", "text": "Incorrect API key"}, "Incorrect API key"),
    ],
)
async def test_what_was_held_back_says_why_and_is_placed_later(client, journal, order, sandbox, ordered, fault, words):
    sandbox.faults({**fault, "action": "add"})
    with pytest.raises(OrderHeldBackError, match="was not sent: .*" + words):
        await place_order(client, journal, **order)
    sandbox.faults()
    assert (await place_order(client, journal, **order)).state is State.PLACED
    assert len(ordered()) == 1


async def test_a_price_that_rose_meanwhile_is_the_price_that_the_budget_counts(client, journal, order, sandbox):
    sandbox.faults({"fault": "429", "action": "add"})
    with pytest.raises(OrderHeldBackError):
        await place_order(client, journal, **order)
    sandbox.faults()
    sandbox.service("1", rate="1.80")
    try:
        assert (await place_order(client, journal, **order)).cost == Decimal("0.18")
    finally:
        sandbox.service("1", rate="0.90")


async def test_a_budget_is_kept_and_what_is_beyond_it_is_not_sent(client, journal, order, ordered):
    await place_order(client, journal, **order, max_spend=Decimal("0.10"))
    with pytest.raises(OrderHeldBackError, match="was not sent: "):
        await place_order(client, journal, **order | {"key": "next"}, max_spend=Decimal("0.10"))
    assert len(ordered()) == 1


@on_both
async def test_a_budget_that_the_journal_keeps_holds_too(client, journal, order, panel, ordered):
    campaign = journal.ensure_campaign(journal.ensure_account(panel.url, "main"), "spring")
    budgets.set_budget(journal, campaign, Decimal("0.10"))
    await place_order(client, journal, **order)
    with pytest.raises(OrderHeldBackError):
        await place_order(client, journal, **order | {"key": "next"})
    assert len(ordered()) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"service": 77777}, "service 77777"), ({"quantity": 1}, "quantity"), ({"quantity": "many"}, "quantity")],
)
async def test_what_cannot_be_right_leaves_no_trace(client, journal, order, panel, sandbox, wrong, words):
    before = sandbox.calls("add")
    wrong_order = {**order, "quantity": 1000, **wrong}
    with pytest.raises(OrderRefusedError, match=rf"Nothing was sent.*{words}"):
        await place_order(client, journal, **wrong_order)
    assert sandbox.calls("add") == before
    assert journal.with_keys(campaign_of(journal, panel, order), [order["key"]]) == {}


async def test_a_refused_key_is_an_account_error_and_plans_nothing(journal, order, panel):
    async with AsyncClient(replace(panel, key="not-the-key-0123456789"), rate=0) as client:
        with pytest.raises((AccountError, OrderHeldBackError)) as raised:
            await place_order(client, journal, **order)
    assert "not-the-key" not in str(raised.value)


@on_both
async def test_a_restored_journal_sends_no_key_that_it_does_not_know(client, journal, order, tmp_path, ordered):
    back_up(url_of(journal), tmp_path / "backup.sqlite3", "2026-01-01T12:00:00.000+00:00")
    await place_order(client, journal, **order)
    url = sqlite.url_of(tmp_path / "restored" / "journal.sqlite3")
    restore(tmp_path / "backup.sqlite3", url, "2026-01-02T12:00:00.000+00:00")
    with Journal(url) as restored:
        with pytest.raises(OrderInDoubtError, match="on 2 Jan 2026, 12:00 UTC from a backup of 1 Jan 2026, 12:00 UTC"):
            await place_order(client, restored, **order)
        assert len(ordered()) == 1
        confirm_restored(restored)
        await place_order(client, restored, **order | {"key": "another|key"})
    assert len(ordered()) == 2


# The balance, as evidence.


def looks(journal, panel):
    with journal.reading() as connection:
        return all_of(connection, journal.ensure_account(panel.url, "main"))


async def test_the_balance_before_an_order_is_written_down(client, journal, panel, order):
    await place_order(client, journal, **order)
    assert len(looks(journal, panel)) == 1


@pytest.mark.parametrize(("fault", "verdict"), [("drop_after_accept", "DEBITED"), ("drop_before_accept", "TOO_EARLY")])
async def test_an_order_in_doubt_has_a_balance_on_either_side(client, journal, panel, sandbox, order, fault, verdict):
    sandbox.faults({"fault": fault, "action": "add"})
    with pytest.raises(OrderInDoubtError):
        await place_order(client, journal, **order)
    (doubt,) = journal.in_doubt()
    assert evidence(journal, [doubt])[doubt.id].verdict.name == verdict


async def test_an_order_that_is_taken_up_reads_no_balance(client, journal, sandbox, order):
    await place_order(client, journal, **order)
    before = sandbox.calls("balance")
    await place_order(client, journal, **order)
    assert sandbox.calls("balance") == before


@pytest.mark.parametrize("fault", ["http_502", "hang_before_accept", "html", "429"])
async def test_where_the_balance_after_a_doubt_cannot_be_read_the_doubt_is_told(
    client, journal, panel, sandbox, order, fault, monkeypatch
):
    monkeypatch.setattr("smmplus.placing.place_order.BALANCE_SECONDS", 0.5)
    second = {"fault": fault, "action": "balance", "calls": [2]}
    sandbox.faults({"fault": "drop_after_accept", "action": "add"}, second)
    with pytest.raises(OrderInDoubtError, match="is in doubt since"):
        await place_order(client, journal, **order)
    assert len(looks(journal, panel)) == 1


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"key": " "}, "key ' '"),
        ({"key": "invoice/1"}, "key 'invoice/1'"),
        ({"campaign": ""}, "campaign ''"),
        ({"max_spend": 0.1}, "max_spend is 0.1"),
        ({"max_spend": Decimal("NaN")}, "max_spend"),
    ],
)
async def test_what_cannot_name_or_bound_an_order_is_an_error_before_any_call(
    client, journal, order, sandbox, wrong, named
):
    before = sandbox.calls("add"), sandbox.calls("services")
    with pytest.raises(ConfigurationError, match=named):
        await place_order(client, journal, **order | wrong)
    assert (sandbox.calls("add"), sandbox.calls("services")) == before
