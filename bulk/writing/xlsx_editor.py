"""Writes results into a workbook: cells are spliced into the worksheet's XML, and other parts keep their bytes."""

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from bulk.files.xlsx_parts import (
    RefusedXmlError,
    feed,
    local_name,
    make_parser,
    relationships,
    tables,
    workbook_part,
    worksheets,
)
from bulk.files.zip_archive import Archive, ArchiveError, rewrite
from bulk.model.cell_address import LAST_COLUMN, column_letter, parse_range
from bulk.model.errors import CannotSpliceError
from bulk.model.fields import result_headings
from bulk.model.sheet import Sheet
from bulk.writing.column_style import SIGN, add_column_widths, add_status_colours, formatting, style_of_column
from bulk.writing.result_cells import CellWriter, Changes, new_fields
from bulk.writing.worksheet_positions import (
    RowPosition,
    WorksheetPositions,
    behind_element,
    find_positions,
    refuse_formulas,
    tag_end,
    with_cells,
)
from bulk.writing.worksheet_rows import NotPlainError, PlainRows, RowSplicer
from smmplus.texts import _

_SPANS = re.compile(rb"""\sspans\s*=\s*(?:"[^"]*"|'[^']*')""")
_STYLE = re.compile(rb"""\ss\s*=\s*["']([0-9]+)""")
_CUSTOM = re.compile(rb"""\scustomFormat\s*=\s*["'](?:1|true)["']""")
_REF = re.compile(rb"""(\sref\s*=\s*["'])([^"']*)""")
_PREFIX = re.compile(rb"<([^\s/>:]+:)?")
_ROWS_AT_ONCE = 500
_FORMULA = re.compile(rb"<(?:[^\s<>/:]+:)?f[\s/>]")
_FULL_CALC = re.compile(rb"""\sfullCalcOnLoad\s*=\s*(?:"[^"]*"|'[^']*')""")
_PREFIX_BEFORE = re.compile(rb"<((?:[^\s<>/:]+:)?)workbook[\s>]")

# What CT_Workbook (ECMA-376, 18.2.27) has before calcPr, from the one element that is always there.
_BEFORE_CALC = frozenset({"sheets", "functionGroups", "externalReferences", "definedNames"})


def splice_xlsx(data: bytes, sheet: Sheet, changes: Changes, out: BinaryIO, *, colours: bool = True) -> None:
    """Write the workbook with the changed cells. Raise CannotSpliceError if that would harm something in it."""
    try:
        archive = Archive(data)
        _refuse_unfaithful(archive)
        try:
            _rewrite(archive, sheet, changes, out, colours=colours, plain=True)
        except NotPlainError:
            out.seek(0)
            out.truncate()
            _rewrite(archive, sheet, changes, out, colours=colours, plain=False)
    except (ArchiveError, RefusedXmlError) as error:
        raise CannotSpliceError(_("its XML cannot be changed: {error}", error=error)) from error
    except (StopIteration, ValueError) as error:
        raise CannotSpliceError(_("its XML cannot be changed: it is written in an unusual way")) from error


def _refuse_unfaithful(archive: Archive) -> None:
    names = [entry.filename.casefold() for entry in archive.entries]
    if any(name.startswith("_xmlsignatures/") for name in names):
        raise CannotSpliceError(_("it is digitally signed, and any change would break the signature"))
    if any(name.startswith("xl/revisions/") for name in names):
        raise CannotSpliceError(_("it is a shared workbook, and its list of changes would lack these"))


def _rewrite(archive: Archive, sheet: Sheet, changes: Changes, out: BinaryIO, *, colours: bool, plain: bool) -> None:
    part = next(listed.part for listed in worksheets(archive) if listed.name == sheet.name)
    book = workbook_part(archive)
    xml = archive.read(part)
    # A cell next to a table's last column is not part of the table.
    edge = max((table.last_column for table in tables(archive, part)), default=0)
    if plain:
        splicer: _Splicer = _PlainSplicer(PlainRows.of(xml, sheet.header_row), sheet, changes, edge)
    else:
        splicer = _Splicer(xml, find_positions(xml, sheet, changes), sheet, changes, edge)
    replaced = {part: splicer.pieces()}
    styles = next((target for kind, target in relationships(archive, book).values() if kind == "styles"), None)
    if colours and styles is not None and splicer.is_uncoloured and (made := add_status_colours(archive.read(styles))):
        styled, splicer.first_style = made
        replaced[archive.find(styles) or styles] = iter([styled])
    if splicer.has_formula or _has_formulas(archive, part):
        replaced[book] = iter([_recalculate_on_load(archive.read(book))])
    rewrite(archive, replaced, out)


class _Splicer:
    """Creates the worksheet's new XML from the positions that a parser found."""

    first_style: int | None = None
    """The number of the first style of the colours; None if no colours are added."""

    def __init__(
        self, xml: bytes, positions: WorksheetPositions, sheet: Sheet, changes: Changes, table_edge: int
    ) -> None:
        self._xml = xml
        self._positions = positions
        self._header_row = sheet.header_row
        self._headings = result_headings(sheet.columns, sheet.headers)
        self._changes = changes
        self._new = new_fields(changes, positions.columns)
        first_new = max(positions.last_column, table_edge) + 1
        self._columns = positions.columns | {field: first_new + i for i, field in enumerate(self._new)}
        if first_new + len(self._new) > LAST_COLUMN:
            raise CannotSpliceError(_("there is no room for result columns at the right"))
        self._refuse_filled()
        self._refuse_merged()
        self._check_rows()
        self._lent = self._styles_lent(positions.rows[0].start if positions.rows else 0)

    @property
    def has_formula(self) -> bool:
        """Whether the worksheet has any formula."""
        return self._positions.has_formula

    @property
    def is_uncoloured(self) -> bool:
        """Whether there is a column of statuses without our colours."""
        column = self._columns.get("order_status")
        if column is None:
            return False
        signed = [ranges for ranges, formula in self._positions.tail.formulas if SIGN in formula]
        return not any(left <= column <= right for ranges in signed for _, left, _, right in ranges)

    def _check_rows(self) -> None:
        missing = self._changes.keys() - {mark.number for mark in self._positions.rows}
        if missing:
            raise CannotSpliceError(_("row {row} is missing", row=min(missing)))
        for mark in self._positions.rows:
            wanted = {self._columns[field] for field in self._changes.get(mark.number, ())}
            refuse_formulas(mark.number, mark.cells, wanted)

    def _refuse_filled(self) -> None:
        """Raise if a result would go into a cell that a formula in another cell fills."""
        for top, left, bottom, right in self._positions.arrays:
            cell = self._first_wanted(top, left, bottom, right)
            if cell:
                raise CannotSpliceError(_("cell {cell} is filled by a formula", cell=cell))

    def _refuse_merged(self) -> None:
        """Raise if a result would be invisible: of merged cells, only the first shows its value."""
        for top, left, bottom, right in self._positions.tail.merged:
            cell = self._first_wanted(top, left, bottom, right, but=(top, left))
            if cell:
                raise CannotSpliceError(_("cell {cell} is merged with others and would not be visible", cell=cell))

    def _first_wanted(self, top: int, left: int, bottom: int, right: int, but: tuple[int, int] | None = None) -> str:
        """Return the address of the first cell of a range that gets a result; "" if there is none."""
        fields = {field: column for field, column in self._columns.items() if left <= column <= right}
        for row in range(top, bottom + 1) if fields else ():
            for field, column in fields.items():
                if field in self._changes.get(row, ()) and (row, column) != but:
                    return f"{column_letter(column)}{row}"
        return ""

    def _styles_lent(self, head: int) -> Mapping[str, str]:
        """Return the styles that cells without XML of their own get from their columns."""
        found = {field: style_of_column(self._xml[:head], column) for field, column in self._columns.items()}
        return {field: style for field, style in found.items() if style is not None}

    def pieces(self) -> Iterator[bytes]:
        """Yield the new XML, some hundred rows at a time."""
        done, gathered = 0, []
        for count, mark in enumerate(self._positions.rows, start=1):
            gathered.append(self._up_to(done, mark.start))
            new_row, done = self._row(mark)
            gathered.append(new_row)
            if count % _ROWS_AT_ONCE == 0:
                yield b"".join(gathered)
                gathered.clear()
        yield b"".join(gathered)
        yield from self._rest(done)

    def _rest(self, done: int) -> Iterator[bytes]:
        """Yield the rest of the XML, with the colours where they belong."""
        if self.first_style is None:
            yield self._xml[done:]
            return
        tail = self._positions.tail
        prefix = (_PREFIX.match(self._xml, self._positions.rows[0].start) or [b"", b""])[1] or b""
        yield self._xml[done : tail.formatting_at]
        yield formatting(
            prefix.decode(), self._columns["order_status"], self._header_row, self.first_style, tail.priority + 1
        )
        yield self._xml[tail.formatting_at :]

    def _up_to(self, start: int, end: int) -> bytes:
        """Return the XML between two rows. Before the first row, dimension and column widths are updated."""
        if start or not self._new:
            return self._xml[start:end]
        return add_column_widths(self._with_dimension(end), {field: self._columns[field] for field in self._new})

    def _with_dimension(self, end: int) -> bytes:
        at = self._positions.dimension
        if at is None:
            return self._xml[:end]
        behind = tag_end(self._xml, at)
        return self._xml[:at] + _REF.sub(self._widened, self._xml[at:behind], count=1) + self._xml[behind:end]

    def _widened(self, match: re.Match[bytes]) -> bytes:
        try:
            top, left, bottom, right = parse_range(match[2].decode())
        except ValueError:
            return match[0]
        right = max(right, *(self._columns[field] for field in self._new))
        bottom = max(bottom, *self._changes)
        return match[1] + f"{column_letter(left)}{top}:{column_letter(right)}{bottom}".encode()

    def _row(self, mark: RowPosition) -> tuple[bytes, int]:
        """Return a row's new XML up to its end tag, and the offset at which the old XML continues."""
        behind_tag = tag_end(self._xml, mark.start)
        tag = _SPANS.sub(b"", self._xml[mark.start : behind_tag])
        cells = self._cells(mark, tag)
        if not tag.endswith(b"/>"):
            return tag + with_cells(self._xml, behind_tag, mark.end, mark.cells, cells), mark.end
        name = tag[1:].split(None, 1)[0].rstrip(b"/>")
        return tag[:-2].rstrip() + b">" + b"".join(cells.values()) + b"</" + name + b">", behind_tag

    def _cells(self, mark: RowPosition, tag: bytes) -> dict[int, bytes]:
        """Return the row's new cells, by column."""
        prefix = (_PREFIX.match(self._xml, mark.start) or [b"", b""])[1] or b""
        writer = CellWriter(prefix.decode(), self._columns)
        own = _STYLE.search(tag) if _CUSTOM.search(tag) else None
        lent = dict.fromkeys(self._columns, own[1].decode()) if own else self._lent
        written = {cell.column: cell.style for cell in mark.cells}
        found = {field: written[at] for field, at in self._columns.items() if at in written}
        if mark.number in self._changes:
            texts = self._changes[mark.number]
        else:
            texts = {field: self._headings[field] for field in self._new}
            found = dict.fromkeys(self._new, self._positions.header_style)
        styles, wanted = {**lent, **found}, [field for field in writer.order if field in texts]
        return {self._columns[field]: writer.cells(str(mark.number), {field: texts[field]}, styles) for field in wanted}


class _PlainSplicer(_Splicer):
    """Creates the same from rows that are found by their bytes. A parser reads only what is around them."""

    def __init__(self, rows: PlainRows, sheet: Sheet, changes: Changes, table_edge: int) -> None:
        self._rows = rows
        positions = find_positions(rows.frame, sheet, ())
        positions.last_column = rows.last_column(positions.last_column)
        positions.arrays = rows.arrays()
        positions.reach(positions.arrays, sheet.header_row)
        super().__init__(rows.frame, positions, sheet, changes, table_edge)

    @property
    def has_formula(self) -> bool:
        """Whether the worksheet has any formula."""
        return self._rows.has_formula

    def _check_rows(self) -> None:
        """Do nothing: rows are checked as they are written."""

    def pieces(self) -> Iterator[bytes]:
        """Yield the new XML, some hundred rows at a time."""
        (header,) = self._positions.rows
        rows = self._rows
        yield self._up_to(0, header.start)
        yield rows.xml[rows.start : rows.header]
        new_header, done = self._row(header)
        behind = rows.start + rows.below - rows.header
        yield new_header + self._xml[done:behind]
        yield from rows.spliced(self._changes, RowSplicer(rows.prefix, self._positions, self._columns, self._lent))
        yield from self._rest(behind)


def _has_formulas(archive: Archive, but: str) -> bool:
    """Return whether any worksheet except one has a formula."""
    others = (sheet.part for sheet in worksheets(archive) if sheet.part != but)
    return any(_FORMULA.search(archive.read(part)) for part in others)


def _recalculate_on_load(xml: bytes) -> bytes:
    """Set fullCalcOnLoad in the workbook part: the next program that opens it computes all formulas."""
    calc, behind = _find_calc(xml)
    if calc is None:
        prefix = _PREFIX_BEFORE.search(xml, 0, behind)
        return xml[:behind] + b"<" + (prefix[1] if prefix else b"") + b'calcPr fullCalcOnLoad="1"/>' + xml[behind:]
    end = tag_end(xml, calc)
    tag = _FULL_CALC.sub(b"", xml[calc:end])
    at = len(tag) - (2 if tag.endswith(b"/>") else 1)
    return xml[:calc] + tag[:at].rstrip() + b' fullCalcOnLoad="1"' + tag[at:] + xml[end:]


def _find_calc(xml: bytes) -> tuple[int | None, int]:
    """Return the offset of calcPr, if there is one, and the offset at which one may be inserted."""
    started: dict[str, int] = {}
    found: list[int] = []
    behind = [0]

    def on_start(name: str, _attributes: dict[str, str]) -> None:
        started[name] = parser.CurrentByteIndex
        if local_name(name) == "calcPr":
            found.append(parser.CurrentByteIndex)

    def on_end(name: str) -> None:
        if local_name(name) in _BEFORE_CALC:
            behind.append(behind_element(xml, started[name], parser.CurrentByteIndex))

    parser = make_parser()
    parser.StartElementHandler, parser.EndElementHandler = on_start, on_end
    feed(parser, [xml])
    return (found[0] if found else None), behind[-1]
