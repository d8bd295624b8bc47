"""Puts a sheet together from its rows, whatever kind of file they came from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bulk.model.cell_values import CellError, is_example, order_text
from bulk.model.fields import ORDER_FIELDS, SWITCH_NAMES, Header
from bulk.model.sheet import Column, FileKind, Problem, Sheet

ORDERING_FIELDS = frozenset({*ORDER_FIELDS, "order_id"})
"""A row that holds any of them is an order."""

GUARDED_FIELDS = ORDERING_FIELDS.union(SWITCH_NAMES)
"""Fields that decide what is ordered: each must be beyond doubt."""


@dataclass(slots=True)
class SheetBuilder:
    """A sheet in the making."""

    path: Path
    kind: FileKind
    name: str
    header: Header
    problems: list[Problem] = field(default_factory=list)
    _numbers: list[int] = field(default_factory=list)
    _texts: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with no rows."""
        self._texts = {name: [] for name in self.header.columns}

    def add_row(self, number: int, cells: Iterable[str | CellError]) -> bool:
        """Take a row's cells, one for each known field; tell whether it holds an order.

        A cell with a flaw becomes a problem, and its row keeps what stands there: it must not look empty.
        """
        texts: dict[str, str] = {}
        flaws: dict[str, CellError] = {}
        for name, read in zip(self._texts, cells, strict=True):
            cell = order_text(name, read) if name in GUARDED_FIELDS and isinstance(read, str) else read
            if isinstance(cell, CellError):
                flaws[name] = cell
                texts[name] = cell.value
            else:
                texts[name] = cell
        is_order = _is_order(texts)
        for name, flaw in flaws.items():
            # What leaves a row out matters where there is one to leave out.
            if is_order or name in ORDERING_FIELDS:
                self._add_flaw(number, name, self.header.columns[name], flaw)
        if is_order:
            self._numbers.append(number)
            for name, text in texts.items():
                self._texts[name].append(text)
        return is_order

    def _add_flaw(self, row: int, name: str, column: Column, flaw: CellError) -> None:
        self.problems.append(Problem(self.place(row, column), name, flaw.value, flaw.message, flaw.remedy, row))

    def place(self, row: int, column: Column) -> str:
        """Name a cell as a person finds it."""
        return f"{column.letter}{row}" if self.kind == "xlsx" else f"line {row}, {column.header}"

    def finish(self, digest: str, encoding: str = "utf-8") -> Sheet:
        """Freeze what was gathered."""
        return Sheet(
            self.path, self.kind, self.name, self.header.row, self.header.columns, self.header.ignored, self._numbers,
            self._texts, tuple(self.problems), digest, encoding,
        )  # fmt: skip


def _is_order(texts: Mapping[str, str]) -> bool:
    """Tell whether a row orders anything: not if all that stands there is an example of a template."""
    held = [text for name, text in texts.items() if text and name in ORDERING_FIELDS]
    return bool(held) and not (is_example(texts.get("service", "")) and all(map(is_example, held)))
