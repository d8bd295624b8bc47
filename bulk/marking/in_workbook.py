"""Marks cells of a workbook: another ground, and a comment; no value changes, and no other part of the file."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from bulk.errors import CannotSpliceError
from bulk.formats.archive import Archive, ArchiveError, rewrite
from bulk.formats.grid import letter_of
from bulk.formats.xml_parts import relationships, workbook_part, worksheets
from bulk.marking.notes import no_comments, with_notes, with_shapes
from bulk.marking.page_scan import Address, Page, scan_page
from bulk.marking.related import Related
from bulk.marking.styles import NO_STYLES, with_grounds
from bulk.marking.xml_edit import Edit, appended, edited, with_attribute
from bulk.writing.sheet_tail import tag_end

_UNTOUCHED = b"as smmplus wrote it"
"""Stands beside the worksheet in the list of parts: whatever program saves the file drops it."""

MOST_NOTES = 10_000
"""Spreadsheet programs grow slow with more; cells beyond get their colour alone."""


def mark_cells(data: bytes, sheet: str, notes: Mapping[Address, str], out: BinaryIO) -> int:
    """Write the workbook with these cells of a worksheet marked; gives how many cells are coloured but not explained.

    :raises CannotSpliceError: if something in the file is not understood.
    """
    try:
        marker = _Marker(Archive(data), sheet)
        left_over = marker.mark(notes)
        next(entry for entry in marker.archive.entries if entry.filename == marker.part).comment = _UNTOUCHED
        rewrite(marker.archive, marker.replaced(), out, marker.related.added)
    except (ArchiveError, StopIteration, ValueError, KeyError) as error:
        raise CannotSpliceError(f"its XML cannot be changed: {error}") from error
    return left_over


def is_untouched(path: Path) -> bool:
    """Tell whether a file is a marked copy that nobody has saved since it was written."""
    try:
        with zipfile.ZipFile(path) as file:
            return any(entry.comment == _UNTOUCHED for entry in file.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


@dataclass(slots=True)
class _Marker:
    archive: Archive
    sheet: str
    related: Related = field(init=False)
    part: str = field(init=False)
    _changed: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.part = next(listed.part for listed in worksheets(self.archive) if listed.name == self.sheet)
        self.related = Related(self.archive)

    def replaced(self) -> dict[str, Iterator[bytes]]:
        """Give the new content of parts that were there before."""
        return {name: iter([content]) for name, content in (self._changed | self.related.changed).items()}

    def mark(self, notes: Mapping[Address, str]) -> int:
        xml = self.archive.read(self.part)
        page = scan_page(xml, notes)
        there = {at: words for at, words in notes.items() if at in page.cells or at[0] in page.rows}
        styles = {at: page.cells[at].style if at in page.cells else page.style_of_missing(*at) for at in there}
        edits = list(_coloured(xml, page, styles, self._grounds(set(styles.values()))))
        explained = dict(list(there.items())[:MOST_NOTES])
        left_alone = 0
        if explained:
            references, left_alone = self._explain(page, explained)
            edits += references
        self._changed[self.part] = edited(xml, edits)
        return len(there) - len(explained) + left_alone

    def _grounds(self, styles: set[str | None]) -> dict[str | None, str]:
        book = workbook_part(self.archive)
        part = self.related.one(book, "styles") or self.archive.find("xl/styles.xml")
        before = self.archive.read(part) if part else NO_STYLES
        xml, twins = with_grounds(before, styles)
        if part:
            self._changed[part] = xml
        else:
            self.related.add(book, "styles", "xl/styles.xml", xml)
        return twins

    def _explain(self, page: Page, notes: Mapping[Address, str]) -> tuple[list[Edit], int]:
        """Write the comments and their drawing; gives what the worksheet's XML needs for it, and how many got none."""
        comments = self.related.one(self.part, "comments")
        xml, new, left_alone = with_notes(
            self.archive.read(comments) if comments else no_comments(page.namespace), notes
        )
        if comments:
            self._changed[comments] = xml
        else:
            self.related.add(self.part, "comments", "xl/smmplusComments.xml", xml)
        if page.notes_id is not None:
            _, drawing = relationships(self.archive, self.part)[page.notes_id]
            # The archive knows its parts in any case.
            drawing = self.archive.find(drawing) or drawing
            self._changed[drawing] = with_shapes(self.archive.read(drawing), new)
            return [], left_alone
        made = self.related.add(self.part, "vmlDrawing", "xl/drawings/smmplusComments.vml", with_shapes(None, new))
        space = self.related.namespace
        reference = f'<{page.prefix}legacyDrawing xmlns:smm="{space}" smm:id="{made}"/>'.encode()
        return [(page.notes_at, page.notes_at, reference)], left_alone


def _coloured(
    xml: bytes, page: Page, styles: Mapping[Address, str | None], twins: Mapping[str | None, str]
) -> Iterator[Edit]:
    for (row, column), style in styles.items():
        cell = page.cells.get((row, column))
        if cell is not None:
            end = tag_end(xml, cell.start)
            yield cell.start, end, with_attribute(xml[cell.start : end], "s", twins[style])
    for number, at in page.rows.items():
        made: dict[int, bytes] = {}
        for column, offset in sorted(at.missing.items()):
            new = f'<{page.prefix}c r="{letter_of(column)}{number}" s="{twins[styles[number, column]]}"/>'.encode()
            made[offset] = made.get(offset, b"") + new
        if made and at.element is not None:
            last = made.pop(-1, b"")
            yield from ((offset, offset, new) for offset, new in made.items())
            if last:
                yield appended(xml, at.element, last)
