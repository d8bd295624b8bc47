"""What a sheet holds, as columns of text: it is made in one process and sent to another."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bulk.sheet import Column, Kind, Problem, Sheet

Packed = str | tuple[Sequence[str], bytes] | Sequence[str]
"""A column's text: one text, a line each; or what occurs and each row's number in it; or as it is."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The fields of a :class:`bulk.sheet.Sheet`, but for its path and its frame."""

    kind: Kind
    name: str
    header_row: int
    columns: Mapping[str, Column]
    ignored: tuple[str, ...]
    rows: Sequence[int]
    """The number of each row that holds an order."""
    texts: Mapping[str, Sequence[str]]
    """Each column's text, a piece for each of the rows."""
    problems: tuple[Problem, ...]
    digest: str
    encoding: str = "utf-8"


def sheet_of(path: Path, contents: Contents) -> Sheet:
    """Make the sheet, with its frame."""
    import numpy as np  # noqa: PLC0415 -- see below
    import pandas as pd  # noqa: PLC0415 -- the process that reads a file starts without it, ten times as fast

    frame = pd.DataFrame(
        dict(contents.texts),
        index=pd.Index(np.asarray(contents.rows, dtype="int64"), name="row"),
        columns=list(contents.columns),
        dtype=str,
    )
    return Sheet(
        path=path, kind=contents.kind, name=contents.name, header_row=contents.header_row, columns=contents.columns,
        ignored=contents.ignored, frame=frame, problems=contents.problems, digest=contents.digest,
        encoding=contents.encoding,
    )  # fmt: skip


def pack_column(texts: Sequence[str]) -> Packed:
    """Make a column small and quick to send: services and quantities repeat, links are one line each."""
    if len(set(texts[:1000])) * 2 < len(texts[:1000]):
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        return tuple(numbers), array("I", map(numbers.__getitem__, texts)).tobytes()
    lines = "\n".join(texts)
    return lines if texts and lines.count("\n") == len(texts) - 1 else list(texts)


def unpack_column(packed: Packed) -> Sequence[str]:
    """Give a column as it was before it was packed; a text that repeats is one object."""
    if isinstance(packed, str):
        return packed.split("\n")
    if isinstance(packed, tuple):
        occurring, numbers = packed
        return list(map(occurring.__getitem__, memoryview(numbers).cast("I")))
    return packed
