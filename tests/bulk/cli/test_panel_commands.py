"""`smmplus balance`, `template` and `sandbox`."""

import sys

import openpyxl
import pytest
from typer.testing import CliRunner

from bulk.cli import app as cli
from bulk.cli.app import app


def test_the_sandbox_gets_all_options(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["smmplus", "sandbox"])
    done = CliRunner().invoke(app, ["sandbox", "--port", "0", "--help"])
    assert (done.exit_code, "A simulated SMM panel" in done.output) == (0, True)


def test_without_a_command_the_help_is_shown(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["smmplus", "--help"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 0


@pytest.mark.slow
def test_a_template_without_services_needs_no_key(tmp_path, monkeypatch):
    monkeypatch.delenv("SMMPLUS_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["template", "new.xlsx", "--plain"])
    assert (done.exit_code, done.stdout) == (0, "Created new.xlsx. Fill it in, then run:\n  smmplus check new.xlsx\n")
    assert openpyxl.load_workbook("new.xlsx").sheetnames == ["Orders", "Instructions"]


@pytest.mark.e2e
def test_the_balance(smmplus):
    assert smmplus("balance").out == "1000.00 USD\n"
    assert smmplus("balance", "--json").json == {"balance": "1000", "currency": "USD", "fall": None}


@pytest.mark.e2e
def test_a_balance_that_fell_for_no_known_reason_is_told_to_whoever_asks(smmplus, sandbox):
    smmplus("balance")
    sandbox.balance("997.50")
    done = smmplus("balance")
    assert done.out == "997.50 USD\n"
    assert "the balance fell by 2.5 USD more than this journal knows" in done.err
    assert smmplus("balance", "--json").json["fall"]["unexplained"] == "2.5"


@pytest.mark.e2e
def test_a_fall_that_a_person_explained_is_not_told_again_and_a_later_one_is(smmplus, sandbox):
    smmplus("balance")
    sandbox.balance("997.50")
    assert smmplus("balance", "--acknowledge").err == ""
    assert smmplus("balance").err == ""
    sandbox.balance("990.00")
    assert "the balance fell by 7.5 USD more than this journal knows" in smmplus("balance").err


@pytest.mark.e2e
def test_a_template_offers_the_services(smmplus):
    told = smmplus("template", "new.xlsx", "--json").json
    book = openpyxl.load_workbook("new.xlsx")
    assert book.sheetnames == ["Orders", "Services", "Instructions"]
    offered = {book["Services"].cell(row, 5).value for row in range(2, book["Services"].max_row + 1)}
    assert offered == {"Default", "Package"}
    full = smmplus("template", "full.xlsx", "--full", "--json").json
    left_out = full["services"] - told["services"]
    assert (told["file"], told["services"]) == ("new.xlsx", book["Services"].max_row - 1)
    assert told["services_left_out"] == left_out > full["services_left_out"] == 0
    words = smmplus("template", "more.xlsx").out
    assert f"Left out: {left_out} services with more columns (--full, or --only WORD)." in words
    again = smmplus("template", "new.xlsx")
    assert (again.status, "exists already" in again.err) == (3, True)


@pytest.mark.e2e
def test_a_template_speaks_indonesian_and_offers_some_services_only(smmplus):
    told = smmplus("template", "new.xlsx", "--language", "id", "--only", "package", "--json").json
    book = openpyxl.load_workbook("new.xlsx")
    assert book.sheetnames == ["Orders", "Services", "Petunjuk"]
    assert (0 < told["services"] < 27, told["services_left_out"]) == (True, 0)
    assert book["Orders"]["A1"].value == "Layanan"
    assert all("package" in "".join(map(str, row)).lower() for row in book["Services"].iter_rows(2, values_only=True))
    assert smmplus("template", "other.xlsx", "--language", "fr").status == 2


@pytest.mark.e2e
def test_a_template_of_no_services_is_refused(smmplus):
    none = smmplus("template", "new.xlsx", "--only", "no such word")
    assert (none.status, "No services match 'no such word'" in none.words) == (2, True)
    assert smmplus("template", "new.xlsx", "--only", "x", "--plain").status == 2
