"""A copy of a sheet whose problems are marked where they stand."""

import re
import shutil

import openpyxl
import pytest
from openpyxl.comments import Comment

from bulk.errors import SheetError
from bulk.marking import mark_problems, notes_of
from bulk.marking.notes import no_comments, with_notes, with_shapes
from bulk.marking.styles import GROUND, NO_STYLES, with_grounds
from bulk.reading import read_as
from bulk.reading.how import How
from bulk.sheet import Problem
from tests.bulk.everything import ROWS, everything
from tests.bulk.jobs import sheet_of
from tests.bulk.workbooks import (
    MAIN,
    SHEET,
    STYLES,
    book,
    header,
    number,
    order,
    pack,
    packed,
    parts,
    rich_book,
    row,
    text,
    unpacked,
    worksheet,
)

HOW = How()


def problem(where="C4", field="quantity", row=4, message="is not whole", remedy="type it again"):
    return Problem(where, field, "", message, remedy, row)


def mark(path, *problems, how=HOW):
    """Mark these problems, or the sheet's own."""
    sheet = read_as(path, how)
    return mark_problems(sheet, problems or sheet.problems)


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
    assert (marked.path, marked.unexplained, marked.lost) == (tmp_path / "week.problems.xlsx", 0, "")
    assert marks(marked.path) == {"C4": "Is not whole.\nType it again."}


def test_the_sheet_is_not_touched_and_the_copy_keeps_every_other_part_to_the_byte(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    before = path.read_bytes()
    marked = mark(path, problem())
    assert path.read_bytes() == before
    new = {name for name, seen in packed(marked.path).items() if packed(path).get(name) != seen}
    assert new == {
        "[Content_Types].xml", SHEET, "xl/styles.xml", "xl/worksheets/_rels/sheet1.xml.rels",
        "xl/smmplusComments.xml", "xl/drawings/smmplusComments.vml",
    }  # fmt: skip


def test_no_value_no_formula_and_no_other_style_changes(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    marked = mark(path, problem(), problem("D4", "", 4))
    was, now = unpacked(path)[SHEET].decode(), unpacked(marked.path)[SHEET].decode()
    bare = re.sub(r"<legacyDrawing[^>]*>", "", now)
    assert (
        bare.replace('<c r="C4" s="3">', '<c r="C4">')
        .replace(' t="s" s="3"', ' t="s"')
        .replace('<c r="A4" s="3">', '<c r="A4">')
        == was
    )


def test_the_copy_reads_as_the_sheet_does(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    assert orders(mark(path, problem()).path) == orders(path)


def test_a_bold_cell_stays_bold(tmp_path):
    made = book(tmp_path / "a.xlsx", header() + order(2).replace('r="C2"', 'r="C2" s="1"'), **{"xl/styles.xml": STYLES})
    marked = mark(made, problem("C2", row=2))
    cell = page(marked.path)["C2"]
    assert (cell.font.b, cell.fill.fgColor.rgb) == (True, GROUND)


def test_an_empty_cell_that_lacks_a_value_is_marked_too(tmp_path):
    path = book(tmp_path / "a.xlsx", header() + row(2, number("A2", "7"), number("C2", "5"), attributes=' spans="1:3"'))
    assert list(marks(mark(path, problem("B2", "link", 2)).path)) == ["B2"]


def test_a_cell_behind_the_last_one_of_its_row_is_marked_too(tmp_path):
    path = book(tmp_path / "a.xlsx", header() + row(2, "<c><v>7</v></c>", '<c t="inlineStr"><is><t>x</t></is></c>'))
    assert list(marks(mark(path, problem("C2", "quantity", 2)).path)) == ["C2"]


def test_a_row_without_any_cell_can_be_marked(tmp_path):
    path = book(tmp_path / "a.xlsx", header() + order(2) + '<row r="3" ht="20"/>')
    assert list(marks(mark(path, problem("row 3", "", 3)).path)) == ["A3"]


def test_an_empty_cell_keeps_the_look_of_its_column(tmp_path):
    columns = '<cols><col min="2" max="2" style="1"/></cols>'
    path = book(tmp_path / "a.xlsx", header() + row(2, number("A2", "7")), before=columns, **{"xl/styles.xml": STYLES})
    assert page(mark(path, problem("B2", "link", 2)).path)["B2"].font.b


def test_what_is_wrong_with_a_row_stands_in_its_first_cell_of_an_order(tmp_path):
    names = ("note", "link", "service", "quantity")
    rows = row(1, *(text(f"{letter}1", name) for letter, name in zip("ABCD", names, strict=True)))
    path = book(tmp_path / "a.xlsx", rows + row(2, text("A2", "n"), text("B2", "https://x.com/a"), number("C2", "7")))
    assert list(marks(mark(path, problem("row 2", "", 2)).path)) == ["B2"]


def test_what_is_wrong_with_a_column_stands_in_its_header(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    assert list(marks(mark(path, problem("column C", "quantity", None)).path)) == ["C3"]


def test_several_problems_of_a_cell_are_one_comment(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    twice = (problem(), problem(message="is too small", remedy="write 10 or more"), problem())
    assert marks(mark(path, *twice).path) == {"C4": "Is not whole.\nType it again.\n\nIs too small.\nWrite 10 or more."}


def test_of_merged_cells_the_one_that_can_be_seen_is_marked():
    sheet = sheet_of({"service": "2", "link": "x"}, kind="xlsx")
    merged = [problem("A2:A4", "service", at) for at in (2, 3, 4)]
    assert list(notes_of(sheet, merged)) == [(2, 0)]


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


def test_comments_of_a_persons_own_are_kept_and_come_first(tmp_path):
    marked = mark(commented(tmp_path / "a.xlsx"), problem("C2", row=2), problem("B2", "link", 2))
    comments = {
        cell.coordinate: cell.comment for cells in page(marked.path).iter_rows() for cell in cells if cell.comment
    }
    assert {at: each.author for at, each in comments.items()} == {"C2": "Ani", "A3": "Ani", "B2": "smmplus"}
    assert comments["C2"].text == "Ask <Budi>\nsmmplus: Is not whole.\nType it again."
    drawing = next(content for name, content in unpacked(marked.path).items() if name.endswith(".vml"))
    assert drawing.count(b":Row>") == 2 * 3
    assert len(set(re.findall(rb'id="(_x0000_s\d+)"', drawing))) == 3


def test_marked_once_more_a_comment_of_ours_is_replaced(tmp_path):
    first = mark(rich_book(tmp_path / "week.xlsx"), problem(), problem("B4", "link"))
    second = mark(first.path, problem(message="is too small"))
    assert second.path == tmp_path / "week.problems-2.xlsx"
    assert marks(second.path)["C4"] == "Is too small.\nType it again."


def test_a_comment_without_words_gets_ours():
    xml = no_comments(MAIN).replace(b"<commentList/>", b'<commentList><comment ref="A1" authorId="3"/></commentList>')
    made, new, left_alone = with_notes(xml, {(1, 0): "a<b"})
    assert (b"<text><t" in made, b"a&lt;b" in made, new, left_alone) == (True, True, [], 0)


def test_a_conversation_is_left_alone_and_that_is_counted(tmp_path):
    path = tmp_path / "a.xlsx"
    made = openpyxl.load_workbook(commented(path))
    made["Orders"]["C2"].comment = Comment("[Threaded comment]\n\nYour version of Excel …", "tc={1}")
    made.save(path)
    marked = mark(path, problem("C2", row=2), problem("B2", "link", 2))
    assert marked.unexplained == 1
    cell = page(marked.path)["C2"]
    assert (cell.fill.fgColor.rgb, "smmplus" in cell.comment.text) == (GROUND, False)


def test_names_with_a_prefix_stay_with_their_prefix(tmp_path):
    xml = re.sub(r"<(/?)(?=\w)", r"<\1x:", worksheet(header() + order(2))).replace("xmlns=", "xmlns:x=")
    made = parts({"Orders": xml}) | {
        "xl/styles.xml": re.sub(r"<(/?)(?=\w)", r"<\1x:", STYLES).replace("xmlns=", "xmlns:x=")
    }
    path = pack(made, tmp_path / "a.xlsx")
    assert list(marks(mark(path, problem("C2", row=2), problem("D2", "", 2)).path)) == ["A2", "C2"]


def test_a_workbook_without_styles_gets_some(tmp_path):
    path = book(tmp_path / "a.xlsx", header() + order(2))
    assert "xl/styles.xml" not in unpacked(path)
    assert list(marks(mark(path, problem("C2", row=2)).path)) == ["C2"]


def test_the_comments_come_before_the_tables(tmp_path):
    sheet = unpacked(mark(rich_book(tmp_path / "week.xlsx"), problem()).path)[SHEET]
    assert sheet.index(b"<drawing") < sheet.index(b"<legacyDrawing") < sheet.index(b"<tableParts")


def test_what_cannot_be_changed_faithfully_is_copied_as_text_and_that_is_told(tmp_path):
    broken = STYLES.replace("cellXfs", "others")
    path = book(tmp_path / "a.xlsx", header() + order(2) + order(3), **{"xl/styles.xml": broken})
    marked = mark(path, problem("C3", row=3))
    assert "its styles have no fills or no formats" in marked.lost
    assert (orders(marked.path), list(marks(marked.path))) == (orders(path), ["C3"])


@pytest.mark.parametrize(
    "xml",
    [NO_STYLES, STYLES.encode(), NO_STYLES.replace(b"<xf/></cellXfs>", b'<xf fillId="0"><alignment/></xf></cellXfs>')],
)
def test_a_twin_of_a_style_differs_in_its_ground_alone(xml):
    made, twins = with_grounds(xml, [None, "0"])
    assert int(twins["0"]) - int(twins[None]) == 1
    assert made.count(b"<xf") == xml.count(b"<xf") + 2
    assert made.count(GROUND.encode()) == 1


def test_a_style_that_is_not_there_is_no_style():
    with pytest.raises(ValueError, match="it has no style 9"):
        with_grounds(NO_STYLES, ["9"])


def test_a_drawing_that_is_not_understood_is_left_alone():
    with pytest.raises(ValueError, match="has no end"):
        with_shapes(b"<html>", [(1, 1)])


def test_beyond_a_number_of_comments_cells_are_coloured_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("bulk.marking.in_workbook.MOST_NOTES", 1)
    marked = mark(rich_book(tmp_path / "week.xlsx"), problem(), problem("B4", "link"))
    assert marked.unexplained == 1
    assert sorted(map(bool, marks(marked.path).values())) == [False, True]


def test_many_comments_are_numbered_in_blocks():
    drawing = with_shapes(None, [(at, 0) for at in range(2, 3_000)])
    assert b'data="1,2,3"' in drawing


CSV = "note;service;link;quantity\nx;7;https://x.com/a;1.000\n\nx;8;https://x.com/_x0041_;20\n"


def test_a_sheet_of_text_becomes_a_workbook_of_the_same_rows(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(CSV, "utf-8")
    marked = mark(path, problem("line 2, quantity", row=2), problem("line 4, link", "link", 4))
    assert (marked.path.name, orders(marked.path)) == ("week.problems.xlsx", orders(path))
    assert list(marks(marked.path)) == ["D2", "C4"]
    assert page(marked.path)["A4"].value == "x"
    assert path.read_text("utf-8") == CSV


def test_control_characters_and_formulas_of_a_csv_are_in_the_copy_as_they_were(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(
        'service,link,quantity,comments,error\n7,https://x.com/\x07a,5,"=1+1\n\x07_x0041_",\'=no\n', "utf-8"
    )
    copy = read_as(mark(path).path, HOW)
    assert copy.frame.to_dict("records") == orders(path)
    assert [found.message for found in copy.problems] == ["has an invisible character or an unusual space inside"]


def test_a_row_with_too_many_cells_stays_a_problem_until_somebody_takes_it_apart(tmp_path):
    """Spread over the columns, it would order 1 in place of 1,000."""
    path = tmp_path / "week.csv"
    path.write_text("service,link,quantity\n7,https://x.com/a,1,000\n", "utf-8")
    marked = mark(path)
    assert orders(marked.path) == [{"service": "7,https://x.com/a,1,000", "link": "", "quantity": ""}]
    assert list(marks(marked.path)) == ["A2"]


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


def test_a_text_that_no_cell_can_hold_is_not_cut(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(f"service,link,quantity,comments\n7,https://x.com/a,1.5,{'x' * 40_000}\n", "utf-8")
    with pytest.raises(SheetError, match="too long for a cell"):
        mark(path, problem("line 2, quantity", row=2))
    assert [each.name for each in tmp_path.iterdir()] == ["week.csv"]


def test_a_sheet_with_more_rows_than_can_be_read_again_gets_no_copy(tmp_path, monkeypatch):
    monkeypatch.setattr("bulk.marking.text_book.MOST_ROWS", 2)
    path = tmp_path / "week.csv"
    path.write_text(CSV, "utf-8")
    with pytest.raises(SheetError, match="4 rows are too many"):
        mark(path, problem("line 2, quantity", row=2))


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


def test_a_file_of_that_name_that_is_none_of_ours_is_kept(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    other = tmp_path / "week.problems.xlsx"
    other.write_bytes(b"mine")
    assert mark(path, problem()).path == tmp_path / "week.problems-2.xlsx"
    shutil.copy(path, other)
    assert mark(path, problem()).path == tmp_path / "week.problems-2.xlsx"


def test_a_sheet_that_was_saved_since_is_not_marked_with_old_problems(tmp_path):
    path = rich_book(tmp_path / "week.xlsx")
    sheet = read_as(path, HOW)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(SheetError, match="somebody saved the file since it was read"):
        mark_problems(sheet, [problem()])
    path.unlink()
    with pytest.raises(SheetError, match="cannot be opened"):
        mark_problems(sheet, [problem()])


def test_headers_that_mean_what_a_person_says_mean_it_in_the_copy_too(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text("Nr,Alamat,Pcs\n7,https://x.com/a,1.5\n", "utf-8")
    how = How(headers=(("Nr", "service"), ("Alamat", "link"), ("Pcs", "quantity")))
    marked = mark(path, problem("line 2, Pcs", row=2), how=how)
    assert list(marks(marked.path)) == ["C2"]
    assert read_as(marked.path, how).frame.to_dict("records") == read_as(path, how).frame.to_dict("records")


def test_of_a_workbook_with_everything_in_it_all_other_parts_are_copied_to_the_byte(tmp_path):
    path = everything(tmp_path / "week.xlsx")
    first = ROWS[0]
    marked = mark(path, problem(f"B{first}", "link", first), problem(f"C{first}", "quantity", first))
    new = {name for name, seen in packed(marked.path).items() if packed(path).get(name) != seen}
    assert new == {SHEET, "xl/styles.xml", "xl/comments1.xml", "xl/drawings/vmlDrawing1.vml"}
    assert packed(path).keys() == packed(marked.path).keys()
    assert orders(marked.path) == orders(path)
    comments = unpacked(marked.path)["xl/comments1.xml"].decode()
    assert comments.index("Ask Ann") < comments.index("smmplus: Is not whole.")
