from datetime import UTC, datetime, timedelta

import pytest

from smmplus.errors import JournalConflictError
from smmplus.journal.journal import Journal
from smmplus.journal.recovery import STILL_UNDER_WAY
from smmplus.journal.state_machine import Event, State
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
    assert batch.rows("SELECT entry_id, what, why FROM notes") == [(entry.id, "is order 501", "seen on the panel")]


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
    assert batch.rows("SELECT what, why FROM notes") == [("was not placed", "not on the panel")]


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
