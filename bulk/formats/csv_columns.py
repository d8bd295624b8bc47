"""CSV by columns: what has no quotes is split at once, the rest record by record."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bulk.formats.csv_records import CsvHead, Record, records
from bulk.formats.text_files import lines_from, physical_lines, pieces_from


@dataclass(frozen=True, slots=True)
class Block:
    """Some records, one behind the other."""

    lines: Sequence[int]
    """The physical line on which each record begins."""
    columns: Sequence[Sequence[str]]
    """The values, unquoted, of each column of the header."""
    odd: Sequence[Record] = field(default=())
    """Records among them of another width than the header; they are in neither of the two above."""


def blocks(path: Path, text: str, head: CsvHead) -> Iterator[Block]:
    """Give what stands below the header.

    :raises SheetError: if a quote is never closed, or stands in an odd place.
    """
    begin = len(head.above) + len(head.header_record.raw)
    line = head.header_record.line + len(physical_lines(head.header_record.raw))
    while begin < len(text):
        piece = next(pieces_from(text, begin))
        columns = split_plain(piece, head.delimiter, head.width)
        if columns is None:
            block, length, count = _split_records(path, text, begin, len(piece), line, head)
        else:
            block, length, count = Block(range(line, line + len(columns[0])), columns), len(piece), len(columns[0])
        yield block
        begin, line = begin + length, line + count


def split_plain(piece: str, delimiter: str, width: int) -> list[list[str]] | None:
    """Split whole lines into columns; None where csv.reader might see something else in them."""
    if "\r" in piece:
        piece = piece.replace("\r\n", "\n")
    if '"' in piece or "\r" in piece or delimiter in '"\r\n' or len(piece) > csv.field_size_limit():
        return None
    piece = piece.removesuffix("\n")
    # Between two lines stands one more cell, the line's end: if every so-manieth cell is one, each line is that wide.
    cells = piece.replace("\n", f"{delimiter}\n{delimiter}").split(delimiter)
    lines = piece.count("\n") + 1
    if len(cells) != lines * (width + 1) - 1 or cells[width :: width + 1].count("\n") != lines - 1:
        return None
    return [cells[at :: width + 1] for at in range(width)]


def _split_records(path: Path, text: str, begin: int, least: int, line: int, head: CsvHead) -> tuple[Block, int, int]:
    """Split at least so many characters; give also how many characters and lines it were in the end."""
    length = 0
    fitting: list[Record] = []
    odd: list[Record] = []
    for record in records(path, lines_from(text, begin), head.delimiter, line):
        (fitting if len(record.cells) == head.width else odd).append(record)
        length += len(record.raw)
        if length >= least:
            break
    columns = list(zip(*(record.cells for record in fitting), strict=True)) or [()] * head.width
    behind = record.line + len(physical_lines(record.raw))
    return Block([record.line for record in fitting], columns, odd), length, behind - line
