"""Every message that names a remedy, as a surface phrases it."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import typer

import bulk
from bulk.cli.app import app
from bulk.dataframes.results import checked as checked_frame
from bulk.model.errors import SheetError
from bulk.model.options import Options, ReadOptions
from bulk.model.sheet import Problem
from bulk.model.surfaces import Surface
from bulk.planning.approval import differences
from bulk.planning.build_plan import build_plan
from bulk.reading.reader_worker import parse
from bulk.reading.saved_headers import parse_headers
from bulk.running.advice import Again, next_steps
from bulk.running.result import RunResult
from smmplus.api.error_texts import Meaning
from smmplus.commands import Value
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance.restore import Backup
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Stop
from smmplus.reconciliation.balance_drops import Fall
from tests.bulk import workbooks as wb
from tests.bulk.plans import LINK, Ledger, blocker_of, entry_of, prices, request, row, service, sheet_of

PHRASED = {"phrase", "say", "again"}
"""What phrases the options that it is called with."""


def remedies() -> set[str]:
    """Give the options that the code has messages name."""
    named = set()
    for path in Path(bulk.__file__).parent.rglob("*.py"):
        if "cli" not in path.parts[-2:]:
            for call in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(call, ast.Call):
                    called = getattr(call.func, "attr", getattr(call.func, "id", ""))
                    named |= {each.arg for each in call.keywords if called in PHRASED and each.arg}
    return named


@dataclass(frozen=True)
class Recording:
    """A surface that keeps which options were phrased."""

    surface: Surface
    phrased: set[str] = field(default_factory=set)

    def name(self, option: str) -> str:
        self.phrased.add(option)
        return self.surface.name(option)

    def phrase(self, **remedy: Value) -> str:
        self.phrased.update(remedy)
        return self.surface.phrase(**remedy)


def texts(surface: Recording, again: Again, journal: Journal, folder: Path) -> Iterator[str]:
    """Give every message that names a remedy: blockers, problems of rows and files, warnings, and what comes next."""

    def how_to_repeat(**changed: Value) -> str:
        surface.phrased.update(changed)
        return again(**changed)

    yield from _of_files(surface, folder)
    yield from _of_plans(surface, journal)
    yield from _next(surface, journal, how_to_repeat)


def _of_files(surface: Recording, folder: Path) -> Iterator[str]:
    hidden = wb.header() + wb.order(2, attributes=' hidden="1"')
    columns = '<cols><col min="2" max="2" hidden="1"/></cols>'
    several = wb.worksheet(wb.header() + wb.order(2))
    book = wb.book(folder / "hidden.xlsx", hidden, before=columns)
    several = wb.pack(wb.parts({"One": several, "Two": several}), folder / "several.xlsx")
    files = {"text.txt": b"2 | a | 1\n", "latin.csv": "service,link\n7,é\n".encode("latin-1"), "no.csv": b"a,b\n1,2\n"}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    asked = ReadOptions(surface=surface, headers=(("Kode", "service"),))
    yield from (problem.remedy for problem in parse(book, ReadOptions(surface=surface)).problems)
    for path, how in (
        (several, ReadOptions(surface=surface)),
        (folder / "text.txt", asked),
        (folder / "latin.csv", asked),
        (folder / "latin.csv", replace(asked, encoding="utf-16")),
        (folder / "no.csv", asked),
    ):
        try:
            parse(path, how)
        except SheetError as error:
            yield str(error)
    try:
        parse_headers(["nothing"], surface)
    except SheetError as error:
        yield str(error)


def _of_plans(surface: Recording, journal: Journal) -> Iterator[str]:
    week = Ledger.of(journal)

    def plan(*rows, backup=None, fall=None, problems=(), priced=None, targets=(), **options):
        sheet = replace(sheet_of(*rows, problems=problems), targets=dict(targets))
        place = replace(week.place(), backup=backup)
        return build_plan(
            sheet,
            replace(priced or prices(), fall=fall),
            place,
            journal,
            Options(sheet.path, surface=surface, **options),
        )

    Ledger.of(journal, "last", "last.csv").accepted("501")
    week.in_doubt(request(LINK + "/doubt"))
    doubt = row(LINK + "/doubt", order_id="77")
    backup = Backup("2026-01-01T12:00:00.000+00:00", "2026-01-02T13:30:00.000+00:00")
    fall = Fall("2026-01-01T11:00:00.000+00:00", "2026-01-02T13:31", Decimal("3.50"), Decimal("1.00"), "USD")
    new, all_wrong = LINK + "/new", Problem("column D", "runs", "runs", "is hidden", "Unhide it.")
    subscription = service("8", kind="Subscriptions")
    endless = {"service": "8", "username": "anna", "min": "10", "max": "20", "delay": "0"}
    meant = {"ignore_missing": True}
    plans = [
        plan(row()),
        plan(row(new)),
        plan(row(new), **meant),
        plan(row(new), row(new), doubt, row(order_id="9"), row(new, quantity="1.000"), **meant),
        plan(row(new), problems=[all_wrong], **meant),
        plan(row(new), backup=backup, fall=fall, **meant),
        plan(row(new), expect_rows=4, **meant),
        plan(row("click here"), targets=[(2, new)], **meant),
        plan(row(new), expect_total=Decimal(4), **meant),
        plan(row(new), expect_fingerprint="0" * 24, **meant),
        plan(row(new), row(LINK + "//new"), campaign="week", **meant),
        plan(endless, priced=prices(subscription), max_spend=Decimal(1), **meant),
    ]
    for each in plans:
        yield blocker_of(each)
        yield from each.journal_warnings.warnings
        yield each.repeats
        yield from differences(each)
        yield from (text for found in (*each.problems, *each.warnings) for text in (found.message, found.remedy))
        yield from checked_frame(each.sheet.frame, each).problems


def _next(surface: Recording, journal: Journal, again: Again) -> Iterator[str]:
    sheet = sheet_of(row(LINK + "/next"), row(LINK + "/then"))
    week = Ledger.of(journal)
    options = Options(sheet.path, surface=surface, account="Shop 2")
    plan = build_plan(sheet, prices(), week.place(), journal, options)
    poor = build_plan(sheet, prices(), week.place(), journal, replace(options, max_spend=Decimal("0.01")))
    kept = replace(plan, max_spend=Decimal("0.01"))
    refused = entry_of(state=State.REJECTED, error="Moon", meaning=Meaning.UNKNOWN.name)
    corrected = replace(refused, meaning="")
    doubts = {row: entry_of(state=State.IN_DOUBT, account="Shop 2", campaign="week 7") for row in (2, 3)}
    for stop in (*Stop, None):
        for about in (plan, poor, kept):
            yield from next_steps(RunResult(about, {2: refused, 3: corrected}, stop=stop, reason="why"), again, "`")
    yield from next_steps(RunResult(plan, doubts), again, "`")


def bare_options(text: str) -> set[str]:
    """Give the options of commands that stand outside of a whole command."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", re.sub("`smmplus [^`]*`", "", text)))


def must_be_pasted(text: str) -> None:
    """Have the command line read every whole command of a message, as it is written."""
    for pasted in re.findall("`(smmplus [^`]*)`", text):
        commands = typer.main.get_command(app)
        words = shlex.split(pasted)[1:]
        while words and hasattr(commands, "resolve_command"):
            with commands.make_context("smmplus", words, resilient_parsing=True) as context:
                _, commands, words = commands.resolve_command(context, [words[0], *words[1:]])
        commands.make_context("smmplus", words)
