"""The cases of the matrix: each cell of the table, at several orders of a run, on both databases."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from tests.matrix.table import AFTERWARDS, ONLY, VERDICTS, Became

Database = Literal["sqlite", "postgresql"]

DATABASES: tuple[Database, ...] = ("sqlite", "postgresql")

ROWS = 6
"""Rows of a case's sheet."""

WHICH: dict[str, int] = {"first": 1, "middle": 3, "last": ROWS}
"""At which order of the run the fault strikes."""

IN_FLIGHT = (1, 4)
"""Orders under way at once: alone, and among others whose commits it shares."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run that is broken at one point by one fault."""

    database: Database
    point: str
    fault: str
    which: str
    in_flight: int
    kind: str

    @property
    def name(self) -> str:
        """What the case is called in the tests."""
        return "-".join((self.database, self.point, self.fault, self.which, str(self.in_flight), self.kind))

    @property
    def disk(self) -> str:
        """Which small disk it needs: under the journal, the sheet, both, or none ("")."""
        kind, _, what = self.fault.partition("-")
        return what if kind == "full" else ""

    @property
    def became(self) -> Became:
        """What may become of the order at the point."""
        return VERDICTS[self.point][self.fault]


def cases() -> Iterator[Case]:
    """Give all cases of the matrix."""
    for database in DATABASES:
        for point, faults in VERDICTS.items():
            for fault in faults:
                if fault not in ONLY[{"sqlite": "postgresql", "postgresql": "sqlite"}[database]]:
                    yield from _of_cell(database, point, fault)


def _of_cell(database: Database, point: str, fault: str) -> Iterator[Case]:
    if point in AFTERWARDS:
        yield from (Case(database, point, fault, "first", 4, kind) for kind in ("xlsx", "csv"))
    elif point == "planning":
        yield Case(database, point, fault, "first", 4, "csv")
    else:
        for which, in_flight in product(WHICH, IN_FLIGHT):
            yield Case(database, point, fault, which, in_flight, "csv")


SELECTED = (
    "sqlite-planning-ctrl-c-first-4-csv",
    "sqlite-planned-locked-briefly-middle-4-csv",
    "sqlite-planned-reset-middle-4-csv",
    "sqlite-intending-kill-middle-4-csv",
    "sqlite-intended-full-journal-middle-4-csv",
    "sqlite-intended-refuse-first-1-csv",
    "sqlite-leaving-term-middle-4-csv",
    "sqlite-sent-hang-last-1-csv",
    "sqlite-leaving-surplus-408-middle-4-csv",
    "sqlite-sent-surplus-200-first-1-csv",
    "sqlite-accepted-surplus-429-middle-4-csv",
    "sqlite-accepted-kill-middle-4-csv",
    "sqlite-answered-ctrl-c-twice-middle-4-csv",
    "sqlite-intended-ctrl-c-thrice-middle-4-csv",
    "sqlite-answered-locked-last-1-csv",
    "sqlite-recording-full-both-first-1-csv",
    "sqlite-recording-kill-middle-4-csv",
    "sqlite-recorded-kill-middle-1-csv",
    "sqlite-following-ctrl-c-first-4-csv",
    "sqlite-followed-full-sheet-first-4-xlsx",
    "sqlite-writing-kill-first-4-xlsx",
    "sqlite-written-kill-first-4-csv",
    "sqlite-replaced-kill-first-4-xlsx",
    "sqlite-closed-term-first-4-csv",
    "postgresql-intending-journal-lose-middle-1-csv",
    "postgresql-intended-kill-middle-4-csv",
    "postgresql-answered-journal-cut-middle-1-csv",
    "postgresql-accepted-journal-refuse-middle-4-csv",
    "postgresql-recording-kill-middle-4-csv",
    "postgresql-recording-full-journal-last-1-csv",
)
"""Cases of `make test`, by name: every point and every fault of a file at least once, and a server's worst."""
