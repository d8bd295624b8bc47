"""Plays one case: run, break, run again until the program says done or in doubt, settle, run for the last time.

After each step the journal, the sheet, the order ids that were read and the panel's ledger are held against each other.
"""

import fcntl
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from smmplus.journal.journal import Journal
from tests import databases
from tests.end_to_end.command import RESULTS, Ledger, Order, number_of, read_rows, without_results, write_sheet
from tests.invariants import (
    Books,
    broken,
    broken_in_sheet,
    broken_when_settled,
    content_of,
    content_of_row,
    read_books,
)
from tests.matrix.cases import ROWS, WHICH, Case
from tests.matrix.striking import SIGNALS
from tests.matrix.table import DOUBT, KEPT, LATER, RESCUED
from tests.matrix.world import Ended, Scene

QUICK = 1.0
"""Time-outs of a run whose network swallows everything."""

BUSY = 0.3
"""Seconds to wait for a locked journal that stays locked."""

MOST_RUNS = 4
"""Runs after the broken one; a run that still is not done then never will be."""

DONE, IN_DOUBT, IN_USE, UNFINISHED = 0, 4, 6, 7


def rows_of(number: int) -> list[Order]:
    """Make a case's rows, of different prices; two of them are equal, and meant to be."""
    amounts = (("4", 101), ("2", 137), ("5", 33), ("1", 77), ("1", 77), ("5", 19))
    assert len(amounts) == ROWS
    return [
        {
            "service": service,
            "link": f"https://instagram.com/p/case{number}-{min(place, 4)}-{amount}",
            "quantity": str(amount),
        }
        for place, (service, amount) in enumerate(amounts)
    ]


@dataclass(slots=True)
class Play:
    """A case under way."""

    case: Case
    scene: Scene
    rows: list[Order]
    ledger: Ledger
    plain: bool = False
    """Whether the runs after the broken one are processes from their start, as a person's are."""

    @property
    def sheet(self) -> Path:
        """The sheet."""
        return self.scene.sheets / f"campaign.{self.case.kind}"

    def play(self) -> str:
        """Play it to its end, and tell what became of the order at the point. AssertionError names what is broken."""
        write_sheet(self.sheet, self.rows)
        broken_run = self._run(
            point=self.case.point, fault=self.case.fault, nth=WHICH[self.case.which], **self._limits()
        )
        assert self.scene.struck, f"the point was never reached: {broken_run}"
        self._sheet_was_whole()
        first = self._after(broken_run, "the broken run")
        self._age_leftovers()
        for number in range(MOST_RUNS):
            ended = self._run()
            then = self._after(ended, f"run {number + 2}")
            if ended.status in {DONE, IN_DOUBT}:
                break
        else:
            raise AssertionError(f"it is never done: {ended}")
        self._settle()
        last = self._run()
        self._finally(last)
        return self._became(first, then)

    def _limits(self) -> dict[str, float]:
        limits: dict[str, float] = {}
        if self.case.fault == "hang":
            limits["timeout"] = QUICK
        if self.case.fault in {"locked", "journal-refuse"}:
            limits["busy"] = BUSY
        return limits

    def _run(self, **breaking: object) -> Ended:
        options = ["--yes", "--json", "--rate", "0", "--allow-duplicates", "--in-flight", str(self.case.in_flight)]
        wait = ["--wait", "0.2", "--poll", "0.1"] if self.case.point in {"following", "followed"} else ["--wait", "0"]
        if self.plain and not breaking:
            return self.scene.plain_run("run", self.sheet, *options, *wait)
        return self.scene.run("run", self.sheet, *options, *wait, **breaking)

    def _sheet_was_whole(self) -> None:
        copy = self.scene.folder / f"then.{self.case.kind}"
        copy.write_bytes(self.scene.sheet_then)
        then = [without_results(row) for row in read_rows(copy)]
        assert then == self.rows, f"as the fault struck the sheet was {then}"

    def _after(self, ended: Ended, when: str) -> Books:
        books, placed, written = read_books(self.scene.kept.direct), self.ledger.orders(), read_rows(self.sheet)
        found = [
            *broken(books, placed),
            *broken_in_sheet(books, written),
            *self._more_than_asked(placed),
            *self._missing_ids(ended, books, written),
            *self._wrong_status(ended, books, written),
            *self._held_locks(),
        ]
        if [without_results(row) for row in written] != self.rows:
            found.append("the sheet's own cells have changed")
        assert found == [], (when, found, ended)
        return books

    def _more_than_asked(self, placed: Sequence[dict[str, Any]]) -> list[str]:
        asked = Counter(content_of_row(row) for row in self.rows)
        return [f"ordered too often: {content}" for content in (Counter(map(content_of, placed)) - asked)]

    def _missing_ids(self, ended: Ended, books: Books, written: Sequence[Order]) -> list[str]:
        """Find order ids that were read and stand nowhere. What a killed process had read is in doubt."""
        if ended.status < 0:
            return []
        in_sheet = {number_of(row["order_id"]) for row in written if row["order_id"]}
        return [
            f"order {number} was read, and is in no journal, sheet or rescue file"
            for number in map(number_of, ended.ids)
            if number not in books.orders and number not in in_sheet and not self._is_rescued(number)
        ]

    def _is_rescued(self, number: str) -> bool:
        files = [path for path in self.scene.folder.rglob("*rescue*/**/*") if path.is_file()]
        return any(f'"{number}"'.encode() in path.read_bytes() for path in files)

    def _wrong_status(self, ended: Ended, books: Books, written: Sequence[Order]) -> list[str]:
        """Hold the exit status against what is so."""
        if ended.status < 0:
            ways = {-int(number) for number in SIGNALS.get(self.case.fault, ())}
            return [] if ended.status in ways else [f"it was ended by signal {-ended.status}"]
        states = Counter(line.state for line in books.lines.values())
        done = states["placed"] == ROWS and all(row["order_id"] for row in written)
        found = []
        if ended.status == DONE and not done:
            found.append(f"it says done, and is not: {states}")
        if ended.status not in {DONE, IN_DOUBT, IN_USE, UNFINISHED}:
            found.append(f"status {ended.status}: a person is asked for something that nobody did")
        if states["in_doubt"] and ended.status != IN_DOUBT:
            found.append(f"status {ended.status}, and orders are in doubt: {states}")
        if ended.status == IN_DOUBT and not states["in_doubt"] + states["sending"]:
            found.append(f"it says in doubt, and nothing is: {states}")
        if "Traceback" in ended.err:
            found.append(f"it ended with a traceback: {ended.err}")
        return found

    def _held_locks(self) -> list[str]:
        return [f"{path} is still held" for path in self.scene.journal.rglob("*.lock") if not _is_free(path)]

    def _age_leftovers(self) -> None:
        """Let an hour pass for what a killed run left beside the sheet: the next one may sweep it then."""
        for path in self._beside_the_sheet():
            os.utime(path, (0, 0))

    def _beside_the_sheet(self) -> list[Path]:
        return [path for path in self.scene.sheets.iterdir() if path != self.sheet]

    def _settle(self) -> None:
        """Settle every doubt by what the ledger says, as a person would."""
        self._query("UPDATE entries SET sent_at = replace(sent_at, substr(sent_at, 1, 4), '2020')")
        known = read_books(self.scene.kept.direct).orders
        lost = [order for order in self.ledger.orders() if order["order"] not in known]
        with Journal(self.scene.kept.direct) as journal:
            account = journal.ensure_account(self.scene.world.address, "default")
            for doubt in journal.in_doubt():
                mine = next((order for order in lost if order["link"] == doubt.request.values["link"]), None)
                if mine is None:
                    journal.resolve_as_not_placed(doubt, why="the ledger says so")
                else:
                    lost.remove(mine)
                    journal.resolve_as_placed(account, doubt, mine["order"], why="the ledger says so")

    def _query(self, statement: str) -> list[dict[str, Any]]:
        return databases.rows_of(self.scene.kept.direct, statement)

    def _finally(self, last: Ended) -> None:
        books = self._after(last, "the last run")
        placed, written = self.ledger.orders(), read_rows(self.sheet)
        found = broken_when_settled(books, placed)
        if last.status != DONE:
            found.append(f"the last run says {last.status}")
        if sorted(number_of(row["order_id"]) for row in written) != sorted(order["order"] for order in placed):
            found.append("the ids in the sheet are not those of the ledger")
        if Counter(map(content_of, placed)) != Counter(map(content_of_row, self.rows)):
            found.append("not every row is ordered once")
        if [row for row in written if any(row[name] for name in RESULTS) and row["order_status"] != "Placed"]:
            found += [f"a row is told wrongly: {row}" for row in written if not row["order_status"]]
        if left := self._beside_the_sheet():
            found.append(f"left beside the sheet: {left}")
        if self._query("SELECT id FROM batches WHERE finished_at IS NULL"):
            found.append("the batch is not finished")
        if books.spent != {"campaign": sum((Decimal(order["charge"]) for order in placed), Decimal(0))}:
            found.append(f"spent is not what was charged: {books.spent}")
        assert found == [], (found, last)

    def _became(self, first: Books, then: Books) -> str:
        """Tell what became of the order that stood at the point."""
        (who,) = self.scene.struck
        kind, _, number = who.partition(" ")
        entries = [int(number)] if kind == "entry" else self._with_link(then, who)
        words = {_word(first, then, entry) for entry in entries}
        good = words & self.case.became
        assert good if kind != "all" else words <= self.case.became, f"it is {words}, and not {set(self.case.became)}"
        return min(good)

    def _with_link(self, books: Books, link: str) -> list[int]:
        return [number for number, line in books.lines.items() if link in {"all", dict(line.content[1])["link"]}]


def _word(first: Books, then: Books, entry: int) -> str:
    before = first.lines[entry].state if entry in first.lines else "not_sent"
    if then.lines[entry].state == "in_doubt":
        return DOUBT
    return {"placed": KEPT, "not_sent": LATER}.get(before, RESCUED)


def _is_free(path: Path) -> bool:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
