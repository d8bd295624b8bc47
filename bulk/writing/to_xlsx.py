"""Puts results into a workbook by splicing cells into the worksheet's XML; every other part stays as it is packed."""

import re
from collections.abc import Iterator
from typing import BinaryIO
from xml.sax.saxutils import escape

from bulk.errors import CannotSpliceError
from bulk.formats.archive import Archive, ArchiveError, rewrite
from bulk.formats.grid import LAST_COLUMN, letter_of, parse_range
from bulk.formats.xml_parts import feed, local_name, make_parser, relationships, workbook_part, worksheets
from bulk.sheet import RESULT_FIELDS, Sheet
from bulk.writing.column_widths import with_widths
from bulk.writing.recalculation import has_formulas, recalculate_on_load
from bulk.writing.result_text import Changes, new_fields
from bulk.writing.splice_scan import Places, RowMark, find_places, tag_end

_NUMERIC_FIELDS = frozenset({"charge", "start_count", "remains"})
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_SPANS = re.compile(rb"""\sspans\s*=\s*(?:"[^"]*"|'[^']*')""")
_REF = re.compile(rb"""(\sref\s*=\s*["'])([^"']*)""")
_PREFIX = re.compile(rb"<([^\s/>:]+:)?")
_ROWS_AT_ONCE = 500


def splice_xlsx(data: bytes, sheet: Sheet, changes: Changes, out: BinaryIO) -> None:
    """Write the workbook with the changed cells. CannotSpliceError if that would harm something in it."""
    try:
        archive = Archive(data)
        part = next(listed.part for listed in worksheets(archive) if listed.name == sheet.name)
        xml = archive.read(part)
        places = find_places(xml, _known_columns(sheet), sheet.header_row, changes)
        replaced = {part: _Splicer(xml, places, changes, _table_edge(archive, part)).pieces()}
        if places.has_formula or has_formulas(archive, part):
            book = workbook_part(archive)
            replaced[book] = iter([recalculate_on_load(archive.read(book))])
        rewrite(archive, replaced, out)
    except (ArchiveError, StopIteration, ValueError) as error:
        raise CannotSpliceError(f"its XML cannot be changed: {error}") from error


def _known_columns(sheet: Sheet) -> dict[str, int]:
    return {field: column.index for field, column in sheet.columns.items() if field in RESULT_FIELDS}


def _table_edge(archive: Archive, part: str) -> int:
    """Give the last column of the worksheet's tables: beside them a cell is no part of them."""
    edges = [0]

    def on_start(name: str, attributes: dict[str, str]) -> None:
        if local_name(name) == "table" and "ref" in attributes:
            edges.append(parse_range(attributes["ref"])[3])

    for kind, target in relationships(archive, part).values():
        if kind == "table":
            parser = make_parser()
            parser.StartElementHandler = on_start
            feed(parser, archive.unpack(target))
    return max(edges)


class _Splicer:
    def __init__(self, xml: bytes, places: Places, changes: Changes, table_edge: int) -> None:
        self._xml = xml
        self._places = places
        self._changes = changes
        self._new = new_fields(changes, places.columns)
        first_new = max(places.last_column, table_edge) + 1
        self._columns = places.columns | {field: first_new + i for i, field in enumerate(self._new)}
        if first_new + len(self._new) > LAST_COLUMN:
            raise CannotSpliceError("there is no room for result columns at its right")
        missing = changes.keys() - {mark.number for mark in places.rows}
        if missing:
            raise CannotSpliceError(f"row {min(missing)} is not in it")
        self._check_replaceable()

    def _check_replaceable(self) -> None:
        for mark in self._places.rows:
            wanted = {self._columns[field] for field in self._changes.get(mark.number, {}) if field in self._columns}
            for cell in mark.cells:
                if cell.is_formula and cell.column in wanted:
                    # Other formulas, and the workbook's chain of calculation, may hang on it.
                    raise CannotSpliceError(f"cell {letter_of(cell.column)}{mark.number} holds a formula")

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
        yield self._xml[done:]

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
        bottom = max(bottom, self._places.rows[-1].number)
        return match[1] + f"{letter_of(left)}{top}:{letter_of(right)}{bottom}".encode()

    def _row(self, mark: RowMark) -> tuple[bytes, int]:
        """Give a row's new XML up to its end tag, and the offset from which the old XML goes on."""
        behind_tag = tag_end(self._xml, mark.start)
        tag = _SPANS.sub(b"", self._xml[mark.start : behind_tag])
        cells = self._cells(mark)
        if not tag.endswith(b"/>"):
            return tag + self._merged(mark, cells, behind_tag), mark.end
        name = tag[1:].split(None, 1)[0].rstrip(b"/>")
        return tag[:-2].rstrip() + b">" + b"".join(cells.values()) + b"</" + name + b">", behind_tag

    def _cells(self, mark: RowMark) -> dict[int, bytes]:
        """Make the row's new cells, by column."""
        prefix = (_PREFIX.match(self._xml, mark.start) or [b"", b""])[1] or b""
        styles = {cell.column: cell.style for cell in mark.cells}
        if mark.number in self._changes:
            texts = {field: text for field, text in self._changes[mark.number].items() if field in self._columns}
        else:
            texts = {field: field for field in self._new}
            styles |= {self._columns[field]: self._places.header_style for field in self._new}
        made = {}
        for field, text in sorted(texts.items(), key=lambda item: self._columns[item[0]]):
            column = self._columns[field]
            made[column] = _cell(prefix.decode(), f"{letter_of(column)}{mark.number}", styles.get(column), field, text)
        return made

    def _merged(self, mark: RowMark, new: dict[int, bytes], start: int) -> bytes:
        """Put the new cells where they belong among the old ones."""
        waiting = dict(new)
        pieces: list[bytes] = []
        for cell in mark.cells:
            for column in [column for column in waiting if column < cell.column]:
                pieces.extend((self._xml[start : cell.start], waiting.pop(column)))
                start = cell.start
            if cell.column in waiting:
                pieces.extend((self._xml[start : cell.start], waiting.pop(cell.column)))
                start = cell.end
        return b"".join([*pieces, self._xml[start : mark.end], *waiting.values()])


def _cell(prefix: str, address: str, style: str | None, field: str, text: str) -> bytes:
    styled = f' s="{style}"' if style else ""
    tag = f'<{prefix}c r="{address}"{styled}'
    if not text:
        return f"{tag}/>".encode()
    if field in _NUMERIC_FIELDS and _NUMBER.fullmatch(text) and sum(map(str.isdigit, text)) <= 15:
        return f"{tag}><{prefix}v>{text}</{prefix}v></{prefix}c>".encode()
    written = escape(_ESCAPE_LIKE.sub("_x005F_", text))
    space = ' xml:space="preserve"' if "  " in text else ""
    return (
        f'{tag} t="inlineStr"><{prefix}is><{prefix}t{space}>{written}</{prefix}t></{prefix}is></{prefix}c>'
    ).encode()
