import pytest

from bulk.files.atomic_write import digest_of
from bulk.model.errors import SheetError
from bulk.model.sheet import Problem, Sheet
from bulk.reading import read_sheet
from bulk.writing import write_results
from tests.bulk import workbooks as wb

pytestmark = pytest.mark.usefixtures("read_here")


def cells(sheet: Sheet) -> dict[int, list[str]]:
    return {row: list(values) for row, *values in sheet.frame.itertuples(name=None)}


def only_problem(sheet: Sheet) -> Problem:
    (problem,) = sheet.problems
    return problem


def test_rows_are_text_by_their_number_in_the_file(tmp_path):
    sheet = read_sheet(wb.rich_book(tmp_path / "a.xlsx"))
    assert cells(sheet) == {4: ["7", "https://x.com/1", "100"], 5: ["8", "https://x.com/2", "250"]}
    assert (sheet.kind, sheet.name, sheet.header_row, sheet.ignored) == ("xlsx", "Orders", 3, ("Double",))
    assert sheet.problems == ()
    assert sheet.where(4, "link") == "B4"


def test_the_digest_is_that_of_the_file(tmp_path):
    path = wb.rich_book(tmp_path / "a.xlsx")
    assert read_sheet(path).digest == digest_of(path.read_bytes())


def test_positions_are_counted_where_addresses_are_missing(tmp_path):
    rows = (
        "<row><c t='inlineStr'><is><t>service</t></is></c><c t='inlineStr'><is><t>link</t></is></c>"
        "<c t='inlineStr'><is><t>quantity</t></is></c></row><row/>"
        "<row><c><v>7</v></c><c r='C3'><v>100</v></c></row>"
    )
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", rows))
    assert cells(sheet) == {3: ["7", "", "100"]}


def test_a_prefixed_namespace_is_read_like_any_other(tmp_path):
    xml = (
        wb.worksheet(wb.header() + wb.order(2))
        .replace("<", "<x:")
        .replace("<x:/", "</x:")
        .replace("xmlns=", "xmlns:x=")
    )
    sheet = read_sheet(wb.pack(wb.parts({"Orders": xml}), tmp_path / "a.xlsx"))
    assert cells(sheet) == {2: ["7", "https://x.com/p", "100"]}


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("123.0", "123"),
        ("999999999999999", "999999999999999"),
        ("-5", "-5"),
        ("-0.0", "0"),
        ("10.5", "10.5"),
        ("7.0000000000000009", "7.000000000000001"),
        ("0.00001", "0.00001"),
    ],
)
def test_a_number_is_written_in_plain_digits(tmp_path, stored, text):
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2, quantity=stored)))
    assert sheet.frame.at[2, "quantity"] == text
    assert sheet.problems == ()


@pytest.mark.parametrize("stored", ["1000000000000000", "12345678901234567890", "1.23457E+15", "nan", "inf"])
def test_a_number_that_spreadsheets_round_is_a_problem(tmp_path, stored):
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2, service=stored)))
    problem = only_problem(sheet)
    assert (problem.where, problem.field, problem.row) == ("A2", "service", 2)
    assert problem.value == sheet.frame.at[2, "service"] != ""
    assert "text" in problem.remedy


@pytest.mark.parametrize(
    "value", ["00123", "NA", "null", "1_000", "\uff15", "nan", "1.000", "1,000", "1E3", "TRUE", "#N/A"]
)
def test_text_stays_text(tmp_path, value):
    rows = wb.header() + wb.row(2, wb.text("A2", "7"), wb.text("B2", "x"), wb.text("C2", value))
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", rows))
    assert sheet.frame.at[2, "quantity"] == value
    assert sheet.problems == ()


@pytest.mark.parametrize(
    ("cell", "value", "remedy"),
    [
        ('<c r="C2" t="b"><v>1</v></c>', "TRUE", "text"),
        ('<c r="C2" t="e"><v>#N/A</v></c>', "#N/A", "Fix"),
        ('<c r="C2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#DIV/0!", "Fix"),
        ('<c r="C2"><f>A2*2</f></c>', "=A2*2", "Open the file in Excel and save it"),
        ('<c r="C2"><f>A2*2</f><v/></c>', "=A2*2", "Open the file in Excel and save it"),
        ('<c r="C2"><f>A2*2</f><v></v></c>', "=A2*2", "Open the file in Excel and save it"),
        ('<c r="C2" s="2"><v>45000</v></c>', "2023-03-15", "text"),
        ('<c r="C2" t="d"><v>2024-01-31</v></c>', "2024-01-31", "text"),
    ],
)
def test_a_cell_that_is_not_what_it_seems_is_a_problem(tmp_path, cell, value, remedy):
    rows = wb.header() + wb.row(2, wb.number("A2", "7"), wb.text("B2", "x"), cell)
    sheet = read_sheet(styled_book(tmp_path / "a.xlsx", rows))
    problem = only_problem(sheet)
    assert (problem.where, problem.field, problem.row) == ("C2", "quantity", 2)
    assert problem.value.startswith(value)
    assert remedy in problem.remedy
    assert sheet.frame.at[2, "quantity"] == problem.value


def styled_book(path, rows):
    made = wb.parts({"Orders": wb.worksheet(rows)})
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"
    rels = str(made["xl/_rels/workbook.xml.rels"])
    made["xl/_rels/workbook.xml.rels"] = rels.replace(
        "</Relationships>", f'<Relationship Id="rId91" Type="{kind}" Target="styles.xml"/></Relationships>'
    )
    return wb.pack(made | {"xl/styles.xml": wb.STYLES}, path)


def test_a_row_of_nothing_but_unsaved_formulas_at_the_end_is_not_lost(tmp_path):
    formulas = wb.row(3, *(f'<c r="{letter}3"><f>{letter}2</f></c>' for letter in "ABC"))
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2) + formulas))
    assert [problem.where for problem in sheet.problems] == ["A3", "B3", "C3"]
    assert list(sheet.frame.index) == [2, 3]


def test_a_formula_with_its_value_is_that_value(tmp_path):
    rows = wb.header() + wb.row(2, wb.number("A2", "7"), wb.text("B2", "x"), '<c r="C2"><f>A2*2</f><v>14</v></c>')
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", rows))
    assert (sheet.frame.at[2, "quantity"], sheet.problems) == ("14", ())


def test_a_formula_whose_value_is_an_empty_text_is_an_empty_cell(tmp_path):
    rows = wb.header() + wb.row(2, wb.number("A2", "7"), wb.text("B2", "x"), '<c r="C2" t="str"><f>""</f><v></v></c>')
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", rows))
    assert (sheet.frame.at[2, "quantity"], sheet.problems) == ("", ())


def test_flaws_outside_the_columns_of_orders_do_not_matter(tmp_path):
    note = '<c r="D2" t="e"><v>#N/A</v></c><c r="E2" t="e"><v>#N/A</v></c>'
    rows = wb.header(names=("service", "link", "quantity", "note", "charge")) + wb.order(2).replace(
        "</row>", note + "</row>"
    )
    assert read_sheet(wb.book(tmp_path / "a.xlsx", rows)).problems == ()


@pytest.mark.parametrize("around", [" ", "\u00a0", "\u200b", "\ufeff", "\t\n"])
def test_unseen_characters_around_a_value_are_stripped(tmp_path, around):
    rows = wb.header() + wb.order(2, link=f"{around}https://x.com/p{around}")
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", rows))
    assert (sheet.frame.at[2, "link"], sheet.problems) == ("https://x.com/p", ())


@pytest.mark.parametrize("inside", ["\u00a0", "\u200b", "\u00ad", "\u202e", "\n", "\t"])
def test_unseen_characters_inside_a_link_are_a_problem(tmp_path, inside):
    rows = wb.header() + wb.order(2, link=f"https://x{inside}.com")
    problem = only_problem(read_sheet(wb.book(tmp_path / "a.xlsx", rows)))
    assert (problem.where, problem.field) == ("B2", "link")


def test_a_list_has_one_item_a_line(tmp_path):
    rows = wb.header(names=("service", "link", "comments")) + wb.row(
        2, wb.number("A2", "7"), wb.text("B2", "x"), wb.text("C2", "nice_x000D_\nwow&#13;\nfine 👍\u200d\n")
    )
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", rows))
    assert (sheet.frame.at[2, "comments"], sheet.problems) == ("nice\nwow\nfine 👍", ())


def test_merged_cells_over_orders_are_a_problem_of_each_of_their_rows(tmp_path):
    """Readers give the value to the first row only: the others would be ordered without it."""
    rows = wb.header() + wb.order(2) + wb.row(3, wb.text("B3", "y"), wb.number("C3", "5"))
    path = wb.book(tmp_path / "a.xlsx", rows, after='<mergeCells><mergeCell ref="A2:A3"/></mergeCells>')
    problems = read_sheet(path).problems
    assert {(problem.where, problem.field, problem.value) for problem in problems} == {("A2:A3", "service", "7")}
    assert [problem.row for problem in problems] == [2, 3]


def test_merged_cells_above_the_header_do_not_matter(tmp_path):
    rows = wb.row(1, wb.text("A1", "Campaign")) + wb.header(2) + wb.order(3)
    path = wb.book(tmp_path / "a.xlsx", rows, after='<mergeCells><mergeCell ref="A1:C1"/></mergeCells>')
    assert read_sheet(path).problems == ()


@pytest.mark.parametrize("how", [' hidden="1"', ' hidden="true"', ' ht="0" customHeight="1"'])
def test_a_hidden_row_that_holds_an_order_is_a_problem(tmp_path, how):
    rows = wb.header() + wb.order(2) + wb.order(3, attributes=how) + wb.row(4, attributes=how)
    problem = only_problem(read_sheet(wb.book(tmp_path / "a.xlsx", rows)))
    assert (problem.where, problem.row) == ("row 3", 3)
    assert "Unhide" in problem.remedy


def test_hidden_rows_can_be_included_or_skipped(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2) + wb.order(3, attributes=' hidden="1"'))
    included, skipped = read_sheet(path, hidden="include"), read_sheet(path, hidden="skip")
    assert (list(included.frame.index), included.problems) == ([2, 3], ())
    assert (list(skipped.frame.index), skipped.problems) == ([2], ())


def test_a_hidden_column_of_orders_is_a_problem(tmp_path):
    path = wb.book(
        tmp_path / "a.xlsx", wb.header() + wb.order(2), before='<cols><col min="2" max="5" hidden="1"/></cols>'
    )
    assert [problem.where for problem in read_sheet(path).problems] == ["column B", "column C"]


def test_of_several_worksheets_the_one_with_orders_is_read(tmp_path):
    sheets = {"Notes": wb.worksheet(wb.row(1, wb.text("A1", "x"))), "Jobs": wb.worksheet(wb.header() + wb.order(2))}
    assert read_sheet(wb.pack(wb.parts(sheets), tmp_path / "a.xlsx")).name == "Jobs"


def two_sheets(path, **more):
    xml = wb.worksheet(wb.header() + wb.order(2))
    return wb.pack(wb.parts({"One": xml, "Two": xml}, **more), path)


def test_several_worksheets_with_orders_must_be_chosen_from(tmp_path):
    path = two_sheets(tmp_path / "a.xlsx")
    with pytest.raises(SheetError, match=r"several worksheets hold orders: 'One', 'Two'\..*--sheet One"):
        read_sheet(path)
    assert read_sheet(path, sheet="Two").name == "Two"


def test_a_hidden_worksheet_is_read_only_by_its_name(tmp_path):
    path = two_sheets(tmp_path / "a.xlsx", hidden=("One",))
    assert read_sheet(path).name == "Two"
    assert read_sheet(path, sheet="One").name == "One"


def test_an_unknown_worksheet_is_named_with_those_that_exist(tmp_path):
    with pytest.raises(SheetError, match=r"no worksheet 'Three'\. Worksheets: 'One', 'Two'"):
        read_sheet(two_sheets(tmp_path / "a.xlsx"), sheet="Three")


def test_a_missing_header_says_what_was_looked_for_and_what_is_there(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.row(2, wb.text("A2", "Campaign"), wb.text("B2", "May")))
    with pytest.raises(SheetError, match=r"sheet 'Orders': no header row .*'service'.*row 2: Campaign, May"):
        read_sheet(path)


def test_an_empty_workbook_has_no_header(tmp_path):
    with pytest.raises(SheetError, match="The first rows hold: nothing"):
        read_sheet(wb.book(tmp_path / "a.xlsx", ""))


def test_rows_without_an_order_are_left_out(tmp_path):
    rows = wb.header(names=("service", "link", "quantity", "note")) + wb.row(2, wb.text("D2", "a note")) + wb.order(3)
    assert list(read_sheet(wb.book(tmp_path / "a.xlsx", rows)).frame.index) == [3]


def test_a_row_with_nothing_but_an_order_id_stays(tmp_path):
    rows = wb.header(names=("service", "link", "order_id")) + wb.row(2, wb.number("C2", "23501"))
    assert cells(read_sheet(wb.book(tmp_path / "a.xlsx", rows))) == {2: ["", "", "23501"]}


def test_a_number_that_names_no_shared_string_is_refused(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.row(2, '<c r="A2" t="s"><v>9</v></c>'))
    with pytest.raises(SheetError, match="cannot be read"):
        read_sheet(path)


def with_table(path, *last_row, totals=' totalsRowCount="1"', names=("service", "link", "quantity")):
    """Write two orders and a row of a table's totals."""
    xml = wb.worksheet(wb.header(names=names) + wb.order(2) + wb.order(3, quantity="50") + wb.row(4, *last_row))
    made = wb.parts({"Orders": xml})
    made["xl/worksheets/_rels/sheet1.xml.rels"] = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/table" '
        'Target="/xl/tables/table1.xml"/></Relationships>'
    )
    made["xl/tables/table1.xml"] = f'<table xmlns="{wb.MAIN}" id="1" ref="A1:C4"{totals}/>'
    return wb.pack(made, path)


TOTALS = (wb.text("A4", "Total"), '<c r="C4"><f>SUBTOTAL(109,A2:A3)</f></c>')


def test_the_totals_of_a_table_are_no_order(tmp_path):
    sheet = read_sheet(with_table(tmp_path / "a.xlsx", *TOTALS))
    assert list(cells(sheet)) == [2, 3]
    assert sheet.problems == ()


@pytest.mark.parametrize("totals", ["", ' totalsRowCount="0"', ' totalsRowCount="one"'])
def test_the_last_row_of_a_table_without_totals_is_read(tmp_path, totals):
    sheet = read_sheet(with_table(tmp_path / "a.xlsx", *TOTALS, totals=totals))
    assert list(cells(sheet)) == [2, 3, 4]
    assert only_problem(sheet).where == "C4"


@pytest.mark.parametrize(
    "service", [wb.number("A4", "7"), wb.text("A4", "7 – Likes"), '<c r="A4"><f>VLOOKUP("likes",F:G,2)</f></c>']
)
def test_a_row_of_totals_that_may_be_an_order_is_read(tmp_path, service):
    sheet = read_sheet(with_table(tmp_path / "a.xlsx", service, wb.text("B4", "https://x.com/q"), wb.number("C4", "9")))
    assert list(cells(sheet)) == [2, 3, 4]


def test_totals_that_count_the_order_ids_are_no_order(tmp_path):
    count = '<c r="B4"><f>SUBTOTAL(102,B2:B3)</f><v>2</v></c>'
    names = ("service", "order_id", "quantity")
    sheet = read_sheet(with_table(tmp_path / "a.xlsx", wb.text("A4", "Total"), count, names=names))
    assert list(cells(sheet)) == [2, 3]


@pytest.mark.parametrize("inside", ["1<!-- x -->2", "<![CDATA[12]]>", "<![CDATA[1]]>2", "1<?x y?>2", "<!-- -->12"])
@pytest.mark.parametrize("of_text", [False, True])
def test_a_value_that_is_interrupted_is_read_as_xml_means_it(tmp_path, inside, of_text):
    """Calamine alone reads some of these as 1 and others as nothing."""
    cell = wb.text("C2", inside) if of_text else wb.number("C2", inside)
    row = wb.row(2, "<!-- a -->", wb.number("A2", "7"), wb.text("B2", "https://x.com/?a=1&amp;b=<![CDATA[<&]]>"), cell)
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", wb.header() + row + "<!-- b -->" + wb.order(3)))
    assert cells(sheet)[2] == ["7", "https://x.com/?a=1&b=<&", "12"]
    assert (list(sheet.rows), sheet.problems) == ([2, 3], ())


def test_a_shared_text_that_is_interrupted_is_read_as_xml_means_it(tmp_path):
    rows = wb.header() + wb.row(2, wb.number("A2", "7"), '<c r="B2" t="s"><v>0</v></c>', wb.number("C2", "5"))
    strings = wb.shared("https://<!-- x -->x.com/<![CDATA[a]]>")
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", rows, **{"xl/sharedStrings.xml": strings}))
    assert cells(sheet)[2][1] == "https://x.com/a"


def test_a_value_of_a_formula_may_be_interrupted(tmp_path):
    formula = '<c r="C2"><f>A1*<!-- x -->2</f><v><![CDATA[1]]>00</v></c>'
    row = wb.row(2, wb.number("A2", "7"), wb.text("B2", "x"), formula)
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", wb.header() + row))
    assert (cells(sheet)[2], sheet.problems) == (["7", "x", "100"], ())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_every_part_may_be_in_utf_16(tmp_path, encoding):
    rows = wb.header() + wb.row(2, wb.number("A2", "7"), '<c r="B2" t="s"><v>0</v></c>', wb.number("C2", "5"))
    made = wb.parts({"Orders": wb.worksheet(rows)}) | {"xl/sharedStrings.xml": wb.shared("https://x.com/é\u8bed")}
    declared = '<?xml version="1.0" encoding="UTF-16" standalone="yes"?>'
    coded = {name: (declared + str(content)).encode(encoding) for name, content in made.items()}
    sheet = read_sheet(wb.pack(coded, tmp_path / "a.xlsx"))
    assert (cells(sheet), sheet.problems) == ({2: ["7", "https://x.com/é\u8bed", "5"]}, ())


_REFS = ("1:4", "A:C", "", "A0:B0", "$A$1:$C$9", "A1:B2:C3", "x y", "A1", "A1:XFD9999999")


@pytest.mark.parametrize(
    "dimension",
    [
        *(f'<dimension ref="{ref}"/>' for ref in _REFS),
        "<dimension/>",
        "<dimension ref='A:C'></dimension>",
        "<dimension ref='1>4' ></dimension >",
    ],
)
def test_a_dimension_is_a_hint_and_ignored(tmp_path, dimension):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2) + wb.order(3), before=dimension)
    sheet = read_sheet(path)
    assert (list(sheet.rows), sheet.problems) == ([2, 3], ())
    assert write_results(sheet, {3: {"order_id": "1"}}, expected_digest=sheet.digest).in_place
    assert list(read_sheet(path).frame["order_id"]) == ["", "1"]
