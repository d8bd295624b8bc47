"""A marketer and the sheets on the workplace: what the person asked for, kept apart from what the program makes of it.

A row is known by a number of its own, which it keeps when the sheet is sorted, copied or renamed: a copied sheet orders
the same, a row written anew is another wish. What a person asked for is then simple to count: of each content, as many
orders as rows of their own ever stood in a run with it, once for each name under which the person ordered anew.
"""

import csv
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import openpyxl

from tests.end_to_end.command import RESULTS, read_rows
from tests.invariants import Content, content_of_row

Cells = dict[str, str]

COLUMNS = ("service", "link", "quantity")


@dataclass(slots=True)
class Sheet:
    """A file, and which row of it is which."""

    path: Path
    rows: list[int] = field(default_factory=list)

    def read(self) -> list[Cells]:
        """Read the file with other code than the program's."""
        return read_rows(self.path) if self.path.read_bytes() else []

    def write(self, rows: Iterable[Cells]) -> None:
        """Save the file as a spreadsheet program would, results and all."""
        table = [[*COLUMNS, *RESULTS], *([cells[name] for name in (*COLUMNS, *RESULTS)] for cells in rows)]
        if self.path.suffix == ".xlsx":
            book = openpyxl.Workbook()
            for line in table:
                book.active.append([cell or None for cell in line])
            book.save(self.path)
        else:
            with self.path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(table)

    def own_cells(self) -> list[Cells]:
        """Give what the person wrote."""
        return [{name: cells[name] for name in COLUMNS} for cells in self.read()]


@dataclass(slots=True)
class Person:
    """Edits sheets, and remembers what was asked for."""

    folder: Path
    sheets: list[Sheet] = field(default_factory=list)
    asked: dict[Content, set[tuple[int, str]]] = field(default_factory=lambda: defaultdict(set))
    """What is ordered -> the rows that asked for it, each with the name under which it was ordered anew, if it was."""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _names: "count[int]" = field(default_factory=lambda: count(1))

    def asks(self, sheet: Sheet, anew: str) -> None:
        """Remember that every row of a sheet is asked for."""
        for number, cells in zip(sheet.rows, sheet.read(), strict=True):
            self.asked[content_of_row(cells)].add((number, anew))

    def writes(self, rows: Iterable[Cells], ending: str) -> None:
        """Write a new sheet."""
        sheet = Sheet(self.folder / f"sheet-{next(self._names)}{ending}")
        empty = dict.fromkeys(RESULTS, "")
        lines = [{**cells, **empty} for cells in rows]
        sheet.rows = [next(self._numbers) for _ in lines]
        sheet.write(lines)
        self.sheets.append(sheet)

    def copies(self, sheet: Sheet, *, same_name: bool) -> None:
        """Copy a file: under another name, or under its own into another folder."""
        name = sheet.path.name if same_name else f"sheet-{next(self._names)}{sheet.path.suffix}"
        path = self.folder / f"folder-{next(self._names)}" / name
        path.parent.mkdir()
        shutil.copy(sheet.path, path)
        self.sheets.append(Sheet(path, list(sheet.rows)))

    def renames(self, sheet: Sheet) -> None:
        """Give a file another name."""
        sheet.path = sheet.path.rename(sheet.path.with_stem(f"sheet-{next(self._names)}"))

    def adds(self, sheet: Sheet, cells: Cells) -> None:
        """Write a row at the end."""
        self._edits(sheet, lambda rows: [*rows, (next(self._numbers), {**cells, **dict.fromkeys(RESULTS, "")})])

    def changes(self, sheet: Sheet, at: int, cells: Cells) -> None:
        """Change what a row orders; whatever results stand in it stay."""
        self._edits(sheet, lambda rows: _with(rows, at, lambda number, old: (number, {**old, **cells})))

    def clears(self, sheet: Sheet, at: int) -> None:
        """Empty the results of a row."""
        empty = dict.fromkeys(RESULTS, "")
        self._edits(sheet, lambda rows: _with(rows, at, lambda number, old: (number, {**old, **empty})))

    def deletes(self, sheet: Sheet, at: int) -> None:
        """Delete a row."""
        self._edits(sheet, lambda rows: [row for number, row in enumerate(rows) if number != at % len(rows)])

    def duplicates(self, sheet: Sheet, at: int, *, with_results: bool) -> None:
        """Copy a row, which asks for one more."""

        def more(rows: list[tuple[int, Cells]]) -> list[tuple[int, Cells]]:
            _, cells = rows[at % len(rows)]
            kept = cells if with_results else {**cells, **dict.fromkeys(RESULTS, "")}
            return [*rows, (next(self._numbers), dict(kept))]

        self._edits(sheet, more)

    def sorts(self, sheet: Sheet, name: str, *, reverse: bool) -> None:
        """Sort a sheet by a column."""
        self._edits(sheet, lambda rows: sorted(rows, key=lambda row: row[1][name], reverse=reverse))

    def _edits(self, sheet: Sheet, change: Callable[[list[tuple[int, Cells]]], list[tuple[int, Cells]]]) -> None:
        rows = list(zip(sheet.rows, sheet.read(), strict=True))
        if not rows:
            return
        changed = change(rows)
        if changed:  # a sheet without a row is no sheet
            sheet.rows = [number for number, _ in changed]
            sheet.write(cells for _, cells in changed)


def _with(
    rows: list[tuple[int, Cells]], at: int, change: Callable[[int, Cells], tuple[int, Cells]]
) -> list[tuple[int, Cells]]:
    return [change(*row) if number == at % len(rows) else row for number, row in enumerate(rows)]
