"""Searches a secret in everything that a run leaves behind, however it may be written there.

::

    assert leaks(key, folder) == []            # every file below it and every name, workbooks and journals opened
    assert leaks(key, done.out, done.err) == []

It shares no code with what takes keys out of answers: a way of writing that one forgets, the other may know.
"""

import base64
import binascii
import html
import io
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import unquote_to_bytes

PART = 12
"""So many signs of a secret in a row are a leak, too: half a key is a key of half the length."""

_ESCAPE = re.compile(rb"\\+u([0-9a-fA-F]{4})")
_ENCODED = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_SQLITE = b"SQLite format 3\x00"


def leaks(secret: str, *places: Path | str | bytes) -> list[str]:
    """Name the places where a secret stands: files and folders by path, texts by their surroundings."""
    found: list[str] = []
    for place in places:
        if isinstance(place, Path):
            found += [name for name, data in _below(place) if holds(secret, data)]
        else:
            data = place.encode() if isinstance(place, str) else place
            found += [repr(data[:2000])] if holds(secret, data) else []
    return found


def holds(secret: str, data: bytes) -> bool:
    """Tell whether a secret, or a good part of it, stands in some bytes."""
    wanted = secret.lower().encode()
    parts = {wanted[at : at + PART] for at in range(max(1, len(wanted) - PART + 1))}
    return any(part in view for view in _views(data) for part in parts)


def _views(data: bytes) -> Iterator[bytes]:
    """Give the bytes as they are, and as each kind of reader would read them."""
    readable = data.replace(b"\x00", b"")  # UTF-16
    yield readable.lower()
    if any(sign in readable for sign in (b"%", b"&", b"\\")):
        for _ in range(3):
            readable = unquote_to_bytes(readable.replace(b"+", b" "))
            readable = html.unescape(_ESCAPE.sub(_unescaped, readable).decode("utf-8", "replace")).encode()
            yield readable.lower()
            yield readable.replace(b"\\", b"").lower()
    for run in _ENCODED.findall(data):
        yield from (decoded.lower() for decoded in _decoded(run))


def _unescaped(escape: re.Match[bytes]) -> bytes:
    return chr(int(escape[1], 16)).encode("utf-8", "replace")


def _decoded(run: bytes) -> Iterator[bytes]:
    text = run.translate(bytes.maketrans(b"-_", b"+/"))
    for offset in range(4):
        whole = text[offset:]
        yield base64.b64decode(whole[: len(whole) // 4 * 4])
    for offset in range(2):
        with suppress(binascii.Error, ValueError):
            whole = run[offset:]
            yield bytes.fromhex(whole[: len(whole) // 2 * 2].decode())


def _below(place: Path) -> Iterator[tuple[str, bytes]]:
    paths = [place, *place.rglob("*")] if place.is_dir() else [place]
    for path in paths:
        yield f"the name {path}", path.name.encode()
        if path.is_file():
            data = path.read_bytes()
            yield str(path), data
            yield from _opened(path, data)


def _opened(path: Path, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Open what packs its content: a workbook's parts, and a journal's texts, which its pages may cut in two."""
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            yield from ((f"{path}, {name}", packed.read(name)) for name in packed.namelist())
    if data.startswith(_SQLITE):
        with closing(sqlite3.connect(path)) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 (a name the file itself gave)
                    yield f"{path}, {table}", "\n".join(map(str, row)).encode()
