"""Zip archives of workbooks: parts are unpacked in pieces, and an archive is rewritten with some parts replaced."""

import io
import re
import struct
import zipfile
import zlib
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from smmplus.texts import _

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
_END = struct.Struct("<4s4H2LH")
_PIECE = 1 << 16
_ROOM = 1 << 29
_LEVEL = 5
"""The level of compression: within 1 % of the usual 6 in size, and a third faster."""
_HAS_DESCRIPTOR = 0x08
_ENCRYPTED = 0x01
_UTF8_NAME = 0x800
_ZIP64_EXTRA = 1


class ArchiveError(ValueError):
    """A zip file is damaged, encrypted, or compressed by a method that spreadsheets do not use."""


class Archive:
    """A zip file in memory. The sizes that it declares are not trusted: bytes are counted while parts are unpacked."""

    def __init__(self, data: bytes) -> None:
        """Read the directory of the zip file. Raise ArchiveError if there is none."""
        self._data = memoryview(data)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as directory:
                self.entries = directory.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise ArchiveError(_("damaged zip file")) from error
        self._by_name = {entry.filename.casefold(): entry for entry in self.entries}
        if len(self._by_name) != len(self.entries):
            raise ArchiveError(_("it has two parts with the same name"))

    def find(self, name: str) -> str | None:
        """Find a part without regard to case, as spreadsheet programs do. Return None if there is none."""
        entry = self._by_name.get(name.casefold())
        return entry.filename if entry else None

    def packed(self, entry: zipfile.ZipInfo) -> memoryview:
        """Return a part's compressed bytes as they are in the file."""
        offset = entry.header_offset
        header = self._data[offset : offset + _LOCAL.size]
        if len(header) < _LOCAL.size or bytes(header[:4]) != b"PK\x03\x04":
            raise ArchiveError(_("the part {part} is not where the directory says", part=entry.filename))
        name_length, extra_length = _LOCAL.unpack(header)[9:11]
        start = offset + _LOCAL.size + name_length + extra_length
        packed = self._data[start : start + entry.compress_size]
        if len(packed) < entry.compress_size:
            raise ArchiveError(_("the part {part} is cut off", part=entry.filename))
        return packed

    def unpack(self, name: str) -> Iterator[bytes]:
        """Yield an XML part in pieces, as UTF-8 also if it is in UTF-16. Raise as :meth:`unpack_bytes` does."""
        return _as_utf8(name, self.unpack_bytes(name))

    def is_utf16(self, name: str) -> bool:
        """Return whether an XML part is in UTF-16."""
        return _utf16_of(next(filter(None, self.unpack_bytes(name)), b"")) is not None

    def unpack_bytes(self, name: str) -> Iterator[bytes]:
        """Yield a part's bytes in pieces of at most 64 KiB. Raise ArchiveError if it is damaged or missing."""
        entry = self._by_name.get(name.casefold())
        if entry is None:
            raise ArchiveError(_("the part {part} is missing", part=name))
        checksum = 0
        for piece in _inflate(entry, self.packed(entry)):
            checksum = zlib.crc32(piece, checksum)
            yield piece
        if checksum != entry.CRC:
            raise ArchiveError(_("the part {part} is damaged", part=name))

    def read(self, name: str) -> bytes:
        """Return an XML part whole, in UTF-8. Only for files that `bulk.reading.file_checks` has checked."""
        entry = self._by_name.get(name.casefold())
        if entry is None or entry.compress_type != zipfile.ZIP_DEFLATED or entry.flag_bits & _ENCRYPTED:
            return b"".join(self.unpack(name))
        try:
            # In one step, into a buffer of the declared size: joined from pieces, a part is in memory twice.
            content = zlib.decompress(self.packed(entry), -zlib.MAX_WBITS, min(entry.file_size, _ROOM) or 1)
        except zlib.error as error:
            raise ArchiveError(_("the part {part} is damaged", part=name)) from error
        if zlib.crc32(content) != entry.CRC:
            raise ArchiveError(_("the part {part} is damaged", part=name))
        return b"".join(_as_utf8(name, iter([content]))) if _utf16_of(content) else content


_SIGNS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
"""How XML in UTF-16 begins: with a byte-order mark, or with "<" (XML 1.0, appendix F.1)."""

_ENCODING = re.compile(r"""\A(\ufeff?<\?xml[^>]*?)\sencoding\s*=\s*["']utf-16(?:le|be)?["']""", re.IGNORECASE)


def _utf16_of(beginning: bytes) -> str | None:
    return _SIGNS.get(beginning[:2])


def _as_utf8(name: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield XML in UTF-8, without a declaration of UTF-16."""
    first = next(filter(None, pieces), b"")
    encoding = _utf16_of(first)
    if encoding is None:
        yield first
        yield from pieces
        return
    decoder = getincrementaldecoder(encoding)()
    try:
        yield _ENCODING.sub(r"\1", decoder.decode(first), count=1).removeprefix("\ufeff").encode()
        for piece in pieces:
            yield decoder.decode(piece).encode()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise ArchiveError(_("the part {part} is not valid UTF-16", part=name)) from error


def _inflate(entry: zipfile.ZipInfo, packed: memoryview) -> Iterator[bytes]:
    if entry.flag_bits & _ENCRYPTED:
        raise ArchiveError(_("the part {part} is encrypted", part=entry.filename))
    if entry.compress_type == zipfile.ZIP_STORED:
        yield from (bytes(packed[at : at + _PIECE]) for at in range(0, len(packed), _PIECE))
    elif entry.compress_type == zipfile.ZIP_DEFLATED:
        yield from _inflate_deflated(entry.filename, packed)
    else:
        raise ArchiveError(_("the part {part} is packed by an unusual method", part=entry.filename))


def _inflate_deflated(name: str, packed: memoryview) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for at in range(0, len(packed), _PIECE):
            waiting: bytes | memoryview = packed[at : at + _PIECE]
            while waiting:
                # The limit keeps each piece small, however much it would unpack to.
                yield inflater.decompress(waiting, _PIECE)
                waiting = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error as error:
        raise ArchiveError(_("the part {part} is damaged", part=name)) from error


def rewrite(archive: Archive, replaced: Mapping[str, Iterator[bytes]], out: BinaryIO) -> None:
    """Write the archive with some parts replaced. Every other part keeps its compressed bytes, order and date."""
    written = []
    for entry in archive.entries:
        offset = out.tell()
        if entry.filename in replaced:
            sizes = _write_deflated(out, entry, replaced[entry.filename])
            written.append((entry, offset, zipfile.ZIP_DEFLATED, *sizes))
        else:
            sizes = (entry.CRC, entry.compress_size, entry.file_size)
            _write_local(out, entry, entry.compress_type, *sizes)
            out.write(archive.packed(entry))
            written.append((entry, offset, entry.compress_type, *sizes))
    _write_directory(out, written)


def _write_deflated(out: BinaryIO, entry: zipfile.ZipInfo, pieces: Iterator[bytes]) -> tuple[int, int, int]:
    """Compress the pieces after a header whose sizes are filled in afterwards. Return checksum and both sizes."""
    header_at = out.tell()
    _write_local(out, entry, zipfile.ZIP_DEFLATED, 0, 0, 0)
    start = out.tell()
    deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    crc = unpacked = 0
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
        unpacked += len(piece)
        out.write(deflater.compress(piece))
    out.write(deflater.flush())
    end = out.tell()
    out.seek(header_at)
    _write_local(out, entry, zipfile.ZIP_DEFLATED, crc, end - start, unpacked)
    out.seek(end)
    return crc, end - start, unpacked


def _name_bytes(entry: zipfile.ZipInfo) -> bytes:
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & _UTF8_NAME else "cp437")


def _flags(entry: zipfile.ZipInfo) -> int:
    # The sizes are in the header now, not after the data.
    return entry.flag_bits & ~_HAS_DESCRIPTOR


def _dos_time(entry: zipfile.ZipInfo) -> tuple[int, int]:
    year, month, day, hour, minute, second = entry.date_time
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day


def _write_local(out: BinaryIO, entry: zipfile.ZipInfo, method: int, crc: int, packed: int, unpacked: int) -> None:
    name = _name_bytes(entry)
    head = (b"PK\x03\x04", 20, _flags(entry), method, *_dos_time(entry), crc, packed, unpacked, len(name), 0)
    out.write(_LOCAL.pack(*head) + name)


def _extra(entry: zipfile.ZipInfo) -> bytes:
    """Return a part's extra fields without the sizes of files beyond 4 GiB: they would contradict the new sizes."""
    kept, rest = b"", entry.extra
    while len(rest) >= 4:
        kind, length = struct.unpack_from("<HH", rest)
        kept += rest[: 4 + length] if kind != _ZIP64_EXTRA else b""
        rest = rest[4 + length :]
    return kept


def _write_directory(out: BinaryIO, written: list[tuple[zipfile.ZipInfo, int, int, int, int, int]]) -> None:
    start = out.tell()
    for entry, offset, method, crc, packed, unpacked in written:
        name, extra = _name_bytes(entry), _extra(entry)
        out.write(
            _CENTRAL.pack(
                b"PK\x01\x02", entry.create_version, entry.create_system, 20, 0, _flags(entry), method,
                *_dos_time(entry), crc, packed, unpacked, len(name), len(extra), len(entry.comment),
                0, entry.internal_attr, entry.external_attr, offset,
            ) + name + extra + entry.comment
        )  # fmt: skip
    size = out.tell() - start
    out.write(_END.pack(b"PK\x05\x06", 0, 0, len(written), len(written), size, start, 0))
