"""A run that is killed anywhere and started again ends with every row placed once, or named as in doubt."""

import random
import socket
from pathlib import Path

import pytest

from tests.databases import on_both
from tests.end_to_end.command import Ledger, Workplace, orders, read_rows, wait_until
from tests.panel import SandboxProcess

pytestmark = pytest.mark.e2e


def kill_at(workplace: Workplace, sheet: Path, count: int, *options: str) -> None:
    """Start a run, and kill it as soon as the ledger holds so many orders."""
    with workplace.start_run(sheet, *options) as running:
        wait_until(lambda: workplace.ledger.count() >= count or not running.alive, f"{count} orders in the ledger")
        running.kill()


def assert_ends_well(workplace: Workplace, sheet: Path) -> None:
    """Run again, let a person settle the doubts, run once more: then every row is one order."""
    again = workplace.run(sheet)
    doubts = workplace.states()["in_doubt"]
    assert again.status == (4 if doubts else 0), again
    workplace.assert_books_agree()
    assert workplace.settle_doubts() == doubts
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet)


@pytest.mark.parametrize("name", ["held.xlsx", "held.csv"])
def test_killed_while_the_first_answers_are_held_back_after_acceptance(workplace: Workplace, name: str):
    rows = orders(12)
    sheet = workplace.sheet(name, rows)
    workplace.panel.faults({"fault": "hang_after_accept", "action": "add"})
    kill_at(workplace, sheet, 4, "--in-flight", "4")
    assert workplace.states() == {"sending": 4, "not_sent": 8}
    workplace.panel.faults()
    again = workplace.run(sheet)
    assert again.status == 4
    assert again.json["states"] == {"placed": 8, "in_doubt": 4}
    assert workplace.ledger.count() == 12
    workplace.assert_books_agree()
    assert [row["order_status"] for row in read_rows(sheet)] == ["In doubt"] * 4 + ["Placed"] * 8
    assert workplace.settle_doubts(by_command=True) == 4
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet, rows)


def test_an_approved_run_that_was_killed_goes_on_with_the_same_fingerprint(workplace: Workplace):
    rows = orders(12)
    sheet = workplace.sheet("approved.csv", rows)
    approved = workplace.command("check", sheet, "--json").json["fingerprint"]
    workplace.panel.faults({"fault": "hang_after_accept", "action": "add", "calls": [5]})
    kill_at(workplace, sheet, 5, "--in-flight", "1", "--expect-fingerprint", approved)
    workplace.panel.faults()
    again = workplace.run(sheet, "--expect-fingerprint", approved)
    assert (again.status, again.json["differences"]) == (4, [])
    assert workplace.ledger.count() == 12
    assert workplace.settle_doubts() == 1
    assert workplace.run(sheet, "--expect-fingerprint", approved).status == 0
    workplace.assert_each_row_once(sheet, rows)


@on_both
def test_killed_while_the_panel_has_not_taken_the_first_orders(workplace: Workplace):
    rows = orders(6)
    sheet = workplace.sheet("not-taken.xlsx", rows)
    workplace.panel.faults({"fault": "hang_before_accept", "action": "add"})
    with workplace.start_run(sheet, "--in-flight", "2") as running:
        wait_until(lambda: workplace.ledger.calls("add") == 2, "two orders at the panel")
        running.kill()
    workplace.panel.faults()
    again = workplace.run(sheet)
    assert again.status == 4
    assert again.json["states"] == {"placed": 4, "in_doubt": 2}
    assert workplace.ledger.count() == 4
    assert workplace.settle_doubts(by_command=True) == 2
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet, rows)


def test_nothing_of_a_killed_run_is_sent_again_before_a_person_has_spoken(workplace: Workplace):
    sheet = workplace.sheet("silent.xlsx", orders(3))
    workplace.panel.faults({"fault": "hang_after_accept", "action": "add"})
    kill_at(workplace, sheet, 3)
    workplace.panel.faults()
    for _ in range(2):
        assert workplace.run(sheet).status == 4
    assert workplace.ledger.calls("add") == 3


def test_check_and_status_name_what_a_killed_run_left_in_doubt(workplace: Workplace):
    sheet = workplace.sheet("named.xlsx", orders(2))
    workplace.panel.faults({"fault": "hang_after_accept", "action": "add"})
    kill_at(workplace, sheet, 2)
    workplace.panel.faults()
    checked = workplace.command("check", sheet, "--json")
    assert (checked.status, checked.json["already"]) == (4, {"in_doubt": 2})
    asked = workplace.command("status", sheet, "--json")
    assert (asked.status, asked.json["states"]) == (4, {"in_doubt": 2})
    assert [row["order_status"] for row in read_rows(sheet)] == ["In doubt"] * 2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_random_moments_of_a_run_of_60_rows(workplace: Workplace, seed: int):
    dice = random.Random(seed)  # noqa: S311 (moments to kill at, repeatable)
    sheet = workplace.sheet("sixty.xlsx", orders(60, name=f"seed{seed}"))
    # Slow enough that the kill finds some orders unsent, some under way and some answered.
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.05})
    for upper in (20, 40, 55):
        kill_at(workplace, sheet, dice.randint(1, upper), "--in-flight", str(dice.randint(1, 8)))
        workplace.assert_books_agree_with_the_dead()
    workplace.panel.faults()
    assert_ends_well(workplace, sheet)


def test_killed_while_the_sheet_is_written(workplace: Workplace):
    rows = orders(2500)
    sheet = workplace.sheet("large.xlsx", rows)
    with workplace.start_run(sheet, "--in-flight", "64") as running:
        wait_until(lambda: any(workplace.folder.glob(".large.xlsx.*.tmp")), "the new sheet beside the old one")
        running.kill()
    # Whole: either the old one or the new one.
    ids = {bool(row["order_id"]) for row in read_rows(sheet)}
    assert len(ids) == 1
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"]) == (0, 0)
    workplace.assert_each_row_once(sheet, rows)


@on_both
def test_killed_once_all_is_placed_and_nothing_is_written(workplace: Workplace):
    rows = orders(5)
    sheet = workplace.sheet("placed.xlsx", rows)
    before = sheet.read_bytes()
    # The orders never end, for the clock stands still: the run follows them until it is killed.
    with workplace.start("run", sheet, "--yes", "--rate", "0", "--wait", "final") as running:
        wait_until(lambda: workplace.ledger.calls("status") > 0, "the first question for a status")
        running.kill()
    assert sheet.read_bytes() == before
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"], again.json["states"]) == (0, 0, {"placed": 5})
    workplace.assert_each_row_once(sheet, rows)


def test_killed_as_soon_as_the_ledger_has_every_row(workplace: Workplace):
    sheet = workplace.sheet("all.xlsx", orders(40))
    kill_at(workplace, sheet, 40)
    assert_ends_well(workplace, sheet)


def test_killed_before_anything_was_sent(workplace: Workplace):
    rows = orders(3)
    sheet = workplace.sheet("before.xlsx", rows)
    workplace.panel.faults({"fault": "hang_before_accept", "action": "services"})
    with workplace.start_run(sheet) as running:
        wait_until(lambda: workplace.ledger.calls("services") > 0, "the question for the prices")
        running.kill()
    workplace.panel.faults()
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet, rows)


def test_the_panel_killed_in_the_middle_and_started_again(tmp_path: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--port", str(port), "--speed", "0", "--state", tmp_path / "panel.jsonl")
    rows = orders(30)
    with SandboxProcess(*options, "--latency", "0.05") as panel:
        workplace = Workplace(tmp_path, panel, Ledger(panel))
        sheet = workplace.sheet("power-cut.xlsx", rows)
        with workplace.start_run(sheet, "--in-flight", "4") as running:
            wait_until(lambda: workplace.ledger.count() >= 10, "ten orders in the ledger")
            panel.kill()
            # Four answers are lost at once: three doubts in a row stop the run.
            assert running.finish().status == 4
    with SandboxProcess(*options) as panel:
        workplace.panel, workplace.ledger = panel, Ledger(panel)
        workplace.assert_books_agree()
        assert_ends_well(workplace, sheet)
