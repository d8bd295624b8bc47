"""Rounds of statuses until all are final."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from bulk.running import tracking
from bulk.running.events import RunListener
from bulk.running.interrupts import Interrupts
from bulk.running.tracking import OrderTracking
from smmplus.errors import AccountError, BusyError, FollowUpError, JournalError, LostAnswerError, UnreadableAnswerError
from smmplus.journal.queries import declare_final, declare_open
from smmplus.orders.models import OrderStatus
from tests.bulk.plans import LINK, request

RUNNING = OrderStatus("In progress", Decimal("0.1"), 5, 10, "USD")
DONE = OrderStatus("Completed", Decimal("0.15"), 5, 0, "USD")


class FakeClient:
    """Answers each round with the next of these, the last one again and again."""

    def __init__(self, *rounds):
        self._rounds = list(rounds)
        self.asked = []

    async def order_statuses(self, order_ids):
        self.asked.append(list(order_ids))
        answer = self._rounds.pop(0) if len(self._rounds) > 1 else self._rounds[0]
        if isinstance(answer, Exception):
            raise answer
        return {order_id: status for order_id, status in answer.items() if order_id in order_ids}


class Clock(Interrupts):
    """Time that passes only by sleeping; asked to stop after so many sleeps."""

    def __init__(self, monkeypatch, *, stop_after=100):
        super().__init__()
        self.sleeps = []
        self._now = 1000.0
        self._stop_after = stop_after
        monkeypatch.setattr(tracking, "time", SimpleNamespace(monotonic=lambda: self._now))

    async def sleep(self, seconds):
        self.sleeps.append(seconds)
        self._now += seconds
        if len(self.sleeps) >= self._stop_after:
            self.ask()


class Notes(RunListener):
    def __init__(self):
        super().__init__(agreed=True)
        self.notes = []
        self.seen = []

    def following(self, orders, final):
        self.seen.append((orders, final))

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def two(week):
    """Two placed orders, 501 and 502."""
    return week.accepted("501"), week.accepted("502", request(LINK + "/2"))


class Rows:
    """What a write-back tells of its rows."""

    def __init__(self, ledger, *entries):
        self._ledger, self._entries = ledger, entries

    def iter_entries(self):
        return ((row, self._ledger.now(entry)) for row, entry in enumerate(self._entries, start=2))


@pytest.fixture
def follow(week, two, monkeypatch):
    """Follow the two orders, and give what was done."""

    async def run(*rounds, wait=None, pause=60.0, stop_after=100):
        client, clock, listener = FakeClient(*rounds), Clock(monkeypatch, stop_after=stop_after), Notes()
        job = OrderTracking.of(Rows(week, *two), week.journal, client, listener)
        await job.until(clock, wait=wait, pause=pause)
        return client, clock, listener

    return run


async def test_it_ends_when_all_are_final(follow):
    client, clock, listener = await follow({"501": DONE, "502": DONE})
    assert (client.asked, clock.sleeps, listener.seen) == ([["501", "502"]], [], [(2, 2)])


async def test_what_it_heard_is_in_the_journal(follow, week, two):
    await follow({"501": DONE, "502": RUNNING}, {"502": DONE})
    first, second = (week.now(entry) for entry in two)
    assert (first.order_status, first.final, first.charge) == ("Completed", True, Decimal("0.15"))
    assert (second.order_status, second.final) == ("Completed", True)


async def test_final_orders_are_not_asked_about_again(follow):
    client, clock, listener = await follow({"501": DONE, "502": RUNNING}, {"502": DONE})
    assert client.asked == [["501", "502"], ["502"]]
    assert clock.sleeps == [60]
    assert listener.seen == [(2, 1), (2, 2)]


async def test_orders_that_were_final_before_count_as_final(follow, week, two):
    week.journal.record_statuses({two[0].id: DONE})
    client, _, listener = await follow({"502": DONE})
    assert (client.asked, listener.seen) == ([["502"]], [(2, 2)])


async def test_where_nothing_is_open_nothing_is_asked(follow, week, two):
    week.journal.record_statuses({entry.id: DONE for entry in two})
    client, clock, listener = await follow({})
    assert (client.asked, clock.sleeps, listener.seen) == ([], [], [])


async def test_rows_without_an_order_are_not_followed(week, monkeypatch):
    job = OrderTracking.of(Rows(week, week.in_doubt(), week.planned(nth=2)), week.journal, FakeClient({}), Notes())
    assert (job.orders, job.watched) == (0, {})


async def test_rounds_get_rarer_while_nothing_moves_and_frequent_when_something_does(follow):
    still = {"501": RUNNING, "502": RUNNING}
    moved = {"501": RUNNING, "502": OrderStatus("In progress", Decimal("0.1"), 5, 9, "USD")}
    client, clock, _ = await follow(still, still, still, moved, moved, {"501": DONE, "502": DONE}, pause=100)
    assert clock.sleeps == [100, 150, 225, 100, 150, 100]
    # The one that stands still is asked for less often than the one that moved.
    assert client.asked[3:] == [["501", "502"], ["502"], ["502"], ["501"]]


async def test_a_status_that_a_person_declared_final_is_final_and_can_be_opened_again(follow, week, two):
    strange = OrderStatus("Вручную", Decimal("0.15"), 5, 0, "USD")
    account_id = week.account
    with week.journal.transaction() as connection:
        declare_final(connection, account_id, [" вручную "])
    client, _, listener = await follow({"501": strange, "502": DONE})
    assert (client.asked, listener.seen, listener.notes) == ([["501", "502"]], [(2, 2)], [])
    assert week.now(two[0]).final
    with week.journal.transaction() as connection:
        assert declare_open(connection, account_id, "ВРУЧНУЮ")
        assert not declare_open(connection, account_id, "Completed")
    assert (week.now(two[0]).final, week.now(two[1]).final) == (False, True)


async def test_an_order_without_a_change_for_a_day_is_named_once(follow, week, two):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(week.journal, "time", lambda: "2026-01-02T03:04:05.678+00:00")
        week.journal.record_statuses({two[0].id: RUNNING})
    still = {"501": RUNNING, "502": RUNNING}
    _, _, listener = await follow(still, still, {"501": DONE, "502": DONE})
    (note,) = listener.notes
    assert note.startswith("1 order without a change for a day or more: 501 since 2 Jan 2026")


async def test_when_the_wait_is_over_every_open_order_is_asked_for_once_more(follow):
    still = {"501": RUNNING, "502": RUNNING}
    moved = {"501": RUNNING, "502": OrderStatus("In progress", Decimal("0.1"), 5, 9, "USD")}
    client, clock, _ = await follow(still, still, moved, moved, pause=100, wait=300)
    assert (clock.sleeps, client.asked) == ([100, 150, 50], [["501", "502"]] * 4)


async def test_rounds_never_get_rarer_than_ten_minutes(follow):
    _, clock, _ = await follow({"501": RUNNING, "502": RUNNING}, pause=500, stop_after=4)
    assert clock.sleeps == [500, 600, 600, 600]


async def test_a_missing_id_stays_open(follow, week, two):
    client, _, listener = await follow({"501": DONE}, {"501": DONE}, {"502": DONE})
    assert client.asked == [["501", "502"], ["502"], ["502"]]
    assert listener.notes == []
    assert week.now(two[1]).final


async def test_an_unknown_word_is_never_final(follow, week, two):
    strange = OrderStatus("Вручную", Decimal("0.15"), 5, 0, "USD")
    client, _, listener = await follow({"501": DONE, "502": strange}, stop_after=3)
    assert len(client.asked) == 3
    assert listener.seen[-1] == (2, 1)
    assert (week.now(two[1]).order_status, week.now(two[1]).final) == ("Вручную", False)
    assert listener.notes == ["unknown order status 'Вручную': its orders count as unfinished"]


async def test_where_no_word_is_understood_it_is_said_why_nothing_is_known(week, two, monkeypatch):
    strange = OrderStatus("Вручную", None, None, None, "")
    job = OrderTracking.of(Rows(week, *two), week.journal, FakeClient({"501": strange, "502": strange}), Notes())
    await job.until(Clock(monkeypatch), wait=0, pause=60)
    assert job.unread == "unknown order status 'Вручную': its orders count as unfinished"


async def test_one_word_that_is_understood_is_enough_to_go_on(week, two, monkeypatch):
    strange = OrderStatus("Вручную", None, None, None, "")
    job = OrderTracking.of(Rows(week, *two), week.journal, FakeClient({"501": strange, "502": RUNNING}), Notes())
    await job.until(Clock(monkeypatch), wait=0, pause=60)
    assert job.unread == ""


async def test_an_answer_that_cannot_be_read_is_told_once_and_asked_for_again(follow):
    strange = UnreadableAnswerError("the panel answered HTTP 200 with '{}'")
    client, _, listener = await follow(strange, strange, strange, {"501": DONE, "502": DONE})
    assert len(client.asked) == 4
    assert [note.partition(": ")[2] for note in listener.notes] == [str(strange)]


async def test_a_number_that_cannot_be_read_is_told_once_and_stands_beside_the_order(follow, week, two):
    odd = OrderStatus("In progress", None, 5, 10, "USD", "charge '1,234'")
    _, _, listener = await follow({"501": odd, "502": DONE}, {"501": odd}, {"501": DONE})
    assert listener.notes == ["the panel's charge '1,234' cannot be read: nothing is computed from it"]
    assert week.now(two[0]).error == ""


async def test_what_could_not_be_read_stays_in_the_row_s_error_while_it_is_so(follow, week, two):
    odd = OrderStatus("In progress", None, 5, 10, "USD", "charge '1,234'")
    await follow({"501": odd, "502": DONE}, stop_after=1)
    assert (week.now(two[0]).error, week.now(two[0]).charge) == ("cannot be read: charge '1,234'", None)


async def test_an_order_that_the_panel_does_not_know_is_told_and_not_asked_about_again(follow, week, two):
    client, _, listener = await follow({"501": FollowUpError("Incorrect order ID"), "502": RUNNING}, {"502": DONE})
    assert client.asked == [["501", "502"], ["502"]]
    assert listener.notes == ["order 501 cannot be tracked: the panel says 'Incorrect order ID'"]
    assert not week.now(two[0]).final


@pytest.mark.parametrize("fault", [LostAnswerError("no answer"), BusyError("too many requests")])
async def test_a_passing_fault_is_told_and_the_next_round_tries_again(follow, fault):
    client, clock, listener = await follow(fault, {"501": DONE, "502": DONE}, pause=10)
    assert len(client.asked) == 2
    words = "no status for 2 of 2 orders; the next round asks again"
    assert listener.notes == [f"{words}: {fault}"]
    assert clock.sleeps == [15]
    assert listener.seen == [(2, 0), (2, 2)]


async def test_an_account_that_is_refused_ends_it(follow):
    with pytest.raises(AccountError, match="Invalid API key"):
        await follow(AccountError("Invalid API key"))


async def test_a_journal_that_cannot_be_written_ends_it(follow, week, monkeypatch):
    def full(*_):
        raise JournalError("the disk is full")

    monkeypatch.setattr(week.journal, "record_statuses", full)
    with pytest.raises(JournalError, match="the disk is full"):
        await follow({"501": DONE})


async def test_the_wait_ends_it_with_a_round_at_its_end(follow):
    client, clock, _ = await follow({"501": RUNNING, "502": RUNNING}, wait=200, pause=80)
    assert clock.sleeps == [80, 120]
    assert len(client.asked) == 3


async def test_the_last_pause_is_no_longer_than_the_wait(follow):
    _, clock, _ = await follow({"501": RUNNING, "502": RUNNING}, wait=100, pause=80)
    assert clock.sleeps == [80, 20]


async def test_no_wait_is_one_round(follow):
    client, clock, _ = await follow({"501": RUNNING, "502": RUNNING}, wait=0)
    assert (len(client.asked), clock.sleeps) == (1, [])


async def test_whoever_asks_to_stop_ends_it(follow):
    client, clock, _ = await follow({"501": RUNNING, "502": RUNNING}, stop_after=1)
    assert (len(client.asked), len(clock.sleeps)) == (1, 1)


async def test_asked_before_it_begins_it_asks_nothing(week, two, monkeypatch):
    clock, client = Clock(monkeypatch), FakeClient({})
    clock.ask()
    await OrderTracking.of(Rows(week, *two), week.journal, client, Notes()).until(clock, wait=None, pause=1)
    assert client.asked == []
