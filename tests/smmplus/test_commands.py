"""Commands to paste: what a shell makes of them is what was meant."""

import shlex
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from smmplus.commands import command, local_time


def test_options_follow_the_argument_and_the_account_comes_last():
    written = command("resolve", "week/4010-1", order_id="23501", account="shop")
    assert written == "smmplus resolve week/4010-1 --order-id 23501 --account shop"


def test_the_default_account_needs_no_word():
    assert command("doubts", account="default") == "smmplus doubts"


def test_a_command_of_a_group():
    assert command("journal restore", "b.sqlite3") == "smmplus journal restore b.sqlite3"


def test_an_option_without_a_value_and_one_that_is_not_asked_for():
    written = command("run", "a.csv", retry_refused=True, skip_bad=False, campaign=None)
    assert written == "smmplus run a.csv --retry-refused"


@pytest.mark.parametrize("name", ["week 1", "it's", 'so "called"', "$HOME", "a;b", "täglich", "two\nlines", "*"])
def test_a_shell_reads_what_was_meant(name):
    shown = command("run", f"{name}.csv", campaign=name, account=name).removeprefix("smmplus ")
    script = f"{shlex.quote(sys.executable)} -c 'import sys; print(sys.argv[1:])' {shown}"
    read = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert read.strip() == repr(["run", f"{name}.csv", "--campaign", name, "--account", name])


def test_what_begins_with_a_dash_is_no_option():
    assert shlex.split(command("run", "-x.csv", campaign="-y", account="-z")) == [
        "smmplus", "run", "--campaign=-y", "--account=-z", "--", "-x.csv",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("my week", '"my week"'),
        ("R&D", '"R&D"'),
        ("it's", '"it\'s"'),
        ("C:\\week_1", "C:\\week_1"),
        ('a "b"', '"a \\"b\\""'),
    ],
)
def test_windows_has_quotes_of_its_own(name, quoted):
    assert command("run", name, windows=True) == f"smmplus run {quoted}"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no time.tzset")
@pytest.mark.usefixtures("jakarta")
@pytest.mark.parametrize(
    ("time", "shown", "to_the_second"),
    [
        ("2026-11-28T05:16:30.974+00:00", "28 Nov 2026, 12:16 WIB", "28 Nov 2026, 12:16:30 WIB"),
        ("2026-12-31T17:00:00+00:00", "1 Jan 2027, 00:00 WIB", "1 Jan 2027, 00:00:00 WIB"),
        (datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC), "3 Feb 2026, 11:05 WIB", "3 Feb 2026, 11:05:06 WIB"),
        (None, "an unknown time", "an unknown time"),
        ("", "an unknown time", "an unknown time"),
    ],
)
def test_times_are_shown_in_the_local_zone_with_its_name(time, shown, to_the_second):
    assert (local_time(time), local_time(time, seconds=True)) == (shown, to_the_second)


def test_another_default_account_needs_no_word_and_the_one_named_default_does(monkeypatch):
    monkeypatch.setattr("smmplus.commands.default_account", lambda: "shop")
    assert command("balance", account="shop") == "smmplus balance"
    assert command("balance", account="default") == "smmplus balance --account default"
    assert command("doubts") == "smmplus doubts"
