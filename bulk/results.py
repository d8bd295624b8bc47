"""PURE: from what the journal knows of an order to the cells of its row."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from sys import intern

from bulk.sheet import RESULT_FIELDS, Problem, Sheet
from smmplus.journal import Entry, State
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


def in_sheet(sheet: Sheet) -> dict[int, Cells]:
    """Give the result cells as they were read."""
    names = [name for name in RESULT_FIELDS if name in sheet.columns]
    rows = sheet.frame[names].to_dict("records")
    return {int(row): {name: cells[name] for name in names} for row, cells in zip(sheet.frame.index, rows, strict=True)}


def changed(present: Mapping[int, Cells], cells: Mapping[int, Cells]) -> bool:
    """Tell whether cells hold anything that does not stand there already."""
    nothing: Cells = {}
    return any(
        present.get(row, nothing).get(name, "") != text
        for row, wanted in cells.items()
        for name, text in wanted.items()
    )
