from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from smmplus.errors import JournalConflictError
from smmplus.journal import balances, budgets
from smmplus.journal.entry import Planned
from smmplus.journal.group_commit import IntentRefusal
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance.integrity import audit
from smmplus.journal.queries import status_changes_of
from smmplus.journal.resolution import STILL_UNDER_WAY
from smmplus.journal.state_machine import Event, State
from smmplus.orders.models import Balance, OrderStatus
from smmplus.reconciliation.balance_drops import latest_fall
from smmplus.reconciliation.balance_evidence import Verdict, evidence
from tests.databases import DATABASES, url_of
from tests.smmplus.batches import Batch, attempt_of

RUNS_ON = DATABASES


class Clock:
    def __init__(self):
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.time

    def pass_by(self, seconds):
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def journal(journal_url, clock):
    with Journal(journal_url, now=clock) as opened:
        yield opened


@pytest.fixture
def other(journal, clock):
    """Give the journal as another process has it."""
    with Journal(url_of(journal), now=clock) as opened:
        yield opened


LATER = STILL_UNDER_WAY.total_seconds()


def test_what_a_dead_run_left_behind_comes_into_doubt(batch, other):
    (entry,) = batch.plan()
    batch.intend(entry)
    batch.journal.close()
    (recovered,) = other.recover_crashed_runs()
    now = Batch(other).now(entry)
    assert (recovered.id, now.state, "gone" in now.error, now.settled_at is not None) == (
        entry.id,
        State.IN_DOUBT,
        True,
        True,
    )


def test_what_a_live_run_is_sending_is_left_alone(batch, other):
    (entry,) = batch.plan()
    batch.intend(entry)
    assert (other.recover_crashed_runs(), batch.now(entry).state) == ([], State.SENDING)


def test_what_this_run_is_sending_is_left_alone(batch):
    (entry,) = batch.plan()
    batch.intend(entry)
    assert (batch.journal.recover_crashed_runs(), batch.now(entry).state) == ([], State.SENDING)


def test_the_dead_are_buried_once(batch, other):
    batch.intend(batch.plan()[0])
    batch.journal.close()
    other.recover_crashed_runs()
    assert other.recover_crashed_runs() == []


def test_the_living_stay_alive_however_often_they_are_looked_at(batch, other):
    batch.intend(batch.plan()[0])
    assert [other.recover_crashed_runs(), other.recover_crashed_runs()] == [[], []]


def test_a_buried_order_stays_spent(batch, other):
    batch.intend(batch.plan(cost="3")[0])
    batch.journal.close()
    other.recover_crashed_runs()
    assert Batch(other).spent() == 3


def test_a_buried_order_is_accepted_when_its_id_comes_late(batch, other):
    (entry,) = batch.plan()
    attempt = batch.intend(entry)
    batch.journal.close()
    other.recover_crashed_runs()
    change = Batch(other).settle(attempt, Event.ORDER_ID, "501")
    assert (change.state, change.order_id) == (State.PLACED, "501")


def test_doubts_are_listed_by_account_or_all(journal):
    one, stranger = Batch(journal), Batch(journal, account="stranger")
    mine, theirs = one.in_doubt(), stranger.in_doubt()
    assert [entry.id for entry in journal.in_doubt(one.account)] == [mine.id]
    assert [entry.id for entry in journal.in_doubt()] == [mine.id, theirs.id]


def test_a_person_names_an_order_by_campaign_and_key(journal):
    batch = Batch(journal, "spring/early")
    entry = batch.in_doubt()
    assert journal.find(batch.account, f"spring/early/{entry.key}") == entry


@pytest.mark.parametrize("name", ["", "spring", "spring/x", "other/KEY"])
def test_a_name_that_is_no_order_s_is_told(batch, name):
    entry = batch.in_doubt()
    with pytest.raises(JournalConflictError, match="there is no order"):
        batch.journal.find(batch.account, name.replace("KEY", entry.key))


def test_another_account_s_order_is_not_found(journal):
    entry = Batch(journal).in_doubt()
    with pytest.raises(JournalConflictError):
        journal.find(Batch(journal, account="stranger").account, entry.name)


def test_a_person_says_which_order_it_is(batch):
    entry = batch.in_doubt()
    batch.journal.resolve_as_placed(batch.account, entry, "501", why="seen on the panel")
    now = batch.now(entry)
    assert (now.state, now.order_id, now.error) == (State.PLACED, "501", "")
    assert batch.journal.with_order_ids(batch.account, ["501"])["501"].id == entry.id


def test_an_order_of_another_account_at_the_same_panel_settles_nothing(journal):
    """One key may go by two names; an order of another panel with that number is another order."""
    batch, other = Batch(journal), Batch(journal, account="by another name")
    elsewhere = Batch(journal, url="https://panel.example/api/v2")
    taken, free = other.accepted("501"), elsewhere.accepted("502")
    entry = batch.in_doubt()
    with pytest.raises(
        JournalConflictError, match=f"order 501 already belongs to {taken.name} of account 'by another name'"
    ):
        journal.resolve_as_placed(batch.account, entry, "501", why="seen on the panel")
    journal.resolve_as_placed(batch.account, entry, "502", why="seen on the panel")
    assert (batch.now(entry).order_id, elsewhere.now(free).order_id) == ("502", "502")


def test_a_person_s_word_is_noted_with_its_reason(batch):
    entry = batch.in_doubt()
    batch.journal.resolve_as_placed(batch.account, entry, "501", why="seen on the panel")
    assert batch.rows("SELECT entry_id, what, why FROM notes WHERE what <> 'doubt'") == [
        (entry.id, "is order 501", "seen on the panel")
    ]


def test_an_order_found_stays_spent(batch):
    entry = batch.in_doubt(cost="3")
    batch.journal.resolve_as_placed(batch.account, entry, "501", why="")
    assert batch.spent() == 3


def test_another_row_s_order_is_not_taken_for_this_one(batch):
    batch.accepted("501")
    entry = batch.in_doubt()
    with pytest.raises(JournalConflictError, match="501 already belongs to spring/"):
        batch.journal.resolve_as_placed(batch.account, entry, "501", why="")
    assert batch.now(entry).state is State.IN_DOUBT


def test_a_person_says_that_it_was_not_placed(batch, clock):
    entry = batch.in_doubt(cost="3")
    clock.pass_by(LATER)
    batch.journal.resolve_as_not_placed(entry, why="not on the panel")
    assert (batch.now(entry).state, batch.spent()) == (State.NOT_SENT, 0)
    assert batch.notes() == [("was not placed", "not on the panel")]


def test_what_was_not_placed_gets_a_new_attempt(batch, clock):
    entry = batch.in_doubt()
    clock.pass_by(LATER)
    batch.journal.resolve_as_not_placed(entry, why="")
    assert batch.intend(entry).number == 2


def test_what_could_still_be_under_way_at_the_panel_is_not_given_up(batch, clock):
    entry = batch.in_doubt()
    clock.pass_by(LATER - 1)
    with pytest.raises(JournalConflictError, match="the panel may still place it"):
        batch.journal.resolve_as_not_placed(entry, why="")
    assert batch.now(entry).state is State.IN_DOUBT


def test_what_a_live_process_is_sending_is_not_given_up(batch, other, clock):
    (entry,) = batch.plan()
    batch.intend(entry)
    clock.pass_by(LATER)
    with pytest.raises(JournalConflictError, match="a live process"):
        other.resolve_as_not_placed(batch.now(entry), why="")


@pytest.mark.parametrize("event", [Event.ORDER_ID, Event.REFUSAL, Event.HELD_BACK])
def test_only_a_doubt_is_settled_by_a_person(batch, clock, event):
    (entry,) = batch.plan()
    batch.settle(batch.intend(entry), event, "501" if event is Event.ORDER_ID else None)
    clock.pass_by(LATER)
    with pytest.raises(JournalConflictError, match="is not in doubt"):
        batch.journal.resolve_as_not_placed(batch.now(entry), why="")
    with pytest.raises(JournalConflictError, match="is not in doubt"):
        batch.journal.resolve_as_placed(batch.account, batch.now(entry), "502", why="")


def test_a_doubt_that_is_settled_meanwhile_is_not_settled_once_more(batch, clock):
    """Two persons look at the same list; the second one's word must not free money that is spent."""
    entry = batch.in_doubt(cost="3")
    batch.settle(attempt_of(entry), Event.ORDER_ID, "501")
    clock.pass_by(LATER)
    with pytest.raises(JournalConflictError, match="changed meanwhile"):
        batch.journal.resolve_as_not_placed(entry, why="")
    assert (batch.now(entry).order_id, batch.spent(), batch.rows("SELECT * FROM notes")) == ("501", 3, [])


def test_a_doubt_given_up_twice_frees_its_money_once(batch, clock):
    entry = batch.in_doubt(cost="3")
    clock.pass_by(LATER)
    batch.journal.resolve_as_not_placed(entry, why="")
    with pytest.raises(JournalConflictError, match="changed meanwhile"):
        batch.journal.resolve_as_not_placed(entry, why="")
    assert batch.spent() == 0


def test_an_order_found_for_what_was_given_up_meanwhile_is_not_recorded(batch, clock):
    """The row would be planned, be sent again, and have an order all the same."""
    entry = batch.in_doubt()
    clock.pass_by(LATER)
    batch.journal.resolve_as_not_placed(entry, why="")
    with pytest.raises(JournalConflictError, match="changed meanwhile"):
        batch.journal.resolve_as_placed(batch.account, entry, "501", why="")
    assert batch.journal.with_order_ids(batch.account, ["501"]) == {}


@pytest.fixture
def with_earlier_id(batch):
    """Give an entry whose second sending is in doubt, and whose first one's order id came late."""
    (entry,) = batch.plan(cost="3")
    first = batch.intend(entry)
    batch.settle(first, Event.HELD_BACK)
    second = batch.intend(entry)
    batch.settle(first, Event.ORDER_ID, "501")
    batch.settle(second, Event.DOUBT)
    return batch.now(entry)


def test_giving_up_a_later_sending_leaves_the_earlier_one_s_order(batch, clock, with_earlier_id):
    """Planned again, the row would be ordered twice."""
    clock.pass_by(LATER)
    batch.journal.resolve_as_not_placed(with_earlier_id, why="")
    now = batch.now(with_earlier_id)
    assert (now.state, now.order_id, batch.spent()) == (State.PLACED, "501", 3)


def test_a_row_s_own_earlier_order_may_be_named(batch, with_earlier_id):
    batch.journal.resolve_as_placed(batch.account, with_earlier_id, "501", why="")
    now = batch.now(with_earlier_id)
    assert (now.state, now.order_id) == (State.PLACED, "501")


def test_another_order_named_for_a_row_that_has_one_raises_an_alarm(batch, with_earlier_id):
    batch.journal.resolve_as_placed(batch.account, with_earlier_id, "502", why="")
    now = batch.now(with_earlier_id)
    assert (now.order_id, "501 and 502" in now.error) == ("501", True)
    assert batch.journal.with_order_ids(batch.account, ["501", "502"]).keys() == {"501", "502"}


def test_what_was_not_placed_is_free_again_to_the_last_of_many_digits(batch, clock):
    batch.accepted(cost="12345678901234567890.12345678901234567891")
    entry = batch.in_doubt(cost="1")
    clock.pass_by(LATER)
    batch.journal.resolve_as_not_placed(entry, why="looked")
    assert str(batch.spent()) == "12345678901234567890.12345678901234567891"


# A resolution that was a mistake.


STATUS = OrderStatus("Completed", Decimal("0.50"), 10, 0, "USD")


def as_it_was(entry):
    """Give what taking a resolution back restores."""
    about = (
        "state",
        "attempt",
        "cost",
        "sent_at",
        "settled_at",
        "error",
        "order_id",
        "order_status",
        "final",
        "charge",
    )
    return {name: getattr(entry, name) for name in about}


@pytest.fixture
def given_up(batch, clock):
    """Give an order that a person wrongly said was not placed, and what it was before."""
    doubt = batch.in_doubt(cost="3")
    clock.pass_by(LATER)
    batch.journal.resolve_as_not_placed(doubt, why="not on the panel")
    clock.pass_by(60)
    return doubt


@pytest.fixture
def found(batch, clock):
    """Give an order that a person wrongly said is order 501, and what it was before."""
    doubt = batch.in_doubt(cost="3")
    clock.pass_by(60)
    batch.journal.resolve_as_placed(batch.account, doubt, "501", why="seen on the panel")
    clock.pass_by(60)
    return doubt


def undo(batch, entry, why="it was another row's"):
    batch.journal.take_back(batch.now(entry), why=why)
    with batch.journal.reading() as connection:
        assert list(audit(connection)) == []
    return batch.now(entry)


def test_what_was_wrongly_given_up_is_in_doubt_again_and_spent(batch, given_up):
    assert as_it_was(undo(batch, given_up)) == as_it_was(given_up)
    assert batch.spent() == 3


def test_what_is_in_doubt_again_is_not_sent(batch, given_up):
    undo(batch, given_up)
    batch.journal.plan(batch.campaign, batch.id, [], {given_up.id: Planned(given_up.key, given_up.request, Decimal(9))})
    assert batch.intend(given_up) is IntentRefusal.NOT_PLANNED
    assert (batch.now(given_up).state, batch.spent()) == (State.IN_DOUBT, 3)


def test_the_price_of_a_later_plan_is_not_that_of_the_doubt(batch, given_up):
    batch.journal.plan(batch.campaign, batch.id, [], {given_up.id: Planned(given_up.key, given_up.request, Decimal(9))})
    assert as_it_was(undo(batch, given_up)) == as_it_was(given_up)
    assert batch.spent() == 3


def test_an_order_without_a_known_cost_is_taken_back(batch, clock):
    doubt = batch.in_doubt(cost=None)
    clock.pass_by(LATER)
    batch.journal.resolve_as_not_placed(doubt, why="")
    assert as_it_was(undo(batch, doubt)) == as_it_was(doubt)
    assert batch.spent() == 0


def test_a_budget_that_is_exceeded_by_the_doubt_does_not_prevent_it(batch, given_up):
    budgets.set_budget(batch.journal, batch.campaign, Decimal(2))
    undo(batch, given_up)
    assert batch.spent() == 3
    assert batch.intend(batch.plan()[0]) is IntentRefusal.BUDGET


def test_who_took_it_back_and_why_is_noted(batch, given_up):
    undo(batch, given_up, why="support found it")
    assert batch.notes() == [
        ("was not placed", "not on the panel"),
        ("taken back: was not placed", "support found it"),
    ]
    assert "" not in dict(batch.rows("SELECT who, id FROM notes"))


@pytest.mark.parametrize("event", [None, Event.HELD_BACK, Event.REFUSAL])
def test_what_was_sent_since_is_not_taken_back(batch, given_up, event):
    attempt = batch.intend(given_up)
    if event is not None:
        batch.settle(attempt, event)
    before, spent = batch.now(given_up), batch.spent()
    with pytest.raises(JournalConflictError, match="was sent again since"):
        batch.journal.take_back(before, why="")
    assert (batch.now(given_up), batch.spent()) == (before, spent)


def test_what_was_sent_since_and_placed_stays_placed(batch, given_up):
    batch.settle(batch.intend(given_up), Event.ORDER_ID, "502")
    with pytest.raises(JournalConflictError, match="was sent again since"):
        undo(batch, given_up)
    assert (batch.now(given_up).order_id, batch.spent()) == ("502", 3)


def test_what_came_into_doubt_again_has_nothing_to_take_back(batch, given_up):
    batch.settle(batch.intend(given_up), Event.DOUBT)
    with pytest.raises(JournalConflictError, match="is in doubt: there is nothing to take back"):
        undo(batch, given_up)


def test_a_run_that_was_faster_wins(batch, given_up):
    """The person looked before the intent, and the database is written to after it."""
    seen = batch.now(given_up)
    batch.intend(given_up)
    with pytest.raises(JournalConflictError, match="changed meanwhile"):
        batch.journal.take_back(seen, why="")
    assert (batch.now(given_up).state, batch.spent()) == (State.SENDING, 3)


def test_a_run_in_another_process_that_planned_it_does_not_send_it(batch, other, given_up):
    """The campaign is locked by the run: taking back needs no lock, because an intent compares the state."""
    run = Batch(other)
    other.hold_campaign(run.campaign, wait=0)
    other.plan(run.campaign, run.id, [], {given_up.id: Planned(given_up.key, given_up.request, Decimal(3))})
    undo(batch, given_up)
    assert run.intend(given_up) is IntentRefusal.NOT_PLANNED


def test_it_is_taken_back_once(batch, given_up):
    seen = batch.now(given_up)
    undo(batch, given_up)
    with pytest.raises(JournalConflictError, match="nothing to take back"):
        undo(batch, given_up)
    with pytest.raises(JournalConflictError, match="changed meanwhile"):
        batch.journal.take_back(seen, why="")
    assert batch.spent() == 3


def test_a_wrong_order_is_free_again_with_all_that_was_said_of_it(batch, found):
    batch.journal.record_statuses({found.id: STATUS})
    assert as_it_was(undo(batch, found)) == as_it_was(found)
    now = batch.now(found)
    assert (now.start_count, now.remains, now.currency, now.polled_at) == (None, None, "", None)
    assert (batch.journal.with_order_ids(batch.account, ["501"]), batch.spent()) == ({}, 3)
    with batch.journal.reading() as connection:
        assert status_changes_of(connection, [found.id]) == {}


def test_two_rows_that_were_mixed_up_are_put_right(batch, found):
    other = batch.in_doubt(cost="3")
    undo(batch, found)
    batch.journal.resolve_as_placed(batch.account, other, "501", why="")
    batch.journal.resolve_as_placed(batch.account, batch.now(found), "502", why="")
    known = batch.journal.with_order_ids(batch.account, ["501", "502"])
    assert {number: entry.id for number, entry in known.items()} == {"501": other.id, "502": found.id}
    assert batch.spent() == 6


def test_what_evidence_found_is_taken_back_as_well(batch, clock):
    doubt = batch.in_doubt()
    batch.journal.resolve_as_placed(batch.account, doubt, "501", why="the only one", who="reconcile")
    assert as_it_was(undo(batch, doubt)) == as_it_was(doubt)


def test_a_resolution_after_one_that_was_taken_back_is_taken_back(batch, found, clock):
    undo(batch, found)
    clock.pass_by(LATER)
    batch.journal.resolve_as_not_placed(batch.now(found), why="")
    assert as_it_was(undo(batch, found)) == as_it_was(found)


def test_an_order_that_the_panel_answered_is_not_taken_back(batch):
    entry = batch.accepted("501")
    with pytest.raises(JournalConflictError, match="nobody has resolved it"):
        undo(batch, entry)
    assert batch.now(entry) == entry


def test_a_late_answer_that_confirms_the_order_is_not_taken_back(batch, found):
    batch.settle(attempt_of(found), Event.ORDER_ID, "501")
    with pytest.raises(JournalConflictError, match="arrived since: it is order 501"):
        undo(batch, found)
    assert batch.now(found).order_id == "501"


def test_a_late_answer_with_another_order_stays_when_the_wrong_one_is_taken_back(batch, found):
    batch.settle(attempt_of(found), Event.ORDER_ID, "777")
    assert "two orders" in batch.now(found).error
    batch.journal.record_statuses({found.id: STATUS})
    now = undo(batch, found)
    assert (now.state, now.order_id, now.error, now.order_status, batch.spent()) == (State.PLACED, "777", "", "", 3)
    assert batch.journal.with_order_ids(batch.account, ["501", "777"]).keys() == {"777"}


def test_a_late_answer_after_not_placed_is_not_taken_back(batch, given_up):
    batch.settle(attempt_of(given_up), Event.ORDER_ID, "777")
    with pytest.raises(JournalConflictError, match="arrived since: it is order 777"):
        undo(batch, given_up)


def test_an_answer_that_comes_after_it_was_taken_back_is_recorded(batch, found):
    undo(batch, found)
    assert batch.settle(attempt_of(found), Event.ORDER_ID, "777").state is State.PLACED
    with pytest.raises(JournalConflictError, match="nobody has resolved it"):
        undo(batch, found)


def test_an_id_that_the_panel_answered_earlier_is_kept(batch, clock, with_earlier_id):
    clock.pass_by(LATER)
    batch.journal.resolve_as_placed(batch.account, with_earlier_id, "501", why="")
    assert as_it_was(undo(batch, with_earlier_id)) == as_it_was(with_earlier_id)
    batch.journal.resolve_as_not_placed(batch.now(with_earlier_id), why="")
    assert as_it_was(undo(batch, with_earlier_id)) == as_it_was(with_earlier_id)
    assert batch.journal.with_order_ids(batch.account, ["501"]).keys() == {"501"}
    assert batch.spent() == 3


def test_a_second_order_of_a_row_is_taken_back_alone(batch, clock, with_earlier_id):
    clock.pass_by(1)
    batch.journal.record_statuses({with_earlier_id.id: STATUS})
    before = batch.now(with_earlier_id)
    batch.journal.resolve_as_placed(batch.account, before, "502", why="")
    assert as_it_was(undo(batch, before)) == as_it_was(before)
    assert batch.journal.with_order_ids(batch.account, ["501", "502"]).keys() == {"501"}
    with batch.journal.reading() as connection:
        assert len(status_changes_of(connection, [before.id])[before.id]) == 1


def test_a_status_that_was_asked_for_before_is_not_recorded(batch, found):
    undo(batch, found)
    batch.journal.record_statuses({found.id: STATUS}, {found.id: "501"})
    assert as_it_was(batch.now(found)) == as_it_was(found)
    batch.journal.resolve_as_placed(batch.account, batch.now(found), "502", why="")
    batch.journal.record_statuses({found.id: STATUS}, {found.id: "501"})
    assert batch.now(found).order_status == ""
    batch.journal.record_statuses({found.id: STATUS}, {found.id: "502"})
    assert batch.now(found).order_status == "Completed"


def test_the_rows_of_its_sheet_are_its_batch_again(batch, found):
    batch.journal.finish_batch(batch.id)
    undo(batch, found)
    assert batch.journal.latest_batch(batch.campaign, "sheet.xlsx") == batch.id


def test_the_rows_of_a_sheet_that_has_other_orders_since_are_not(batch, found):
    batch.journal.finish_batch(batch.id)
    later = batch.journal.open_batch(batch.campaign, "sheet.xlsx")
    batch.journal.finish_batch(later)
    undo(batch, found)
    assert batch.journal.latest_batch(batch.campaign, "sheet.xlsx") is None


def test_a_journal_finds_what_an_order_id_was_taken_back_from(journal, found, batch):
    undo(batch, found)
    assert journal.taken_back(batch.account, ["501", "502"]) == {"501": [batch.now(found)]}
    stranger = Batch(journal, account="stranger")
    assert (journal.taken_back(batch.account, ["50"]), journal.taken_back(stranger.account, ["501"])) == ({}, {})


@pytest.fixture
def seen(batch, clock):
    """Give the way to read a balance."""

    def read(amount):
        clock.pass_by(60)
        before = balances.accepted(batch.journal, batch.account)
        return balances.record(batch.journal, batch.account, Balance(Decimal(amount), "USD"), before)

    return read


def test_the_balance_shows_what_it_showed_before_the_mistake(batch, clock, seen):
    seen("100")
    clock.pass_by(1)
    doubt = batch.in_doubt(cost="3")
    clock.pass_by(LATER)
    seen("97")
    before = evidence(batch.journal, [doubt])[doubt.id]
    assert before.verdict is Verdict.DEBITED
    batch.journal.resolve_as_not_placed(doubt, why="")
    seen("97")
    assert evidence(batch.journal, [undo(batch, doubt)])[doubt.id] == before


def test_an_order_that_was_wrongly_counted_as_debited_is_no_unexplained_drop(batch, clock, seen, found):
    seen("100")
    budgets.hold_to_currency(batch.journal, batch.campaign, "usd")
    seen("100")
    other = Batch(batch.journal, account="by another name")
    balances.record(batch.journal, other.account, Balance(Decimal(9), "USD"), balances.accepted(batch.journal, 1))
    undo(batch, found)
    clock.pass_by(LATER)
    batch.journal.resolve_as_not_placed(batch.now(found), why="")
    assert latest_fall(batch.journal, batch.account, seen("100")) is None
    assert batch.rows("SELECT account_id, accepted FROM balances ORDER BY id") == [
        (batch.account, "0"),
        (batch.account, "0"),
        (other.account, "3"),
        (batch.account, "0"),
    ]
