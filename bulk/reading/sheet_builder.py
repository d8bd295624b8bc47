"""Builds a sheet from its rows, whatever kind of file they came from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from bulk.model.cell_values import CellError, is_example, order_text
from bulk.model.fields import ORDER_FIELDS, SWITCH_NAMES, Header
from bulk.model.sheet import RESULT_FIELDS, Column, FileKind, Problem, Sheet
from smmplus.texts import _

ORDERING_FIELDS = frozenset({*ORDER_FIELDS, "order_id"})
"""A row with a value in any of these is an order."""

GUARDED_FIELDS = ORDERING_FIELDS.union(SWITCH_NAMES)
"""Fields that decide what is ordered. Their values must be beyond doubt."""


@dataclass(slots=True)
class SheetBuilder:
    """Collects the rows and problems of a sheet."""

    path: Path
    kind: FileKind
    name: str
    header: Header
    problems: list[Problem] = field(default_factory=list)
    _numbers: list[int] = field(default_factory=list)
    _texts: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Start without rows."""
        self._texts = {name: [] for name in self.header.columns}

    def add_row(self, number: int, cells: Iterable[str | CellError]) -> bool:
        """Add a row's cells, one for each known field. Return whether the row is an order.

        A cell with an error becomes a problem. Its row keeps the cell's text, because it must not look empty.
        """
        texts: dict[str, str] = {}
        errors: dict[str, CellError] = {}
        for name, read in zip(self._texts, cells, strict=True):
            cell = order_text(name, read) if name in GUARDED_FIELDS and isinstance(read, str) else read
            if isinstance(cell, CellError):
                errors[name] = cell
                texts[name] = cell.value
            else:
                texts[name] = cell
        is_order = _is_order(texts)
        for name, error in errors.items():
            # An error in a column that leaves rows out matters only if the row is an order.
            if is_order or name in ORDERING_FIELDS:
                self._add_problem(number, name, self.header.columns[name], error)
        if is_order:
            self._numbers.append(number)
            for name, text in texts.items():
                self._texts[name].append(text)
        return is_order

    def add_unreadable(self, problem: Problem, results: Mapping[str, str | CellError] = MappingProxyType({})) -> None:
        """Add a row that could not be split into its cells, with its problem.

        Its text is in the first column of an order. Spread over the columns, it could be taken for another order.

        :param results: what result columns hold; other fields are ignored.
        """
        if problem.row is None:
            raise ValueError("the problem is not about a row")
        self.problems.append(problem)
        self._numbers.append(problem.row)
        first = next(name for name in self._texts if name in ORDER_FIELDS)
        for name, texts in self._texts.items():
            held = results.get(name, "") if name in RESULT_FIELDS else ""
            texts.append(problem.value if name == first else str(held))

    def _add_problem(self, row: int, name: str, column: Column, error: CellError) -> None:
        self.problems.append(Problem(self.place(row, column), name, error.value, error.message, error.remedy, row))

    def place(self, row: int, column: Column) -> str:
        """Return how a user finds a cell."""
        return (
            f"{column.letter}{row}" if self.kind == "xlsx" else _("line {row}, {column}", row=row, column=column.header)
        )

    def finish(self, digest: str, encoding: str = "utf-8") -> Sheet:
        """Return the sheet."""
        return Sheet(
            self.path, self.kind, self.name, self.header.row, self.header.columns, self.header.ignored, self._numbers,
            self._texts, tuple(self.problems), digest, encoding,
        )  # fmt: skip


def _is_order(texts: Mapping[str, str]) -> bool:
    """Return whether a row is an order. A row whose cells all hold examples of a template is none."""
    held = [text for name, text in texts.items() if text and name in ORDERING_FIELDS]
    return bool(held) and not (is_example(texts.get("service", "")) and all(map(is_example, held)))
