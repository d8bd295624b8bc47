"""Puts a sheet together from its rows, whatever kind of file they came from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import Literal

from bulk.formats.cells import Flaw, order_text
from bulk.reading.columns import ORDER_FIELDS, SWITCH_NAMES, Header
from bulk.reading.contents import Contents
from bulk.sheet import Column, Problem

ORDERING_FIELDS = frozenset({*ORDER_FIELDS, "order_id"})
"""A row that holds any of them is an order."""

GUARDED_FIELDS = ORDERING_FIELDS.union(SWITCH_NAMES)
"""Fields that decide what is ordered: each must be beyond doubt."""

LONGEST_REPEATED = 24
"""Characters: as long as an order id. Services, quantities and statuses repeat from row to row and are kept once;
links and comments are longer, and do not."""


def digest_of(data: bytes) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


@dataclass(slots=True)
class Draft:
    """A sheet in the making."""

    path: Path
    kind: Literal["xlsx", "csv", "mass_order"]
    name: str
    header: Header
    problems: list[Problem] = field(default_factory=list)
    _numbers: list[int] = field(default_factory=list)
    _rows: list[list[str]] = field(default_factory=list)

    def add_row(self, number: int, cells: Sequence[str | Flaw]) -> bool:
        """Take a row's cells, one for each known field; tell whether it holds an order.

        A cell with a flaw becomes a problem, and its row keeps what stands there: it must not look empty.
        """
        texts, flaws, is_order = [], [], False
        for (name, column), cell in zip(self.header.columns.items(), cells, strict=True):
            settled = order_text(name, cell) if isinstance(cell, str) and name in GUARDED_FIELDS else cell
            if isinstance(settled, Flaw):
                flaws.append((name, column, settled))
                settled = settled.value
            texts.append(intern(settled) if len(settled) <= LONGEST_REPEATED else settled)
            is_order = is_order or (settled != "" and name in ORDERING_FIELDS)
        for name, column, flaw in flaws:
            # What leaves a row out matters where there is one to leave out.
            if is_order or name in ORDERING_FIELDS:
                self._add_flaw(number, name, column, flaw)
        if is_order:
            self._numbers.append(number)
            self._rows.append(texts)
        return is_order

    def _add_flaw(self, row: int, name: str, column: Column, flaw: Flaw) -> None:
        self.problems.append(Problem(self.place(row, column), name, flaw.value, flaw.message, flaw.remedy, row))

    def place(self, row: int, column: Column) -> str:
        """Name a cell as a person finds it."""
        return f"{column.letter}{row}" if self.kind == "xlsx" else f"line {row}, {column.header}"

    def finish(self, digest: str, encoding: str = "utf-8") -> Contents:
        """Freeze what was gathered."""
        texts = dict(zip(self.header.columns, zip(*self._rows, strict=True), strict=True)) if self._rows else {}
        return Contents(
            kind=self.kind, name=self.name, header_row=self.header.row, columns=self.header.columns,
            ignored=self.header.ignored, rows=self._numbers, texts=texts, problems=tuple(self.problems), digest=digest,
            encoding=encoding,
        )  # fmt: skip
