"""The command line as a whole: what it refuses itself."""

import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

import smmplus
from bulk.cli.app import app, main
from bulk.cli.texts import SUMMARIES

HEAVY = {"aiohttp", "requests", "sqlalchemy", "pandas", "openpyxl", "rich"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check", "nothing.csv"], "nothing.csv"),
        (["run"], "FILE"),
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


def test_help_and_import_load_nothing_that_orders_need():
    code = f"""
import sys
from bulk.cli.app import main
sys.argv = ["smmplus", "--help"]
try:
    main()
except SystemExit as end:
    print(end.code, sorted({HEAVY} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_fits_its_line_and_begins_the_help(name):
    found = typer.main.get_command(app).get_command(None, name)
    assert found.help.startswith(f"{SUMMARIES[name]}.")
    summaries = [SUMMARIES[name], *(each.get_short_help_str(1000) for each in getattr(found, "commands", {}).values())]
    assert max(map(len, summaries)) <= 60


def test_the_version_is_shown_without_a_command():
    assert CliRunner().invoke(app, ["--version"]).output == f"smmplus {smmplus.__version__}\n"


@pytest.mark.parametrize("arguments", [["-h"], ["check", "-h"], ["journal", "export", "-h"]])
def test_help_has_a_short_name(arguments):
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, "-h, --help" in done.output) == (0, True)
