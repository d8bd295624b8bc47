"""The states of an order in the journal, the events that change them, and the decision what each event changes.

How it works
============

The API has no idempotency key and no list of orders (https://smm.plus/api). If a request is sent twice,
two orders are placed and both are paid. If an answer is lost, the panel cannot be asked whether it placed the order.
So the journal has to know, at every moment and after every crash, whether a request may have left this machine.

That is why the intent is committed before the request is sent. An entry that is `NOT_SENT` was certainly not sent
since it was planned. An entry that is `SENDING` may have been sent, even if the process died in the next
instruction. If it were the other way round, a crash between sending and writing would leave an order that no journal
knows, and the next run would place it again.

Each sending is an attempt with a number. Its outcome is one of these:

==================  ===========  =====================================================================================
event               next state   what it means
==================  ===========  =====================================================================================
`ORDER_ID`          `PLACED`     The panel answered with an order id. It is money, and never thrown away.
`REFUSAL`           `REJECTED`   The panel refused this order in words that leave no doubt. It costs nothing.
`HELD_BACK`         `NOT_SENT`   The request certainly never left, or the panel said "not now", or what it refused
                                 was the account, the address or the call. The order may be sent again, with a new
                                 intent.
`DOUBT`             `IN_DOUBT`   The answer was lost or leaves doubt. The order may have been placed.
`DEATH`             `IN_DOUBT`   The process that sent it is gone and left no outcome.
==================  ===========  =====================================================================================

What is never repeated: an entry that is `IN_DOUBT`. No timer, retry or program makes it `NOT_SENT` again, because the
order may exist and would be paid a second time. It leaves this state in two ways. Either its order id is found
(`FOUND`, by evidence or a person, or `LATE_ORDER_ID`, by an answer that came after all). Or a person looked at the
panel's order page and says that it was not placed (`NOT_PLACED`).

Both can be mistakes, and a person can take them back (`TAKEN_BACK`): the entry is in doubt again, which is the state
from which nothing is sent. It is too late once the entry was sent again, and it is refused where the panel's answer
leaves no doubt. The table allows the event for every `NOT_SENT` and `PLACED` entry; `journal.resolution` only uses it
for an attempt that was resolved.

A `PLACED` entry stays placed otherwise. If a second order id arrives for it, both are kept and an alarm is raised: two
orders were paid for one row, and a person has to cancel one.

Money follows the state. What is `SENDING`, `PLACED` or `IN_DOUBT` counts as spent (`SPENT`): a budget that did
not count doubt could be exceeded by orders that turn out to be placed.

Two rules hold for outcomes that arrive late, for example because the process was suspended while another one put the
entry in doubt. An order id is always recorded, whatever happened meanwhile. Every other outcome counts only if its
attempt is still the entry's latest, and the entry is still `SENDING`; otherwise it is stale and changes nothing.

A journal that was restored from a backup does not know what was sent after the backup was made. So `RESTORED` puts
every entry in doubt that was unsent then.

`TRANSITIONS` is the complete table. An event that it does not list raises `IllegalMoveError`. `settle` does no input
or output: `journal.group_commit` reads entries, asks `settle`, and writes what it returns in the same transaction.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from smmplus.texts import marked


class State(StrEnum):
    """The state of an entry. Only the panel's answer makes it `PLACED` or `REJECTED`."""

    NOT_SENT = "not_sent"
    SENDING = "sending"
    PLACED = "placed"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"

    @property
    def words(self) -> str:
        """The state as people read it, such as "In doubt"; translated where it is shown."""
        return _WORDS[self]


_WORDS = {
    State.NOT_SENT: marked("Not sent"),
    State.SENDING: marked("Sending"),
    State.PLACED: marked("Placed"),
    State.REJECTED: marked("Rejected"),
    State.IN_DOUBT: marked("In doubt"),
}


class Event(StrEnum):
    """What changes the state of an entry."""

    INTENT = "intent"
    """The order is about to be sent. Committed to disk before the request leaves."""
    ORDER_ID = "order_id"
    """The panel answered this attempt with an order id."""
    LATE_ORDER_ID = "late_order_id"
    """The order id of an attempt that was put in doubt or resolved meanwhile. It is always kept."""
    REFUSAL = "refusal"
    """The panel refused this order."""
    HELD_BACK = "held_back"
    """The request certainly never left, or the panel said "not now", or it refused the account."""
    DOUBT = "doubt"
    """The order may have been placed: the answer was lost or leaves doubt."""
    DEATH = "death"
    """The process that sent the order is gone, and left no outcome."""
    NEW_RUN = "new_run"
    """The order is asked for again, and its refusal is one that may be tried again."""
    FOUND = "found"
    """Evidence or a person identified the order on the panel."""
    NOT_PLACED = "not_placed"
    """A person confirmed that the order was not placed. Never a timer, a retry or a program."""
    TAKEN_BACK = "taken_back"
    """A person took back how an order in doubt was resolved, before it was sent again."""
    RESTORED = "restored"
    """The journal was restored from a backup: an order that was unsent then may have been sent since."""


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.NOT_SENT: {
        Event.INTENT: State.SENDING,
        Event.LATE_ORDER_ID: State.PLACED,
        Event.TAKEN_BACK: State.IN_DOUBT,
        Event.RESTORED: State.IN_DOUBT,
    },
    State.SENDING: {
        Event.ORDER_ID: State.PLACED,
        Event.REFUSAL: State.REJECTED,
        Event.HELD_BACK: State.NOT_SENT,
        Event.DOUBT: State.IN_DOUBT,
        Event.DEATH: State.IN_DOUBT,
        Event.LATE_ORDER_ID: State.SENDING,
    },
    State.REJECTED: {
        Event.NEW_RUN: State.NOT_SENT,
        Event.LATE_ORDER_ID: State.PLACED,
        Event.RESTORED: State.IN_DOUBT,
    },
    State.IN_DOUBT: {
        Event.FOUND: State.PLACED,
        Event.LATE_ORDER_ID: State.PLACED,
        Event.NOT_PLACED: State.NOT_SENT,
    },
    State.PLACED: {Event.LATE_ORDER_ID: State.PLACED, Event.TAKEN_BACK: State.IN_DOUBT},
}

SPENT = frozenset({State.SENDING, State.PLACED, State.IN_DOUBT})
"""States that count against a budget. A refund does not lower what was spent."""


class IllegalMoveError(ValueError):
    """An event that `TRANSITIONS` does not list for the state."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event.value} is not a valid event for an entry that is {state.value}")


def after(state: State, event: Event) -> State:
    """Return the state that follows; raise IllegalMoveError if there is none."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalMoveError(state, event) from None


@dataclass(frozen=True, slots=True)
class Current:
    """What the journal knows of an entry when an outcome arrives."""

    state: State
    attempt: int
    """The number of the latest attempt; 0 before the first."""
    order_id: str | None
    cost: Decimal | None
    """The expected cost in the account's currency; None if it is not known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one attempt."""

    entry: int
    attempt: int
    event: Event
    order_id: str | None = None
    error: str = ""
    """The panel's words, or what went wrong with the call."""
    meaning: str = ""
    """The class of a refusal: the name of a `smmplus.api.error_texts.Meaning`."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What an outcome changes in an entry."""

    state: State
    order_id: str | None
    spent: Decimal
    """What to add to the campaign's spending; negative if money is free again."""
    alarm: str = ""
    """What a person must see: two order ids for one row."""


def settle(current: Current, outcome: Outcome) -> Transition | None:
    """Return what an outcome changes; None if the outcome is stale.

    An order id is always kept. Any other outcome is stale if its attempt is not the entry's latest.
    """
    live = current.state is State.SENDING and current.attempt == outcome.attempt
    if outcome.order_id is not None:
        return _with_id(current, outcome.order_id, Event.ORDER_ID if live else Event.LATE_ORDER_ID)
    if not live:
        return None
    state = after(current.state, outcome.event)
    if current.order_id is not None and state is not State.IN_DOUBT:
        state = State.PLACED  # the order id of an earlier attempt arrived meanwhile
    return Transition(state, current.order_id, _difference(current, state))


def _with_id(current: Current, order_id: str, event: Event) -> Transition:
    state = after(current.state, event)
    alarm = ""
    if current.order_id not in {None, order_id}:
        alarm = f"two orders for one row: {current.order_id} and {order_id}"
    return Transition(state, current.order_id or order_id, _difference(current, state), alarm)


def _difference(current: Current, state: State) -> Decimal:
    cost = current.cost or Decimal(0)
    # Not a product, and not `-cost`: decimal rounds the results of both to 28 digits.
    return {0: Decimal(0), 1: cost, -1: cost.copy_negate()}[(state in SPENT) - (current.state in SPENT)]
