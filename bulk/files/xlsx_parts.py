"""The XML of a workbook: a strict parser, the list of worksheets, and the tables of a worksheet."""

import posixpath
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape

from bulk.files.zip_archive import Archive
from bulk.model.cell_address import parse_range
from smmplus.texts import _

_RELATIONSHIP_ID = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships id",
    "http://purl.oclc.org/ooxml/officeDocument/relationships id",
)

_LONGEST_TAG = 1 << 20
"""Bytes. The parser keeps a tag until its end, and starts again with each piece: a long tag takes very long."""
_NO_MEMORY = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]


class RefusedXmlError(ValueError):
    """XML is damaged, or readers would disagree about it."""


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A worksheet as the workbook lists it."""

    name: str
    part: str
    """Its part in the zip file: "xl/worksheets/sheet1.xml"."""
    visible: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a worksheet; rows count from 1, columns from 0."""

    last_row: int
    """Totals rows included."""
    last_column: int
    totals_rows: int
    """The number of rows at its end that hold sums and the like."""


def make_parser() -> expat.XMLParserType:
    """Create a parser that reports names as "namespace name", and refuses a DOCTYPE: its entities could be anything."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.XmlDeclHandler = _refuse_encoding
    return parser


def _refuse_doctype(*_args: object) -> None:
    raise RefusedXmlError(_("it contains a DOCTYPE, which no spreadsheet program writes"))


def _refuse_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.casefold() not in {"utf-8", "us-ascii"}:
        raise RefusedXmlError(_("its XML is in {encoding}, neither in UTF-8 nor in UTF-16", encoding=encoding))


def feed(parser: expat.XMLParserType, pieces: Iterable[bytes]) -> None:
    """Parse a part piece by piece, in UTF-8. Raise RefusedXmlError if it is not well-formed."""
    fed = 0
    try:
        for piece in pieces:
            parser.Parse(piece)
            fed += len(piece)
            if fed - parser.CurrentByteIndex > _LONGEST_TAG + len(piece):
                raise RefusedXmlError(_("one of its tags does not end"))
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        if error.code == _NO_MEMORY:
            raise MemoryError from error
        raise RefusedXmlError(
            _("its XML is damaged at line {line}, column {column}", line=error.lineno, column=error.offset + 1)
        ) from error
    finally:
        _release(parser)


def _release(parser: expat.XMLParserType) -> None:
    """Remove the handlers. A parser and a listener that refer to each other would stay in memory, with the XML."""
    parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
    parser.CommentHandler = parser.ProcessingInstructionHandler = parser.StartCdataSectionHandler = None


def local_name(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition(" ")[2]


def relationships(archive: Archive, part: str) -> dict[str, tuple[str, str]]:
    """Return the parts that a part refers to: id -> (last word of the type, name of the part)."""
    folder, rels = posixpath.dirname(part), archive.find(_rels_of(part))
    found: dict[str, tuple[str, str]] = {}

    def on_start(element: str, attributes: dict[str, str]) -> None:
        if local_name(element) == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/")
            found[attributes.get("Id", "")] = (posixpath.basename(attributes.get("Type", "")), target)

    if rels is not None:
        parser = make_parser()
        parser.StartElementHandler = on_start
        feed(parser, archive.unpack(rels))
    return found


_READ = frozenset({"worksheet", "sharedStrings", "styles", "table"})
"""Kinds of parts that are read or rewritten; all others are carried over as bytes."""


def parts_read(archive: Archive) -> frozenset[str]:
    """Return the names of the parts of a workbook that are read or rewritten."""
    book = workbook_part(archive)
    found, waiting = {book}, [book]
    while waiting:
        for kind, target in relationships(archive, waiting.pop()).values():
            part = archive.find(target) if kind in _READ else None
            if part is not None and part not in found:
                found.add(part)
                waiting.append(part)
    # The reader of values finds these by their names.
    usual = map(archive.find, ("xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml"))
    rels = (archive.find(_rels_of(part)) for part in ("", *found))
    return frozenset({*found, *filter(None, usual), *filter(None, rels)})


def _rels_of(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


_DIMENSION = re.compile(r"""<(\w+:)?dimension(?:\s(?:[^<>"']|"[^"]*"|'[^']*')*?)?(?:/>|>\s*</(\w+:)?dimension\s*>)""")


def without_interruptions(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield XML without comments, processing instructions and dimensions, and with CDATA sections as plain text.

    Readers disagree about values that one of these interrupts. A dimension is a hint that may be wrong.
    """
    kept: list[str] = []
    parser = expat.ParserCreate()
    parser.DefaultHandler = kept.append
    parser.CharacterDataHandler = lambda text: kept.append(escape(text, {"\r": "&#13;"}))
    parser.CommentHandler = lambda _text: None
    parser.ProcessingInstructionHandler = lambda _target, _text: None
    parser.StartCdataSectionHandler = parser.EndCdataSectionHandler = lambda: None
    for piece in pieces:
        parser.Parse(piece)
        yield _DIMENSION.sub("", "".join(kept)).encode()
        kept.clear()
    parser.Parse(b"", True)
    yield "".join(kept).encode()


def without(pieces: Iterable[bytes], ranges: Iterable[range]) -> Iterator[bytes]:
    """Yield a part without some ranges of its bytes, which are in order."""
    offset, left = 0, deque(ranges)
    for piece in pieces:
        start, end = offset, offset + len(piece)
        while left and left[0].start < end:
            yield piece[start - offset : max(start, left[0].start) - offset]
            start = min(end, left[0].stop)
            if left[0].stop > end:
                break
            left.popleft()
        yield piece[start - offset :]
        offset = end


def external_targets(archive: Archive, part: str) -> dict[str, str]:
    """Return the addresses outside the workbook that a part refers to, by the ids of the references."""
    rels, found = archive.find(_rels_of(part)), dict[str, str]()

    def on_start(element: str, attributes: dict[str, str]) -> None:
        if local_name(element) == "Relationship" and attributes.get("TargetMode") == "External":
            found[attributes.get("Id", "")] = attributes.get("Target", "")

    if rels is not None:
        parser = make_parser()
        parser.StartElementHandler = on_start
        feed(parser, archive.unpack(rels))
    return found


def relationship_id(attributes: Mapping[str, str]) -> str:
    """Return the id of the reference in an element's attributes; "" if there is none."""
    return next(filter(None, map(attributes.get, _RELATIONSHIP_ID)), "")


def workbook_part(archive: Archive) -> str:
    """Return the name of the part that lists the worksheets."""
    targets = [target for kind, target in relationships(archive, "").values() if kind == "officeDocument"]
    part = archive.find(targets[0]) if len(targets) == 1 else None
    if part is None:
        raise RefusedXmlError(_("it has no list of worksheets"))
    return part


def worksheets(archive: Archive) -> tuple[Worksheet, ...]:
    """Return the worksheets in the order of the workbook, without chart sheets."""
    book = workbook_part(archive)
    related = relationships(archive, book)
    listed: list[Worksheet] = []

    def on_start(element: str, attributes: dict[str, str]) -> None:
        if local_name(element) != "sheet":
            return
        kind, target = related.get(relationship_id(attributes), ("", ""))
        if kind == "worksheet":
            part = _worksheet_part(archive, target)
            listed.append(Worksheet(attributes["name"], part, attributes.get("state", "visible") == "visible"))

    parser = make_parser()
    parser.StartElementHandler = on_start
    feed(parser, archive.unpack(book))
    if len({each.name.casefold() for each in listed}) < len(listed):
        raise RefusedXmlError(_("it has two worksheets with the same name"))
    return tuple(listed)


def _worksheet_part(archive: Archive, target: str) -> str:
    part = archive.find(target)
    # bulk.reading.file_checks scans parts with this ending: a worksheet with another would not be checked.
    if part is None or not part.casefold().endswith(".xml"):
        raise RefusedXmlError(_("its worksheet part {part!r} is missing or misnamed", part=target))
    return part


def tables(archive: Archive, part: str) -> tuple[Table, ...]:
    """Return the tables of a worksheet. Raise ValueError if one has no valid range."""
    listed: list[Table] = []

    def on_start(name: str, attributes: dict[str, str]) -> None:
        if local_name(name) == "table" and "ref" in attributes:
            bottom, right = parse_range(attributes["ref"])[2:]
            listed.append(Table(bottom, right, int(attributes.get("totalsRowCount", "0"))))

    for kind, target in relationships(archive, part).values():
        if kind == "table":
            parser = make_parser()
            parser.StartElementHandler = on_start
            feed(parser, archive.unpack(target))
    return tuple(listed)
