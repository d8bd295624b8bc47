"""The actions on existing orders: status, refill, refill_status and cancel."""

import zlib

from smmplus.sandbox import lifecycle, money
from smmplus.sandbox.calls import Asked, Result, find_order, ids, number, or_error, takes_one
from smmplus.sandbox.catalogue import Service
from smmplus.sandbox.lifecycle import apply, net_charge
from smmplus.sandbox.records import CancelRequested, Event, Order, Refill, RefillRequested, Refusal, State

REFILL_LIFE = ((0.0, "Pending"), (60.0, "In progress"))
REFILL_SECONDS = 600.0
COMPLETED = "Completed"
REJECTED = "Rejected"
_DAY = 86_400.0


def status_of_refill(refill: Refill, now: float) -> str:
    """Return the refill's status word."""
    age = now - refill.asked_at
    return refill.ends if age >= REFILL_SECONDS else lifecycle.phase(REFILL_LIFE, age)


def is_open(refill: Refill, now: float) -> bool:
    """Return whether the refill has not ended."""
    return now < refill.asked_at + REFILL_SECONDS


def check(order: Order, service: Service | None, latest: Refill | None, now: float) -> None:
    """Raise Refusal unless a refill of the order may be asked for now.

    The service must offer refills, the order must be completed and inside the service's days, and its latest refill
    must have ended.
    """
    if service is None or not service.refill:
        raise Refusal("Refill is disabled for this service")
    if lifecycle.status(order, now) != lifecycle.COMPLETED:
        raise Refusal("The order is not completed")
    if latest is not None and is_open(latest, now):
        raise Refusal("Refill already requested")
    if now > lifecycle.ends_at(order) + service.refill_days * _DAY:
        raise Refusal("Refill period has ended")


def describe(state: State, order: Order, now: float) -> dict[str, object]:
    """Return the `status` answer of an order, for a state settled up to now."""
    return {
        "charge": money.plain(net_charge(state, order)),
        "start_count": str(_start_count(order)) if lifecycle.has_started(order, now) else None,
        "status": lifecycle.status(order, now),
        "remains": str(lifecycle.remains(order, now)),
        "currency": state.currency,
    }


def _start_count(order: Order) -> int:
    return zlib.crc32(order.link.encode()) % 50_000


def status(asked: Asked) -> Result:
    """Answer `status`: one order's, or a map from id to each."""
    if takes_one(asked.fields, "order", "orders") == "order":
        return Result(_status_of(asked, asked.fields["order"]), [])
    answer = {order_id: or_error(_status_of, asked, order_id) for order_id in ids(asked.fields["orders"])}
    return Result(answer, [])


def _status_of(asked: Asked, order_id: str) -> dict[str, object]:
    order = find_order(asked.state, asked.account, order_id)
    return describe(asked.state, order, asked.now)


def refill(asked: Asked) -> Result:
    """Answer `refill`: one id, or a list of `{order, refill}`."""
    events: list[Event] = []

    def ask(asked: Asked, order_id: str) -> str:
        events.append(_new_refill(asked, order_id))
        return str(asked.state.next_refill - 1)

    if takes_one(asked.fields, "order", "orders") == "order":
        return Result({"refill": ask(asked, asked.fields["order"])}, events)
    answers = [(order_id, or_error(ask, asked, order_id)) for order_id in ids(asked.fields["orders"])]
    return Result([{"order": number(order_id), "refill": _number_or(answer)} for order_id, answer in answers], events)


def _number_or(answer: object) -> object:
    return number(answer) if isinstance(answer, str) else answer


def _new_refill(asked: Asked, order_id: str) -> RefillRequested:
    state = asked.state
    order = find_order(state, asked.account, order_id)
    service = state.services.get(order.service)
    latest = state.refills.get(state.latest_refill.get(order.order, ""))
    check(order, service, latest, asked.now)
    ends = REJECTED if service and service.refill_rejected else COMPLETED
    requested = RefillRequested(Refill(str(state.next_refill), order.order, asked.account, ends, asked.now))
    apply(state, requested)
    return requested


def refill_status(asked: Asked) -> Result:
    """Answer `refill_status`: one word, or a list of `{refill, status}`."""
    if takes_one(asked.fields, "refill", "refills") == "refill":
        return Result({"status": _refill_status_of(asked, asked.fields["refill"])}, [])
    asked_for = ids(asked.fields["refills"])
    return Result([{"refill": number(one), "status": or_error(_refill_status_of, asked, one)} for one in asked_for], [])


def _refill_status_of(asked: Asked, refill_id: str) -> str:
    refill = asked.state.refills.get(refill_id)
    if refill is None or refill.account != asked.account:
        raise Refusal("Refill not found")
    return status_of_refill(refill, asked.now)


def cancel(asked: Asked) -> Result:
    """Answer `cancel`: a list of `{order, cancel}`."""
    takes_one(asked.fields, "orders")
    events: list[Event] = []

    def ask(asked: Asked, order_id: str) -> int:
        events.append(_new_cancel(asked, order_id))
        return 1

    asked_for = ids(asked.fields["orders"])
    return Result([{"order": number(one), "cancel": or_error(ask, asked, one)} for one in asked_for], events)


def _new_cancel(asked: Asked, order_id: str) -> CancelRequested:
    order = find_order(asked.state, asked.account, order_id)
    service = asked.state.services.get(order.service)
    if service is None or not service.cancel:
        raise Refusal("Cancel is not available")
    if lifecycle.is_final(order, asked.now):
        raise Refusal("This order cannot be canceled")
    if order.cancel_at is not None:
        raise Refusal("Cancel already requested")
    requested = CancelRequested(order.order, asked.now + lifecycle.CANCEL_SECONDS, asked.now)
    apply(asked.state, requested)
    return requested
