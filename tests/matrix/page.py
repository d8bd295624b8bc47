"""The documentation page of the fault matrix: `make matrix` writes it, and a test compares it with the table."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.matrix.cases import IN_FLIGHT, ROWS, Case
from tests.matrix.table import FAULTS, POINTS

PAGE = Path(__file__).parents[2] / "docs" / "matrix.md"

_HEAD = f"""# Fault matrix: every fault at every step of a run

`make matrix` writes this page. Each case runs the real command against a simulated panel over HTTP. The sheet has
{ROWS} rows; two of them are intentionally identical. The run is interrupted at one step of an order, and the command is
run again until it reports that it is done or that orders are in doubt. A fault of the network, a disk or a lock lasts
until the interrupted run has ended.

A case of a single order is repeated for the first, a middle and the last order of the run, with one order in flight and
with {IN_FLIGHT[-1]}. A case after the last order is repeated with a workbook and with a CSV file. A full disk is a real
one of a few megabytes. With PostgreSQL it is the disk of the server, which crashes and is restarted. The network is
interrupted by a relay between program and server, so silence looks to the program like a dead line.

After each run the journal, the sheet, the order ids that were read and the panel's ledger are compared:

- accepted ≤ ledger ≤ accepted + in doubt, in orders and in money to the last digit, and nothing is ordered more often
  than the sheet asks for;
- every order id that was read is in the journal, the sheet or the rescue file;
- the sheet can be read, the user's own cells are unchanged, and no lock is held;
- the campaign's spending is the sum of its orders, and the exit status is correct.

The sheet is also read at the moment of the fault. At the end every order in doubt is resolved according to the ledger,
and one more run must finish: every row is one order, every order is one row, the ids are in the sheet, and no other
file is left in the sheet's folder.

The last column shows the state of the order that was at this step: *placed* by the interrupted run; *placed later*,
because it was still planned; *in doubt* until a person resolves it; *recovered* from the rescue file by the next run.
"""

_COLUMNS = "| step of the run | fault | SQLite | PostgreSQL | the order is |\n| --- | --- | --: | --: | --- |\n"


def counted(cases: Iterable[Case]) -> dict[tuple[str, str], tuple[int, int]]:
    """Count cases by point and fault: on SQLite, on PostgreSQL."""
    found = Counter((case.point, case.fault, case.database) for case in cases)
    cells = dict.fromkeys((point, fault) for point, fault, _ in found)
    return {cell: (found[*cell, "sqlite"], found[*cell, "postgresql"]) for cell in cells}


def page(became: Mapping[Case, str]) -> str:
    """Return the page, written from the result of each case."""
    lines = [
        f"| {POINTS[point]} | {FAULTS[fault]} | {sqlite or ''} | {postgresql or ''} | {_seen(became, point, fault)} |\n"
        for (point, fault), (sqlite, postgresql) in counted(became).items()
    ]
    total = [sum(numbers) for numbers in zip(*counted(became).values(), strict=True)]
    foot = f"| total | | {total[0]} | {total[1]} | |\n"
    return f"{_HEAD}\n{_COLUMNS}{''.join(lines)}{foot}"


def _seen(became: Mapping[Case, str], point: str, fault: str) -> str:
    words = Counter(word for case, word in became.items() if (case.point, case.fault) == (point, fault))
    return (
        words.popitem()[0]
        if len(words) == 1
        else ", ".join(f"{word} ({times})" for word, times in sorted(words.items()))
    )


def entry_cells(text: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Read the counts back from a page, by the texts of point and fault."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    return {(row[0], row[1]): (int(row[2] or 0), int(row[3] or 0)) for row in rows[2:]}
