"""`smmplus login`, `logout` and `account`."""

import pytest

from tests.keychain import Keychain
from tests.secrets import leaks


@pytest.fixture
def keychain(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("TESTS_KEYCHAIN", str(tmp_path_factory.mktemp("keychain") / "keychain.json"))
    made = Keychain()
    monkeypatch.setattr("keyring.core._keyring_backend", made)
    return made


@pytest.fixture
def person(smmplus, sandbox, tmp_path, monkeypatch):
    """Give the way to call a command, without a key or an address in the environment."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("SMMPLUS_API_KEY", "SMMPLUS_API_URL"):
        monkeypatch.delenv(name)

    def call(*arguments, answer=None):
        done = smmplus(*arguments, answer=answer)
        assert leaks(sandbox.key, done.out, done.err) == []
        return done

    return call


@pytest.fixture
def login(person, sandbox):
    return lambda *options, key=sandbox.key: person("login", *options, "--url", sandbox.address, answer=f"{key}\n")


def listed(person, *arguments):
    return {each["account"]: each for each in person("account", *arguments, "--json").json["accounts"]}


def test_a_kept_key_is_what_every_command_uses(keychain, login, person, sandbox, path, tmp_path):
    done = login()
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        "Balance: 1000.00 USD",
        "The API key of account 'default' is kept in your keychain.",
        "Next, see what the panel offers, and create a sheet:",
        "  smmplus services",
        "  smmplus template orders.xlsx",
    ]
    assert [person(*words).status for words in (["balance"], ["services"], ["run", path, "--yes", "--rate", "0"])] == [
        0,
        0,
        0,
    ]
    assert leaks(sandbox.key, tmp_path) == []


def test_a_wrong_key_is_told_with_its_source_and_not_kept(keychain, login, person, tmp_path):
    done = login(key="wrong-key-0123456789")
    assert (done.status, done.out) == (5, "")
    assert done.err.splitlines()[-1] == (
        "127.0.0.1 answered this to account 'default', whose API key comes from your input. "
        "You find the key on the panel's website, on its API page. It was not kept."
    )
    assert (keychain.entries(), (tmp_path / "data").exists()) == ({}, False)
    assert "run `smmplus login`" in person("balance").err


def test_a_refused_login_leaves_the_kept_key(keychain, login, person):
    login()
    assert login(key="wrong-key-0123456789").status == 5
    assert person("balance").status == 0


@pytest.mark.parametrize("answer", ["", "\n", "two words\x00\n"])
def test_what_is_not_a_key_is_not_sent(keychain, person, sandbox, answer):
    before = sandbox.calls("balance")
    done = person("login", "--url", sandbox.address, answer=answer)
    assert (done.status, "The API key is empty" in done.err, sandbox.calls("balance")) == (2, True, before)


def test_a_key_is_not_an_argument_and_its_address_is_checked_first(keychain, person, sandbox):
    assert person("login", "some-key").status == 2
    done = person("login", "--url", "http://panel.example", answer=sandbox.key)
    assert (done.status, keychain.entries()) == (2, {})
    assert "not encrypted" in done.err


def test_a_kept_key_that_the_panel_refuses_later_is_named(keychain, login, person):
    login("--account", "shop")
    keychain.set_password("smmplus", "shop", "old-key-0123456789")
    assert person("balance", "--account", "shop").err.splitlines()[-1] == (
        "127.0.0.1 answered this to account 'shop', whose API key comes from your keychain. You find the key on the "
        "panel's website, on its API page. To replace it: smmplus login --account shop"
    )


def test_the_environment_is_used_instead_and_login_says_so(keychain, login, person, sandbox, monkeypatch):
    monkeypatch.setenv("SMMPLUS_API_KEY", "wrong-key-0123456789")
    monkeypatch.setenv("SMMPLUS_API_URL", f"{sandbox.address}/other")
    done = login("--account", "shop", "--default")
    assert "use the account 'default' as long as its API key comes from SMMPLUS_API_KEY" in done.err
    assert f"the panel address of account 'shop' is {sandbox.address}/other, as the environment sets it" in done.err
    done = login()
    assert "the API key of account 'default' comes from SMMPLUS_API_KEY, and not from your keychain" in done.err
    monkeypatch.delenv("SMMPLUS_API_URL")
    assert "comes from SMMPLUS_API_KEY." in person("balance").err


def test_logout_removes_the_key(keychain, login, person, monkeypatch):
    login()
    assert person("logout").out == "Removed the API key of account 'default' from your keychain.\n"
    assert (keychain.entries(), person("balance").status, person("logout").status) == ({}, 2, 2)
    login()
    monkeypatch.setenv("SMMPLUS_API_KEY", "x")
    assert "still has its API key from SMMPLUS_API_KEY" in person("logout").err


def test_programs_get_objects(keychain, login, person, sandbox):
    done = login("--json")
    assert done.json == {
        "account": "default",
        "url": sandbox.address,
        "kept_in": "your keychain",
        "balance": "1000",
        "currency": "USD",
    }
    assert person("logout", "--json").json == {"account": "default", "removed_from": "your keychain"}


def test_accounts_are_listed_with_where_their_keys_come_from(keychain, login, person, sandbox, monkeypatch):
    assert person("account").out == "No accounts yet. To add one: smmplus login\n"
    login("--account", "shop", "--default")
    monkeypatch.setenv("SMMPLUS_API_KEY_OTHER", "x")
    found = listed(person)
    assert {name: (each["key_from"], each["default"]) for name, each in found.items()} == {
        "other": ("SMMPLUS_API_KEY_OTHER", False),
        "shop": ("your keychain", True),
    }
    assert (found["shop"]["url"], found["shop"]["number"]) == (sandbox.address, None)
    person("balance")  # now the journal knows it
    assert (listed(person)["shop"]["number"], list(listed(person))) == (1, ["shop", "other"])
    assert "your keychain" in person("account").words
    assert "the default" in person("account", "shop").words


def test_the_default_account_is_used_by_every_command_and_by_those_to_paste(keychain, login, person, path, lost):
    login("--account", "shop")
    login("--account", "default", "--default")
    assert "the default" in person("account", "shop", "--default").words
    done = person("template", "new.xlsx")
    assert done.out.endswith("\n  smmplus check new.xlsx\n")
    assert "smmplus check other.xlsx --account default" in person("template", "other.xlsx", "--account", "default").out
    assert person("run", path, "--yes", "--rate", "0", "--in-flight", "1").status == 4
    doubt = person("doubts", "--json").json["doubts"][0]
    assert doubt["account"] == "shop"
    said = person("doubts").out
    assert (f"smmplus resolve {doubt['key']} --order-id NUMBER" in said, "--account" in said) == (True, False)


def test_the_panel_address_of_an_account_can_be_changed(keychain, login, person, sandbox):
    login()
    done = person("account", "default", "--url", "https://panel.example/api/")
    assert done.status == 0
    assert listed(person)["default"]["url"] == "https://panel.example/api"
    assert person("account", "default", "--url", "http://panel.example").status == 2
    assert keychain.entries()


def test_a_renamed_account_keeps_its_orders_and_its_old_name(keychain, login, person, sandbox, path):
    login()
    assert person("run", path, "--yes", "--rate", "0").status == 0
    before = sandbox.ledger()["count"]
    assert person("account", "default", "--rename", "Main shop").status == 0
    assert (listed(person)["main_shop"]["default"], listed(person)["main_shop"]["orders"]) == (True, 2)
    for options in ([], ["--account", "main_shop"]):
        assert person("run", path, "--yes", "--rate", "0", *options).status == 0
    login("--account", "default")  # the old name is still this account
    assert person("run", path, "--yes", "--rate", "0", "--account", "default").status == 0
    assert sandbox.ledger()["count"] == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--default"], "--default needs an account: smmplus account NAME --default"),
        (["shop", "--rename", "b", "--url", "https://panel.example"], "--url and --rename cannot be used together"),
        (["shop", "--same-as", "a", "--separate"], "--same-as and --separate cannot be used together"),
        (["shpo", "--default"], "there is no account 'shpo'"),
        (["shop", "--rename", ""], "the new name is empty"),
        (["shop", "--rename", "other"], "'other' already exists"),
    ],
)
def test_what_makes_no_sense_changes_nothing(keychain, login, person, arguments, words):
    for name in ("shop", "other"):
        login("--account", name)
    before = listed(person)
    done = person("account", *arguments)
    assert (done.status in {2, 3}, words in done.err) == (True, True), done.err
    assert listed(person) == before


def test_a_damaged_settings_file_is_a_sentence(person, tmp_path):
    (tmp_path / "data" / "smmplus").mkdir(parents=True)
    (tmp_path / "data" / "smmplus" / "accounts.json").write_text("{", "utf-8")
    for words in (["balance"], ["account"], ["login"]):
        done = person(*words)
        assert (done.status, "was not written by smmplus" in done.words) == (2, True), done.words
