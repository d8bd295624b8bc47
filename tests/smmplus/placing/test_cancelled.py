"""Somebody is impatient: what was sent is brought home all the same, and what was not sent stays at home."""

import asyncio
import signal
import subprocess
import sys
import threading
import time

import pytest

from smmplus.api.async_client import AsyncClient
from smmplus.journal.state_machine import State
from smmplus.placing.commit_queue import CommitQueue, finished
from smmplus.placing.placer import Placer, Stop
from tests.databases import url_of
from tests.smmplus.api.client_facts import panel_at
from tests.smmplus.wire import PATIENCE, RawServer, http

pytestmark = pytest.mark.e2e


class Holding:
    """Answers each order with an id once `free` is set; `arrived` tells that one is at the panel."""

    def __init__(self):
        self.arrived, self.free = threading.Event(), threading.Event()
        self._number = 500

    def __call__(self, _request):
        self._number += 1
        number = self._number
        self.arrived.set()
        assert self.free.wait(PATIENCE)
        return http({"order": number})


@pytest.fixture
def holding():
    answer = Holding()
    yield answer
    answer.free.set()


async def place(journal, panel, entries, progress, *, in_flight=1):
    """Place entries as a run does; `progress` gets the run's progress at once."""
    async with AsyncClient(panel, rate=0.0, in_flight=in_flight) as client, CommitQueue(journal) as commits:
        placer = Placer(client, commits)
        progress.append(placer.progress)
        await placer.place_all([(entry.id, entry.request) for entry in entries])


async def press_on(task, times=5):
    """Cancel a task again and again, and let it go on in between."""
    for _ in range(times):
        task.cancel()
        for _ in range(5):
            await asyncio.sleep(0)


async def test_an_answer_is_waited_for_however_often_the_run_is_cancelled(batch, holding):
    entries, progress = batch.plan(3), []
    with RawServer(holding) as server:
        run = asyncio.create_task(place(batch.journal, panel_at(server), entries, progress))
        await asyncio.to_thread(holding.arrived.wait, PATIENCE)
        await press_on(run)
        assert (run.done(), progress[0].under_way) == (False, 1)
        holding.free.set()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert len(server.requests) == 1
    assert [batch.now(entry).state for entry in entries] == [State.PLACED, State.NOT_SENT, State.NOT_SENT]
    assert (progress[0].accepted, progress[0].under_way, progress[0].stop) == (1, 0, Stop.ASKED)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_all_that_are_under_way_are_brought_home(batch, holding):
    entries, progress = batch.plan(4), []
    with RawServer(holding) as server:
        run = asyncio.create_task(place(batch.journal, panel_at(server), entries, progress, in_flight=4))
        while len(server.requests) < 4:
            await asyncio.to_thread(holding.arrived.wait, PATIENCE)
        await press_on(run)
        holding.free.set()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert {batch.now(entry).state for entry in entries} == {State.PLACED}


async def test_a_single_order_is_brought_home_when_its_time_is_up(batch, holding):
    (entry,) = batch.plan()

    async def give_up(client, commits):
        async with asyncio.timeout(None) as limit:
            sending = asyncio.create_task(asyncio.to_thread(holding.arrived.wait, PATIENCE))
            sending.add_done_callback(lambda _: limit.reschedule(0.0))
            await Placer(client, commits).place(entry.id, entry.request)

    with RawServer(holding) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client, CommitQueue(batch.journal) as commits:
            asyncio.get_running_loop().call_later(0.2, holding.free.set)
            with pytest.raises(TimeoutError):
                await give_up(client, commits)
    assert batch.now(entry).order_id == "501"


async def test_what_is_cancelled_before_it_left_is_not_sent(batch):
    """The cancellation comes while the intent is being committed."""
    (entry,), progress = batch.plan(), []
    entered, gate = threading.Event(), threading.Event()
    commit = batch.journal.commit

    def gated(moves):
        entered.set()
        assert gate.wait(PATIENCE)
        return commit(moves)

    batch.journal.commit = gated
    with RawServer(lambda _: http({"order": 501})) as server:
        run = asyncio.create_task(place(batch.journal, panel_at(server), [entry], progress))
        await asyncio.to_thread(entered.wait, PATIENCE)
        await press_on(run)
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert not any(request.whole for request in server.requests)
    assert (batch.now(entry).state, batch.now(entry).attempt, batch.spent()) == (State.NOT_SENT, 1, 0)


async def test_who_only_waits_for_a_pause_to_end_is_gone_at_once(batch):
    (entry,), progress, slept = batch.plan(), [], asyncio.Event()

    async def sleep(_seconds):
        slept.set()
        await asyncio.Event().wait()

    with RawServer(lambda _: http(b"", status=429)) as server:
        async with (
            AsyncClient(panel_at(server), rate=0.0, sleep=sleep) as client,
            CommitQueue(batch.journal) as commits,
        ):
            placer = Placer(client, commits)
            progress.append(placer.progress)
            run = asyncio.create_task(placer.place_all([(entry.id, entry.request)]))
            await asyncio.wait_for(slept.wait(), PATIENCE)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
    assert batch.now(entry).state is State.NOT_SENT


INTERRUPTED = """
import asyncio, sys
from smmplus.api.async_client import AsyncClient
from smmplus.placing.commit_queue import CommitQueue
from smmplus.journal.journal import Journal
from smmplus.api.panel import Panel
from smmplus.placing.placer import Placer

async def place(journal, panel, entry):
    async with AsyncClient(panel, rate=0.0) as client, CommitQueue(journal) as commits:
        await Placer(client, commits).place_all([(entry.id, entry.request)])

with Journal(sys.argv[1]) as journal:
    (entry,) = journal.with_ids([int(sys.argv[3])]).values()
    print("ready", flush=True)
    asyncio.run(place(journal, Panel("0123456789abcdef", sys.argv[2]), entry))
"""


def interrupt(batch, holding, entry, *, then):
    """Press Ctrl-C in a program that knows only asyncio, do something, and wait for its end."""
    with RawServer(holding) as server:
        command = [sys.executable, "-c", INTERRUPTED, url_of(batch.journal), server.url(), str(entry.id)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert holding.arrived.wait(PATIENCE)
            process.send_signal(signal.SIGINT)
            then(process)
            _, said = process.communicate(timeout=PATIENCE)
        holding.free.set()
    return said


def test_ctrl_c_in_a_program_of_ones_own_brings_the_order_home(batch, holding):
    (entry,) = batch.plan()
    said = interrupt(batch, holding, entry, then=lambda _: holding.free.set())
    assert "KeyboardInterrupt" in said
    assert batch.now(entry).order_id == "501"


def test_a_second_one_there_ends_it_and_leaves_the_order_in_doubt(batch, holding):
    (entry,) = batch.plan()

    def again(process):
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)

    interrupt(batch, holding, entry, then=again)
    batch.journal.recover_crashed_runs()
    assert batch.now(entry).state is State.IN_DOUBT
    assert list(batch.journal.rescues.iterdir()) == []


# The tool.


async def test_work_that_ends_gives_its_result():
    async def work():
        return 7

    assert await finished(work()) == 7


async def test_work_that_fails_fails_its_owner():
    async def work():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await finished(work())


async def test_a_failure_of_work_whose_owner_was_cancelled_is_not_called_forgotten(caplog):
    gate = asyncio.Event()

    async def work():
        await gate.wait()
        raise ValueError("no")

    owner = asyncio.create_task(finished(work()))
    await asyncio.sleep(0)
    await press_on(owner)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await owner
    assert caplog.text == ""


async def test_work_that_is_itself_cancelled_ends_its_owner():
    work = asyncio.create_task(asyncio.Event().wait())
    owner = asyncio.create_task(finished(work))
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner
