"""Decide which orders a refill or a cancel is requested for: pure functions of what the journal and the panel know.

A refill is requested for an order that was delivered, of a service that has refills, at most once in 24 hours, and
never while another one of the same order is open. A cancel is requested for an order that is not finished, of a
service that can be canceled, and once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from smmplus.commands import local_time
from smmplus.journal.entry import Entry
from smmplus.journal.refills_and_cancels import FollowUp, RequestKind, RequestState
from smmplus.orders.models import COMPLETE, Service
from smmplus.texts import _

REFILL_PAUSE = timedelta(hours=24)
"""Panels take a refill of an order once a day (https://smm.plus/api documents no limit; seen on panels)."""

_REFILLABLE = COMPLETE | {"partial"}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which orders are requested, and which are not."""

    to_request: list[Entry]
    left_out: list[tuple[Entry, str]]
    """With the reason."""
    earlier: Mapping[str, Sequence[FollowUp]]
    """Order ID -> its requests of this kind, the latest first."""


def select(
    kind: RequestKind,
    entries: Iterable[Entry],
    services: Mapping[str, Service],
    earlier: Mapping[str, Sequence[FollowUp]],
    now: datetime,
    *,
    again: bool = False,
    how_again: str = "",
) -> Selection:
    """Decide for each order. The command line and Airflow choose by this function.

    The parameters are those of `why_no_refill`.
    """
    selected = Selection([], [], earlier)
    for entry in entries:
        service, before = services.get(entry.request.service), earlier.get(entry.order_id or "", ())
        if kind is RequestKind.REFILL:
            reason = why_no_refill(entry, service, before, now, again=again, how_again=how_again)
        else:
            reason = why_no_cancel(entry, service, before, again=again, how_again=how_again)
        if reason:
            selected.left_out.append((entry, reason))
        else:
            selected.to_request.append(entry)
    return selected


def why_no_refill(
    entry: Entry,
    service: Service | None,
    earlier: Sequence[FollowUp],
    now: datetime,
    *,
    again: bool = False,
    how_again: str = "",
) -> str:
    """Return why no refill is requested for an order; "" if one is.

    :param earlier: the requests for refills of this order, the latest first.
    :param again: a person says that a request in doubt did not reach the panel.
    :param how_again: a sentence on how to say that, for the reason of an order with such a request.
    """
    if entry.order_status.casefold() not in _REFILLABLE:
        return _("it is {status!r}, not delivered", status=entry.order_status or entry.state.words)
    if service is None or not service.refill:
        return _("service {service} has no refill", service=entry.request.service)
    if open_one := _open(earlier, again=again, how_again=how_again):
        return open_one
    latest = next((item for item in earlier if item.state is RequestState.ACCEPTED and item.sent_at), None)
    if latest is not None and latest.sent_at and now - datetime.fromisoformat(latest.sent_at) < REFILL_PAUSE:
        return _("a refill was requested at {time}, less than 24 hours ago", time=local_time(latest.sent_at))
    return ""


def why_no_cancel(
    entry: Entry, service: Service | None, earlier: Sequence[FollowUp], *, again: bool = False, how_again: str = ""
) -> str:
    """Return why no cancel is requested for an order; "" if one is. The parameters are those of `why_no_refill`."""
    if entry.order_id is None:
        return _("it is {status!r}, not placed", status=entry.state.words)
    if entry.final:
        return _("it is finished: {status}", status=entry.order_status)
    if service is None or not service.cancel:
        return _("service {service} cannot be canceled", service=entry.request.service)
    if any(item.state is RequestState.ACCEPTED for item in earlier):
        return _("a cancel was requested already")
    return _unsettled(earlier, again=again, how_again=how_again)


def _open(earlier: Sequence[FollowUp], *, again: bool, how_again: str) -> str:
    """Return which refill of an order may still be under way; "" for none."""
    for item in earlier:
        if item.is_open_refill:
            return _("refill {refill} is {status!r}", refill=item.answer, status=item.status or "open")
    return _unsettled(earlier, again=again, how_again=how_again)


def _unsettled(earlier: Sequence[FollowUp], *, again: bool, how_again: str) -> str:
    states = {item.state for item in earlier}
    if RequestState.SENDING in states:
        return _("another process is requesting it")
    if RequestState.IN_DOUBT in states and not again:
        words = _("an earlier request is in doubt: look at the panel's order page")
        return f"{words}. {how_again}" if how_again else words
    return ""


def is_stuck(entry: Entry, since: str | None, now: datetime, age: timedelta) -> bool:
    """Return whether an open order has not changed for so long; `since` is when the panel last said something new."""
    latest = since or entry.settled_at or entry.sent_at
    return not entry.final and latest is not None and now - datetime.fromisoformat(latest) >= age
