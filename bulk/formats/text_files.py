"""Files of text: from bytes to characters and back, and physical lines."""

import codecs
import io
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from bulk.errors import RefusedFileError, SheetError
from bulk.surfaces import COMMAND_LINE, Surface

_PIECE = 1 << 16

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def decode(path: Path, data: bytes, encoding: str | None, surface: Surface = COMMAND_LINE) -> tuple[str, str]:
    """Give a file's text and its encoding. A byte-order mark decides; then UTF-8; then what was asked for.

    The byte-order mark stays in the text, as its first character.

    :raises SheetError: if the encoding must be named, or does not fit.
    """
    chosen = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    text = _try_decode(data, chosen or "utf-8")
    if text is None and chosen is None and encoding is not None:
        chosen = encoding
        text = _try_decode(data, encoding)
    if text is None:
        raise SheetError(_undecodable(path, chosen, surface))
    if "\0" in text:
        raise RefusedFileError(f"{path}: it holds NUL characters, so it is no text. Save it as CSV UTF-8.")
    return text, chosen or "utf-8"


def _try_decode(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _undecodable(path: Path, encoding: str | None, surface: Surface) -> str:
    if encoding is None:
        named = surface.phrase(encoding="cp1252")
        return f"{path}: not in UTF-8. Save it as 'CSV UTF-8', or pass its encoding, such as {named}."
    return f"{path}: cannot be read as {encoding}. Save it as 'CSV UTF-8', or pass another encoding."


def physical_lines(text: str) -> list[str]:
    """Split text at LF, CR LF and CR, as text editors do, and keep the line ends."""
    return list(io.StringIO(text, newline=""))


def pieces_from(text: str, begin: int = 0) -> Iterator[str]:
    """Cut text from a place on into pieces of whole lines; where no line ends with LF, into one."""
    while begin < len(text):
        end = text.find("\n", begin + _PIECE) + 1 or len(text)
        yield text[begin:end]
        begin = end


def lines_from(text: str, begin: int = 0) -> Iterator[str]:
    """Give the physical lines from a place on, a piece at a time: all of a large file would take much memory."""
    return chain.from_iterable(map(physical_lines, pieces_from(text, begin)))


def line_end(line: str) -> str:
    """Give the line end of one physical line; "" if it has none."""
    return line[len(line.rstrip("\r\n")) :]
