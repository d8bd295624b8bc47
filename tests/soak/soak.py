"""One sheet run to its end against a panel that fails, killed again and again on the way.

What a person does is done: the run is started again after each kill and each stop, the orders in doubt are looked up in
the panel's own list, and `resolve` is told what they are.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl

from smmplus.journal.journal import Journal
from tests.end_to_end.command import SMMPLUS, Workplace
from tests.soak.moments import Moment, Situation

SERVICES = (("1", 50), ("2", 10), ("3", 100), ("4", 100), ("5", 10))
"""Services of the sandbox, with rates of up to four decimal places, and their least quantities."""

FINE = frozenset({0, 3, 4, 5, 7, -signal.SIGKILL})
"""Exit statuses that a run may have here: 1 is a traceback, 2 a wrong call, 6 a lock that a dead run still holds."""

MOST_RUNS = 100


class SoakError(Exception):
    """A run did what none may do."""


def rows(count: int) -> Iterator[dict[str, str]]:
    """Make rows that order different things at odd prices."""
    for number in range(1, count + 1):
        service, least = SERVICES[number % len(SERVICES)]
        link = f"https://instagram.com/p/soak-{number:06d}"
        yield {"service": service, "link": link, "quantity": str(least + number % 997)}


def write_rows(path: Path, count: int) -> None:
    """Write the sheet row by row: this process stays small, for its memory would count as its children's."""
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook(write_only=True)
        page = book.create_sheet()
        page.append(["service", "link", "quantity"])
        for row in rows(count):
            page.append([row["service"], row["link"], int(row["quantity"])])
        book.save(path)
    else:
        with path.open("w", encoding="utf-8") as file:
            file.write("service,link,quantity\n")
            file.writelines(",".join(row.values()) + "\n" for row in rows(count))


def orders_of(ledger: Path) -> Iterator[dict[str, Any]]:
    """Read the panel's orders from its ledger file, one at a time."""
    with ledger.open("rb") as lines:
        yield from map(json.loads, lines)


@dataclass(slots=True)
class Soak:
    """The runs of one sheet, and what they took."""

    workplace: Workplace
    sheet: Path
    ledger: Path
    in_flight: int
    kills: int = 0
    doubts: int = 0
    statuses: list[int] = field(default_factory=list)
    """Of every run, in turn."""
    peaks: list[float] = field(default_factory=list)
    """Megabytes of every run, in turn."""

    def be_killed(self, moments: list[Moment]) -> None:
        """Run, and be killed at each of the moments in turn; a run that ends before is followed by the next."""
        for moment in moments:
            while not self.run(until=moment):
                self.settle()

    def go_through(self) -> None:
        """Run and settle until every row is accepted and written."""
        self.run("--retry-refused")
        while self.statuses[-1] != 0:
            self.settle()
            self.run("--retry-refused")

    def follow(self) -> None:
        """Let the panel deliver, and ask until the sheet knows that every order is completed."""
        self.workplace.panel.advance(5000)
        left = "SELECT count(*) AS number FROM entries WHERE order_status != 'Completed'"
        while self.workplace.query(left)[0]["number"] or self.statuses[-1] != 0:
            self._start("status", self.sheet, "--json", "--rate", "0")

    def run(self, *options: str, until: Moment | None = None) -> bool:
        """`smmplus run`; tell whether it was killed at the moment given."""
        settings = ("--yes", "--json", "--rate", "0", "--wait", "0", "--in-flight", str(self.in_flight))
        return self._start("run", self.sheet, *settings, *options, until=until)

    def settle(self) -> None:
        """Settle every doubt by what the panel's list of orders says; the first of them with the command itself."""
        self.workplace.age_sendings()
        with Journal(f"sqlite:///{self.workplace.journal}") as journal:
            account, doubts = journal.ensure_account(self.workplace.panel.address, "default"), journal.in_doubt()
            links = {doubt.request.values["link"] for doubt in doubts}
            placed = {order["link"]: order["order"] for order in orders_of(self.ledger) if order["link"] in links}
            for doubt in doubts[1:]:
                if order_id := placed.get(doubt.request.values["link"]):
                    journal.resolve_as_placed(account, doubt, order_id, why="the panel's list says so")
                else:
                    journal.resolve_as_not_placed(doubt, why="the panel's list says so")
        self.doubts += len(doubts)
        if doubts:
            order_id = placed.get(doubts[0].request.values["link"])
            verdict = ["--not-placed"] if order_id is None else ["--order-id", order_id]
            self._start("resolve", doubts[0].name, *verdict)

    def _start(self, *arguments: str | Path, until: Moment | None = None) -> bool:
        if len(self.statuses) == MOST_RUNS:
            raise SoakError(f"not through after {MOST_RUNS} runs: {dict(self.workplace.states())}, {self.statuses}")
        out = self.workplace.folder / f"output-{len(self.statuses) + 1:03d}"
        with out.with_suffix(".json").open("wb") as said, out.with_suffix(".err").open("wb") as complained:
            process = subprocess.Popen(
                [SMMPLUS, *map(str, arguments)],
                env=self.workplace.environment(),
                cwd=self.workplace.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=complained,
            )
            self._watch(process, until)
        status, words = process.returncode, out.with_suffix(".err").read_text("utf-8")
        self.statuses.append(status)
        if status not in FINE or "Traceback" in words:
            raise SoakError(f"run {len(self.statuses)} ended with {status}: {words[-2000:]}")
        return status == -signal.SIGKILL

    def _watch(self, process: "subprocess.Popen[bytes]", until: Moment | None) -> None:
        """Wait for its end, or bring it about at the moment; os.wait4 tells the memory of this child alone."""
        situation = Situation(self.sheet, self.workplace.ledger.count, time.monotonic())
        ended = 0
        while not ended:
            time.sleep(0.02)
            if until is not None and situation.has_come_to(until):
                process.kill()
                until = None
                self.kills += 1
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
        # Linux counts kilobytes, macOS bytes.
        self.peaks.append(usage.ru_maxrss / (1_000_000 if sys.platform == "darwin" else 1_000))

    @property
    def peak(self) -> float:
        """Megabytes of the largest run."""
        return max(self.peaks)

    @property
    def runs(self) -> Counter[int]:
        """Count the commands by exit status."""
        return Counter(self.statuses)
