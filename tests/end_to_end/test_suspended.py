"""A run is suspended (a closed lid, Ctrl-Z, a frozen container) around the sending, and wakes in another world."""

import signal
import time
from pathlib import Path

import psutil
import pytest

from smmplus.errors import JournalConflictError
from smmplus.journal.journal import Journal
from smmplus.placing.placer import STALE_SECONDS
from tests.databases import on_both
from tests.end_to_end.command import Running, Workplace, orders, read_rows, wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing suspends a process here"),
]

BEFORE = """
    os.kill(os.getpid(), signal.SIGSTOP)
    return await ask(self, call, **more)
"""
AFTER = """
    answer = await ask(self, call, **more)
    os.kill(os.getpid(), signal.SIGSTOP)
    return answer
"""
SUSPENDED = """
import os, signal
from smmplus.api.async_client import AsyncClient
ask = AsyncClient.ask
async def stopping(self, call, **more):
    if call.action != "add":
        return await ask(self, call, **more)
{}
AsyncClient.ask = stopping
"""
"""Suspends the command as it sends an order: when the intent is on disk, or when the answer was read."""

IN_A_COMMIT = """
import os, signal
from smmplus.journal.backends import postgres
from smmplus.journal import group_commit
postgres.SUSPENDED_SECONDS = 1.0
apply = group_commit.apply
def stopping(*arguments, **more):
    os.kill(os.getpid(), signal.SIGSTOP)
    return apply(*arguments, **more)
group_commit.apply = stopping
"""

IMPATIENT = """
from smmplus.journal.backends import sqlite
sqlite.BUSY_SECONDS = 1.0
"""


def start_run(workplace: Workplace, program: str, sheet: Path) -> Running:
    """Start a run that suspends itself, and wait until it has."""
    options = ("--yes", "--rate", "0", "--wait", "0", "--in-flight", "1")
    running = workplace.start("run", sheet, *options, first=program)
    of_system = psutil.Process(running.pid)
    wait_until(lambda: of_system.status() == psutil.STATUS_STOPPED or not running.alive, "the run is suspended")
    return running


def take_for_dead(workplace: Workplace, database: str) -> None:
    """Take its locks from a live process: somebody removed the files, or the server gave the connection up."""
    if database == "sqlite":
        for lock in Path(f"{workplace.journal}.locks").glob("*.lock"):
            lock.unlink()
    else:
        workplace.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def is_not_placed(workplace: Workplace) -> None:
    """Do what `smmplus resolve --not-placed` does."""
    with Journal(workplace.journal_url) as journal:
        journal.recover_crashed_runs()
        (number,) = (entry["id"] for entry in workplace.entries())
        journal.resolve_as_not_placed(journal.with_ids([number])[number], why="it is not on the order page")


def settle_as_not_placed(workplace: Workplace, sheet: Path, database: str) -> None:
    """Settle the row of a suspended run as a person could, and let it be sent by another run."""
    with pytest.raises(JournalConflictError, match="sent by a live process"):
        is_not_placed(workplace)
    take_for_dead(workplace, database)
    with pytest.raises(JournalConflictError, match="the panel may still place it"):
        is_not_placed(workplace)
    workplace.age_sendings()
    is_not_placed(workplace)
    assert workplace.run(sheet).json["states"] == {"placed": 1}


@on_both
def test_woken_after_its_row_was_settled_and_sent_by_another_it_sends_nothing(workplace: Workplace, database: str):
    rows = orders(1)
    sheet = workplace.sheet("asleep.csv", rows)
    began = time.monotonic()
    with start_run(workplace, SUSPENDED.format(BEFORE), sheet) as suspended:
        settle_as_not_placed(workplace, sheet, database)
        wait_until(lambda: time.monotonic() - began > STALE_SECONDS + 3, "the intent is old")
        suspended.signal(signal.SIGCONT)
        suspended.finish()
    assert workplace.ledger.calls("add") == 1
    workplace.assert_each_row_once(sheet, rows)


@on_both
def test_an_id_that_was_read_before_is_attached_late_and_two_for_a_row_raise_an_alarm(
    workplace: Workplace, database: str
):
    rows = orders(1)
    sheet = workplace.sheet("late.csv", rows)
    with start_run(workplace, SUSPENDED.format(AFTER), sheet) as suspended:
        settle_as_not_placed(workplace, sheet, database)
        suspended.signal(signal.SIGCONT)
        done = suspended.finish()
    late, first = (str(order["order"]) for order in workplace.ledger.orders())
    assert f"ALARM: two orders for one row: {first} and {late}" in done.said
    assert {
        (row["order_id"], row["entry_id"]) for row in workplace.query("SELECT order_id, entry_id FROM order_ids")
    } == {
        (late, 1),
        (first, 1),
    }
    assert [note["why"] for note in workplace.query("SELECT why FROM notes WHERE what = 'alarm'")] == [
        f"two orders for one row: {first} and {late}"
    ]
    # The person who looks at the sheet sees it, too.
    workplace.run(sheet)
    (row,) = read_rows(sheet)
    assert (row["order_id"], row["error"]) == (first, f"two orders for one row: {first} and {late}")


@on_both
def test_an_id_that_was_read_before_settles_the_doubt_into_which_its_row_came(workplace: Workplace, database: str):
    rows = orders(1)
    sheet = workplace.sheet("doubt.csv", rows)
    with start_run(workplace, SUSPENDED.format(AFTER), sheet) as suspended:
        take_for_dead(workplace, database)
        assert workplace.run(sheet).status == 4
        suspended.signal(signal.SIGCONT)
        suspended.finish()
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet, rows)


def test_suspended_in_a_commit_it_holds_others_up_for_a_while_and_they_say_who_it_is(workplace: Workplace):
    rows = orders(2)
    sheet, other = workplace.sheet("commit.csv", rows), workplace.sheet("other.csv", orders(1, name="other"))
    with start_run(workplace, IN_A_COMMIT, sheet) as suspended:
        with workplace.start("run", other, "--yes", "--rate", "0", "--wait", "0", first=IMPATIENT) as held_up:
            told = held_up.finish()
        assert (told.status, f"process {suspended.pid}" in told.said) == (6, True), told.said
        suspended.signal(signal.SIGCONT)
        # It suspends itself in each commit.
        wait_until(lambda: suspended.signal(signal.SIGCONT) is not None or not suspended.alive, "its end")
        assert suspended.finish().status == 0
    assert workplace.run(other).status == 0
    assert workplace.ledger.count() == 3


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_server_does_not_let_a_suspended_run_hold_others_up(workplace: Workplace):
    rows = orders(2)
    sheet, other = workplace.sheet("commit.csv", rows), workplace.sheet("other.csv", orders(1, name="other"))
    with start_run(workplace, IN_A_COMMIT, sheet) as suspended:
        assert workplace.run(other).status == 0
        suspended.kill()
    assert workplace.run(sheet).status == 0
    assert workplace.ledger.count() == 3
