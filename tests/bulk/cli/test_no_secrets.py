"""No command tells a key or a password, whatever is wrong with the settings that hold it."""

import pytest
from typer.testing import CliRunner

from bulk.cli.app import app
from bulk.files import account_settings
from tests.secrets import leaks

pytestmark = pytest.mark.slow

KEY = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
PASSWORD = "pa55-0a1b2c3d4e5f6071"
NOBODY = "127.0.0.1:1"
"""A port that nobody listens on."""

SETTINGS = {
    "the key in the address": {"SMMPLUS_API_URL": f"https://smm.plus/api/v2?key={KEY}"},
    "the key behind the address": {"SMMPLUS_API_URL": f"https://smm.plus/api/v2#{KEY}"},
    "the key as a user": {"SMMPLUS_API_URL": f"https://{KEY}@smm.plus/api/v2"},
    "the key as an address": {"SMMPLUS_API_URL": KEY},
    "the key in an open address": {"SMMPLUS_API_URL": f"http://smm.plus/{KEY}"},
    "the key in a strange address": {"SMMPLUS_API_URL": f"gopher://smm.plus/{KEY}"},
    "the key in an address that is none": {"SMMPLUS_API_URL": f"https://[{KEY}"},
    "the key as its file": {"SMMPLUS_API_KEY": "", "SMMPLUS_API_KEY_FILE": KEY},
    "a key with a line end within": {"SMMPLUS_API_KEY": f"{KEY}\n{KEY}"},
    "a key with a sign that is none": {"SMMPLUS_API_KEY": f"{KEY}\x7f"},
    "a panel that is not there": {"SMMPLUS_API_URL": f"http://{NOBODY}/"},
    "a journal elsewhere": {"SMMPLUS_JOURNAL": f"postgresql://user:{PASSWORD}@{NOBODY}/journal"},
    "a journal with an awkward password": {"SMMPLUS_JOURNAL": f"postgresql://user:p@ss/{PASSWORD}@{NOBODY}/journal"},
    "a journal of another kind": {"SMMPLUS_JOURNAL": f"mysql://user:{PASSWORD}@{NOBODY}/journal"},
    "a journal without a port": {"SMMPLUS_JOURNAL": f"postgresql://user:{PASSWORD}@host:port/journal"},
    "a journal with an unknown option": {"SMMPLUS_JOURNAL": f"postgresql://user:{PASSWORD}@{NOBODY}/x?no=1"},
    "a journal with its password in the environment": {
        "SMMPLUS_JOURNAL": f"postgresql://user@{NOBODY}/journal",
        "PGPASSWORD": PASSWORD,
    },
    "a journal whose file is no address": {"SMMPLUS_JOURNAL": f"sqlite://user:{PASSWORD}@host/journal"},
    "a proxy without a port": {"https_proxy": f"http://user:{PASSWORD}@proxy:port", "SMMPLUS_API_URL": ""},
    "a proxy of another kind": {"https_proxy": f"socks5://user:{PASSWORD}@{NOBODY}", "SMMPLUS_API_URL": ""},
}

COMMANDS = (
    ("check", "week.csv"),
    ("check", "week.csv", "--json"),
    ("run", "week.csv", "--yes"),
    ("run", "week.csv", "--yes", "--json"),
    ("status", "week.csv"),
    ("balance",),
    ("services", "--json"),
    ("template", "new.xlsx"),
    ("doubts", "--json"),
    ("resolve", "week/0123456789abcdef-1", "--order-id", "5"),
)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Ask once: what is repeated says the same."""
    monkeypatch.setattr("smmplus.api.retry.ATTEMPTS", 1)
    monkeypatch.setattr("smmplus.api.retry.PATIENCE", 0.0)


@pytest.mark.parametrize("case", SETTINGS)
def test_a_wrong_setting_is_told_without_what_is_secret_in_it(case, monkeypatch, tmp_path, caplog, path):
    monkeypatch.chdir(tmp_path)
    settings = {
        "SMMPLUS_API_KEY": KEY,
        "SMMPLUS_API_URL": f"http://{NOBODY}/",
        "SMMPLUS_JOURNAL": f"sqlite:///{tmp_path / 'journal.sqlite3'}",
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "no_proxy": "",
        **SETTINGS[case],
    }
    for name, value in settings.items():
        if "\x00" not in value:
            monkeypatch.setenv(name, value)
    caplog.set_level("DEBUG")
    for command in COMMANDS:
        done = CliRunner().invoke(app, command)
        assert done.exception is None or isinstance(done.exception, SystemExit), (command, done.exception)
        if command != ("doubts", "--json"):
            assert done.exit_code != 0
        for secret in (KEY, PASSWORD):
            assert leaks(secret, done.output, caplog.text, tmp_path) == [], command


def test_a_kept_key_is_told_by_no_command(monkeypatch, tmp_path, tmp_path_factory, caplog, path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))  # the one place where it is
    monkeypatch.setenv("SMMPLUS_JOURNAL", f"sqlite:///{tmp_path / 'journal.sqlite3'}")
    for name in ("SMMPLUS_API_KEY", "SMMPLUS_API_URL"):
        monkeypatch.delenv(name, raising=False)
    account_settings.keep("default", url=f"http://{NOBODY}/")
    account_settings.keep_key("default", KEY)
    caplog.set_level("DEBUG")
    for command in (
        *COMMANDS,
        ("account", "--json"),
        ("login",),
        ("account", "default", "--rename", "shop"),
        ("logout",),
    ):
        done = CliRunner().invoke(app, command, input=KEY if command == ("login",) else None)
        assert done.exception is None or isinstance(done.exception, SystemExit), (command, done.exception)
        assert "there is no API key" not in done.output
        assert leaks(KEY, done.output, caplog.text, tmp_path) == [], command
