"""PURE: names of files that are made beside a sheet."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

_MARKED = re.compile(r"\.problems(-[0-9]+)?$")


def name_without_mark(stem: str) -> str:
    """Name the sheet that a marked copy was made of: "week.problems-2" is "week"."""
    return _MARKED.sub("", stem)


def names_of_copies(sheet: Path) -> Iterator[Path]:
    """Give the names that a marked copy of a sheet may have: week.problems.xlsx, week.problems-2.xlsx and so on."""
    stem = name_without_mark(sheet.stem)
    for number in count(1):
        yield sheet.with_name(f"{stem}.problems{'' if number == 1 else f'-{number}'}.xlsx")
