"""Checks a file before any reader opens it, and refuses what would harm a reader or be misread.

A workbook of 2 KB can abort the interpreter (one cell at XFD1048576) or fill the memory (a gigabyte of one
character). So no declared size is trusted, and no more than one piece of 64 KiB is kept.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from bulk.files.xlsx_parts import RefusedXmlError, parts_read, worksheets
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
    """Scan every part of a workbook that is read. Return what was found in each worksheet, by the part's name.

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
    types = types.replace(b"\0", b"")  # it may be in UTF-16
    if archive.find("xl/vbaProject.bin") or b"macroEnabled" in types or b"vbaProject" in types:
        raise RefusedFileError(f"{path}: {_REFUSED_ENDINGS['.xlsm']}")


def _unpack_all(path: Path, archive: Archive, limits: FileLimits) -> dict[str, WorksheetFacts]:
    """Unpack every part, and scan those that are read. Worksheets come last, so that an error can name them."""
    counter = _Counter(archive, limits)
    others, last = _split(archive)
    for part in others:
        with _named(path, f"part {part}"):
            counter.count(part)
    # These are small enough now to be read: what is a worksheet, and which parts are never looked into.
    read, names = parts_read(archive), {sheet.part: sheet.name for sheet in worksheets(archive)}
    seen: dict[str, WorksheetFacts] = {}
    for part in (*others, *last):
        with _named(path, f"sheet {names[part]!r}" if part in names else f"part {part}"):
            if part in read:
                seen[part] = scan(archive.unpack(part) if part in others else counter.pieces(part), limits)
            elif part not in others:
                counter.count(part)
    return seen


def _split(archive: Archive) -> tuple[list[str], list[str]]:
    """Return the names of the parts that are not in the folder of worksheets, and of those that are."""
    names = [entry.filename for entry in archive.entries]
    last = [name for name in names if name.casefold().startswith("xl/worksheets/") and not name.endswith(".rels")]
    return [name for name in names if name not in last], last


@contextmanager
def _named(path: Path, what: str) -> Iterator[None]:
    """Name the part in an error about it."""
    try:
        yield
    except (ArchiveError, RefusedXmlError) as error:
        raise RefusedFileError(f"{path}, {what}: {error}. {_SAVE_AS_XLSX}") from error


class _Counter:
    """Counts the bytes of all parts while they are unpacked."""

    def __init__(self, archive: Archive, limits: FileLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._packed = {entry.filename: entry.compress_size for entry in archive.entries}
        self._total = 0

    def count(self, part: str) -> None:
        """Unpack a part of any kind."""
        for _ in self._within_limits(part, self._archive.unpack_bytes(part)):
            pass

    def pieces(self, part: str) -> Iterator[bytes]:
        """Yield the content of an XML part as long as it and all parts before it stay within the limits."""
        return self._within_limits(part, self._archive.unpack(part))

    def _within_limits(self, part: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
        limits, unpacked = self._limits, 0
        for piece in pieces:
            unpacked += len(piece)
            self._total += len(piece)
            if self._total > limits.unpacked_bytes:
                raise ArchiveError(f"it unpacks to more than {limits.unpacked_bytes >> 20} MiB")
            if unpacked > limits.ratio_from_bytes and unpacked > limits.ratio * self._packed[part]:
                raise ArchiveError(f"it unpacks to more than {limits.ratio} times its size")
            yield piece
