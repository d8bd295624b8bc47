"""Puts a sheet together from its rows, whatever kind of file they came from."""

import hashlib
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any

from bulk.choices import is_example
from bulk.formats.cells import Flaw, order_text
from bulk.formats.columns_of_text import VISIBLE, consists_of, map_column, repeats
from bulk.formats.dates import DATE_FIELD
from bulk.formats.numerals import NUMBER_FIELDS
from bulk.reading.columns import ORDER_FIELDS, SWITCH_NAMES, Header
from bulk.reading.contents import Contents
from bulk.sheet import Column, Kind, Problem

ORDERING_FIELDS = frozenset({*ORDER_FIELDS, "order_id"})
"""A row that holds any of them is an order."""

GUARDED_FIELDS = ORDERING_FIELDS.union(SWITCH_NAMES)
"""Fields that decide what is ordered: each must be beyond doubt."""

Reader = Callable[[Any], str | Flaw]
"""Makes text of a cell, or says why it cannot be taken as it is. Plain text of digits, or of ASCII without spaces,
control characters and apostrophes where a field takes more than a number, is given as it is."""

_ALIKE = frozenset({bool, int, float})
"""Values of these types may be equal and yet not the same: 1, 1.0 and True."""

_UNTOUCHED = VISIBLE.replace(b"'", b"")
_DIGITS = string.digits.encode()


def _settled(name: str, column: Sequence[Any], read: Reader, known: dict[str, str | Flaw]) -> Sequence[Any]:
    """Read a column's cells: each becomes text, or a flaw. `known` is what became of text above."""
    types = set(map(type, column))
    untouched = _DIGITS if name in NUMBER_FIELDS or name in SWITCH_NAMES else _UNTOUCHED
    is_text = name != DATE_FIELD and types == {str} and not repeats(column)
    if is_text and consists_of(untouched, column):
        return column

    def settle(cell: object) -> str | Flaw:
        text = cell if isinstance(cell, Flaw) else read(cell)
        return order_text(name, text) if isinstance(text, str) and name in GUARDED_FIELDS else text

    if len(types & _ALIKE) > 1:
        return list(map(settle, column))
    return map_column(settle, column, known if types == {str} else None)


def _texts_of(cells: Sequence[Any]) -> list[str]:
    return [cell.value if isinstance(cell, Flaw) else cell for cell in cells]


def _hold_orders(columns: Sequence[Sequence[str]]) -> list[bool] | None:
    """Tell of each row whether any of these columns holds something; None where all rows do."""
    if any("" not in column for column in columns):
        return None
    return [any(cells) for cells in zip(*columns, strict=True)]


def _but_examples(columns: Mapping[str, Sequence[str]], kept: list[bool] | None) -> list[bool] | None:
    """Leave out the rows in which all that stands is an example of a template."""
    if not any(map(is_example, set(columns.get("service", ())))):
        return kept
    examples = [all(map(is_example, filter(None, cells))) for cells in zip(*columns.values(), strict=True)]
    return [not example and (kept is None or kept[at]) for at, example in enumerate(examples)]


def _as_it_is(cell: str | Flaw) -> str | Flaw:
    return cell


def digest_of(data: bytes) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


@dataclass(slots=True)
class Draft:
    """A sheet in the making."""

    path: Path
    kind: Kind
    name: str
    header: Header
    problems: list[Problem] = field(default_factory=list)
    _numbers: list[int] = field(default_factory=list)
    _texts: dict[str, list[str]] = field(init=False)
    _known: dict[tuple[str, Reader], dict[str, str | Flaw]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with no rows."""
        self._texts = {name: [] for name in self.header.columns}

    def add_row(self, number: int, cells: Sequence[str | Flaw]) -> bool:
        """Take a row's cells, one for each known field; tell whether it holds an order.

        A cell with a flaw becomes a problem, and its row keeps what stands there: it must not look empty.
        """
        return bool(self.add_columns([number], [[cell] for cell in cells], [_as_it_is] * len(cells)))

    def add_columns(
        self, numbers: Sequence[int], columns: Sequence[Sequence[Any]], readers: Sequence[Reader]
    ) -> Sequence[int]:
        """Take many rows' cells, a column for each known field; give the numbers of the rows that hold an order.

        :param numbers: the rows' numbers.
        :param columns: the cells, as the file has them.
        :param readers: what makes text of each column's cells.
        """
        settled = {
            name: _settled(name, column, read, self._known.setdefault((name, read), {}))
            for name, column, read in zip(self.header.columns, columns, readers, strict=True)
        }
        flawed = {name: cells for name, cells in settled.items() if Flaw in set(map(type, cells))}
        texts: dict[str, Sequence[str]] = {
            name: _texts_of(cells) if name in flawed else cells for name, cells in settled.items()
        }
        ordering = {name: column for name, column in texts.items() if name in ORDERING_FIELDS}
        kept = _but_examples(ordering, _hold_orders(list(ordering.values())))
        for at in sorted({at for cells in flawed.values() for at, cell in enumerate(cells) if isinstance(cell, Flaw)}):
            self._add_flaws(
                numbers[at], {name: cells[at] for name, cells in flawed.items()}, is_order=not kept or kept[at]
            )
        numbers = list(compress(numbers, kept)) if kept else numbers
        self._numbers.extend(numbers)
        for name, column in texts.items():
            self._texts[name].extend(compress(column, kept) if kept else column)
        return numbers

    def _add_flaws(self, number: int, cells: Mapping[str, object], *, is_order: bool) -> None:
        for name, cell in cells.items():
            # What leaves a row out matters where there is one to leave out.
            if isinstance(cell, Flaw) and (is_order or name in ORDERING_FIELDS):
                self._add_flaw(number, name, self.header.columns[name], cell)

    def _add_flaw(self, row: int, name: str, column: Column, flaw: Flaw) -> None:
        self.problems.append(Problem(self.place(row, column), name, flaw.value, flaw.message, flaw.remedy, row))

    def place(self, row: int, column: Column) -> str:
        """Name a cell as a person finds it."""
        return f"{column.letter}{row}" if self.kind == "xlsx" else f"line {row}, {column.header}"

    def put_problems_in_order(self) -> None:
        """Sort what is known by now of cells and rows by the rows' numbers."""
        self.problems.sort(key=lambda problem: problem.row or 0)

    def finish(self, digest: str, encoding: str = "utf-8") -> Contents:
        """Freeze what was gathered."""
        return Contents(
            kind=self.kind, name=self.name, header_row=self.header.row, columns=self.header.columns,
            ignored=self.header.ignored, rows=self._numbers, texts=self._texts, problems=tuple(self.problems),
            digest=digest, encoding=encoding,
        )  # fmt: skip
