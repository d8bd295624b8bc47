"""What a script learns from the exit status: 4 before 5 before 7 before 3."""

from pathlib import Path

import pytest

from tests.end_to_end.command import Finished, Workplace, orders, read_rows, write_sheet

pytestmark = pytest.mark.e2e

LOST = {"fault": "drop_after_accept"}
NO_FUNDS = {"fault": "refuse", "text": "Not enough funds on balance"}
NOT_NOW = {"fault": "429", "retry_after": 300}
BAD_ROW = {"fault": "refuse", "text": "Bad link"}


def run_into(workplace: Workplace, *faults: dict[str, object]) -> Finished:
    """Run a sheet whose orders meet these faults, one after the other."""
    rules = ({**fault, "action": "add", "calls": [call]} for call, fault in enumerate(faults, start=1))
    workplace.panel.faults(*rules)
    return workplace.run(workplace.sheet("statuses.csv", orders(len(faults) + 1)), "--in-flight", "1")


@pytest.mark.parametrize(
    ("faults", "status"),
    [
        ((BAD_ROW,), 3),
        ((LOST,), 4),
        ((NO_FUNDS,), 5),
        ((NOT_NOW,), 7),
        ((BAD_ROW, LOST), 4),
        ((LOST, NO_FUNDS), 4),
        ((LOST, NOT_NOW), 4),
        ((BAD_ROW, NO_FUNDS), 5),
        ((BAD_ROW, NOT_NOW), 7),
    ],
    ids=[
        "a-refused-row",
        "doubt",
        "funds",
        "not-now",
        "doubt-before-refused",
        "doubt-before-account",
        "doubt-before-unfinished",
        "account-before-refused",
        "unfinished-before-refused",
    ],
)
def test_where_several_hold_the_worst_is_told(workplace: Workplace, faults: tuple[dict[str, object], ...], status: int):
    done = run_into(workplace, *faults)
    assert done.status == status
    assert done.json["exit_status"] == status


def test_problems_beside_a_doubt_end_with_the_doubt(workplace: Workplace):
    sheet = workplace.sheet("both.csv", orders(2))
    assert workplace.run_without(1, sheet).status == 4
    write_sheet(sheet, [*read_rows(sheet), {**read_rows(sheet)[1], "order_id": "", "link": "no link"}])
    blocked = workplace.run(sheet)
    assert (blocked.status, blocked.json["sent"]) == (4, 0)
    assert blocked.json["blocked"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "missing.csv", "--yes"),
        ("run", "sheet.csv", "--json"),
        ("run", "sheet.csv", "--yes", "--max-spend", "a lot"),
        ("run", "sheet.csv", "--yes", "--wait", "-1"),
        ("resolve", "sheet/0-1"),
        ("resolve", "sheet/0-1", "--not-placed", "--order-id", "1"),
        ("frobnicate",),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_usage(workplace: Workplace, arguments: tuple[str, ...]):
    workplace.sheet("sheet.csv", orders(1))
    assert workplace.command(*arguments).status == 2
    assert workplace.ledger.count() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SMMPLUS_API_KEY": ""}, "SMMPLUS_API_KEY_FILE"),
        ({"SMMPLUS_API_KEY": "", "SMMPLUS_API_KEY_FILE": "no-such-file"}, "SMMPLUS_API_KEY_FILE must name a file"),
        ({"SMMPLUS_API_URL": "http://panel.example/api/v2"}, "https"),
        ({"SMMPLUS_JOURNAL": "mysql://somewhere"}, "SMMPLUS_JOURNAL"),
    ],
    ids=["no key", "no key file", "a key in the open", "no such journal"],
)
def test_a_setting_that_cannot_be_used_is_usage(workplace: Workplace, settings: dict[str, str], words: str):
    done = workplace.command("run", workplace.sheet("sheet.csv", orders(1)), "--yes", **settings)
    assert done.status == 2
    assert words in done.said


def test_a_wrong_key_stops_for_the_account(workplace: Workplace):
    sheet = workplace.sheet("sheet.csv", orders(1))
    done = workplace.command("run", sheet, "--yes", "--json", SMMPLUS_API_KEY="wrong-key-0123456789")
    assert done.status == 5
    assert "Invalid API key" in done.json["error"]


def test_a_balance_that_is_short_sends_nothing(workplace: Workplace):
    workplace.panel.balance("0.10")
    sheet = workplace.sheet("sheet.csv", orders(3))
    assert workplace.command("check", sheet).status == 5
    done = workplace.run(sheet)
    assert (done.status, workplace.ledger.count()) == (5, 0)
    assert "short by 0.005" in done.json["stopped"]


def test_whoever_declines_sends_nothing(workplace: Workplace):
    sheet = workplace.sheet("sheet.csv", orders(2))
    before = sheet.read_bytes()
    done = workplace.command("run", sheet, "--rate", "0", "--wait", "0", answer="n\n")
    assert done.status == 7
    assert "Place 2 orders for 0.07 USD from account default at localhost" in done.said
    assert done.said.endswith("Cancelled. Nothing was sent.")
    assert (workplace.ledger.count(), sheet.read_bytes()) == (0, before)


def test_no_answer_is_no(workplace: Workplace):
    done = workplace.command("run", workplace.sheet("sheet.csv", orders(2)), "--rate", "0", "--wait", "0")
    assert (done.status, "Not a terminal: add --yes" in done.err) == (7, True)
    assert workplace.ledger.count() == 0


def test_whoever_agrees_sends(workplace: Workplace):
    sheet = workplace.sheet("sheet.csv", orders(2))
    assert workplace.command("run", sheet, "--rate", "0", "--wait", "0", answer="y\n").status == 0
    workplace.assert_each_row_once(sheet)


def test_a_wait_that_is_over_is_no_failure(workplace: Workplace):
    sheet = workplace.sheet("sheet.csv", orders(2))
    assert workplace.run(sheet, "--poll", "0.1", wait="0.5").status == 0
    assert workplace.ledger.calls("status") > 0
    assert {row["order_status"] for row in read_rows(sheet)} == {"Pending"}


def test_a_file_that_is_no_sheet_is_a_problem(workplace: Workplace, tmp_path: Path):
    sheet = tmp_path / "notes.csv"
    sheet.write_text("dear diary\n", encoding="utf-8")
    done = workplace.run(sheet)
    assert done.status == 3
    assert "no header row" in done.json["error"]


# Budgets: over all runs of the campaign, and what is in doubt counts as spent. A row costs 0.035.


def test_a_budget_stops_a_run_before_it_is_passed_over_all_runs_of_the_campaign(workplace: Workplace):
    sheet = workplace.sheet("budget.csv", orders(5))
    for _ in range(2):
        done = workplace.run(sheet, "--max-spend", "0.10")
        assert done.status == 5
        assert workplace.ledger.count() == 2
    assert workplace.run(sheet, "--max-spend", "0.175").status == 0
    workplace.assert_each_row_once(sheet)


def test_another_campaign_has_a_budget_of_its_own(workplace: Workplace):
    first, second = workplace.sheet("first.csv", orders(2)), workplace.sheet("second.csv", orders(2, name="second"))
    assert workplace.run(first, "--campaign", "a", "--max-spend", "0.07").status == 0
    assert workplace.run(second, "--campaign", "a", "--max-spend", "0.07").status == 5
    assert workplace.run(second, "--campaign", "b", "--max-spend", "0.07").status == 0


def test_what_is_in_doubt_counts_as_spent_until_it_is_known_not_to_be(workplace: Workplace):
    sheet = workplace.sheet("doubt.csv", orders(3))
    workplace.panel.faults({"fault": "drop_before_accept", "action": "add", "calls": [1]})
    first = workplace.run(sheet, "--in-flight", "1", "--max-spend", "0.07")
    workplace.panel.faults()
    assert first.status == 4
    assert first.json["states"] == {"not_sent": 1, "placed": 1, "in_doubt": 1}
    assert workplace.ledger.count() == 1
    assert workplace.run(sheet, "--max-spend", "0.07").json["sent"] == 0
    workplace.settle_doubts()
    assert workplace.run(sheet, "--max-spend", "0.07").json["sent"] == 1
    assert workplace.ledger.count() == 2


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_lacks_signs_ends_no_command_halfway(workplace: Workplace, encoding: str):
    rows = [{"service": "2", "link": "https://instagram.com/p/\u0416", "quantity": "100"}]
    sheet = workplace.sheet("\u043a\u0430\u043c\u043f\u0430\u043d\u0438\u044f.csv", rows)
    done = workplace.command("run", sheet, "--yes", "--rate", "0", "--wait", "0", PYTHONIOENCODING=encoding)
    assert (done.status, workplace.ledger.count()) == (0, 1), done.said
    assert "campaign '\\u043a\\u0430" in done.said
    workplace.assert_each_row_once(sheet, rows)


def test_an_export_to_standard_output_holds_every_sign(workplace: Workplace):
    sheet = workplace.sheet(
        "kampanye.csv", [{"service": "2", "link": "https://instagram.com/p/\u0416", "quantity": "100"}]
    )
    assert workplace.run(sheet).status == 0
    assert "https://instagram.com/p/\u0416" in workplace.command("journal", "export", "-", PYTHONIOENCODING="ascii").out
