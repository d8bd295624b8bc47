"""Files of text: from bytes to characters and back, and physical lines."""

import codecs
import io
from pathlib import Path

from bulk.errors import RefusedFileError, SheetError

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def decode(path: Path, data: bytes, encoding: str | None) -> tuple[str, str]:
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
        raise SheetError(_undecodable(path, chosen))
    if "\0" in text:
        raise RefusedFileError(f"{path}: it holds NUL characters, so it is no text. Save it as CSV UTF-8.")
    return text, chosen or "utf-8"


def _try_decode(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _undecodable(path: Path, encoding: str | None) -> str:
    if encoding is None:
        return f"{path}: not in UTF-8. Save it as 'CSV UTF-8', or name its encoding with --encoding (cp1252, say)."
    return f"{path}: cannot be read as {encoding}. Save it as 'CSV UTF-8', or name another --encoding."


def physical_lines(text: str) -> list[str]:
    """Split text at LF, CR LF and CR, as text editors do, and keep the line ends."""
    return list(io.StringIO(text, newline=""))


def line_end(line: str) -> str:
    """Give the line end of one physical line; "" if it has none."""
    return line[len(line.rstrip("\r\n")) :]
