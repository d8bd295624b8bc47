"""Keeps what the headers of a sheet mean, for later runs."""

import json
from pathlib import Path
from typing import BinaryIO

from bulk.reading.columns import HeaderNames
from bulk.reading.header_map import FORMAT, map_path
from bulk.writing.storing import store


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
