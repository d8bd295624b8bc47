"""The journal fails while orders are under way: their ids are on disk all the same, and the next run takes them up."""

import resource
import signal
import sqlite3
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.databases import on_both
from tests.end_to_end.command import Workplace, orders, read_rows, wait_until
from tests.smmplus.batches import FULL

pytestmark = pytest.mark.e2e


def rescues(workplace: Workplace) -> list[Path]:
    """Give the rescue files that are there, of whichever journal."""
    return [path for path in workplace.folder.rglob("*.rescue/*") if path.is_file()] + [
        path for path in (workplace.folder / "data").rglob("rescue/*/*") if path.is_file()
    ]


def holds_an_id(workplace: Workplace) -> bool:
    return any(b'"order_id"' in path.read_bytes() for path in rescues(workplace))


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
def test_the_disk_full_after_the_orders_were_sent(workplace: Workplace):
    rows = orders(8)
    sheet = workplace.sheet("full.csv", rows)
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 2})
    with workplace.start("run", sheet, "--yes", "--rate", "0", "--wait", "0", "--in-flight", "4") as running:
        wait_until(lambda: workplace.ledger.calls("add") == 4, "four orders at the panel")
        # From here on no file of the run can grow beyond a few pages: the journal's log cannot.
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (5000, 5000))
        done = running.finish()
    workplace.panel.faults()
    placed = {str(order["order"]) for order in workplace.ledger.orders()}
    (path,) = rescues(workplace)
    assert (done.status, len(placed), workplace.states()) == (7, 4, {"sending": 4, "not_sent": 4})
    assert all(f"is order {order_id}" in done.said for order_id in placed)
    assert f"it is saved in {path}. The next run records it" in done.said
    assert all(order_id in path.read_text() for order_id in placed)
    assert {row["order_id"] for row in read_rows(sheet)} == placed | {""}
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"]) == (0, 4)
    assert f"order ids from the rescue file {path} were recorded" in again.err
    workplace.assert_each_row_once(sheet, rows)
    assert rescues(workplace) == []


@on_both
def test_a_journal_that_takes_no_outcome_any_more(workplace: Workplace, database: str):
    rows = orders(4)
    sheet = workplace.sheet("no-outcome.csv", rows)
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 4})
    with workplace.start_run(sheet, "--in-flight", "2") as running:
        wait_until(lambda: workplace.ledger.calls("add") == 2, "two orders at the panel")
        workplace.query(FULL[database])
        done = running.finish()
    workplace.panel.faults()
    assert (done.status, len(done.json["unrecorded"]), len(done.json["rescued"])) == (7, 2, 2)
    assert {Path(path) for path in done.json["rescued"].values()} == set(rescues(workplace))
    # As long as it takes none, nothing is sent, and the file stays.
    still = workplace.run(sheet)
    assert (still.status, workplace.ledger.count(), len(rescues(workplace))) == (7, 2, 1)
    workplace.query(WORKS_AGAIN[database])
    assert workplace.command("doubts", "--json").json == {"doubts": []}
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"]) == (0, 2)
    workplace.assert_each_row_once(sheet, rows)


WORKS_AGAIN = {"sqlite": "DROP TRIGGER full_disk", "postgresql": "DROP FUNCTION full_disk CASCADE"}


@contextmanager
def locked(workplace: Workplace):
    """Hold the journal's lock as another program would."""
    with closing(sqlite3.connect(workplace.journal, timeout=30, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


def test_killed_while_the_answers_wait_for_a_locked_journal(workplace: Workplace):
    rows = orders(6)
    sheet = workplace.sheet("locked.csv", rows)
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 4})
    with workplace.start_run(sheet, "--in-flight", "3") as running:
        wait_until(lambda: workplace.ledger.calls("add") == 3, "three orders at the panel")
        with locked(workplace):
            wait_until(lambda: holds_an_id(workplace), "an order id in the rescue file")
            # All three come within moments of each other; the file is written every second.
            wait_until(lambda: rescues(workplace)[0].read_bytes().count(b'"order_id"') == 3, "all of them")
            running.kill()
    workplace.panel.faults()
    assert workplace.states() == {"sending": 3, "not_sent": 3}
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"]) == (0, 3)
    workplace.assert_each_row_once(sheet, rows)
    assert rescues(workplace) == []


def test_a_journal_that_was_locked_for_a_moment_costs_nothing(workplace: Workplace):
    rows = orders(3)
    sheet = workplace.sheet("moment.csv", rows)
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 5})
    with workplace.start_run(sheet) as running:
        wait_until(lambda: workplace.ledger.calls("add") == 3, "three orders at the panel")
        with locked(workplace):
            wait_until(lambda: holds_an_id(workplace), "an order id in the rescue file")
        assert running.finish().status == 0
    workplace.assert_each_row_once(sheet, rows)
    assert rescues(workplace) == []


def test_without_room_for_the_rescue_file_nothing_is_sent(workplace: Workplace):
    sheet = workplace.sheet("no-room.csv", orders(2))
    workplace.journal.parent.mkdir(parents=True)
    Path(f"{workplace.journal}.rescue").write_text("")
    done = workplace.run(sheet)
    assert (done.status, workplace.ledger.calls("add")) == (7, 0)
    assert "no rescue file can be made" in done.json["error"]
    Path(f"{workplace.journal}.rescue").unlink()
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_asks_twice_is_told_how_long_it_takes_and_the_answers_are_kept(
    workplace: Workplace, number: signal.Signals
):
    rows = orders(6)
    sheet = workplace.sheet("twice.csv", rows)
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 3})
    with workplace.start("run", sheet, "--yes", "--rate", "0", "--in-flight", "3") as running:
        wait_until(lambda: workplace.ledger.calls("add") == 3, "three orders at the panel")
        running.signal(number)
        with pytest.raises(AssertionError):
            wait_until(lambda: not running.alive, "the pause between two key strokes", patience=0.7)
        running.signal(number)
        done = running.finish()
    assert done.status == 7
    assert "answer to 3 orders that it may have placed" in done.said
    assert "up to 190 seconds" in done.said
    assert workplace.states() == {"placed": 3, "not_sent": 3}
    workplace.panel.faults()
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"]) == (0, 3)
    workplace.assert_each_row_once(sheet, rows)
