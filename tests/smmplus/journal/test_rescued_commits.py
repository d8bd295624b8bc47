"""An order id is on disk within moments, whatever the journal does."""

import asyncio
import os
import threading

import pytest

from smmplus.errors import JournalError, JournalInUseError
from smmplus.journal.group_commit import Intent
from smmplus.journal.journal import Journal
from smmplus.journal.rescue_file import RescueFile, read_lines
from smmplus.journal.state_machine import Event, Outcome, State
from smmplus.placing.commit_queue import CommitQueue
from tests.databases import url_of

PATIENCE = 30.0
"""Seconds that a busy machine may take; nothing waits for them to pass."""


class Hindered(Journal):
    """A journal that waits at a gate in each wave, and fails in those it is told to (counted from 1)."""

    def __init__(self, url):
        super().__init__(url)
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.waves = []
        self.fails = ()
        self.failure = JournalError("the disk is full")

    def commit(self, moves):
        self.waves.append(list(moves))
        self.entered.set()
        assert self.gate.wait(PATIENCE)
        if len(self.waves) in self.fails:
            raise self.failure
        return super().commit(moves)


@pytest.fixture
def journal(journal_url):
    with Hindered(journal_url) as opened:
        yield opened


@pytest.fixture
def kept(monkeypatch):
    """Tell how many order ids were rescued so far, and let a test wait for the next."""
    numbers = asyncio.Queue()
    keep = RescueFile.keep

    def watched(self, outcomes, now):
        new = [outcome for outcome in outcomes if not self.holds(outcome)]
        keep(self, new, now)
        for outcome in new:
            numbers.put_nowait(outcome.order_id)

    monkeypatch.setattr(RescueFile, "keep", watched)
    return numbers


def intended(batch, count=1):
    """Plan orders and commit their intents; give the outcomes that the panel's answers are."""
    attempts = [batch.intend(entry) for entry in batch.plan(count)]
    return [Outcome(attempt.entry, 1, Event.ORDER_ID, str(501 + index)) for index, attempt in enumerate(attempts)]


def files(journal):
    return sorted(journal.rescues.iterdir())


def next_run(batch):
    """Let another process take up what is there."""
    batch.journal.close()
    with Journal(url_of(batch.journal)) as journal:
        journal.recover_crashed_runs()


async def test_while_orders_are_placed_there_is_a_file_and_none_afterwards(batch, journal):
    async with CommitQueue(journal) as commits:
        assert len(files(journal)) == 1
        await asyncio.gather(*(commits.commit(outcome) for outcome in intended(batch, 3)))
    assert files(journal) == []


async def test_without_room_for_the_file_no_intent_is_taken(batch, journal):
    journal.rescues.write_text("")
    (entry,) = batch.plan()
    with pytest.raises(JournalError, match=r"no rescue file can be made in .* Nothing is sent"):
        async with CommitQueue(journal) as commits:
            await commits.commit(Intent(entry.id))
    assert (batch.now(entry).state, journal.waves) == (State.NOT_SENT, [])


async def test_an_id_that_waits_for_a_slow_journal_is_rescued_meanwhile(batch, journal, kept):
    first, second = intended(batch, 2)
    journal.gate.clear()
    async with CommitQueue(journal, long=0.01) as commits:
        waiting = [asyncio.create_task(commits.commit(first))]
        assert await asyncio.wait_for(kept.get(), PATIENCE) == "501"
        # This one comes while the commit of the other is still under way.
        waiting.append(asyncio.create_task(commits.commit(second)))
        assert await asyncio.wait_for(kept.get(), PATIENCE) == "502"
        (path,) = files(journal)
        assert [line.order_id for line in read_lines(path)[0]] == ["501", "502"]
        journal.gate.set()
        await asyncio.gather(*waiting)
    assert (files(journal), {entry.order_id for entry in batch.journal.of_batch(batch.id)}) == ([], {"501", "502"})


async def test_an_id_that_cannot_be_written_is_rescued_for_the_next_run(batch, journal):
    (outcome,) = intended(batch)
    journal.fails = (2, 3)
    async with CommitQueue(journal) as commits:
        with pytest.raises(JournalError, match="the disk is full"):
            await commits.commit(outcome)
        path = commits.rescued(outcome)
    assert files(journal) == [path]
    assert batch.journal.with_ids([outcome.entry])[outcome.entry].state is State.SENDING
    next_run(batch)
    assert batch.journal.with_ids([outcome.entry])[outcome.entry].order_id == "501"
    assert files(journal) == []


async def test_it_is_rescued_before_it_is_tried_once_more(batch, journal, kept):
    (outcome,) = intended(batch)
    journal.fails = (2,)
    seen = []
    commit = journal.commit

    def watched(moves):
        seen.append(kept.qsize())
        return commit(moves)

    journal.commit = watched
    async with CommitQueue(journal) as commits:
        assert (await commits.commit(outcome)).order_id == "501"
        assert commits.rescued(outcome) is None
    assert (seen, files(journal)) == ([0, 1], [])


async def test_those_that_another_program_holds_up_are_tried_again_together(batch, journal):
    """One after the other they would wait for its lock for half a minute each."""
    outcomes = intended(batch, 5)
    journal.waves, journal.fails, journal.failure = [], (1, 2), JournalInUseError("locked")
    async with CommitQueue(journal) as commits:
        results = await asyncio.gather(*(commits.commit(outcome) for outcome in outcomes), return_exceptions=True)
        assert all(commits.rescued(outcome) for outcome in outcomes)
    assert {type(result) for result in results} == {JournalInUseError}
    assert [len(wave) for wave in journal.waves] == [5, 5]


async def test_intents_beside_them_are_not_tried_again(batch, journal):
    (outcome,), (entry,) = intended(batch), batch.plan()
    journal.waves, journal.fails, journal.failure = [], (1,), JournalInUseError("locked")
    async with CommitQueue(journal) as commits:
        placed, refused = await asyncio.gather(
            commits.commit(outcome), commits.commit(Intent(entry.id)), return_exceptions=True
        )
    assert (placed.order_id, type(refused), batch.now(entry).state) == ("501", JournalInUseError, State.NOT_SENT)


async def test_a_run_that_is_broken_off_rescues_what_waits(batch, journal):
    """The third Ctrl-C cancels every task, the writer among them."""
    first, second = intended(batch, 2)
    journal.gate.clear()
    journal.entered.clear()

    async def broken_off():
        async with CommitQueue(journal) as commits:
            waiting = [asyncio.create_task(commits.commit(first))]
            await asyncio.to_thread(journal.entered.wait, PATIENCE)
            waiting.append(asyncio.create_task(commits.commit(second)))
            await asyncio.sleep(0)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.wait(others)
            (path,) = files(journal)
            assert {line.order_id for line in read_lines(path)[0]} == {"501", "502"}
            journal.gate.set()

    with pytest.raises(asyncio.CancelledError):
        await broken_off()
    next_run(batch)
    assert {entry.order_id for entry in batch.journal.of_batch(batch.id)} == {"501", "502"}
    assert files(journal) == []


async def test_the_end_waits_for_what_is_being_written_though_it_is_cancelled_again_and_again(batch, journal):
    (outcome,) = intended(batch)
    journal.gate.clear()
    journal.entered.clear()

    async def placing():
        async with CommitQueue(journal) as commits:
            task = asyncio.create_task(commits.commit(outcome))
            await asyncio.to_thread(journal.entered.wait, PATIENCE)
        return await task

    run = asyncio.create_task(placing())
    await asyncio.to_thread(journal.entered.wait, PATIENCE)
    for _ in range(10):
        await asyncio.sleep(0)
        run.cancel()
    assert not run.done()
    journal.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert batch.journal.with_ids([outcome.entry])[outcome.entry].order_id == "501"


async def test_where_even_the_file_fails_nobody_is_told_that_it_holds_the_id(batch, journal, monkeypatch, caplog):
    (outcome,) = intended(batch)
    journal.fails = (2, 3)
    async with CommitQueue(journal) as commits:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", _fails)
            with pytest.raises(JournalError, match="the disk is full"):
                await commits.commit(outcome)
        assert commits.rescued(outcome) is None
    assert "cannot be written: the disk is gone" in caplog.text


def _fails(_file):
    raise OSError("the disk is gone")
