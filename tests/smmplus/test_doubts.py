from datetime import UTC, datetime, timedelta

import pytest

from smmplus.errors import JournalConflictError
from smmplus.journal.doubts import STILL_UNDER_WAY
from smmplus.journal.states import Event, State
from smmplus.journal.store import Journal
from tests.databases import DATABASES, url_of
from tests.smmplus.desk import Desk, attempt_of

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


def test_what_a_dead_run_left_behind_comes_into_doubt(desk, other):
    (entry,) = desk.plan()
    desk.intend(entry)
    desk.journal.close()
    (recovered,) = other.recover_crashed_runs()
    now = Desk(other).now(entry)
    assert (recovered.id, now.state, "gone" in now.error, now.settled_at is not None) == (
        entry.id,
        State.IN_DOUBT,
        True,
        True,
    )


def test_what_a_live_run_is_sending_is_left_alone(desk, other):
    (entry,) = desk.plan()
    desk.intend(entry)
    assert (other.recover_crashed_runs(), desk.now(entry).state) == ([], State.SUBMITTING)


def test_what_this_run_is_sending_is_left_alone(desk):
    (entry,) = desk.plan()
    desk.intend(entry)
    assert (desk.journal.recover_crashed_runs(), desk.now(entry).state) == ([], State.SUBMITTING)


def test_the_dead_are_buried_once(desk, other):
    desk.intend(desk.plan()[0])
    desk.journal.close()
    other.recover_crashed_runs()
    assert other.recover_crashed_runs() == []


def test_the_living_stay_alive_however_often_they_are_looked_at(desk, other):
    desk.intend(desk.plan()[0])
    assert [other.recover_crashed_runs(), other.recover_crashed_runs()] == [[], []]


def test_a_buried_order_stays_spent(desk, other):
    desk.intend(desk.plan(cost="3")[0])
    desk.journal.close()
    other.recover_crashed_runs()
    assert Desk(other).spent() == 3


def test_a_buried_order_is_accepted_when_its_id_comes_late(desk, other):
    (entry,) = desk.plan()
    attempt = desk.intend(entry)
    desk.journal.close()
    other.recover_crashed_runs()
    change = Desk(other).settle(attempt, Event.ORDER_ID, "501")
    assert (change.state, change.order_id) == (State.ACCEPTED, "501")


def test_doubts_are_listed_by_account_or_all(journal):
    one, stranger = Desk(journal), Desk(journal, account="stranger")
    mine, theirs = one.in_doubt(), stranger.in_doubt()
    assert [entry.id for entry in journal.in_doubt(one.account)] == [mine.id]
    assert [entry.id for entry in journal.in_doubt()] == [mine.id, theirs.id]


def test_a_person_names_an_order_by_campaign_and_key(journal):
    desk = Desk(journal, "spring/early")
    entry = desk.in_doubt()
    assert journal.find(desk.account, f"spring/early/{entry.key}") == entry


@pytest.mark.parametrize("name", ["", "spring", "spring/x", "other/KEY"])
def test_a_name_that_is_no_order_s_is_told(desk, name):
    entry = desk.in_doubt()
    with pytest.raises(JournalConflictError, match="knows no order"):
        desk.journal.find(desk.account, name.replace("KEY", entry.key))


def test_another_account_s_order_is_not_found(journal):
    entry = Desk(journal).in_doubt()
    with pytest.raises(JournalConflictError):
        journal.find(Desk(journal, account="stranger").account, entry.name)


def test_a_person_says_which_order_it_is(desk):
    entry = desk.in_doubt()
    desk.journal.resolve_as_placed(desk.account, entry, "501", why="seen on the panel")
    now = desk.now(entry)
    assert (now.state, now.order_id, now.error) == (State.ACCEPTED, "501", "")
    assert desk.journal.with_order_ids(desk.account, ["501"])["501"].id == entry.id


def test_an_order_of_another_account_at_the_same_panel_settles_nothing(journal):
    """One key may go by two names; an order of another panel with that number is another order."""
    desk, other = Desk(journal), Desk(journal, account="by another name")
    elsewhere = Desk(journal, url="https://panel.example/api/v2")
    taken, free = other.accepted("501"), elsewhere.accepted("502")
    entry = desk.in_doubt()
    with pytest.raises(JournalConflictError, match=f"order 501 is {taken.name} of account 'by another name' already"):
        journal.resolve_as_placed(desk.account, entry, "501", why="seen on the panel")
    journal.resolve_as_placed(desk.account, entry, "502", why="seen on the panel")
    assert (desk.now(entry).order_id, elsewhere.now(free).order_id) == ("502", "502")


def test_a_person_s_word_is_noted_with_its_reason(desk):
    entry = desk.in_doubt()
    desk.journal.resolve_as_placed(desk.account, entry, "501", why="seen on the panel")
    assert desk.rows("SELECT entry_id, what, why FROM notes") == [(entry.id, "is order 501", "seen on the panel")]


def test_an_order_found_stays_spent(desk):
    entry = desk.in_doubt(cost="3")
    desk.journal.resolve_as_placed(desk.account, entry, "501", why="")
    assert desk.spent() == 3


def test_another_row_s_order_is_not_taken_for_this_one(desk):
    desk.accepted("501")
    entry = desk.in_doubt()
    with pytest.raises(JournalConflictError, match="501 is spring/"):
        desk.journal.resolve_as_placed(desk.account, entry, "501", why="")
    assert desk.now(entry).state is State.IN_DOUBT


def test_a_person_says_that_it_was_not_placed(desk, clock):
    entry = desk.in_doubt(cost="3")
    clock.pass_by(LATER)
    desk.journal.resolve_as_not_placed(entry, why="not on the panel")
    assert (desk.now(entry).state, desk.spent()) == (State.PLANNED, 0)
    assert desk.rows("SELECT what, why FROM notes") == [("was not placed", "not on the panel")]


def test_what_was_not_placed_gets_a_new_attempt(desk, clock):
    entry = desk.in_doubt()
    clock.pass_by(LATER)
    desk.journal.resolve_as_not_placed(entry, why="")
    assert desk.intend(entry).number == 2


def test_what_could_still_be_under_way_at_the_panel_is_not_given_up(desk, clock):
    entry = desk.in_doubt()
    clock.pass_by(LATER - 1)
    with pytest.raises(JournalConflictError, match="still be under way"):
        desk.journal.resolve_as_not_placed(entry, why="")
    assert desk.now(entry).state is State.IN_DOUBT


def test_what_a_live_process_is_sending_is_not_given_up(desk, other, clock):
    (entry,) = desk.plan()
    desk.intend(entry)
    clock.pass_by(LATER)
    with pytest.raises(JournalConflictError, match="a process that is alive"):
        other.resolve_as_not_placed(desk.now(entry), why="")


@pytest.mark.parametrize("event", [Event.ORDER_ID, Event.REFUSAL, Event.HELD_BACK])
def test_only_a_doubt_is_settled_by_a_person(desk, clock, event):
    (entry,) = desk.plan()
    desk.settle(desk.intend(entry), event, "501" if event is Event.ORDER_ID else None)
    clock.pass_by(LATER)
    with pytest.raises(JournalConflictError, match="is not in doubt"):
        desk.journal.resolve_as_not_placed(desk.now(entry), why="")
    with pytest.raises(JournalConflictError, match="is not in doubt"):
        desk.journal.resolve_as_placed(desk.account, desk.now(entry), "502", why="")


def test_a_doubt_that_is_settled_meanwhile_is_not_settled_once_more(desk, clock):
    """Two persons look at the same list; the second one's word must not free money that is spent."""
    entry = desk.in_doubt(cost="3")
    desk.settle(attempt_of(entry), Event.ORDER_ID, "501")
    clock.pass_by(LATER)
    with pytest.raises(JournalConflictError, match="changed meanwhile"):
        desk.journal.resolve_as_not_placed(entry, why="")
    assert (desk.now(entry).order_id, desk.spent(), desk.rows("SELECT * FROM notes")) == ("501", 3, [])


def test_a_doubt_given_up_twice_frees_its_money_once(desk, clock):
    entry = desk.in_doubt(cost="3")
    clock.pass_by(LATER)
    desk.journal.resolve_as_not_placed(entry, why="")
    with pytest.raises(JournalConflictError, match="changed meanwhile"):
        desk.journal.resolve_as_not_placed(entry, why="")
    assert desk.spent() == 0


def test_an_order_found_for_what_was_given_up_meanwhile_is_not_recorded(desk, clock):
    """The row would be planned, be sent again, and have an order all the same."""
    entry = desk.in_doubt()
    clock.pass_by(LATER)
    desk.journal.resolve_as_not_placed(entry, why="")
    with pytest.raises(JournalConflictError, match="changed meanwhile"):
        desk.journal.resolve_as_placed(desk.account, entry, "501", why="")
    assert desk.journal.with_order_ids(desk.account, ["501"]) == {}


@pytest.fixture
def with_earlier_id(desk):
    """Give an entry whose second sending is in doubt, and whose first one's order id came late."""
    (entry,) = desk.plan(cost="3")
    first = desk.intend(entry)
    desk.settle(first, Event.HELD_BACK)
    second = desk.intend(entry)
    desk.settle(first, Event.ORDER_ID, "501")
    desk.settle(second, Event.DOUBT)
    return desk.now(entry)


def test_giving_up_a_later_sending_leaves_the_earlier_one_s_order(desk, clock, with_earlier_id):
    """Planned again, the row would be ordered twice."""
    clock.pass_by(LATER)
    desk.journal.resolve_as_not_placed(with_earlier_id, why="")
    now = desk.now(with_earlier_id)
    assert (now.state, now.order_id, desk.spent()) == (State.ACCEPTED, "501", 3)


def test_a_row_s_own_earlier_order_may_be_named(desk, with_earlier_id):
    desk.journal.resolve_as_placed(desk.account, with_earlier_id, "501", why="")
    now = desk.now(with_earlier_id)
    assert (now.state, now.order_id) == (State.ACCEPTED, "501")


def test_another_order_named_for_a_row_that_has_one_raises_an_alarm(desk, with_earlier_id):
    desk.journal.resolve_as_placed(desk.account, with_earlier_id, "502", why="")
    now = desk.now(with_earlier_id)
    assert (now.order_id, "501 and 502" in now.error) == ("501", True)
    assert desk.journal.with_order_ids(desk.account, ["501", "502"]).keys() == {"501", "502"}


def test_what_was_not_placed_is_free_again_to_the_last_of_many_digits(desk, clock):
    desk.accepted(cost="12345678901234567890.12345678901234567891")
    entry = desk.in_doubt(cost="1")
    clock.pass_by(LATER)
    desk.journal.resolve_as_not_placed(entry, why="looked")
    assert str(desk.spent()) == "12345678901234567890.12345678901234567891"
