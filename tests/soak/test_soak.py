"""The soak in short: a few thousand orders, 2 % of calls failing in every way, two kills."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e


def soak(*options: str) -> "subprocess.CompletedProcess[str]":
    # A process of its own: a child's peak of memory begins with that of the process it was started from.
    command = [sys.executable, "-m", "tests.soak", "--time-outs", "0", "--no-kill-in-writing", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_failing_panel_and_two_kills_lose_nothing_and_order_nothing_twice():
    done = soak("--orders", "3000", "--kills", "2", "--sheet", "soak.csv", "--seed", "3")
    assert done.stdout.endswith("\nnothing lost, nothing twice\n"), done.stdout + done.stderr
    assert "orders in the ledger: 3000 of 3000" in done.stdout
    assert "kills: 2;" in done.stdout
