"""Decide which orders a refill or a cancel is requested for: pure functions of what the journal and the panel know.

A refill is requested for an order that was delivered, of a service that has refills, at most once in 24 hours, and
never while another one of the same order is open. A cancel is requested for an order that is not finished, of a
service that can be canceled, and once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from smmplus.commands import local_time
from smmplus.journal.entry import Entry
from smmplus.journal.refills_and_cancels import FollowUp, RequestState
from smmplus.orders.models import COMPLETE, Service
from smmplus.texts import _

REFILL_PAUSE = timedelta(hours=24)
"""Panels take a refill of an order once a day (https://smm.plus/api documents no limit; seen on panels)."""

_REFILLABLE = COMPLETE | {"partial"}


def why_no_refill(
    entry: Entry, service: Service | None, earlier: Sequence[FollowUp], now: datetime, *, again: bool = False
) -> str:
    """Return why no refill is requested for an order; "" if one is.

    :param earlier: the requests for refills of this order, the latest first.
    :param again: a person says that a request in doubt did not reach the panel.
    """
    if entry.order_status.casefold() not in _REFILLABLE:
        return _("it is {status!r}, not delivered", status=entry.order_status or entry.state.words)
    if service is None or not service.refill:
        return _("service {service} has no refill", service=entry.request.service)
    if open_one := _open(earlier, again=again):
        return open_one
    latest = next((item for item in earlier if item.state is RequestState.ACCEPTED and item.sent_at), None)
    if latest is not None and latest.sent_at and now - datetime.fromisoformat(latest.sent_at) < REFILL_PAUSE:
        return _("a refill was requested at {time}, less than 24 hours ago", time=local_time(latest.sent_at))
    return ""


def why_no_cancel(entry: Entry, service: Service | None, earlier: Sequence[FollowUp], *, again: bool = False) -> str:
    """Return why no cancel is requested for an order; "" if one is. The parameters are those of `why_no_refill`."""
    if entry.final:
        return _("it is finished: {status}", status=entry.order_status)
    if service is None or not service.cancel:
        return _("service {service} cannot be canceled", service=entry.request.service)
    if any(item.state is RequestState.ACCEPTED for item in earlier):
        return _("a cancel was requested already")
    return _unsettled(earlier, again=again)


def _open(earlier: Sequence[FollowUp], *, again: bool) -> str:
    """Return which refill of an order may still be under way; "" for none."""
    for item in earlier:
        if item.is_open_refill:
            return _("refill {refill} is {status!r}", refill=item.answer, status=item.status or "open")
    return _unsettled(earlier, again=again)


def _unsettled(earlier: Sequence[FollowUp], *, again: bool) -> str:
    states = {item.state for item in earlier}
    if RequestState.SENDING in states:
        return _("another process is requesting it")
    if RequestState.IN_DOUBT in states and not again:
        return _("an earlier request is in doubt: look at the panel's order page. To request it again, add --again")
    return ""


def is_stuck(entry: Entry, since: str | None, now: datetime, age: timedelta) -> bool:
    """Return whether an open order has not changed for so long; `since` is when the panel last said something new."""
    latest = since or entry.settled_at or entry.sent_at
    return not entry.final and latest is not None and now - datetime.fromisoformat(latest) >= age
