"""Several processes and threads on one journal at the same moment: each order is sent once, and the sum is exact."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal

import pytest

from smmplus.api.async_client import AsyncClient
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event, Outcome, State
from smmplus.placing.commit_queue import CommitQueue
from smmplus.placing.placer import Placer
from tests.databases import DATABASES, url_of
from tests.smmplus.batches import request_for

pytestmark = pytest.mark.e2e

RUNS_ON = DATABASES

PATIENCE = 30.0
"""Seconds that a busy machine may take; nothing waits for them to pass."""

WORKER = """
import json, sys, time
from smmplus.journal.journal import Journal
from smmplus.journal.group_commit import Attempt, Intent
won = []
with Journal(sys.argv[1]) as journal:
    journal.begin_run()
    print("ready", flush=True)
    start, *entries = json.loads(sys.stdin.readline())
    for turn, entry in enumerate(entries):
        while time.time() < start + turn * 0.01:
            pass
        (answer,) = journal.commit([Intent(entry)])
        if isinstance(answer, Attempt):
            won.append([answer.entry, answer.number])
print(json.dumps(won))
"""


def test_of_two_workers_that_want_an_order_at_the_same_moment_one_gets_it(batch):
    entries = [entry.id for entry in batch.plan(60)]
    command = [sys.executable, "-c", WORKER, url_of(batch.journal)]
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(2)
        ]  # fmt: skip
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        told = json.dumps([time.time() + 0.1, *entries]) + "\n"
        for worker in workers:
            worker.stdin.write(told)
            worker.stdin.flush()
        won = [json.loads(worker.communicate()[0]) for worker in workers]
    assert sorted(won[0] + won[1]) == [[entry, 1] for entry in entries]
    assert set(batch.rows("SELECT state, attempt FROM entries")) == {("sending", 1)}
    assert batch.spent() == 60


def plan_links(batch, link, count, cost):
    return [batch.plan(cost=cost, request=request_for(f"{link}/{number}"))[0] for number in range(count)]


async def place_all(panel, journal, entries):
    async with AsyncClient(panel, rate=0.0, in_flight=4) as client, CommitQueue(journal) as commits:
        return await Placer(client, commits).place_all([(entry.id, entry.request) for entry in entries])


def place_in_threads(panel, entries, journals):
    """Place the same orders in a thread for each journal, each in an order of its own; give what each thread did."""

    def place(number):
        first = number * 37 % len(entries)
        return asyncio.run(place_all(panel, journals[number], entries[first:] + entries[:first]))

    with ThreadPoolExecutor(len(journals)) as pool:
        return list(pool.map(place, range(len(journals))))


def assert_each_once(batch, sandbox, link, entries, results, cost):
    assert {result.stop for result in results} == {None}
    assert sum(result.accepted for result in results) == len(entries)
    placed = Counter(order["link"] for order in sandbox.orders() if order["link"].startswith(link))
    assert placed == Counter(entry.request.values["link"] for entry in entries)
    assert {batch.now(entry).state for entry in entries[:5]} == {State.PLACED}
    assert batch.spent() == len(entries) * Decimal(cost)
    assert list(batch.journal.rescues.iterdir()) == []


def test_ten_threads_with_one_journal_send_each_order_once(sandbox, panel, batch, link):
    entries = plan_links(batch, link, 500, "0.0123456789")
    results = place_in_threads(panel, entries, [batch.journal] * 10)
    assert_each_once(batch, sandbox, link, entries, results, "0.0123456789")


def test_ten_threads_with_a_journal_each_send_each_order_once(sandbox, panel, batch, link):
    entries = plan_links(batch, link, 100, "0.9")
    with ExitStack() as stack:
        journals = [stack.enter_context(Journal(url_of(batch.journal))) for _ in range(10)]
        results = place_in_threads(panel, entries, journals)
    assert_each_once(batch, sandbox, link, entries, results, "0.9")


def test_threads_that_begin_at_once_are_one_run(journal):
    barrier = threading.Barrier(10)

    def begin(_):
        barrier.wait(PATIENCE)
        return journal.begin_run()

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(begin, range(10)))) == 1


def test_outcomes_of_many_threads_are_all_written(batch):
    attempts = [batch.intend(entry) for entry in batch.plan(40)]

    def settle(attempt):
        batch.journal.commit([Outcome(attempt.entry, 1, Event.ORDER_ID, f"5{attempt.entry}")])

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(settle, attempts))
    assert batch.rows("SELECT count(*) FROM order_ids") == [(40,)]
    assert {batch.now(entry).state for entry in batch.journal.of_batch(batch.id)} == {State.PLACED}
