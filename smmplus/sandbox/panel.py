"""The panel: engine, keys, clock, faults and files together, without HTTP."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from smmplus.sandbox import faults, follow_up, lifecycle, money, storage, validation
from smmplus.sandbox.calls import Asked, Call, Fields, Reply, Result, error, json_reply, parse_call, takes_none
from smmplus.sandbox.faults import Rule
from smmplus.sandbox.lifecycle import apply, settle
from smmplus.sandbox.records import BalanceSet, Event, Order, OrderAccepted, Refusal, ServiceChanged, State
from smmplus.sandbox.storage import Clock, Entry, LineFile, entry_of


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
    request = validation.validate(state.services, asked.fields, asked.now)
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


MALFORMED = "malformed"
UNKNOWN = "unknown"


@dataclass(slots=True)
class Panel:
    """A running panel. `keys` maps a key to its account's name; `real_time` returns Unix seconds."""

    state: State
    keys: dict[str, str] = field(repr=False)
    clock: Clock
    source: random.Random
    real_time: Callable[[], float]
    state_file: LineFile | None = None
    ledger_file: LineFile | None = None
    calls: Counter[str] = field(default_factory=Counter)
    script: faults.Script = field(init=False)

    def __post_init__(self) -> None:
        self.set_faults([])

    def now(self) -> float:
        """Return the sandbox time."""
        return self.clock.now(self.real_time())

    def receive(self, content_type: str, body: bytes) -> faults.Outcome:
        """Count a call, apply the faults to it, and answer it."""
        try:
            call = parse_call(content_type, body)
        except Refusal as refusal:
            self.calls[MALFORMED] += 1
            return faults.Outcome(json_reply({"error": str(refusal)}))
        # A wrong client may send its key as the action: only known names are repeated in the ledger.
        self.calls[call.action if call.action in ACTIONS else UNKNOWN] += 1
        rules = self.script.decide(call.action, call.fields)
        return faults.suffer(rules, call, lambda: self._answer(call))

    def _answer(self, call: Call) -> Reply:
        account = self.keys.get(call.key)
        if account is None:
            return json_reply({"error": "Invalid API key"})
        result = perform(self.state, account, call.action, call.fields, self.now())
        if result.events:
            self._keep(result.events)
        return json_reply(result.answer)

    def _keep(self, events: Iterable[Event]) -> None:
        self._record(events)
        if self.ledger_file:
            storage.append(self.ledger_file, [event.order for event in events if isinstance(event, OrderAccepted)])

    def _record(self, entries: Iterable[Entry]) -> None:
        if self.state_file:
            self.state_file.append([entry_of(entry) for entry in entries])

    def start(self, speed: float, balance: Decimal) -> None:
        """Start the clock at a speed, and open new accounts."""
        self.clock = self.clock.at_speed(self.real_time(), speed)
        self._record([self.clock])
        for name in self.keys.values():
            if name not in self.state.balances:
                self.set_balance(name, balance)

    def set_faults(self, rules: list[Rule]) -> None:
        """Replace the fault script. Counts start again."""
        self.script = faults.Script(rules, self.source)

    def set_balance(self, account: str, balance: Decimal) -> None:
        """Set the balance of an account."""
        self._change(BalanceSet(account, balance, self.now()))

    def change_service(self, service: str, changes: dict[str, object]) -> None:
        """Change a service. Raise as `changes.apply` does."""
        self._change(ServiceChanged(service, changes, self.now()))

    def _change(self, event: Event) -> None:
        apply(self.state, event)
        self._keep([event])

    def advance(self, seconds: float) -> float:
        """Advance the clock by some sandbox seconds. Return the sandbox time."""
        self.clock = self.clock.advanced(self.real_time(), seconds)
        self._record([self.clock])
        return self.now()

    def ledger(self, with_orders: bool = True) -> dict[str, Any]:
        """Return the ledger: every order, the calls received by action, the balances by key name."""
        now = self.now()
        settle(self.state, now)
        orders = self.state.orders.values() if with_orders else ()
        return {
            "orders": [storage.live_entry(self.state, order, now) for order in orders],
            "count": len(self.state.orders),
            "calls": dict(self.calls),
            "balances": {name: money.plain(balance) for name, balance in self.state.balances.items()},
            "currency": self.state.currency,
            "clock": now,
        }

    def order_facts(self, order: Order) -> dict[str, Any]:
        """Return an order's current entry in the ledger."""
        now = self.now()
        settle(self.state, now)
        return storage.live_entry(self.state, order, now)
