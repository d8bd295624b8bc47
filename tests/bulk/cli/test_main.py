"""The command line as a whole: what it refuses itself."""

import json
import sys

import pytest

from bulk.cli.app import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check", "nothing.csv"], "nothing.csv"),
        (["run"], "file"),
        (["balance", "--no-such-option"], "--no-such-option"),
        (["nonsense"], "nonsense"),
    ],
)
def test_what_the_command_line_refuses_is_one_object_for_programs(monkeypatch, capsys, arguments, told):
    monkeypatch.setattr(sys, "argv", ["smmplus", *arguments, "--json"])
    with pytest.raises(SystemExit) as caught:
        main()
    said = json.loads(capsys.readouterr().out)
    assert (caught.value.code, said["exit_status"], told in said["error"]) == (2, 2, True)


def test_an_error_of_this_program_is_not_told_as_one_of_the_user(monkeypatch):
    def broken(**_):
        raise ZeroDivisionError

    monkeypatch.setattr(sys, "argv", ["smmplus", "doubts", "--json"])
    monkeypatch.setattr("bulk.cli.app.app", broken)
    with pytest.raises(ZeroDivisionError):
        main()
