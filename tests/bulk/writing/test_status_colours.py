"""Words of `order_status` get colours, once, and behind the rules that somebody made."""

import openpyxl
import pytest

from bulk.reading import read_sheet
from bulk.writing import write_results
from bulk.writing.column_style import STATUS_COLOURS, add_status_colours
from smmplus.journal.state_machine import State
from tests.bulk import workbooks as wb

pytestmark = pytest.mark.usefixtures("read_here")

RESULT = {"order_id": "1", "order_status": "Completed"}
RULE = '<cfRule type="expression" dxfId="0" priority="7"><formula>{}</formula></cfRule>'


def styled(path, rows=None, *, after="", styles=wb.STYLES):
    made = wb.parts({"Orders": wb.worksheet(rows or wb.header() + wb.order(2), after=after)}) | {
        "xl/styles.xml": styles
    }
    made["xl/_rels/workbook.xml.rels"] = wb.with_styles(made)
    return wb.pack(made, path)


def write(path, results=None, **more):
    sheet = read_sheet(path)
    assert write_results(sheet, results or {2: RESULT}, expected_digest=sheet.digest, **more).in_place


def blocks(path):
    """Give each block of rules: cells -> formulas, colours and priorities."""
    return {
        str(block.sqref): [
            (rule.formula[0], rule.dxf.fill and rule.dxf.fill.bgColor.rgb, rule.priority) for rule in block.rules
        ]
        for block in openpyxl.load_workbook(path)["Orders"].conditional_formatting
    }


def test_every_word_of_ours_and_of_panels_has_one_colour():
    words = [word for colour in STATUS_COLOURS for word in colour.words]
    assert len(words) == len(set(words))
    assert {
        *(state.words for state in State),
        "Completed",
        "Partial",
        "Canceled",
        "In progress",
        "Processing",
        "Pending",
    } <= set(words)


def test_the_column_of_statuses_gets_colours_down_to_the_last_row(tmp_path):
    path = styled(tmp_path / "a.xlsx")
    write(path)
    (rules,) = [blocks(path)["E2:E1048576"]]
    assert [(formula, colour) for formula, colour, _ in rules][:1] == [('OR(E2="Completed")', "FFC6EFCE")]
    assert len(rules) == len(STATUS_COLOURS)


def test_later_writes_add_none(tmp_path):
    path = styled(tmp_path / "a.xlsx")
    write(path)
    first = wb.unpacked(path)
    write(path, {2: {"order_status": "Partial"}})
    assert wb.unpacked(path)["xl/styles.xml"] == first["xl/styles.xml"]
    assert wb.unpacked(path)[wb.SHEET].count(b"<conditionalFormatting") == 1


def test_a_column_that_has_colours_for_these_words_keeps_them_alone(tmp_path):
    own = (
        f'<conditionalFormatting sqref="A1:A9 D2:D9">{RULE.format("D2=&quot;Completed&quot;")}</conditionalFormatting>'
    )
    rows = wb.header(names=("service", "link", "quantity", "order_status")) + wb.order(2)
    path = styled(
        tmp_path / "a.xlsx",
        rows,
        after=own,
        styles=wb.STYLES.replace("</styleSheet>", '<dxfs count="1"><dxf/></dxfs></styleSheet>'),
    )
    before = wb.unpacked(path)["xl/styles.xml"]
    write(path, {2: {"order_status": "Completed"}})
    assert wb.unpacked(path)["xl/styles.xml"] == before


def test_rules_of_the_users_own_come_first(tmp_path):
    own = f'<conditionalFormatting sqref="A1:Z9">{RULE.format("ISODD(ROW())")}</conditionalFormatting>'
    path = styled(
        tmp_path / "a.xlsx",
        after=own + '<pageMargins left="1"/>',
        styles=wb.STYLES.replace("</styleSheet>", '<dxfs count="1"><dxf/></dxfs></styleSheet>'),
    )
    write(path)
    assert min(priority for _, _, priority in blocks(path)["E2:E1048576"]) == 8
    xml = wb.unpacked(path)[wb.SHEET].decode()
    assert xml.index("ISODD") < xml.index("E2:E1048576") < xml.index("pageMargins")


@pytest.mark.parametrize(
    ("after", "follows"),
    [
        ("<dataValidations/>", "</sheetData>"),
        ('<sheetProtection sheet="1"/><mergeCells><mergeCell ref="A1:B1"/></mergeCells><hyperlinks/>', "</mergeCells>"),
        (
            '<customSheetViews><customSheetView guid="g"><autoFilter ref="A1"/></customSheetView></customSheetViews>',
            "</customSheetViews>",
        ),
    ],
)
def test_they_stand_where_the_order_of_elements_wants_them(tmp_path, after, follows):
    rows = wb.header(2) + wb.order(3)
    path = styled(tmp_path / "a.xlsx", rows, after=after)
    write(path, {3: RESULT})
    assert f'{follows}<conditionalFormatting sqref="E3:' in wb.unpacked(path)[wb.SHEET].decode()


def test_they_can_be_left_out(tmp_path):
    path = styled(tmp_path / "a.xlsx")
    before = wb.unpacked(path)["xl/styles.xml"]
    write(path, colours=False)
    assert wb.unpacked(path)["xl/styles.xml"] == before
    assert b"conditionalFormatting" not in wb.unpacked(path)[wb.SHEET]


def test_without_a_column_of_statuses_or_without_styles_there_are_none(tmp_path):
    path = styled(tmp_path / "a.xlsx")
    write(path, {2: {"order_id": "1"}})
    assert blocks(path) == {}
    bare = wb.book(tmp_path / "b.xlsx", wb.header() + wb.order(2))
    write(bare)
    assert b"conditionalFormatting" not in wb.unpacked(bare)[wb.SHEET]


@pytest.mark.parametrize(
    ("dxfs", "first"),
    [
        ("", 0),
        ('<dxfs count="0"/>', 0),
        ("<dxfs count='0'></dxfs>", 0),
        ("<dxfs><dxf><font/></dxf><dxf/></dxfs>", 2),
        ('<dxfs count="9"><dxf/></dxfs>', 1),
    ],
)
@pytest.mark.parametrize("prefix", ["", "s:"])
def test_styles_are_added_behind_those_that_are_there(dxfs, first, prefix):
    tail = '<tableStyles count="0"/></styleSheet>'
    xml = wb.STYLES.replace("</styleSheet>", dxfs + tail)
    if prefix:
        xml = xml.replace("<", "<s:").replace("<s:/", "</s:").replace("xmlns=", "xmlns:s=")
    made, number = add_status_colours(xml.encode())
    text = made.decode().replace("<s:", "<").replace("</s:", "</").replace("xmlns:s=", "xmlns=")
    assert number == first
    assert text.count("<dxf>") + text.count("<dxf/>") == first + len(STATUS_COLOURS)
    assert f'</cellStyles><dxfs count="{first + len(STATUS_COLOURS)}">' in text
    assert text.endswith(f"</dxf></dxfs>{tail}")


MINIMAL = (
    '<fonts><font/></fonts><fills><fill><patternFill patternType="none"/></fill></fills><borders><border/></borders>'
    "<cellXfs><xf/></cellXfs>"
)


@pytest.mark.filterwarnings("ignore:Workbook contains no")
@pytest.mark.parametrize(
    ("inside", "coloured"),
    [
        (None, False),
        ("", False),
        ('<dxfs count="0"/>', False),
        ("<cellXfs/>", False),
        (MINIMAL, True),
        (MINIMAL + "<dxfs/>", True),
    ],
)
def test_colours_never_make_a_workbook_unreadable(tmp_path, inside, coloured):
    root = f'<styleSheet xmlns="{wb.MAIN}"'
    path = styled(tmp_path / "a.xlsx", styles=f"{root}/>" if inside is None else f"{root}>{inside}</styleSheet>")
    write(path)
    assert wb.by_openpyxl(path)["E2"] == "Completed"
    assert wb.by_calamine(path)[1][4] == "Completed"
    assert bool(blocks(path)) is coloured
