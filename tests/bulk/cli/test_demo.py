"""`smmplus demo`."""

import subprocess
import sys

import pytest
import typer

from bulk.cli.demo import demo
from bulk.model.errors import SheetError
from bulk.reading import read_sheet
from bulk.running.result import RunResult
from smmplus.errors import ConfigurationError
from tests.bulk.plans import row, sheet_of

module = sys.modules["bulk.cli.demo"]  # in the package, the command has its name


def test_a_folder_that_is_somebody_elses_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(typer.Exit) as caught:
        demo(tmp_path)
    assert caught.value.exit_code == 3
    assert "was not made by the demo" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_folder_of_its_own_is_made_anew(tmp_path):
    folder = tmp_path / "demo"
    module._fresh_copies(folder)
    (folder / "old.txt").touch()
    module._fresh_copies(folder)
    assert {"campaign.xlsx", "with_problems.csv"} <= {file.name for file in folder.iterdir()}
    assert not (folder / "old.txt").exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SheetError, match=r"cannot be written .*use another one with --folder"):
        module._fresh_copies(tmp_path / "file" / "demo")


@pytest.mark.parametrize("inside", [True, False])
def test_the_samples_are_found_in_a_package_and_in_a_checkout(tmp_path, monkeypatch, inside):
    folder = tmp_path / ("bulk/sample_sheets" if inside else "sample_sheets")
    folder.mkdir(parents=True)
    monkeypatch.setattr(module, "__file__", str(tmp_path / "bulk" / "cli" / "demo.py"))
    assert module._samples() == folder


def test_a_panel_that_does_not_start_is_told():
    silent = subprocess.CompletedProcess([], 1, stdout=["something else\n"])
    with pytest.raises(ConfigurationError, match="did not start"):
        module._first_lines(silent)


def test_a_run_that_fails_ends_the_demo_with_its_status(monkeypatch, week):
    plan = week.plan(sheet_of(row()))
    monkeypatch.setattr(module.run, "run", lambda *_: RunResult(plan, {}, blocked="mend them"))
    with pytest.raises(typer.Exit) as caught:
        module._run(module.console(quiet=True), module.console(quiet=True), None, None, None)
    assert caught.value.exit_code == 3


@pytest.mark.e2e
def test_the_whole_demo(tmp_path, capsys):
    folder = tmp_path / "demo"
    demo(folder)
    text = capsys.readouterr().out
    assert "1. A sheet with mistakes" in text
    assert "No new orders were placed" in text
    assert "Done. Look at" in text
    assert (read_sheet(folder / "campaign.xlsx").frame["order_id"] != "").all()
