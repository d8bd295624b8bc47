"""Rows that are found by their bytes get what a parser would have given them, to the byte."""

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulk.files.zip_archive import Archive
from bulk.model.cell_address import column_letter
from bulk.model.errors import CannotSpliceError
from bulk.model.fields import field_of
from bulk.model.sheet import RESULT_FIELDS, Column
from bulk.writing import xlsx_editor
from bulk.writing.worksheet_rows import NotPlainError
from tests.bulk import workbooks as wb


class Told:
    """What the splicer asks of a sheet."""

    def __init__(self, columns, header_row):
        self.name, self.header_row, self.headers = "Orders", header_row, ()
        self.columns = {name: Column(index, column_letter(index), name) for name, index in columns.items()}


def spliced(path, columns, header_row, changes, *, plain: bool):
    """Give the parts, or the words of the refusal."""
    out = io.BytesIO()
    archive = Archive(path.read_bytes())
    try:
        xlsx_editor._rewrite(archive, Told(columns, header_row), changes, out, colours=True, plain=plain)
    except CannotSpliceError as error:
        return str(error)
    again = Archive(out.getvalue())
    return {entry.filename: again.read(entry.filename) for entry in again.entries}


cells = st.sampled_from([
    '<c r="@"/>',
    '<c r="@" s="1"/>',
    '<c r="@" s="2"><v>5</v></c>',
    '<c r="@" s="1" t="s"><v>0</v></c>',
    '<c r="@" t="inlineStr"><is><t>In progress</t></is></c>',
    '<c r="@" t="inlineStr"><is><t xml:space="preserve">a  b</t></is></c>',
    '<c r="@" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>',
    '<c r="@" t="str" s="2"><f>1+1</f><v>2</v></c>',
    '<c r="@"><f t="array" ref="@:@">1+1</f><v>2</v></c>',
    '<c r="@" cm="1" x:y="1"><v>1</v></c>',
    "",
])  # fmt: skip
rows = st.tuples(
    st.lists(cells, max_size=7),
    st.sampled_from(["", ' spans="1:3"', ' s="2" customFormat="1"', ' s="2"', ' ht="20" spans="1:9" hidden="1"']),
)
names = st.lists(st.sampled_from(["order_id", "note", "order_status", "charge", "more"]), max_size=5, unique=True)
texts = st.sampled_from(["", "1", "Completed", "a <b>", "0.50", "_x0041_", "x  y"])
results = st.dictionaries(st.integers(0, 4), st.dictionaries(st.sampled_from(RESULT_FIELDS), texts, min_size=1))
around = st.sampled_from([
    ("", ""),
    ('<dimension ref="A1:C3"/><cols><col min="4" max="16384" width="9" style="1"/></cols>', ""),
    ('<cols><col min="4" max="16384" hidden="1"/></cols>', '<mergeCells><mergeCell ref="D4:F5"/></mergeCells>'),
    ("", '<autoFilter ref="A3:H9"/><pageMargins left="1"/>'),
])  # fmt: skip


def sheet_xml(names, body, around, top: int) -> str:
    titles = wb.row(1, wb.text("A1", "title")) if top > 1 else ""
    header = wb.header(top, ("service", "link", "quantity", *names))
    made = ""
    for at, (written, attributes) in enumerate(body, start=top + 1):
        more = "".join(cell.replace("@", f"{column_letter(3 + i)}{at}") for i, cell in enumerate(written))
        made += wb.order(at, attributes=attributes).replace("</row>", f"{more}</row>")
    return wb.worksheet(titles + header + made, *around)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=names,
    body=st.lists(rows, max_size=5),
    changes=results,
    around=around,
    top=st.sampled_from([1, 3]),
    prefix=st.booleans(),
)
def test_both_ways_give_the_same(tmp_path, names, body, changes, around, top, prefix):
    xml = sheet_xml(names, body, around, top)
    if prefix:
        xml = (
            xml.replace("<", "<x:")
            .replace("<x:/", "</x:")
            .replace("xmlns=", 'xmlns:y="y" xmlns:x=')
            .replace("x:y=", "y:y=")
        )
    else:
        xml = xml.replace("xmlns=", 'xmlns:x="y" xmlns=')
    made = wb.parts({"Orders": xml}) | {"xl/styles.xml": wb.STYLES}
    made["xl/_rels/workbook.xml.rels"] = wb.with_styles(made)
    path = wb.pack(made, tmp_path / "a.xlsx")
    columns = {name: 3 + i for i, name in enumerate(names) if field_of(name) in RESULT_FIELDS}
    wanted = {top + 1 + at: fields for at, fields in changes.items() if at < len(body)}
    try:
        by_bytes = spliced(path, columns, top, wanted, plain=True)
    except NotPlainError:
        return
    by_parser = spliced(path, columns, top, wanted, plain=False)
    assert by_bytes == by_parser


def full(at: int) -> str:
    """Give a row with the order's three cells and three results, one with a style, one empty, one a number."""
    results = wb.text(f"D{at}", str(at), ' s="1"') + f'<c r="E{at}"/>' + wb.number(f"F{at}", "0.5")
    return wb.order(at).replace("</row>", f"{results}</row>")


RESULTS = {"order_id": 3, "order_status": 4, "charge": 5}


@pytest.mark.parametrize("missing", [(), (2,), (4,), (3, 4), (7,), (2, 3, 4, 5, 6, 7)])
@pytest.mark.parametrize("wanted", [range(2, 8), (3, 4, 6), (4,), (7,)])
def test_results_that_are_renewed_are_what_a_parser_makes_of_them(tmp_path, missing, wanted):
    """Rows that somebody added have no results yet; they stand between those that have."""
    rows = "".join(wb.order(at) if at in missing else full(at) for at in range(2, 8))
    header = wb.header(names=("service", "link", "quantity", *RESULTS))
    path = wb.book(tmp_path / "a.xlsx", header + rows)
    changes = {at: {"order_id": f"n{at}", "order_status": "In progress", "charge": "1"} for at in wanted}
    by_bytes = spliced(path, RESULTS, 1, changes, plain=True)
    assert by_bytes == spliced(path, RESULTS, 1, changes, plain=False)
    assert by_bytes[wb.SHEET].count(b"In progress") == len(changes)


def test_a_row_that_is_not_there_is_found_missing(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header(names=("service", "link", "quantity", *RESULTS)) + full(2))
    with pytest.raises(NotPlainError):
        spliced(path, RESULTS, 1, {3: dict.fromkeys(RESULTS, "1")}, plain=True)
    assert "row 3 is missing" in spliced(path, RESULTS, 1, {3: dict.fromkeys(RESULTS, "1")}, plain=False)
