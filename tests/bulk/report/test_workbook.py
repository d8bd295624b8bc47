"""The workbook has the figures as numbers, foreign texts as texts, and charts of its own cells."""

import shutil
import subprocess
from decimal import Decimal

import openpyxl
import pytest
import python_calamine as calamine

from bulk.model.errors import SheetError
from bulk.report.workbook import make_workbook, write_workbook
from smmplus.journal.state_machine import State
from smmplus.orders.models import OrderRequest
from tests.bulk.plans import request
from tests.bulk.report.reported import order, reported

pytestmark = pytest.mark.slow

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
EVIL = '=HYPERLINK("http://evil","x")_x0041_\x07'
SHEETS = ["Summary", "Services", "Campaigns", "Timeline", "Orders"]
ENDED = {"final": True, "order_status": "Completed", "remains": "0"}
DONE = order(request(service="7"), **ENDED, cost=Decimal("0.07"), charge=Decimal("0.07"))
PART = order(
    request(service="8"),
    final=True,
    order_status="Partial",
    remains="40",
    cost=Decimal("0.1"),
    charge=Decimal("0.06"),
)
DOUBT = order(state=State.IN_DOUBT, order_id=None, cost=Decimal(5000), currency="IDR", campaign="other")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "report.xlsx"


def rows_of(path, name):
    return calamine.CalamineWorkbook.from_path(path).get_sheet_by_name(name).to_python()


def test_another_reader_finds_every_figure(path):
    write_workbook(reported(DONE, PART, DOUBT), path)
    assert calamine.CalamineWorkbook.from_path(path).sheet_names == SHEETS
    summary = {row[0]: row[1:7] for row in rows_of(path, "Summary") if row and row[0] in {"USD", "IDR"}}
    assert summary == {"USD": [0.17, 0.13, 0.04, 0.0, 0.0, 0.0], "IDR": [5000, 0.0, 0.0, 0.0, 5000, 0.0]}
    services = {row[0]: row[1:5] for row in rows_of(path, "Services") if row[0]}
    assert services == {
        "service": ["delivered", "open", "not delivered", "in doubt"],
        "2": [0, 0, 0, 100],
        "7": [100, 0, 0, 0],
        "8": [60, 0, 40, 0],
    }
    assert [row[0] for row in rows_of(path, "Campaigns")[:3]] == ["campaign", "week (default)", "other (default)"]
    heads, *orders = rows_of(path, "Orders")
    amounts = [heads.index(name) for name in ("expected", "charge", "refunded")]
    assert [[row[at] for at in amounts] for row in orders] == [[5000, "", ""], [0.1, 0.06, 0.04], [0.07, 0.07, ""]]


def test_amounts_that_a_cell_cannot_hold_are_texts(path):
    amount = Decimal("12345678901234567890.12345678901234567891")
    write_workbook(reported(order(cost=amount)), path)
    heads, row = rows_of(path, "Orders")
    assert row[heads.index("expected")] == str(amount)


def test_foreign_texts_are_texts(path):
    wanted = OrderRequest.of("=1+1", {"link": "=1+1", "quantity": "100"})
    about = dict.fromkeys(("campaign", "account", "error", "order_id", "order_status", "remains", "key"), EVIL)
    write_workbook(reported(order(wanted, **about, currency="=1+1"), sheet="=1+1"), path)
    book = openpyxl.load_workbook(path)
    cells = [cell for page in book for row in page.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    shown = [cell for row in rows_of(path, "Orders") for cell in row]
    assert '=HYPERLINK("http://evil","x")_x0041_' in shown
    assert "=1+1" in shown


def test_every_page_has_charts_of_its_own_cells_and_one_for_each_currency():
    book = make_workbook(reported(DONE, PART, DOUBT))
    assert {page.title: len(page._charts) for page in book} == dict(zip(SHEETS, (2, 1, 1, 1, 0), strict=True))
    for page in book:
        for chart in page._charts:
            for series in chart.series:
                assert series.val.numRef.f.startswith(f"'{page.title}'!")
    assert book["Orders"].tables["Orders"].ref == "A1:S4"


@pytest.mark.parametrize("language", ["en", "id"])
def test_headings_of_the_table_differ_and_its_columns_add_up(path, monkeypatch, language):
    """Excel repairs a workbook with two equal headings in a table."""
    monkeypatch.setenv("SMMPLUS_LANGUAGE", language)
    rejected = order(state=State.REJECTED, order_id=None, cost=Decimal(9))
    report = reported(DONE, PART, rejected)
    page = make_workbook(report).worksheets[-1]
    heads, *rows = page.iter_rows(values_only=True)
    assert len({head.casefold() for head in heads}) == len(heads) == 19
    (money,) = report.figures.money
    for at, amount in ((10, money.ordered), (12, money.charged), (14, money.refunded)):
        assert sum((row[at] for row in rows if row[at]), Decimal(0)) == amount


def test_a_long_list_is_cut_and_says_so(monkeypatch):
    monkeypatch.setattr("bulk.report.workbook.MOST_ROWS", 2)
    page = make_workbook(reported(*[DONE] * 5))["Orders"]
    assert (page.tables["Orders"].ref, page["A5"].value) == ("A1:S3", "… and 3 more (--json shows all)")


def test_a_report_without_orders_is_a_workbook(path):
    write_workbook(reported(), path)
    assert len(rows_of(path, "Orders")) == 1


def test_a_file_that_is_there_stays_unless_told_so(path):
    path.write_text("dear")
    with pytest.raises(SheetError, match="--force"):
        write_workbook(reported(), path)
    assert path.read_text() == "dear"
    write_workbook(reported(), path, force=True)
    assert rows_of(path, "Orders")
    with pytest.raises(SheetError, match=r"ends in \.xlsx"):
        write_workbook(reported(), path.with_suffix(".xls"))


@pytest.mark.e2e
@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not here: install libreoffice-calc to run this")
def test_libreoffice_opens_it_with_its_charts(path, tmp_path):
    write_workbook(reported(DONE, PART, DOUBT), path)
    command = [SOFFICE, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--norestore"]
    command += ["--convert-to", "xlsx", "--outdir", str(tmp_path / "opened"), str(path)]
    subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    book = openpyxl.load_workbook(tmp_path / "opened" / path.name)
    assert {page.title: len(page._charts) for page in book} == dict(zip(SHEETS, (2, 1, 1, 1, 0), strict=True))
    assert book["Services"]["B4"].value == 60
