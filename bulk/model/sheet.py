"""A sheet of orders as it was read: cells as text, where each came from, and the problems of its cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from smmplus.texts import _

if TYPE_CHECKING:
    import pandas as pd

ORDER_RESULTS = ("order_id", "order_status", "charge", "start_count", "remains", "currency", "error", "updated_at")
"""The columns that every sheet with results has."""

REFILL_RESULTS = ("refill_id", "refill_status")
"""The columns that a sheet gets once a refill of one of its orders was requested."""

RESULT_FIELDS = (*ORDER_RESULTS, *REFILL_RESULTS)
"""The columns that results are written to, in the order in which missing ones are appended."""

FileKind = Literal["xlsx", "csv", "mass_order", "frame"]
"""What a sheet is on disk. A frame is a DataFrame and not on disk."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where it is, and how to fix it."""

    where: str
    """A cell ("B7"), a row ("row 7") or a line ("line 7")."""
    field: str
    """The field's name ("quantity"), or "" for the whole row."""
    value: str
    """What the cell holds, as text."""
    message: str
    """What is wrong with it."""
    remedy: str
    """What to do about it."""
    row: int | None = None
    """The row's number in the file, from 1; None for the sheet as a whole."""


@dataclass(frozen=True, slots=True)
class Column:
    """The column of a field in the file."""

    index: int
    """0 for the first column."""
    letter: str
    """Its name in spreadsheets: "A", "AB"."""
    header: str
    """The header's text as it is in the file."""


@dataclass(frozen=True)
class Sheet:
    """The rows of one sheet. Nothing is guessed: every cell is text, "" if it is empty.

    Rows that are empty in all order fields and in `order_id` are left out.
    """

    path: Path
    kind: FileKind
    name: str
    """The worksheet's name; "" if the file has no worksheets."""
    header_row: int
    """The header's row number, from 1; 0 if the file has no header."""
    columns: Mapping[str, Column]
    """Field -> column, for every field that was found (of orders and of results)."""
    ignored: tuple[str, ...]
    """Headers that are not known, as they are in the file."""
    rows: Sequence[int]
    """The number of each row in the file, from 1."""
    texts: Mapping[str, Sequence[str]]
    """Field -> the text of each row, for every field of `columns`."""
    problems: tuple[Problem, ...]
    """Cells that could not be read faithfully, or may mean something else than they show."""
    digest: str
    """SHA-256 of the file's bytes as they were read."""
    encoding: str = "utf-8"
    """The encoding of a text file, as Python names it."""
    headers: Sequence[tuple[str, str]] = ()
    """Headers that the user mapped: (header, field)."""
    headers_from: Path | None = None
    """The file next to the sheet that some of these were read from, if there is one."""
    targets: Mapping[int, str] = field(default_factory=dict)
    """Row -> the address that its cell in `link` leads to, whatever it shows."""
    labels: Sequence[str] = ()
    """The labels of a DataFrame's rows."""

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """The rows as a DataFrame: a column of text for each field, the index is the row number."""
        import pandas as pd  # noqa: PLC0415 -- the process that reads a file starts without it, ten times as fast

        index = pd.Index(list(self.rows), name="row", dtype="int64")
        return pd.DataFrame(dict(self.texts), index=index, columns=list(self.columns), dtype=str)

    def where(self, row: int, field: str = "") -> str:
        """Return how a user finds a cell: "B7", or "row 7" if the field has no column."""
        column = self.columns.get(field)
        if self.labels:
            label = self.labels[row - 1]
            return _("row {row}, {column}", row=label, column=column.header) if column else _("row {row}", row=label)
        if column is None:
            return _("row {row}", row=row)
        return (
            f"{column.letter}{row}" if self.kind == "xlsx" else _("line {row}, {column}", row=row, column=column.header)
        )
