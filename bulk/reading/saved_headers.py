"""What the headers of one sheet mean, kept in a small file beside it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from bulk.files.atomic_write import store
from bulk.model.errors import SheetError
from bulk.model.fields import FIELDS, HeaderNames, field_of, same_header
from bulk.model.options import name_without_mark
from bulk.model.surfaces import COMMAND_LINE, Surface

FORMAT = "headers of a sheet of smmplus orders, version 1"
_LARGEST = 64 << 10
"""Bytes; a map of every field takes one of them."""


def map_path(sheet: Path) -> Path:
    """Name the file that keeps what the headers of a sheet, and of marked copies of it, mean: week.map.json."""
    return sheet.with_name(f"{name_without_mark(sheet.stem)}.map.json")


def parse_headers(given: Iterable[str], surface: Surface = COMMAND_LINE) -> HeaderNames:
    """Read "Their header=link", several of them; the field may go by any of its names.

    :raises SheetError: if a field is not known, or a header or a field is spoken of twice.
    """
    pairs = []
    for text in given:
        header, sign, name = text.rpartition("=")
        field = field_of(name)
        if not sign or not header.strip() or field is None:
            example = surface.phrase(headers=["Their header=link"])
            raise SheetError(
                f"{surface.name('headers')} has {text!r}: write it as {example}. Fields are: {', '.join(FIELDS)}."
            )
        pairs.append((header.strip(), field))
    return checked(pairs, surface.name("headers"))


def checked(pairs: HeaderNames, source: str) -> HeaderNames:
    """Give pairs as they are if each header and each field stands there once; raises SheetError."""
    for at, (header, field) in enumerate(pairs):
        for other, same in pairs[:at]:
            if field == same or same_header(header, other):
                raise SheetError(
                    f"{source}: {other!r} is mapped to {same}, and {header!r} to {field}. Map one of them."
                )
    return tuple(pairs)


def joined(given: HeaderNames, kept: HeaderNames) -> HeaderNames:
    """Add what is kept to what a person says now, which comes first where both speak of a header or a field."""
    left = [
        (header, field)
        for header, field in kept
        if not any(field == same or same_header(header, other) for other, same in given)
    ]
    return (*given, *left)


def kept_headers(sheet: Path) -> HeaderNames:
    """Read what is kept beside a sheet; () where nothing is.

    :raises SheetError: if the file is not one that :func:`bulk.reading.saved_headers.keep_headers` wrote.
    """
    path = map_path(sheet)
    try:
        data = _bytes_of(path) if path.exists() else None
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from error
    if data is None:
        return ()
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _unusable(path, "is no JSON") from error
    return checked(_pairs(path, document), str(path))


def _bytes_of(path: Path) -> bytes:
    if not path.is_file():
        raise _unusable(path, "is no file")
    if path.stat().st_size > _LARGEST:
        raise _unusable(path, "is too large")
    return path.read_bytes()


def _pairs(path: Path, document: object) -> HeaderNames:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _unusable(path, "is not what smmplus writes")
    headers = document.get("headers")
    if not isinstance(headers, dict) or not headers:
        raise _unusable(path, "names no headers")
    for header, field in headers.items():
        if not header.strip() or field not in FIELDS:
            raise _unusable(path, f"says that {header!r} stands for {field!r}, which is no field")
    return tuple(headers.items())


def _unusable(path: Path, what: str) -> SheetError:
    return SheetError(
        f"{path}: {what}. It should keep what the sheet's headers mean: delete it, and map the headers again."
    )


def keep_headers(sheet: Path, headers: HeaderNames) -> Path:
    """Write what headers mean into the file beside the sheet, and give that file.

    :raises SheetError: if it cannot be written.
    """
    document = json.dumps({"format": FORMAT, "headers": dict(headers)}, ensure_ascii=False, indent=2) + "\n"

    def write(out: BinaryIO) -> None:
        out.write(document.encode())

    path = map_path(sheet)
    store(path, write, mode_of=sheet)
    return path
