"""The real command in a process of its own, its sheets and its journal, for tests that hold them against the ledger.

::

    sheet = workplace.sheet("campaign.xlsx", orders(5))
    done = workplace.run(sheet)
    assert done.status == 0
    workplace.assert_each_row_once(sheet)
"""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import openpyxl

from smmplus.journal.journal import Journal
from tests.databases import rows_of
from tests.json_schema import validate_output, without_version
from tests.launcher import LaunchedProcess, launch
from tests.panel import SandboxProcess

PATIENCE = 60.0
"""Seconds that a condition may take on a busy machine before the test fails; nothing waits that long by itself."""

SMMPLUS = Path(sys.executable).with_name("smmplus")

SHOP_KEY = "shop-key-fedcba9876543210"
"""The key of a second account, named shop."""

Order = dict[str, str]

RESULTS = ("order_id", "order_status", "charge", "start_count", "remains", "currency", "error", "updated_at")


def orders(count: int, *, service: str = "2", quantity: int = 100, name: str = "post") -> list[Order]:
    """Make rows that order different things."""
    return [
        {"service": service, "link": f"https://instagram.com/p/{name}-{number:05d}", "quantity": str(quantity)}
        for number in range(1, count + 1)
    ]


def wait_until(condition: Callable[[], bool], what: str, *, patience: float = PATIENCE) -> None:
    """Wait for something that must come to pass; how long it takes proves nothing."""
    ends = time.monotonic() + patience
    while not condition():
        if time.monotonic() > ends:
            raise AssertionError(f"in vain, for {patience:.0f} seconds: {what}")
        time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left: exit status, and what it said."""

    status: int
    out: str
    err: str
    arguments: Sequence[str] = ()

    @property
    def json(self) -> dict[str, Any]:
        """The one object that `--json` prints; it fits the schema."""
        validate_output(self.arguments, self.out)
        return without_version(self.out)

    @property
    def said(self) -> str:
        """Everything that was said, on lines as long as they come."""
        return " ".join((self.out + "\n" + self.err).split())


class Running:
    """A command under way; `with` sees to it that it is gone at the end."""

    def __init__(self, process: "subprocess.Popen[str] | LaunchedProcess", arguments: Sequence[str] = ()) -> None:
        self._process, self._arguments = process, arguments

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def finish(self, answer: str | None = None) -> Finished:
        """Wait for its end."""
        out, err = self._process.communicate(answer, timeout=PATIENCE * 5)
        return Finished(self._process.returncode, out, err, self._arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.alive:
            self._process.kill()
        self._process.communicate()


@dataclass(slots=True)
class Ledger:
    """The orders that one test placed on a panel that others used before."""

    panel: SandboxProcess
    seen: int = 0
    calls_seen: Mapping[str, int] = field(default_factory=dict)
    earlier: Sequence[dict[str, Any]] = ()
    """Orders of before that belong to the test all the same."""

    @classmethod
    def from_here(cls, panel: SandboxProcess) -> "Ledger":
        """Begin to count."""
        ledger = panel.ledger()
        return cls(panel, ledger["count"], dict(ledger["calls"]))

    def orders(self) -> list[dict[str, Any]]:
        """Give what was really ordered since."""
        return [*self.earlier, *self.panel.orders()[self.seen :]]

    def count(self) -> int:
        """Count what was really ordered since, without the list."""
        answer: dict[str, Any] = self.panel._ask("/ledger?orders=no")
        return len(self.earlier) + int(answer["count"]) - self.seen

    def calls(self, action: str) -> int:
        """Count the calls of an action since."""
        return self.panel.calls(action) - self.calls_seen.get(action, 0)

    def order_id(self, link: str) -> str:
        """Give the order of a link that was ordered once."""
        (order,) = (order for order in self.orders() if order["link"] == link)
        return str(order["order"])


@dataclass(slots=True)
class Workplace:
    """One marketer's folder, journal and panel."""

    folder: Path
    panel: SandboxProcess
    ledger: Ledger
    settings: dict[str, str] = field(default_factory=dict)
    """Further variables of the environment."""
    postgres: str = ""
    """The URL of the journal's database; "" where the journal is a file in the folder."""

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / "journal" / "journal.sqlite3"

    @property
    def journal_url(self) -> str:
        """The journal as `SMMPLUS_JOURNAL` names it."""
        return self.postgres or f"sqlite:///{self.journal}"

    def environment(self, **more: str) -> dict[str, str]:
        """Give a command's environment: nothing of the project's settings but what is said here."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SMMPLUS_")}
        own = {
            "SMMPLUS_API_KEY": self.panel.key,
            "SMMPLUS_API_URL": self.panel.address,
            "SMMPLUS_JOURNAL": self.journal_url,
            "SMMPLUS_LANGUAGE": "en",
            "XDG_DATA_HOME": str(self.folder / "data"),
        }
        return kept | own | self.settings | more

    def start(self, *arguments: str | Path, answers: bool = False, first: str = "", **more: str) -> Running:
        """Start `smmplus` with these arguments; `answers` if it may ask; `first` is a program to run before it."""
        given, environment = [str(argument) for argument in arguments], self.environment(**more)
        if not any(name.startswith("PYTHON") for name in more):
            return Running(launch(given, environment, self.folder, answers=answers, first=first), given)
        process = subprocess.Popen(
            [SMMPLUS, *given],
            env=environment,
            cwd=self.folder,
            stdin=subprocess.PIPE if answers else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return Running(process, given)

    def command(self, *arguments: str | Path, answer: str | None = None, **more: str) -> Finished:
        """Run `smmplus` with these arguments to its end; `answer` is typed into it."""
        with self.start(*arguments, answers=answer is not None, **more) as running:
            return running.finish(answer)

    def start_run(self, sheet: Path, *options: str, wait: str = "0") -> Running:
        """Start `smmplus run` without a question, as fast as the panel lets it."""
        return self.start("run", sheet, "--yes", "--json", "--rate", "0", "--wait", wait, *options)

    def run(self, sheet: Path, *options: str, wait: str = "0") -> Finished:
        """`smmplus run` to its end."""
        with self.start_run(sheet, *options, wait=wait) as running:
            return running.finish()

    def run_without(self, call: int, sheet: Path, *options: str) -> Finished:
        """Run a sheet one order at a time, of which the panel takes one (counted from 1) whose answer is lost."""
        self.panel.faults({"fault": "drop_after_accept", "action": "add", "calls": [call]})
        done = self.run(sheet, "--in-flight", "1", *options)
        self.panel.faults()
        return done

    def sheet(self, name: str, rows: Sequence[Mapping[str, str]]) -> Path:
        """Write a sheet of the kind that its name says."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sheet(path, rows)
        return path

    def states(self) -> Counter[str]:
        """Count the journal's entries by state."""
        return Counter(entry["state"] for entry in self.entries())

    def entries(self) -> list[dict[str, Any]]:
        """Read the journal's entries, past the program."""
        return self.query(
            "SELECT entries.*, campaigns.name AS campaign FROM entries JOIN campaigns ON campaigns.id = campaign_id"
        )

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Ask the journal's database, past the program."""
        return rows_of(self.journal_url, sql)

    def age_sendings(self) -> None:
        """Set the times of sending back.

        `resolve --not-placed` is refused for two minutes after a sending, in which a panel might still be at it. Tests
        do not wait for that: they make the sending look older.
        """
        self.query("UPDATE entries SET sent_at = replace(sent_at, substr(sent_at, 1, 4), '2020')")

    def settle_doubts(self, *, by_command: bool = False) -> int:
        """Settle every doubt by what the ledger says, as a person would; tell how many there were.

        By the call behind `smmplus resolve`, for starting Python for each would take minutes; the first of them
        with the command itself if told so.
        """
        self.age_sendings()
        placed = {order["link"]: str(order["order"]) for order in self.ledger.orders()}
        with Journal(self.journal_url) as journal:
            account = journal.ensure_account(self.panel.address, "default")
            doubts = journal.in_doubt()
            for doubt in doubts[by_command:]:
                if order_id := placed.get(doubt.request.values["link"]):
                    journal.resolve_as_placed(account, doubt, order_id, why="the ledger says so")
                else:
                    journal.resolve_as_not_placed(doubt, why="the ledger says so")
        if by_command:
            order_id = placed.get(doubts[0].request.values["link"])
            verdict = ["--not-placed"] if order_id is None else ["--order-id", order_id]
            assert self.command("resolve", doubts[0].name, *verdict).status == 0
        return len(doubts)

    def assert_books_agree(self) -> None:
        """Hold the journal against the ledger: nothing twice, nothing lost, and what may be missing is in doubt."""
        entries, placed = self.entries(), self.ledger.orders()
        accepted = {entry["order_id"] for entry in entries if entry["state"] == "placed"}
        doubtful = sum(entry["state"] == "in_doubt" for entry in entries)
        ids = {order["order"] for order in placed}
        assert {number_of(order_id) for order_id in accepted} <= ids
        assert len(accepted) <= len(placed) <= len(accepted) + doubtful
        assert_nothing_twice(placed)

    def assert_books_agree_with_the_dead(self) -> None:
        """Hold them against each other while what a killed run had under way still stands as sending."""
        states, placed = self.states(), self.ledger.orders()
        assert states["placed"] <= len(placed) <= states["placed"] + states["sending"] + states["in_doubt"]
        assert_nothing_twice(placed)

    def assert_each_row_once(self, sheet: Path, rows: Sequence[Mapping[str, str]] | None = None) -> None:
        """Hold the sheet and the journal against the ledger: every row is one order, and every order is one row."""
        written = read_rows(sheet)
        placed = {order["order"]: order for order in self.ledger.orders()}
        assert sorted(number_of(row["order_id"]) for row in written) == sorted(placed)
        for row in written:
            order = placed[number_of(row["order_id"])]
            assert (order["service"], order["link"], str(order["quantity"])) == (
                row["service"],
                row["link"],
                row["quantity"],
            )
        assert self.states() == {"placed": len(written)}
        if rows is not None:
            assert [without_results(row) for row in written] == [dict(row) for row in rows]


def number_of(order_id: str) -> str:
    """Give the number of an order; the sandbox may write it in 24 hexadecimal digits."""
    return str(int(order_id, 16)) if len(order_id) == 24 else order_id


def assert_nothing_twice(placed: Iterable[Mapping[str, Any]]) -> None:
    """Check that no two orders are the same; for sheets whose rows all differ."""
    contents = Counter(json.dumps(order["fields"], sort_keys=True) for order in placed)
    assert [content for content, times in contents.items() if times > 1] == []


_HEADERS = {
    "service": "Layanan", "link": "Tautan", "quantity": "Jumlah", "order_id": "ID pesanan",
    "order_status": "Status pesanan", "charge": "Biaya pesanan", "start_count": "Hitungan awal",
    "remains": "Sisa pesanan", "currency": "Mata uang", "error": "Pesan kesalahan", "updated_at": "Diperbarui pada",
}  # fmt: skip


def write_sheet(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write rows as a workbook, as CSV of an Indonesian Excel, or as mass-order text."""
    names = list(rows[0])
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        book.active.append(names)
        for row in rows:
            book.active.append([row[name] for name in names])
        book.save(path)
    elif path.suffix == ".txt":
        lines = (f"{row['service']} | {row['link']} | {row['quantity']}" for row in rows)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        lines = (";".join(row[name] for name in names) for row in rows)
        path.write_text("\n".join([";".join(_HEADERS.get(name, name) for name in names), *lines]) + "\n", "utf-8")


def read_rows(path: Path) -> list[Order]:
    """Read a sheet back with other code than the program's; empty cells are ""."""
    if path.suffix == ".xlsx":
        table = [
            ["" if cell is None else str(cell) for cell in row] for row in openpyxl.load_workbook(path).active.values
        ]
    else:
        text = path.read_text("utf-8-sig")
        separator = ";" if ";" in text.partition("\n")[0] else ","
        table = list(csv.reader(io.StringIO(text), delimiter=separator))
    english = {word: name for name, word in _HEADERS.items()}
    header = [english.get(name, name) for name in table[0]]
    return [dict.fromkeys(RESULTS, "") | dict(zip(header, row, strict=True)) for row in table[1:]]


def without_results(row: Mapping[str, str]) -> Order:
    """Give what a person wrote into a row."""
    return {name: text for name, text in row.items() if name not in RESULTS}
