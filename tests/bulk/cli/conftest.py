"""The commands in this process, against a simulated panel in another."""

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from bulk.cli.app import app
from tests.bulk.plans import LINK
from tests.json_schema import validate_output, without_version
from tests.panel import SandboxProcess


@pytest.fixture(scope="session")
def sandbox():
    with SandboxProcess("--speed", "0") as process:
        yield process


@pytest.fixture
def smmplus(sandbox, tmp_path, monkeypatch):
    """Give the way to call a command in a folder of its own, with a journal of its own."""
    sandbox.faults()
    sandbox.balance("1000")
    for name, value in (
        ("SMMPLUS_API_KEY", sandbox.key),
        ("SMMPLUS_API_URL", sandbox.address),
        ("SMMPLUS_JOURNAL", f"sqlite:///{tmp_path / 'journal.sqlite3'}"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def call(*arguments, answer=None):
        done = CliRunner().invoke(app, [str(word) for word in arguments], input=answer)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        said = SimpleNamespace(
            status=done.exit_code, out=done.stdout, err=done.stderr, words=" ".join(done.output.split())
        )
        validate_output(map(str, arguments), done.stdout)
        said.json = without_version(done.stdout) if "--json" in arguments and done.stdout else None
        return said

    return call


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(f"service,link,quantity\n2,{LINK},100\n2,{LINK}/2,100\n", "utf-8")
    return path


@pytest.fixture
def lost(sandbox):
    """Let the panel take the first order, and lose its answer."""
    sandbox.faults({"fault": "drop_after_accept", "action": "add", "calls": [1]})
