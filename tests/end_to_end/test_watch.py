"""`smmplus watch` is killed and stopped at every moment: the ledger says that each row was ordered once."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterable

import pytest

from tests.end_to_end.command import (
    Order,
    Running,
    Workplace,
    assert_nothing_twice,
    number_of,
    orders,
    read_rows,
    wait_until,
)

pytestmark = pytest.mark.e2e

KILLS = 50
KINDS = ("xlsx", "csv", "txt")
MOST_SECONDS = 2.0
"""How long a moment is waited for, before the watcher is killed all the same."""


class Folder:
    """A folder with a watcher, and the person who drops sheets into it."""

    def __init__(self, workplace: Workplace) -> None:
        self.workplace = workplace
        self.path = workplace.folder / "sheets"
        self.path.mkdir()
        self.dropped: dict[str, list[Order]] = {}

    def drop(self, rows: int) -> None:
        """Drop another sheet."""
        number = len(self.dropped)
        name = f"week{number}.{KINDS[number % len(KINDS)]}"
        self.dropped[name] = orders(rows, name=f"week{number}")
        self.workplace.sheet(f"elsewhere/{name}", self.dropped[name]).rename(self.path / name)

    def waiting(self) -> list[str]:
        """Name the sheets that are neither in done nor in problems."""
        return [name for name in self.dropped if any((self.path / f / name).exists() for f in (".", "running"))]

    def start(self, *options: str) -> Running:
        """Start the watcher."""
        pace = ("--every", "0.02", "--rate", "0", "--in-flight", "2")
        return self.workplace.start("watch", self.path, *pace, *(options or ("--max-spend", "50")))

    def finish(self) -> None:
        """Let a watcher come to the end of what is there."""
        while self.waiting():
            with self.start("--once", "--max-spend", "50") as watching:
                done = watching.finish()
            assert done.status in {0, 3, 4}, done

    def bring_back(self) -> None:
        """Move all sheets out of problems, as a person does who has looked at them."""
        for name in self.dropped:
            if (problem := self.path / "problems" / name).exists():
                problem.rename(self.path / name)

    def rows(self) -> Iterable[Order]:
        """Give the rows with their results of all sheets in done."""
        for name in self.dropped:
            sheet = self.path / "done" / name
            yield from read_rows(sheet.with_suffix(".results.csv") if sheet.suffix == ".txt" else sheet)


@pytest.fixture
def folder(workplace: Workplace) -> Folder:
    return Folder(workplace)


MOMENTS: dict[str, Callable[[Folder], object]] = {
    "claimed": lambda folder: sorted(path.name for path in (folder.path / "running").glob("*")),
    "planned": lambda folder: folder.workplace.states(),
    "ordered": lambda folder: folder.workplace.ledger.count(),
    "moved": lambda folder: folder.waiting(),
    "at once": lambda _folder: None,
}
"""A moment -> what changes then."""


def kill_at(folder: Folder, moment: str, later: float) -> None:
    """Start the watcher, and kill it so many seconds after something changed, or if nothing does."""
    before, ends = MOMENTS[moment](folder), time.monotonic() + MOST_SECONDS
    with folder.start() as watching:
        while moment != "at once" and MOMENTS[moment](folder) == before and time.monotonic() < ends:
            time.sleep(0.02)
        time.sleep(later)
        watching.kill()


@pytest.mark.parametrize("seed", [1])
def test_killed_fifty_times_while_sheets_are_dropped(folder: Folder, seed: int):
    dice, workplace = random.Random(seed), folder.workplace  # noqa: S311 (moments to kill at, repeatable)
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.02})
    for _ in range(KILLS):
        while len(folder.waiting()) < 2:
            folder.drop(dice.randint(2, 8))
        kill_at(folder, dice.choice([*MOMENTS]), dice.uniform(0, 0.1))
        assert_nothing_twice(workplace.ledger.orders())
    folder.finish()
    workplace.assert_books_agree()
    assert_nothing_in_doubt_is_sent_again(folder)
    workplace.settle_doubts()
    folder.bring_back()
    folder.finish()
    assert_each_row_once(folder)


def assert_nothing_in_doubt_is_sent_again(folder: Folder) -> None:
    """Drop what is in doubt once more, before a person has settled it."""
    before = folder.workplace.ledger.calls("add"), folder.workplace.states()
    folder.bring_back()
    folder.finish()
    assert (folder.workplace.ledger.calls("add"), folder.workplace.states()) == before


def assert_each_row_once(folder: Folder) -> None:
    """Hold all sheets against the ledger: every row is one order, and every order is one row."""
    placed = {order["order"]: order["link"] for order in folder.workplace.ledger.orders()}
    assert {number_of(row["order_id"]): row["link"] for row in folder.rows()} == placed
    assert sorted(placed.values()) == sorted(row["link"] for rows in folder.dropped.values() for row in rows)
    assert folder.workplace.states() == {"placed": len(placed)}
    assert not folder.waiting()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stopped_while_it_runs_a_sheet_it_waits_for_answers_and_the_next_start_goes_on(
    folder: Folder, number: signal.Signals
):
    ledger = folder.workplace.ledger
    folder.drop(6)
    folder.workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.2})
    with folder.start() as watching:
        wait_until(lambda: ledger.count() > 0, "the first order")
        watching.signal(number)
        done = watching.finish()
    states = folder.workplace.states()
    assert (done.status, states["placed"], states["in_doubt"]) == (7, ledger.count(), 0), done
    assert (folder.path / "running" / "week0.xlsx").exists()
    folder.workplace.panel.faults()
    folder.finish()
    assert_each_row_once(folder)


def test_killed_while_it_runs_what_a_person_approved_it_goes_on_without_another_approval(folder: Folder):
    folder.drop(8)
    waiting, approved = (folder.path / f"week0.xlsx.{what}.txt" for what in ("waiting", "approved"))
    with folder.start("--once") as watching:
        assert watching.finish().status == 3
    waiting.rename(approved)
    folder.workplace.panel.faults({"fault": "hang_after_accept", "action": "add", "calls": [4]})
    with folder.start("--in-flight", "1") as watching:
        wait_until(lambda: folder.workplace.ledger.count() == 4, "four orders in the ledger")
        watching.kill()
    folder.workplace.panel.faults()
    with folder.start("--once") as watching:
        assert watching.finish().status == 4
    assert folder.workplace.ledger.count() == 8
    assert approved.name in {path.name for path in (folder.path / "problems").iterdir()}
    folder.workplace.settle_doubts()
    folder.bring_back()
    with folder.start("--once") as watching:
        assert watching.finish().status == 0
    assert_each_row_once(folder)


def test_a_name_that_causes_trouble_does_not_keep_other_sheets_waiting(folder: Folder):
    long, undecodable = f"{'x' * 250}.csv", os.fsdecode(b"w\xff.csv")
    sheet = folder.workplace.sheet("sheet.csv", orders(1, name="odd"))
    for name in (long, undecodable, os.fsdecode(b"w\xff.xls")):
        shutil.copy(sheet, folder.path / name)
    folder.drop(2)
    with folder.start("--once", "--max-spend", "50") as watching:
        done = watching.finish()
    assert (done.status, folder.workplace.ledger.count()) == (7, 2)
    assert_each_row_once(folder)
    assert f"{long} waits: " in done.said
    assert (folder.path / "problems" / os.fsdecode(b"w\xff.xls.problems.txt")).exists()
