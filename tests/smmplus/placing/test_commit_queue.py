import asyncio
import threading

import pytest

from smmplus.errors import JournalError
from smmplus.journal.group_commit import Attempt, Intent, IntentRefusal
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event, Outcome, State
from smmplus.placing.commit_queue import CommitQueue
from tests.databases import DATABASES

RUNS_ON = DATABASES

PATIENCE = 30.0
"""Seconds that a busy machine may take; nothing waits for them to pass."""


class Watched(Journal):
    """A journal that counts its waves, waits at a gate in each, and fails in the one it is told to."""

    def __init__(self, url):
        super().__init__(url)
        self.waves = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.fail_at = None
        self.failure = JournalError("the disk is full")

    def commit(self, moves):
        self.waves.append(list(moves))
        self.entered.set()
        assert self.gate.wait(PATIENCE)
        if len(self.waves) == self.fail_at:
            raise self.failure
        return super().commit(moves)


@pytest.fixture
def journal(journal_url):
    with Watched(journal_url) as opened:
        yield opened


async def test_a_move_is_answered_when_it_is_on_disk(batch, journal):
    (entry,) = batch.plan()
    async with CommitQueue(journal) as commits:
        assert await commits.commit(Intent(entry.id)) == Attempt(entry.id, 1)
        assert batch.rows("SELECT state FROM entries") == [("sending",)]


async def test_a_move_is_not_answered_before_it_is_on_disk(batch, journal):
    (entry,) = batch.plan()
    journal.gate.clear()
    async with CommitQueue(journal) as commits:
        waiting = asyncio.create_task(commits.commit(Intent(entry.id)))
        await asyncio.to_thread(journal.entered.wait, PATIENCE)
        assert not waiting.done()
        journal.gate.set()
        assert await waiting == Attempt(entry.id, 1)


async def test_what_waits_is_committed_together(batch, journal):
    entries = batch.plan(5)
    journal.gate.clear()
    async with CommitQueue(journal) as commits:
        waiting = [asyncio.create_task(commits.commit(Intent(entry.id))) for entry in entries[:1]]
        await asyncio.to_thread(journal.entered.wait, PATIENCE)
        waiting += [asyncio.create_task(commits.commit(Intent(entry.id))) for entry in entries[1:]]
        await asyncio.sleep(0)
        journal.gate.set()
        answers = await asyncio.gather(*waiting)
    assert [len(wave) for wave in journal.waves] == [1, 4]
    assert answers == [Attempt(entry.id, 1) for entry in entries]


async def test_each_gets_its_own_answer(batch, journal):
    first, second = batch.plan(2)
    async with CommitQueue(journal) as commits:
        one, other, twice = await asyncio.gather(
            commits.commit(Intent(first.id)), commits.commit(Intent(second.id)), commits.commit(Intent(first.id))
        )
    assert (one, other, twice) == (Attempt(first.id, 1), Attempt(second.id, 1), IntentRefusal.NOT_PLANNED)


async def test_a_commit_that_fails_fails_for_all_that_were_in_it(batch, journal):
    entries = batch.plan(3)
    journal.fail_at = 1
    async with CommitQueue(journal) as commits:
        results = await asyncio.gather(*(commits.commit(Intent(entry.id)) for entry in entries), return_exceptions=True)
    assert [str(result) for result in results] == ["the disk is full"] * 3


async def test_after_a_failure_no_intent_is_taken(batch, journal):
    first, second = batch.plan(2)
    journal.fail_at = 1
    async with CommitQueue(journal) as commits:
        with pytest.raises(JournalError):
            await commits.commit(Intent(first.id))
        with pytest.raises(JournalError):
            await commits.commit(Intent(second.id))
    assert batch.now(second).state is State.NOT_SENT


async def test_an_outcome_that_shared_a_wave_with_what_cannot_be_written_is_written_alone(batch, journal):
    known, unknown = batch.intend(batch.plan(1)[0]), Outcome(999, 1, Event.ORDER_ID, "502")
    async with CommitQueue(journal) as commits:
        results = await asyncio.gather(
            commits.commit(Outcome(known.entry, known.number, Event.ORDER_ID, "501")),
            commits.commit(unknown),
            return_exceptions=True,
        )
    assert (results[0].order_id, type(results[1])) == ("501", JournalError)


async def test_a_foreign_error_is_a_journal_error_to_those_who_wait(batch, journal):
    (entry,) = batch.plan()
    journal.fail_at, journal.failure = 1, UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates not allowed")
    async with CommitQueue(journal) as commits:
        with pytest.raises(JournalError, match="surrogates not allowed"):
            await commits.commit(Intent(entry.id))


async def test_an_outcome_is_written_though_nobody_waits_for_it_any_more(batch, journal):
    (entry,) = batch.plan()
    async with CommitQueue(journal) as commits:
        attempt = await commits.commit(Intent(entry.id))
        journal.gate.clear()
        journal.entered.clear()
        waiting = asyncio.create_task(commits.commit(Outcome(attempt.entry, attempt.number, Event.ORDER_ID, "501")))
        await asyncio.to_thread(journal.entered.wait, PATIENCE)
        waiting.cancel()
        journal.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert batch.now(entry).order_id == "501"


async def test_what_waits_at_the_end_is_still_written(batch, journal):
    entries = batch.plan(2)
    async with CommitQueue(journal) as commits:
        waiting = [asyncio.create_task(commits.commit(Intent(entry.id))) for entry in entries]
        await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == [Attempt(entry.id, 1) for entry in entries]


async def test_nothing_to_write_ends_at_once(journal):
    async with CommitQueue(journal):
        pass
    assert journal.waves == []


async def test_after_the_end_no_move_is_taken(batch, journal):
    """It would wait for ever."""
    (entry,) = batch.plan()
    async with CommitQueue(journal) as commits:
        pass
    with pytest.raises(JournalError):
        await asyncio.wait_for(commits.commit(Intent(entry.id)), PATIENCE)
