"""A copy of a sheet whose problems are marked where they stand."""

import re
import shutil

import openpyxl
import pytest
from openpyxl.comments import Comment

from bulk import problem_copy
from bulk.model.errors import SheetError
from bulk.model.options import ReadOptions
from bulk.model.sheet import Problem
from bulk.problem_copy import GROUND, comments_by_cell, copy_workbook, write_problem_copy
from bulk.reading import read_as
from bulk.reading.reader_worker import ResourceLimits
from tests.bulk.everything import ROWS, everything
from tests.bulk.plans import sheet_of
from tests.bulk.workbooks import (
    MAIN,
    SHEET,
    STYLES,
    book,
    by_calamine,
    header,
    number,
    order,
    pack,
    parts,
    rich_book,
    row,
    text,
    unpacked,
    worksheet,
)

HOW = ReadOptions()
FORMULAS = "the results of formulas (the next program that saves it computes them)"
HERE = pytest.mark.usefixtures("read_here", "copied_here")


@pytest.fixture
def copied_here(monkeypatch):
    """Have workbooks copied in this process: a tenth of the time."""
    monkeypatch.setattr(problem_copy, "run_in_subprocess", lambda _program, task, _allowance: copy_workbook(*task[1:]))


def problem(where="C4", field="quantity", row=4, message="is not whole", remedy="type it again"):
    return Problem(where, field, "", message, remedy, row)


def mark(path, *problems, how=HOW):
    """Mark these problems, or the sheet's own."""
    sheet = read_as(path, how)
    return write_problem_copy(sheet, problems or sheet.problems)


def page(path, name="Orders"):
    return openpyxl.load_workbook(path)[name]


def marks(path, name="Orders"):
    """Give the comment of each coloured cell."""
    cells = [cell for cells in page(path, name).iter_rows() for cell in cells]
    assert all(cell.fill.fgColor.rgb == GROUND for cell in cells if cell.comment)
    return {cell.coordinate: cell.comment and cell.comment.text for cell in cells if cell.fill.fgColor.rgb == GROUND}


def orders(path):
    return read_as(path, HOW).frame.to_dict("records")


def test_a_bad_cell_is_coloured_and_its_comment_says_what_is_wrong_and_how_to_mend_it(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    marked = mark(path, problem())
    assert (marked.path, marked.unexplained) == (tmp_path / "week.problems.xlsx", 0)
    assert marks(marked.path) == {"C4": "Is not whole.\nType it again."}


@HERE
@pytest.mark.parametrize("make", [rich_book, everything])
def test_the_sheet_is_not_touched(tmp_path, make):
    path = make(tmp_path / "week.xlsx")
    before = path.read_bytes()
    mark(path, problem("C5", row=5))
    assert path.read_bytes() == before


def looks(path):
    """Give the value and the format of every cell."""
    return {
        (page.title, cell.coordinate): (getattr(cell.value, "text", cell.value), cell.data_type, cell.number_format,
                                        cell.font.b, cell.font.i, cell.fill.fgColor.rgb)
        for page in openpyxl.load_workbook(path)
        for cells in page.iter_rows()
        for cell in cells
        if cell.value is not None
    }  # fmt: skip


@HERE
@pytest.mark.filterwarnings("ignore:.*extension is not supported")
@pytest.mark.parametrize("make", [rich_book, everything])
def test_no_value_no_formula_and_no_other_format_changes(tmp_path, make):
    path = make(tmp_path / "week.xlsx")
    before, after = looks(path), looks(mark(path, problem("C5", row=5)).path)
    assert {at for at, look in after.items() if look != before.get(at)} == {("Orders", "C5")}
    assert after["Orders", "C5"][:-1] == before["Orders", "C5"][:-1]
    assert before.keys() == after.keys()


@HERE
def test_of_a_workbook_with_everything_in_it_the_copy_keeps_what_openpyxl_keeps_and_lists_the_rest(tmp_path):
    path, first = everything(tmp_path / "week.xlsx"), ROWS[0]
    marked = mark(path, problem(f"B{first}", "link", first), problem(f"C{first}", "quantity", first))
    assert marked.lost.removeprefix("the copy does not hold everything of the sheet: ").split(", ") == [
        "images", "shapes", "details of charts", "sparklines", "dynamic arrays", "newer conditional formats",
        "printer settings", "data of other programs", FORMULAS,
    ]  # fmt: skip
    assert orders(marked.path) == orders(path)
    assert page(marked.path)[f"B{first}"].comment.text.startswith("Ask Ann about this one\nsmmplus: Is not whole.")
    copy = openpyxl.load_workbook(marked.path)
    assert (copy["Orders"].protection.sheet, copy["Orders"].freeze_panes, list(copy["Orders"].tables)) == (
        True,
        "C5",
        ["OrderTable"],
    )
    assert (len(copy["Sums"]._charts), len(copy["Pivot"]._pivots)) == (1, 1)


ODD = (
    row(
        2, number("A2", "7"), number("B2", "0.30000000000000004", ' s="2"'), number("C2", "12345678901234567", ' s="2"')
    )
    + row(3, number("A3", "-5", ' s="2"'), text("B3", "=1+1"), text("C3", " 007 "))
    + row(4, number("A4", "7"), number("C4", "45000.123456789012", ' s="2"'), '<c r="D4" t="b"><v>1</v></c>')
    + row(5, number("A5", "0.1"), text("B5", "_x0041_"), '<c r="C5" t="e"><v>#N/A</v></c>')
)


@HERE
def test_values_that_openpyxl_would_change_are_the_same_in_the_copy(tmp_path):
    """It would round numbers to 16 digits, turn dates that it cannot hold into errors, and fill in what links show."""
    link = '<hyperlinks><hyperlink ref="B4" location="https://x.com/a"/></hyperlinks>'
    path = styled(tmp_path / "a.xlsx", header() + ODD, after=link)
    marked = mark(path, problem("A2", "service", 2))
    assert (by_calamine(marked.path), marked.lost) == (by_calamine(path), "")
    for value in (b"<v>0.30000000000000004</v>", b"<v>12345678901234567</v>", b"<v>-5</v>", b"<t>=1+1</t>"):
        assert value in unpacked(marked.path)[SHEET]


@HERE
@pytest.mark.parametrize(
    ("before", "row_attributes"),
    [
        ("", ' hidden="1"'),
        ("", ' ht="0" customHeight="1"'),
        ('<cols><col min="2" max="3" width="9" hidden="1"/></cols>', ""),
        ('<cols><col min="2" max="3" width="0" customWidth="1"/></cols>', ""),
    ],
)
def test_what_is_hidden_stays_hidden(tmp_path, before, row_attributes):
    path = styled(tmp_path / "a.xlsx", header() + order(2) + order(3, attributes=row_attributes), before=before)
    problems = read_as(path, HOW).problems
    assert "is hidden" in problems[0].message
    assert read_as(mark(path).path, HOW).problems == problems


@HERE
def test_the_copy_reads_as_the_sheet_does(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    assert orders(mark(path, problem()).path) == orders(path)


def styled(path, rows, before="", after=""):
    """Write a workbook of one worksheet with styles: 1 is bold, 2 a date."""
    made = parts({"Orders": worksheet(rows, before, after)}) | {"xl/styles.xml": STYLES}
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
    typed = f'<Override PartName="/xl/styles.xml" ContentType="{kind}"/></Types>'
    made["[Content_Types].xml"] = str(made["[Content_Types].xml"]).replace("</Types>", typed)
    return pack(made, path)


@HERE
def test_a_bold_cell_stays_bold(tmp_path):
    marked = mark(
        styled(tmp_path / "a.xlsx", header() + order(2).replace('r="C2"', 'r="C2" s="1"')), problem("C2", row=2)
    )
    cell = page(marked.path)["C2"]
    assert (cell.font.b, cell.fill.fgColor.rgb) == (True, GROUND)


@HERE
def test_an_empty_cell_that_lacks_a_value_is_marked_too(tmp_path):
    path = book(tmp_path / "a.xlsx", header() + row(2, number("A2", "7"), number("C2", "5"), attributes=' spans="1:3"'))
    assert list(marks(mark(path, problem("B2", "link", 2)).path)) == ["B2"]


@HERE
def test_a_cell_behind_the_last_one_of_its_row_is_marked_too(tmp_path):
    path = book(tmp_path / "a.xlsx", header() + row(2, "<c><v>7</v></c>", '<c t="inlineStr"><is><t>x</t></is></c>'))
    assert list(marks(mark(path, problem("C2", "quantity", 2)).path)) == ["C2"]


@HERE
def test_a_row_without_any_cell_can_be_marked(tmp_path):
    path = book(tmp_path / "a.xlsx", header() + order(2) + '<row r="3" ht="20"/>')
    assert list(marks(mark(path, problem("row 3", "", 3)).path)) == ["A3"]


@HERE
@pytest.mark.parametrize(
    ("before", "attributes"),
    [('<cols><col min="1" max="3" style="1"/></cols>', ""), ("", ' s="1" customFormat="1"')],
    ids=["column", "row"],
)
def test_an_empty_cell_keeps_the_look_of_its_column_or_row(tmp_path, before, attributes):
    rows = header() + row(2, number("A2", "7"), attributes=attributes)
    path = styled(tmp_path / "a.xlsx", rows, before=before)
    assert page(mark(path, problem("B2", "link", 2)).path)["B2"].font.b


@HERE
def test_what_is_wrong_with_a_row_stands_in_its_first_cell_of_an_order(tmp_path):
    names = ("note", "link", "service", "quantity")
    rows = row(1, *(text(f"{letter}1", name) for letter, name in zip("ABCD", names, strict=True)))
    path = book(tmp_path / "a.xlsx", rows + row(2, text("A2", "n"), text("B2", "https://x.com/a"), number("C2", "7")))
    assert list(marks(mark(path, problem("row 2", "", 2)).path)) == ["B2"]


@HERE
def test_what_is_wrong_with_a_column_stands_in_its_header(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    assert list(marks(mark(path, problem("column C", "quantity", None)).path)) == ["C3"]


@HERE
def test_several_problems_of_a_cell_are_one_comment(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    twice = (problem(), problem(message="is too small", remedy="write 10 or more"), problem())
    assert marks(mark(path, *twice).path) == {"C4": "Is not whole.\nType it again.\n\nIs too small.\nWrite 10 or more."}


@HERE
def test_of_merged_cells_the_one_that_can_be_seen_is_marked():
    sheet = sheet_of({"service": "2", "link": "x"}, kind="xlsx")
    merged = [problem("A2:A4", "service", at) for at in (2, 3, 4)]
    assert list(comments_by_cell(sheet, merged)) == [(2, 0)]


@HERE
def test_mended_in_the_copy_it_has_no_problem_left(tmp_path):
    path = book(
        tmp_path / "a.xlsx",
        header() + order(2) + order(3).replace("<v>100</v>", "<v>10.5</v>").replace("<v>7</v>", "<f>B1</f>"),
    )
    marked = mark(path)
    assert list(marks(marked.path)) == ["A3"]
    mended = openpyxl.load_workbook(marked.path)
    mended["Orders"]["A3"] = 8
    mended.save(marked.path)
    sheet = read_as(marked.path, HOW)
    assert (sheet.problems, sheet.frame["service"].tolist()) == ((), ["7", "8"])


def commented(path):
    """Write a workbook with a comment and an image of somebody's own."""
    made = openpyxl.Workbook()
    orders = made.active
    orders.title = "Orders"
    for cells in (("service", "link", "quantity"), (7, "https://x.com/a", 10.5), (8, "https://x.com/b", 20)):
        orders.append(cells)
    orders["C2"].comment = Comment("Ask <Budi>", "Ani")
    orders["A3"].comment = Comment("Mine", "Ani")
    made.save(path)
    return path


@HERE
def test_comments_of_a_persons_own_are_kept_and_come_first(tmp_path):
    marked = mark(commented(tmp_path / "a.xlsx"), problem("C2", row=2), problem("B2", "link", 2))
    again = mark(marked.path, problem("C2", row=2), problem("B2", "link", 2))
    for path in (marked.path, again.path):
        comments = {cell.coordinate: cell.comment for cells in page(path).iter_rows() for cell in cells if cell.comment}
        assert {at: each.author for at, each in comments.items()} == {"C2": "Ani", "A3": "Ani", "B2": "smmplus"}
        assert comments["C2"].text == "Ask <Budi>\nsmmplus: Is not whole.\nType it again."


@HERE
def test_of_merged_cells_one_that_cannot_be_seen_is_coloured_alone(tmp_path):
    merged = '<mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells>'
    rows = header() + order(2) + row(3, text("B3", "x"), number("C3", "5"))
    marked = mark(styled(tmp_path / "a.xlsx", rows, after=merged), problem("A3", "service", 3))
    assert (marked.unexplained, marked.lost) == (1, "")


@pytest.mark.slow
def test_marked_once_more_a_comment_of_ours_is_replaced(tmp_path):
    first = mark(rich_book(tmp_path / "week.xlsx"), problem(), problem("B4", "link"))
    second = mark(first.path, problem(message="is too small"))
    assert second.path == tmp_path / "week.problems-2.xlsx"
    assert marks(second.path)["C4"] == "Is too small.\nType it again."


@HERE
def test_names_with_a_prefix_are_no_hindrance(tmp_path):
    xml = re.sub(r"<(/?)(?=\w)", r"<\1x:", worksheet(header() + order(2))).replace("xmlns=", "xmlns:x=")
    path = pack(parts({"Orders": xml}), tmp_path / "a.xlsx")
    marked = mark(path, problem("C2", row=2), problem("D2", "", 2))
    assert (list(marks(marked.path)), marked.lost, orders(marked.path)) == (["A2", "C2"], "", orders(path))


@HERE
def test_a_workbook_without_styles_can_be_marked(tmp_path):
    path = book(tmp_path / "a.xlsx", header() + order(2))
    marked = mark(path, problem("C2", row=2))
    assert (list(marks(marked.path)), marked.lost) == (["C2"], "")


STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
MERGED = '<mergeCells count="1"><mergeCell ref="E1:XFD1048576"/></mergeCells>'
HIDDEN_VALUE = '<mergeCells count="1"><mergeCell ref="D4:D5"/></mergeCells>'
AS_TEXT = "the copy holds the orders as text, without formats and other worksheets: copying the workbook "


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "after", "change", "why"),
    [
        (header() + order(2, attributes=' s="9"') + order(3), "", "", "ended with status 1"),
        (header() + order(2) + order(3), "", STRICT, "ended with status 1"),
        (header() + order(2) + order(3) + row(5, text("D5", "x")), HIDDEN_VALUE, "", "ended with status 1"),
        (header() + order(2) + order(3), MERGED, "", "needed more than 200 MiB of memory"),
    ],
    ids=["a style that is not there", "strict", "a value below a merged cell", "far more cells than it holds"],
)
def test_what_openpyxl_cannot_copy_is_copied_as_text_and_that_is_told(tmp_path, monkeypatch, rows, after, change, why):
    monkeypatch.setattr("bulk.problem_copy._ALLOWANCE", ResourceLimits(200 << 20, 100, 300))
    path = book(tmp_path / "a.xlsx", rows, after=after)
    if change:
        pack({name: part.replace(MAIN.encode(), change.encode()) for name, part in unpacked(path).items()}, path)
    marked = mark(path, problem("C3", row=3))
    assert (marked.lost.startswith(AS_TEXT), why in marked.lost) == (True, True), marked.lost
    assert (orders(marked.path), list(marks(marked.path))) == (orders(path), ["C3"])


def test_a_process_that_cannot_be_started_makes_no_copy_of_a_workbook(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("bulk.problem_copy.run_in_subprocess", refuse)
    marked = mark(rich_book(tmp_path / "week.xlsx"), problem())
    assert "Cannot allocate memory" in marked.lost


@HERE
def test_beyond_a_number_of_comments_cells_are_coloured_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("bulk.problem_copy.MOST_NOTES", 1)
    marked = mark(rich_book(tmp_path / "week.xlsx"), problem(), problem("B4", "link"))
    assert marked.unexplained == 1
    assert sorted(map(bool, marks(marked.path).values())) == [False, True]


CSV = "note;service;link;quantity\nx;7;https://x.com/a;1.000\n\nx;8;https://x.com/_x0041_;20\n"


@HERE
def test_a_sheet_of_text_becomes_a_workbook_of_the_same_rows(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(CSV, "utf-8")
    marked = mark(path, problem("line 2, quantity", row=2), problem("line 4, link", "link", 4))
    assert (marked.path.name, orders(marked.path)) == ("week.problems.xlsx", orders(path))
    assert list(marks(marked.path)) == ["D2", "C4"]
    assert page(marked.path)["A4"].value == "x"
    assert path.read_text("utf-8") == CSV


@HERE
def test_control_characters_and_formulas_of_a_csv_are_in_the_copy_as_they_were(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(
        'service,link,quantity,comments,error\n7,https://x.com/\x07a,5,"=1+1\n\x07_x0041_",\'=no\n', "utf-8"
    )
    copy = read_as(mark(path).path, HOW)
    assert copy.frame.to_dict("records") == orders(path)
    assert [found.message for found in copy.problems] == ["has an invisible character or an unusual space inside"]


@HERE
def test_a_row_with_too_many_cells_stays_a_problem_until_somebody_takes_it_apart(tmp_path):
    """Spread over the columns, it would order 1 in place of 1,000."""
    path = tmp_path / "week.csv"
    path.write_text("service,link,quantity\n7,https://x.com/a,1,000\n", "utf-8")
    marked = mark(path)
    assert orders(marked.path) == [{"service": "7,https://x.com/a,1,000", "link": "", "quantity": ""}]
    assert list(marks(marked.path)) == ["A2"]


@HERE
def test_mass_order_text_becomes_a_workbook_with_a_header(tmp_path):
    path = tmp_path / "week.txt"
    path.write_text("7 | https://x.com/a | 100\n\n8 | x | y\n9 | 20 | https://x.com/b\n", "utf-8")
    marked = mark(path)
    assert [list(cells.values()) for cells in orders(marked.path)] == [
        ["7", "https://x.com/a", "100"],
        ["8 | x | y", "", ""],
        ["9", "https://x.com/b", "20"],
    ]
    assert list(marks(marked.path)) == ["A3"]


@HERE
def test_a_text_that_no_cell_can_hold_is_not_cut(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(f"service,link,quantity,comments\n7,https://x.com/a,1.5,{'x' * 40_000}\n", "utf-8")
    with pytest.raises(SheetError, match="too long for a cell"):
        mark(path, problem("line 2, quantity", row=2))
    assert [each.name for each in tmp_path.iterdir()] == ["week.csv"]


@HERE
def test_a_sheet_with_more_rows_than_can_be_read_again_gets_no_copy(tmp_path, monkeypatch):
    monkeypatch.setattr("bulk.problem_copy.MOST_ROWS", 2)
    path = tmp_path / "week.csv"
    path.write_text(CSV, "utf-8")
    with pytest.raises(SheetError, match="4 rows are too many"):
        mark(path, problem("line 2, quantity", row=2))


@HERE
def test_a_copy_that_nobody_touched_is_replaced_and_one_that_somebody_mended_is_kept(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    first = mark(path, problem())
    assert mark(path, problem(row=5, where="C5")).path == first.path
    mended = openpyxl.load_workbook(first.path)
    mended["Orders"]["C5"] = 12
    mended.save(first.path)
    second = mark(path, problem())
    assert second.path == tmp_path / "week.problems-2.xlsx"
    assert page(first.path)["C5"].value == 12


@HERE
def test_a_file_of_that_name_that_is_none_of_ours_is_kept(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    other = tmp_path / "week.problems.xlsx"
    other.write_bytes(b"mine")
    assert mark(path, problem()).path == tmp_path / "week.problems-2.xlsx"
    shutil.copy(path, other)
    assert mark(path, problem()).path == tmp_path / "week.problems-2.xlsx"


@HERE
def test_a_sheet_that_was_saved_since_is_not_marked_with_old_problems(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    sheet = read_as(path, HOW)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(SheetError, match="the file was changed since it was read"):
        write_problem_copy(sheet, [problem()])
    path.unlink()
    with pytest.raises(SheetError, match="cannot be opened"):
        write_problem_copy(sheet, [problem()])


@HERE
def test_headers_that_mean_what_a_person_says_mean_it_in_the_copy_too(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text("Nr,Alamat,Pcs\n7,https://x.com/a,1.5\n", "utf-8")
    how = ReadOptions(headers=(("Nr", "service"), ("Alamat", "link"), ("Pcs", "quantity")))
    marked = mark(path, problem("line 2, Pcs", row=2), how=how)
    assert list(marks(marked.path)) == ["C2"]
    assert read_as(marked.path, how).frame.to_dict("records") == read_as(path, how).frame.to_dict("records")
