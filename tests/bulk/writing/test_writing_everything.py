"""A workbook with everything in it comes back with results, and with nothing else changed."""

import io
import re

import openpyxl
import pytest

from bulk.reading import read_sheet
from bulk.writing import write_results
from tests.bulk import workbooks as wb
from tests.bulk.everything import ROWS, everything

RESULT = {"order_id": "23501", "order_status": "Completed", "charge": "0.45"}
KINDS = (
    "charts/", "media/", "drawings/", "comments", "tables/", "pivotTables/", "pivotCache/", "externalLinks/",
    "printerSettings/", "customXml/", "metadata.xml", "sharedStrings.xml", "theme/", "docProps/custom.xml",
)  # fmt: skip


# openpyxl tells what it does not read.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning:openpyxl"),
    pytest.mark.usefixtures("read_here"),
]


@pytest.fixture
def path(tmp_path):
    return everything(tmp_path / "everything.xlsx")


def write(path, results=None):
    sheet = read_sheet(path)
    written = write_results(sheet, results or dict.fromkeys(ROWS, RESULT), expected_digest=sheet.digest)
    assert (written.in_place, written.reason) == (True, "")
    return read_sheet(path)


def test_it_has_everything_in_it(path):
    parts = wb.unpacked(path)
    assert [kind for kind in KINDS if not any(kind in name for name in parts)] == []
    sheet = parts[wb.SHEET].decode()
    for word in ("sparkline>", "dataValidation ", "legacyDrawing", "sheetProtection", "mergeCell ", "dataBar", "pane "):
        assert word in sheet
    assert b't="array"' in parts["xl/worksheets/sheet2.xml"]
    assert b"<definedName " in parts["xl/workbook.xml"]


def test_every_part_but_the_sheet_and_the_styles_keeps_its_packed_bytes(path):
    """The workbook's part already asks for all formulas to be worked out on opening."""
    before, content = wb.packed(path), wb.unpacked(path)
    again = write(path)
    assert again.frame["order_id"].to_list() == ["23501"] * 4
    after = wb.packed(path)
    assert list(after) == list(before)
    assert {name for name in before if after[name] != before[name]} <= {wb.SHEET, "xl/styles.xml", "xl/workbook.xml"}
    changed = {name for name in content if wb.unpacked(path)[name] != content[name]}
    assert changed == {wb.SHEET, "xl/styles.xml"}


def test_of_the_sheet_nothing_changes_but_what_is_added(path):
    before = wb.unpacked(path)[wb.SHEET].decode()
    write(path)
    after = wb.unpacked(path)[wb.SHEET].decode()
    added = (
        r'<c r="[GHI][0-9]"[^>]*>.*?</c>|<col min="[789]"[^>]*/>|'
        r'<conditionalFormatting sqref="H5:H1048576">.*?</conditionalFormatting>'
    )
    same = re.sub(r'(<row r="[4-8]") spans="1:5"', r"\1", before)
    dimension = re.search(r'<dimension ref="([^"]*)"/>', before)[0]
    assert re.sub(added, "", after) == same.replace(dimension, '<dimension ref="A1:I8"/>')


def test_of_the_styles_nothing_changes_but_what_is_added(path):
    before = wb.unpacked(path)["xl/styles.xml"].decode()
    write(path)
    after = wb.unpacked(path)["xl/styles.xml"].decode()
    start, _, rest = after.partition('<dxfs count="6">')
    dxfs, _, end = rest.partition("</dxfs>")
    own = re.search(r'<dxfs count="1">(.*?)</dxfs>', before)[1]
    assert dxfs.startswith(own)
    assert start + f'<dxfs count="1">{own}</dxfs>' + end == before


def test_a_second_write_changes_the_cells_alone(path):
    write(path)
    before = wb.unpacked(path)
    write(path, {row: {**RESULT, "order_id": "7"} for row in ROWS})
    after = wb.unpacked(path)
    assert [name for name in before if after[name] != before[name]] == [wb.SHEET]
    assert after[wb.SHEET] == before[wb.SHEET].replace(b"<t>23501</t>", b"<t>7</t>")


def test_values_of_all_sheets_stay(path):
    def values():
        return {
            page.title: {
                cell.coordinate: cell.value
                for row in page.iter_rows(max_col=5)
                for cell in row
                if cell.value is not None
            }
            for page in openpyxl.load_workbook(io.BytesIO(path.read_bytes()), data_only=True)
        }

    before = values()
    write(path)
    assert values() == before
    assert before["Sums"]["A1"] == 900
