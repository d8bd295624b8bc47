"""CSV is read a piece at a time, and says what it says cell by cell."""

from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulk.files import csv_text
from bulk.files.csv_text import split_csv
from bulk.model.cell_values import NUMBER_FIELDS, CellError, order_text, plain_digits, strip_text
from bulk.model.errors import SheetError
from bulk.model.options import ReadOptions
from bulk.model.sheet import RESULT_FIELDS
from bulk.reading.csv_reader import parse_csv, plain_result
from bulk.reading.sheet_builder import GUARDED_FIELDS, ORDERING_FIELDS

PATH = Path("a.csv")
CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "7", "100", "1.000", "x", "https://x.com/p", "'=7", "=1", "a b", "a\u200bb", "\u00a07", "é"]
    ),
    st.sampled_from(['"a"', '"a\nb"', '"a\r\nb"', '""', '"a""b"', 'a"b', '"a', "yes", "no"]),
    st.text("7x ,;\"'\u00a0\n\r\t", max_size=4),
)
HEADERS = ("service,link,quantity", "\ufeffservice,link,comments,error,skip", 'title\n\n"service";link;order_id;note')


@st.composite
def files(draw):
    header = draw(st.sampled_from(HEADERS))
    mark = ";" if ";" in header else ","
    width = header.count(mark) + 1
    ends = st.sampled_from(draw(st.sampled_from([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"]])))
    rows = st.lists(CELLS, min_size=width, max_size=width) | st.lists(CELLS, max_size=width + 1)
    lines = [header, *(mark.join(cells) for cells in draw(st.lists(rows, max_size=8)))]
    return "".join(line + draw(ends) for line in lines)


def cell_by_cell(text, locale):
    """Read as it is told: one record after the other, one cell after the other."""
    file = split_csv(PATH, text)
    rows, found = {}, []
    for record in file.records:
        width = len(file.header_record.cells)
        held = [*record.cells, *[""] * width]
        if any(map(strip_text, record.cells[width:])):
            found.append((record.line, ""))
            results = {name: plain_result(held[file.header.columns[name].index]) for name in file.header.columns}
            kept = {name: text if name in RESULT_FIELDS else "" for name, text in results.items()}
            places = {at.index for name, at in file.header.columns.items() if name in RESULT_FIELDS}
            own = file.delimiter.join(cell for at, cell in enumerate(record.cells) if at not in places)
            rows[record.line] = list((kept | {"service": own.strip()}).values())
            continue
        cells = {name: settle(name, held[at.index], locale) for name, at in file.header.columns.items()}
        texts = {name: cell.value if isinstance(cell, CellError) else cell for name, cell in cells.items()}
        is_order = any(texts[name] for name in ORDERING_FIELDS.intersection(texts))
        if is_order:
            rows[record.line] = list(texts.values())
        found += [
            (record.line, name)
            for name, cell in cells.items()
            if isinstance(cell, CellError) and (is_order or name in ORDERING_FIELDS)
        ]
    return rows, found


def settle(name, cell, locale):
    if name in RESULT_FIELDS and name not in GUARDED_FIELDS:
        return plain_result(cell)
    text = plain_result(cell) if name in RESULT_FIELDS else strip_text(cell)
    text = plain_digits(text, locale) if name in NUMBER_FIELDS else text
    return order_text(name, text) if name in GUARDED_FIELDS else text


def read(text, locale):
    sheet = parse_csv(PATH, text.encode(), ReadOptions(locale=locale))
    rows = zip(sheet.rows, *(sheet.texts[name] for name in sheet.columns), strict=True)
    return {number: cells for number, *cells in rows}, [(problem.row, problem.field) for problem in sheet.problems]


def outcome(way, text, locale):
    try:
        return way(text, locale)
    except SheetError as error:
        return str(error)


@pytest.mark.slow
@settings(deadline=None)
@given(files(), st.sampled_from([None, "id"]), st.sampled_from([1, 16, 1 << 16]))
def test_csv_says_what_it_says_cell_by_cell_however_it_is_cut(text, locale, piece):
    with mock.patch.object(csv_text, "_PIECE", piece):
        assert outcome(read, text, locale) == outcome(cell_by_cell, text, locale)


def test_a_large_file_is_read_across_its_pieces():
    lines = [f"7,https://x.com/{number},{number + 1}" for number in range(20_000)]
    lines[15_000] = '7,"https://x.com/a",5'
    lines[16_000] = "7,x,1,5"
    read = parse_csv(PATH, "\n".join(["service,link,quantity", *lines]).encode(), ReadOptions())
    assert (len(read.rows), read.texts["link"][15_000], read.texts["quantity"][-1]) == (
        20_000,
        "https://x.com/a",
        "20000",
    )
    assert ([problem.row for problem in read.problems], read.rows[-1]) == ([16_002], 20_001)
