"""The panel as a state machine: (state, account, action, fields, now) to an answer and the events that made it true.

No clock, no file, no socket: `now` is sandbox seconds, and the events are what storage keeps.
"""

from collections.abc import Callable, Mapping

from smmplus.sandbox import follow_up, lifecycle, money, validation
from smmplus.sandbox.calls import Asked, Fields, Result, error, takes_none
from smmplus.sandbox.changes import apply, settle
from smmplus.sandbox.records import Order, OrderAccepted, Refusal, State


def perform(state: State, account: str, action: str, fields: Fields, now: float) -> Result:
    """Answer a call and change the state by it, at once.

    `account` is the key's name, `fields` the form fields without key and action. Refusals are answers:
    `{"error": ...}`, with no event.
    """
    settle(state, now)
    try:
        return ACTIONS.get(action, _unknown)(Asked(state, account, fields, now))
    except Refusal as refusal:
        return Result(error(refusal), [])


def _add(asked: Asked) -> Result:
    state = asked.state
    request = validation.validate(state.services, asked.fields)
    order = _order(asked, request)
    if state.duplicate_guard and _has_active(state, order, asked.now):
        raise Refusal("You have active order with this link. Please wait until order being completed.")
    if order.charge > state.balances[asked.account]:
        raise Refusal("Not enough funds on balance")
    accepted = OrderAccepted(order)
    apply(state, accepted)
    return Result({"order": int(order.order)}, [accepted])


def _order(asked: Asked, request: validation.Request) -> Order:
    return Order(
        order=str(asked.state.next_order),
        account=asked.account,
        service=request.service.service,
        type=request.service.type,
        link=request.link,
        quantity=request.quantity,
        runs=request.runs,
        interval=request.interval,
        unit_price=request.unit_price,
        charge=request.charge,
        fate=request.service.fate,
        accepted_at=asked.now,
        fields=dict(asked.fields),
    )


def _has_active(state: State, order: Order, now: float) -> bool:
    active = [known for known in state.active.get(order.place, ()) if not lifecycle.is_final(state.orders[known], now)]
    if order.place in state.active:
        state.active[order.place] = active
    return bool(active)


def _services(asked: Asked) -> Result:
    takes_none(asked.fields)
    return Result([service.listed() for service in asked.state.services.values() if not service.disabled], [])


def _balance(asked: Asked) -> Result:
    takes_none(asked.fields)
    balance = money.plain(asked.state.balances[asked.account])
    return Result({"balance": balance, "currency": asked.state.currency}, [])


def _unknown(_: Asked) -> Result:
    raise Refusal("Invalid action")


ACTIONS: Mapping[str, Callable[[Asked], Result]] = {
    "services": _services,
    "add": _add,
    "status": follow_up.status,
    "refill": follow_up.refill,
    "refill_status": follow_up.refill_status,
    "cancel": follow_up.cancel,
    "balance": _balance,
}
