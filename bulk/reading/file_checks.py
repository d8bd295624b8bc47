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
from smmplus.texts import _, marked

KNOWN_ENDINGS = (".xlsx", ".csv", ".tsv", ".txt")

_REFUSED_ENDINGS = {
    ".xls": marked("{path}: is an old Excel workbook. Open it in Excel or LibreOffice and save it as .xlsx."),
    ".xlsb": marked("{path}: is a binary workbook. Open it in Excel or LibreOffice and save it as .xlsx."),
    ".xlsm": marked("{path}: contains macros, which could not be kept. Save it as .xlsx, without macros."),
    ".xltx": marked("{path}: is a template. Create a workbook from it and save that as .xlsx."),
    ".xltm": marked("{path}: is a template with macros. Create a workbook from it and save that as .xlsx."),
    ".ods": marked("{path}: is an OpenDocument sheet. Open it in Excel or LibreOffice and save it as .xlsx."),
    ".numbers": marked("{path}: is a Numbers document. Export it as Excel (.xlsx) or CSV."),
}
ENDINGS_OF_SHEETS = (*KNOWN_ENDINGS, *_REFUSED_ENDINGS)
"""Endings of files that a person takes for a sheet."""

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
            raise SheetError(_("{path}: the file does not exist. Check the name.", path=path))
        if path.stat().st_size > limits.file_bytes:
            most = limits.file_bytes >> 20
            raise RefusedFileError(
                _("{path}: larger than {limit} MiB. Split it into several files.", path=path, limit=most)
            )
        data = path.read_bytes()
    except OSError as error:
        raise SheetError(
            _(
                "{path}: cannot be opened: {error}. Check the name and your permissions.",
                path=path,
                error=error.strerror,
            )
        ) from error
    _check_signature(path, data)
    return data


def _check_ending(path: Path) -> None:
    ending = path.suffix.casefold()
    if ending in _REFUSED_ENDINGS:
        raise RefusedFileError(_(_REFUSED_ENDINGS[ending], path=path))
    if ending not in KNOWN_ENDINGS:
        raise RefusedFileError(
            _("{path}: not a known kind of file. Known are {endings}.", path=path, endings=", ".join(KNOWN_ENDINGS))
        )


def _check_signature(path: Path, data: bytes) -> None:
    named_workbook = path.suffix.casefold() == ".xlsx"
    if data.startswith(_OLE):
        raise RefusedFileError(
            _(
                "{path}: encrypted with a password, or an old Excel workbook. Open it in Excel and save it as .xlsx "
                "without a password.",
                path=path,
            )
        )
    if named_workbook and not data.startswith(_ZIP):
        raise RefusedFileError(
            _("{path}: not an Excel workbook, in spite of its name. If it is text, rename it to .csv.", path=path)
        )
    if not named_workbook and data.startswith(_ZIP):
        raise RefusedFileError(
            _("{path}: an Excel workbook or a zip file by content. If it is one, rename it to .xlsx.", path=path)
        )


def check_text(path: Path, data: bytes, limits: FileLimits = DEFAULT_LIMITS) -> None:
    """Check the size of a text file.

    :raises RefusedFileError: if it has too many lines or values.
    """
    if max(data.count(b"\n"), data.count(b"\r")) > limits.lines:
        raise RefusedFileError(
            _("{path}: more than {limit:,} lines. Split it into several files.", path=path, limit=limits.lines)
        )
    first_lines = islice(io.BytesIO(data), HEADER_SEARCH_ROWS)
    if any(line.count(mark) >= LAST_COLUMN for line in first_lines for mark in _DELIMITERS):
        raise RefusedFileError(
            _("{path}: more than {limit:,} columns. Delete empty columns.", path=path, limit=LAST_COLUMN)
        )
    if max(map(data.count, _DELIMITERS)) > limits.marks:
        raise RefusedFileError(
            _("{path}: more than {limit:,} values. Delete empty columns, or split it.", path=path, limit=limits.marks)
        )


def check_workbook(path: Path, data: bytes, limits: FileLimits = DEFAULT_LIMITS) -> Mapping[str, WorksheetFacts]:
    """Scan every part of a workbook that is read. Return what was found in each worksheet, by the part's name.

    :raises RefusedFileError: with the file, the sheet or part, the cell if there is one, and the remedy.
    """
    try:
        archive = Archive(data)
        _check_parts(path, archive, limits)
        return _unpack_all(path, archive, limits)
    except (ArchiveError, RefusedXmlError) as error:
        raise RefusedFileError(_refused(str(path), error)) from error


def _refused(source: str, error: Exception) -> str:
    return _("{source}: {error}. Open it in Excel or LibreOffice and save it as .xlsx.", source=source, error=error)


def _check_parts(path: Path, archive: Archive, limits: FileLimits) -> None:
    if len(archive.entries) > limits.parts:
        raise RefusedFileError(
            _(
                "{path}: more than {limit} parts. Open it in Excel or LibreOffice and save it as .xlsx.",
                path=path,
                limit=limits.parts,
            )
        )
    if archive.find("xl/workbook.bin"):
        raise RefusedFileError(_(_REFUSED_ENDINGS[".xlsb"], path=path))
    if not archive.find("[Content_Types].xml"):
        raise RefusedFileError(
            _(
                "{path}: a zip file, but not an Excel workbook. Open it in Excel or LibreOffice and save it as .xlsx.",
                path=path,
            )
        )
    types = b"".join(_Counter(archive, limits).pieces("[Content_Types].xml"))
    types = types.replace(b"\0", b"")  # it may be in UTF-16
    if archive.find("xl/vbaProject.bin") or b"macroEnabled" in types or b"vbaProject" in types:
        raise RefusedFileError(_(_REFUSED_ENDINGS[".xlsm"], path=path))


def _unpack_all(path: Path, archive: Archive, limits: FileLimits) -> dict[str, WorksheetFacts]:
    """Unpack every part, and scan those that are read. Worksheets come last, so that an error can name them."""
    counter = _Counter(archive, limits)
    others, last = _split(archive)
    for part in others:
        with _named(path, part):
            counter.count(part)
    # These are small enough now to be read: what is a worksheet, and which parts are never looked into.
    read, names = parts_read(archive), {sheet.part: sheet.name for sheet in worksheets(archive)}
    seen: dict[str, WorksheetFacts] = {}
    for part in (*others, *last):
        with _named(path, part, names.get(part)):
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
def _named(path: Path, part: str, worksheet: str | None = None) -> Iterator[None]:
    """Name the part in an error about it."""
    try:
        yield
    except (ArchiveError, RefusedXmlError) as error:
        if worksheet is None:
            source = _("{path}, part {part}", path=path, part=part)
        else:
            source = _("{path}, sheet {sheet!r}", path=path, sheet=worksheet)
        raise RefusedFileError(_refused(source, error)) from error


class _Counter:
    """Counts the bytes of all parts while they are unpacked."""

    def __init__(self, archive: Archive, limits: FileLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._packed = {entry.filename: entry.compress_size for entry in archive.entries}
        self._total = 0

    def count(self, part: str) -> None:
        """Unpack a part of any kind."""
        for _piece in self._within_limits(part, self._archive.unpack_bytes(part)):
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
                raise ArchiveError(_("it unpacks to more than {limit} MiB", limit=limits.unpacked_bytes >> 20))
            if unpacked > limits.ratio_from_bytes and unpacked > limits.ratio * self._packed[part]:
                raise ArchiveError(_("it unpacks to more than {limit} times its size", limit=limits.ratio))
            yield piece
