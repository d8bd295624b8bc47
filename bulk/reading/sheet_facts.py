"""What a worksheet's XML says and a reader of values does not: hidden rows, merged cells, errors, formulas unsaved."""

from dataclasses import dataclass, field

from bulk.formats.cells import Flaw


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """Rows count from 1, columns from 0."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[range] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    """First row, first column, last row, last column of each."""
    flaws: dict[tuple[int, int], Flaw] = field(default_factory=dict)
    """(row, column) -> why a reader's value for this cell, which would be empty, is not the truth."""
