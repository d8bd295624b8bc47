"""PURE: the life of an entry, as one literal table, and the decision what a move makes of it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class State(StrEnum):
    """Where an entry stands. Only `ACCEPTED` and `REJECTED` are settled by the panel's word."""

    PLANNED = "planned"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"


class Event(StrEnum):
    """What moves an entry."""

    INTENT = "intent"
    """It is about to be sent; committed to disk before the request leaves."""
    ORDER_ID = "order_id"
    """The panel answered this attempt with an order id."""
    LATE_ORDER_ID = "late_order_id"
    """An order id of an attempt that was given up or settled meanwhile. It is always kept."""
    REFUSAL = "refusal"
    """The panel refused this order."""
    HELD_BACK = "held_back"
    """It certainly never left, or the panel said "not now", or refused for the account."""
    DOUBT = "doubt"
    """It may have been placed: the answer was lost or says nothing."""
    DEATH = "death"
    """The process that sent it is gone, and left no outcome."""
    NEW_RUN = "new_run"
    """A person runs the sheet again, and the refusal is one that may be tried again."""
    FOUND = "found"
    """Evidence, or a person, says which order it is."""
    NOT_PLACED = "not_placed"
    """A person says that it was not placed. Never a timer, a retry or a program."""
    RESTORED = "restored"
    """The journal comes from a backup: what was not sent when that was made may have been sent since."""


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.PLANNED: {
        Event.INTENT: State.SUBMITTING,
        Event.LATE_ORDER_ID: State.ACCEPTED,
        Event.RESTORED: State.IN_DOUBT,
    },
    State.SUBMITTING: {
        Event.ORDER_ID: State.ACCEPTED,
        Event.REFUSAL: State.REJECTED,
        Event.HELD_BACK: State.PLANNED,
        Event.DOUBT: State.IN_DOUBT,
        Event.DEATH: State.IN_DOUBT,
        Event.LATE_ORDER_ID: State.SUBMITTING,
    },
    State.REJECTED: {
        Event.NEW_RUN: State.PLANNED,
        Event.LATE_ORDER_ID: State.ACCEPTED,
        Event.RESTORED: State.IN_DOUBT,
    },
    State.IN_DOUBT: {
        Event.FOUND: State.ACCEPTED,
        Event.LATE_ORDER_ID: State.ACCEPTED,
        Event.NOT_PLACED: State.PLANNED,
    },
    State.ACCEPTED: {Event.LATE_ORDER_ID: State.ACCEPTED},
}

SPENT = frozenset({State.SUBMITTING, State.ACCEPTED, State.IN_DOUBT})
"""What counts against a budget: doubt is spent, and a refund frees nothing."""


class IllegalMoveError(ValueError):
    """A move that the table does not know."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"an entry that is {state.value} takes no {event.value}")


def after(state: State, event: Event) -> State:
    """Look up the state that follows; IllegalMoveError where there is none."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalMoveError(state, event) from None


@dataclass(frozen=True, slots=True)
class Current:
    """What the journal knows of an entry when a move arrives."""

    state: State
    attempt: int
    """The number of its latest sending; 0 before the first."""
    order_id: str | None
    cost: Decimal | None
    """What it is expected to cost, in the account's currency; None where nobody can know."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    entry: int
    attempt: int
    event: Event
    order_id: str | None = None
    error: str = ""
    """The panel's words, or what happened on the way."""
    meaning: str = ""
    """The class of a refusal (`smmplus.api.error_texts.Meaning` by name)."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What an outcome makes of an entry."""

    state: State
    order_id: str | None
    spent: Decimal
    """What is to be added to the campaign's spending; negative where money is free again."""
    alarm: str = ""
    """Something a person must see: two order ids for one row."""


def settle(current: Current, outcome: Outcome) -> Transition | None:
    """Decide what an outcome changes; None where the entry has moved on and nothing is to be kept.

    An order id is kept whatever happened meanwhile: it is money. Anything else of an attempt that is no longer the
    entry's is stale.
    """
    live = current.state is State.SUBMITTING and current.attempt == outcome.attempt
    if outcome.order_id is not None:
        return _with_id(current, outcome.order_id, Event.ORDER_ID if live else Event.LATE_ORDER_ID)
    if not live:
        return None
    state = after(current.state, outcome.event)
    if current.order_id is not None and state is not State.IN_DOUBT:
        state = State.ACCEPTED  # an earlier attempt's id arrived meanwhile
    return Transition(state, current.order_id, _difference(current, state))


def _with_id(current: Current, order_id: str, event: Event) -> Transition:
    state = after(current.state, event)
    alarm = ""
    if current.order_id not in {None, order_id}:
        alarm = f"two orders for one row: {current.order_id} and {order_id}"
    return Transition(state, current.order_id or order_id, _difference(current, state), alarm)


def _difference(current: Current, state: State) -> Decimal:
    cost = current.cost or Decimal(0)
    # A product would be rounded to 28 digits, and so would a minus sign.
    return {0: Decimal(0), 1: cost, -1: cost.copy_negate()}[(state in SPENT) - (current.state in SPENT)]
