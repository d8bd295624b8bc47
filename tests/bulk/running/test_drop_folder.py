"""Which sheets of a folder may be run, and where each goes."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bulk.planning.plan import Blocker
from bulk.running import drop_folder
from bulk.running.drop_folder import Stamp, approval_in, folder_for, is_sheet, reason_to_wait, whole_sheets
from bulk.running.result import RunResult
from smmplus.journal import budgets
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Stop
from tests.bulk.plans import LINK, entry_of, row, service, sheet_of

FINGERPRINT = "2d38796a33dea118c01ac35b"


@pytest.mark.parametrize(
    "name",
    [
        "week.xlsx",
        "WEEK.XLSX",
        "a b.csv",
        "a.tsv",
        "mass.txt",
        "week.problems.xlsx",
        "old.xls",
        "a.ods",
        "my.results of may.csv",
    ],
)
def test_what_a_person_drops_is_a_sheet(name):
    assert is_sheet(name)


@pytest.mark.parametrize(
    "name",
    [
        "week.xlsx.part", "week.xlsx.tmp", "week.xlsx.crdownload", ".week.xlsx", "~$week.xlsx", ".~lock.week.xlsx#",
        ".week.xlsx.x1.smmplus.tmp", "week.map.json", "week.pdf", "week", "week.xlsx.waiting.txt",
        "week.xlsx.approved.txt", "week.xlsx.problems.txt", "mass.results.csv", "week.results-2.xlsx",
    ],
)  # fmt: skip
def test_what_programs_write_is_not(name):
    assert not is_sheet(name)


def test_only_a_file_that_did_not_change_between_two_looks_is_whole():
    before = {"same.csv": Stamp(5, 1), "grew.csv": Stamp(5, 1), "saved.csv": Stamp(5, 1), "gone.csv": Stamp(5, 1)}
    now = {"same.csv": Stamp(5, 1), "grew.csv": Stamp(9, 1), "saved.csv": Stamp(5, 2), "new.csv": Stamp(5, 1)}
    assert whole_sheets(now, before) == ["same.csv"]


def test_an_empty_file_may_still_be_filled():
    assert whole_sheets({"a.csv": Stamp(0, 1)}, {"a.csv": Stamp(0, 1)}) == []


def test_the_oldest_comes_first():
    files = {"b.csv": Stamp(1, 7), "c.csv": Stamp(1, 3), "a.csv": Stamp(1, 7)}
    assert whole_sheets(files, files) == ["c.csv", "a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (FINGERPRINT, FINGERPRINT),
        (f" {FINGERPRINT.upper()}\r\n\r\n", FINGERPRINT),
        (f"3 rows\n\nTo approve:\n{FINGERPRINT}\n", FINGERPRINT),
        (f"{FINGERPRINT}\nyes", ""),
        (f"ok {FINGERPRINT}", ""),
        ("", ""),
    ],
)
def test_an_approval_is_the_fingerprint_in_the_last_line(text, found):
    assert approval_in(text) == found


# Approval. A row costs 0.15 USD.


@pytest.fixture
def one(week):
    return week.plan(sheet_of(row()))


def test_nothing_is_run_without_an_approval(one):
    assert reason_to_wait(one, None, None) == "it needs approval"


@pytest.mark.parametrize(("limit", "waits"), [("0.15", False), ("0.14", True)])
def test_an_amount_approves_what_costs_no_more(one, limit, waits):
    assert bool(reason_to_wait(one, Decimal(limit), None)) is waits


def test_what_the_campaign_spent_before_counts(week):
    week.accepted(order_id="501")
    plan = week.plan(sheet_of(row(), row(LINK + "/2")))
    assert reason_to_wait(plan, Decimal("0.30"), None) == ""
    assert "'week' would have spent 0.3 USD, and 0.29 USD is approved" in reason_to_wait(plan, Decimal("0.29"), None)


@pytest.mark.parametrize("limit", [None, Decimal("0.01")])
def test_a_file_approves_what_it_names_and_nothing_else(one, limit):
    assert reason_to_wait(one, limit, []) == ""
    waits = reason_to_wait(one, limit, ["row 2: quantity was '1', and is '100'"])
    assert waits == "its approval is for something else: row 2: quantity was '1', and is '100'"


def test_an_amount_still_approves_where_a_file_is_for_something_else(one):
    assert reason_to_wait(one, Decimal(1), ["row 3 is gone"]) == ""


@pytest.mark.parametrize(("budget", "waits"), [("0.15", ""), ("0.10", "by 0.05 USD. To raise that: smmplus budget")])
@pytest.mark.parametrize("limit", ["0.01", "50"])
def test_a_campaign_that_has_a_budget_keeps_it(week, budget, waits, limit):
    budgets.set_budget(week.journal, week.campaign, Decimal(budget))
    plan = week.plan(sheet_of(row()))
    assert waits in reason_to_wait(plan, Decimal(limit), None)
    assert bool(reason_to_wait(plan, Decimal(limit), None)) is bool(waits)
    assert waits in reason_to_wait(plan, None, [])
    assert reason_to_wait(plan, None, None) == "it needs approval"


def test_no_amount_approves_a_cost_without_a_bound(week):
    subscription = {"service": "7", "username": "anna", "min": "100", "max": "200", "delay": "0"}
    plan = week.plan(sheet_of(subscription), service("7", kind="Subscriptions"))
    assert "1 of its rows have no maximum cost" in reason_to_wait(plan, Decimal(50), None)
    assert reason_to_wait(plan, Decimal(50), []) == ""


def test_it_waits_for_the_balance(week):
    plan = week.plan(sheet_of(row()), balance="0.10")
    assert reason_to_wait(plan, Decimal(50), None) == "the balance is short by 0.05 USD"


def test_where_nothing_is_to_be_sent_nobody_is_asked(week):
    week.accepted()
    assert reason_to_wait(week.plan(sheet_of(row())), None, None) == ""


def test_it_waits_where_rows_may_have_been_placed_since_a_backup(one):
    gap = replace(one, blocker=Blocker("Look at the panel's order page", is_confirmable=True))
    assert reason_to_wait(gap, Decimal(50), None) == "Look at the panel's order page"


def test_what_is_wrong_with_a_sheet_is_said_without_an_approval(week):
    assert reason_to_wait(week.plan(sheet_of(row(quantity="x"))), None, None) == ""


# Where it goes.


PLACED, DOUBTFUL, REFUSED, NOT_SENT = (
    {2: entry_of(state=state)} for state in (State.PLACED, State.IN_DOUBT, State.REJECTED, State.NOT_SENT)
)


@pytest.mark.parametrize(
    ("entries", "about", "folder"),
    [
        (PLACED, {}, "done"),
        (DOUBTFUL, {}, "problems"),
        (DOUBTFUL, {"stop": Stop.ASKED}, "problems"),
        (REFUSED, {}, "problems"),
        (NOT_SENT, {"stop": Stop.ASKED}, ""),
        (PLACED, {"unwritten": "the disk is full"}, ""),
        (PLACED, {"unrecorded": {2: "501"}}, ""),
        *((NOT_SENT, {"stop": stop}, "") for stop in (Stop.FUNDS, Stop.ACCOUNT, Stop.UNREACHABLE, Stop.JOURNAL)),
        *((NOT_SENT, {"stop": stop}, "problems") for stop in (Stop.PRICE, Stop.SERVICE, Stop.UNKNOWN, Stop.BUDGET)),
    ],
)
def test_it_goes_where_a_person_looks_for_it_or_stays_and_is_run_again(one, entries, about, folder):
    assert folder_for(RunResult(one, entries, **about)) == folder


# Moving.


def move(sheet: Path, folder: Path) -> Path:
    target = drop_folder.reserve(folder, sheet)
    drop_folder.move(sheet, target)
    return target


@pytest.fixture
def drop(tmp_path):
    """Give the way to drop a file."""

    def drop(name, text="new"):
        path = tmp_path / "running" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return drop


def test_a_file_never_replaces_another_and_keeps_its_name(tmp_path, drop):
    done = tmp_path / "done"
    for text in ("one", "two", "three"):
        move(drop("week.csv", text), done)
    assert [(done / place / "week.csv").read_text() for place in (".", "2", "3")] == ["one", "two", "three"]


def test_results_come_along_and_replace_no_others(tmp_path, drop):
    done = tmp_path / "done"
    for text in ("one", "two"):
        drop("mass.results.csv", text)
        drop("mass2.results.csv", "of another sheet")
        sheet = move(drop("mass.txt", text), done)
        assert sheet.with_name("mass.results.csv").read_text() == text
    (done / "mass.txt").unlink()
    drop("mass.results.csv", "three")
    assert move(drop("mass.txt"), done) == done / "3" / "mass.txt"
    assert not list(tmp_path.glob("**/done/**/mass2*"))


@pytest.mark.parametrize("killed_after", ["reserve", "results"])
def test_a_kill_between_two_steps_changes_nothing_about_the_end(tmp_path, drop, killed_after):
    sheet, results = drop("mass.txt"), drop("mass.results.csv", "ids")
    target = drop_folder.reserve(tmp_path / "done", sheet)
    if killed_after == "results":
        results.replace(target.with_name(results.name))
        drop("mass.results.csv", "ids")  # the next run writes it again
    assert move(sheet, tmp_path / "done") == target
    assert (target.read_text(), target.with_name(results.name).read_text()) == ("new", "ids")


def test_a_place_is_free_again_where_a_file_could_not_be_moved(tmp_path, drop):
    sheet = drop("week.csv")
    target = drop_folder.reserve(tmp_path / "done", sheet)
    sheet.unlink()
    with pytest.raises(FileNotFoundError):
        drop_folder.move(sheet, target)
    assert not target.exists()


def test_links_and_folders_are_no_files(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "b.csv").mkdir()
    (tmp_path / "c.csv").symlink_to(tmp_path / "a.csv")
    assert list(drop_folder.list_files(tmp_path)) == ["a.csv"]
    assert drop_folder.list_files(tmp_path / "none") == {}
