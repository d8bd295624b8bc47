"""A sheet of orders as it was read: text cells, and where each came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

RESULT_FIELDS = ("order_id", "order_status", "charge", "start_count", "remains", "currency", "error", "updated_at")
"""The columns that are written back, in the order in which missing ones are appended."""

FileKind = Literal["xlsx", "csv", "mass_order", "frame"]
"""What a sheet is on disk; a frame is a DataFrame, and nowhere on disk."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where it is, and how to mend it."""

    where: str
    """A cell ("B7"), a row ("row 7") or a line ("line 7")."""
    field: str
    """The field's name ("quantity"), or "" where the whole row is meant."""
    value: str
    """What stands there, as text."""
    message: str
    """What is wrong with it."""
    remedy: str
    """What to do about it."""
    row: int | None = None
    """The row's number as a person counts it in the file, from 1; None for the sheet as a whole."""


@dataclass(frozen=True, slots=True)
class Column:
    """Where a field stands in the file."""

    index: int
    """0 for the first column."""
    letter: str
    """As spreadsheets name it: "A", "AB"."""
    header: str
    """The header's text as it stands in the file."""


@dataclass(frozen=True)
class Sheet:
    """The rows of one sheet. Nothing in it is guessed: every cell is text, "" where it is empty.

    Rows that are empty in all order fields and in `order_id` are left out.
    """

    path: Path
    kind: FileKind
    name: str
    """The worksheet's name; "" where the file has none."""
    header_row: int
    """The header's row number, from 1; 0 where the file has no header."""
    columns: Mapping[str, Column]
    """Every field that was found (order fields and result fields), and where."""
    ignored: tuple[str, ...]
    """Headers that mean nothing here, as they stand in the file."""
    rows: Sequence[int]
    """The number of each row in the file, from 1."""
    texts: Mapping[str, Sequence[str]]
    """For each field of `columns` the text of each row."""
    problems: tuple[Problem, ...]
    """Cells that could not be read faithfully, or that are not what they seem."""
    digest: str
    """SHA-256 of the file's bytes as they were read."""
    encoding: str = "utf-8"
    """How the bytes of a file of text are read and written, as Python names it."""
    headers: Sequence[tuple[str, str]] = ()
    """What headers mean by a person's word: (header, field)."""
    headers_from: Path | None = None
    """The file beside the sheet that keeps some of these, where there is one."""
    labels: Sequence[str] = ()
    """What a DataFrame calls its rows, from the first to the last."""

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """The rows as a DataFrame: a column of text for each field, the index is the row number."""
        import pandas as pd  # noqa: PLC0415 -- the process that reads a file starts without it, ten times as fast

        index = pd.Index(list(self.rows), name="row", dtype="int64")
        return pd.DataFrame(dict(self.texts), index=index, columns=list(self.columns), dtype=str)

    def where(self, row: int, field: str = "") -> str:
        """Name a place as a person finds it: "B7", or "row 7" where the field has no column."""
        column = self.columns.get(field)
        if self.labels:
            return f"row {self.labels[row - 1]}" + (f", {column.header}" if column else "")
        if column is None:
            return f"row {row}"
        return f"{column.letter}{row}" if self.kind == "xlsx" else f"line {row}, {column.header}"
