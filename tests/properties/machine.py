"""The machine of random steps: a person, a panel that fails, runs that break, and the invariants after every step."""

import contextlib
import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import text

from bulk.model.errors import SheetError
from bulk.model.options import Options
from bulk.running import run as runner
from bulk.running.events import RunListener
from smmplus.api.client import Client
from smmplus.api.panel import Panel
from smmplus.errors import SmmPlusError
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event, Outcome
from smmplus.reconciliation import reconcile as reconciling
from tests.invariants import (
    OPEN,
    Books,
    Content,
    broken,
    broken_in_sheet,
    broken_when_settled,
    content_of,
    past_the_program,
    read_books,
)
from tests.panel import SandboxProcess
from tests.postgres import lent_url
from tests.properties.breaking import BLOWS, POINTS, Blow, Job, Said, go, run_apart, run_in_threads
from tests.properties.person import Cells, Person, Sheet

ACCOUNTS = 20
"""Each example has an account of its own. A sandbox whose accounts are used up is replaced: its ledger grows long."""

KINDS: tuple[Cells, ...] = (
    {"service": "2", "quantity": "100"},
    {"service": "5", "quantity": "33"},
    {"service": "22", "quantity": "1000"},
    {"service": "6", "quantity": ""},
)
"""What rows order; few, so that equal rows are common. The sixth is a package, which has no quantity."""

EDITS = ("adds", "changes", "clears", "deletes", "duplicates", "duplicates, ids and all", "sorts")

RATES = ("0.35", "0.1", "0.90", "1.2345", "7.77777")

_RIGHT = ("bom", "php_notice", "id_as_string", "id_as_hex", "error_status", "truncated_json")
_EITHER_SIDE = ("http_502", "html", "empty", "order_null", "success_without_order")
_WORDS = (
    "Bad link",
    "Not enough funds on balance",
    "You have active order with this link. Please wait until order being completed.",
    "Incorrect request",
    "Order could not be created",
    "Rate limit exceeded",
    "Something new",
)

# A rule that strikes every call would keep any run from its prices; what is about `add` shows more.
_when = st.one_of(
    st.builds(lambda calls: {"calls": calls}, st.lists(st.integers(1, 8), min_size=1, max_size=4, unique=True)),
    st.builds(lambda rate: {"rate": rate}, st.sampled_from([0.1, 0.3, 0.6])),
)
_where = st.sampled_from([{"action": "add"}] * 6 + [{"action": "status"}, {"action": "services"}, {}])
_what = st.one_of(
    st.builds(lambda name: {"fault": name}, st.sampled_from(_RIGHT)),
    st.builds(lambda name, after: {"fault": name, "after_accept": after}, st.sampled_from(_EITHER_SIDE), st.booleans()),
    st.builds(
        lambda when, reset: {"fault": f"drop_{when}_accept", "reset": reset},
        st.sampled_from(["before", "after"]),
        st.booleans(),
    ),
    st.builds(lambda text: {"fault": "refuse", "text": text}, st.sampled_from(_WORDS)),
    st.sampled_from([{"fault": "translated"}, {"fault": "echo_key"}, {"fault": "429"}, {"fault": "maintenance"}]),
    st.just({"fault": "latency", "seconds": 0.02}),
)
_fault = st.builds(lambda what, where, when: what | where | when, _what, _where, _when)
_hang = st.builds(
    lambda when, calls: [{"fault": f"hang_{when}_accept", "action": "add", "seconds": 1.0, "calls": calls}],
    st.sampled_from(["before", "after"]),
    st.lists(st.integers(1, 8), min_size=1, max_size=2, unique=True),
)

_yes_rarely = st.integers(0, 4).map(lambda number: number == 4)
_yes_often = st.integers(0, 4).map(lambda number: number != 4)
_options = st.fixed_dictionaries(
    {
        "in_flight": st.sampled_from([1, 2, 4, 16]),
        "skip_bad": _yes_often,
        "allow_duplicates": _yes_often,
        "adopt": st.booleans(),
        "ignore_missing": _yes_often,
        "retry_refused": st.booleans(),
        "campaign": st.sampled_from([None, None, None, "anew-1", "anew-2"]),
        "max_spend": st.sampled_from([None, None, None, Decimal("0.2"), Decimal(3), Decimal(1000)]),
        "wait": st.sampled_from([0.0, 0.0, 0.001]),
        "first": st.sampled_from([None, None, None, 1, 3]),
    }
)
_TO_THE_END = {
    "adopt": True,
    "ignore_missing": True,
    "skip_bad": True,
    "allow_duplicates": True,
    "retry_refused": True,
    "max_spend": Decimal(100_000),
    "in_flight": 4,
    "wait": 0.0,
}
_cells = st.builds(lambda kind, post: {**kind, "link": str(post)}, st.sampled_from(KINDS), st.integers(1, 5))
_blow = st.builds(
    Blow, st.sampled_from(sorted(POINTS)), st.sampled_from([1, 1, 2, 2, 3, 5]), st.booleans(), st.sampled_from(BLOWS)
)
_number = st.integers(0, 11)


def _key(account: str) -> str:
    return f"key-of-{account}-0123456789abcdef"


class Campaigns(RuleBasedStateMachine):
    """One person's folder, journal and account; the panel is shared by all examples.

    No rule has a precondition: how a run ends depends on time, and Hypothesis must draw the same steps again.
    """

    panel: ClassVar[SandboxProcess | None] = None
    steps: ClassVar[Counter[str]] = Counter()
    seen: ClassVar[Counter[str]] = Counter()
    """What happened besides: how runs ended, which faults were set, what was ordered."""
    examples: ClassVar["itertools.count[int]"] = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.resources = contextlib.ExitStack()
        self.folder = Path(self.resources.enter_context(tempfile.TemporaryDirectory(prefix="smmplus-properties-")))
        self.sandbox, self.account = self._next_account()
        self.person = Person(self.folder)
        self.journal = self.new_journal()
        self.doubts = self.hangs = False
        self._repair()
        self.accepted: dict[int, tuple[int, str | None]] = {}
        Journal(self.journal).close()

    def new_journal(self) -> str:
        """Give the URL of a journal that is not there yet."""
        return f"sqlite:///{self.folder / 'journal' / 'journal.sqlite3'}"

    @classmethod
    def _next_account(cls) -> tuple[SandboxProcess, str]:
        number = next(cls.examples) % ACCOUNTS
        if number == 0:
            cls.end()
        if cls.panel is None:
            keys = (("--key", f"account-{each}={_key(f'account-{each}')}") for each in range(ACCOUNTS))
            cls.panel = SandboxProcess("--speed", "0", *itertools.chain(*keys))
            cls.panel.__enter__()
        return cls.panel, f"account-{number}"

    @classmethod
    def end(cls) -> None:
        """End the sandbox."""
        if cls.panel is not None:
            cls.panel.stop()
            cls.panel = None

    # What the person does with sheets.

    @initialize(rows=st.lists(_cells, min_size=2, max_size=8), ending=st.sampled_from([".csv", ".csv", ".xlsx"]))
    def begin(self, rows: list[Cells], ending: str) -> None:
        """Write the first sheet."""
        self.person.writes(map(self._own, rows), ending)

    @rule(rows=st.lists(_cells, min_size=1, max_size=8), ending=st.sampled_from([".csv", ".xlsx"]))
    def write_sheet(self, rows: list[Cells], ending: str) -> None:
        """Write one more sheet, or take an old one's place where there are many."""
        self.steps["write a sheet"] += 1
        if len(self.person.sheets) > 3:
            self.person.sheets.pop(0)
        self.person.writes(map(self._own, rows), ending)

    @rule(sheet=_number, at=_number, cells=_cells, how=st.sampled_from(EDITS))
    def edit(self, sheet: int, at: int, cells: Cells, how: str) -> None:
        """Change one row, or the order of the rows."""
        self.steps[f"person {how}"] += 1
        one, person = self._sheet(sheet), self.person
        edits: dict[str, Callable[[], None]] = {
            "adds": lambda: person.adds(one, self._own(cells)),
            "changes": lambda: person.changes(one, at, self._own(cells)),
            "clears": lambda: person.clears(one, at),
            "deletes": lambda: person.deletes(one, at),
            "duplicates": lambda: person.duplicates(one, at, with_results=False),
            "duplicates, ids and all": lambda: person.duplicates(one, at, with_results=True),
            "sorts": lambda: person.sorts(one, ("link", "service", "order_id", "error")[at % 4], reverse=at > 5),
        }
        edits[how]()

    @rule(sheet=_number, how=st.sampled_from(["rename", "copy", "copy under its name", "open or close"]))
    def move_file(self, sheet: int, how: str) -> None:
        """Rename or copy a file, or leave it open in a spreadsheet program."""
        self.steps[f"person: {how}"] += 1
        one = self._sheet(sheet)
        if how == "open or close":
            lock = one.path.with_name(f".~lock.{one.path.name}#")
            lock.unlink() if lock.exists() else lock.touch()
        elif how == "rename":
            self.person.renames(one)
        elif len(self.person.sheets) < 5:
            self.person.copies(one, same_name=how != "copy")

    # What happens at the panel.

    @rule(faults=st.lists(_fault, max_size=3) | _hang)
    def fail(self, faults: list[dict[str, object]]) -> None:
        """Let the panel fail from now on, or work again."""
        self.steps["the panel fails" if faults else "the panel works again"] += 1
        self.seen.update(f"fault: {fault['fault']}" for fault in faults)
        self._repair()
        self.hangs = any(str(fault["fault"]).startswith("hang") for fault in faults)
        self.sandbox.faults(*faults)

    @rule(
        kind=st.sampled_from(KINDS),
        rate=st.sampled_from(RATES),
        disabled=_yes_rarely,
        balance=st.sampled_from(["0", "0.05", "3", "1000", "1000", "1000"]),
        seconds=st.sampled_from([0, 90, 4000]),
    )
    def change_panel(self, kind: Cells, rate: str, disabled: bool, balance: str, seconds: int) -> None:
        """Let a service cost something else or be gone, the balance be another one, and time pass."""
        self.steps["the panel changes"] += 1
        self.sandbox.service(kind["service"], rate=rate, disabled=disabled)
        self._set_balance(balance)
        self.sandbox.advance(seconds)

    # What the person does with the program.

    @rule(sheet=_number, asked=_options)
    def run(self, sheet: int, asked: dict[str, Any]) -> None:
        """Run a sheet to its end."""
        self.steps["run"] += 1
        job = self._job(self._sheet(sheet), asked)
        self._watch([job], lambda: [go(job)])

    @rule(sheet=_number, asked=_options, blow=_blow)
    def run_and_break(self, sheet: int, asked: dict[str, Any], blow: Blow) -> None:
        """Run a sheet, and let something happen to the run."""
        self.steps[f"run, {blow.how}"] += 1
        job = self._job(self._sheet(sheet), asked, blow)
        self._watch([job], lambda: run_apart(job))

    @rule(sheet=_number, other=_number, asked=_options, differently=_options, blow=st.none() | _blow)
    def run_two(
        self, sheet: int, other: int, asked: dict[str, Any], differently: dict[str, Any], blow: Blow | None
    ) -> None:
        """Run two sheets, or one of them twice, at the same time in two processes; one may break."""
        self.steps["run two processes at once"] += 1
        jobs = [self._job(self._sheet(sheet), asked, blow), self._job(self._sheet(other), differently)]
        self._watch(jobs, lambda: run_apart(*jobs))

    @rule(sheet=_number, other=_number, asked=_options, differently=_options)
    def run_two_threads(self, sheet: int, other: int, asked: dict[str, Any], differently: dict[str, Any]) -> None:
        """Run them in two threads of one process."""
        self.steps["run two threads at once"] += 1
        jobs = [self._job(self._sheet(sheet), asked), self._job(self._sheet(other), differently)]
        self._watch(jobs, lambda: run_in_threads(*jobs))

    @rule(sheet=_number, asked=_options, command=st.sampled_from(["check", "status"]))
    def look(self, sheet: int, asked: dict[str, Any], command: str) -> None:
        """Look at a sheet without ordering anything; a check does not even touch the file."""
        self.steps[command] += 1
        job = self._job(self._sheet(sheet), asked, asking=False)
        calls, before = self.sandbox.calls("add"), job.options.path.read_bytes()
        try:
            with Journal(self.journal) as journal:
                if command == "check":
                    runner.check(job.options, job.panel, journal)
                else:
                    runner.status(job.options, job.panel, journal, RunListener(agreed=True))
        except (SmmPlusError, SheetError):
            pass
        assert self.sandbox.calls("add") == calls
        assert command == "status" or job.options.path.read_bytes() == before

    @rule()
    def settle_doubts(self) -> None:
        """Settle every doubt by what the panel's order page says."""
        if not self.doubts:
            return
        self.steps["settle doubts"] += 1
        self._age_sendings()
        with Journal(self.journal) as journal:
            journal.recover_crashed_runs()
            account = journal.ensure_account(self.sandbox.address, "default")
            for doubt in journal.in_doubt():
                if order := self._order_of(doubt.id):
                    journal.resolve_as_placed(account, doubt, order, why="the order page says so")
                else:
                    journal.resolve_as_not_placed(doubt, why="the order page says so")

    @rule()
    def reconcile(self) -> None:
        """Let the program look for evidence itself; what it takes up must be the lost order."""
        if not self.doubts:
            return
        self.steps["reconcile"] += 1
        with contextlib.suppress(SmmPlusError), Journal(self.journal) as journal:
            journal.recover_crashed_runs()
            account = journal.ensure_account(self.sandbox.address, "default")
            with Client(self._panel(), rate=0) as client:
                found = reconciling.probe(client, journal, account)
            self.seen["lost orders that were found"] += len(found.findings) - len(found.open)

    @rule(which=_number)
    def answer_late(self, which: int) -> None:
        """Let the answer of an order in doubt arrive after all, in a process that was not dead but suspended."""
        doubts = read_books(self.journal).of_state("in_doubt")
        found = [(line, order) for line in doubts if (order := self._order_of(line.number))]
        if not found:
            return
        self.steps["a late answer"] += 1
        line, order = found[which % len(found)]
        with Journal(self.journal) as journal:
            journal.commit([Outcome(line.number, line.attempt, Event.ORDER_ID, order)])

    # What must hold.

    @invariant()
    def nothing_twice_and_nothing_lost(self) -> None:
        """Hold journal, ledger and what was asked for against each other."""
        books, ledger = read_books(self.journal), self._ledger()
        self.doubts = bool(books.of_state(*OPEN))
        assert broken(books, ledger) == []
        self._nothing_more_than_asked(ledger)
        self._accepted_for_ever(books)

    def teardown(self) -> None:
        """At the end every doubt is settled and every sheet run once more: all are equal, and no row is left."""
        try:
            if self.person.sheets:
                self._end_well()
        finally:
            self.resources.close()

    def _end_well(self) -> None:
        self._repair()
        self.settle_doubts()
        for sheet in self.person.sheets:
            sheet.path.with_name(f".~lock.{sheet.path.name}#").unlink(missing_ok=True)
            options = self._options(sheet, _TO_THE_END)
            self.person.asks(sheet, "")
            with Journal(self.journal) as journal:
                outcome = runner.run(options, self._panel(), journal, RunListener(agreed=True))
            left = outcome.blocked or outcome.reason or outcome.unwritten
            assert not left, left
            unsure = {problem.row for problem in outcome.plan.problems}
            for number, cells in enumerate(sheet.read(), start=2):
                assert cells["order_id"] or number in unsure, (number, cells)
        self.nothing_twice_and_nothing_lost()
        assert broken_when_settled(read_books(self.journal), self._ledger()) == []
        self.seen["orders placed"] += len(self._ledger())

    def _nothing_more_than_asked(self, ledger: list[dict[str, Any]]) -> None:
        placed = Counter[Content](content_of(order) for order in ledger)
        asked = {content: len(rows) for content, rows in self.person.asked.items()}
        assert {content: times for content, times in placed.items() if times > asked.get(content, 0)} == {}

    def _accepted_for_ever(self, books: Books) -> None:
        """See that what was accepted stays that order, and is never sent again: a sending has a new number."""
        now = {line.number: (line.attempt, line.order) for line in books.of_state("placed")}
        assert {number: now.get(number) for number in self.accepted} == self.accepted
        self.accepted = now

    def _watch(self, jobs: list[Job], run: Callable[[], list[Said | None]]) -> None:
        """Let runs happen, and hold the sheets and the budgets against what they were before."""
        before = {job.options.path: (sheet := self._sheet_at(job.options.path), sheet.read()) for job in jobs}
        own = {path: sheet.own_cells() for path, (sheet, _) in before.items()}
        then, placed = read_books(self.journal), len(self._ledger())
        said = run()
        self.seen.update("run: died" if one is None else f"run: {one.kind}" for one in said)
        assert [one.fault for one in said if one is not None and one.fault] == []
        books = read_books(self.journal)
        for path, (sheet, rows) in before.items():
            assert sheet.own_cells() == own[path]
            # What the person broke, with copied rows and changed links, the program need not mend.
            broken = set(broken_in_sheet(books, sheet.read())) - set(broken_in_sheet(books, rows))
            assert broken == set(), (broken, rows, sheet.read())
        self._within_budgets(jobs, books, then)
        firsts = [job.options.first for job in jobs if job.options.first is not None]
        assert len(firsts) < len(jobs) or len(self._ledger()) - placed <= sum(firsts)

    def _within_budgets(self, jobs: list[Job], books: Books, then: Books) -> None:
        """See that no campaign spent more than the largest budget that was in force, given now or kept from before."""
        for campaign in {job.options.campaign_name for job in jobs}:
            given = [job.options.max_spend for job in jobs if job.options.campaign_name == campaign]
            bounds = [then.budgets.get(campaign) if bound is None else bound for bound in given]
            known = [bound for bound in bounds if bound is not None]
            if len(known) == len(bounds):
                assert books.spent.get(campaign, 0) <= max(*known, then.spent.get(campaign, known[0]))

    # Small helpers.

    def _repair(self) -> None:
        self.hangs = False
        self.sandbox.faults()
        self._set_balance("1000")
        for kind in KINDS:
            self.sandbox.service(kind["service"], disabled=False)

    def _set_balance(self, balance: str) -> None:
        self.sandbox._ask("/control/balance", {"key": self.account, "balance": balance})

    def _own(self, cells: Cells) -> Cells:
        return {**cells, "link": f"https://example.com/{cells['link']}"}

    def _sheet(self, number: int) -> Sheet:
        return self.person.sheets[number % len(self.person.sheets)]

    def _sheet_at(self, path: Path) -> Sheet:
        return next(sheet for sheet in self.person.sheets if sheet.path == path)

    def _options(self, sheet: Sheet, asked: Mapping[str, Any]) -> Options:
        pace = {"poll": 0.001} if asked.get("wait") else {}
        return Options(sheet.path, rate=0, lock_wait=5.0, **pace, **asked)

    def _panel(self) -> Panel:
        return Panel(_key(self.account), self.sandbox.address, read_timeout=0.3 if self.hangs else 20.0)

    def _job(self, sheet: Sheet, asked: Mapping[str, Any], blow: Blow | None = None, *, asking: bool = True) -> Job:
        if asking:
            self.person.asks(sheet, asked["campaign"] or "")
        return Job(self.journal, self._panel(), self._options(sheet, asked), blow)

    def _ledger(self) -> list[dict[str, Any]]:
        return [order for order in self.sandbox.orders() if order["key"] == self.account]

    def _order_of(self, entry: int) -> str | None:
        """Find an order of the ledger that is in no journal, and fits an entry in content and price."""
        books = read_books(self.journal)
        line = books.lines[entry]
        assert line.state in OPEN
        for order in self._ledger():
            fits = content_of(order) == line.content and Decimal(order["charge"]) == line.cost
            if fits and order["order"] not in books.orders:
                return str(order["order"])
        return None

    def _age_sendings(self) -> None:
        """Make sendings look older: a person may not say "not placed" within two minutes of one."""
        engine = past_the_program(self.journal)
        with engine.begin() as database:
            database.execute(text("UPDATE entries SET sent_at = '2020' || substr(sent_at, 5)"))
        engine.dispose()


class PostgresCampaigns(Campaigns):
    """The same with the journal in a PostgreSQL database."""

    def new_journal(self) -> str:
        """Give the URL of an empty database."""
        return self.resources.enter_context(lent_url())
