"""What a person in front of a terminal sees, and what Ctrl-C does."""

import re
import signal
from contextlib import suppress

import pexpect
import pytest

from tests.end_to_end.command import PATIENCE, SMMPLUS, Running, Workplace, orders, read_rows, wait_until

pytestmark = pytest.mark.e2e


def terminal(workplace: Workplace, *arguments: str, **more: str) -> "pexpect.spawn[str]":
    environment = workplace.environment(TERM="xterm-256color", **more)
    return pexpect.spawn(
        str(SMMPLUS), list(arguments), cwd=workplace.folder, env=environment, timeout=PATIENCE, dimensions=(50, 160),
        encoding="utf-8", codec_errors="replace",  # the terminal puts its ^C anywhere, also into a character
    )  # fmt: skip


def end(child: "pexpect.spawn[str]") -> tuple[int | None, str]:
    """Wait for the end; give the exit status and what was said since the last expectation, without colours."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, plain(child.before or "")


def plain(text: str) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).split())


def test_a_terminal_is_asked_and_shows_a_bar(workplace: Workplace):
    sheet = workplace.sheet("campaign.xlsx", orders(3))
    child = terminal(workplace, "run", str(sheet), "--rate", "0", "--wait", "0")
    child.expect_exact("Place 3 orders for 0.105 USD from account default at localhost")
    assert "to send: 3 rows for 0.105 USD" in plain(child.before or "")
    assert workplace.ledger.count() == 0
    child.sendline("y")
    status, said = end(child)
    assert status == 0
    assert re.search(r"placing.*━.* 3/3", said)
    assert "balance: 999.895 USD" in said
    assert f"smmplus status {sheet}" in said
    workplace.assert_each_row_once(sheet)


def test_without_a_terminal_there_are_plain_lines(workplace: Workplace):
    sheet = workplace.sheet("campaign.xlsx", orders(3))
    done = workplace.command("run", sheet, "--yes", "--rate", "0", "--wait", "0")
    assert done.status == 0
    assert "placing: 3 of 3" in done.err.splitlines()
    assert not {"\x1b", "\r", "━"} & set(done.err)
    assert "\x1b" not in done.out


def test_a_terminal_is_asked_for_the_key_which_is_not_shown(workplace: Workplace):
    child = terminal(workplace, "balance", SMMPLUS_API_KEY="")
    child.expect_exact("API key of account 'default' (it is not shown):")
    child.sendline(workplace.panel.key)
    status, said = end(child)
    assert (status, said) == (0, "1000.00 USD")


def test_ctrl_c_on_a_terminal_ends_the_following_and_says_how_to_go_on(workplace: Workplace):
    sheet = workplace.sheet("campaign.xlsx", orders(2))
    child = terminal(workplace, "run", str(sheet), "--yes", "--rate", "0", "--wait", "final")
    wait_until(lambda: workplace.ledger.calls("status") > 0, "the first question for a status")
    child.sendintr()
    status, said = end(child)
    assert status == 7
    assert "interrupted" in said
    assert "Run the same command to continue" in said
    workplace.assert_each_row_once(sheet)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_placing_finishes_what_is_under_way_and_writes_back(
    workplace: Workplace, number: signal.Signals
):
    rows = orders(40)
    sheet = workplace.sheet("campaign.csv", rows)
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.5})
    with workplace.start("run", sheet, "--yes", "--rate", "0", "--in-flight", "4") as running:
        wait_until(lambda: workplace.ledger.count() >= 4, "four orders in the ledger")
        running.signal(number)
        done = running.finish()
    assert done.status == 7
    assert "Run the same command to continue" in done.said
    sent = workplace.ledger.count()
    assert 4 <= sent < 40
    assert workplace.states() == {"placed": sent, "not_sent": 40 - sent}
    assert sum(row["order_id"] != "" for row in read_rows(sheet)) == sent
    workplace.panel.faults()
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"]) == (0, 40 - sent)
    workplace.assert_each_row_once(sheet, rows)


def test_a_signal_while_the_panel_says_not_now_does_not_wait_for_it(workplace: Workplace):
    sheet = workplace.sheet("campaign.csv", orders(2))
    workplace.panel.faults({"fault": "429", "retry_after": 100, "action": "add"})
    with workplace.start_run(sheet) as running:
        wait_until(lambda: workplace.ledger.calls("add") > 0, "the first refusal")
        running.signal(signal.SIGINT)
        assert running.finish().status == 7
    assert workplace.states() == {"not_sent": 2}


def test_who_presses_on_ends_it_at_once_and_leaves_nothing_undecided(workplace: Workplace):
    sheet = workplace.sheet("campaign.csv", orders(3))
    workplace.panel.faults({"fault": "hang_after_accept", "action": "add"})
    with workplace.start("run", sheet, "--yes", "--rate", "0") as running:
        wait_until(lambda: workplace.ledger.count() == 3, "all three orders")
        interrupt_until_gone(running)
        done = running.finish()
    # The latter where the last key stroke met a process that had said its word and was about to end.
    assert done.status in {7, -signal.SIGINT}
    assert "run it again" in done.said or "Run the same command to continue" in done.said
    assert "Traceback" not in done.said
    workplace.panel.faults()
    again = workplace.run(sheet)
    assert (again.status, again.json["states"]) == (4, {"in_doubt": 3})
    assert workplace.ledger.count() == 3


def interrupt_until_gone(running: Running) -> None:
    """Press Ctrl-C again and again, as people do."""
    while running.alive:
        running.signal(signal.SIGINT)
        with suppress(AssertionError):
            wait_until(lambda: not running.alive, "the end of the run", patience=1)
