"""Checks a file before any reader opens it, and refuses what would harm a reader or be misread.

A workbook of 2 KB can abort the interpreter (one cell at XFD1048576) or fill the memory (a gigabyte of one
character). So no declared size is trusted, and no more than one piece of 64 KiB is kept.
"""

import io
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from bulk.files.xlsx_parts import RefusedXmlError, Worksheet, worksheets
from bulk.files.zip_archive import Archive, ArchiveError
from bulk.model.cell_address import LAST_COLUMN
from bulk.model.errors import RefusedFileError, SheetError
from bulk.model.fields import HEADER_SEARCH_ROWS
from bulk.reading.worksheet_scan import FileLimits, WorksheetFacts, scan

KNOWN_ENDINGS = (".xlsx", ".csv", ".tsv", ".txt")

_SAVE_AS_XLSX = "Open it in Excel or LibreOffice and save it as .xlsx."
_REFUSED_ENDINGS = {
    ".xls": f"is an old Excel workbook. {_SAVE_AS_XLSX}",
    ".xlsb": f"is a binary workbook. {_SAVE_AS_XLSX}",
    ".xlsm": "contains macros, which could not be kept. Save it as .xlsx, without macros.",
    ".xltx": "is a template. Create a workbook from it and save that as .xlsx.",
    ".xltm": "is a template with macros. Create a workbook from it and save that as .xlsx.",
    ".ods": f"is an OpenDocument sheet. {_SAVE_AS_XLSX}",
    ".numbers": "is a Numbers document. Export it as Excel (.xlsx) or CSV.",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DELIMITERS = (b",", b";", b"\t", b"|")
_ZIP = b"PK\x03\x04"


DEFAULT_LIMITS = FileLimits()


def load(path: Path, limits: FileLimits = DEFAULT_LIMITS) -> bytes:
    """Read a file whose ending, size and first bytes fit.

    :raises SheetError: if the file does not exist or cannot be opened.
    :raises RefusedFileError: if its ending, its size or its first bytes do not fit.
    """
    _check_ending(path)
    try:
        if not path.is_file():
            raise SheetError(f"{path}: the file does not exist. Check the name.")
        if path.stat().st_size > limits.file_bytes:
            raise RefusedFileError(f"{path}: larger than {limits.file_bytes >> 20} MiB. Split it into several files.")
        data = path.read_bytes()
    except OSError as error:
        raise SheetError(f"{path}: cannot be opened: {error.strerror}. Check the name and your permissions.") from error
    _check_signature(path, data)
    return data


def _check_ending(path: Path) -> None:
    ending = path.suffix.casefold()
    if ending in _REFUSED_ENDINGS:
        raise RefusedFileError(f"{path}: {_REFUSED_ENDINGS[ending]}")
    if ending not in KNOWN_ENDINGS:
        raise RefusedFileError(f"{path}: not a known kind of file. Known are {', '.join(KNOWN_ENDINGS)}.")


def _check_signature(path: Path, data: bytes) -> None:
    named_workbook = path.suffix.casefold() == ".xlsx"
    if data.startswith(_OLE):
        raise RefusedFileError(
            f"{path}: encrypted with a password, or an old Excel workbook. Open it in Excel and save it as .xlsx "
            f"without a password."
        )
    if named_workbook and not data.startswith(_ZIP):
        raise RefusedFileError(
            f"{path}: not an Excel workbook, in spite of its name. If it is text, rename it to .csv."
        )
    if not named_workbook and data.startswith(_ZIP):
        raise RefusedFileError(f"{path}: an Excel workbook or a zip file by content. If it is one, rename it to .xlsx.")


def check_text(path: Path, data: bytes, limits: FileLimits = DEFAULT_LIMITS) -> None:
    """Check the size of a text file.

    :raises RefusedFileError: if it has too many lines or values.
    """
    if max(data.count(b"\n"), data.count(b"\r")) > limits.lines:
        raise RefusedFileError(f"{path}: more than {limits.lines:,} lines. Split it into several files.")
    first_lines = islice(io.BytesIO(data), HEADER_SEARCH_ROWS)
    if any(line.count(mark) >= LAST_COLUMN for line in first_lines for mark in _DELIMITERS):
        raise RefusedFileError(f"{path}: more than {LAST_COLUMN:,} columns. Delete empty columns.")
    if max(map(data.count, _DELIMITERS)) > limits.marks:
        raise RefusedFileError(f"{path}: more than {limits.marks:,} values. Delete empty columns, or split it.")


def check_workbook(path: Path, data: bytes, limits: FileLimits = DEFAULT_LIMITS) -> Mapping[str, WorksheetFacts]:
    """Scan every part of a workbook. Return what was found in each worksheet, by the part's name.

    :raises RefusedFileError: with the file, the sheet or part, the cell if there is one, and the remedy.
    """
    try:
        archive = Archive(data)
        _check_parts(path, archive, limits)
        return _unpack_all(path, archive, limits)
    except (ArchiveError, RefusedXmlError) as error:
        raise RefusedFileError(f"{path}: {error}. {_SAVE_AS_XLSX}") from error


def _check_parts(path: Path, archive: Archive, limits: FileLimits) -> None:
    if len(archive.entries) > limits.parts:
        raise RefusedFileError(f"{path}: more than {limits.parts} parts. {_SAVE_AS_XLSX}")
    if archive.find("xl/workbook.bin"):
        raise RefusedFileError(f"{path}: {_REFUSED_ENDINGS['.xlsb']}")
    if not archive.find("[Content_Types].xml"):
        raise RefusedFileError(f"{path}: a zip file, but not an Excel workbook. {_SAVE_AS_XLSX}")
    types = b"".join(_Counter(archive, limits).pieces("[Content_Types].xml"))
    if archive.find("xl/vbaProject.bin") or b"macroEnabled" in types or b"vbaProject" in types:
        raise RefusedFileError(f"{path}: {_REFUSED_ENDINGS['.xlsm']}")


def _unpack_all(path: Path, archive: Archive, limits: FileLimits) -> dict[str, WorksheetFacts]:
    """Unpack every part once, the list of worksheets before them: so that an error can name the worksheet."""
    counter = _Counter(archive, limits)
    small_first = sorted(archive.entries, key=lambda entry: entry.filename.casefold().startswith("xl/worksheets/"))
    names: dict[str, str] = {}
    seen: dict[str, WorksheetFacts] = {}
    for entry in small_first:
        part = entry.filename
        if not names and part.casefold().startswith("xl/worksheets/"):
            names = {sheet.part: sheet.name for sheet in _listed(archive)}
        try:
            facts = _look_into(part, counter, limits)
        except (ArchiveError, RefusedXmlError) as error:
            what = f"sheet {names[part]!r}" if part in names else f"part {part}"
            raise RefusedFileError(f"{path}, {what}: {error}. {_SAVE_AS_XLSX}") from error
        if facts is not None:
            seen[part] = facts
    return seen


def _listed(archive: Archive) -> tuple[Worksheet, ...]:
    try:
        return worksheets(archive)
    except (ArchiveError, RefusedXmlError):
        return ()


def _look_into(part: str, counter: "_Counter", limits: FileLimits) -> WorksheetFacts | None:
    if part.casefold().endswith((".xml", ".rels")):
        return scan(counter.pieces(part), limits)
    for _ in counter.pieces(part):
        pass
    return None


class _Counter:
    """Counts the bytes of all parts while they are unpacked."""

    def __init__(self, archive: Archive, limits: FileLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._packed = {entry.filename: entry.compress_size for entry in archive.entries}
        self._total = 0

    def pieces(self, part: str) -> Iterator[bytes]:
        """Yield a part's content as long as it and all parts before it stay within the limits."""
        limits, unpacked = self._limits, 0
        for piece in self._archive.unpack(part):
            unpacked += len(piece)
            self._total += len(piece)
            if self._total > limits.unpacked_bytes:
                raise ArchiveError(f"it unpacks to more than {limits.unpacked_bytes >> 20} MiB")
            if unpacked > limits.ratio_from_bytes and unpacked > limits.ratio * self._packed[part]:
                raise ArchiveError(f"it unpacks to more than {limits.ratio} times its size")
            yield piece
