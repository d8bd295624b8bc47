"""Every command, for people and with `--json`."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import openpyxl
import psutil
import pytest
import requests

from smmplus.commands import local_time
from tests.end_to_end.command import SMMPLUS, Workplace, orders, read_rows, write_sheet

pytestmark = pytest.mark.e2e


def test_check_tells_problems_costs_balance_and_what_would_be_sent_and_sends_nothing(workplace: Workplace):
    rows = [*orders(2), *orders(1, service="1", quantity=1000, name="followers"), *orders(1, quantity=5, name="bad")]
    sheet = workplace.sheet("campaign.csv", rows)
    before = sheet.read_bytes()
    done = workplace.command("check", sheet)
    assert done.status == 3
    for words in (
        "line 5, Jumlah",
        "5 is less than the service's minimum at least 10",
        "Instagram Followers",
        "to send: 3 rows for 0.97 USD",
        "balance: 1000.00 USD",
        "1 problem:",
    ):
        assert words in done.said
    assert (workplace.ledger.count(), workplace.ledger.calls("add"), sheet.read_bytes()) == (0, 0, before)


def test_check_as_json_tells_the_same(workplace: Workplace):
    rows = [*orders(2), *orders(1, service="1", quantity=1000, name="followers")]
    sheet = workplace.sheet("campaign.csv", rows)
    workplace.run(sheet)
    write_sheet(sheet, [*read_rows(sheet)[:1], *(row | {"order_id": ""} for row in read_rows(sheet)[:1])])
    told = workplace.command("check", sheet, "--json", "--allow-duplicates").json
    assert told["already"] == {"placed": 1}
    assert (told["to_send"], told["total"], told["currency"], told["balance"]) == (1, "0.035", "USD", "999.03")
    assert [(line["service"], line["rows"], line["units"], line["cost"]) for line in told["by_service"]] == [
        ("2", 1, 100, "0.035")
    ]
    assert told["problems"] == []


def test_a_run_tells_what_a_check_tells_before_it_asks(workplace: Workplace):
    sheet = workplace.sheet("campaign.csv", orders(2))
    done = workplace.command("run", sheet, "--rate", "0", answer="n\n")
    assert done.said.index("balance: 1000.00 USD") < done.said.index("Place 2 orders for 0.07 USD from account")


def test_doubts_shows_what_was_sent_when_and_how_to_settle_it(workplace: Workplace):
    assert workplace.command("doubts").out == "No orders are in doubt.\n"
    sheet = workplace.sheet("campaign.csv", orders(2))
    workplace.run_without(2, sheet)
    (entry,) = (entry for entry in workplace.entries() if entry["state"] == "in_doubt")
    name = f"campaign/{entry['key']}"
    sent, told = local_time(entry["sent_at"], seconds=True), workplace.command("doubts").said
    for words in (name, sent, "0.035", f"smmplus resolve {name} --order-id NUMBER"):
        assert words in told
    (doubt,) = workplace.command("doubts", "--json").json["doubts"]
    assert (doubt["key"], doubt["state"], doubt["account"]) == (name, "in_doubt", "default")
    assert (doubt["link"], doubt["expected_charge"], doubt["source"]) == (orders(2)[1]["link"], "0.035", "campaign.csv")


def test_resolve_keeps_who_when_and_why(workplace: Workplace):
    sheet = workplace.sheet("campaign.csv", orders(2))
    workplace.run_without(2, sheet)
    (doubt,) = workplace.command("doubts", "--json").json["doubts"]
    order_id = workplace.ledger.order_id(orders(2)[1]["link"])
    other = workplace.ledger.order_id(orders(2)[0]["link"])
    unknown = workplace.command("resolve", doubt["key"], "--order-id", "99999999")
    assert (unknown.status, "knows no order 99999999" in unknown.said) == (3, True)
    taken = workplace.command("resolve", doubt["key"], "--order-id", other)
    assert (taken.status, f"order {other} already belongs to" in taken.said) == (3, True)
    settled = workplace.command("resolve", doubt["key"], "--order-id", order_id, "--why", "seen on the page", "--json")
    (resolved,) = settled.json["resolved"]
    assert (settled.status, resolved["state"], resolved["order_id"]) == (0, "placed", order_id)
    (note,) = workplace.query("SELECT * FROM notes WHERE what <> 'doubt'")
    assert (note["what"], note["why"]) == (f"is order {order_id}", "seen on the page")
    assert note["who"]
    assert note["at"].startswith("20")
    assert workplace.command("resolve", doubt["key"], "--order-id", order_id).status == 3
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet)


def test_services_are_listed_by_a_word(workplace: Workplace):
    told = workplace.command("services", "telegram", "--json").json["services"]
    assert {"5", "17", "18"} <= {service["id"] for service in told}
    assert all("telegram" in (service["name"] + service["category"]).casefold() for service in told)
    shown = workplace.command("services", "telegram members")
    assert shown.status == 0
    assert "1.2345" in shown.out
    assert "TikTok" not in shown.out


def test_balance_is_told(workplace: Workplace):
    workplace.panel.balance("12.5")
    assert workplace.command("balance").out == "12.50 USD\n"
    assert workplace.command("balance", "--json").json == {"balance": "12.5", "currency": "USD", "fall": None}


def test_a_template_is_written_once_and_can_be_filled_in_and_run(workplace: Workplace):
    sheet = workplace.folder / "new.xlsx"
    told = workplace.command("template", sheet, "--json").json
    assert (told["file"], told["services"] + told["services_left_out"]) == (str(sheet), 27)
    assert workplace.command("template", sheet).status == 3
    book = openpyxl.load_workbook(sheet)
    header = {cell.value: cell.column for cell in book.active[1]}
    for name, text in orders(1)[0].items():
        book.active.cell(2, header[name], text)
    book.save(sheet)
    done = workplace.run(sheet)
    assert (done.status, done.json["sent"]) == (0, 1)
    assert workplace.ledger.count() == 1


def test_a_template_is_filled_in_by_its_lists_and_runs_as_it_is(workplace: Workplace):
    """What a person chooses, id and name, is ordered; what the template only shows is not."""
    sheet = workplace.folder / "new.xlsx"
    workplace.command("template", sheet, "--language", "id", "--full")
    book = openpyxl.load_workbook(sheet)
    page = book["Orders"]
    header = {cell.value: cell.column for cell in page[1]}
    chosen = {row[4]: row[0] for row in book["Services"].iter_rows(2, values_only=True)}
    lines = (
        {"Layanan": chosen["Default"], "Tautan": "https://example.com/1", "Jumlah": 1000},
        {"Layanan": chosen["Custom Comments"], "Tautan": "https://example.com/2", "Komentar": "\n".join(["ok"] * 10)},
    )
    for row, cells in enumerate(lines, start=4):
        for name, value in cells.items():
            page.cell(row, header[name], value)
    book.save(sheet)
    done = workplace.run(sheet)
    assert (done.status, done.json["sent"], done.json["problems"]) == (0, 2, [])
    after = openpyxl.load_workbook(sheet)["Orders"]
    assert [bool(after.cell(row, header["ID pesanan"]).value) for row in (2, 3, 4, 5)] == [False, False, True, True]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_sandbox_is_a_panel_that_ends_with_the_command(workplace: Workplace, ending: signal.Signals):
    with subprocess.Popen([SMMPLUS, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline(), process.stdout.readline()
        address, key = first[0].split()[1], first[1].split()[-1]
        told = workplace.command("balance", SMMPLUS_API_URL=address, SMMPLUS_API_KEY=key)
        process.send_signal(ending)
        assert process.wait() == (-ending if ending == signal.SIGKILL else 0)
    assert told.out == "1000.00 USD\n"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(address).port or 0))


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_the_panel_of_a_demo_that_is_ended_ends_too(workplace: Workplace, ending: signal.Signals):
    folder = workplace.folder / "demo"
    with subprocess.Popen([SMMPLUS, "demo", "--folder", folder], stdout=subprocess.DEVNULL) as process:
        demo = psutil.Process(process.pid)
        while not (panels := [child for child in demo.children() if "smmplus.sandbox" in child.cmdline()]):
            assert process.poll() is None
        process.send_signal(ending)
    assert process.returncode == -ending
    assert psutil.wait_procs(panels, timeout=20)[1] == []


def test_demo_shows_the_whole_job_in_a_folder_of_its_own(workplace: Workplace):
    done = workplace.command("demo", SMMPLUS_API_KEY="", SMMPLUS_API_URL="", SMMPLUS_JOURNAL="")
    assert "Fatal Python error" not in done.err
    assert done.status == 0, done
    ledger = [
        json.loads(line)
        for line in (workplace.folder / "smmplus-demo" / "ledger.jsonl").read_text("utf-8").splitlines()
    ]
    rows = openpyxl.load_workbook(workplace.folder / "smmplus-demo" / "campaign.xlsx").active
    assert {str(cell.value) for row in rows.iter_rows() for cell in row} >= {order["order"] for order in ledger}
    assert "No new orders were placed" in done.said
    # Nobody's journal and nobody's panel were touched.
    assert not workplace.journal.exists()
    assert workplace.ledger.count() == 0


@pytest.mark.covers
def test_demo_shows_the_page_with_sample_campaigns(workplace: Workplace):
    folder = workplace.folder / "demo"
    command = [SMMPLUS, "demo", "--page", "--folder", folder]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"BROWSER": "true"}) as process:
        assert process.stderr is not None
        link = process.stderr.readline().split()[-1]
        with requests.Session() as browser:
            page = browser.get(link).text
        children = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 0
    assert [name in page for name in ("kampanye.csv", "with_problems.csv", "campaign.xlsx")] == [True] * 3
    assert "1.845 USD" in page
    assert psutil.wait_procs(children, timeout=20)[1] == []


@pytest.mark.skipif(sys.platform != "linux", reason="the data folder is another one there")
def test_the_journal_is_one_file_a_user_from_whichever_folder_one_works(workplace: Workplace, tmp_path: Path):
    sheet = workplace.sheet("campaign.csv", orders(1))
    data = tmp_path / "data"
    settings = {"SMMPLUS_JOURNAL": "", "XDG_DATA_HOME": str(data)}
    assert workplace.command("run", sheet, "--yes", "--wait", "0", **settings).status == 0
    assert (data / "smmplus" / "journal.sqlite3").is_file()
    workplace.sheet("elsewhere/campaign.csv", orders(1))
    elsewhere = Workplace(tmp_path / "elsewhere", workplace.panel, workplace.ledger)
    asked = elsewhere.command("run", "campaign.csv", "--yes", "--wait", "0", **settings)
    assert asked.status == 3
    assert "placed before" in asked.said
    assert workplace.ledger.count() == 1


def test_help_names_every_command(workplace: Workplace):
    told = workplace.command("--help").said
    for command in (
        "check",
        "run",
        "status",
        "doubts",
        "resolve",
        "services",
        "balance",
        "template",
        "sandbox",
        "demo",
    ):
        assert command in told


def test_report_adds_up_what_the_panel_delivered_and_refunded(workplace: Workplace):
    sheet = workplace.sheet("campaign.csv", orders(3))
    workplace.run_without(2, sheet)
    before = workplace.ledger.calls("status")
    told = workplace.command("report", sheet, "--json").json
    (money,) = told["money"]
    assert (money["ordered"], money["in_doubt"], money["unreported"]) == ("0.105", "0.035", "0.07")
    assert next(each["kind"] for each in told["attention"]) == "in_doubt"
    assert workplace.ledger.calls("status") == before
    shown = workplace.command("report", sheet).said
    assert "campaign.csv: 3 orders" in shown
    assert "1 order in doubt, for 0.035 USD" in shown
