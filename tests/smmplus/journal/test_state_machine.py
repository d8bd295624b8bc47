from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smmplus.journal.state_machine import (
    SPENT,
    Current,
    Event,
    IllegalMoveError,
    Outcome,
    State,
    Transition,
    after,
    settle,
)

# The legal moves, written a second time by hand. What is not here is not a move.
MOVES = {
    (State.NOT_SENT, Event.INTENT): State.SENDING,
    (State.SENDING, Event.ORDER_ID): State.PLACED,
    (State.SENDING, Event.REFUSAL): State.REJECTED,
    (State.SENDING, Event.HELD_BACK): State.NOT_SENT,
    (State.SENDING, Event.DOUBT): State.IN_DOUBT,
    (State.SENDING, Event.DEATH): State.IN_DOUBT,
    (State.REJECTED, Event.NEW_RUN): State.NOT_SENT,
    (State.IN_DOUBT, Event.FOUND): State.PLACED,
    (State.IN_DOUBT, Event.NOT_PLACED): State.NOT_SENT,
    # A person takes back what they, or evidence, said of a doubt.
    (State.NOT_SENT, Event.TAKEN_BACK): State.IN_DOUBT,
    (State.PLACED, Event.TAKEN_BACK): State.IN_DOUBT,
    # A backup knows nothing of what was sent after it.
    (State.NOT_SENT, Event.RESTORED): State.IN_DOUBT,
    (State.REJECTED, Event.RESTORED): State.IN_DOUBT,
    (State.NOT_SENT, Event.LATE_ORDER_ID): State.PLACED,
    (State.REJECTED, Event.LATE_ORDER_ID): State.PLACED,
    (State.IN_DOUBT, Event.LATE_ORDER_ID): State.PLACED,
    (State.PLACED, Event.LATE_ORDER_ID): State.PLACED,
    # The later sending is still under way: its answer decides, and the id stays with the row.
    (State.SENDING, Event.LATE_ORDER_ID): State.SENDING,
}


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_move_leads_where_the_design_says_or_is_illegal(state, event):
    if (state, event) in MOVES:
        assert after(state, event) is MOVES[state, event]
    else:
        with pytest.raises(
            IllegalMoveError, match=f"{event.value} is not a valid event for an entry that is {state.value}"
        ):
            after(state, event)


def test_submitting_accepted_and_doubt_are_spent():
    assert {State.SENDING, State.PLACED, State.IN_DOUBT} == SPENT


def test_the_states_have_the_names_that_every_journal_holds():
    assert [state.value for state in State] == ["not_sent", "sending", "placed", "rejected", "in_doubt"]


def test_an_outcome_says_nothing_and_a_change_alarms_nobody_unless_told():
    outcome, change = Outcome(1, 2, Event.DOUBT), Transition(State.IN_DOUBT, None, Decimal(0))
    assert (outcome.order_id, outcome.error, outcome.meaning, change.alarm) == (None, "", "", "")


COST = Decimal("0.90")
ANSWERS = [Event.REFUSAL, Event.HELD_BACK, Event.DOUBT]
SETTLED = {Event.REFUSAL: State.REJECTED, Event.HELD_BACK: State.NOT_SENT, Event.DOUBT: State.IN_DOUBT}


def current(state, attempt=2, order_id=None, cost=COST):
    return Current(state, attempt, order_id, cost)


@pytest.mark.parametrize("event", ANSWERS)
def test_the_answer_to_the_sending_under_way_settles_it(event):
    change = settle(current(State.SENDING), Outcome(1, 2, event))
    freed = Decimal(0) if event is Event.DOUBT else -COST
    assert change == Transition(SETTLED[event], None, freed)


@pytest.mark.parametrize("event", [Event.REFUSAL, Event.HELD_BACK])
def test_an_earlier_sending_s_id_makes_the_row_accepted_whatever_the_later_one_says(event):
    change = settle(current(State.SENDING, order_id="7"), Outcome(1, 2, event))
    assert change == Transition(State.PLACED, "7", Decimal(0))


def test_an_earlier_sending_s_id_does_not_settle_the_later_one_s_doubt():
    change = settle(current(State.SENDING, order_id="7"), Outcome(1, 2, Event.DOUBT))
    assert change == Transition(State.IN_DOUBT, "7", Decimal(0))


STALE = [
    (state, number)
    for state, number in product(State, (1, 2, 3))
    if not (state is State.SENDING and number == 2)  # that one is under way
]


@pytest.mark.parametrize(("state", "number"), STALE)
@pytest.mark.parametrize("event", ANSWERS)
@pytest.mark.parametrize("order_id", [None, "7"])
def test_an_answer_to_another_sending_changes_nothing(state, number, event, order_id):
    assert settle(current(state, order_id=order_id), Outcome(1, number, event)) is None


@pytest.mark.parametrize(("state", "number"), list(product(State, (1, 2, 3))))
@pytest.mark.parametrize("event", [Event.ORDER_ID, Event.LATE_ORDER_ID])
def test_an_order_id_is_kept_whatever_happened_meanwhile(state, number, event):
    change = settle(current(state), Outcome(1, number, event, "7"))
    assert (change.order_id, change.alarm) == ("7", "")


@pytest.mark.parametrize(("state", "number"), list(product(State, (1, 2, 3))))
def test_an_order_id_makes_the_row_accepted_unless_another_sending_is_under_way(state, number):
    change = settle(current(state), Outcome(1, number, Event.ORDER_ID, "7"))
    under_way = state is State.SENDING and number != 2
    assert change.state is (State.SENDING if under_way else State.PLACED)


@pytest.mark.parametrize(("state", "number"), list(product(State, (1, 2, 3))))
def test_an_order_id_costs_what_was_not_counted_yet(state, number):
    change = settle(current(state), Outcome(1, number, Event.ORDER_ID, "7"))
    assert change.spent == (Decimal(0) if state in SPENT else COST)


@pytest.mark.parametrize(("state", "number"), list(product(State, (1, 2, 3))))
def test_a_second_order_id_raises_an_alarm_and_the_first_stays(state, number):
    change = settle(current(state, order_id="7"), Outcome(1, number, Event.ORDER_ID, "8"))
    assert (change.order_id, "7 and 8" in change.alarm) == ("7", True)


@pytest.mark.parametrize(("state", "number"), list(product(State, (1, 2, 3))))
def test_the_same_order_id_once_more_is_no_alarm(state, number):
    change = settle(current(state, order_id="7"), Outcome(1, number, Event.ORDER_ID, "7"))
    assert (change.order_id, change.alarm) == ("7", "")


@pytest.mark.parametrize("event", [*ANSWERS, Event.ORDER_ID])
def test_an_order_without_a_known_cost_moves_no_money(event):
    outcome = Outcome(1, 2, event, "7" if event is Event.ORDER_ID else None)
    assert settle(current(State.SENDING, cost=None), outcome).spent == 0


OUTCOMES = st.tuples(st.integers(1, 4), st.sampled_from([*ANSWERS, Event.ORDER_ID]), st.sampled_from(["7", "8"]))


@given(
    st.lists(
        st.just("intent") | st.sampled_from([Event.NOT_PLACED, Event.NEW_RUN, Event.DEATH]) | OUTCOMES, max_size=30
    )
)
def test_whatever_comes_in_whatever_order_money_and_ids_stay_right(moves):
    """`spent` is the cost exactly while the entry is in a spent state, and the first id is never lost."""
    now, spent, known = Current(State.NOT_SENT, 0, None, COST), Decimal(0), None
    for move in moves:
        change = step(now, move)
        if change is None:
            continue
        spent += change.spent
        number = now.attempt + (move == "intent")
        now = Current(change.state, number, change.order_id, COST)
        known = known or change.order_id
        assert spent == (COST if now.state in SPENT else 0)
        assert now.order_id == known


def step(now, move):
    if isinstance(move, tuple):
        number, event, order_id = move
        return settle(now, Outcome(1, number, event, order_id if event is Event.ORDER_ID else None))
    event = Event.INTENT if move == "intent" else move
    if (now.state, event) not in MOVES:
        return None
    state = after(now.state, event)
    return Transition(state, now.order_id, COST * ((state in SPENT) - (now.state in SPENT)))
