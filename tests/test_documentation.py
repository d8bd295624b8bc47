"""The documentation agrees with the code: every example of the README runs, and what docs name exists."""

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

import smmplus.api.panel
from bulk.cli.texts import SUMMARIES
from bulk.model.errors import ExitStatus
from smmplus.journal.journal import Journal
from tests import command_reference
from tests.launcher import launch
from tests.panel import SandboxProcess

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language, text=README):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(first_word):
    lines = "\n".join(blocks("sh")).splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.startswith(f"{first_word} ")]


def settings():
    return dict(line.partition("=")[::2] for line in (line.removeprefix("export ") for line in commands("export")))


class Shell:
    """Runs commands in a folder, as a person with an account at the sandbox."""

    def __init__(self, folder, panel):
        self.folder = folder
        self.journal = folder / "journal.sqlite3"
        self.panel = panel
        self.environment = {
            **os.environ,
            "SMMPLUS_API_KEY": panel.key,
            "SMMPLUS_API_URL": panel.address,
            "SMMPLUS_JOURNAL": f"sqlite:///{self.journal}",
            "XDG_DATA_HOME": str(folder / "data"),
        }

    def run(self, line, answer=""):
        process = launch(shlex.split(line)[1:], self.environment, self.folder, answers=True)
        out, err = process.communicate(answer, timeout=300)
        return subprocess.CompletedProcess(line, process.wait(), out, err)

    def doubts(self):
        with sqlite3.connect(self.journal) as journal:
            # Two minutes have to pass before somebody may say that an order was not placed.
            journal.execute("UPDATE entries SET sent_at = '2020-01-01T00:00:00.000+00:00'")
            found = journal.execute("SELECT key, content FROM entries WHERE state = 'in_doubt'").fetchall()
        journal.close()
        return found


@pytest.mark.e2e
def test_every_command_of_the_readme_does_what_it_says(tmp_path):
    shutil.copy(ROOT / "sample_sheets" / "campaign.xlsx", tmp_path)
    with SandboxProcess("--speed", "6000") as panel:
        shell = Shell(tmp_path, panel)
        shell.environment["SMMPLUS_API_KEY"] = ""  # smmplus login keeps it
        panel.faults({"fault": "drop_after_accept", "action": "add", "calls": [2, 5]})
        for line in commands("smmplus"):
            done = run_line(shell, line)
            assert done.returncode in expected(line), (line, done.stdout, done.stderr)
        accepted = [order["order"] for order in panel.orders()]
    assert shell.doubts() == []
    assert len(accepted) == 8


def run_line(shell, line):
    """Run one line; the key that stands in the README is an example, and so is the order's number."""
    if " resolve " in line:
        key, content = shell.doubts()[0]
        order = next(order["order"] for order in shell.panel.orders() if order["link"] in content)
        line = re.sub(r"campaign/[0-9a-f]{16}-1", f"campaign/{key}", line).replace("23501", order)
    return shell.run(line, answer=f"{shell.panel.key}\n" if " login" in line else "y\n")


def expected(line):
    # Two answers were lost on purpose, so that there is something in doubt to settle.
    return {4} if line.startswith(("smmplus run", "smmplus status")) else {0}


@pytest.mark.e2e
def test_the_python_example_runs(capsys):
    with SandboxProcess() as panel:
        for block in blocks("python"):
            exec(compile(block, "README.md", "exec"), {"key": panel.key, "url": panel.address})  # noqa: S102
    assert "Pending" in capsys.readouterr().out


@pytest.mark.e2e
def test_the_examples_with_frames_do_what_they_say(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "dataframes.md").read_text(encoding="utf-8")
    with SandboxProcess() as panel:
        for name, value in Shell(tmp_path, panel).environment.items():
            monkeypatch.setenv(name, value)
        names = {}
        for block in blocks("python", page):
            exec(compile(block, "dataframes.md", "exec"), names)  # noqa: S102
        said = capsys.readouterr().out
        assert len(panel.orders()) == 6
    for told in re.findall(r"^print\(.*\) +# (.*)$", page, re.MULTILINE):
        begins = told.removesuffix("…")
        assert any(line == told or (told != begins and line.startswith(begins)) for line in said.splitlines()), told
    assert "row 0, quantity: " in said
    assert list(names["left"]["order_id"]) == ["", "", ""]


@pytest.mark.e2e
def test_a_journal_is_kept_backed_up_and_restored_as_documented(tmp_path):
    lines = "\n".join(blocks("sh", (ROOT / "docs" / "money-safety.md").read_text(encoding="utf-8"))).splitlines()
    named = [line.partition("#")[0].strip() for line in lines if line.startswith("smmplus journal")]
    with SandboxProcess() as panel:
        shell = Shell(tmp_path, panel)
        with Journal(f"sqlite:///{shell.journal}"):
            pass
        for line in named:
            if " restore " in line:
                shell.journal.rename(tmp_path / "lost.sqlite3")
            done = shell.run(line, answer="y\n")
            assert done.returncode == 0, (line, done.stdout, done.stderr)
    assert {line.split()[2] for line in named if len(line.split()) > 2} == {"check", "copy", "export", "restore"}


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {line.split()[1] for line in commands("make")}
    assert named == {"airflow-demo", "demo", "page", "test"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)


def test_the_readme_installs_this_distribution():
    assert commands("pip") == ["pip install airflow-provider-smmplus"]


def test_every_setting_of_the_readme_is_documented():
    documented = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in documented for name in settings())


def test_the_default_address_is_the_documented_one():
    assert f"`{smmplus.api.panel.DEFAULT_URL}`" in (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def test_the_reference_says_what_the_commands_say(monkeypatch):
    """`python -m tests.command_reference` writes it."""
    monkeypatch.setenv("SMMPLUS_LANGUAGE", "id")
    assert command_reference.PAGE.read_text("utf-8").endswith(command_reference.page() + "\n")


def test_the_reference_has_every_command_and_option():
    page = command_reference.PAGE.read_text("utf-8")
    sections = dict(re.findall(r"^## smmplus (.+?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert {name.split()[0] for name in sections} == set(SUMMARIES)
    for name, command in command_reference.commands():
        options = [each for each in command.params if each.param_type_name == "option"]
        named = [name for each in options for name in (*each.opts, *each.secondary_opts)]
        assert sorted(re.findall(r"`(--?[\w-]+)[^`]*`", "\n".join(rows_of(sections[name])))) == sorted(named), name


def rows_of(section):
    """Return the first cells of a section's tables."""
    return re.findall(r"^\| (.+?) \| ", section, re.MULTILINE)


def test_an_option_with_a_value_names_it():
    for name, command in command_reference.commands():
        for each in command.params:
            takes_value = each.param_type_name == "option" and not each.is_flag
            assert not takes_value or each.metavar, (name, each.opts)


def test_every_exit_status_is_documented():
    documented = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert all(f"| {int(status)} | " in documented for status in ExitStatus)


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "example_dags" / "README.md", *sorted((ROOT / "docs").glob("*.md"))],
    ids=lambda page: page.name,
)
def test_every_link_between_pages_leads_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []
