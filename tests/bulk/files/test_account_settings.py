"""Where the key and the panel address of an account come from: the environment first, then what was kept."""

import json
import os
import stat
import sys

import pytest
from keyring.backends import fail, null

from bulk.files import account_settings
from bulk.files.account_settings import (
    account_named,
    default_account,
    key_source,
    known_accounts,
    panel_of,
    prompt_for_key,
    url_of,
)
from smmplus.api.panel import DEFAULT_URL, Panel
from smmplus.commands import command
from smmplus.errors import ConfigurationError
from tests.keychain import Forgetful, Keychain, Locked
from tests.secrets import leaks

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
    with pytest.raises(
        ConfigurationError, match="no API key for account 'default': run `smmplus login`, or set SMMPLUS_API_KEY, or"
    ):
        panel_of("default", {"SMMPLUS_API_KEY_SHOP": KEY})


@pytest.mark.parametrize("spelling", ["Shop 2", "shop-2", "SHOP_2", "shop  2"])
def test_spellings_that_share_their_settings_are_one_account(spelling):
    """Were they two to the journal, a sheet could be ordered for each, with one key."""
    assert account_named(spelling) == "shop_2"


def test_the_default_account_is_itself_in_any_case():
    assert account_named("Default") == account_settings.DEFAULT_ACCOUNT
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


# What was kept.


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Give the folder of this test's own data."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "smmplus"


@pytest.fixture
def keychain(tmp_path, monkeypatch):
    monkeypatch.setenv("TESTS_KEYCHAIN", str(tmp_path / "keychain.json"))
    made = Keychain()
    monkeypatch.setattr("keyring.core._keyring_backend", made)
    return made


def keep(account="default", key=KEY, url="https://kept.example/api", *, default=False):
    account_settings.keep(account, url=url, default=default)
    account_settings.keep_key(account, key)


def test_a_key_is_kept_in_the_keychain_and_nowhere_else(keychain, folder):
    keep("shop")
    assert panel_of("Shop", {}) == Panel(KEY, "https://kept.example/api")
    assert keychain.entries() == {"smmplus/shop": KEY}
    assert key_source("shop", {}) == "your keychain"
    assert leaks(KEY, folder) == []
    assert not account_settings.credentials_path().exists()


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring, Forgetful])
def test_without_a_keychain_a_key_is_kept_in_a_file_of_its_owner(folder, keychain, monkeypatch, backend):
    monkeypatch.setattr("keyring.core._keyring_backend", backend())
    keep()
    keep("shop", "another-key-0123")
    assert (panel_of("default", {}).key, panel_of("shop", {}).key) == (KEY, "another-key-0123")
    assert stat.S_IMODE((folder / "credentials").stat().st_mode) == 0o600
    assert key_source("shop", {}) == str(folder / "credentials")
    assert leaks(KEY, folder / "accounts.json") == []


def test_a_keychain_without_encryption_is_not_used(folder, keychain, monkeypatch):
    plaintext = type("Plaintext", (Keychain,), {"__module__": "keyrings.alt.file"})()
    monkeypatch.setattr("keyring.core._keyring_backend", plaintext)
    keep()
    assert keychain.entries() == {}
    assert key_source("default", {}) == str(folder / "credentials")


def test_of_several_keychains_the_first_real_one_is_used(keychain, monkeypatch):
    plaintext = type("Plaintext", (Locked,), {"__module__": "keyrings.alt.file"})()
    chain = Locked()
    chain.backends = [plaintext, keychain]
    monkeypatch.setattr("keyring.core._keyring_backend", chain)
    keep()
    assert (panel_of("default", {}).key, keychain.entries()) == (KEY, {"smmplus/default": KEY})


def test_a_keychain_that_refuses_is_replaced_by_the_file_and_one_that_is_locked_is_named(folder, keychain, monkeypatch):
    keep()
    monkeypatch.setattr("keyring.core._keyring_backend", Locked())
    with pytest.raises(
        ConfigurationError, match="your keychain does not return the API key of account 'default'"
    ) as told:
        panel_of("default", {})
    assert KEY not in str(told.value)
    with pytest.raises(ConfigurationError, match="your keychain does not remove"):
        account_settings.forget_key("default")
    keep("default", "another-key-0123")
    assert panel_of("default", {}).key == "another-key-0123"
    assert key_source("default", {}) == str(folder / "credentials")


def test_a_key_that_moves_into_the_keychain_leaves_the_file(folder, request):
    keep()
    keep("shop", "another-key-0123")
    request.getfixturevalue("keychain")
    keep()
    assert leaks(KEY, folder) == []
    assert (panel_of("default", {}).key, panel_of("shop", {}).key) == (KEY, "another-key-0123")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_of_keys_that_others_can_use_is_refused(folder, mode):
    keep()
    (folder / "credentials").chmod(mode)
    for use in (lambda: panel_of("default", {}), lambda: account_settings.keep_key("shop", "another-key-0123")):
        with pytest.raises(ConfigurationError, match="others can read it: run `chmod 600 ") as told:
            use()
        assert KEY not in str(told.value)
    assert panel_of("default", {"SMMPLUS_API_KEY": "of the environment"}).key == "of the environment"


def test_the_environment_wins_over_what_was_kept(keychain, monkeypatch):
    keep("shop")
    monkeypatch.setattr("keyring.core._keyring_backend", Locked())  # it is not even asked
    environment = {"SMMPLUS_API_KEY_SHOP": "of the environment", "SMMPLUS_API_URL": "https://set.example"}
    assert panel_of("shop", environment) == Panel("of the environment", "https://set.example")
    assert key_source("shop", environment) == "SMMPLUS_API_KEY_SHOP"


def test_a_named_account_never_uses_the_kept_key_of_another(keychain):
    keep()
    with pytest.raises(ConfigurationError, match="run `smmplus login --account shop`, or set SMMPLUS_API_KEY_SHOP"):
        panel_of("shop", {})


def test_the_default_account_is_the_chosen_one_unless_the_environment_has_a_key(keychain):
    assert default_account({}) == "default"
    keep("shop", default=True)
    keep("other")
    assert default_account({}) == "shop"
    assert default_account({"SMMPLUS_API_KEY_OTHER": KEY}) == "shop"
    assert default_account({"SMMPLUS_API_KEY": KEY}) == default_account({"SMMPLUS_API_KEY_FILE": "x"}) == "default"


def test_commands_to_paste_name_every_account_but_the_default_one(keychain):
    keep("shop", default=True)
    assert command("balance", account="shop") == "smmplus balance"
    assert command("balance", account="default") == "smmplus balance --account default"
    assert command("doubts") == "smmplus doubts"


def test_the_known_accounts_are_those_with_a_key_or_a_setting(keychain):
    keep("shop")
    environment = {
        "SMMPLUS_API_KEY_FILE_B": "x",
        "SMMPLUS_API_KEY_C": "",
        "SMMPLUS_API_KEY": KEY,
        "SMMPLUS_API_URL": "u",
    }
    assert known_accounts(environment) == ["b", "default", "shop"]


def test_a_forgotten_key_is_gone_and_the_address_stays(keychain, folder):
    keep("shop")
    account_settings.forget_key("shop")
    assert (keychain.entries(), url_of("shop", {})) == ({}, "https://kept.example/api")
    with pytest.raises(ConfigurationError, match="no API key of account 'shop' is kept"):
        account_settings.forget_key("shop")


def test_a_key_that_was_removed_from_the_keychain_by_hand_can_be_forgotten(keychain):
    keep()
    keychain.delete_password("smmplus", "default")
    with pytest.raises(ConfigurationError, match="run `smmplus login` again"):
        panel_of("default", {})
    account_settings.forget_key("default")
    assert key_source("default", {}) == ""


@pytest.mark.parametrize("in_keychain", [True, False])
def test_a_renamed_account_takes_its_key_its_address_and_its_being_the_default_along(request, in_keychain):
    if in_keychain:
        request.getfixturevalue("keychain")
    keep("default")
    keep("other", "another-key-0123")
    account_settings.rename("default", "main", {})
    assert (panel_of("main", {}), default_account({})) == (Panel(KEY, "https://kept.example/api"), "main")
    assert known_accounts({}) == ["main", "other"]
    file = account_settings.credentials_path()
    names = json.loads(file.read_text("utf-8")) if file.exists() else Keychain().entries()
    assert {name.removeprefix("smmplus/") for name in names} == {"main", "other"}
    with pytest.raises(ConfigurationError, match="'other' already exists"):
        account_settings.rename("main", "other", {})
    with pytest.raises(ConfigurationError, match="SMMPLUS_API_URL_MAIN is set"):
        account_settings.rename("main", "third", {"SMMPLUS_API_URL_MAIN": "https://panel.example"})


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": "other", "default": "a", "accounts": {}}', "\udcff"]
    + [json.dumps({"format": account_settings.FORMAT, "default": "a", "accounts": each}) for each in ([], {"a": 1})]
    + [json.dumps({"format": account_settings.FORMAT, "default": "a", "accounts": {"a": {"url": 1, "key_in": ""}}})],
)
def test_a_settings_file_of_something_else_is_not_guessed_at(folder, text):
    folder.mkdir(parents=True)
    (folder / "accounts.json").write_text(text, "utf-8", "surrogateescape")
    for use in (account_settings.read_settings, lambda: keep("shop")):
        with pytest.raises(ConfigurationError, match=r"accounts\.json was not written by smmplus: delete it"):
            use()


@pytest.mark.parametrize("text", [KEY, f'{{"default": ["{KEY}"]}}', f'"{KEY}"', f"{{{KEY}"])
def test_a_damaged_file_of_keys_is_told_without_its_content(folder, text):
    keep()
    (folder / "credentials").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match="credentials was not written by smmplus") as told:
        panel_of("default", {})
    assert KEY not in str(told.value)
