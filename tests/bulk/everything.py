"""A workbook with everything in it that people and programs put into workbooks, and that results must not harm."""

import datetime as dt
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import xlsxwriter

from tests.bulk.workbooks import MAIN, PNG

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

ORDERS = (
    (1, "https://instagram.com/p/a", 100, "first"),
    (2, "https://instagram.com/p/b", 250, "second"),
    (1, "https://instagram.com/p/c", 400, "third"),
    (3, "https://instagram.com/p/d", 150, "fourth"),
)
HEADER_ROW = 4
ROWS = range(HEADER_ROW + 1, HEADER_ROW + 1 + len(ORDERS))


def everything(path: Path, options: Mapping[str, object] | None = None) -> Path:
    """Write it: by XlsxWriter what that can write, by hand what it cannot."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, "use_future_functions": True, **(options or {})}) as book:
        orders, sums = book.add_worksheet("Orders"), book.add_worksheet("Sums")
        book.add_worksheet("Pivot").write_row("A1", ["Row Labels", "Sum of Quantity"])
        _fill_orders(book, orders)
        _fill_sums(book, sums)
        _adorn(book, orders, sums)
    with zipfile.ZipFile(made) as file:
        parts = {each.filename: file.read(each) for each in file.infolist()}
    _add_by_hand(parts)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


def _fill_orders(book, page) -> None:
    bold, red = book.add_format({"bold": True, "bg_color": "#DDDDDD"}), book.add_format({"font_color": "red"})
    page.merge_range("A1:D1", "Campaign of the week", bold)
    page.write_rich_string("A2", "Rich ", bold, "text", " and ", red, "colours")
    page.add_table(
        HEADER_ROW - 1, 0, HEADER_ROW - 1 + len(ORDERS), 4,
        {
            "name": "OrderTable",
            "columns": [{"header": name} for name in ("Service", "Link", "Quantity", "Note", "Twice")],
        },
    )  # fmt: skip
    for at, (service, link, quantity, note) in enumerate(ORDERS, start=HEADER_ROW):
        page.write_row(at, 0, [service, "", quantity, note])
        page.write_url(at, 1, link)
        page.write_formula(at, 4, f"=C{at + 1}*2", red, quantity * 2)
    page.write_rich_string(HEADER_ROW, 3, "first, ", bold, "in bold")


def _fill_sums(book, page) -> None:
    page.write_formula("A1", "=SUM(Orders!C5:C8)", None, 900)
    page.write_dynamic_array_formula("C1:C3", "=UNIQUE(Orders!A5:A8)", None, 1)
    page.write("C2", 2)
    page.write("C3", 3)
    page.write_array_formula("E1:E2", "{=Orders!C5:C6*2}", None, 200)
    page.write("E2", 500)
    page.write_datetime("G1", dt.date(2026, 3, 4), book.add_format({"num_format": "yyyy-mm-dd"}))
    page.write_boolean("G2", True)
    page.write("H1", "Ünïcödé 👍 & <tags>")
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "=Orders!$C$5:$C$8", "categories": "=Orders!$A$5:$A$8", "name": "Quantities"})
    page.insert_chart("A6", chart)


def _adorn(book, orders, sums) -> None:
    orders.freeze_panes(HEADER_ROW, 2)
    orders.protect("secret", {"autofilter": True})
    orders.insert_image("A12", "dot.png", {"image_data": io.BytesIO(PNG)})
    orders.insert_textbox("A14", "A box of text")
    orders.write_comment("B5", "Ask Ann about this one", {"author": "Ann"})
    orders.data_validation("A5:A8", {"validate": "list", "source": [1, 2, 3]})
    orders.conditional_format("C5:C8", {"type": "data_bar", "data_bar_2010": True})
    orders.conditional_format(
        "C5:C8", {"type": "cell", "criteria": ">", "value": 300, "format": book.add_format({"bold": True})}
    )
    orders.add_sparkline("F5", {"range": "Orders!C5:C8"})
    orders.set_row(6, 30, None, {"level": 1})
    orders.set_column("B:B", 40, book.add_format({"italic": True}))
    orders.set_header("&CCampaign")
    orders.repeat_rows(HEADER_ROW - 1)
    orders.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    book.define_name("Quantities", "=Orders!$C$5:$C$8")
    book.set_properties({"title": "Everything", "author": "Ann"})
    book.set_custom_property("Client", "Acme")
    sums.set_tab_color("green")
    sums.set_landscape()


_REL = f'<Relationships xmlns="{_PACKAGE}/relationships">'
_PIVOT_CACHE = (
    f'<pivotCacheDefinition xmlns="{MAIN}" xmlns:r="{_OFFICE}" r:id="rId90" refreshOnLoad="0" recordCount="4">'
    '<cacheSource type="worksheet"><worksheetSource ref="A4:C8" sheet="Orders"/></cacheSource><cacheFields count="3">'
    '<cacheField name="Service" numFmtId="0"><sharedItems containsSemiMixedTypes="0" containsString="0" '
    'containsNumber="1" containsInteger="1" minValue="1" maxValue="3" count="3"><n v="1"/><n v="2"/><n v="3"/>'
    '</sharedItems></cacheField><cacheField name="Link" numFmtId="0"><sharedItems/></cacheField>'
    '<cacheField name="Quantity" numFmtId="0"><sharedItems containsSemiMixedTypes="0" containsString="0" '
    'containsNumber="1" containsInteger="1" minValue="100" maxValue="400"/></cacheField></cacheFields>'
    "</pivotCacheDefinition>"
)
_PIVOT_RECORDS = f'<pivotCacheRecords xmlns="{MAIN}" count="4">' + "".join(
    f'<r><x v="{service - 1}"/><s v="{link}"/><n v="{quantity}"/></r>' for service, link, quantity, _ in ORDERS
) + "</pivotCacheRecords>"  # fmt: skip
_PIVOT = (
    f'<pivotTableDefinition xmlns="{MAIN}" name="PivotTable1" cacheId="1" dataCaption="Values" outline="1" '
    'outlineData="1"><location ref="A1:B5" firstHeaderRow="1" firstDataRow="1" firstDataCol="1"/>'
    '<pivotFields count="3"><pivotField axis="axisRow" showAll="0"><items count="4"><item x="0"/><item x="1"/>'
    '<item x="2"/><item t="default"/></items></pivotField><pivotField showAll="0"/>'
    '<pivotField dataField="1" showAll="0"/></pivotFields><rowFields count="1"><field x="0"/></rowFields>'
    '<rowItems count="4"><i><x/></i><i><x v="1"/></i><i><x v="2"/></i><i t="grand"><x/></i></rowItems>'
    '<colItems count="1"><i/></colItems><dataFields count="1">'
    '<dataField name="Sum of Quantity" fld="2" baseField="0" baseItem="0"/></dataFields></pivotTableDefinition>'
)
_EXTERNAL = (
    f'<externalLink xmlns="{MAIN}"><externalBook xmlns:r="{_OFFICE}" r:id="rId90"><sheetNames>'
    '<sheetName val="Prices"/></sheetNames><sheetDataSet><sheetData sheetId="0"><row r="1"><cell r="A1"><v>5</v></cell>'
    "</row></sheetData></sheetDataSet></externalBook></externalLink>"
)

_ITEM = (
    '<ds:datastoreItem xmlns:ds="http://schemas.openxmlformats.org/officeDocument/2006/customXml" '
    'ds:itemID="{11111111-2222-3333-4444-555555555555}"><ds:schemaRefs/></ds:datastoreItem>'
)


def _add_by_hand(parts: dict[str, bytes]) -> None:
    """Add a pivot table with its cache, a link to another workbook, settings of a printer, and a program's own XML."""
    added = {
        "xl/pivotCache/pivotCacheDefinition1.xml": (_PIVOT_CACHE, f"{_TYPE}.pivotCacheDefinition+xml"),
        "xl/pivotCache/pivotCacheRecords1.xml": (_PIVOT_RECORDS, f"{_TYPE}.pivotCacheRecords+xml"),
        "xl/pivotTables/pivotTable1.xml": (_PIVOT, f"{_TYPE}.pivotTable+xml"),
        "xl/externalLinks/externalLink1.xml": (_EXTERNAL, f"{_TYPE}.externalLink+xml"),
        "xl/printerSettings/printerSettings1.bin": ("\x01\x02 a printer", f"{_TYPE}.printerSettings"),
        "customXml/itemProps1.xml": (
            _ITEM,
            "application/vnd.openxmlformats-officedocument.customXmlProperties+xml",
        ),
        "customXml/item1.xml": ('<campaign xmlns="urn:acme"><client>Acme</client></campaign>', "application/xml"),
    }
    for name, (content, kind) in added.items():
        parts[name] = content.encode()
        _change(
            parts, "[Content_Types].xml", "</Types>", f'<Override PartName="/{name}" ContentType="{kind}"/></Types>'
        )
    _relate(parts, "xl/pivotCache/pivotCacheDefinition1.xml", "pivotCacheRecords", "pivotCacheRecords1.xml")
    _relate(parts, "xl/pivotTables/pivotTable1.xml", "pivotCacheDefinition", "../pivotCache/pivotCacheDefinition1.xml")
    _relate(parts, "xl/worksheets/sheet3.xml", "pivotTable", "../pivotTables/pivotTable1.xml")
    _relate(parts, "xl/worksheets/sheet2.xml", "printerSettings", "../printerSettings/printerSettings1.bin")
    _relate(parts, "xl/externalLinks/externalLink1.xml", "externalLinkPath", "prices.xlsx", external=True)
    _relate(parts, "customXml/item1.xml", "customXmlProps", "itemProps1.xml")
    book = "xl/workbook.xml"
    _relate(parts, book, "customXml", "../customXml/item1.xml")
    cache = _relate(parts, book, "pivotCacheDefinition", "pivotCache/pivotCacheDefinition1.xml")
    link = _relate(parts, book, "externalLink", "externalLinks/externalLink1.xml")
    references = f'<externalReferences><externalReference r:id="{link}"/></externalReferences><definedNames>'
    _change(parts, book, "<definedNames>", references)
    caches = f'<pivotCaches><pivotCache cacheId="1" r:id="{cache}"/></pivotCaches></workbook>'
    _change(parts, book, "</workbook>", caches)


def _relate(parts: dict[str, bytes], part: str, kind: str, target: str, *, external: bool = False) -> str:
    """Let a part refer to another; give the reference's id."""
    folder, _, name = part.rpartition("/")
    rels = f"{folder}/_rels/{name}.rels"
    parts.setdefault(rels, f"{_REL}</Relationships>".encode())
    number = f"rId9{parts[rels].count(b'<Relationship ')}"
    mode = ' TargetMode="External"' if external else ""
    new = f'<Relationship Id="{number}" Type="{_OFFICE}/{kind}" Target="{target}"{mode}/></Relationships>'
    _change(parts, rels, "</Relationships>", new)
    return number


def _change(parts: dict[str, bytes], part: str, old: str, new: str) -> None:
    text = parts[part].decode()
    assert text.count(old) == 1, (part, old)
    parts[part] = text.replace(old, new).encode()
