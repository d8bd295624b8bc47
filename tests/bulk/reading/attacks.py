"""Files that would bring a reader down: each is small, and unpacks to far more than it seems."""

import random
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from bulk.model.cell_address import column_letter
from tests.bulk import workbooks as wb

MEBIBYTE = 1 << 20
FILE = "orders.xlsx"


def _grown(path: Path, pieces: Iterable[bytes], part: str = wb.SHEET) -> Path:
    """Write a workbook with one part made of pieces that never stand in memory together."""
    made = wb.parts({"Orders": wb.worksheet(wb.header() + wb.order(2))})
    made.pop(part, None)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, content in made.items():
            file.writestr(name, content)
        with file.open(part, "w", force_zip64=True) as out:
            for piece in pieces:
                out.write(piece)
    return path


def _text(folder: Path, content: str) -> Path:
    path = folder / "orders.csv"
    path.write_text(content)
    return path


def _sheet(rows: Iterable[bytes]) -> Iterator[bytes]:
    before, after = wb.worksheet("|").encode().split(b"|")
    yield before + wb.header().encode()
    yield from rows
    yield after


def _rows(cell: str, columns: int, rows: int, tag: str = '<row r="@">') -> Iterator[bytes]:
    """Give rows from row 2 on; in a cell, & is its column, @ its row, # some number: it packs as a usual sheet does."""
    chance = random.Random(5)  # noqa: S311 -- no secret: the same file every time

    def row() -> bytes:
        cells = (
            cell.replace("&", column_letter(at)).replace("#", str(chance.randrange(10**6))) for at in range(columns)
        )
        return f"{tag}{''.join(cells)}</row>".encode()

    made = [row() for _ in range(97)]
    return (made[at % 97].replace(b"@", b"%d" % at) for at in range(2, rows + 2))


def far_cell(folder: Path) -> Path:
    return wb.book(folder / FILE, wb.header() + wb.row(1_048_576, wb.number("XFD1048576", "1")))


def far_cell_in_a_hidden_sheet(folder: Path) -> Path:
    far = wb.worksheet(wb.row(1_048_576, wb.number("XFD1048576", "1")))
    sheets = {"Orders": wb.worksheet(wb.header() + wb.order(2)), "Notes": far}
    return wb.pack(wb.parts(sheets, hidden=("Notes",)), folder / FILE)


def gigabyte_of_one_character(folder: Path) -> Path:
    before, after = wb.worksheet(wb.header() + wb.row(2, wb.text("A2", "|"))).encode().split(b"|")
    return _grown(folder / FILE, [before, *[b"a" * MEBIBYTE] * 1024, after])


def gigabyte_in_a_picture(folder: Path) -> Path:
    return _grown(folder / FILE, [bytes(MEBIBYTE)] * 1024, "xl/media/image1.png")


def many_parts_that_are_too_large_together(folder: Path) -> Path:
    """None of them is large enough to be judged by its ratio."""
    more = {f"xl/media/{number}.bin": b"a" * (4 * MEBIBYTE - 1) for number in range(128)}
    return wb.book(folder / FILE, wb.header() + wb.order(2), **more)


def many_plain_cells(folder: Path) -> Path:
    return _grown(folder / FILE, _sheet(_rows('<c r="&@"><v>#</v></c>', 8, 400_000)))


def many_cells_in_wide_rows(folder: Path) -> Path:
    return _grown(folder / FILE, _sheet(_rows('<c r="&@"><v>#</v></c>', 400, 8_000)))


def many_cells_without_addresses(folder: Path) -> Path:
    return _grown(folder / FILE, _sheet(_rows("<c><v>#</v></c>", 40, 80_000, tag="<row>")))


def many_formulas_without_values(folder: Path) -> Path:
    return _grown(folder / FILE, _sheet(_rows('<c r="&@"><f>&@+#</f></c>', 25, 100_000)))


def many_errors(folder: Path) -> Path:
    return _grown(folder / FILE, _sheet(_rows('<c r="&@" t="e"><v>#</v></c>', 25, 100_000)))


def many_merged_cells(folder: Path) -> Path:
    """Each covers every order."""
    ranges = "".join(f'<mergeCell ref="A2:C{at}"/>' for at in range(2000, 22_000))
    orders = "".join(wb.order(at) for at in range(2, 2000))
    return wb.book(folder / FILE, wb.header() + orders, after=f"<mergeCells>{ranges}</mergeCells>")


def many_elements_in_one_another(folder: Path) -> Path:
    return _grown(folder / FILE, _sheet([b'<row r="2">', b"<c>" * 3_000_000]))


def one_tag_without_end(folder: Path) -> Path:
    return _grown(folder / FILE, [b'<worksheet a="', *(b"%06d" % (at * 7919 % 10**6) * 500 for at in range(10_000))])


def a_quote_that_is_never_closed(folder: Path) -> Path:
    return _text(folder, "service,link,quantity\n" + '7,"' + "x\n" * 20_000_000)


def millions_of_columns(folder: Path) -> Path:
    return _text(folder, "service,link,quantity" + ",a" * 5_000_000 + "\n7,x,1" + "," * 5_000_000 + "\n")


def nothing_but_commas(folder: Path) -> Path:
    return _text(folder, "service,link,quantity\n" + "7,x,1\n" * 60 + "," * 50_000_000 + "\n")


def nothing_but_line_ends(folder: Path) -> Path:
    return _text(folder, "service,link,quantity\n" + "\n" * 90_000_000)


def _formatted(folder: Path, rows: Iterable[bytes]) -> Path:
    """Write two orders, and below them rows that hold formats alone."""
    orders = [(wb.order(2) + wb.order(3)).encode()]
    return _grown(folder / FILE, _sheet([*orders, *islice(rows, 2, None)]))


def formats_down_to_the_last_row(folder: Path) -> Path:
    return _formatted(folder, _rows('<c r="A@" s="#"/><c r="B@" s="#"/>', 1, 1_048_573))


def formats_of_many_columns_down_to_the_last_row(folder: Path) -> Path:
    return _formatted(folder, _rows('<c r="&@" s="#"/>', 4, 1_048_573, tag='<row r="@" spans="1:4" ht="15">'))


def row_heights_down_to_the_last_row(folder: Path) -> Path:
    rows = (b'<row r="%d" s="%d" customFormat="1" ht="15"/>' % (at, at % 7) for at in range(2, 1_048_577))
    return _formatted(folder, rows)


def row_heights_that_all_differ(folder: Path) -> Path:
    return _formatted(
        folder, (b'<row r="%d" customFormat="1" ht="%d.%d"/>' % (at, at % 400, at) for at in range(2, 60_000))
    )


def lying_dimension(folder: Path) -> Path:
    return wb.book(folder / FILE, wb.header() + wb.order(2) + wb.order(3), before='<dimension ref="A1"/>')


REFUSED = {
    far_cell: "XFD1048576 is used",
    far_cell_in_a_hidden_sheet: "sheet 'Notes': cell XFD1048576 is used",
    gigabyte_of_one_character: "unpacks to more than 400 MiB",
    gigabyte_in_a_picture: "unpacks to more than 400 MiB",
    many_parts_that_are_too_large_together: "unpacks to more than 400 MiB",
    many_plain_cells: "H300001 is used",
    many_cells_in_wide_rows: "more than 3,000,000 cells",
    many_cells_without_addresses: "more than 2,000,000 cells that are written unusually",
    many_formulas_without_values: "more than 300,000 cells hold an error, or a formula without a value",
    many_errors: "more than 300,000 cells hold an error, or a formula without a value",
    many_merged_cells: "merged cells cover each other",
    many_elements_in_one_another: "out of order",
    one_tag_without_end: "one of its tags does not end",
    a_quote_that_is_never_closed: "more than 3,000,000 lines",
    millions_of_columns: "more than 16,384 columns",
    nothing_but_commas: "more than 20,000,000 values",
    nothing_but_line_ends: "more than 3,000,000 lines",
}
"""Each attack, which writes its file into a folder, and words of the refusal."""
