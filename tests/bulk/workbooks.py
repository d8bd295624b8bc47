"""Workbooks made by hand, part by part: what no library would write, and what every program writes differently."""

import io
import re
import zipfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import openpyxl
import python_calamine
from openpyxl.cell.cell import Cell, WriteOnlyCell
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

SHEET = "xl/worksheets/sheet1.xml"


def text(address: str, value: str, attributes: str = "") -> str:
    return f'<c r="{address}"{attributes} t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'


def number(address: str, value: str, attributes: str = "") -> str:
    return f'<c r="{address}"{attributes}><v>{value}</v></c>'


def row(at: int, *cells: str, attributes: str = "") -> str:
    return f'<row r="{at}"{attributes}>{"".join(cells)}</row>'


def header(at: int = 1, names: tuple[str, ...] = ("service", "link", "quantity"), attributes: str = "") -> str:
    return row(
        at,
        *(text(f"{letter}{at}", name) for letter, name in zip("ABCDEFGHIJKLM", names, strict=False)),
        attributes=attributes,
    )


def order(
    at: int, service: str = "7", link: str = "https://x.com/p", quantity: str = "100", attributes: str = ""
) -> str:
    return row(at, number(f"A{at}", service), text(f"B{at}", link), number(f"C{at}", quantity), attributes=attributes)


def worksheet(rows: str, before: str = "", after: str = "") -> str:
    return f'<worksheet xmlns="{MAIN}" xmlns:r="{_OFFICE}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def parts(sheets: Mapping[str, str], *, hidden: tuple[str, ...] = (), **extra: str) -> dict[str, str | bytes]:
    """Give the parts of a workbook of worksheets (name -> XML); `extra` adds to workbook.xml behind its sheets."""
    listed, related, typed = "", "", ""
    for at, name in enumerate(sheets, start=1):
        state = ' state="hidden"' if name in hidden else ""
        listed += f'<sheet name="{name}" sheetId="{at}"{state} r:id="rId{at}"/>'
        related += f'<Relationship Id="rId{at}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        typed += f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    made: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="png" ContentType="image/png"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>{typed}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets>'
        f"{extra.get('book', '')}</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}'
        f'<Relationship Id="rId90" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    }
    for at, xml in enumerate(sheets.values(), start=1):
        made[f"xl/worksheets/sheet{at}.xml"] = xml
    return made


def pack(made: Mapping[str, str | bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in made.items():
            file.writestr(name, content)
    return path


def book(path: Path, rows: str, *, before: str = "", after: str = "", **more: str | bytes) -> Path:
    """Write a workbook of one worksheet, "Orders"; `more` are further parts."""
    made = parts({"Orders": worksheet(rows, before, after)})
    return pack(made | more, path)


def shared(*strings: str) -> str:
    return f'<sst xmlns="{MAIN}">{"".join(f"<si><t>{string}</t></si>" for string in strings)}</sst>'


def unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def packed(path: Path) -> dict[str, tuple[int, int, int]]:
    """Checksum, method and packed size of each part."""
    with zipfile.ZipFile(path) as file:
        return {each.filename: (each.CRC, each.compress_type, each.compress_size) for each in file.infolist()}


def by_openpyxl(path: Path, sheet: str = "Orders") -> dict[str, object]:
    page = openpyxl.load_workbook(path)[sheet]
    return {cell.coordinate: cell.value for cells in page.iter_rows() for cell in cells if cell.value is not None}


def by_calamine(path: Path, sheet: str = "Orders") -> list[list[object]]:
    with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes())) as opened:
        return [list(cells) for cells in opened.get_sheet_by_name(sheet).to_python(skip_empty_area=False)]


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)


def rich_book(path: Path) -> Path:
    """Write a workbook with a table, an image, a styled header, a formula with its value, and a second sheet."""
    rel = f'<Relationships xmlns="{_PACKAGE}/relationships">'
    sheet = worksheet(
        header(3, ("Service", "Link", "Quantity", "Double"), ' spans="1:4" ht="20"').replace('r="D3"', 'r="D3" s="1"')
        + row(
            4,
            number("A4", "7"),
            '<c r="B4" t="s"><v>0</v></c>',
            number("C4", "100"),
            '<c r="D4"><f>C4*2</f><v>200</v></c>',
            attributes=' spans="1:4"',
        )
        + row(
            5,
            number("A5", "8"),
            '<c r="B5" t="s"><v>1</v></c>',
            number("C5", "250"),
            '<c r="D5"><f>C5*2</f><v>500</v></c>',
        ),
        before='<dimension ref="A1:D5"/>',
        after='<drawing r:id="rId2"/><tableParts count="1"><tablePart r:id="rId1"/></tableParts>',
    )
    made = parts({"Orders": sheet, "Other": worksheet(row(1, text("A1", "kept")))}, book='<calcPr calcId="191029"/>')
    drawing = "http://schemas.openxmlformats.org/drawingml/2006"
    made |= {
        "xl/worksheets/_rels/sheet1.xml.rels": f"{rel}"
        f'<Relationship Id="rId1" Type="{_OFFICE}/table" Target="../tables/table1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/drawing" Target="../drawings/drawing1.xml"/></Relationships>',
        "xl/tables/table1.xml": f'<table xmlns="{MAIN}" id="1" name="T" displayName="T" ref="A3:F5">'
        '<autoFilter ref="A3:F5"/><tableColumns count="6">'
        + "".join(f'<tableColumn id="{i}" name="n{i}"/>' for i in range(1, 7))
        + "</tableColumns></table>",
        "xl/drawings/drawing1.xml": f'<xdr:wsDr xmlns:xdr="{drawing}/spreadsheetDrawing"/>',
        "xl/media/image1.png": PNG,
        "xl/sharedStrings.xml": shared("https://x.com/1", "https://x.com/2"),
        "xl/styles.xml": STYLES,
    }
    typed = (
        f'<Override PartName="/xl/{kind}.xml" ContentType="{_TYPE}.{kind}+xml"/>'
        for kind in ("sharedStrings", "styles")
    )
    made["[Content_Types].xml"] = str(made["[Content_Types].xml"]).replace("</Types>", "".join(typed) + "</Types>")
    return pack(made, path)


STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts count="2"><font/><font><b/></font></fonts>'
    '<fills count="1"><fill><patternFill patternType="none"/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf fontId="1" applyFont="1"/>'
    '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def with_styles(made: Mapping[str, str | bytes]) -> str:
    """Give the workbook's relationships, styles among them."""
    styles = f'<Relationship Id="rId91" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    return str(made["xl/_rels/workbook.xml.rels"]).replace("</Relationships>", styles)


class _Stream(io.RawIOBase):
    """Takes bytes one after the other, and cannot go back."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        return self._out.write(data)


def pack_stream(made: Mapping[str, bytes], out: BinaryIO) -> None:
    """Pack parts as a program does that cannot go back to fill in sizes."""
    with zipfile.ZipFile(_Stream(out), "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in made.items():
            file.writestr(name, content)


def literal(page: WriteOnlyWorksheet, value: str) -> Cell:
    """Make a cell of text, even of text that begins with =."""
    cell = WriteOnlyCell(page, value)
    cell.data_type = "s"
    return cell


def as_number(field: str, value: str) -> str:
    """Give the text of a result as a spreadsheet gives it back: numbers lose zeros that say nothing."""
    if field not in {"charge", "start_count", "remains"} or not re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", value):
        return value
    return format(abs(Decimal(value)) and Decimal(value).normalize(), "f")
