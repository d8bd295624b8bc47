"""The settings of the environment."""

import sys

import pytest

from bulk.model import options
from bulk.model.options import account_named, panel_of, prompt_for_key
from smmplus.api.panel import DEFAULT_URL
from smmplus.errors import ConfigurationError

KEY = "0123456789abcdef0123456789abcdef"


def test_the_key_and_the_address_of_the_default_account():
    panel = panel_of("default", {"SMMPLUS_API_KEY": f" {KEY}\n", "SMMPLUS_API_URL": "https://panel.example/api/v2/"})
    assert (panel.key, panel.url) == (KEY, "https://panel.example/api/v2")


def test_without_an_address_it_is_smm_plus():
    assert panel_of("default", {"SMMPLUS_API_KEY": KEY}).url == DEFAULT_URL


@pytest.mark.parametrize(
    ("account", "suffix"), [("shop", "SHOP"), ("Shop", "SHOP"), ("my shop-2", "MY_SHOP_2"), ("a.b", "A_B")]
)
def test_a_named_account_has_settings_with_its_name_behind_them(account, suffix):
    environment = {
        "SMMPLUS_API_KEY": "the default account's key",
        "SMMPLUS_API_URL": "https://default.example",
        f"SMMPLUS_API_KEY_{suffix}": KEY,
        f"SMMPLUS_API_URL_{suffix}": "https://shop.example",
    }
    panel = panel_of(account, environment)
    assert (panel.key, panel.url) == (KEY, "https://shop.example")


def test_a_named_account_shares_the_address():
    environment = {"SMMPLUS_API_KEY_SHOP": KEY, "SMMPLUS_API_URL": "https://default.example"}
    assert panel_of("shop", environment).url == "https://default.example"


@pytest.mark.parametrize("name", ["SMMPLUS_API_KEY", "SMMPLUS_API_KEY_FILE"])
def test_a_named_account_never_takes_the_default_accounts_key(name, tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    environment = {name: str(file) if name.endswith("FILE") else KEY}
    with pytest.raises(ConfigurationError, match="set SMMPLUS_API_KEY_SHOP, or SMMPLUS_API_KEY_FILE_SHOP"):
        panel_of("shop", environment)


def test_the_default_account_never_takes_a_named_accounts_key():
    with pytest.raises(ConfigurationError, match="no API key for account 'default': set SMMPLUS_API_KEY,"):
        panel_of("default", {"SMMPLUS_API_KEY_SHOP": KEY})


@pytest.mark.parametrize("spelling", ["Shop 2", "shop-2", "SHOP_2", "shop  2"])
def test_spellings_that_share_their_settings_are_one_account(spelling):
    """Were they two to the journal, a sheet could be ordered for each, with one key."""
    assert account_named(spelling) == "shop_2"


def test_the_default_account_is_itself_in_any_case():
    assert account_named("Default") == options.DEFAULT_ACCOUNT
    assert panel_of("Default", {"SMMPLUS_API_KEY": KEY}).key == KEY


def test_a_key_may_stand_in_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text(f"{KEY}\r\n")
    assert panel_of("default", {"SMMPLUS_API_KEY_FILE": str(file)}).key == KEY
    assert panel_of("shop", {"SMMPLUS_API_KEY_FILE_SHOP": str(file)}).key == KEY


def test_the_file_may_stand_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text(KEY)
    assert panel_of("default", {"SMMPLUS_API_KEY_FILE": "~/key"}).key == KEY


def test_the_key_itself_comes_before_its_file():
    assert panel_of("default", {"SMMPLUS_API_KEY": KEY, "SMMPLUS_API_KEY_FILE": "/nowhere"}).key == KEY


def test_a_key_of_blanks_is_no_key(tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    assert panel_of("default", {"SMMPLUS_API_KEY": "  ", "SMMPLUS_API_KEY_FILE": str(file)}).key == KEY


def test_a_file_that_is_not_there_is_named_with_its_setting(tmp_path):
    words = "SMMPLUS_API_KEY_FILE_SHOP must name a file that holds the key; it cannot be read: No such"
    with pytest.raises(ConfigurationError, match=words):
        panel_of("shop", {"SMMPLUS_API_KEY_FILE_SHOP": str(tmp_path / "gone")})


@pytest.mark.parametrize("mistaken", [KEY, f"{KEY}\n", f"~{KEY}", f"{KEY}\x00", KEY * 20])
def test_a_key_in_the_place_of_its_file_is_not_told(mistaken):
    with pytest.raises(ConfigurationError) as caught:
        panel_of("default", {"SMMPLUS_API_KEY_FILE": mistaken})
    assert KEY not in str(caught.value)


def test_a_folder_is_no_file_with_a_key(tmp_path):
    with pytest.raises(ConfigurationError, match="it cannot be read: Is a directory"):
        panel_of("default", {"SMMPLUS_API_KEY_FILE": str(tmp_path)})


def test_a_file_of_bytes_is_no_key(tmp_path):
    file = tmp_path / "key"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="it cannot be read: it is not text"):
        panel_of("default", {"SMMPLUS_API_KEY_FILE": str(file)})


def test_a_file_of_nobody_is_told():
    with pytest.raises(ConfigurationError, match="a user that does not exist"):
        panel_of("default", {"SMMPLUS_API_KEY_FILE": "~nobody-of-this-name/key"})


@pytest.mark.parametrize("text", ["", "first-part\nsecond-part"])
def test_what_is_no_key_is_refused_without_being_shown(text, tmp_path):
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="The API key is empty, or has blanks") as caught:
        panel_of("default", {"SMMPLUS_API_KEY_FILE": str(file)})
    assert "part" not in str(caught.value)


def test_a_person_is_asked_for_a_key_that_is_not_set():
    asked = []

    def ask(question):
        asked.append(question)
        return f" {KEY} "

    assert panel_of("shop", {"SMMPLUS_API_KEY": "default"}, ask=ask).key == KEY
    assert asked == ["API key of account 'shop' (it is not shown): "]


def test_nobody_is_asked_for_a_key_that_is_set():
    def ask(question):
        raise AssertionError(question)

    assert panel_of("default", {"SMMPLUS_API_KEY": KEY}, ask=ask).key == KEY


def test_a_person_may_have_no_key():
    def ask(_):
        raise EOFError

    with pytest.raises(ConfigurationError, match="there is no API key"):
        panel_of("default", {}, ask=ask)


@pytest.mark.parametrize(("stdin", "stderr", "asks"), [(True, True, True), (False, True, False), (True, False, False)])
def test_only_a_person_at_a_terminal_is_asked(monkeypatch, stdin, stderr, asks):
    monkeypatch.setattr(sys, "stdin", Terminal(stdin))
    monkeypatch.setattr(sys, "stderr", Terminal(stderr))
    assert (prompt_for_key() is not None) is asks


class Terminal:
    def __init__(self, real):
        self._real = real

    def isatty(self):
        return self._real

    def write(self, _):
        """Pytest may speak meanwhile."""

    flush = write
