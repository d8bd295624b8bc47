"""Placing, with a real journal and the simulated panel in a process of its own: the ledger says what was ordered."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from smmplus.api.async_client import AsyncClient
from smmplus.api.panel import Panel
from smmplus.errors import (
    AccountError,
    BusyError,
    DuplicateOrderError,
    FollowUpError,
    InvalidOrderError,
    JournalError,
    LostAnswerError,
    MalformedCallError,
    NeverSentError,
    RedirectError,
    UnclearAnswerError,
    UnknownRefusalError,
)
from smmplus.journal.group_commit import Attempt, Intent, IntentRefusal
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event, Outcome, State
from smmplus.placing.commit_queue import CommitQueue
from smmplus.placing.placer import BusySpell, Caution, Placed, Placer, Progress, Stop, clock_readings, outcome_of
from tests.databases import on_both, url_of
from tests.smmplus.api.client_facts import KEY, panel_at
from tests.smmplus.batches import Batch, request_for
from tests.smmplus.wire import PATIENCE, RawServer, http, refused_port

COST = "0.9"


async def no_sleep(_seconds):
    await asyncio.sleep(0)


@asynccontextmanager
async def placer_for(journal, panel, *, in_flight=1, sleep=no_sleep, **options):
    async with (
        AsyncClient(panel, rate=0.0, in_flight=in_flight, sleep=sleep) as client,
        CommitQueue(journal) as commits,
    ):
        yield Placer(client, commits, **options)


async def place(journal, panel, entries, **options):
    async with placer_for(journal, panel, **options) as placer:
        return await placer.place_all([(entry.id, entry.request) for entry in entries])


def plan_links(batch, link, count, cost=COST):
    """Plan orders of 1000 followers for links of their own, which the ledger can tell apart."""
    return [batch.plan(cost=cost, request=request_for(f"{link}/{number}"))[0] for number in range(count)]


def ordered(sandbox, link):
    """Give the orders that were really placed for a test's links."""
    return [order for order in sandbox.orders() if order["link"].startswith(link)]


def add_fault(fault, **settings):
    return {"fault": fault, "action": "add", **settings}


# Which event an error is.

ATTEMPT = Attempt(7, 3)


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (NeverSentError("x"), Event.HELD_BACK),
        (BusyError("x"), Event.HELD_BACK),
        (AccountError("x"), Event.HELD_BACK),
        (DuplicateOrderError("x"), Event.HELD_BACK),
        (MalformedCallError("x"), Event.HELD_BACK),
        (InvalidOrderError("x"), Event.REFUSAL),
        (FollowUpError("x"), Event.REFUSAL),
        (UnknownRefusalError("x"), Event.REFUSAL),
        (LostAnswerError("x", may_have_taken_effect=True), Event.DOUBT),
        (UnclearAnswerError("x", may_have_taken_effect=True), Event.DOUBT),
        (RedirectError("x", may_have_taken_effect=True), Event.DOUBT),
        (AccountError("x", may_have_taken_effect=True), Event.DOUBT),
    ],
)
def test_an_error_is_this_event_of_its_attempt(error, event):
    outcome = outcome_of(ATTEMPT, error)
    assert (outcome.entry, outcome.attempt, outcome.event, outcome.error, outcome.order_id) == (7, 3, event, "x", None)


@pytest.mark.parametrize(("error", "meaning"), [(UnknownRefusalError("x"), "UNKNOWN"), (InvalidOrderError("x"), "")])
def test_an_unknown_refusal_is_marked_as_such(error, meaning):
    assert outcome_of(ATTEMPT, error).meaning == meaning


def test_both_clocks_run():
    earlier, later = clock_readings(), clock_readings()
    assert earlier[0] <= later[0]
    assert earlier[1] > 1.7e9


def test_the_running_clock_goes_on_while_the_machine_sleeps_where_there_is_such_a_one(monkeypatch):
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", 77, raising=False)
    monkeypatch.setattr(time, "clock_gettime", lambda clock: {77: 5.0}[clock], raising=False)
    assert clock_readings()[0] == 5.0


def test_elsewhere_the_running_clock_is_the_one_that_nobody_sets(monkeypatch):
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    monkeypatch.setattr(time, "monotonic", lambda: 6.0)
    assert clock_readings()[0] == 6.0


# What becomes of one order.

PLACED, REJECTED, IN_DOUBT, NOT_SENT = State.PLACED, State.REJECTED, State.IN_DOUBT, State.NOT_SENT
GUARD = "You have active order with this link. Please wait until order being completed."
FAULTS = [
    (None, PLACED, 1, None),
    (add_fault("drop_before_accept"), IN_DOUBT, 0, None),
    (add_fault("drop_before_accept", reset=True), IN_DOUBT, 0, None),
    (add_fault("drop_after_accept"), IN_DOUBT, 1, None),
    (add_fault("drop_after_accept", reset=True), IN_DOUBT, 1, None),
    (add_fault("hang_before_accept", seconds=0.1), IN_DOUBT, 0, None),
    (add_fault("hang_after_accept", seconds=0.1), IN_DOUBT, 1, None),
    (add_fault("http_502"), IN_DOUBT, 0, None),
    (add_fault("http_502", after_accept=True), IN_DOUBT, 1, None),
    (add_fault("html"), IN_DOUBT, 0, None),
    (add_fault("html", after_accept=True), IN_DOUBT, 1, None),
    (add_fault("empty"), IN_DOUBT, 0, None),
    (add_fault("empty", after_accept=True), IN_DOUBT, 1, None),
    (add_fault("truncated_json"), IN_DOUBT, 1, None),
    (add_fault("maintenance"), IN_DOUBT, 0, None),
    (add_fault("order_null"), IN_DOUBT, 1, None),
    (add_fault("success_without_order"), IN_DOUBT, 1, None),
    (add_fault("refuse"), IN_DOUBT, 0, None),
    (add_fault("refuse", text="Bad link"), REJECTED, 0, None),
    (add_fault("refuse", text="Bad link", status=422), REJECTED, 0, None),
    (add_fault("refuse", text="Bad link", status=500), IN_DOUBT, 0, None),
    (add_fault("translated"), REJECTED, 0, None),
    (add_fault("echo_key"), REJECTED, 0, None),
    (add_fault("refuse", text=GUARD), NOT_SENT, 0, None),
    (add_fault("refuse", text="Invalid API key"), NOT_SENT, 0, Stop.ACCOUNT),
    (add_fault("refuse", text="Not enough funds on balance"), NOT_SENT, 0, Stop.ACCOUNT),
    (add_fault("refuse", text="Запрещено", status=403), NOT_SENT, 0, Stop.ACCOUNT),
    (add_fault("refuse", text="Incorrect request"), NOT_SENT, 0, Stop.MISTAKE),
    (add_fault("refuse", text="Not found", status=404), NOT_SENT, 0, Stop.ADDRESS),
    (add_fault("bom"), PLACED, 1, None),
    (add_fault("php_notice"), PLACED, 1, None),
    (add_fault("id_as_string"), PLACED, 1, None),
    (add_fault("id_as_hex"), PLACED, 1, None),
    (add_fault("latency", seconds=0.1), PLACED, 1, None),
]


@pytest.mark.e2e
@pytest.mark.parametrize(("fault", "state", "in_ledger", "stop"), FAULTS)
async def test_a_fault_leads_to_its_outcome_after_one_sending(
    sandbox, panel, batch, link, fault, state, in_ledger, stop
):
    sandbox.faults(*([fault] if fault else []))
    (entry,) = plan_links(batch, link, 1)
    before = sandbox.calls("add")
    progress = await place(batch.journal, panel, [entry])
    now = batch.now(entry)
    assert (now.state, len(ordered(sandbox, link)), progress.stop) == (state, in_ledger, stop)
    assert (sandbox.calls("add") - before, now.attempt, progress.sent) == (1, 1, 1)


@pytest.mark.e2e
@pytest.mark.parametrize(("fault", "state", "_", "__"), FAULTS)
@on_both
async def test_money_counts_as_spent_unless_it_certainly_was_not(sandbox, panel, batch, link, fault, state, _, __):
    sandbox.faults(*([fault] if fault else []))
    await place(batch.journal, panel, plan_links(batch, link, 1))
    assert batch.spent() == (Decimal(COST) if state in {PLACED, IN_DOUBT} else 0)


@pytest.mark.e2e
@pytest.mark.parametrize("shape", ["bom", "id_as_string", "id_as_hex"])
@on_both
async def test_the_id_is_on_record_as_the_panel_wrote_it(sandbox, panel, batch, link, shape):
    sandbox.faults(add_fault(shape))
    (entry,) = plan_links(batch, link, 1)
    await place(batch.journal, panel, [entry])
    ((number, of),) = batch.rows("SELECT order_id, entry_id FROM order_ids")
    (order,) = ordered(sandbox, link)
    assert (number, of) == (format(int(order["order"]), "024x") if shape == "id_as_hex" else order["order"], entry.id)


@pytest.mark.e2e
async def test_the_key_is_nowhere_in_the_journal(sandbox, panel, batch, link):
    sandbox.faults(add_fault("echo_key", calls=[1]), add_fault("html", calls=[2]))
    await place(batch.journal, panel, plan_links(batch, link, 3))
    files = [path for path in batch.journal.path.parent.rglob("*") if path.is_file()]
    assert [path for path in files if sandbox.key.encode() in path.read_bytes()] == []
    assert files


@pytest.mark.e2e
@on_both
async def test_the_intent_is_on_disk_when_the_request_arrives(batch):
    seen = []

    def answer(_):
        seen.extend(batch.rows("SELECT state, attempt FROM entries"))
        return http({"order": 1})

    with RawServer(answer) as server:
        await place(batch.journal, panel_at(server), batch.plan())
    assert seen == [("sending", 1)]


@pytest.mark.e2e
async def test_the_outcome_is_on_disk_before_anyone_is_told(sandbox, panel, batch, link):
    seen = []
    (entry,) = plan_links(batch, link, 1)
    await place(batch.journal, panel, [entry], on_placed=lambda placed: seen.append((placed, batch.now(entry).state)))
    ((placed, state),) = seen
    assert (placed, state) == (Placed(entry.id, PLACED, batch.now(entry).order_id), PLACED)


@pytest.mark.e2e
async def test_what_the_panel_said_is_told_word_for_word(sandbox, panel, batch, link):
    sandbox.faults(add_fault("refuse", text="Quantity less than minimal 50"))
    told = []
    (entry,) = plan_links(batch, link, 1)
    await place(batch.journal, panel, [entry], on_placed=told.append)
    assert told == [Placed(entry.id, REJECTED, None, "Quantity less than minimal 50")]
    assert batch.now(entry).error == "Quantity less than minimal 50"


@pytest.mark.e2e
async def test_an_order_that_is_not_planned_is_not_sent(sandbox, panel, batch, link):
    (entry,) = plan_links(batch, link, 1)
    await place(batch.journal, panel, [entry])
    told = []
    progress = await place(batch.journal, panel, [entry], on_placed=told.append)
    assert (progress, len(ordered(sandbox, link)), told) == (Progress(), 1, [])


@pytest.mark.e2e
async def test_a_run_that_goes_through_gives_no_reason_and_no_alarm(batch):
    with RawServer(lambda _: http({"order": 501})) as server:
        progress = await place(batch.journal, panel_at(server), batch.plan())
    assert (progress.stop, progress.reason, progress.alarms) == (None, "", [])


@pytest.mark.e2e
async def test_who_places_one_order_gets_what_became_of_it(batch):
    (entry,) = batch.plan()
    with RawServer(lambda _: http({"order": 501})) as server:
        async with placer_for(batch.journal, panel_at(server)) as placer:
            placed = await placer.place(entry.id, entry.request)
    assert placed == Placed(entry.id, PLACED, "501")


@pytest.mark.e2e
async def test_what_another_campaign_ordered_meanwhile_is_held_alone(batch):
    (twin,) = Batch(batch.journal, "autumn").plan()
    batch.accepted("500")
    (other,) = plan_links(batch, "https://example.com/other", 1)
    told = []
    with RawServer(lambda _: http({"order": 501})) as server:
        progress = await place(batch.journal, panel_at(server), [twin, other], twins=frozenset(), on_placed=told.append)
    assert told == [
        Placed(twin.id, NOT_SENT, error=IntentRefusal.ELSEWHERE.value),
        Placed(other.id, PLACED, "501"),
    ]
    assert (progress.held, progress.accepted, progress.sent, progress.stop) == (1, 1, 1, None)
    assert progress.held_back == {twin.id: IntentRefusal.ELSEWHERE.value}


# What is repeated.


@pytest.mark.e2e
@pytest.mark.parametrize(
    "not_now",
    [
        add_fault("429", calls=[1, 2]),
        add_fault("429", calls=[1, 2], retry_after=3),
        add_fault("refuse", calls=[1, 2], text="Rate limit exceeded"),
        add_fault("refuse", calls=[1, 2], text="We are processing another transaction"),
    ],
)
async def test_not_now_is_tried_again_with_an_attempt_of_its_own(sandbox, panel, batch, link, not_now):
    sandbox.faults(not_now)
    (entry,) = plan_links(batch, link, 1)
    progress = await place(batch.journal, panel, [entry])
    now = batch.now(entry)
    assert (now.state, now.attempt, len(ordered(sandbox, link)), batch.spent()) == (PLACED, 3, 1, Decimal(COST))
    assert (progress.accepted, progress.held, progress.stop) == (1, 0, None)


@pytest.mark.e2e
async def test_retry_after_is_waited_for_between_attempts(sandbox, panel, batch, link):
    waits = []

    async def sleep(seconds):
        waits.append(round(seconds))

    sandbox.faults(add_fault("429", calls=[1], retry_after=77))
    await place(batch.journal, panel, plan_links(batch, link, 1), sleep=sleep)
    assert waits[0] == 77


class Minutes:
    """A clock that only pauses move. After `ends` seconds a limit of the panel is over."""

    def __init__(self, sandbox, ends=float("inf")):
        self.now, self.told, self._sandbox, self._ends = 0.0, [], sandbox, ends

    def clock(self):
        return self.now, self.now

    async def sleep(self, seconds):
        self.now += seconds
        if self.now >= self._ends:
            self._sandbox.faults()
        await asyncio.sleep(0)

    def options(self):
        return {
            "sleep": self.sleep,
            "clock": self.clock,
            "on_wait": lambda words, seconds: self.told.append((words, self.now, self.now + seconds)),
        }


@pytest.mark.e2e
async def test_a_listener_that_fails_when_it_is_told_to_wait_leaves_no_order_undecided(sandbox, panel, batch, link):
    def fail(*_):
        raise RuntimeError("the listener fails")

    sandbox.faults(add_fault("429", text="Too Many Attempts.", retry_after=30))
    minutes, (entry,) = Minutes(sandbox, 60), plan_links(batch, link, 1)
    with pytest.raises((RuntimeError, ExceptionGroup)):
        await place(batch.journal, panel, [entry], **minutes.options() | {"on_wait": fail})
    assert batch.journal.with_ids([entry.id])[entry.id].state is State.NOT_SENT
    assert ordered(sandbox, link) == []


LIMITS = [add_fault("refuse", text="Too Many Attempts."), add_fault("429", text="Too Many Attempts.")]


@pytest.mark.e2e
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("ends", [60, 175])
async def test_a_limit_per_minute_is_waited_out_and_told_once(sandbox, panel, batch, link, limit, ends, caplog):
    sandbox.faults(limit)
    minutes, (entry,) = Minutes(sandbox, ends), plan_links(batch, link, 1)
    progress = await place(batch.journal, panel, [entry], **minutes.options())
    assert (progress.accepted, progress.held, progress.stop, len(ordered(sandbox, link))) == (1, 0, None, 1)
    ((words, since, until),) = minutes.told
    assert (words, 3 <= since <= 5, until) == ("Too Many Attempts.", True, 180)
    assert minutes.now >= ends
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.e2e
@pytest.mark.parametrize("limit", LIMITS)
async def test_a_panel_that_keeps_saying_not_now_stops_the_run_when_it_was_told(sandbox, panel, batch, link, limit):
    sandbox.faults(limit)
    minutes, entries = Minutes(sandbox), plan_links(batch, link, 2)
    progress = await place(batch.journal, panel, entries, **minutes.options())
    assert (progress.stop, progress.accepted, ordered(sandbox, link)) == (Stop.UNREACHABLE, 0, [])
    assert [batch.now(entry).state for entry in entries] == [NOT_SENT, NOT_SENT]
    assert (len(minutes.told), round(minutes.now)) == (1, 180)
    assert progress.reason == "Too Many Attempts. (for 3 minutes)"


@pytest.mark.e2e
async def test_short_pauses_are_not_told(sandbox, panel, batch, link):
    sandbox.faults(add_fault("429", calls=[1, 3]))
    minutes, entries = Minutes(sandbox), plan_links(batch, link, 2)
    progress = await place(batch.journal, panel, entries, **minutes.options())
    assert (progress.accepted, minutes.told) == (2, [])


@pytest.mark.e2e
async def test_a_pause_that_the_panel_asks_for_is_told_at_once(sandbox, panel, batch, link):
    sandbox.faults(add_fault("429", calls=[1], retry_after=60))
    minutes = Minutes(sandbox)
    await place(batch.journal, panel, plan_links(batch, link, 1), **minutes.options())
    assert minutes.told == [("Rate limit exceeded", 0.0, 180.0)]


@pytest.mark.parametrize("other", [None, NeverSentError("x"), InvalidOrderError("x")])
def test_any_other_answer_ends_a_busy_spell(other):
    told = []
    spell = BusySpell(lambda words, seconds: told.append((words, seconds)))
    busy = BusyError("slow")
    assert [spell.goes_on_too_long(busy, now) for now in (0.0, 2.9, 3.0, 179.9, 180.0)] == [False] * 4 + [True]
    assert spell.goes_on_too_long(other, 181.0) is False
    assert [spell.goes_on_too_long(busy, now) for now in (182.0, 186.0)] == [False, False]
    assert told == [("slow", 177.0), ("slow", 176.0)]


@pytest.mark.parametrize(("pause", "times"), [(2.9, 0), (3.0, 1), (60.0, 1)])
def test_a_pause_of_three_seconds_or_more_is_told(pause, times):
    told = []
    assert not BusySpell(lambda *words: told.append(words)).goes_on_too_long(BusyError("slow", retry_after=pause), 0.0)
    assert len(told) == times


@pytest.mark.e2e
async def test_a_wall_clock_that_is_set_ends_no_patience(sandbox, panel, batch, link):
    sandbox.faults(add_fault("429", calls=[1, 2]))
    clock = Clock(0.0, 0.0, 0.0, 300.0, running=False)
    progress = await place(batch.journal, panel, plan_links(batch, link, 1), clock=clock)
    assert (progress.accepted, progress.stop) == (1, None)


DOUBTFUL, UNKNOWN, BAD, GOOD = (IN_DOUBT, False), (REJECTED, True), (REJECTED, False), (PLACED, False)


@pytest.mark.parametrize(
    ("outcomes", "is_open", "in_a_row"),
    [
        ([], True, (0, 0)),
        ([GOOD], True, (0, 0)),
        ([BAD], True, (0, 0)),
        ([DOUBTFUL], False, (1, 0)),
        ([UNKNOWN], False, (0, 1)),
        ([DOUBTFUL, UNKNOWN, DOUBTFUL], False, (2, 1)),
        ([DOUBTFUL, BAD], False, (0, 0)),
        ([UNKNOWN, BAD], False, (0, 0)),
        ([DOUBTFUL, UNKNOWN, GOOD], True, (0, 0)),
        ([DOUBTFUL, (NOT_SENT, False)], False, (1, 0)),
    ],
)
def test_caution_counts_and_closes_until_an_order_is_placed(outcomes, is_open, in_a_row):
    caution = Caution()
    for state, unknown in outcomes:
        caution.count(state, unknown=unknown)
    assert (caution.allows_one_more(1), caution.allows_one_more(0)) == (is_open, True)
    assert (caution.in_doubt, caution.unknown) == in_a_row


@pytest.mark.e2e
async def test_a_panel_that_is_always_busy_stops_the_run_and_leaves_the_rest_planned(sandbox, panel, batch, link):
    sandbox.faults(add_fault("429"))
    entries = plan_links(batch, link, 2)
    progress = await place(batch.journal, panel, entries)
    assert (progress.stop, progress.held, progress.reason) == (Stop.UNREACHABLE, 1, "Rate limit exceeded")
    assert [batch.now(entry).state for entry in entries] == [NOT_SENT, NOT_SENT]
    assert batch.spent() == 0


@pytest.mark.e2e
async def test_a_panel_that_cannot_be_reached_stops_the_run_and_spends_nothing(batch, link):
    (entry,) = plan_links(batch, link, 1)
    progress = await place(batch.journal, Panel(KEY, f"http://127.0.0.1:{refused_port()}/"), [entry])
    assert (progress.stop, batch.now(entry).state, batch.now(entry).attempt, batch.spent()) == (
        Stop.UNREACHABLE,
        NOT_SENT,
        6,
        0,
    )


@pytest.mark.e2e
@pytest.mark.parametrize("fault", ["drop_after_accept", "http_502", "empty", "translated", "maintenance"])
async def test_neither_doubt_nor_an_unknown_refusal_is_sent_again_by_a_later_run(sandbox, panel, batch, link, fault):
    sandbox.faults(add_fault(fault, calls=[1]))
    (entry,) = plan_links(batch, link, 1)
    before = sandbox.calls("add")
    for _ in range(3):
        await place(batch.journal, panel, [entry])
    assert sandbox.calls("add") - before == 1


# What stops a run.


@pytest.mark.e2e
async def test_three_unknown_refusals_in_a_row_stop_the_run(sandbox, panel, batch, link):
    sandbox.faults(add_fault("translated"))
    entries = plan_links(batch, link, 5)
    progress = await place(batch.journal, panel, entries)
    assert (progress.stop, progress.rejected, progress.sent) == (Stop.UNKNOWN, 3, 3)
    assert [batch.now(entry).state for entry in entries[3:]] == [NOT_SENT, NOT_SENT]


@pytest.mark.e2e
async def test_three_doubts_in_a_row_stop_the_run(sandbox, panel, batch, link):
    sandbox.faults(add_fault("http_502"))
    progress = await place(batch.journal, panel, plan_links(batch, link, 5))
    assert (progress.stop, progress.in_doubt, progress.sent) == (Stop.DOUBT, 3, 3)


@pytest.mark.e2e
@pytest.mark.parametrize("fault", ["translated", "http_502"])
async def test_one_that_goes_through_begins_the_count_anew(sandbox, panel, batch, link, fault):
    sandbox.faults(add_fault(fault, calls=[1, 2, 4, 5]))
    progress = await place(batch.journal, panel, plan_links(batch, link, 6))
    assert (progress.stop, progress.accepted, progress.sent) == (None, 2, 6)


@pytest.mark.e2e
@pytest.mark.parametrize("fault", ["translated", "http_502"])
async def test_three_in_a_row_are_three_also_after_one_that_went_through(sandbox, panel, batch, link, fault):
    sandbox.faults(add_fault(fault, calls=[2, 3, 4]))
    progress = await place(batch.journal, panel, plan_links(batch, link, 6))
    assert (progress.stop is None, progress.accepted, progress.sent) == (False, 1, 4)


@pytest.mark.e2e
async def test_the_reason_of_a_stop_is_the_last_refusal_word_for_word(batch):
    with RawServer(lambda _: http({"error": "Некорректная ссылка"})) as server:
        progress = await place(batch.journal, panel_at(server), batch.plan(3))
    assert (progress.stop, progress.reason) == (Stop.UNKNOWN, "Некорректная ссылка")


@pytest.mark.e2e
async def test_the_reason_of_a_stop_is_the_last_alarm_where_there_is_one(batch):
    with RawServer(lambda _: http({"order": 501})) as server:
        progress = await place(batch.journal, panel_at(server), batch.plan(4))
    assert (progress.stop, progress.reason) == (Stop.DOUBT, progress.alarms[-1])


@pytest.mark.e2e
async def test_the_others_hear_of_a_refused_account_before_it_is_on_disk(batch, monkeypatch):
    """They are about to send."""
    seen, commit = [], batch.journal.commit

    def watched(moves):
        seen.extend(placer.progress.stop for move in moves if isinstance(move, Outcome))
        return commit(moves)

    monkeypatch.setattr(batch.journal, "commit", watched)
    (entry,) = batch.plan()
    with RawServer(lambda _: http({"error": "Invalid API key"})) as server:
        async with placer_for(batch.journal, panel_at(server)) as placer:
            await placer.place_all([(entry.id, entry.request)])
    assert seen == [Stop.ACCOUNT]


@pytest.mark.e2e
async def test_a_run_that_is_stopped_while_an_intent_is_written_does_not_send_it(batch, monkeypatch):
    commit = batch.journal.commit

    def stopping(moves):
        if any(isinstance(move, Intent) for move in moves):
            placer.progress.stop_for(Stop.ASKED, "Ctrl-C")
        return commit(moves)

    monkeypatch.setattr(batch.journal, "commit", stopping)
    (entry,) = batch.plan()
    with RawServer(lambda _: http({"order": 501})) as server:
        async with placer_for(batch.journal, panel_at(server)) as placer:
            await placer.place_all([(entry.id, entry.request)])
        assert not any(request.whole for request in server.requests)
    assert (batch.now(entry).state, batch.now(entry).attempt, batch.spent()) == (NOT_SENT, 1, 0)


@pytest.mark.e2e
async def test_known_bad_rows_stop_nothing(sandbox, panel, batch, link):
    sandbox.faults(add_fault("refuse", text="Bad link"))
    progress = await place(batch.journal, panel, plan_links(batch, link, 5))
    assert (progress.stop, progress.rejected) == (None, 5)


@pytest.mark.e2e
async def test_the_duplicate_guard_holds_its_row_alone(sandbox, panel, batch, link):
    sandbox.faults(add_fault("refuse", text=GUARD, calls=[1]))
    entries = plan_links(batch, link, 2)
    progress = await place(batch.journal, panel, entries)
    assert (progress.held, progress.accepted, progress.stop) == (1, 1, None)
    assert (batch.now(entries[0]).state, batch.now(entries[0]).error) == (NOT_SENT, GUARD)
    assert progress.held_back == {entries[0].id: GUARD}


@pytest.mark.e2e
async def test_an_empty_account_stops_the_run_at_once(sandbox, panel, batch, link):
    sandbox.balance("1.8")
    entries = plan_links(batch, link, 5)
    progress = await place(batch.journal, panel, entries)
    assert (progress.stop, progress.accepted, progress.sent) == (Stop.ACCOUNT, 2, 3)
    assert [batch.now(entry).state for entry in entries[2:]] == [NOT_SENT] * 3


@pytest.mark.e2e
async def test_the_budget_stops_the_run_before_it_is_passed(sandbox, panel, batch, link):
    progress = await place(batch.journal, panel, plan_links(batch, link, 5), max_spend=Decimal("2.7"))
    assert (progress.stop, progress.sent, len(ordered(sandbox, link))) == (Stop.BUDGET, 3, 3)
    assert batch.spent() == Decimal("2.7")


@pytest.mark.e2e
async def test_an_order_without_a_bound_is_not_sent_under_a_budget(sandbox, panel, batch, link):
    entries = plan_links(batch, link, 1, cost=None)
    progress = await place(batch.journal, panel, entries, max_spend=Decimal(5))
    assert (progress.stop, progress.sent) == (Stop.BUDGET, 0)
    assert link in progress.reason


@pytest.mark.e2e
@on_both
async def test_two_placers_on_one_journal_place_each_order_once(sandbox, panel, batch, link):
    entries = plan_links(batch, link, 12)
    with Journal(url_of(batch.journal)) as other:
        both = await asyncio.gather(
            place(batch.journal, panel, entries, in_flight=4), place(other, panel, entries, in_flight=4)
        )
    assert sum(progress.accepted for progress in both) == 12
    assert sorted(order["link"] for order in ordered(sandbox, link)) == sorted(
        f"{link}/{number}" for number in range(12)
    )


@pytest.mark.e2e
@on_both
async def test_two_placers_on_one_journal_do_not_pass_the_budget_together(sandbox, panel, batch, link):
    entries = plan_links(batch, link, 12)
    with Journal(url_of(batch.journal)) as other:
        await asyncio.gather(
            place(batch.journal, panel, entries[:6], in_flight=3, max_spend=Decimal("4.5")),
            place(other, panel, entries[6:], in_flight=3, max_spend=Decimal("4.5")),
        )
    assert (len(ordered(sandbox, link)), batch.spent()) == (5, Decimal("4.5"))


@pytest.mark.e2e
async def test_a_run_that_was_asked_to_stop_sends_nothing(sandbox, panel, batch, link):
    (entry,) = plan_links(batch, link, 1)
    async with placer_for(batch.journal, panel) as placer:
        placer.progress.stop_for(Stop.ASKED, "Ctrl-C")
        placer.progress.stop_for(Stop.DOUBT, "later")
        assert await placer.place(entry.id, entry.request) is None
        progress = await placer.place_all([(entry.id, entry.request)])
    assert (progress.stop, progress.reason, ordered(sandbox, link)) == (Stop.ASKED, "Ctrl-C", [])
    assert batch.now(entry).state is NOT_SENT


@pytest.mark.e2e
async def test_only_a_window_of_the_orders_is_read(sandbox, panel, batch, link):
    sandbox.faults(add_fault("refuse", text="Invalid API key"))
    entries, read = plan_links(batch, link, 10), []

    def orders():
        for entry in entries:
            read.append(entry.id)
            yield (entry.id, entry.request)

    async with placer_for(batch.journal, panel, in_flight=2) as placer:
        await placer.place_all(orders())
    assert len(read) < 10


# Time.


class Clock:
    """A clock that goes on by the given steps, one a look; both clocks, or one of them."""

    def __init__(self, *steps, running=True, wall=True):
        self._steps = list(steps)
        self._time = 100.0
        self._moves = (running, wall)

    def __call__(self):
        self._time += self._steps.pop(0) if self._steps else 0.0
        return tuple(self._time if moves else 100.0 for moves in self._moves)


@pytest.mark.e2e
@pytest.mark.parametrize(("running", "wall"), [(True, True), (True, False), (False, True)])
async def test_an_intent_that_is_too_old_is_not_sent_but_made_anew(sandbox, panel, batch, link, running, wall):
    (entry,) = plan_links(batch, link, 1)
    before = sandbox.calls("add")
    await place(batch.journal, panel, [entry], clock=Clock(0.0, 5.1, running=running, wall=wall))
    assert (batch.now(entry).state, batch.now(entry).attempt, sandbox.calls("add") - before) == (PLACED, 2, 1)


@pytest.mark.e2e
async def test_an_intent_that_is_young_enough_is_sent(sandbox, panel, batch, link):
    (entry,) = plan_links(batch, link, 1)
    await place(batch.journal, panel, [entry], clock=Clock(0.0, 4.9))
    assert (batch.now(entry).state, batch.now(entry).attempt) == (PLACED, 1)


@pytest.mark.e2e
async def test_a_machine_that_always_sleeps_too_long_sends_nothing(sandbox, panel, batch, link):
    (entry,) = plan_links(batch, link, 1)
    before = sandbox.calls("add")
    progress = await place(batch.journal, panel, [entry], clock=Clock(*[6.0] * 50))
    assert (progress.stop, batch.now(entry).state, sandbox.calls("add")) == (Stop.UNREACHABLE, NOT_SENT, before)
    assert "more than 5 s passed" in progress.reason


# What comes late, or cannot be written.


@pytest.mark.e2e
@on_both
async def test_an_id_that_comes_after_the_row_was_given_up_is_attached(batch):
    (entry,) = batch.plan()

    def answer(_):
        with Journal(url_of(batch.journal)) as other:
            other.commit([Outcome(entry.id, 1, Event.DOUBT, error="given up")])
        return http({"order": 501})

    with RawServer(answer) as server:
        progress = await place(batch.journal, panel_at(server), [entry])
    assert (batch.now(entry).state, batch.now(entry).order_id, progress.accepted) == (PLACED, "501", 1)


@pytest.mark.e2e
@on_both
async def test_a_refusal_that_comes_after_the_row_was_given_up_changes_nothing(batch):
    (entry,) = batch.plan()
    told = []

    def answer(_):
        with Journal(url_of(batch.journal)) as other:
            other.commit([Outcome(entry.id, 1, Event.DOUBT, error="given up")])
        return http({"error": "Bad link"})

    with RawServer(answer) as server:
        await place(batch.journal, panel_at(server), [entry], on_placed=told.append)
    assert told == [Placed(entry.id, IN_DOUBT, error="this order was resolved while it was being sent")]
    assert batch.now(entry).state is IN_DOUBT


@pytest.mark.e2e
@on_both
async def test_a_second_id_for_one_row_is_an_alarm_of_the_run(batch):
    (entry,) = batch.plan()

    def answer(_):
        with Journal(url_of(batch.journal)) as other:
            other.commit([Outcome(entry.id, 1, Event.ORDER_ID, "500")])
        return http({"order": 501})

    with RawServer(answer) as server:
        told = []
        progress = await place(batch.journal, panel_at(server), [entry], on_placed=told.append)
    assert (len(progress.alarms), "500 and 501" in progress.alarms[0], batch.now(entry).order_id) == (1, True, "500")
    assert told == [Placed(entry.id, PLACED, "500", progress.alarms[0])]


@pytest.mark.e2e
@on_both
async def test_an_id_that_is_another_row_s_leaves_the_row_in_doubt(batch):
    with RawServer(lambda _: http({"order": 501})) as server:
        entries = batch.plan(2)
        progress = await place(batch.journal, panel_at(server), entries)
    assert [batch.now(entry).state for entry in entries] == [PLACED, IN_DOUBT]
    assert (progress.accepted, progress.in_doubt) == (1, 1)


class Failing(Journal):
    """A journal that fails from the nth wave of commits (counted from 1) up to, and without, the `works_at`th."""

    fail_at = 0
    works_at = 1_000_000
    failure: Exception = JournalError("the disk is full")
    waves = 0

    def commit(self, moves):
        self.waves += 1
        if self.fail_at and self.fail_at <= self.waves < self.works_at:
            raise self.failure
        return super().commit(moves)


@pytest.fixture
def failing(journal_url):
    with Failing(journal_url) as journal:
        yield journal


@pytest.mark.e2e
async def test_an_intent_that_cannot_be_written_sends_nothing(sandbox, panel, failing, link):
    batch = Batch(failing)
    entries = plan_links(batch, link, 3)
    failing.fail_at = 1
    before = sandbox.calls("add")
    progress = await place(failing, panel, entries, in_flight=2)
    assert (progress.stop, progress.reason, sandbox.calls("add")) == (Stop.JOURNAL, "the disk is full", before)
    assert {batch.now(entry).state for entry in entries} == {NOT_SENT}


@pytest.mark.e2e
@on_both
async def test_a_database_that_takes_no_change_sends_nothing(sandbox, panel, batch, link):
    entries = plan_links(batch, link, 2)
    batch.fill_the_disk()
    before = sandbox.calls("add")
    progress = await place(batch.journal, panel, entries)
    assert (progress.stop, "the disk is full" in progress.reason, sandbox.calls("add")) == (Stop.JOURNAL, True, before)


@pytest.mark.e2e
@pytest.mark.parametrize("failure", [JournalError("the disk is full"), ValueError("surrogates not allowed")])
@on_both
async def test_an_id_that_the_journal_cannot_take_is_shown_by_the_run(sandbox, panel, failing, link, failure):
    batch = Batch(failing)
    entries = plan_links(batch, link, 3)
    failing.fail_at, failing.failure = 2, failure
    progress = await place(failing, panel, entries)
    (order,) = ordered(sandbox, link)
    assert (progress.stop, progress.unrecorded) == (Stop.JOURNAL, {entries[0].id: order["order"]})
    assert [batch.now(entry).state for entry in entries] == [State.SENDING, NOT_SENT, NOT_SENT]


@pytest.mark.e2e
async def test_the_run_names_the_file_that_holds_an_id_which_the_journal_cannot_take(failing):
    (entry,) = Batch(failing).plan()
    failing.fail_at = 2
    with RawServer(lambda _: http({"order": 501})) as server:
        progress = await place(failing, panel_at(server), [entry])
    (path,) = failing.rescues.iterdir()
    assert progress.rescued == {entry.id: path}


@pytest.mark.e2e
async def test_an_outcome_that_the_journal_cannot_take_stops_the_run_and_is_told_nobody(failing):
    (entry,) = Batch(failing).plan()
    failing.fail_at = 2
    told = []
    with RawServer(lambda _: http({"order": 501})) as server:
        progress = await place(failing, panel_at(server), [entry], on_placed=told.append)
    assert (progress.stop, progress.reason, told) == (Stop.JOURNAL, "the disk is full", [])


@pytest.mark.e2e
async def test_a_refusal_that_the_journal_cannot_take_is_no_lost_id(failing):
    (entry,) = Batch(failing).plan()
    failing.fail_at = 2
    with RawServer(lambda _: http({"error": "Bad link"})) as server:
        progress = await place(failing, panel_at(server), [entry])
    assert (progress.stop, progress.unrecorded, progress.rescued) == (Stop.JOURNAL, {}, {})


@pytest.mark.e2e
@on_both
async def test_an_id_is_written_down_where_the_journal_fails_for_a_moment_and_no_more_is_sent(
    sandbox, panel, failing, link
):
    batch = Batch(failing)
    entries = plan_links(batch, link, 3)
    failing.fail_at, failing.works_at = 2, 3
    progress = await place(failing, panel, entries)
    (order,) = ordered(sandbox, link)
    assert (progress.stop, progress.unrecorded, batch.now(entries[0]).order_id) == (Stop.JOURNAL, {}, order["order"])


@pytest.mark.e2e
async def test_a_listener_that_fails_does_not_lose_the_orders_under_way(batch):
    first_told, entries = threading.Event(), batch.plan(2)
    numbers = iter([501, 502])
    both = threading.Barrier(2)

    def answer(_):
        number = next(numbers)
        both.wait(PATIENCE)
        if number == 502:
            first_told.wait(PATIENCE)
        return http({"order": number})

    def fail(_placed):
        first_told.set()
        raise BrokenPipeError("the terminal is gone")

    with RawServer(answer) as server, pytest.raises(BrokenPipeError):
        await place(batch.journal, panel_at(server), entries, in_flight=2, on_placed=fail)
    assert {batch.now(entry).order_id for entry in entries} == {"501", "502"}


@pytest.mark.e2e
async def test_after_an_error_of_the_program_nothing_more_is_sent(batch):
    entries, told, numbers = batch.plan(6), [], iter(range(501, 510))

    def fail_once(placed):
        told.append(placed)
        if len(told) == 1:
            raise BrokenPipeError("the terminal is gone")

    with RawServer(lambda _: http({"order": next(numbers)})) as server, pytest.raises(BrokenPipeError):
        await place(batch.journal, panel_at(server), entries, in_flight=2, on_placed=fail_once)
    assert [batch.now(entry).state for entry in entries[3:]] == [NOT_SENT] * 3


@pytest.mark.e2e
@pytest.mark.parametrize("text", ["cut \\ud83d", "\\u0000", "'; DROP TABLE entries; --"])
@on_both
async def test_no_words_of_a_panel_break_the_journal(batch, text):
    answers = iter([f'{{"error": "{text}"}}'.encode(), b'{"order": 501}'])
    with RawServer(lambda _: http(next(answers))) as server:
        entries = batch.plan(2)
        progress = await place(batch.journal, panel_at(server), entries)
    assert (progress.stop, [batch.now(entry).state for entry in entries]) == (None, [REJECTED, PLACED])


# Processes that die.

SENDER = """
import sys
from smmplus.journal.journal import Journal
from smmplus.journal.group_commit import Intent
with Journal(sys.argv[1]) as journal:
    print(journal.commit([Intent(int(sys.argv[2]))]), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def sender(batch):
    """Give an entry, and a process that has committed its intent and then hangs."""
    (entry,) = batch.plan()
    command = [sys.executable, "-c", SENDER, url_of(batch.journal), str(entry.id)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert "Attempt" in process.stdout.readline()
            yield entry, process
        finally:
            process.kill()


@pytest.mark.e2e
@on_both
def test_what_a_killed_process_was_sending_comes_into_doubt(batch, sender):
    entry, process = sender
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
    (recovered,) = batch.journal.recover_crashed_runs()
    assert (recovered.id, batch.now(entry).state, batch.spent()) == (entry.id, IN_DOUBT, 1)


@pytest.mark.e2e
@on_both
def test_what_a_live_process_is_sending_stays_its_own(batch, sender):
    entry, _ = sender
    assert (batch.journal.recover_crashed_runs(), batch.now(entry).state) == ([], State.SENDING)


@pytest.mark.e2e
@on_both
async def test_what_a_live_process_is_sending_is_not_sent_by_another(sandbox, panel, batch, sender):
    entry, _ = sender
    before = sandbox.calls("add")
    await place(batch.journal, panel, [entry])
    assert sandbox.calls("add") == before
