"""What people's cells are that they do not seem to be: each is a problem of its cell, through reading and checks."""

from pathlib import Path

import pytest

from bulk.model.errors import SheetError
from bulk.planning.orders import check_rows, equal_rows, order_rows
from bulk.reading import read_sheet
from tests.bulk import workbooks as wb
from tests.bulk.reading.test_xlsx_reader import styled_book
from tests.smmplus.orders import service_of

pytestmark = pytest.mark.usefixtures("read_here")

SERVICES = {"7": service_of("Default", least=1, most=10_000_000, number="7")}


def problems(path: Path) -> list[tuple[str, str]]:
    """Give where each problem of a sheet is, and its field."""
    sheet = read_sheet(path)
    rows = order_rows(sheet)
    found = [*sheet.problems, *check_rows(sheet, list(rows.values()), SERVICES)]
    found += equal_rows(sheet, list(rows.values()), list(rows.values()))
    assert all(problem.message and problem.remedy for problem in found)
    return [(problem.where, problem.field) for problem in found]


def in_xlsx(folder: Path, quantity: str, **more: str) -> Path:
    rows = wb.header() + wb.row(2, wb.number("A2", "7"), wb.text("B2", "https://x.com/p"), quantity)
    return styled_book(folder / "a.xlsx", rows, **more)


def in_csv(folder: Path, text: str) -> Path:
    path = folder / "a.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("quantity", ["100", "123.0", "1e2", "9999999"])
def test_whole_numbers_are_fine(tmp_path, quantity):
    assert problems(in_xlsx(tmp_path, wb.number("C2", quantity))) == []


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="C2"><f>A2*2</f></c>', '<c r="C2"><f>A2*2</f><v></v></c>', '<c r="C2" t="e"><v>#N/A</v></c>',
        '<c r="C2" t="b"><v>1</v></c>', '<c r="C2" s="2"><v>45000</v></c>',
        *(wb.number("C2", each) for each in ("12345678901234567890", "1.23457E+15", "7.0000000000000009", "10.5")),
        *(
            wb.text("C2", each)
            for each in (
                "1.000", "1,000", "00123", "NA", "null", "1_000", "\uff15", "nan", "inf", "1e3", "1.23457E+15",
                "04/03/2026", "10.5", "7.0", "+5", "0x10", "\u0665", "100 pcs", "=1+1",
            )
        ),
    ],
)  # fmt: skip
def test_a_quantity_that_is_not_what_it_seems_is_a_problem_of_its_cell(tmp_path, cell):
    assert problems(in_xlsx(tmp_path, cell)) == [("C2", "quantity")]


@pytest.mark.parametrize("service", ["00007", "7.5", "\uff17", "1_7", "12345678901234567890", "1.23457E+15"])
def test_a_service_that_is_not_what_it_seems_is_a_problem_of_its_cell(tmp_path, service):
    kind = wb.number if service.startswith("1") and "_" not in service else wb.text
    rows = wb.header() + wb.row(2, kind("A2", service), wb.text("B2", "https://x.com/p"), wb.number("C2", "5"))
    assert problems(wb.book(tmp_path / "a.xlsx", rows)) == [("A2", "service")]


@pytest.mark.parametrize(
    "quantity",
    [
        "1.000",
        "1,000.5",
        "00123",
        "NA",
        "null",
        "1_000",
        "\uff15",
        "nan",
        "inf",
        "1e3",
        "1.23457E+15",
        "10.5",
        "",
        "=5",
    ],
)
def test_in_csv_as_well(tmp_path, quantity):
    assert problems(in_csv(tmp_path, f'service;link;quantity\n7;https://x.com/p;"{quantity}"\n')) == [
        ("line 2, quantity", "quantity")
    ]


def test_equal_rows_are_shown_as_duplicates(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2) + wb.order(3))
    assert problems(path) == [("row 3", "")]


def test_a_filtered_row_is_a_hidden_row(tmp_path):
    rows = wb.header() + wb.order(2) + wb.order(3, quantity="5", attributes=' hidden="1"')
    after = '<autoFilter ref="A1:C3"><filterColumn colId="2"><filters><filter val="100"/></filters></filterColumn>'
    path = wb.book(tmp_path / "a.xlsx", rows, after=f"{after}</autoFilter>")
    assert problems(path) == [("row 3", "")]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("service,link,quantity\n7,https://x.com/p,1,000\n", "line 2"),
        ("sep=;\nservice;link;quantity\n7;https://x.com/p;5;6\n", "line 3"),
        ('service,link,quantity\n7,"https://x.com/p\n",5\n', ""),
        ('service,link,quantity\n7,https://x.com/p,"5\n6"\n', "line 2, quantity"),
        ('service,link,quantity\n"7\n8",https://x.com/p,5\n', "line 2, service"),
    ],
)
def test_a_row_of_csv_that_is_shifted_or_swallows_others_is_a_problem(tmp_path, text, where):
    found = problems(in_csv(tmp_path, text))
    assert [each for each, _ in found] == ([where] if where else [])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('service,link,quantity\n7,"https://x.com/p,5\n', "never closed"),
        ("service,link,url\n7,x,y\n", "both mean link"),
        ("service,link\n7,é\n".encode("latin-1"), "--encoding"),
    ],
)
def test_a_file_of_csv_that_cannot_be_understood_is_refused_whole(tmp_path, data, words):
    with pytest.raises(SheetError, match=words):
        problems(in_csv(tmp_path, data))
