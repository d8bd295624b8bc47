"""What needs attention, the most urgent first, each with what it means for money and what to do."""

from decimal import Decimal

import pytest

from smmplus.journal.refills_and_cancels import RequestState
from smmplus.journal.state_machine import State
from tests.bulk.plans import request
from tests.bulk.report.reported import ago, asked, order, reported

ENDED = {"final": True, "order_status": "Completed"}


def attention(*orders, **scope):
    return reported(*orders, **scope).attention


def only(*orders, **scope):
    (found,) = attention(*orders, **scope)
    return found


def test_nothing_needs_attention():
    assert attention(order(**ENDED), order(order_status="In progress", sent_at=ago(hours=1))) == []


def test_doubt_comes_first_with_its_amounts_and_the_command():
    doubts = [
        order(state=State.IN_DOUBT, order_id=None, cost=Decimal("1.5")),
        order(state=State.IN_DOUBT, order_id=None, cost=Decimal(5000), currency="IDR"),
    ]
    rejected = order(state=State.REJECTED, order_id=None, error="Bad link")
    first, second = attention(rejected, *doubts)
    assert (first.kind, first.orders, first.urgent, first.command) == ("in_doubt", 2, True, "smmplus doubts")
    assert first.words.startswith("2 orders in doubt, for 1.50 USD and 5000.00 IDR: ")
    assert (second.words, second.urgent) == ("1 order rejected, at no cost: Bad link", False)


def test_rejections_are_listed_by_their_reasons_the_most_frequent_first():
    reasons = ["Bad link"] + [f"reason {number}" for number in range(6)] + ["Bad link"]
    found = attention(*(order(state=State.REJECTED, order_id=None, error=reason) for reason in reasons))
    assert [each.orders for each in found] == [2, 1, 1, 1, 1, 2]
    assert found[-1].words == "2 orders with other errors: see the list of orders."


def test_two_orders_for_one_row_are_shown():
    one = order(**ENDED, error="two orders for one row: 501 and 502")
    assert only(one).words == "Placed, with an error (501): two orders for one row: 501 and 502"


@pytest.mark.parametrize(("charge", "kind"), [("0.15", "not_refunded"), ("0.05", "cut_short"), ("0", "cut_short")])
def test_an_order_that_was_cut_short_is_refunded_or_not(charge, kind):
    one = order(final=True, order_status="Canceled", cost=Decimal("0.15"), charge=Decimal(charge))
    assert only(one).kind == kind


def test_requests_in_doubt_are_urgent():
    found = only(order(**ENDED, requests=[asked(RequestState.IN_DOUBT)]))
    assert (found.kind, found.urgent) == ("request_in_doubt", True)
    assert attention(order(**ENDED, requests=[asked(RequestState.REJECTED)])) == []


def test_open_orders_without_a_change_for_days_are_stuck():
    stuck = order(order_status="In progress", changed_at=ago(days=3))
    moving = order(order_status="In progress", changed_at=ago(days=2), sent_at=ago(days=9))
    found = only(stuck, moving)
    assert (found.kind, found.orders) == ("stuck", 1)
    assert found.command == "smmplus cancel --campaign week --stuck-for 3d"


def test_statuses_that_were_never_read_or_long_ago_are_asked_for():
    never, old = order(polled_at=None, sent_at=ago(hours=1)), order(polled_at=ago(days=1), sent_at=ago(days=1))
    first, second = attention(never, old)
    assert (first.kind, second.kind) == ("not_checked", "old_status")
    assert first.command == second.command == "smmplus status --campaign week"
    assert "from 3 Feb 2026, 12:00 UTC or later" in second.words


def test_commands_are_those_of_the_sheet_of_the_campaign_or_of_all_orders():
    never = order(polled_at=None, sent_at=ago(hours=1))
    other = order(request(), polled_at=None, sent_at=ago(hours=1), campaign="other")
    elsewhere = order(request(), polled_at=None, sent_at=ago(hours=1), account="shop")
    assert only(never, sheet="a week.csv").command == "smmplus status 'a week.csv'"
    assert only(never, sheet="a.csv", campaigns=("x",)).command == "smmplus status a.csv --campaign x"
    assert only(never, other).command == "smmplus status --all"
    assert only(elsewhere).command == "smmplus status --campaign week --account shop"
    assert only(never, elsewhere).command == ""


def test_orders_that_are_planned_are_not_lost():
    found = only(order(state=State.NOT_SENT, order_id=None, sent_at=None))
    assert (found.kind, found.words) == ("not_sent", "1 order planned and not sent. The next run sends them.")


def test_the_list_begins_with_what_needs_attention_and_then_has_the_latest_first():
    early, late = order(**ENDED, sent_at=ago(days=2)), order(**ENDED, sent_at=ago(days=1))
    doubt = order(state=State.IN_DOUBT, order_id=None, sent_at=ago(days=9))
    assert list(reported(early, doubt, late).orders) == [doubt, late, early]
