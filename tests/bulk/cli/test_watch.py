"""`smmplus watch`: sheets that are dropped into a folder."""

import csv
import json
import os
import shutil
import signal
import threading
import time

import pytest
from filelock import FileLock

from bulk.cli import options as given
from bulk.cli.watch import Watcher
from bulk.model.options import Options
from tests.bulk.plans import LINK

pytestmark = pytest.mark.e2e

ONCE = ("--once", "--every", "0.01", "--rate", "0")
APPROVED = (*ONCE, "--max-spend", "5")


@pytest.fixture
def folder(tmp_path, read_here):
    folder = tmp_path / "sheets"
    folder.mkdir()
    return folder


@pytest.fixture
def drop(folder):
    """Give the way to drop a sheet of rows that cost 0.035 each."""

    def drop(name="week.csv", links=("a", "b"), more=""):
        lines = [f"2,{LINK}/{link},100" for link in links]
        path = folder / name
        path.write_text("\n".join(["service,link,quantity", *lines]) + f"\n{more}", "utf-8")
        return path

    return drop


@pytest.fixture
def count(sandbox, smmplus):
    """Give the way to count the orders of a test."""
    before = sandbox.ledger()["count"]
    return lambda: sandbox.ledger()["count"] - before


def files(folder):
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")
    )


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def approve(folder, name="week.csv"):
    (folder / f"{name}.waiting.txt").rename(folder / f"{name}.approved.txt")


def test_a_sheet_within_the_amount_is_placed_written_and_moved_to_done(smmplus, folder, drop, count):
    drop()
    done = smmplus("watch", folder, *APPROVED)
    assert (done.status, count(), files(folder)) == (0, 2, ["done/week.csv"])
    assert all(row["order_id"] and row["order_status"] == "Placed" for row in rows(folder / "done" / "week.csv"))
    assert f"smmplus status {folder / 'done' / 'week.csv'}" in done.out
    assert f"Moved to {folder / 'done' / 'week.csv'}" in done.out


def test_without_an_approval_a_sheet_waits_and_says_what_it_would_cost(smmplus, folder, drop, count):
    drop()
    done = smmplus("watch", folder, *ONCE)
    assert (done.status, count(), files(folder)) == (3, 0, ["week.csv", "week.csv.waiting.txt"])
    assert "week.csv waits: it needs approval" in done.out
    assert "2 rows for 0.07 USD" in (folder / "week.csv.waiting.txt").read_text("utf-8")


def test_a_person_approves_exactly_what_was_shown_by_renaming_a_file(smmplus, folder, drop, count):
    drop()
    smmplus("watch", folder, *ONCE)
    approve(folder)
    assert smmplus("watch", folder, *ONCE).status == 0
    assert (count(), files(folder)) == (2, ["done/week.csv", "done/week.csv.approved.txt"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_fingerprint_of_a_check_is_an_approval_too(smmplus, folder, drop, count, encoding):
    sheet = drop()
    fingerprint = smmplus("check", sheet, "--json").json["fingerprint"]
    (folder / "week.csv.approved.txt").write_text(f"{fingerprint}\n", encoding)
    assert (smmplus("watch", folder, *ONCE).status, count()) == (0, 2)


def test_an_approval_is_for_nothing_else(smmplus, folder, drop, count):
    drop()
    smmplus("watch", folder, *ONCE)
    approve(folder)
    drop(links=("a", "other"))
    done = smmplus("watch", folder, *ONCE)
    assert (done.status, count()) == (3, 0)
    assert f"something else: row 3: link was '{LINK}/b', and is '{LINK}/other'" in done.words
    approve(folder)
    assert (smmplus("watch", folder, *ONCE).status, count()) == (0, 2)


@pytest.mark.parametrize("text", ["", "yes\n"])
def test_a_file_without_a_fingerprint_is_no_approval(smmplus, folder, drop, count, text):
    drop()
    (folder / "week.csv.approved.txt").write_text(text, "utf-8")
    done = smmplus("watch", folder, *ONCE)
    assert (done.status, count(), "is not a fingerprint" in done.words) == (3, 0, True)


def test_a_sheet_over_the_amount_waits_for_a_person(smmplus, folder, drop, count):
    drop()
    done = smmplus("watch", folder, *ONCE, "--max-spend", "0.06")
    assert (done.status, count()) == (3, 0)
    assert "campaign 'week' would have spent 0.07 USD, and 0.06 USD is approved for each" in done.words
    approve(folder)
    assert (smmplus("watch", folder, *ONCE, "--max-spend", "0.06").status, count()) == (0, 2)


def test_a_budget_that_a_person_set_is_kept(smmplus, folder, drop, count):
    sheet = drop()
    smmplus("check", sheet)
    assert smmplus("budget", "week", "--set", "0.05").status == 0
    done = smmplus("watch", folder, *APPROVED)
    assert (done.status, count()) == (3, 0)
    assert "over the budget of campaign 'week' by 0.02 USD. To raise that: smmplus budget week --set 0.07" in done.out
    smmplus("budget", "week", "--set", "0.07")
    assert (smmplus("watch", folder, *APPROVED).status, count()) == (0, 2)


def test_a_sheet_with_problems_is_moved_with_a_marked_copy_and_a_text(smmplus, folder, drop, count):
    drop(more=f"2,{LINK}/c,1.000\n")
    done = smmplus("watch", folder, *APPROVED)
    texts = ["problems/week.csv", "problems/week.csv.problems.txt", "problems/week.problems.xlsx"]
    assert (done.status, count(), files(folder)) == (3, 0, texts)
    said = (folder / "problems" / "week.csv.problems.txt").read_text("utf-8")
    assert "1 row has problems" in said
    assert f"smmplus run {folder / 'problems' / 'week.csv'} --rate 0 --skip-bad" in said
    assert f"move the sheet back to {folder}" in said


def test_a_sheet_that_was_mended_and_moved_back_is_placed_once(smmplus, folder, drop, count):
    drop(more=f"2,{LINK}/c,1.000\n")
    assert (smmplus("watch", folder, *APPROVED, "--skip-bad").status, count()) == (3, 2)
    sheet = folder / "problems" / "week.csv"
    sheet.write_text(sheet.read_text("utf-8").replace("1.000", "1000"), "utf-8")
    sheet.rename(folder / "week.csv")
    assert (smmplus("watch", folder, *APPROVED).status, count()) == (0, 3)


def test_a_file_that_cannot_be_read_is_moved_with_the_reason(smmplus, folder):
    (folder / "old.xls").write_bytes(b"x")
    assert smmplus("watch", folder, *APPROVED).status == 3
    assert files(folder) == ["problems/old.xls", "problems/old.xls.problems.txt"]
    assert "old Excel workbook" in (folder / "problems" / "old.xls.problems.txt").read_text("utf-8")


def test_an_order_in_doubt_is_never_sent_again_and_the_text_has_the_commands(smmplus, folder, drop, count, lost):
    drop()
    assert smmplus("watch", folder, *APPROVED).status == 4
    said = (folder / "problems" / "week.csv.problems.txt").read_text("utf-8")
    assert "smmplus resolve week/" in said
    for _ in range(2):
        (folder / "problems" / "week.csv").rename(folder / "week.csv")
        assert smmplus("watch", folder, *APPROVED).status == 4
    assert count() == 2


def test_the_same_sheet_once_more_orders_nothing_and_says_so(smmplus, folder, drop, count):
    drop()
    smmplus("watch", folder, *APPROVED)
    drop()
    done = smmplus("watch", folder, *APPROVED)
    assert (done.status, count()) == (3, 2)
    assert "2 rows equal orders placed before" in done.words
    assert f"smmplus run {folder / 'problems' / 'week.csv'}" in done.words
    assert "done/week.csv" in files(folder)


def test_the_sheet_from_done_once_more_orders_nothing(smmplus, folder, drop, count):
    drop()
    smmplus("watch", folder, *APPROVED)
    shutil.copy(folder / "done" / "week.csv", folder / "week.csv")
    assert smmplus("watch", folder, *APPROVED).status == 0
    assert (count(), files(folder)) == (2, ["done/2/week.csv", "done/week.csv"])


def test_further_rows_under_the_same_name_count_against_the_same_amount(smmplus, folder, drop, count):
    drop()
    smmplus("watch", folder, *ONCE, "--max-spend", "0.10")
    drop(links=("c", "d"))
    assert (smmplus("watch", folder, *ONCE, "--max-spend", "0.10").status, count()) == (3, 2)
    assert (folder / "week.csv").exists()


@pytest.mark.parametrize(("lock", "program"), [("~$week.csv", "Excel"), (".~lock.week.csv#", "LibreOffice")])
def test_a_sheet_that_is_open_is_left_alone(smmplus, folder, drop, count, lock, program):
    drop()
    (folder / lock).touch()
    done = smmplus("watch", folder, *APPROVED)
    assert (done.status, count(), f"it is open in {program}" in done.words) == (6, 0, True)
    (folder / lock).unlink()
    assert (smmplus("watch", folder, *APPROVED).status, count()) == (0, 2)


def test_what_is_not_a_sheet_is_left_alone(smmplus, folder, count):
    names = [".hidden.csv", "notes.pdf", "week.csv.part", "week.results.csv"]
    for name in names:
        (folder / name).write_text(f"service,link,quantity\n2,{LINK},100\n", "utf-8")
    assert (smmplus("watch", folder, *APPROVED).status, count()) == (0, 0)
    assert all((folder / name).exists() for name in names)


def test_mass_order_text_keeps_its_results_next_to_it(smmplus, folder, count):
    (folder / "mass.txt").write_text(f"2 | {LINK} | 100\n", "utf-8")
    assert (smmplus("watch", folder, *APPROVED).status, count()) == (0, 1)
    assert files(folder) == ["done/mass.results.csv", "done/mass.txt"]


def test_options_are_for_the_files_that_they_have_an_effect_on(smmplus, folder, drop, count):
    drop()
    assert (smmplus("watch", folder, *APPROVED, "--visible-only", "--no-colours").status, count()) == (0, 2)


def test_a_second_watcher_says_that_there_is_one(smmplus, folder):
    with FileLock(folder / ".smmplus-watch.lock"):
        done = smmplus("watch", folder, *APPROVED)
    assert (done.status, done.err) == (6, f"Error: another smmplus watch is watching {folder}: stop it first\n")


@pytest.mark.parametrize("setting", [("SMMPLUS_API_URL", "http://127.0.0.1:1"), ("SMMPLUS_API_KEY", "0" * 32)])
def test_what_is_not_due_to_a_sheet_lets_it_wait(smmplus, folder, drop, monkeypatch, setting, count):
    drop()
    with monkeypatch.context() as patch:
        patch.setenv(*setting)
        patch.setattr("smmplus.api.retry.ATTEMPTS", 1)
        done = smmplus("watch", folder, *APPROVED)
    assert (done.status in {5, 7}, count(), files(folder)) == (True, 0, ["week.csv"])
    assert (smmplus("watch", folder, *APPROVED).status, count()) == (0, 2)


def test_a_run_that_the_account_stopped_goes_on_when_it_is_topped_up(smmplus, folder, drop, sandbox, count):
    drop()
    sandbox.faults({"fault": "refuse", "action": "add", "calls": [2], "text": "Not enough funds on balance"})
    assert smmplus("watch", folder, *APPROVED, "--in-flight", "1").status == 5
    assert (count(), files(folder)) == (1, ["running/week.csv"])
    sandbox.faults()
    assert smmplus("watch", folder, *APPROVED).status == 0
    assert (count(), files(folder)) == (2, ["done/week.csv"])


def test_a_program_is_told_every_event_and_where_each_sheet_is(smmplus, folder, drop, sandbox):
    drop("good.csv")
    drop("bad.csv", more="2,x,1\n")
    (folder / "old.xls").write_bytes(b"x")
    (folder / "open.csv").write_text("x", "utf-8")
    (folder / "~$open.csv").touch()
    done = smmplus("watch", folder, *APPROVED, "--json-lines")
    lines = list(map(json.loads, done.out.splitlines()))
    moved = {line["file"]: line for line in lines if line.get("event") == "sheet_moved"}
    assert {name: line["exit_status"] for name, line in moved.items()} == {"good.csv": 0, "bad.csv": 3, "old.xls": 3}
    assert moved["good.csv"]["to"] == str(folder / "done" / "good.csv")
    assert "'x' is not a link" in moved["bad.csv"]["reason"]
    assert [line["file"] for line in lines if line.get("event") == "sheet_waiting"] == ["open.csv"]
    assert [line["states"] for line in lines if "event" not in line] == [{"placed": 2}]
    assert [line["event"] for line in lines if line.get("event") in {"planned", "placing"}] == ["planned", "placing"]
    assert done.err == ""


def test_a_sheet_that_is_taken_away_before_it_is_read_is_no_problem(watcher, drop, folder, monkeypatch):
    sheet = drop()
    watcher.look()
    journal = given.open_journal

    def open_late():
        sheet.unlink()
        return journal()

    monkeypatch.setattr(given, "open_journal", open_late)
    watcher.look()
    assert files(folder) == []


# While it goes on.


@pytest.fixture
def watcher(smmplus, folder):
    return Watcher(folder, lambda path: Options(path, rate=0, max_spend=given.money("5")), given.panel_for("default"))


def test_a_sheet_that_is_still_copied_is_left_alone(watcher, drop, folder, count):
    watcher.look()
    for links in ("a", "ab", "abc"):
        drop(links=links)
        watcher.look()
        assert count() == 0
    watcher.look()
    assert (count(), files(folder)) == (3, ["done/week.csv"])


def test_why_a_sheet_waits_is_said_once(watcher, drop, folder, capsys, sandbox, monkeypatch):
    sandbox.balance("0.01")
    drop()
    for again in (60.0, 60.0, 0.0, 0.0):
        monkeypatch.setattr("bulk.cli.watch.AGAIN_SECONDS", again)
        watcher.look()
    assert capsys.readouterr().out.count("week.csv waits: the balance is short by 0.06 USD") == 1
    sandbox.balance("100")
    watcher.look()
    assert files(folder) == ["done/week.csv"]


def test_the_note_of_a_sheet_that_was_taken_away_goes_too(watcher, drop, folder, sandbox):
    sandbox.balance("0.01")
    sheet = drop()
    watcher.look(), watcher.look()
    assert files(folder) == ["week.csv", "week.csv.waiting.txt"]
    sheet.unlink()
    watcher.look()
    assert files(folder) == []


def test_a_sheet_that_is_saved_between_check_and_run_is_checked_again(watcher, drop, folder, count, monkeypatch):
    sheet = drop()
    watcher.look()
    claim = Watcher._claim

    def claim_late(self, path):
        monkeypatch.undo()
        sheet.write_text(sheet.read_text("utf-8").replace("/b", "/c"), "utf-8")
        return claim(self, path)

    monkeypatch.setattr(Watcher, "_claim", claim_late)
    watcher.look()
    assert (count(), files(folder)) == (0, ["running/week.csv"])


def test_a_price_that_rises_over_what_is_approved_between_check_and_run_is_not_paid(
    watcher, drop, folder, sandbox, count, monkeypatch
):
    drop()
    watcher.look()
    claim = Watcher._claim

    def claim_late(self, path):
        sandbox.service("2", rate="35")
        return claim(self, path)

    monkeypatch.setattr(Watcher, "_claim", claim_late)
    try:
        watcher.look()
        assert (count(), files(folder)) == (0, ["running/week.csv"])
        watcher.look()
        assert "to send: 2 rows for 7.00 USD" in (folder / "week.csv.waiting.txt").read_text("utf-8")
    finally:
        sandbox.service("2", rate="0.35")
    assert count() == 0


def test_a_sheet_that_is_saved_while_it_runs_is_run_again_and_nothing_twice(watcher, drop, folder, sandbox, count):
    drop()
    watcher.look()
    sandbox.faults({"fault": "latency", "action": "add", "seconds": 0.3})
    running = folder / "running" / "week.csv"

    def save():
        while not count():
            pass
        running.write_text(running.read_text("utf-8") + f"2,{LINK}/c,100\n", "utf-8")

    person = threading.Thread(target=save)
    person.start()
    watcher.look()
    person.join()
    sandbox.faults()
    while "done/week.csv" not in files(folder):
        watcher.look()
    assert count() == 3
    assert len({row["order_id"] for row in rows(folder / "done" / "week.csv")}) == 3


def test_a_sheet_of_the_same_name_waits_for_the_first(watcher, drop, folder, sandbox, count):
    drop()
    watcher.look()
    sandbox.balance("0.05")
    (folder / "running").mkdir()
    (folder / "week.csv").rename(folder / "running" / "week.csv")
    drop(links=("x", "y"))
    watcher.look(), watcher.look()
    assert (count(), files(folder)) == (0, ["running/week.csv", "week.csv", "week.csv.waiting.txt"])


def test_stopped_while_nothing_is_under_way_it_ends_well(smmplus, folder):
    before = signal.getsignal(signal.SIGTERM)

    def stop():
        while signal.getsignal(signal.SIGTERM) == before:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGTERM)

    person = threading.Thread(target=stop)
    person.start()
    assert smmplus("watch", folder, "--every", "600").status == 0
    person.join()
