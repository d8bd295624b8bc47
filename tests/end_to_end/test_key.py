"""The API key is in nothing that a run leaves behind, also where the panel echoes it."""

from pathlib import Path

import pytest

from tests.end_to_end.command import Finished, Workplace, orders, wait_until
from tests.secrets import leaks

pytestmark = pytest.mark.e2e


def assert_nowhere(workplace: Workplace, *said: Finished, key: str = "") -> None:
    """Search the key in every file of the folder, in their names, and in everything that was said."""
    assert (
        leaks(key or workplace.panel.key, workplace.folder, *(text for done in said for text in (done.out, done.err)))
        == []
    )


@pytest.mark.parametrize("name", ["echo.csv", "echo.txt"])
def test_a_key_that_the_panel_echoes_reaches_neither_sheet_nor_journal_nor_output(workplace: Workplace, name: str):
    sheet = workplace.sheet(name, orders(4))
    workplace.panel.faults({"fault": "echo_key", "action": "add", "calls": [1, 3]})
    done = workplace.command("run", sheet, "--yes", "--rate", "0", "--wait", "0", "--in-flight", "1")
    again = workplace.command("check", sheet, "--json")
    assert done.status == 3
    assert "[API key]" in again.out + done.out + "".join(entry["error"] for entry in workplace.entries())
    assert_nowhere(workplace, done, again)


def test_a_workbook_of_results_holds_no_key(workplace: Workplace):
    sheet = workplace.sheet("echo.xlsx", orders(2))
    workplace.panel.faults({"fault": "echo_key", "action": "add", "calls": [1]})
    done = workplace.run(sheet, "--in-flight", "1")
    assert_nowhere(workplace, done)


@pytest.mark.parametrize("action", ["balance", "services", "status"])
def test_a_key_that_is_echoed_to_a_question_is_not_told(workplace: Workplace, action: str):
    sheet = workplace.sheet("echo.csv", orders(1))
    workplace.panel.faults({"fault": "echo_key", "action": action})
    asked = workplace.command("run", sheet, "--yes", "--rate", "0", "--wait", "0.1")
    assert_nowhere(workplace, asked)


def test_a_killed_run_leaves_no_key(workplace: Workplace):
    sheet = workplace.sheet("killed.csv", orders(3))
    workplace.panel.faults({"fault": "hang_after_accept", "action": "add"})
    with workplace.start_run(sheet) as running:
        wait_until(lambda: workplace.ledger.count() == 3, "three orders")
        # What other users of the machine may see of the process.
        commands = Path(f"/proc/{running.pid}/cmdline")
        assert not commands.exists() or workplace.panel.key not in commands.read_text("utf-8")
        running.kill()
    assert_nowhere(workplace)


def test_the_key_may_stand_in_a_file(workplace: Workplace):
    file = workplace.folder / "key.txt"
    file.write_text(f"{workplace.panel.key}\n", encoding="utf-8")
    sheet = workplace.sheet("sheet.csv", orders(1))
    done = workplace.command(
        "run", sheet, "--yes", "--json", "--wait", "0", SMMPLUS_API_KEY="", SMMPLUS_API_KEY_FILE=str(file)
    )
    assert done.status == 0
    workplace.assert_each_row_once(sheet)
    file.unlink()
    assert_nowhere(workplace, done)


def test_a_wrong_key_is_not_told_either(workplace: Workplace):
    done = workplace.command("balance", SMMPLUS_API_KEY="another-key-0123456789")
    assert done.status == 5
    assert "another-key" not in done.said


def test_no_command_takes_the_key_as_an_argument(workplace: Workplace):
    for command in ("run", "balance"):
        assert workplace.command(command, "x.csv", "--key", workplace.panel.key).status == 2
