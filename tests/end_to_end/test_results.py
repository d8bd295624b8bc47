"""What stands in the sheet afterwards, and where the results go when the sheet is somebody else's."""

import io
import re
import resource
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import Font

from tests.end_to_end.command import RESULTS, SMMPLUS, Workplace, orders, read_rows, wait_until, write_sheet

pytestmark = pytest.mark.e2e

SERVICES = ("1", "22", "23", "24")
"""Completed, Partial, Canceled, and over-delivered."""


def test_the_results_are_what_the_ledger_says_in_the_end(workplace: Workplace):
    rows = [orders(1, service=service, name=f"s{service}")[0] for service in SERVICES]
    sheet = workplace.sheet("results.xlsx", rows)
    with workplace.start_run(sheet, "--poll", "0.1", wait="100000") as running:
        wait_until(lambda: workplace.ledger.calls("status") > 0, "the first question for a status")
        workplace.panel.advance(5000)
        assert running.finish().status == 0
    workplace.assert_each_row_once(sheet, rows)
    header = [cell.value for cell in openpyxl.load_workbook(sheet).active[1]]
    assert header == [*rows[0], *RESULTS]
    placed = {order["order"]: order for order in workplace.ledger.orders()}
    for row in read_rows(sheet):
        order = placed[row["order_id"]]
        assert row["order_status"] == order["status"]
        assert Decimal(row["charge"]) == Decimal(order["charge"]) - Decimal(order["refunded"])
        assert (row["remains"], row["currency"]) == (str(order["remains"]), "USD")
        assert re.fullmatch(r"" if order["status"] == "Canceled" else r"\d+", row["start_count"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["updated_at"])


def test_status_asks_for_what_is_open_and_writes_it_back(workplace: Workplace):
    sheet = workplace.sheet("status.csv", orders(3))
    workplace.run(sheet)
    workplace.panel.advance(5000)
    for _ in range(2):
        done = workplace.command("status", sheet, "--json", "--rate", "0")
        assert (done.status, done.json["sent"]) == (0, 0)
        assert {row["order_status"] for row in read_rows(sheet)} == {"Completed"}
    # The second time all were final: nothing was open to ask for.
    assert workplace.ledger.calls("status") == 1
    assert workplace.ledger.calls("add") == 3


def furnished(workplace: Workplace) -> Path:
    """Write a workbook with a format, a formula with its stored value, and a picture."""
    plain = workplace.sheet("plain.xlsx", orders(2))
    book = openpyxl.load_workbook(plain)
    book.active["B2"].font = Font(bold=True, color="FFC00000")
    book.active["E1"], book.active["E2"] = "note", 4242
    book.active.column_dimensions["B"].width = 47
    book.save(plain)
    sheet = workplace.folder / "furnished.xlsx"
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(sheet, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert data.count(b"<v>4242</v>") == 1
                data = data.replace(b"<v>4242</v>", b"<f>2*2121</f><v>4242</v>")
            new.writestr(name, data)
        new.writestr("xl/media/image1.png", b"\x89PNG\r\n\x1a\n not looked at")
    plain.unlink()
    return sheet


def parts(sheet: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(sheet.read_bytes())) as book:
        return {name: book.read(name) for name in book.namelist()}


def test_formats_stored_values_of_formulas_and_pictures_survive(workplace: Workplace):
    sheet = furnished(workplace)
    before = parts(sheet)
    assert workplace.run(sheet).status == 0
    after = parts(sheet)
    assert list(after) == list(before)
    assert after["xl/media/image1.png"] == before["xl/media/image1.png"]
    stored = openpyxl.load_workbook(sheet, data_only=True).active
    formulas = openpyxl.load_workbook(sheet).active
    assert (stored["E2"].value, formulas["E2"].value) == (4242, "=2*2121")
    assert (stored["B2"].font.b, stored["B2"].font.color.rgb) == (True, "FFC00000")
    assert stored.column_dimensions["B"].width == 47
    assert stored["F1"].value == "order_id"
    assert {stored["F2"].value, stored["F3"].value} == {order["order"] for order in workplace.ledger.orders()}


def test_a_sheet_is_replaced_in_one_step_and_never_written_over(workplace: Workplace):
    sheet = workplace.sheet("replaced.xlsx", orders(2))
    before = sheet.read_bytes()
    # A second name for the file that is to be replaced: whatever writes over it changes what stands under this one.
    old = workplace.folder / "old.xlsx"
    old.hardlink_to(sheet)
    assert workplace.run(sheet).status == 0
    assert old.read_bytes() == before
    assert {path.name for path in workplace.folder.iterdir() if path.is_file()} == {"old.xlsx", "replaced.xlsx"}
    workplace.assert_each_row_once(sheet)


@pytest.mark.parametrize("name", ["meanwhile.xlsx", "meanwhile.csv"])
def test_a_sheet_saved_meanwhile_is_left_alone_and_the_next_run_writes_the_ids_into_it(workplace: Workplace, name: str):
    rows = orders(3)
    sheet = workplace.sheet(name, rows)
    beside = sheet.with_name(f"meanwhile.results{sheet.suffix}")
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 1})
    with workplace.start_run(sheet) as running:
        wait_until(lambda: workplace.ledger.count() > 0, "the first order")
        write_sheet(sheet, [{**row, "note": "mine"} for row in rows])
        saved = sheet.read_bytes()
        done = running.finish()
    workplace.panel.faults()
    assert (done.status, done.json["in_place"], done.json["written"]) == (0, False, str(beside))
    assert sheet.read_bytes() == saved
    workplace.assert_each_row_once(beside, rows)
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"], again.json["in_place"]) == (0, 0, True)
    workplace.assert_each_row_once(sheet, [{**row, "note": "mine"} for row in rows])


def test_a_sheet_that_excel_has_open_gets_its_results_beside_it(workplace: Workplace):
    sheet = workplace.sheet("open.xlsx", orders(2))
    before = sheet.read_bytes()
    (workplace.folder / "~$open.xlsx").touch()
    done = workplace.command("run", sheet, "--yes", "--rate", "0", "--wait", "0")
    assert done.status == 0
    assert "open.results.xlsx: it is open in Excel" in done.said
    assert sheet.read_bytes() == before
    workplace.assert_each_row_once(workplace.folder / "open.results.xlsx", orders(2))


def test_mass_order_text_stays_as_it_is_and_its_results_stand_beside_it(workplace: Workplace):
    rows = orders(4)
    sheet = workplace.sheet("mass.txt", rows)
    before = sheet.read_bytes()
    beside = workplace.folder / "mass.results.csv"
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(beside, rows)
    beside.unlink()
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"], sheet.read_bytes()) == (0, 0, before)
    workplace.assert_each_row_once(beside, rows)


def test_mass_order_text_killed_in_the_middle_ends_with_every_row_once(workplace: Workplace):
    rows = orders(10)
    sheet = workplace.sheet("mass.txt", rows)
    workplace.panel.faults({"fault": "hang_after_accept", "action": "add", "calls": [4]})
    with workplace.start_run(sheet, "--in-flight", "1") as running:
        wait_until(lambda: workplace.ledger.count() == 4, "four orders in the ledger")
        running.kill()
    workplace.panel.faults()
    again = workplace.run(sheet)
    assert (again.status, again.json["states"]) == (4, {"placed": 9, "in_doubt": 1})
    assert workplace.settle_doubts() == 1
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(workplace.folder / "mass.results.csv", rows)


def test_csv_keeps_its_semicolons_and_its_indonesian_header(workplace: Workplace):
    sheet = workplace.sheet("kampanye.csv", orders(1))
    assert workplace.run(sheet).status == 0
    header, row = sheet.read_text("utf-8").splitlines()
    assert header == (
        "Layanan;Tautan;Jumlah;ID pesanan;Status pesanan;Biaya pesanan;Hitungan awal;Sisa pesanan;Mata uang;"
        "Pesan kesalahan;Diperbarui pada"
    )
    assert row.startswith(f"2;{orders(1)[0]['link']};100;")


IMPATIENT = """
import os, sys
from pathlib import Path
from bulk.running import run
from bulk.model.options import Options
from bulk.running.events import RunListener
from smmplus.journal.journal import Journal
from smmplus.api.panel import Panel

panel = Panel(os.environ["SMMPLUS_API_KEY"], os.environ["SMMPLUS_API_URL"])
with Journal(os.environ["SMMPLUS_JOURNAL"]) as journal:
    options = Options(Path(sys.argv[1]), rate=0, in_flight=2, write_every=0.1)
    run.run(options, panel, journal, RunListener(agreed=True))
"""
"""The command writes back every three minutes; this is the same run with less patience."""


def test_a_long_run_writes_back_while_it_goes_on(workplace: Workplace):
    sheet = workplace.sheet("long.xlsx", orders(6))
    workplace.panel.faults({"fault": "hang_after_accept", "action": "add", "calls": [6]})
    with subprocess.Popen([sys.executable, "-c", IMPATIENT, sheet], env=workplace.environment()) as process:
        try:
            wait_until(lambda: sum(row["order_id"] != "" for row in read_rows(sheet)) == 5, "five ids in the sheet")
            assert process.poll() is None
        finally:
            process.kill()
    workplace.panel.faults()
    assert workplace.run(sheet).status == 4
    workplace.assert_books_agree()


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process's files")
def test_ids_that_neither_the_journal_nor_the_sheet_can_take_are_told(workplace: Workplace):
    sheet = workplace.sheet("full.csv", orders(2))
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 4})
    # Python started anew writes its output into pipes, not into files.
    with workplace.start("run", sheet, "--yes", "--rate", "0", PYTHONUTF8="1") as running:
        wait_until(lambda: workplace.ledger.count() == 2, "both orders")
        # From here on it can write no file any more, as on a disk that is full.
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (0, 0))
        done = running.finish()
    workplace.panel.faults()
    assert done.status == 7
    assert "Traceback" not in done.said
    for order in workplace.ledger.orders():
        assert f"is order {order['order']}" in done.said
    # Nothing of it is sent again: the intents stand in the journal.
    again = workplace.run(sheet)
    assert (again.status, again.json["states"]) == (4, {"in_doubt": 2})
    assert workplace.settle_doubts() == 2
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a device that is always full")
@pytest.mark.parametrize(("stream", "status", "placed"), [("stderr", 0, 3), ("stdout", 7, 0)])
def test_a_log_on_a_full_disk_stops_no_order_under_way(workplace: Workplace, stream, status, placed):
    """What cannot be shown before money is spent stops the run; what cannot be shown later stops nothing."""
    sheet = workplace.sheet("log.csv", orders(3))
    before = workplace.ledger.count()
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        where = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: full}
        command = [SMMPLUS, "run", sheet, "--yes", "--wait", "0", "--rate", "0"]
        done = subprocess.run(command, env=workplace.environment(), check=False, **where)
    assert (done.returncode, workplace.ledger.count() - before) == (status, placed)
    assert sum(row.get("order_id", "") != "" for row in read_rows(sheet)) == placed
