"""A sheet is looked up in the journal once, and what is met in two ways is one entry."""

from decimal import Decimal

from smmplus.journal.lookup import look_up
from smmplus.journal.queries import (
    campaign_currencies,
    campaigns_named,
    count,
    of_report,
    open_of_account,
    ordered_services,
    page_of_batch,
    status_changes_of,
)
from smmplus.journal.refills_and_cancels import RequestKind, RequestState, asked, of_entries
from smmplus.journal.state_machine import State
from smmplus.orders.models import OrderStatus
from tests.smmplus.batches import Batch, request_for


def test_what_is_met_in_three_ways_is_one_and_the_same(batch):
    entry = batch.accepted("501")
    found = look_up(batch.journal, batch.account, ["501"], [entry.fingerprint], batch.id)
    assert found.by_order_id["501"] is found.by_fingerprint[0] is found.of_batch[0]
    assert found.of_batch == [entry]


def test_each_way_finds_what_the_others_do_not(batch):
    by_id = batch.accepted("501")
    other = batch.plan(request=request_for(link="https://example.com/other"))[0]
    found = look_up(batch.journal, batch.account, ["501", "999"], [other.fingerprint], None)
    assert (found.by_order_id, found.by_fingerprint, found.of_batch) == ({"501": by_id}, [other], [])


def test_a_batch_comes_in_the_order_in_which_it_was_planned(batch):
    planned = batch.plan(601)
    found = look_up(batch.journal, batch.account, [], [planned[-1].fingerprint], batch.id)
    assert [entry.id for entry in found.of_batch] == [entry.id for entry in planned]


def test_what_needs_a_person_comes_first_and_all_are_counted(batch):
    placed, doubt, waiting = batch.accepted("501"), batch.in_doubt(), batch.plan()[0]
    batch.journal.record_statuses({placed.id: OrderStatus("Completed", None, None, 0, "USD")}, {placed.id: "501"})
    others = Batch(batch.journal, campaign="autumn", source="other.xlsx")
    others.plan(2)
    with batch.journal.reading() as connection:
        pages = [page_of_batch(connection, batch.id, first, 2) for first in (0, 2, 4)]
        counted, all_counted = count(connection, batch.id), count(connection)
    assert [[entry.id for entry in page] for page in pages] == [[doubt.id, waiting.id], [placed.id], []]
    assert {(each.state, each.order_status, each.is_final, each.orders) for each in counted} == {
        (State.PLACED, "Completed", True, 1),
        (State.IN_DOUBT, "", False, 1),
        (State.NOT_SENT, "", False, 1),
    }
    assert [each.orders for each in all_counted if each.campaign_id == others.campaign] == [2]


def test_another_account_s_orders_are_not_found(journal):
    stranger = Batch(journal, account="stranger")
    entry = stranger.accepted("501")
    found = look_up(
        journal, journal.ensure_account("https://smm.plus/api/v2", "main"), ["501"], [entry.fingerprint], None
    )
    assert (found.by_order_id, found.by_fingerprint) == ({}, [])


def test_what_the_panel_says_of_an_order_is_kept_where_it_changes(batch):
    entry = batch.accepted("501")
    pending = OrderStatus("Pending", None, None, 100, "USD")
    started = OrderStatus("In progress", Decimal("0.10"), 7, 60, "USD")
    for status in (pending, pending, started, started, OrderStatus("Completed", Decimal("0.1"), 7, 0, "USD")):
        batch.journal.record_statuses({entry.id: status})
    with batch.journal.reading() as connection:
        changes = status_changes_of(connection, [entry.id])[entry.id]
    assert [(each.order_status, each.charge, each.start_count, each.remains) for each in changes] == [
        ("Pending", None, None, "100"),
        ("In progress", Decimal("0.10"), "7", "60"),
        ("Completed", Decimal("0.1"), "7", "0"),
    ]


def test_open_orders_of_an_account_are_those_that_are_placed_and_not_finished(journal):
    mine, stranger = Batch(journal), Batch(journal, account="stranger")
    (finished, running) = mine.accepted("501"), mine.accepted("502")
    mine.plan(request=request_for("https://example.com/3"))
    stranger.accepted("503")
    journal.record_statuses({finished.id: OrderStatus("Completed", None, None, None, "")})
    with journal.reading() as connection:
        assert [each.id for each in open_of_account(connection, mine.account)] == [running.id]


def test_the_services_that_an_account_ordered_are_known_with_their_campaigns(journal):
    mine, other, stranger = Batch(journal), Batch(journal, "other"), Batch(journal, "elsewhere", account="stranger")
    mine.accepted("501")
    other.accepted("502")
    mine.plan(request=request_for(service="9"))
    stranger.accepted("503")
    with journal.reading() as connection:
        assert ordered_services(connection, mine.account) == {"1": {"spring", "other"}}


def test_the_orders_of_a_report_are_those_of_an_account_of_campaigns_and_of_a_period(journal):
    spring, summer = Batch(journal), Batch(journal, campaign="summer")
    stranger = Batch(journal, account="stranger")
    entries = [batch.accepted(str(500 + number)) for number, batch in enumerate((spring, summer, stranger))]
    (unsent,) = spring.plan()

    def found(account=None, campaigns=None, since=None, until=None):
        with journal.reading() as connection:
            return [entry.id for entry in of_report(connection, account, campaigns, since, until)]

    first, second, third = (entry.id for entry in entries)
    assert found() == [first, second, third, unsent.id]
    assert found(spring.account) == [first, second, unsent.id]
    assert found(campaigns=[summer.campaign, stranger.campaign]) == [second, third]
    assert found(campaigns=[]) == []
    at = spring.now(entries[0]).sent_at
    assert first in found(since=at)
    assert unsent.id not in found(since=at)
    assert found(until=at) == []


def test_campaigns_are_found_by_name_in_one_account_or_in_all(journal):
    mine, stranger = Batch(journal, campaign="Spring"), Batch(journal, account="stranger", campaign="spring ")
    with journal.reading() as connection:
        assert campaigns_named(connection, None, " SPRING") == [mine.campaign, stranger.campaign]
        assert campaigns_named(connection, stranger.account, "spring") == [stranger.campaign]
        assert campaigns_named(connection, None, "none") == []
        assert campaign_currencies(connection) == {mine.campaign: "", stranger.campaign: ""}


def test_refills_and_cancels_are_found_by_the_entries_of_their_orders(journal):
    mine, stranger = Batch(journal), Batch(journal, account="stranger")
    entry, other = mine.accepted("501"), stranger.accepted("501")
    with journal.transaction() as connection:
        for kind in RequestKind:
            asked(connection, mine.account, kind, "a day", ["501"])
    with journal.reading() as connection:
        found = of_entries(connection, [entry.id, other.id])
    assert [(kind, item.order_id, item.state) for kind, item in found[entry.id]] == [
        (RequestKind.REFILL, "501", RequestState.NOT_SENT),
        (RequestKind.CANCEL, "501", RequestState.NOT_SENT),
    ]
    assert list(found) == [entry.id]
