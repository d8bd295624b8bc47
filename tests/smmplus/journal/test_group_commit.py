import itertools
import threading
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smmplus.errors import JournalError
from smmplus.journal import budgets
from smmplus.journal.group_commit import Attempt, Intent, IntentRefusal
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import SPENT, Event, Outcome, State
from smmplus.orders.decimals import total
from tests.databases import DATABASES, url_of
from tests.smmplus.batches import Batch, attempt_of, request_for

RUNS_ON = DATABASES


def test_an_intent_makes_a_planned_entry_submitting_with_a_new_attempt(batch):
    (entry,) = batch.plan()
    assert batch.intend(entry) == Attempt(entry.id, 1)
    assert (batch.now(entry).state, batch.now(entry).attempt) == (State.SENDING, 1)


def test_an_intent_carries_its_run_and_its_time(batch):
    (entry,) = batch.plan()
    batch.intend(entry)
    now = batch.now(entry)
    assert (now.run_id, now.sent_at is not None, now.settled_at) == (batch.journal.begin_run(), True, None)


def test_an_intent_is_seen_by_other_connections_when_it_is_answered(batch):
    (entry,) = batch.plan()
    batch.intend(entry)
    assert batch.rows("SELECT state, attempt FROM entries") == [("sending", 1)]


@pytest.mark.parametrize("event", [Event.DOUBT, Event.REFUSAL, Event.ORDER_ID, None])
def test_only_a_planned_entry_is_taken(batch, event):
    (entry,) = batch.plan()
    attempt = batch.intend(entry)
    if event:
        batch.settle(attempt, event, "7" if event is Event.ORDER_ID else None)
    assert batch.intend(entry) is IntentRefusal.NOT_PLANNED


def test_two_intents_of_one_entry_in_one_commit_send_it_once(batch):
    (entry,) = batch.plan()
    assert batch.journal.commit([Intent(entry.id), Intent(entry.id)]) == [
        Attempt(entry.id, 1),
        IntentRefusal.NOT_PLANNED,
    ]


def test_what_was_held_back_gets_an_attempt_of_its_own(batch):
    (entry,) = batch.plan()
    batch.settle(batch.intend(entry), Event.HELD_BACK)
    assert batch.intend(entry) == Attempt(entry.id, 2)


def test_a_new_intent_wipes_the_last_one_s_error(batch):
    (entry,) = batch.plan()
    batch.settle(batch.intend(entry), Event.HELD_BACK, error="not now", meaning="BUSY")
    batch.intend(entry)
    assert (batch.now(entry).error, batch.now(entry).meaning) == ("", "")


def test_a_budget_is_reached_and_never_passed(batch):
    entries = batch.plan(3, cost="1")
    answers = [batch.intend(entry, Decimal(2)) for entry in entries]
    assert answers == [Attempt(entries[0].id, 1), Attempt(entries[1].id, 1), IntentRefusal.BUDGET]


def test_a_budget_holds_within_one_commit(batch):
    entries = batch.plan(3, cost="1")
    answers = batch.journal.commit([Intent(entry.id, Decimal(2)) for entry in entries])
    assert answers[2] is IntentRefusal.BUDGET


def test_what_the_budget_refuses_stays_planned(batch):
    (entry,) = batch.plan(cost="3")
    batch.intend(entry, Decimal(2))
    assert (batch.now(entry).state, batch.now(entry).attempt, batch.spent()) == (State.NOT_SENT, 0, 0)


def test_without_a_known_cost_nothing_is_sent_under_a_budget(batch):
    (entry,) = batch.plan(cost=None)
    assert batch.intend(entry, Decimal(2)) is IntentRefusal.NO_BOUND


def test_without_a_budget_an_unknown_cost_may_be_sent(batch):
    (entry,) = batch.plan(cost=None)
    assert batch.intend(entry) == Attempt(entry.id, 1)


def test_doubt_counts_against_the_budget(batch):
    batch.in_doubt(cost="1")
    (entry,) = batch.plan(cost="1")
    assert batch.intend(entry, Decimal("1.99")) is IntentRefusal.BUDGET


def test_a_refusal_gives_the_budget_back(batch):
    (first,) = batch.plan(cost="1")
    batch.settle(batch.intend(first), Event.REFUSAL)
    (second,) = batch.plan(cost="1")
    assert batch.intend(second, Decimal(1)) == Attempt(second.id, 1)


def test_budgets_are_a_campaign_s_own(journal):
    spring, autumn = Batch(journal, "spring"), Batch(journal, "autumn")
    spring.accepted(cost="5")
    (entry,) = autumn.plan(cost="1")
    assert autumn.intend(entry, Decimal(1)) == Attempt(entry.id, 1)


def test_spending_is_exact(batch):
    for number in range(10):
        batch.accepted(str(number + 1), cost="0.1")
    assert (str(batch.spent()), batch.rows("SELECT spent FROM campaigns")) == ("1.0", [("1.0",)])


def test_an_order_id_is_recorded_with_its_attempt(batch):
    entry = batch.accepted("501")
    assert batch.rows("SELECT order_id, entry_id, attempt FROM order_ids") == [("501", entry.id, 1)]


def test_an_outcome_carries_the_panel_s_words(batch):
    (entry,) = batch.plan()
    batch.settle(batch.intend(entry), Event.REFUSAL, error="Ошибка", meaning="UNKNOWN")
    now = batch.now(entry)
    assert (now.state, now.error, now.meaning, now.settled_at is not None) == (
        State.REJECTED,
        "Ошибка",
        "UNKNOWN",
        True,
    )


def test_a_stale_outcome_changes_nothing(batch):
    (entry,) = batch.plan()
    first = batch.intend(entry)
    batch.settle(first, Event.HELD_BACK)
    batch.intend(entry)
    assert batch.settle(first, Event.REFUSAL) is None
    assert (batch.now(entry).state, batch.spent()) == (State.SENDING, 1)


@pytest.mark.parametrize("event", [Event.DOUBT, Event.HELD_BACK, Event.REFUSAL])
def test_a_late_order_id_is_attached_and_counted(batch, event):
    (entry,) = batch.plan()
    attempt = batch.intend(entry)
    batch.settle(attempt, event)
    batch.settle(attempt, Event.ORDER_ID, "501")
    now = batch.now(entry)
    assert (now.state, now.order_id, batch.spent()) == (State.PLACED, "501", 1)


def test_a_late_order_id_waits_for_the_sending_under_way(batch):
    (entry,) = batch.plan()
    first = batch.intend(entry)
    batch.settle(first, Event.HELD_BACK)
    batch.intend(entry)
    batch.settle(first, Event.ORDER_ID, "501")
    assert (batch.now(entry).state, batch.now(entry).order_id) == (State.SENDING, "501")


def test_two_ids_for_one_row_raise_an_alarm_that_stays_on_record(batch):
    entry = batch.accepted("501")
    change = batch.settle(attempt_of(entry), Event.ORDER_ID, "502")
    assert "501 and 502" in change.alarm
    run = batch.journal.begin_run()
    assert batch.rows("SELECT entry_id, who, what, why FROM notes") == [(entry.id, run, "alarm", change.alarm)]


def test_an_alarm_is_what_the_row_itself_says(batch):
    entry = batch.accepted("501")
    change = batch.settle(attempt_of(entry), Event.ORDER_ID, "502")
    assert batch.now(entry).error == change.alarm


def test_both_ids_of_a_row_are_kept(batch):
    entry = batch.accepted("501")
    batch.settle(attempt_of(entry), Event.ORDER_ID, "502")
    assert batch.now(entry).order_id == "501"
    assert {
        number: found.id for number, found in batch.journal.with_order_ids(batch.account, ["501", "502"]).items()
    } == {
        "501": entry.id,
        "502": entry.id,
    }


def test_an_id_that_is_another_row_s_proves_nothing(batch):
    first = batch.accepted("501")
    (second,) = batch.plan()
    change = batch.settle(batch.intend(second), Event.ORDER_ID, "501")
    assert (change.state, change.order_id) == (State.IN_DOUBT, None)
    assert ("501" in batch.now(second).error, batch.now(first).order_id) == (True, "501")


def test_an_id_that_is_another_row_s_raises_an_alarm_that_stays_on_record(batch):
    batch.accepted("501")
    (second,) = batch.plan()
    change = batch.settle(batch.intend(second), Event.ORDER_ID, "501")
    assert "501, which already belongs to another row" in change.alarm
    assert batch.rows("SELECT entry_id, what, why FROM notes") == [(second.id, "alarm", change.alarm)]


def test_a_row_s_own_id_once_more_changes_nothing(batch):
    entry = batch.accepted("501")
    change = batch.settle(attempt_of(entry), Event.ORDER_ID, "501")
    assert (change.state, change.order_id, change.spent, change.alarm) == (State.PLACED, "501", 0, "")
    assert batch.rows("SELECT order_id, entry_id FROM order_ids") == [("501", entry.id)]


def test_an_id_given_to_two_rows_in_one_commit_is_the_first_one_s(batch):
    entries = batch.plan(2)
    attempts = [batch.intend(entry) for entry in entries]
    outcomes = [Outcome(attempt.entry, attempt.number, Event.ORDER_ID, "501") for attempt in attempts]
    first, second = batch.journal.commit(outcomes)
    assert (first.state, second.state) == (State.PLACED, State.IN_DOUBT)


def test_two_accounts_may_have_the_same_order_id(journal):
    one, other = Batch(journal, account="one"), Batch(journal, account="other")
    assert (one.accepted("501").state, other.accepted("501").state) == (State.PLACED, State.PLACED)


def test_an_outcome_and_the_next_intent_share_a_commit(batch):
    first, second = batch.plan(2)
    attempt = batch.intend(first)
    change, taken = batch.journal.commit(
        [Outcome(attempt.entry, attempt.number, Event.REFUSAL), Intent(second.id, Decimal(1))]
    )
    assert (change.state, taken) == (State.REJECTED, Attempt(second.id, 1))


def test_moves_of_one_entry_in_one_commit_count_in_their_order(batch):
    (entry,) = batch.plan()
    batch.journal.commit([Intent(entry.id), Outcome(entry.id, 1, Event.HELD_BACK), Intent(entry.id)])
    assert (batch.now(entry).state, batch.now(entry).attempt, batch.spent()) == (State.SENDING, 2, 1)


def test_a_commit_that_fails_leaves_nothing(batch, monkeypatch):
    first, second = batch.plan(2)
    with pytest.raises(KeyError):
        batch.journal.commit([Intent(first.id), Intent(second.id + 1000)])
    assert (batch.now(first).state, batch.spent()) == (State.NOT_SENT, 0)


def test_a_database_that_cannot_be_written_is_a_journal_error(batch):
    (entry,) = batch.plan()
    batch.fill_the_disk()
    with pytest.raises(JournalError, match="disk is full"):
        batch.intend(entry)
    assert batch.now(entry).state is State.NOT_SENT


@pytest.mark.parametrize("text", ["nul \x00", "half a pair \ud83d", "the other half \udc4d", "a" * 1_000_000])
def test_no_text_keeps_an_outcome_from_being_written(batch, text):
    first, second = batch.plan(2)
    batch.settle(batch.intend(first), Event.ORDER_ID, "501", error=text, meaning=text)
    batch.settle(batch.intend(second), Event.DOUBT, error=text, meaning=text)
    assert [batch.now(entry).state for entry in (first, second)] == [State.PLACED, State.IN_DOUBT]
    assert batch.now(first).error[:10] == text[:10].replace("\x00", "\ufffd").replace("\ud83d", "\ufffd")
    assert batch.now(first).order_id == "501"


@pytest.mark.slow
def test_many_threads_take_each_entry_once(batch, tmp_path):
    entries = batch.plan(20)
    journals = [Journal(url_of(batch.journal)) for _ in range(4)]
    taken = []

    def take(journal):
        taken.extend(answer for entry in entries for answer in journal.commit([Intent(entry.id)]))

    threads = [threading.Thread(target=take, args=(journal,)) for journal in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for journal in journals:
        journal.close()
    attempts = [answer for answer in taken if isinstance(answer, Attempt)]
    assert sorted(attempt.entry for attempt in attempts) == [entry.id for entry in entries]


NUMBERS = itertools.count()
MOVES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 3),
        st.sampled_from([Event.INTENT, Event.REFUSAL, Event.HELD_BACK, Event.DOUBT, Event.ORDER_ID]),
        st.sampled_from(["501", "502", "503"]),
    ),
    max_size=25,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MOVES, st.integers(1, 6))
def test_random_moves_keep_the_spending_and_every_id(journal, moves, together):
    """`spent` is the sum of the costs of the entries in spent states, and no id that was given is lost."""
    batch = Batch(journal, "campaign", account=f"account {next(NUMBERS)}")
    costs = [Decimal("0.1"), Decimal("0.02"), Decimal(3)]
    entries = [
        batch.plan(cost=str(cost), request=request_for(quantity=number + 1))[0] for number, cost in enumerate(costs)
    ]
    given_ids = set()
    for start in range(0, len(moves), together):
        sent = {entry.id: batch.now(entry).attempt for entry in entries}
        wave = [as_move(entries[which].id, *move) for which, *move in moves[start : start + together]]
        # An answer can only come to what was sent, and that is on disk before.
        wave = [move for move in wave if isinstance(move, Intent) or move.attempt <= sent[move.entry]]
        journal.commit(wave)
        given_ids |= {move.order_id for move in wave if isinstance(move, Outcome) and move.order_id}
    now = [batch.now(entry) for entry in entries]
    assert batch.spent() == sum((entry.cost for entry in now if entry.state in SPENT), Decimal(0))
    assert journal.with_order_ids(batch.account, given_ids).keys() == given_ids


def as_move(entry, number, event, order_id):
    if event is Event.INTENT:
        return Intent(entry)
    return Outcome(entry, number, event, order_id if event is Event.ORDER_ID else None)


# The same order in another campaign, sent since the run was planned.


@pytest.fixture
def copies(journal):
    """Give two desks of one account, as two copies of a sheet under two names make them."""
    return Batch(journal, "week"), Batch(journal, "week (1)")


def intend_alone(batch, entry, *twins):
    (answer,) = batch.journal.commit([Intent(entry.id, twins=frozenset(twins))])
    return answer


def test_what_was_ordered_in_another_campaign_since_is_not_sent(copies):
    first, second = copies
    (entry,) = second.plan()
    first.accepted()
    assert intend_alone(second, entry) is IntentRefusal.ELSEWHERE
    assert second.now(entry).state is State.NOT_SENT


def test_doubt_in_another_campaign_counts_as_ordered(copies):
    first, second = copies
    (entry,) = second.plan()
    first.in_doubt()
    assert intend_alone(second, entry) is IntentRefusal.ELSEWHERE


def test_what_is_only_planned_in_another_campaign_is_no_order(copies):
    first, second = copies
    first.plan()
    (entry,) = second.plan()
    assert intend_alone(second, entry) == Attempt(entry.id, 1)


def test_a_twin_that_the_sheet_itself_knows_is_no_reason(copies):
    first, second = copies
    twin = first.accepted()
    (entry,) = second.plan()
    assert intend_alone(second, entry, twin.id) == Attempt(entry.id, 1)


def test_an_equal_order_of_the_same_campaign_is_no_reason(batch):
    batch.accepted()
    (entry,) = batch.plan()
    assert intend_alone(batch, entry) == Attempt(entry.id, 1)


def test_an_equal_order_of_another_account_is_no_reason(journal):
    Batch(journal, account="other").accepted()
    batch = Batch(journal)
    (entry,) = batch.plan()
    assert intend_alone(batch, entry) == Attempt(entry.id, 1)


def test_where_a_person_named_the_campaign_any_twin_may_be(copies):
    first, second = copies
    first.accepted()
    (entry,) = second.plan()
    assert second.intend(entry) == Attempt(entry.id, 1)


# The budget that the journal keeps.


def test_an_intent_holds_to_the_campaign_s_budget_without_being_told(batch):
    first, second = batch.plan(2, cost="1")
    budgets.set_budget(batch.journal, batch.campaign, Decimal("1.99"))
    assert (batch.intend(first), batch.intend(second)) == (Attempt(first.id, 1), IntentRefusal.BUDGET)


@pytest.mark.parametrize(("own", "kept"), [("1", "5"), ("5", "1")])
def test_of_two_bounds_the_smaller_holds(batch, own, kept):
    first, second = batch.plan(2, cost="1")
    budgets.set_budget(batch.journal, batch.campaign, Decimal(kept))
    assert batch.intend(first, Decimal(own)) == Attempt(first.id, 1)
    assert batch.intend(second, Decimal(own)) is IntentRefusal.BUDGET


def test_a_budget_that_is_raised_lowered_or_lifted_takes_effect_at_once(batch):
    entries = batch.plan(3, cost="1")
    budgets.set_budget(batch.journal, batch.campaign, Decimal(0))
    assert batch.intend(entries[0]) is IntentRefusal.BUDGET
    budgets.set_budget(batch.journal, batch.campaign, Decimal(1))
    assert batch.intend(entries[0]) == Attempt(entries[0].id, 1)
    budgets.set_budget(batch.journal, batch.campaign, Decimal("0.5"))
    assert batch.intend(entries[1]) is IntentRefusal.BUDGET
    budgets.set_budget(batch.journal, batch.campaign, None)
    assert batch.intend(entries[1]) == Attempt(entries[1].id, 1)


def test_a_budget_set_after_planning_keeps_back_what_has_no_bound(batch):
    (entry,) = batch.plan(cost=None)
    budgets.set_budget(batch.journal, batch.campaign, Decimal(100))
    assert batch.intend(entry) is IntentRefusal.NO_BOUND


def test_a_budget_of_another_campaign_is_no_bound(journal):
    spring, autumn = Batch(journal, "spring"), Batch(journal, "autumn")
    budgets.set_budget(journal, autumn.campaign, Decimal(0))
    (entry,) = spring.plan(cost="1")
    assert spring.intend(entry) == Attempt(entry.id, 1)


LONG = Decimal("11111111111111111111.00000000000000000001")
"""More digits than Python's own context keeps: it would round the sums, and let the last digit pass a budget."""


def test_a_budget_is_kept_to_the_last_of_many_digits(batch):
    first, second = batch.plan(2, cost=str(LONG))
    budgets.set_budget(batch.journal, batch.campaign, total([LONG, LONG, Decimal("-1E-20")]))
    assert (batch.intend(first), batch.intend(second)) == (Attempt(first.id, 1), IntentRefusal.BUDGET)
    assert batch.spent() == LONG


@pytest.mark.parametrize("event", [Event.REFUSAL, Event.HELD_BACK])
def test_what_is_given_back_is_given_back_to_the_last_of_many_digits(batch, event):
    batch.accepted(cost="1E-20")
    (entry,) = batch.plan(cost=str(LONG))
    batch.settle(batch.intend(entry), event)
    assert str(batch.spent()) == "1E-20"
