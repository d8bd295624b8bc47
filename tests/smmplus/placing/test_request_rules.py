"""Which orders a refill or a cancel is requested for."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from smmplus.journal.refills_and_cancels import FollowUp, RequestKind, RequestState
from smmplus.journal.state_machine import State
from smmplus.orders.models import OrderRequest, Service
from smmplus.placing.request_rules import is_stuck, select, why_no_cancel, why_no_refill

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SERVICE = Service("2", "Likes", "Default", "", None, 1, None, refill=True, cancel=True)
ACCEPTED, REJECTED, IN_DOUBT, SENDING = (
    RequestState.ACCEPTED,
    RequestState.REJECTED,
    RequestState.IN_DOUBT,
    RequestState.SENDING,
)


def order(status="Completed", *, final=True, **about):
    request = OrderRequest.of("2", {"link": "https://example.com", "quantity": 100})
    times = {"settled_at": None, "sent_at": None} | about
    known = {"order_id": "501", "state": State.PLACED} | times
    return SimpleNamespace(order_status=status, final=final, request=request, **known)


def earlier(state, hours=48.0, status=""):
    return FollowUp(1, "501", state, 1, "run", "77", "", (NOW - timedelta(hours=hours)).isoformat(), status)


@pytest.mark.parametrize(
    ("status", "service", "requests", "why"),
    [
        ("Completed", SERVICE, [], ""),
        ("Partial", SERVICE, [], ""),
        ("In progress", SERVICE, [], "not delivered"),
        ("Canceled", SERVICE, [], "not delivered"),
        ("Completed", None, [], "has no refill"),
        ("Completed", Service("2", "Likes", "Default", "", None, 1, None), [], "has no refill"),
        ("Completed", SERVICE, [earlier(ACCEPTED, status="Completed")], ""),
        ("Completed", SERVICE, [earlier(ACCEPTED, status="Rejected")], ""),
        ("Completed", SERVICE, [earlier(ACCEPTED, status="Pending")], "refill 77 is 'Pending'"),
        ("Completed", SERVICE, [earlier(ACCEPTED, status="???")], "refill 77 is '???'"),
        ("Completed", SERVICE, [earlier(ACCEPTED)], "refill 77 is 'open'"),
        ("Completed", SERVICE, [earlier(ACCEPTED, 23.9, "Completed")], "less than 24 hours ago"),
        ("Completed", SERVICE, [earlier(ACCEPTED, 24.0, "Completed")], ""),
        ("Completed", SERVICE, [earlier(REJECTED, 0.1)], ""),
        ("Completed", SERVICE, [earlier(REJECTED, 0.1), earlier(ACCEPTED, 1, "Completed")], "less than 24 hours ago"),
        ("Completed", SERVICE, [earlier(IN_DOUBT)], "is in doubt"),
        ("Completed", SERVICE, [earlier(SENDING)], "another process"),
    ],
)
def test_a_refill(status, service, requests, why):
    said = why_no_refill(order(status), service, requests, NOW)
    assert why in said
    assert bool(why) == bool(said)


@pytest.mark.parametrize(
    ("final", "service", "requests", "why"),
    [
        (False, SERVICE, [], ""),
        (True, SERVICE, [], "it is finished"),
        (False, None, [], "cannot be canceled"),
        (False, Service("2", "Likes", "Default", "", None, 1, None), [], "cannot be canceled"),
        (False, SERVICE, [earlier(ACCEPTED)], "requested already"),
        (False, SERVICE, [earlier(REJECTED)], ""),
        (False, SERVICE, [earlier(IN_DOUBT)], "is in doubt"),
        (False, SERVICE, [earlier(SENDING)], "another process"),
    ],
)
def test_a_cancel(final, service, requests, why):
    said = why_no_cancel(order("Pending", final=final), service, requests)
    assert why in said
    assert bool(why) == bool(said)


def test_a_person_may_request_again_what_is_in_doubt():
    assert why_no_refill(order(), SERVICE, [earlier(IN_DOUBT)], NOW, again=True) == ""
    assert why_no_cancel(order(final=False), SERVICE, [earlier(IN_DOUBT)], again=True) == ""
    assert why_no_cancel(order(final=False), SERVICE, [earlier(SENDING)], again=True) != ""


@pytest.mark.parametrize(
    ("final", "changed", "settled", "stuck"),
    [
        (False, 73, 100, True),
        (False, 71, 100, False),
        (False, None, 73, True),
        (False, None, 71, False),
        (False, None, None, False),
        (True, 100, 100, False),
    ],
)
def test_an_order_without_a_change_for_three_days_is_stuck(final, changed, settled, stuck):
    def ago(hours):
        return None if hours is None else (NOW - timedelta(hours=hours)).isoformat()

    entry = order("Pending", final=final, settled_at=ago(settled))
    assert is_stuck(entry, ago(changed), NOW, timedelta(days=3)) is stuck


def test_an_order_without_an_id_is_not_canceled_and_says_why():
    doubtful = order("", final=False, order_id=None, state=State.IN_DOUBT)
    assert "In doubt" in why_no_cancel(doubtful, SERVICE, [])


@pytest.mark.parametrize(("kind", "final"), [(RequestKind.REFILL, True), (RequestKind.CANCEL, False)])
def test_each_order_is_requested_or_left_out_with_its_reason(kind, final):
    orders = [order(final=final), order(final=final, order_id="502"), order(final=final, order_id="503")]
    before = {"502": [earlier(SENDING)], "503": [earlier(IN_DOUBT)]}
    selected = select(kind, orders, {"2": SERVICE}, before, NOW, how_again="Add --again")
    assert [each.order_id for each in selected.to_request] == ["501"]
    assert [(each.order_id, why.rpartition(". ")[2]) for each, why in selected.left_out] == [
        ("502", "another process is requesting it"),
        ("503", "Add --again"),
    ]
    assert [each.order_id for each in select(kind, orders, {"2": SERVICE}, before, NOW, again=True).to_request] == [
        "501",
        "503",
    ]
