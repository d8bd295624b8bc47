import struct
import zipfile
from pathlib import Path

import pytest

from bulk.model.errors import RefusedFileError, SheetError
from bulk.reading import read_sheet
from bulk.reading.file_checks import check_text, check_workbook, load
from bulk.reading.worksheet_scan import FileLimits
from tests.bulk import workbooks as wb

pytestmark = pytest.mark.usefixtures("read_here")


def check(path: Path, limits: FileLimits | None = None) -> None:
    check_workbook(path, load(path), limits or FileLimits())


def refused(path: Path, words: str, limits: FileLimits | None = None) -> str:
    with pytest.raises(RefusedFileError, match=words) as caught:
        check(path, limits)
    assert path.name in str(caught.value)
    return str(caught.value)


def test_an_ordinary_workbook_passes(tmp_path):
    check(wb.rich_book(tmp_path / "orders.xlsx"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.xls", "old Excel"),
        ("a.xlsb", "binary"),
        ("a.XLSM", "macros"),
        ("a.ods", "OpenDocument"),
        ("a.numbers", "Export"),
        ("a.xltx", "template"),
        ("a.pdf", "not a known kind"),
        ("orders", "not a known kind"),
    ],
)
def test_other_kinds_of_files_are_refused_by_name(tmp_path, name, words):
    path = tmp_path / name
    path.write_bytes(b"whatever")
    refused(path, words)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SheetError, match=r"none\.csv: the file does not exist"):
        load(tmp_path / "none.csv")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SheetError, match="the file does not exist"):
        load(tmp_path / "folder.csv")


def test_a_file_is_too_large_before_it_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * 100)
    with pytest.raises(RefusedFileError, match="Split it"):
        load(path, FileLimits(file_bytes=99))


def test_an_encrypted_workbook_is_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100))
    refused(path, "password")


def test_csv_that_is_named_xlsx_is_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_text("service,link,quantity\n")
    refused(path, r"rename it to \.csv")


def test_a_workbook_that_is_named_csv_is_refused(tmp_path):
    path = wb.book(tmp_path / "a.csv", wb.header())
    refused(path, r"rename it to \.xlsx")


def test_a_zip_file_that_is_no_workbook_is_refused(tmp_path):
    refused(wb.pack({"a.txt": "x"}, tmp_path / "a.xlsx"), "not an Excel workbook")


@pytest.mark.parametrize(
    ("part", "words"),
    [("xl/vbaProject.bin", "macros"), ("xl/workbook.bin", "binary")],
)
def test_what_could_not_be_written_back_is_told_by_its_parts(tmp_path, part, words):
    path = wb.book(tmp_path / "a.xlsx", wb.header(), **{part: "<x/>"})
    refused(path, words)


@pytest.mark.parametrize("kind", ["application/vnd.ms-excel.sheet.macroEnabled.main+xml", "x/vnd.ms-office.vbaProject"])
def test_macros_are_told_by_the_types_of_parts(tmp_path, kind):
    made = wb.parts({"Orders": wb.worksheet(wb.header())})
    types = str(made["[Content_Types].xml"])
    made["[Content_Types].xml"] = types.replace("</Types>", f'<Override PartName="/x" ContentType="{kind}"/></Types>')
    refused(wb.pack(made, tmp_path / "a.xlsx"), "macros")


def test_two_worksheets_of_one_name_are_refused(tmp_path):
    """Readers differ in which of them they take."""
    made = wb.parts({"Orders": wb.worksheet(wb.header()), "ORDERS": wb.worksheet(wb.header() + wb.order(2))})
    with pytest.raises(SheetError, match="two worksheets with the same name"):
        read_sheet(wb.pack(made, tmp_path / "a.xlsx"))


@pytest.mark.parametrize("said", ["A1", "A1:XFD1048576"])
def test_what_a_worksheet_says_of_its_size_is_not_believed(tmp_path, said):
    rows = wb.header() + wb.order(2) + wb.order(3)
    path = wb.book(tmp_path / "a.xlsx", rows, before=f'<dimension ref="{said}"/>')
    assert list(read_sheet(path).frame.index) == [2, 3]


@pytest.mark.parametrize(
    ("data", "limits", "words"),
    [
        (b"service,link\n7,x\n8,y\n", FileLimits(lines=2), "more than 2 lines"),
        (b"service,link\r7,x\r8,y\r", FileLimits(lines=2), "more than 2 lines"),
        (b"service;link\n7;x\n8;y\n", FileLimits(marks=2), "more than 2 values"),
        (b"service,link" + b",a" * 16_384, FileLimits(), "more than 16,384 columns"),
    ],
)
def test_the_lines_and_values_of_text_are_counted(tmp_path, data, limits, words):
    with pytest.raises(RefusedFileError, match=words):
        check_text(tmp_path / "a.csv", data, limits)
    check_text(tmp_path / "a.csv", data[:14], limits)


def test_a_tag_without_end_is_refused(tmp_path):
    """The parser would begin anew with each piece of it."""
    made = wb.parts({"Orders": wb.worksheet("").replace("<sheetData", f'<a b="{"x" * (2 << 20)}"/><sheetData')})
    refused(wb.pack(made, tmp_path / "a.xlsx"), "does not end", FileLimits(ratio=10**6))


def test_errors_are_bounded(tmp_path):
    rows = wb.row(1, *(f'<c r="{letter}1" t="e"><v>#N/A</v></c>' for letter in "ABC"))
    refused(wb.book(tmp_path / "a.xlsx", rows), "more than 2 cells hold an error", FileLimits(errors=2))
    check(tmp_path / "a.xlsx", FileLimits(errors=3))


def test_merged_cells_that_cover_each_other_are_refused(tmp_path):
    twice = '<mergeCells><mergeCell ref="A2:C1048576"/><mergeCell ref="A1:B3"/></mergeCells>'
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2) + wb.order(3), after=twice)
    refused(path, "cover each other")
    check(wb.book(tmp_path / "b.xlsx", wb.header() + wb.order(2), after=twice.replace("A1:B3", "A1:B1")))


def test_cells_that_are_written_unusually_are_bounded(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", "<row><c/><c/><c/></row>")
    refused(path, "more than 2 cells that are written unusually", FileLimits(odd_cells=2))


def test_elements_of_other_parts_are_not_taken_for_a_worksheets(tmp_path):
    custom = '<form><col hidden="1"/><mergeCell/><c r="nowhere"/></form>'
    check(wb.book(tmp_path / "a.xlsx", wb.header(), **{"customXml/item1.xml": custom}))


def test_a_far_cell_is_refused_and_named(tmp_path):
    rows = wb.header() + wb.row(1_048_576, wb.number("XFD1048576", "1"))
    message = refused(wb.book(tmp_path / "a.xlsx", rows), "XFD1048576")
    assert "sheet 'Orders'" in message


def test_a_far_cell_is_found_by_position_where_addresses_are_missing(tmp_path):
    rows = "<row>" + "<c/>" * 30 + "<c><v>1</v></c></row>"
    refused(wb.book(tmp_path / "a.xlsx", rows), "AE1", FileLimits(columns=30))


def test_rows_times_columns_is_bounded(tmp_path):
    rows = wb.row(1, wb.number("Z1", "1")) + wb.row(1000, wb.number("A1000", "1"))
    refused(wb.book(tmp_path / "a.xlsx", rows), "reaches Z1000", FileLimits(cells=25_999))
    check(tmp_path / "a.xlsx", FileLimits(cells=26_000))


def test_the_number_of_cells_is_bounded(tmp_path):
    rows = wb.row(1, *(f'<c r="{letter}1"/>' for letter in "ABCD"), wb.number("E1", "1"))
    refused(wb.book(tmp_path / "a.xlsx", rows), "more than 4 cells", FileLimits(cells=4))


def test_formatting_alone_may_reach_to_the_last_row(tmp_path):
    rows = wb.header() + wb.row(1_048_576, '<c r="A1048576" s="1"/>')
    check(wb.book(tmp_path / "a.xlsx", rows))


def test_a_far_cell_under_a_prefixed_namespace_is_found(tmp_path):
    xml = (
        f'<x:worksheet xmlns:x="{wb.MAIN}"><x:sheetData><x:row r="1"><x:c r="XFD1"><x:v>1</x:v></x:c></x:row>'
        "</x:sheetData></x:worksheet>"
    )
    refused(wb.pack(wb.parts({"Orders": xml}), tmp_path / "a.xlsx"), "XFD1")


def test_the_unpacked_size_of_all_parts_together_is_bounded(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header(), **{"xl/media/a": b"a" * 60_000, "xl/media/b": b"b" * 60_000})
    refused(path, "unpacks to more than", FileLimits(unpacked_bytes=100_000))


def test_a_part_that_packs_too_well_is_refused(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header(), **{"xl/media/a": b"a" * (5 << 20)})
    refused(path, "times its size")


def test_sizes_are_counted_not_believed(tmp_path):
    """A part that declares ten bytes and unpacks to many is stopped where it passes the limit."""
    path = wb.book(tmp_path / "a.xlsx", wb.header(), **{"xl/media/a": b"a" * 300_000})
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", 300_000), struct.pack("<L", 10)))
    with zipfile.ZipFile(path) as file:
        assert file.getinfo("xl/media/a").file_size == 10
    refused(path, "unpacks to more than", FileLimits(unpacked_bytes=200_000))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
def test_a_doctype_is_refused_in_every_part_that_is_read(tmp_path, part):
    made = wb.parts({"Orders": wb.worksheet(wb.header())}) | {"xl/sharedStrings.xml": wb.shared("a")}
    made[part] = '<!DOCTYPE a [<!ENTITY b "c">]>' + str(made[part])
    refused(wb.pack(made, tmp_path / "a.xlsx"), "DOCTYPE")


@pytest.mark.parametrize(
    "content",
    ["<a/>".encode("utf-16"), b"", b"<a>", b"\xff\xfe\xd8", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", b"<sheetData/>" * 2],
)
def test_a_part_that_is_not_read_is_not_judged(tmp_path, content):
    others = {"customXml/item1.xml": content, "customXml/_rels/item1.xml.rels": content, "docProps/x.xml": content}
    check(wb.book(tmp_path / "a.xlsx", wb.header(), **others))


def test_xml_in_other_encodings_is_refused(tmp_path):
    xml = '<?xml version="1.0" encoding="iso-8859-1"?>' + wb.worksheet(wb.header())
    path = wb.pack(wb.parts({"Orders": ""}) | {wb.SHEET: xml.encode()}, tmp_path / "a.xlsx")
    refused(path, "neither in UTF-8 nor in UTF-16")


def test_half_a_character_of_utf_16_is_refused(tmp_path):
    xml = wb.worksheet(wb.header()).encode("utf-16")[:-1]
    refused(wb.pack(wb.parts({"Orders": ""}) | {wb.SHEET: xml}, tmp_path / "a.xlsx"), "not valid UTF-16")


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="2"/><row r="1"/>',
        '<row r="1"><c r="B1"/><c r="A1"/></row>',
        '<row r="1"><c r="A1"/><c r="A1"/></row>',
        '<row r="1"><c r="A2"/></row>',
        '<row r="1"><c r="a1"/></row>',
        '<row r="1"><c r="A01"/></row>',
        '<row r="x"/>',
        '<row r="1"><c r="XFE1"/></row>',
    ],
)
def test_cells_out_of_order_are_refused(tmp_path, rows):
    refused(wb.book(tmp_path / "a.xlsx", rows), "out of order")


def test_two_tables_of_cells_are_refused(tmp_path):
    refused(wb.book(tmp_path / "a.xlsx", "", after="<sheetData/>"), "two tables")


def test_damaged_xml_is_refused(tmp_path):
    refused(wb.book(tmp_path / "a.xlsx", "<row>"), "damaged")


def test_two_parts_of_one_name_are_refused(tmp_path):
    made = wb.parts({"Orders": wb.worksheet(wb.header())}) | {"XL/Worksheets/Sheet1.XML": wb.worksheet(wb.header())}
    refused(wb.pack(made, tmp_path / "a.xlsx"), "two parts with the same name")


def test_a_truncated_file_is_refused(tmp_path):
    path = wb.rich_book(tmp_path / "a.xlsx")
    path.write_bytes(path.read_bytes()[:-200])
    refused(path, "damaged")


def test_a_flipped_bit_is_noticed(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header(), **{"xl/media/a": bytes(range(256))})
    data = bytearray(path.read_bytes())
    data[data.index(b"xl/media/a") + 100] ^= 1
    path.write_bytes(data)
    refused(path, "damaged")


def test_too_many_parts_are_refused(tmp_path):
    refused(wb.book(tmp_path / "a.xlsx", wb.header()), "more than 3 parts", FileLimits(parts=3))


def test_a_worksheet_under_an_odd_name_is_refused(tmp_path):
    """The guard looks into parts by their ending; a worksheet that hides under another is not opened."""
    made = wb.parts({"Orders": wb.worksheet(wb.header())})
    made["xl/media/image1.png"] = made.pop(wb.SHEET)
    rels = str(made["xl/_rels/workbook.xml.rels"])
    made["xl/_rels/workbook.xml.rels"] = rels.replace("worksheets/sheet1.xml", "media/image1.png")
    with pytest.raises(SheetError, match="misnamed"):
        read_sheet(wb.pack(made, tmp_path / "a.xlsx"))
