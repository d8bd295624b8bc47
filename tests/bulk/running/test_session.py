"""One job under way: its rows in the journal, and the sheet written."""

import asyncio
import signal
from decimal import Decimal

import pytest
from sqlalchemy import select

from bulk.model.errors import SheetError
from bulk.model.options import Options
from bulk.reading import read_sheet
from bulk.running.events import RunListener
from bulk.running.session import RunSession
from bulk.running.write_from_journal import WriteBack
from smmplus.api.error_texts import Meaning
from smmplus.api.panel import Panel
from smmplus.errors import AccountError, JournalError, LostAnswerError
from smmplus.journal import budgets, schema
from smmplus.journal.group_commit import Intent
from smmplus.journal.state_machine import Event, Outcome, State
from smmplus.orders.models import Balance
from smmplus.placing.placer import Progress, Stop
from tests.bulk.plans import LINK, Ledger, request, service

pytestmark = pytest.mark.usefixtures("read_here")

PANEL = Panel("0123456789abcdef", "https://smm.plus/api/v2")


class Notes(RunListener):
    def __init__(self):
        super().__init__(agreed=True)
        self.notes, self.written = [], []

    def wrote(self, written):
        self.written.append(written)

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(f"service,link,quantity\n2,{LINK},100\n2,{LINK}/2,100\n", "utf-8")
    return path


@pytest.fixture
def job_of(week, path):
    def make(*, unfinished=True, sheet=None, **options):
        planning = {name: said for name, said in options.items() if name in {"adopt", "retry_refused", "first"}}
        plan = week.plan(sheet or read_sheet(path), unfinished=unfinished, **planning)
        return RunSession(Options(path, **options), PANEL, week.journal, Notes(), plan)

    return make


def settle(week, job, *order_ids):
    """Let the panel answer the job's orders: an id, or None for no answer."""
    for (entry, _), order_id in zip(job.orders, order_ids, strict=True):
        (attempt,) = week.journal.commit([Intent(entry)])
        event = Event.DOUBT if order_id is None else Event.ORDER_ID
        week.journal.commit([Outcome(entry, attempt.number, event, order_id)])


def is_finished(week, job):
    return all(week.journal.with_ids([entry])[entry].batch_finished for entry in job.watched.values())


def fails(*_):
    raise JournalError("the disk is gone")


# Preparing.


def test_rows_to_send_get_entries_in_the_unfinished_batch(week, job_of):
    job = job_of()
    job.prepare()
    entries = week.journal.of_batch(week.batch)
    assert [entry.request for entry in entries] == [request(), request(LINK + "/2")]
    assert job.watched == {2: entries[0].id, 3: entries[1].id}
    assert job.orders == [(entry.id, entry.request) for entry in entries]
    assert [entry.cost for entry in entries] == [Decimal("0.15")] * 2


def test_without_an_unfinished_batch_one_is_opened(week, job_of):
    job = job_of(unfinished=False)
    job.prepare()
    assert job.batch_id not in {None, week.batch}
    assert [entry.source for entry in week.journal.of_batch(job.batch_id)] == ["week.csv"] * 2


def test_where_nothing_is_to_be_sent_no_batch_is_opened(week, job_of):
    week.accepted("501"), week.accepted("502", request(LINK + "/2"))
    week.finish()
    job = job_of(unfinished=False, adopt=True)
    job.prepare()
    assert (job.batch_id, job.orders) == (None, [])
    assert list(job.watched) == [2, 3]


def test_what_was_planned_or_refused_before_is_taken_up_at_todays_price(week, job_of):
    planned = week.planned(cost="99")
    refused = week.refused(request(LINK + "/2"), meaning=Meaning.UNKNOWN.name)
    week.finish()
    job = job_of(unfinished=False, retry_refused=True)
    job.prepare()
    now = [week.now(entry) for entry in (planned, refused)]
    assert [(entry.batch_id, entry.state, entry.cost) for entry in now] == [
        (job.batch_id, State.NOT_SENT, Decimal("0.15"))
    ] * 2
    assert [entry for entry, _ in job.orders] == [planned.id, refused.id]


def test_placed_rows_are_watched_and_not_sent(week, job_of):
    entry = week.accepted("501")
    job = job_of()
    job.prepare()
    assert job.watched[2] == entry.id
    assert [asked for _, asked in job.orders] == [request(LINK + "/2")]


# Finishing.


def test_the_batch_is_finished_when_all_is_settled_and_written(week, job_of, path):
    job = job_of()
    job.prepare()
    settle(week, job, "501", "502")
    outcome = job.finish()
    assert is_finished(week, job)
    assert "501" in path.read_text("utf-8-sig")
    assert outcome.written.in_place
    assert {row: entry.order_id for row, entry in outcome.entries.items()} == {2: "501", 3: "502"}


def test_rows_that_wait_for_a_later_run_keep_the_batch_open(week, job_of):
    job = job_of(first=1)
    job.prepare()
    settle(week, job, "501")
    outcome = job.finish()
    assert (outcome.exit_status, outcome.unsent, len(outcome.plan.deferred)) == (0, 0, 1)
    assert not is_finished(week, job)


def test_a_doubt_keeps_the_batch_open_until_it_is_settled(week, job_of):
    job = job_of()
    job.prepare()
    settle(week, job, "501", None)
    entry = job.orders[1][0]
    assert job.finish().count(State.IN_DOUBT) == 1
    assert not is_finished(week, job)
    week.journal.resolve_as_placed(week.account, week.journal.with_ids([entry])[entry], "502", why="seen")
    job.finish()
    assert is_finished(week, job)


def test_a_refused_row_is_settled(week, job_of):
    week.refused(meaning=Meaning.UNKNOWN.name), week.accepted("502", request(LINK + "/2"))
    job = job_of()
    job.prepare()
    job.finish()
    assert is_finished(week, job)


def test_what_was_never_sent_keeps_the_batch_open(week, job_of):
    job = job_of()
    job.prepare()
    outcome = job.finish()
    assert not is_finished(week, job)
    assert outcome.unsent == 2


def test_results_beside_the_sheet_keep_the_batch_open(week, job_of, path):
    """A fresh copy of the sheet, which carries no ids, must still be these orders."""
    job = job_of()
    job.prepare()
    settle(week, job, "501", "502")
    path.write_text("somebody's work", "utf-8")
    assert not job.finish().written.in_place
    assert not is_finished(week, job)


def test_results_that_cannot_be_written_keep_the_batch_open_and_are_told(week, job_of, monkeypatch):
    job = job_of()
    job.prepare()
    settle(week, job, "501", "502")
    monkeypatch.setattr(WriteBack, "write", unwritable)
    outcome = job.finish()
    assert outcome.unwritten == "the disk is full"
    assert job.listener._listener.notes == ["the results could not be written: the disk is full"]
    assert not is_finished(week, job)


def unwritable(*_):
    raise SheetError("the disk is full")


def test_a_later_write_that_succeeds_makes_it_good(week, job_of, monkeypatch):
    job = job_of()
    job.prepare()
    settle(week, job, "501", "502")
    with monkeypatch.context() as patch:
        patch.setattr(WriteBack, "write", unwritable)
        job._write()
    outcome = job.finish()
    assert (outcome.unwritten, len(job.listener._listener.written)) == ("", 1)
    assert is_finished(week, job)


def test_order_ids_that_the_journal_could_not_take_are_told_by_row(week, job_of, monkeypatch, path):
    """Also where the journal cannot be read any more: these ids are nowhere else."""
    job = job_of()
    job.prepare()
    job.progress = Progress(stop=Stop.JOURNAL, reason="the disk is gone", unrecorded={job.orders[1][0]: "777"})
    monkeypatch.setattr(week.journal, "with_ids", fails)
    outcome = job.finish()
    assert (outcome.unrecorded, outcome.stop, outcome.exit_status) == ({3: "777"}, Stop.JOURNAL, 7)
    assert "777" in path.read_text("utf-8-sig")


def test_a_journal_that_fails_at_the_end_is_why_it_stopped(week, job_of, monkeypatch):
    entry = week.accepted("501")
    job = job_of()
    monkeypatch.setattr(week.journal, "with_ids", fails)
    outcome = job.finish()
    assert (outcome.stop, outcome.reason) == (Stop.JOURNAL, "the disk is gone")
    assert outcome.entries == {2: entry}


def test_the_progress_is_in_the_outcome(job_of):
    job = job_of()
    job.prepare()
    job.progress = Progress(sent=5, stop=Stop.BUDGET, reason="enough", alarms=["two orders"])
    job.unfollowed = "interrupted"
    outcome = job.finish()
    assert (outcome.sent, outcome.stop, outcome.reason) == (5, Stop.BUDGET, "enough")
    assert (outcome.alarms, outcome.unfollowed) == (("two orders",), "interrupted")


# Under way.


@pytest.fixture
def done(monkeypatch):
    """Neither place nor follow, but note that it would be done."""
    calls = []

    async def place(self, *_):
        await asyncio.sleep(0)
        calls.append("place")

    async def follow(self, _client, _stopping, wait):
        await asyncio.sleep(0)
        calls.append(("follow", wait))

    monkeypatch.setattr(RunSession, "_place", place)
    monkeypatch.setattr(RunSession, "_follow", follow)
    return calls


async def test_it_places_and_follows(job_of, done):
    job = job_of(wait=5)
    job.prepare()
    await job.place_and_track()
    assert done == ["place", ("follow", 5)]


async def test_with_no_wait_it_does_not_follow(job_of, done):
    job = job_of(wait=0)
    job.prepare()
    await job.place_and_track()
    assert done == ["place"]


async def test_without_rows_to_send_it_follows(job_of, done):
    await job_of(wait=None).place_and_track()
    assert done == [("follow", None)]


async def test_once_stopped_it_does_not_follow(job_of, done):
    job = job_of()
    job.progress.stop_for(Stop.DOUBT, "three")
    await job.place_and_track()
    assert done == []


async def test_status_is_one_round(job_of, done):
    await job_of().track()
    assert done == [("follow", 0)]


async def test_a_long_run_writes_now_and_then(job_of, monkeypatch):
    written = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def until_written(*_):
        await written.wait()

    monkeypatch.setattr(RunSession, "_follow", until_written)
    monkeypatch.setattr(RunSession, "_write", lambda _: loop.call_soon_threadsafe(written.set))
    await job_of(write_every=0.001).place_and_track()


async def test_an_account_that_is_refused_while_following_stops_the_run(job_of, monkeypatch):
    async def refuse(*_, **__):
        raise AccountError("Invalid API key")

    monkeypatch.setattr("bulk.running.tracking.OrderTracking.until", refuse)
    job = job_of(wait=None)
    await job.place_and_track()
    assert (job.progress.stop, job.progress.reason, job.unfollowed) == (Stop.ACCOUNT, "Invalid API key", "")


async def test_ctrl_c_while_following_is_told(job_of, monkeypatch):
    async def interrupt(_self, stopping, **_):
        signal.raise_signal(signal.SIGINT)
        await stopping.sleep(3600)

    monkeypatch.setattr("bulk.running.tracking.OrderTracking.until", interrupt)
    job = job_of(wait=None)
    await job.place_and_track()
    assert job.unfollowed == "interrupted"


class Held:
    """A client that tells a balance, or not."""

    def __init__(self, answer, *services):
        self._answer = answer
        self._services = list(services)

    async def services(self):
        return self._services

    async def balance(self):
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


async def test_a_refused_account_is_told_with_its_balance(job_of):
    job = job_of()
    job.progress.stop_for(Stop.ACCOUNT, "Not enough funds")
    await job._look_at_the_end(Held(Balance(Decimal("12.50"), "USD")))
    assert job.progress.reason == "Not enough funds; the balance is 12.5 USD"


async def test_a_balance_that_cannot_be_had_hides_nothing_and_is_told(job_of):
    job = job_of()
    job.progress.stop_for(Stop.ACCOUNT, "Not enough funds")
    await job._look_at_the_end(Held(LostAnswerError("no answer")))
    assert job.progress.reason == "Not enough funds"
    assert job.listener._listener.notes == ["the balance after placing could not be read: no answer"]


async def test_the_last_look_keeps_nobody_waiting(job_of, monkeypatch):
    class Silent:
        async def balance(self):
            await asyncio.Event().wait()

    monkeypatch.setattr("bulk.running.session.LAST_LOOK_SECONDS", 0.001)
    job = job_of()
    await job._look_at_the_end(Silent())
    assert job.listener._listener.notes == ["the balance after placing could not be read: no answer in time"]


async def look_again(job, balance="1000", *services):
    job.prepare()
    await job._look_again(Held(Balance(Decimal(balance), "USD"), *(services or (service(),))))
    return job.progress.stop, job.listener._listener.notes


async def test_prices_and_balance_that_stayed_are_no_news(job_of):
    assert await look_again(job_of(), "0.30") == (None, [])


async def test_a_service_that_changed_meanwhile_stops_the_run(job_of):
    job = job_of()
    assert await look_again(job, "0", service(rate="1.6")) == (Stop.PRICE, [NOT_ENOUGH])
    assert job.progress.reason == "service 2 went from 1.5 to 1.6"


NOT_ENOUGH = (
    "the balance is 0 USD, but the orders still to send cost 0.3: orders are placed until the panel rejects one for "
    "lack of funds"
)


async def test_a_balance_below_what_is_left_to_send_is_told_and_stops_nothing(job_of):
    assert await look_again(job_of(), "0") == (None, [NOT_ENOUGH])


async def test_what_is_sent_already_need_not_be_in_the_balance(week, job_of):
    job = job_of()
    job.prepare()
    (_,) = week.journal.commit([Intent(job.orders[0][0])])
    await job._look_again(Held(Balance(Decimal("0.15"), "USD"), service()))
    assert job.listener._listener.notes == []


async def test_the_balance_need_not_pay_for_more_than_the_budget(week, job_of):
    budgets.set_budget(week.journal, week.campaign, Decimal("0.15"))
    assert await look_again(job_of(), "0.15") == (None, [])


async def test_a_look_that_fails_stops_nothing(job_of):
    job = job_of()
    job.prepare()
    await job._look_again(Held(LostAnswerError("no answer"), service(rate="99")))
    assert (job.progress.stop, job.listener._listener.notes) == (None, [])


async def test_every_balance_that_is_read_is_written_down(week, job_of):
    await look_again(job_of(), "12.5")
    with week.journal.reading() as connection:
        assert connection.execute(select(schema.balances.c.amount)).scalars().all() == ["12.5"]


def test_an_order_adopted_from_another_campaign_is_written_and_its_batch_left_alone(week, job_of, path):
    entry = Ledger.of(week.journal, "last", "last.csv").accepted("501")
    job = job_of(adopt=True)
    job.prepare()
    settle(week, job, "502")
    job.finish()
    assert "501" in path.read_text("utf-8-sig")
    assert not week.now(entry).batch_finished
