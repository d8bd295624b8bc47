"""PURE: from what the journal knows of an order to the cells of its row."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from sys import intern

from bulk.sheet import RESULT_FIELDS, Problem, Sheet
from smmplus.journal.entry import Entry
from smmplus.journal.states import State
from smmplus.numbers import plain

Cells = dict[str, str]

_WORDS = {
    State.PLANNED: "Not sent",
    State.SUBMITTING: "Being sent",
    State.ACCEPTED: "Placed",
    State.REJECTED: "Refused",
    State.IN_DOUBT: "In doubt",
}
"""What stands in `order_status` until the panel has told a status."""


def cells_of(entry: Entry) -> Cells:
    """Write down one order as the cells of its row."""
    time = entry.polled_at or entry.settled_at or ""
    return {
        "order_id": entry.order_id or "",
        "order_status": entry.order_status or _WORDS[entry.state],
        "charge": "" if entry.charge is None else plain(entry.charge),
        "start_count": entry.start_count or "",
        "remains": entry.remains or "",
        "currency": entry.currency,
        "error": entry.error,
        "updated_at": intern(f"{time[:19]}Z") if time else "",  # many rows share it
    }


def cells_of_problems(problems: Iterable[Problem]) -> dict[int, Cells]:
    """Write down what is wrong with rows that are left out. No other cell of theirs is touched."""
    words: dict[int, list[str]] = defaultdict(list)
    for problem in problems:
        if problem.row is not None:
            words[problem.row].append(f"{problem.where}: {problem.message} ({problem.remedy})")
    return {row: {"error": "; ".join(found)} for row, found in words.items()}


def is_new(sheet: Sheet, cells: Mapping[int, Cells]) -> bool:
    """Tell whether cells hold anything that does not stand in a sheet as it was read."""
    # Column by column: the cells of 100,000 rows as a mapping of their own would take 50 MB.
    return any(_differs(_column(sheet, name), name, cells) for name in RESULT_FIELDS)


def _column(sheet: Sheet, name: str) -> dict[int, str]:
    if name not in sheet.columns:
        return {}
    return {int(row): text for row, text in zip(sheet.frame.index, sheet.frame[name], strict=True)}


def _differs(column: Mapping[int, str], name: str, cells: Mapping[int, Cells]) -> bool:
    return any(column.get(row, "") != wanted[name] for row, wanted in cells.items() if name in wanted)


def stamp(cells: Mapping[int, Cells]) -> str:
    """Sum cells up: SHA-256 of all rows and texts, to know them again without keeping them."""
    sum_of_all = sha256()
    for row, wanted in cells.items():
        sum_of_all.update(f"{row} {sorted(wanted.items())}\n".encode())
    return sum_of_all.hexdigest()
