"""The API key is in nothing that a run leaves behind, also where the panel echoes it."""

from pathlib import Path

import pytest

from tests.end_to_end.command import Desk, Finished, orders, wait_until
from tests.secrets import leaks

pytestmark = pytest.mark.e2e


def assert_nowhere(desk: Desk, *said: Finished, key: str = "") -> None:
    """Search the key in every file of the folder, in their names, and in everything that was said."""
    assert leaks(key or desk.panel.key, desk.folder, *(text for done in said for text in (done.out, done.err))) == []


@pytest.mark.parametrize("name", ["echo.csv", "echo.txt"])
def test_a_key_that_the_panel_echoes_reaches_neither_sheet_nor_journal_nor_output(desk: Desk, name: str):
    sheet = desk.sheet(name, orders(4))
    desk.panel.faults({"fault": "echo_key", "action": "add", "calls": [1, 3]})
    done = desk.command("run", sheet, "--yes", "--rate", "0", "--wait", "0", "--in-flight", "1")
    again = desk.command("check", sheet, "--json")
    assert done.status == 3
    assert "[API key]" in again.out + done.out + "".join(entry["error"] for entry in desk.entries())
    assert_nowhere(desk, done, again)


def test_a_workbook_of_results_holds_no_key(desk: Desk):
    sheet = desk.sheet("echo.xlsx", orders(2))
    desk.panel.faults({"fault": "echo_key", "action": "add", "calls": [1]})
    done = desk.run(sheet, "--in-flight", "1")
    assert_nowhere(desk, done)


@pytest.mark.parametrize("action", ["balance", "services", "status"])
def test_a_key_that_is_echoed_to_a_question_is_not_told(desk: Desk, action: str):
    sheet = desk.sheet("echo.csv", orders(1))
    desk.panel.faults({"fault": "echo_key", "action": action})
    asked = desk.command("run", sheet, "--yes", "--rate", "0", "--wait", "0.1")
    assert_nowhere(desk, asked)


def test_a_killed_run_leaves_no_key(desk: Desk):
    sheet = desk.sheet("killed.csv", orders(3))
    desk.panel.faults({"fault": "hang_after_accept", "action": "add"})
    with desk.start_run(sheet) as running:
        wait_until(lambda: desk.ledger.count() == 3, "three orders")
        # What other users of the machine may see of the process.
        commands = Path(f"/proc/{running.pid}/cmdline")
        assert not commands.exists() or desk.panel.key not in commands.read_text("utf-8")
        running.kill()
    assert_nowhere(desk)


def test_the_key_may_stand_in_a_file(desk: Desk):
    file = desk.folder / "key.txt"
    file.write_text(f"{desk.panel.key}\n", encoding="utf-8")
    sheet = desk.sheet("sheet.csv", orders(1))
    done = desk.command(
        "run", sheet, "--yes", "--json", "--wait", "0", SMMPLUS_API_KEY="", SMMPLUS_API_KEY_FILE=str(file)
    )
    assert done.status == 0
    desk.assert_each_row_once(sheet)
    file.unlink()
    assert_nowhere(desk, done)


def test_a_wrong_key_is_not_told_either(desk: Desk):
    done = desk.command("balance", SMMPLUS_API_KEY="another-key-0123456789")
    assert done.status == 5
    assert "another-key" not in done.said


def test_no_command_takes_the_key_as_an_argument(desk: Desk):
    for command in ("run", "balance"):
        assert desk.command(command, "x.csv", "--key", desk.panel.key).status == 2
