"""Orders of a report, made in memory."""

from datetime import UTC, datetime, timedelta

from bulk.report.contents import make_report
from bulk.report.orders import ReportedOrder, Scope
from smmplus.journal.refills_and_cancels import FollowUp, RequestKind, RequestState
from smmplus.journal.state_machine import State
from smmplus.orders.models import Phase, phase
from tests.bulk.plans import entry_of, request

NOW = datetime(2026, 2, 4, 12, tzinfo=UTC)


def ago(**time):
    return (NOW - timedelta(**time)).isoformat(timespec="milliseconds")


def order(order_request=None, currency="USD", changed_at=None, requests=(), charged_in="", **about):
    """Make an order of a report: placed, unless it is said otherwise."""
    wanted = order_request or request()
    defaults = {"state": State.PLACED, "order_id": "501", "polled_at": ago(minutes=5), "currency": charged_in}
    defaults["final"] = phase(about.get("order_status", "")) is Phase.FINAL
    entry = entry_of(wanted, **defaults | about)
    return ReportedOrder(entry, wanted, currency, changed_at, tuple(requests))


def asked(state=RequestState.ACCEPTED, kind=RequestKind.REFILL):
    return (kind, FollowUp(1, "501", state, 1, None, "1", ""))


def reported(*orders, **scope):
    """Make a report of these orders."""
    return make_report(orders, Scope(**scope), NOW)
