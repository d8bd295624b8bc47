"""`smmplus report`."""

import pytest
import python_calamine as calamine

from tests.bulk.plans import LINK

pytestmark = pytest.mark.slow


@pytest.fixture
def ran(smmplus, path):
    """Place the orders of a sheet."""
    assert smmplus("run", path, "--yes", "--rate", "0").status == 0
    return path


def test_a_sheet_is_reported_without_asking_the_panel(smmplus, sandbox, ran):
    before = sandbox.ledger()["calls"]
    told = smmplus("report", ran)
    assert (told.status, sandbox.ledger()["calls"]) == (0, before)
    assert "week.csv: 2 orders" in told.words
    assert f"smmplus status {ran}" in told.words


def test_figures_are_those_of_the_journal(smmplus, sandbox, ran):
    placed = smmplus("report", ran, "--json").json
    assert [each["ordered"] for each in placed["money"]] == ["0.07"]
    assert placed["money"][0]["unreported"] == "0.07"
    sandbox.advance(1_000_000)
    smmplus("status", ran, "--rate", "0")
    (budget,) = smmplus("budget", "--json").json["budgets"]
    told = smmplus("report", "--json").json
    (money,) = told["money"]
    assert (money["currency"], money["ordered"], money["charged"], money["unreported"]) == (
        "USD", budget["spent"], "0.07", "0",
    )  # fmt: skip
    assert told["delivery"]["delivered"] + told["delivery"]["missing"] == told["delivery"]["ordered"] == 200
    assert [each["service"] for each in told["by_service"]] == ["2"]
    assert [(each["link"], each["units"]) for each in told["orders"]] == [(f"{LINK}/2", 100), (LINK, 100)]
    assert told["attention"] == []


def test_an_order_in_doubt_is_shown_first(smmplus, path, lost):
    smmplus("run", path, "--yes", "--rate", "0")
    told = smmplus("report", path, "--json").json
    assert [(each["kind"], each["orders"]) for each in told["attention"]][:1] == [("in_doubt", 1)]
    assert [each["standing"] for each in told["orders"]] == ["in_doubt", "waiting"]
    assert told["money"][0]["in_doubt"] == "0.035"
    assert smmplus("report", path).out.splitlines()[1].startswith("1 order in doubt, for 0.035 USD: ")


def test_rows_without_an_order_and_orders_without_a_row_are_named(smmplus, ran):
    lines = ran.read_text("utf-8").splitlines()
    ran.write_text("\n".join([*lines[:2], f"2,{LINK}/3,100"]) + "\n", "utf-8")
    told = smmplus("report", ran, "--json").json
    assert len(told["orders"]) == 1
    kinds = {each["kind"]: each for each in told["attention"]}
    assert kinds["row_without_order"]["words"] == "1 row of the sheet without an order in the journal."
    assert kinds["order_without_row"]["command"] == "smmplus report --campaign week"


def test_campaigns_are_chosen_by_name(smmplus, ran):
    smmplus("order", "2", f"{LINK}/single", "100", "--yes")
    assert len(smmplus("report", "--json").json["orders"]) == 3
    assert len(smmplus("report", "--campaign", " WEEK", "--json").json["orders"]) == 2
    both = smmplus("report", "--campaign", "week", "--campaign", "single orders", "--json").json
    assert [(each["campaign"], each["orders"]) for each in both["by_campaign"]] == [("week", 2), ("single orders", 1)]
    shown = smmplus("report", "--campaign", "week", "--campaign", "single orders").words
    assert "week, single orders: 3 orders" in shown


def test_accounts_are_all_or_one(smmplus, ran, monkeypatch):
    monkeypatch.setenv("SMMPLUS_LANGUAGE", "en")
    assert len(smmplus("report", "--account", "default", "--json").json["orders"]) == 2
    assert smmplus("report", "--account", "other").words.startswith("Account other: 0 orders")


def test_the_page_is_next_to_the_sheet_and_is_replaced(smmplus, ran):
    told = smmplus("report", ran)
    page = ran.with_name("week.report.html")
    assert told.out.rstrip().endswith(f"Wrote {page}")
    assert LINK in page.read_text("utf-8")
    assert smmplus("report", ran).status == 0
    page.write_text("mine", "utf-8")
    refused = smmplus("report", ran)
    assert (refused.status, page.read_text("utf-8")) == (3, "mine")
    assert "overwrite it with --force" in refused.words
    assert smmplus("report", ran, "--force").status == 0
    assert LINK in page.read_text("utf-8")


def test_pages_of_campaigns_are_in_the_current_folder(smmplus, ran, tmp_path):
    smmplus("run", ran, "--yes", "--rate", "0", "--campaign", "../a / b")
    for name, options in (
        ("week.report.html", ("--campaign", "week")),
        ("a-b.report.html", ("--campaign", "../a / b")),
        ("smmplus.report.html", ()),
        ("own.html", ("--html", "own.html")),
    ):
        assert smmplus("report", *options).out.rstrip().endswith(f"Wrote {name}")
        assert (tmp_path / name).exists()


def test_a_program_gets_no_page_unless_it_names_one(smmplus, ran, tmp_path):
    assert smmplus("report", ran, "--json").json["written"] == []
    assert [each.name for each in tmp_path.glob("*.html")] == []
    assert smmplus("report", ran, "--json", "--html", "own.html").json["written"] == ["own.html"]


def test_a_workbook_has_all_orders(smmplus, ran, tmp_path):
    told = smmplus("report", ran, "--xlsx", "week-report.xlsx")
    assert told.out.splitlines()[-1] == "Wrote week-report.xlsx"
    rows = calamine.CalamineWorkbook.from_path(tmp_path / "week-report.xlsx").get_sheet_by_name("Orders").to_python()
    assert LINK in rows[2]
    refused = smmplus("report", ran, "--xlsx", "week-report.xlsx")
    assert (refused.status, "overwrite it with --force" in refused.words) == (3, True)
    assert smmplus("report", ran, "--json", "--xlsx", "b.xlsx").json["written"] == ["b.xlsx"]


def test_services_have_their_names_where_they_are_known(smmplus, ran, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))  # where no other test kept a list
    assert smmplus("report", ran, "--json").json["by_service"][0]["name"] == ""
    names = {each["id"]: each["name"] for each in smmplus("services", "--json").json["services"]}
    assert smmplus("report", ran, "--json").json["by_service"][0]["name"] == names["2"]
    assert f"2 – {names['2']}" in smmplus("report", ran).words


def test_a_period_is_days_of_the_local_zone(smmplus, ran):
    (sent, *_rest) = (each["sent_at"] for each in smmplus("report", "--json").json["orders"])
    day = sent[:10]
    assert len(smmplus("report", "--since", day, "--until", day, "--json").json["orders"]) == 2
    assert "All orders: 0 orders (since 2999-01-01)" in smmplus("report", "--since", "2999-01-01").words
    assert len(smmplus("report", ran, "--until", "2000-01-01", "--json").json["orders"]) == 0


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        (("--since", "yesterday"), 2, "--since 'yesterday' is not a valid day: write 2026-11-30"),
        (("--campaign", "none"), 3, "There is no campaign 'none'. To list all: smmplus budget"),
        (("week.csv", "--campaign", "a", "--campaign", "b"), 2, "A sheet has one campaign"),
        (("--map", "Pos=link"), 2, "--map needs a sheet"),
        (("--sheet", "Orders"), 2, "--sheet needs a sheet"),
        (("week.csv", "--sheet", "Orders"), 2, "--sheet has no effect on week.csv"),
    ],
)
def test_what_cannot_be_is_refused(smmplus, path, wrong, status, words):
    told = smmplus("report", *wrong)
    assert (told.status, words in told.words) == (status, True)


def test_an_empty_journal_has_an_empty_report(smmplus):
    assert smmplus("report").out == "All orders: 0 orders\nWrote smmplus.report.html\n"
    assert smmplus("report", "--json").json["money"] == []


def test_names_and_links_are_shown_as_they_are(smmplus, path):
    smmplus("run", path, "--yes", "--rate", "0", "--campaign", "[red]<b>")
    assert "[red]<b>: 2 orders" in smmplus("report", "--campaign", "[red]<b>").words
