"""What a worksheet's XML says and a reader of values does not: hidden rows, merged cells, errors, formulas unsaved."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bulk.formats.cells import Flaw
from bulk.formats.grid import Cursor, parse_range
from bulk.formats.xml_parts import RefusedXmlError, feed, local_name, make_parser


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """Rows count from 1, columns from 0."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[range] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    """First row, first column, last row, last column of each."""
    flaws: dict[tuple[int, int], Flaw] = field(default_factory=dict)
    """(row, column) -> why a reader's value for this cell, which would be empty, is not the truth."""


def read_facts(pieces: Iterable[bytes]) -> SheetFacts:
    """Go through a worksheet's XML; RefusedXmlError if it cannot be understood."""
    facts = SheetFacts()
    scan = _Scan(facts)
    try:
        feed(scan.parser, pieces)
    except ValueError as error:
        raise RefusedXmlError(str(error)) from error
    return facts


class _Scan:
    """Hears nothing of values but where a formula or an error stands: most cells cost two look-ups."""

    def __init__(self, facts: SheetFacts) -> None:
        self._facts = facts
        self._cursor = Cursor()
        self._row = self._cell = self._data = self._f = ""
        self._text: list[str] = []
        self._formula: str | None = None
        self._type = ""
        self.parser = make_parser()
        self.parser.StartElementHandler = self._outside

    def _outside(self, name: str, attributes: dict[str, str]) -> None:
        match local_name(name):
            case "sheetData":
                namespace = name.removesuffix("sheetData")
                self._row, self._cell, self._data = f"{namespace}row", f"{namespace}c", name
                self._f = f"{namespace}f"
                self.parser.StartElementHandler = self._inside
                self.parser.EndElementHandler = self._leave_data
            case "col" if _is_true(attributes.get("hidden")) or _is_zero(attributes.get("width")):
                first, last = int(attributes["min"]) - 1, int(attributes["max"])
                self._facts.hidden_columns.append(range(first, last))
            case "mergeCell":
                self._facts.merged.append(parse_range(attributes["ref"]))

    def _leave_data(self, name: str) -> None:
        if name == self._data:
            self.parser.StartElementHandler = self._outside
            self.parser.EndElementHandler = None

    def _inside(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._cell:
            self._cursor.enter_cell(attributes.get("r"))
            self._type = attributes.get("t", "")
            if self._type == "e":
                self._watch()
        elif name == self._row:
            row = self._cursor.enter_row(attributes.get("r"))
            if _is_true(attributes.get("hidden")) or _is_zero(attributes.get("ht")):
                self._facts.hidden_rows.add(row)
        elif name == self._f:
            self._watch()

    def _watch(self) -> None:
        """Hear the rest of this cell."""
        self._text, self._formula = [], None
        self.parser.StartElementHandler = self._forget_text
        self.parser.CharacterDataHandler = self._text.append
        self.parser.EndElementHandler = self._settle

    def _forget_text(self, _name: str, _attributes: dict[str, str]) -> None:
        self._text.clear()

    def _settle(self, name: str) -> None:
        if name != self._cell:
            if name == self._f:
                self._formula = "=" + "".join(self._text)
                self._text.clear()
            return
        flaw = _flaw(self._type, self._formula, "".join(self._text))
        if flaw is not None:
            self._facts.flaws[self._cursor.row, self._cursor.column] = flaw
        self.parser.CharacterDataHandler = None
        self.parser.StartElementHandler = self._inside
        self.parser.EndElementHandler = self._leave_data


def _flaw(kind: str, formula: str | None, value: str) -> Flaw | None:
    if kind == "e":
        return Flaw(value or "#ERROR", "is an error of the spreadsheet", "Mend the formula, or type the value.")
    # kind "str" with nothing in it is a formula whose result is an empty text: that is a value.
    if formula is not None and not value and kind != "str":
        return Flaw(formula[:200], "is a formula without a stored value", "Open the file in Excel and save it there.")
    return None


def _is_true(text: str | None) -> bool:
    return text in {"1", "true", "on"}


def _is_zero(text: str | None) -> bool:
    return text is not None and float(text) == 0
