"""Puts results into a workbook by splicing cells into the worksheet's XML; every other part stays as it is packed."""

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from bulk.files.xlsx_parts import relationships, tables, workbook_part, worksheets
from bulk.files.zip_archive import Archive, ArchiveError, rewrite
from bulk.model.cell_address import LAST_COLUMN, letter_of, parse_range
from bulk.model.errors import CannotSpliceError
from bulk.model.sheet import RESULT_FIELDS, Sheet
from bulk.writing.column_widths import has_formulas, recalculate_on_load, style_of_column, with_widths
from bulk.writing.result_cells import CellWriter, Changes, new_fields
from bulk.writing.status_colours import SIGN, formatting, with_colours
from bulk.writing.worksheet_positions import Places, RowMark, find_places, refuse_formulas, tag_end, with_cells
from bulk.writing.worksheet_rows import NotPlainError, PlainRows, RowSplicer

_SPANS = re.compile(rb"""\sspans\s*=\s*(?:"[^"]*"|'[^']*')""")
_STYLE = re.compile(rb"""\ss\s*=\s*["']([0-9]+)""")
_CUSTOM = re.compile(rb"""\scustomFormat\s*=\s*["'](?:1|true)["']""")
_REF = re.compile(rb"""(\sref\s*=\s*["'])([^"']*)""")
_PREFIX = re.compile(rb"<([^\s/>:]+:)?")
_ROWS_AT_ONCE = 500


def splice_xlsx(data: bytes, sheet: Sheet, changes: Changes, out: BinaryIO, *, colours: bool = True) -> None:
    """Write the workbook with the changed cells. CannotSpliceError if that would harm something in it."""
    try:
        archive = Archive(data)
        _refuse_unfaithful(archive)
        try:
            _rewrite(archive, sheet, changes, out, colours=colours, plain=True)
        except NotPlainError:
            out.seek(0)
            out.truncate()
            _rewrite(archive, sheet, changes, out, colours=colours, plain=False)
    except (ArchiveError, StopIteration, ValueError) as error:
        raise CannotSpliceError(f"its XML cannot be changed: {error}") from error


def _refuse_unfaithful(archive: Archive) -> None:
    names = [entry.filename.casefold() for entry in archive.entries]
    if any(name.startswith("_xmlsignatures/") for name in names):
        raise CannotSpliceError("it is digitally signed, and any change would break the signature")
    if any(name.startswith("xl/revisions/") for name in names):
        raise CannotSpliceError("it is shared and keeps a list of all changes, which would lack these")


def _rewrite(archive: Archive, sheet: Sheet, changes: Changes, out: BinaryIO, *, colours: bool, plain: bool) -> None:
    part = next(listed.part for listed in worksheets(archive) if listed.name == sheet.name)
    book = workbook_part(archive)
    xml = archive.read(part)
    # Beside a table's last column a cell is no part of it.
    edge = max((table.last_column for table in tables(archive, part)), default=0)
    known = {field: column.index for field, column in sheet.columns.items() if field in RESULT_FIELDS}
    if plain:
        splicer: _Splicer = _PlainSplicer(PlainRows.of(xml, sheet.header_row), known, sheet.header_row, changes, edge)
    else:
        splicer = _Splicer(xml, find_places(xml, known, sheet.header_row, changes), sheet.header_row, changes, edge)
    replaced = {part: splicer.pieces()}
    styles = next((target for kind, target in relationships(archive, book).values() if kind == "styles"), None)
    if colours and styles is not None and splicer.is_uncoloured:
        styled, splicer.first_style = with_colours(archive.read(styles))
        replaced[archive.find(styles) or styles] = iter([styled])
    if splicer.has_formula or has_formulas(archive, part):
        replaced[book] = iter([recalculate_on_load(archive.read(book))])
    rewrite(archive, replaced, out)


class _Splicer:
    """Makes the worksheet's new XML from the places that a parser found."""

    first_style: int | None = None
    """The number of the first style of the colours; None where none are to be added."""

    def __init__(self, xml: bytes, places: Places, header_row: int, changes: Changes, table_edge: int) -> None:
        self._xml = xml
        self._places = places
        self._header_row = header_row
        self._changes = changes
        self._new = new_fields(changes, places.columns)
        first_new = max(places.last_column, table_edge) + 1
        self._columns = places.columns | {field: first_new + i for i, field in enumerate(self._new)}
        if first_new + len(self._new) > LAST_COLUMN:
            raise CannotSpliceError("there is no room for result columns at its right")
        self._refuse_filled()
        self._refuse_merged()
        self._check_rows()
        self._lent = self._styles_lent(places.rows[0].start if places.rows else 0)

    @property
    def has_formula(self) -> bool:
        """Whether the worksheet holds any formula."""
        return self._places.has_formula

    @property
    def is_uncoloured(self) -> bool:
        """Whether there is a column of statuses, and nothing that gives its words colours."""
        column = self._columns.get("order_status")
        if column is None:
            return False
        signed = [ranges for ranges, formula in self._places.tail.formulas if SIGN in formula]
        return not any(left <= column <= right for ranges in signed for _, left, _, right in ranges)

    def _check_rows(self) -> None:
        missing = self._changes.keys() - {mark.number for mark in self._places.rows}
        if missing:
            raise CannotSpliceError(f"row {min(missing)} is not in it")
        for mark in self._places.rows:
            wanted = {self._columns[field] for field in self._changes.get(mark.number, ())}
            refuse_formulas(mark.number, mark.cells, wanted)

    def _refuse_filled(self) -> None:
        """Refuse to write where one formula fills several cells: it would find them taken."""
        for top, left, bottom, right in self._places.arrays:
            cell = self._first_wanted(top, left, bottom, right)
            if cell:
                raise CannotSpliceError(f"cell {cell} is filled by a formula")

    def _refuse_merged(self) -> None:
        """Refuse to write where nobody would see it: of merged cells, only the first shows what it holds."""
        for top, left, bottom, right in self._places.tail.merged:
            cell = self._first_wanted(top, left, bottom, right, but=(top, left))
            if cell:
                raise CannotSpliceError(f"cell {cell} is merged with others, and would not be seen")

    def _first_wanted(self, top: int, left: int, bottom: int, right: int, but: tuple[int, int] | None = None) -> str:
        """Name a cell of a range that is to be written; "" if there is none."""
        fields = {field: column for field, column in self._columns.items() if left <= column <= right}
        for row in range(top, bottom + 1) if fields else ():
            for field, column in fields.items():
                if field in self._changes.get(row, ()) and (row, column) != but:
                    return f"{letter_of(column)}{row}"
        return ""

    def _styles_lent(self, head: int) -> Mapping[str, str]:
        """Give the styles that columns lend cells which are not written out."""
        found = {field: style_of_column(self._xml[:head], column) for field, column in self._columns.items()}
        return {field: style for field, style in found.items() if style is not None}

    def pieces(self) -> Iterator[bytes]:
        """Give the new XML, some hundred rows at a time."""
        done, gathered = 0, []
        for count, mark in enumerate(self._places.rows, start=1):
            gathered.append(self._up_to(done, mark.start))
            new_row, done = self._row(mark)
            gathered.append(new_row)
            if count % _ROWS_AT_ONCE == 0:
                yield b"".join(gathered)
                gathered.clear()
        yield b"".join(gathered)
        yield from self._rest(done)

    def _rest(self, done: int) -> Iterator[bytes]:
        """Give what is left, with the colours where they belong."""
        if self.first_style is None:
            yield self._xml[done:]
            return
        tail = self._places.tail
        prefix = (_PREFIX.match(self._xml, self._places.rows[0].start) or [b"", b""])[1] or b""
        yield self._xml[done : tail.formatting_at]
        yield formatting(
            prefix.decode(), self._columns["order_status"], self._header_row, self.first_style, tail.priority + 1
        )
        yield self._xml[tail.formatting_at :]

    def _up_to(self, start: int, end: int) -> bytes:
        """Copy the XML between two rows; what stands before the first row tells of dimension and column widths."""
        if start or not self._new:
            return self._xml[start:end]
        return with_widths(self._with_dimension(end), {field: self._columns[field] for field in self._new})

    def _with_dimension(self, end: int) -> bytes:
        at = self._places.dimension
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
        return match[1] + f"{letter_of(left)}{top}:{letter_of(right)}{bottom}".encode()

    def _row(self, mark: RowMark) -> tuple[bytes, int]:
        """Give a row's new XML up to its end tag, and the offset from which the old XML goes on."""
        behind_tag = tag_end(self._xml, mark.start)
        tag = _SPANS.sub(b"", self._xml[mark.start : behind_tag])
        cells = self._cells(mark, tag)
        if not tag.endswith(b"/>"):
            return tag + with_cells(self._xml, behind_tag, mark.end, mark.cells, cells), mark.end
        name = tag[1:].split(None, 1)[0].rstrip(b"/>")
        return tag[:-2].rstrip() + b">" + b"".join(cells.values()) + b"</" + name + b">", behind_tag

    def _cells(self, mark: RowMark, tag: bytes) -> dict[int, bytes]:
        """Make the row's new cells, by column."""
        prefix = (_PREFIX.match(self._xml, mark.start) or [b"", b""])[1] or b""
        writer = CellWriter(prefix.decode(), self._columns)
        own = _STYLE.search(tag) if _CUSTOM.search(tag) else None
        lent = dict.fromkeys(self._columns, own[1].decode()) if own else self._lent
        written = {cell.column: cell.style for cell in mark.cells}
        found = {field: written[at] for field, at in self._columns.items() if at in written}
        if mark.number in self._changes:
            texts = self._changes[mark.number]
        else:
            texts = {field: field for field in self._new}
            found = dict.fromkeys(self._new, self._places.header_style)
        styles, spoken = {**lent, **found}, [field for field in writer.order if field in texts]
        return {self._columns[field]: writer.cells(str(mark.number), {field: texts[field]}, styles) for field in spoken}


class _PlainSplicer(_Splicer):
    """Makes the same from rows that are found by their bytes; a parser sees the header alone, and what is around."""

    def __init__(
        self, rows: PlainRows, known: Mapping[str, int], header_row: int, changes: Changes, table_edge: int
    ) -> None:
        self._rows = rows
        places = find_places(rows.frame, known, header_row, ())
        places.last_column = rows.last_column(places.last_column)
        places.arrays = rows.arrays()
        places.reach(places.arrays, header_row)
        super().__init__(rows.frame, places, header_row, changes, table_edge)

    @property
    def has_formula(self) -> bool:
        """Whether the worksheet holds any formula."""
        return self._rows.has_formula

    def _check_rows(self) -> None:
        """Rows are checked as they are written: they are gone through once."""

    def pieces(self) -> Iterator[bytes]:
        """Give the new XML, some hundred rows at a time."""
        (header,) = self._places.rows
        rows = self._rows
        yield self._up_to(0, header.start)
        yield rows.xml[rows.start : rows.header]
        new_header, done = self._row(header)
        behind = rows.start + rows.below - rows.header
        yield new_header + self._xml[done:behind]
        yield from rows.spliced(self._changes, RowSplicer(rows.prefix, self._places, self._columns, self._lent))
        yield from self._rest(behind)
