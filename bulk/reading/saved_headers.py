"""Headers that the user mapped to fields: as options, and saved in a small file next to the sheet."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from bulk.files.atomic_write import write_atomically
from bulk.model.errors import SheetError
from bulk.model.fields import FIELDS, HeaderNames, field_of, same_header
from bulk.model.options import original_stem
from bulk.model.surfaces import COMMAND_LINE, Surface
from smmplus.texts import _

FORMAT = "headers of a sheet of smmplus orders, version 1"
_LARGEST = 64 << 10
"""Bytes; a map of every field takes about 1 KiB."""


def map_path(sheet: Path) -> Path:
    """Return the path at which the headers of a sheet and of its problem copies are saved: week.map.json."""
    return sheet.with_name(f"{original_stem(sheet.stem)}.map.json")


def parse_headers(given: Iterable[str], surface: Surface = COMMAND_LINE) -> HeaderNames:
    """Parse mapped headers such as "Their header=link". A field may have any of its names.

    :raises SheetError: if a field is not known, or a header or a field is mapped twice.
    """
    pairs = []
    for text in given:
        header, sign, name = text.rpartition("=")
        field = field_of(name)
        if not sign or not header.strip() or field is None:
            example = surface.phrase(headers=["Their header=link"])
            raise SheetError(
                _(
                    "{option} has {value!r}: write it as {example}. Fields are: {fields}.",
                    option=surface.name("headers"),
                    value=text,
                    example=example,
                    fields=", ".join(FIELDS),
                )
            )
        pairs.append((header.strip(), field))
    return _without_repeats(pairs, surface.name("headers"))


def _without_repeats(pairs: HeaderNames, source: str) -> HeaderNames:
    """Return the pairs. Raise SheetError if a header or a field is mapped twice."""
    for at, (header, field) in enumerate(pairs):
        for other, same in pairs[:at]:
            if field == same or same_header(header, other):
                raise SheetError(
                    _(
                        "{source}: {other!r} is mapped to {same}, and {header!r} to {field}. Map one of them.",
                        source=source,
                        other=other,
                        same=same,
                        header=header,
                        field=field,
                    )
                )
    return tuple(pairs)


def merge_headers(given: HeaderNames, saved: HeaderNames) -> HeaderNames:
    """Return the headers that are mapped now, and the saved ones that do not contradict them."""
    others = [
        (header, field)
        for header, field in saved
        if not any(field == same or same_header(header, other) for other, same in given)
    ]
    return (*given, *others)


def load_headers(sheet: Path) -> HeaderNames:
    """Read the headers saved next to a sheet; () if there are none.

    :raises SheetError: if :func:`save_headers` did not write the file.
    """
    path = map_path(sheet)
    try:
        data = _bytes_of(path) if path.exists() else None
    except OSError as error:
        raise _unusable(path, _("cannot be read: {error}", error=error.strerror)) from error
    if data is None:
        return ()
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _unusable(path, _("is not JSON")) from error
    return _without_repeats(_pairs(path, document), str(path))


def _bytes_of(path: Path) -> bytes:
    if not path.is_file():
        raise _unusable(path, _("is not a file"))
    if path.stat().st_size > _LARGEST:
        raise _unusable(path, _("is too large"))
    return path.read_bytes()


def _pairs(path: Path, document: object) -> HeaderNames:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _unusable(path, _("was not written by smmplus"))
    headers = document.get("headers")
    if not isinstance(headers, dict) or not headers:
        raise _unusable(path, _("names no headers"))
    for header, field in headers.items():
        if not header.strip() or field not in FIELDS:
            what = _("maps {header!r} to {field!r}, which is not a field", header=header, field=field)
            raise _unusable(path, what)
    return tuple(headers.items())


def _unusable(path: Path, what: str) -> SheetError:
    return SheetError(
        _(
            "{path}: {what}. It should hold the mapped headers of the sheet. Delete it, and map the headers again.",
            path=path,
            what=what,
        )
    )


def save_headers(sheet: Path, headers: HeaderNames) -> Path:
    """Save mapped headers next to the sheet. Return the path of the file.

    :raises SheetError: if it cannot be written.
    """
    document = json.dumps({"format": FORMAT, "headers": dict(headers)}, ensure_ascii=False, indent=2) + "\n"

    def write(out: BinaryIO) -> None:
        out.write(document.encode())

    path = map_path(sheet)
    write_atomically(path, write, mode_of=sheet)
    return path
