"""After an order that ended badly, one order at a time is sent until the panel accepts one."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from smmplus.api.async_client import AsyncClient
from smmplus.journal.state_machine import Outcome, State
from smmplus.placing.commit_queue import CommitQueue
from smmplus.placing.placer import Placer, Stop
from tests.smmplus.api.client_facts import panel_at
from tests.smmplus.wire import PATIENCE, RawServer, http

pytestmark = pytest.mark.e2e

LATENCY = 0.2
DOUBT = http(b"")
UNKNOWN = http({"error": "Запрещено сегодня"})


class Panel:
    """Gives the first `quick` answers at once and each later one after a while; after the script, it accepts."""

    def __init__(self, *script, quick=1):
        self._script = list(script)
        self._quick = quick
        self._number = 500
        self._lock = threading.Lock()

    def __call__(self, _request):
        with self._lock:
            self._number += 1
            number = self._number
            answer = self._script.pop(0) if self._script else None
        if number > 500 + self._quick:
            time.sleep(LATENCY)
        return answer or http({"order": number})


@asynccontextmanager
async def placer_at(server, journal, *, in_flight=8, rate=50.0):
    async with AsyncClient(panel_at(server), rate=rate, in_flight=in_flight) as client, CommitQueue(journal) as commits:
        yield Placer(client, commits)


async def place(batch, panel, count, *, alone=1, **options):
    """Place so many orders; give the progress, and the most that were under way at once.

    Each of the first, `alone`, is answered before the next is sent, however slow the machine is.
    """
    orders = [(entry.id, entry.request) for entry in batch.plan(count)]
    with RawServer(panel) as server:
        async with placer_at(server, batch.journal, **options) as placer:
            for order in orders[:alone]:
                await placer.place(*order)
            progress = await placer.place_all(orders[alone:])
        return progress, server.most_under_way


@pytest.mark.parametrize(("answer", "stop"), [(DOUBT, Stop.DOUBT), (UNKNOWN, Stop.UNKNOWN)])
async def test_after_the_first_that_ended_badly_one_at_a_time_is_sent(batch, answer, stop):
    progress, most = await place(batch, Panel(*[answer] * 30), 30)
    assert (progress.stop, progress.sent, most) == (stop, 3, 1)


async def test_an_accepted_order_lets_as_many_be_under_way_as_before(batch):
    progress, most = await place(batch, Panel(DOUBT), 12)
    assert (progress.stop, progress.sent, progress.accepted) == (None, 12, 11)
    assert most > 3


async def test_the_next_doubt_closes_the_gate_again(batch):
    """A doubt, an accepted order, and then doubts without an end."""
    progress, _ = await place(batch, Panel(DOUBT, None, *[DOUBT] * 38, quick=3), 40, alone=3)
    assert (progress.stop, progress.accepted, progress.sent) == (Stop.DOUBT, 1, 5)


async def test_without_a_doubt_no_order_waits_for_another(batch):
    progress, most = await place(batch, Panel(), 16, rate=0.0)
    assert (progress.accepted, most) == (16, 8)


async def test_a_refused_row_closes_nothing(batch):
    _, most = await place(batch, Panel(*[http({"error": "Bad link"})] * 16), 16)
    assert most > 3


async def test_the_rate_holds_when_the_gate_opens(batch):
    arrived = []

    def answer(_request):
        arrived.append(time.monotonic())
        if len(arrived) == 1:
            return DOUBT
        time.sleep(LATENCY)
        return http({"order": 500 + len(arrived)})

    await place(batch, answer, 8, rate=20.0)
    gaps = [later - earlier for earlier, later in pairwise(arrived[2:])]
    assert sum(gaps) / len(gaps) > 0.03


@pytest.mark.parametrize("answer", [DOUBT, UNKNOWN])
async def test_the_others_hear_of_a_bad_end_before_it_is_on_disk(batch, monkeypatch, answer):
    """They are about to send."""
    entries, writing, gate, commit = batch.plan(2), threading.Event(), threading.Event(), batch.journal.commit

    def slow(moves):
        if any(isinstance(move, Outcome) for move in moves):
            writing.set()
            assert gate.wait(PATIENCE)
        return commit(moves)

    monkeypatch.setattr(batch.journal, "commit", slow)
    with RawServer(Panel(answer)) as server:
        async with placer_at(server, batch.journal, rate=0.0) as placer:
            first, second = ((entry.id, entry.request) for entry in entries)
            sending = asyncio.create_task(placer.place(*first))
            await asyncio.to_thread(writing.wait, PATIENCE)
            waiting = asyncio.create_task(placer.place(*second))
            await asyncio.sleep(0.05)
            assert placer.progress.under_way == 1
            gate.set()
            await asyncio.wait({sending, waiting}, timeout=PATIENCE)
        assert len(server.requests) == 2


async def test_orders_of_one_placer_wait_for_each_other_also_when_each_is_placed_by_itself(batch):
    first, *entries = batch.plan(20)
    with RawServer(Panel(*[DOUBT] * 20)) as server:
        async with placer_at(server, batch.journal, in_flight=16) as placer:
            await placer.place(first.id, first.request)
            await asyncio.gather(*(placer.place(entry.id, entry.request) for entry in entries))
        assert (len(server.requests), server.most_under_way) == (3, 1)
    assert [batch.now(entry).state for entry in entries].count(State.IN_DOUBT) == 2


async def test_one_that_is_cancelled_while_it_waits_keeps_no_other_from_its_turn(batch):
    entries, held, free = batch.plan(4), threading.Event(), threading.Event()
    numbers = iter([0, 501, 502, 503])

    def answer(_request):
        number = next(numbers)
        if number == 0:
            return DOUBT
        held.set()
        assert free.wait(PATIENCE)
        return http({"order": number})

    with RawServer(answer) as server:
        async with placer_at(server, batch.journal, rate=0.0) as placer:
            first, second, third, fourth = ((entry.id, entry.request) for entry in entries)
            await placer.place(*first)
            sending = asyncio.create_task(placer.place(*second))
            await asyncio.to_thread(held.wait, PATIENCE)
            waiting, last = (asyncio.create_task(placer.place(*order)) for order in (third, fourth))
            await asyncio.sleep(0.05)
            assert len(server.requests) == 2
            waiting.cancel()
            free.set()
            await asyncio.wait({sending, waiting, last}, timeout=PATIENCE)
            assert (waiting.cancelled(), last.result().state) == (True, State.PLACED)
    assert [batch.now(entry).state for entry in entries[1:]] == [State.PLACED, State.NOT_SENT, State.PLACED]


async def test_a_stop_sends_home_those_that_wait(batch):
    entries, held, free = batch.plan(6), threading.Event(), threading.Event()
    numbers = iter([0, *range(501, 520)])

    def answer(_request):
        number = next(numbers)
        if number:
            held.set()
            assert free.wait(PATIENCE)
        return http({"order": number}) if number else DOUBT

    with RawServer(answer) as server:
        async with placer_at(server, batch.journal) as placer:
            orders = [(entry.id, entry.request) for entry in entries]
            await placer.place_all(orders[:1])  # its doubt comes first: others might be on their way before it
            run = asyncio.create_task(placer.place_all(orders[1:]))
            await asyncio.to_thread(held.wait, PATIENCE)
            placer.progress.stop_for(Stop.ASKED, "Ctrl-C")
            free.set()
            progress = await asyncio.wait_for(run, PATIENCE)
        assert (progress.stop, progress.sent, len(server.requests)) == (Stop.ASKED, 2, 2)


@pytest.mark.parametrize("between", [UNKNOWN, http({"error": "Rate limit exceeded"}, 429)], ids=["unknown", "429"])
async def test_what_comes_between_doubts_and_is_no_order_does_not_end_the_row(batch, between):
    script = [answer for _ in range(6) for answer in (DOUBT, between)]
    progress, _ = await place(batch, Panel(*script, quick=20), 12, in_flight=1)
    assert (progress.stop, progress.in_doubt, progress.accepted) == (Stop.DOUBT, 3, 0)
