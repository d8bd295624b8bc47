"""What is passed over, and what a parser sees, come to the same."""

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bulk.files.xlsx_parts import RefusedXmlError, without
from bulk.reading import worksheet_scan
from bulk.reading.worksheet_rows import PlainRowSkipper
from bulk.reading.worksheet_scan import FileLimits, WorksheetFacts, scan
from tests.bulk import workbooks as wb

pytestmark = pytest.mark.slow

LIBREOFFICE = (
    '<row r="@" customFormat="false" ht="12.8" hidden="false" customHeight="false" outlineLevel="0" collapsed="false">'
    '<c r="A@" s="0" t="s"><v>0</v></c><c r="C@" s="0" t="n"><f aca="false">A1*2</f><v>100</v></c></row>'
)
HIDDEN = '<row r="@" hidden="1"><c r="A@"><v>1</v></c></row>'
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
VALUE = re.compile(rb"<(?:x:)?(?:v|f|is)[ />]")
SMALL = FileLimits(rows=60, columns=20, cells=120, errors=5)


def by_the_parser_alone(xml: bytes, limits: FileLimits) -> WorksheetFacts:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PlainRowSkipper, "remaining", lambda _self, pieces: pieces)
        return scan([xml], limits)


def outcome(scanned, *arguments) -> WorksheetFacts | str:
    try:
        return scanned(*arguments)
    except RefusedXmlError as error:
        return "damaged" if "damaged" in str(error) else str(error)


def parsed(xml: bytes) -> int:
    """Scan, and count the bytes that the parser got."""
    given_to_parser: list[bytes] = []
    left = PlainRowSkipper.remaining

    def noted(self, pieces):
        for piece in left(self, pieces):
            given_to_parser.append(piece)
            yield piece

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PlainRowSkipper, "remaining", noted)
        scan([xml], FileLimits())
    return sum(map(len, given_to_parser))


def worksheet(*rows: str) -> bytes:
    return wb.worksheet("".join(rows)).encode()


VALUES = st.sampled_from(
    [
        "<v>1</v>", "<v></v>", "<v/>", "<is><t>é &amp; b</t></is>", '<is><t xml:space="preserve"> a </t></is>',
        "<is><r><t>x</t></r></is>", "<f>A1*2</f><v>4</v>", "<f>A1*2</f>", "<f>A1*2</f><v></v>",
        '<f t="shared" si="0"/><v>1</v>', "", "<v>1<!-- x -->2</v>", "<v>]]></v>", "<v>a > b</v>", "<v>&no;</v>",
        "<v>\x01</v>", "<v>\ufffe</v>", '<is><t>&lt;row r="5"&gt;</t></is>', "<v>1</v><row r='9'/>", "<v>1", "text",
    ]
)  # fmt: skip
KINDS = st.sampled_from(
    ["", ' t="s"', ' s="3"', ' s="3" t="n"', ' t="str" s="3"', ' t="e"', ' t="d"', ' s="1" s="2"', ' x:y="1"']
)
TAGS = st.sampled_from(
    [
        "",
        ' spans="1:3"',
        ' hidden="1"',
        ' ht="0"',
        ' hidden="0"',
        ' r="1"',
        ' xmlns="other"',
        ' x="<"',
        ' a:b="1"',
        " /",
    ]
)


@st.composite
def rows(draw) -> bytes:
    """Rows as all kinds of programs write them, and a few that none would."""
    prefix = draw(st.sampled_from(["", "", "x:"]))
    written, at = [], 0
    for _ in range(draw(st.integers(0, 12))):
        at += draw(st.sampled_from([1, 1, 1, 2, 50, 0]))
        letters = draw(st.lists(st.sampled_from("ABCDIJKLZ"), max_size=6, unique=True))
        letters = sorted(letters) if draw(st.integers(0, 9)) else letters
        cells = "".join(
            f'<c r="{letter}{at}"{draw(KINDS)}>{draw(VALUES)}</c>' if draw(st.booleans()) else f'<c r="{letter}{at}"/>'
            for letter in letters
        )
        written.append(f'<row r="{at}"{draw(TAGS)}>{cells}</row>{draw(st.sampled_from(["", "", "", " ", "<!-- -->"]))}')
    xml = wb.worksheet("".join(written), after='<mergeCells><mergeCell ref="A2:B4"/></mergeCells>')
    if prefix:
        xml = xml.replace("<", "<x:").replace("<x:/", "</x:").replace("<x:!", "<!").replace("xmlns=", "xmlns:x=")
    return xml.encode()


@CALM
@given(rows())
@example(worksheet(*map(wb.order, (1, 2, 3, 3))))
@example(worksheet(*map(wb.order, (1, 2, 4, 3))))
@example(worksheet(*(f'<row r="{at}"><c r="B{at}"/><c r="A{at}"/></row>' for at in range(1, 5))))
@example(worksheet(*(f'<row r="{at}"><c r="A{at}"/><c r="A{at + at // 4}"/></row>' for at in range(1, 5))))
@example(worksheet(*(f'<row r="{at}" hidden="1"/>' for at in (1, 2, 3, 3, 4))))
@example(worksheet(*(f'<row r="{at}" ht="1"/><row r="{at + 1}" ht="1"><c r="A{at + 1}"/></row>' for at in (1, 3, 5))))
@example(worksheet(*(f'<row r="{at}" {"hi" if at > 2 else ""}/>' for at in range(1, 5))))
@example(worksheet(wb.order(1), wb.row(2, wb.text("A2", "\ufffe"))))
@example(worksheet(HIDDEN.replace("@", "1"), '<w xmlns="other">', HIDDEN.replace("@", "2"), "</w>"))
@example(worksheet(wb.row(1, wb.text("A1", "x")), "<!-- ", wb.row(2, wb.text("A2", "x")), " -->"))
@example(worksheet(wb.row(1), '<row a="', wb.row(2, wb.text("A2", "x")), '"/>'))
@example(worksheet(wb.row(1), "<extLst>", wb.row(2), wb.row(3, wb.number("AB3", "1")), "</extLst>"))
@example(worksheet(wb.row(1), wb.row(2), "</sheetData>", wb.row(3), wb.row(400, wb.number("A400", "1")), "<sheetData>"))
def test_passing_over_rows_changes_neither_facts_nor_refusals(xml):
    assert outcome(scan, [xml], SMALL) == outcome(by_the_parser_alone, xml, SMALL)


@CALM
@given(rows(), st.integers(1, 40))
@example(worksheet(wb.header(), *(f'<row r="{at}" ht="{at % 3}"/>' for at in range(2, 50)), wb.order(50)), 7)
def test_without_its_empty_rows_a_worksheet_has_the_same_values(xml, size):
    try:
        facts = scan([xml], FileLimits())
    except RefusedXmlError:
        return
    pieces = [xml[at : at + size] for at in range(0, len(xml), size)]
    left = b"".join(without(pieces, facts.empty_rows))
    assert len(left) == len(xml) - sum(map(len, facts.empty_rows))
    again = scan([left], FileLimits())
    assert (again.errors, again.merged, again.empty_rows) == (facts.errors, facts.merged, [])
    assert VALUE.findall(left) == VALUE.findall(xml)


@CALM
@given(rows(), st.integers(1, 40))
def test_however_the_pieces_are_cut(xml, size):
    pieces = [xml[at : at + size] for at in range(0, len(xml), size)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bulk.reading.worksheet_rows._SEGMENT", size)
        assert outcome(scan, pieces, SMALL) == outcome(by_the_parser_alone, xml, SMALL)


@pytest.mark.parametrize(
    "row",
    [
        '<row r="@"><c r="A@" t="s"><v>@</v></c><c r="B@"/><c r="C@" s="1"><v>1.5</v></c></row>',
        '<row r="@" spans="1:3" x14ac:dyDescent="0.25"><c r="A@" s="1" t="s"><v>0</v></c></row>',
        LIBREOFFICE,
        '<row r="@"><c r="A@" t="inlineStr"><is><t>https://x.com/?a=1&amp;b=é</t></is></c><c r="H@" /></row>',
        '<row r="@" hidden="1"><c r="A@"><v>1</v></c><c r="B@" t="s" s="2"><v>1</v></c></row>',
        '<row r="@" s="1" customFormat="1" ht="15"/>',
        '<row r="@" hidden="1" />',
        '<row r="@" spans="1:3"><c r="A@" s="4"/><c r="B@" s="4"></c><c s="4" r="C@" /></row>',
    ],
)
def test_rows_as_programs_write_them_are_passed_over(row):
    xml = worksheet(*(row.replace("@", str(at)) for at in range(1, 2001)))
    xml = xml.replace(b"<worksheet", b'<worksheet xmlns:x14ac="y"', 1)
    assert parsed(xml) < 2000
    assert scan([xml], FileLimits()) == by_the_parser_alone(xml, FileLimits())
    assert len(scan([xml], FileLimits()).hidden_rows) in {0, 2000}


def test_rows_with_a_prefix_are_passed_over():
    xml = worksheet(*(wb.order(at) for at in range(1, 2001))).decode()
    xml = xml.replace("<", "<x:").replace("<x:/", "</x:").replace("xmlns=", "xmlns:x=")
    assert parsed(xml.encode()) < 2000


def test_wide_rows_are_passed_over():
    letters = [worksheet_scan.column_letter(index) for index in range(300)]
    rows = (wb.row(at, *(wb.number(f"{letter}{at}", "1") for letter in letters)) for at in range(1, 101))
    assert parsed(worksheet(*rows)) < 40_000


def test_what_is_passed_over_is_counted():
    xml = worksheet(*(wb.order(at) for at in range(1, 101)))
    with pytest.raises(RefusedXmlError, match="more than 299 cells"):
        scan([xml], FileLimits(cells=299, rows=1000))
    with pytest.raises(RefusedXmlError, match="C51 is used"):
        scan([xml], FileLimits(rows=50))
