"""A run that is killed anywhere and started again ends with every row placed once, or named as in doubt."""

import random
import socket
from pathlib import Path

import pytest

from tests.databases import on_both
from tests.end_to_end.command import Desk, Ledger, orders, read_rows, wait_until
from tests.panel import SandboxProcess

pytestmark = pytest.mark.e2e


def kill_at(desk: Desk, sheet: Path, count: int, *options: str) -> None:
    """Start a run, and kill it as soon as the ledger holds so many orders."""
    with desk.start_run(sheet, *options) as running:
        wait_until(lambda: desk.ledger.count() >= count or not running.alive, f"{count} orders in the ledger")
        running.kill()


def assert_ends_well(desk: Desk, sheet: Path) -> None:
    """Run again, let a person settle the doubts, run once more: then every row is one order."""
    again = desk.run(sheet)
    doubts = desk.states()["in_doubt"]
    assert again.status == (4 if doubts else 0), again
    desk.assert_books_agree()
    assert desk.settle_doubts() == doubts
    assert desk.run(sheet).status == 0
    desk.assert_each_row_once(sheet)


@pytest.mark.parametrize("name", ["held.xlsx", "held.csv"])
def test_killed_while_the_first_answers_are_held_back_after_acceptance(desk: Desk, name: str):
    rows = orders(12)
    sheet = desk.sheet(name, rows)
    desk.panel.faults({"fault": "hang_after_accept", "action": "add"})
    kill_at(desk, sheet, 4, "--in-flight", "4")
    assert desk.states() == {"submitting": 4, "planned": 8}
    desk.panel.faults()
    again = desk.run(sheet)
    assert again.status == 4
    assert again.json["states"] == {"accepted": 8, "in_doubt": 4}
    assert desk.ledger.count() == 12
    desk.assert_books_agree()
    assert [row["order_status"] for row in read_rows(sheet)] == ["In doubt"] * 4 + ["Placed"] * 8
    assert desk.settle_doubts(by_command=True) == 4
    assert desk.run(sheet).status == 0
    desk.assert_each_row_once(sheet, rows)


def test_an_approved_run_that_was_killed_goes_on_with_the_same_fingerprint(desk: Desk):
    rows = orders(12)
    sheet = desk.sheet("approved.csv", rows)
    approved = desk.command("check", sheet, "--json").json["fingerprint"]
    desk.panel.faults({"fault": "hang_after_accept", "action": "add", "calls": [5]})
    kill_at(desk, sheet, 5, "--in-flight", "1", "--expect-fingerprint", approved)
    desk.panel.faults()
    again = desk.run(sheet, "--expect-fingerprint", approved)
    assert (again.status, again.json["differences"]) == (4, [])
    assert desk.ledger.count() == 12
    assert desk.settle_doubts() == 1
    assert desk.run(sheet, "--expect-fingerprint", approved).status == 0
    desk.assert_each_row_once(sheet, rows)


@on_both
def test_killed_while_the_panel_has_not_taken_the_first_orders(desk: Desk):
    rows = orders(6)
    sheet = desk.sheet("not-taken.xlsx", rows)
    desk.panel.faults({"fault": "hang_before_accept", "action": "add"})
    with desk.start_run(sheet, "--in-flight", "2") as running:
        wait_until(lambda: desk.ledger.calls("add") == 2, "two orders at the panel")
        running.kill()
    desk.panel.faults()
    again = desk.run(sheet)
    assert again.status == 4
    assert again.json["states"] == {"accepted": 4, "in_doubt": 2}
    assert desk.ledger.count() == 4
    assert desk.settle_doubts(by_command=True) == 2
    assert desk.run(sheet).status == 0
    desk.assert_each_row_once(sheet, rows)


def test_nothing_of_a_killed_run_is_sent_again_before_a_person_has_spoken(desk: Desk):
    sheet = desk.sheet("silent.xlsx", orders(3))
    desk.panel.faults({"fault": "hang_after_accept", "action": "add"})
    kill_at(desk, sheet, 3)
    desk.panel.faults()
    for _ in range(2):
        assert desk.run(sheet).status == 4
    assert desk.ledger.calls("add") == 3


def test_check_and_status_name_what_a_killed_run_left_in_doubt(desk: Desk):
    sheet = desk.sheet("named.xlsx", orders(2))
    desk.panel.faults({"fault": "hang_after_accept", "action": "add"})
    kill_at(desk, sheet, 2)
    desk.panel.faults()
    checked = desk.command("check", sheet, "--json")
    assert (checked.status, checked.json["already"]) == (4, {"in_doubt": 2})
    asked = desk.command("status", sheet, "--json")
    assert (asked.status, asked.json["states"]) == (4, {"in_doubt": 2})
    assert [row["order_status"] for row in read_rows(sheet)] == ["In doubt"] * 2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_random_moments_of_a_run_of_60_rows(desk: Desk, seed: int):
    dice = random.Random(seed)  # noqa: S311 (moments to kill at, repeatable)
    sheet = desk.sheet("sixty.xlsx", orders(60, name=f"seed{seed}"))
    # Slow enough that the kill finds some orders unsent, some under way and some answered.
    desk.panel.faults({"fault": "latency", "action": "add", "seconds": 0.05})
    for upper in (20, 40, 55):
        kill_at(desk, sheet, dice.randint(1, upper), "--in-flight", str(dice.randint(1, 8)))
        desk.assert_books_agree_with_the_dead()
    desk.panel.faults()
    assert_ends_well(desk, sheet)


def test_killed_while_the_sheet_is_written(desk: Desk):
    rows = orders(2500)
    sheet = desk.sheet("large.xlsx", rows)
    with desk.start_run(sheet, "--in-flight", "64") as running:
        wait_until(lambda: any(desk.folder.glob(".large.xlsx.*.tmp")), "the new sheet beside the old one")
        running.kill()
    # Whole: either the old one or the new one.
    ids = {bool(row["order_id"]) for row in read_rows(sheet)}
    assert len(ids) == 1
    again = desk.run(sheet)
    assert (again.status, again.json["sent"]) == (0, 0)
    desk.assert_each_row_once(sheet, rows)


@on_both
def test_killed_once_all_is_placed_and_nothing_is_written(desk: Desk):
    rows = orders(5)
    sheet = desk.sheet("placed.xlsx", rows)
    before = sheet.read_bytes()
    # The orders never end, for the clock stands still: the run follows them until it is killed.
    with desk.start("run", sheet, "--yes", "--rate", "0") as running:
        wait_until(lambda: desk.ledger.calls("status") > 0, "the first question for a status")
        running.kill()
    assert sheet.read_bytes() == before
    again = desk.run(sheet)
    assert (again.status, again.json["sent"], again.json["states"]) == (0, 0, {"accepted": 5})
    desk.assert_each_row_once(sheet, rows)


def test_killed_as_soon_as_the_ledger_has_every_row(desk: Desk):
    sheet = desk.sheet("all.xlsx", orders(40))
    kill_at(desk, sheet, 40)
    assert_ends_well(desk, sheet)


def test_killed_before_anything_was_sent(desk: Desk):
    rows = orders(3)
    sheet = desk.sheet("before.xlsx", rows)
    desk.panel.faults({"fault": "hang_before_accept", "action": "services"})
    with desk.start_run(sheet) as running:
        wait_until(lambda: desk.ledger.calls("services") > 0, "the question for the prices")
        running.kill()
    desk.panel.faults()
    assert desk.run(sheet).status == 0
    desk.assert_each_row_once(sheet, rows)


def test_the_panel_killed_in_the_middle_and_started_again(tmp_path: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--port", str(port), "--speed", "0", "--state", tmp_path / "panel.jsonl")
    rows = orders(30)
    with SandboxProcess(*options, "--latency", "0.05") as panel:
        desk = Desk(tmp_path, panel, Ledger(panel))
        sheet = desk.sheet("power-cut.xlsx", rows)
        with desk.start_run(sheet, "--in-flight", "4") as running:
            wait_until(lambda: desk.ledger.count() >= 10, "ten orders in the ledger")
            panel.kill()
            # Four answers are lost at once: three doubts in a row stop the run.
            assert running.finish().status == 4
    with SandboxProcess(*options) as panel:
        desk.panel, desk.ledger = panel, Ledger(panel)
        desk.assert_books_agree()
        assert_ends_well(desk, sheet)
