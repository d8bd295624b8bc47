import re
import zipfile

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulk.model.sheet import RESULT_FIELDS, Sheet
from bulk.reading import read_sheet
from bulk.writing import Written, write_results
from tests.bulk import workbooks as wb

pytestmark = pytest.mark.usefixtures("read_here")

RESULT = {"order_id": "23501", "order_status": "In progress", "charge": "0.45"}


def write(path, results, sheet: Sheet | None = None) -> tuple[Sheet, Written]:
    sheet = sheet or read_sheet(path)
    return sheet, write_results(sheet, results, expected_digest=sheet.digest)


def in_place(path, results) -> Sheet:
    """Write, and read the file again."""
    _, written = write(path, results)
    assert (written.path, written.in_place, written.reason) == (path, True, "")
    again = read_sheet(path)
    assert again.digest == written.digest
    return again


def test_results_stand_in_their_rows(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2) + wb.order(4))
    again = in_place(path, {4: RESULT})
    assert again.frame.loc[4, list(RESULT)].to_dict() == RESULT
    assert again.frame.loc[2, list(RESULT)].to_dict() == dict.fromkeys(RESULT, "")
    assert wb.by_openpyxl(path) | {"D1": "order_id", "D4": "23501", "E4": "In progress", "F4": 0.45} == wb.by_openpyxl(
        path
    )
    assert wb.by_calamine(path)[3] == [7.0, "https://x.com/p", 100.0, "23501", "In progress", 0.45]


def test_every_other_part_keeps_its_packed_bytes(tmp_path):
    path = wb.rich_book(tmp_path / "a.xlsx")
    before, content = wb.packed(path), wb.unpacked(path)
    in_place(path, {4: RESULT})
    assert list(wb.packed(path)) == list(before)
    assert {name for name in before if wb.packed(path)[name] != before[name]} == {wb.SHEET, "xl/workbook.xml"}
    assert {name for name in content if wb.unpacked(path)[name] != content[name]} == {wb.SHEET, "xl/workbook.xml"}


def test_new_columns_stand_right_of_everything_and_of_every_table(tmp_path):
    """The table of this workbook reaches to column F, its cells only to D."""
    path = wb.rich_book(tmp_path / "a.xlsx")
    again = in_place(path, {4: RESULT})
    assert [again.columns[field].letter for field in RESULT] == ["G", "H", "I"]


@pytest.mark.parametrize(
    ("after", "letter"),
    [
        ('<autoFilter ref="A1:H2"/>', "I"),
        ('<mergeCells><mergeCell ref="D2:F2"/></mergeCells>', "G"),
        ('<mergeCells><mergeCell ref="A1:XFD1"/></mergeCells>', "D"),
    ],
)
def test_new_columns_stand_right_of_filters_and_merged_cells_but_not_of_a_title(tmp_path, after, letter):
    path = wb.book(tmp_path / "a.xlsx", wb.header(2) + wb.order(3), after=after)
    assert in_place(path, {3: RESULT}).columns["order_id"].letter == letter


def test_formulas_keep_their_stored_values(tmp_path):
    path = wb.rich_book(tmp_path / "a.xlsx")
    in_place(path, {4: RESULT, 5: RESULT})
    assert wb.by_openpyxl(path)["D5"] == "=C5*2"
    assert openpyxl.load_workbook(path, data_only=True)["Orders"]["D5"].value == 500


def test_everything_else_of_the_worksheet_stays_as_it_is(tmp_path):
    path = wb.rich_book(tmp_path / "a.xlsx")
    before = wb.unpacked(path)[wb.SHEET].decode()
    in_place(path, {4: {"order_id": "1"}})
    after = wb.unpacked(path)[wb.SHEET].decode()
    new = re.compile(r'<c r="G[34]".*?</c>|<cols><col min="7" max="7" width="12" customWidth="1"/></cols>')
    assert new.sub("", after) == before.replace(' spans="1:4"', "").replace("A1:D5", "A1:G5")


def test_a_new_header_has_the_style_of_the_header(tmp_path):
    path = wb.rich_book(tmp_path / "a.xlsx")
    in_place(path, {4: {"order_id": "1"}})
    assert b'<c r="G3" s="1" t="inlineStr">' in wb.unpacked(path)[wb.SHEET]


def test_formulas_anywhere_are_worked_out_anew_on_opening(tmp_path):
    path = wb.rich_book(tmp_path / "a.xlsx")
    in_place(path, {4: RESULT})
    assert b'<calcPr calcId="191029" fullCalcOnLoad="1"/>' in wb.unpacked(path)["xl/workbook.xml"]
    assert openpyxl.load_workbook(path).calculation.fullCalcOnLoad


@pytest.mark.parametrize(
    "tail",
    [
        "",
        "<definedNames/>",
        '<definedNames><definedName name="a">1</definedName></definedNames>',
        "<calcPr fullCalcOnLoad='0'></calcPr>",
    ],
)
def test_a_formula_on_another_worksheet_counts_too(tmp_path, tail):
    sheets = {
        "Orders": wb.worksheet(wb.header() + wb.order(2)),
        "Sums": wb.worksheet(wb.row(1, '<c r="A1"><f>SUM(Orders!D:D)</f><v>0</v></c>')),
    }
    path = wb.pack(wb.parts(sheets, book=tail + '<oleSize ref="A1"/>'), tmp_path / "a.xlsx")
    in_place(path, {2: RESULT})
    book = wb.unpacked(path)["xl/workbook.xml"].decode()
    assert re.search(r'fullCalcOnLoad="1"(></calcPr>|/>)<oleSize', book)
    assert book.count("calcPr") == (2 if "></calcPr>" in tail else 1)


def test_without_any_formula_the_workbook_part_stays(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2))
    before = wb.packed(path)
    in_place(path, {2: RESULT})
    assert [name for name in before if wb.packed(path)[name] != before[name]] == [wb.SHEET]


RESULT_HEADER = ("service", "link", "quantity", "Order ID", "note", "Order Status")


def test_existing_cells_are_replaced_and_keep_their_style(tmp_path):
    old = '<c r="D2" s="1" t="s"><v>0</v></c><c r="E2" s="2"/><c r="F2" s="1"/>'
    rows = wb.header(names=RESULT_HEADER) + wb.order(2).replace("</row>", f"{old}</row>") + wb.order(3)
    path = wb.book(tmp_path / "a.xlsx", rows, **{"xl/sharedStrings.xml": wb.shared("old")})
    in_place(path, {2: {"order_id": "1", "order_status": "Partial"}, 3: {"order_status": "Completed", "order_id": "2"}})
    assert (
        wb.unpacked(path)[wb.SHEET]
        .decode()
        .endswith(
            '<c r="D2" s="1" t="inlineStr"><is><t>1</t></is></c><c r="E2" s="2"/>'
            '<c r="F2" s="1" t="inlineStr"><is><t>Partial</t></is></c></row>'
            + wb.order(3).removesuffix("</row>")
            + '<c r="D3" t="inlineStr"><is><t>2</t></is></c><c r="F3" t="inlineStr"><is><t>Completed</t></is></c>'
            "</row></sheetData></worksheet>"
        )
    )


def test_a_field_that_is_absent_leaves_its_cell_and_an_empty_text_empties_it(tmp_path):
    old = wb.text("D2", "1", ' s="1"') + wb.text("F2", "Pending")
    path = wb.book(tmp_path / "a.xlsx", wb.header(names=RESULT_HEADER) + wb.order(2).replace("</row>", f"{old}</row>"))
    again = in_place(path, {2: {"order_id": ""}})
    assert again.frame.loc[2, ["order_id", "order_status"]].to_list() == ["", "Pending"]
    assert b'<c r="D2" s="1"/>' in wb.unpacked(path)[wb.SHEET]


@pytest.mark.parametrize("empty", ['<c r="D2" s="1"/>', '<c r="D2" s="1"></c>', '<c r="D2" s="1"><v/></c>'])
def test_an_empty_cell_is_replaced_however_it_is_written(tmp_path, empty):
    rows = wb.header(names=RESULT_HEADER) + wb.order(2).replace("</row>", f"{empty}{wb.text('E2', 'n')}</row>")
    path = wb.book(tmp_path / "a.xlsx", rows)
    in_place(path, {2: {"order_id": "1"}})
    expected = '<c r="D2" s="1" t="inlineStr"><is><t>1</t></is></c>' + wb.text("E2", "n") + "</row>"
    assert expected.encode() in wb.unpacked(path)[wb.SHEET]


def test_a_result_cell_is_put_between_its_neighbours(tmp_path):
    rows = wb.header(names=RESULT_HEADER) + wb.order(2).replace(
        "</row>", wb.text("E2", "n") + wb.text("H2", "far") + "</row>"
    )
    path = wb.book(tmp_path / "a.xlsx", rows)
    in_place(path, {2: {"order_id": "1", "order_status": "x", "charge": "5"}})
    assert re.findall(r'r="([A-Z]2)"', wb.unpacked(path)[wb.SHEET].decode()) == [f"{c}2" for c in "ABCDEFHI"]


def test_one_sheet_serves_for_many_writes(tmp_path):
    """The columns that the first write appended are found by the second, though the sheet was read before both."""
    path = wb.rich_book(tmp_path / "a.xlsx")
    sheet, first = write(path, {4: RESULT})
    second = write_results(sheet, {4: {"order_status": "Completed", "remains": "0"}}, expected_digest=first.digest)
    assert second.in_place
    again = read_sheet(path)
    assert again.frame.loc[4, [*RESULT, "remains"]].to_list() == ["23501", "Completed", "0.45", "0"]
    assert again.columns["remains"].letter == "J"


def test_columns_appear_as_they_are_spoken_of_also_where_they_hold_nothing_yet(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2))
    columns = in_place(path, {2: {"order_id": "1", "error": ""}}).columns
    assert "error" in columns
    assert "charge" not in columns


@pytest.mark.parametrize(
    ("field", "value", "is_number"),
    [
        ("charge", "0.90000", True),
        ("charge", "-1.5", True),
        ("charge", "123456789012345", True),
        ("charge", "1234567890123456", False),
        ("charge", "0.1234567890123456", False),
        ("charge", "1e5", False),
        ("charge", "1,234.50", False),
        ("start_count", "007", False),
        ("start_count", "\u0665", False),
        ("remains", "-7", True),
        ("remains", "unknown", False),
        ("order_id", "23501", False),
        ("currency", "1", False),
    ],
)
def test_only_plain_decimals_in_columns_of_numbers_become_numbers(tmp_path, field, value, is_number):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2))
    in_place(path, {2: {field: value}})
    assert isinstance(wb.by_calamine(path)[1][3], float) == is_number
    if is_number:
        assert f"<v>{value}</v>".encode() in wb.unpacked(path)[wb.SHEET]


@pytest.mark.parametrize(
    "value", ["=1+1", "+1", "-x", "@SUM(A1)", "<b>&amp;</b>", "_x0041_", "a  b", "]]>", "'x", "👍"]
)
def test_text_from_outside_stays_text(tmp_path, value):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2))
    assert in_place(path, {2: {"error": value}}).frame.at[2, "error"] == value
    assert openpyxl.load_workbook(path)["Orders"]["D2"].data_type != "f"


def test_positions_are_counted_where_addresses_are_missing(tmp_path):
    rows = (
        "<row><c t='inlineStr'><is><t>service</t></is></c><c t='inlineStr'><is><t>link</t></is></c></row><row/>"
        "<row><c><v>7</v></c></row><row  spans='1:2' ><c r='B4'><v>8</v></c></row>"
    )
    path = wb.book(tmp_path / "a.xlsx", rows)
    again = in_place(path, {3: {"order_id": "1"}, 4: {"order_id": "2"}})
    assert again.frame["order_id"].to_dict() == {3: "1", 4: "2"}
    assert wb.by_openpyxl(path)["C4"] == "2"


def test_a_prefixed_namespace_gets_prefixed_cells(tmp_path):
    xml = (
        wb.worksheet(wb.header() + wb.order(2))
        .replace("<", "<x:")
        .replace("<x:/", "</x:")
        .replace("xmlns=", "xmlns:x=")
    )
    path = wb.pack(wb.parts({"Orders": xml}), tmp_path / "a.xlsx")
    assert in_place(path, {2: RESULT}).frame.loc[2, list(RESULT)].to_dict() == RESULT
    assert wb.by_openpyxl(path)["D2"] == "23501"


def test_a_greater_sign_inside_an_attribute_ends_no_tag(tmp_path):
    rows = wb.header() + wb.order(2, attributes=' x="a>b" spans="1:3"')
    path = wb.book(tmp_path / "a.xlsx", rows)
    assert in_place(path, {2: RESULT}).frame.at[2, "order_id"] == "23501"


def test_a_result_cell_that_holds_a_formula_is_not_replaced(tmp_path):
    rows = wb.header(names=("service", "link", "quantity", "charge")) + wb.order(2).replace(
        "</row>", '<c r="D2"><f>C2*2</f><v>200</v></c></row>'
    )
    path = wb.book(tmp_path / "a.xlsx", rows)
    data = path.read_bytes()
    _, written = write(path, {2: {"charge": "1"}})
    assert (written.path.name, written.in_place) == ("a.results.xlsx", False)
    assert "D2 holds a formula" in written.reason
    assert path.read_bytes() == data
    assert read_sheet(written.path).frame.at[2, "charge"] == "1"


def test_a_formula_in_another_cell_of_the_row_does_not_matter(tmp_path):
    again = in_place(wb.rich_book(tmp_path / "a.xlsx"), {4: RESULT})
    assert again.frame.at[4, "order_id"] == "23501"


def test_without_room_at_the_right_the_results_go_beside(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.row(2, wb.number("A2", "7"), '<c r="XFC2" s="0"/>'))
    _, written = write(path, {2: RESULT})
    assert (written.in_place, "no room" in written.reason) == (False, True)


@pytest.mark.parametrize(
    "dimension",
    ['<dimension ref="A1"/>', "<dimension ref='A1:C2'/>", ""],
)
def test_any_dimension_will_do(tmp_path, dimension):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2), before=dimension)
    in_place(path, {2: RESULT})
    assert (b"A1:F2" in wb.unpacked(path)[wb.SHEET]) == ("A1" in dimension)


def test_sizes_behind_the_data_are_moved_before_it(tmp_path):
    """Programs that write to a stream put sizes behind each part."""
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2))
    content = wb.unpacked(path)
    with (tmp_path / "b.xlsx").open("wb") as raw:
        wb.pack_stream(content, raw)
    assert in_place(tmp_path / "b.xlsx", {2: RESULT}).frame.at[2, "order_id"] == "23501"
    with zipfile.ZipFile(tmp_path / "b.xlsx") as file:
        assert [each.flag_bits & 8 for each in file.infolist()] == [0] * len(content)


def test_a_workbook_by_openpyxl_takes_results(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["service", "link", "quantity"])
    book.active.append([7, "https://x.com/p", 100])
    book.save(tmp_path / "a.xlsx")
    assert in_place(tmp_path / "a.xlsx", {2: RESULT}).frame.loc[2].to_list() == [
        "7",
        "https://x.com/p",
        "100",
        *RESULT.values(),
    ]


value = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zs", "Zl", "Zp"]), max_size=8)
orders = st.lists(
    st.tuples(st.integers(1, 10**9), value.filter(bool), st.integers(1, 10**15 - 1)), min_size=1, max_size=6
)
results = st.dictionaries(st.integers(0, 5), st.dictionaries(st.sampled_from(RESULT_FIELDS), value, min_size=1))


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=orders, first=results, second=results)
def test_orders_and_results_come_back_as_they_were_written(tmp_path, orders, first, second):
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("Orders")
    page.append(["service", "note", "link", "quantity"])
    for service, link, quantity in orders:
        page.append([service, None, wb.literal(page, link), quantity])
    path = tmp_path / "a.xlsx"
    book.save(path)
    sheet, expected = read_sheet(path), {}
    digest = sheet.digest
    for given_results in (first, second):
        kept = {at + 2: fields for at, fields in given_results.items() if at < len(orders)}
        for row, fields in kept.items():
            expected.setdefault(row, {}).update(fields)
        digest = write_results(sheet, kept, expected_digest=digest).digest
    again = read_sheet(path)
    assert again.problems == ()
    assert again.frame[list(sheet.columns)].equals(sheet.frame)
    for row, fields in expected.items():
        for field, text in fields.items():
            assert (again.frame.at[row, field] if field in again.columns else "") == wb.as_number(field, text)


def test_results_that_are_merged_with_other_cells_go_beside(tmp_path):
    rows = wb.header(names=RESULT_HEADER) + wb.order(2) + wb.order(3)
    path = wb.book(tmp_path / "a.xlsx", rows, after='<mergeCells><mergeCell ref="D2:D3"/></mergeCells>')
    _, written = write(path, {3: {"order_id": "1"}})
    assert (written.in_place, "cell D3 is merged" in written.reason) == (False, True)
    assert in_place(path, {2: {"order_id": "1"}}).frame.at[2, "order_id"] == "1"


@pytest.mark.parametrize("kind", ["array", "dataTable"])
def test_results_that_another_cell_fills_go_beside(tmp_path, kind):
    filling = f'<c r="D2"><f t="{kind}" ref="D2:D3">A2:A3</f><v>7</v></c>'
    names = ("service", "link", "quantity", "note", "Order ID")
    for attributes in ("", " spans='1:4'"):
        body = wb.order(2).replace("</row>", filling.replace("D2:D3", "D2:E3") + "</row>") + wb.order(
            3, attributes=attributes
        )
        path = wb.book(tmp_path / "a.xlsx", wb.header(names=names) + body)
        _, written = write(path, {3: {"order_id": "1"}})
        assert (written.in_place, "cell E3 is filled by a formula" in written.reason) == (False, True)


@pytest.mark.parametrize(
    ("part", "words"),
    [("_xmlsignatures/sig1.xml", "digitally signed"), ("xl/revisions/revisionLog1.xml", "list of changes")],
)
def test_what_any_change_would_break_stays_as_it_is(tmp_path, part, words):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2), **{part: "<x/>"})
    data = path.read_bytes()
    _, written = write(path, {2: RESULT})
    assert (written.path.name, words in written.reason) == ("a.results.xlsx", True)
    assert path.read_bytes() == data
    assert part not in wb.unpacked(written.path)
    assert read_sheet(written.path).frame.at[2, "order_id"] == "23501"


def test_dates_counted_from_1904_stay_and_times_of_results_are_text(tmp_path):
    """`updated_at` would be four years off as a number."""
    sheet = wb.worksheet(
        wb.header(names=("service", "link", "quantity", "when"))
        + wb.order(2).replace("</row>", wb.number("D2", "40000", ' s="2"') + "</row>")
    )
    made = wb.parts({"Orders": sheet}) | {"xl/styles.xml": wb.STYLES}
    made["xl/workbook.xml"] = str(made["xl/workbook.xml"]).replace("<sheets>", '<workbookPr date1904="1"/><sheets>')
    made["xl/_rels/workbook.xml.rels"] = wb.with_styles(made)
    path = wb.pack(made, tmp_path / "a.xlsx")
    before = wb.by_openpyxl(path)["D2"]
    again = in_place(path, {2: {"updated_at": "2026-03-04T05:06:07Z"}})
    assert again.frame.at[2, "updated_at"] == "2026-03-04T05:06:07Z"
    assert wb.by_openpyxl(path)["D2"] == before
    assert before.year == 2013


def test_frozen_panes_filters_and_protection_stay(tmp_path):
    pane = '<pane ySplit="1" topLeftCell="A2" state="frozen"/>'
    before = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    after = '<sheetProtection sheet="1" objects="1"/><autoFilter ref="A1:C2"><filterColumn colId="0"/></autoFilter>'
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2), before=before, after=after)
    in_place(path, {2: RESULT})
    xml = wb.unpacked(path)[wb.SHEET].decode()
    assert before in xml
    assert after in xml


@pytest.mark.parametrize("plain", [True, False])
def test_cells_that_are_not_written_out_have_the_style_of_their_row_or_column(tmp_path, plain):
    rows = wb.header(names=RESULT_HEADER) + wb.order(2) + wb.order(3, attributes=' s="1" customFormat="1"')
    if not plain:
        rows = rows.replace('<row r="2">', "<row r='2'>")
    cols = '<cols><col min="4" max="4" width="9" style="2"/></cols>'
    path = wb.book(tmp_path / "a.xlsx", rows, before=cols)
    in_place(path, {2: {"order_id": "1"}, 3: {"order_id": "2"}})
    xml = wb.unpacked(path)[wb.SHEET]
    assert b'<c r="D2" s="2" t="inlineStr">' in xml
    assert b'<c r="D3" s="1" t="inlineStr">' in xml


def test_new_columns_are_seen_where_all_others_are_hidden(tmp_path):
    cols = '<cols><col min="1" max="3" width="20"/><col min="4" max="16384" width="9" hidden="1"/></cols>'
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2), before=cols)
    again = in_place(path, {2: RESULT})
    assert again.columns["charge"].letter == "F"
    page = openpyxl.load_workbook(path)["Orders"]
    assert [page.column_dimensions[letter].hidden for letter in "DEFG"] == [False, False, False, True]


def test_new_columns_leave_sparklines_alone(tmp_path):
    after = (
        '<extLst><ext xmlns:x14="x" uri="u"><x14:sparklineGroups xmlns:xm="m"><x14:sparkline><xm:f>Orders!C2:C3</xm:f>'
        "<xm:sqref>E2</xm:sqref></x14:sparkline></x14:sparklineGroups></ext></extLst>"
    )
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2), after=after)
    assert in_place(path, {2: RESULT}).columns["order_id"].letter == "F"


def test_a_part_that_has_nothing_to_do_with_orders_keeps_its_bytes_whatever_it_holds(tmp_path):
    query = '<?xml version="1.0" encoding="utf-16"?><DataMashup>AAAA</DataMashup>'.encode("utf-16")
    others = {"customXml/item1.xml": query, "customXml/item2.xml": b"<a>", "docProps/app.xml": b"\0\1"}
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2), **others)
    before = wb.packed(path)
    in_place(path, {2: RESULT})
    assert {name for name in before if wb.packed(path)[name] != before[name]} == {wb.SHEET}
    assert {name: wb.unpacked(path)[name] for name in others} == others


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_results_go_into_a_worksheet_in_utf_16(tmp_path, encoding):
    made = wb.parts({"Orders": wb.worksheet(wb.header() + wb.order(2, link="https://x.com/\u8bed"))})
    coded = {
        name: ('<?xml version="1.0" encoding="UTF-16"?>' + str(xml)).encode(encoding) for name, xml in made.items()
    }
    path = wb.pack(coded, tmp_path / "a.xlsx")
    again = in_place(path, {2: RESULT})
    assert again.frame.loc[2, ["link", *RESULT]].to_list() == ["https://x.com/\u8bed", *RESULT.values()]
    assert {name for name in made if wb.unpacked(path)[name] != coded[name]} == {wb.SHEET}


def test_comments_and_sections_among_the_cells_stay(tmp_path):
    row = wb.row(2, wb.number("A2", "7"), "<!-- <c r='D2'/> -->", wb.text("B2", "<![CDATA[x<]]>"))
    path = wb.book(tmp_path / "a.xlsx", f"{wb.header()}<!-- a > b -->{row}<?p <row?>{wb.order(3)}")
    again = in_place(path, {2: RESULT, 3: RESULT})
    assert [again.frame.loc[row, list(RESULT)].to_list() for row in (2, 3)] == [[*RESULT.values()]] * 2
    xml = wb.unpacked(path)[wb.SHEET].decode()
    assert all(each in xml for each in ("<!-- a > b -->", "<!-- <c r='D2'/> -->", "<![CDATA[x<]]>", "<?p <row?>"))
    in_place(path, {2: RESULT | {"order_status": "Completed"}})
