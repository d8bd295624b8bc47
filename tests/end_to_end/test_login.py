"""`smmplus login` keeps the key where nobody else reads it, and every command finds it there."""

from pathlib import Path

import pexpect
import pytest

from tests.end_to_end.command import PATIENCE, SMMPLUS, Workplace, orders
from tests.end_to_end.test_key_everywhere import TALKATIVE, at_start
from tests.keychain import settings_of
from tests.secrets import leaks

pytestmark = pytest.mark.e2e


@pytest.fixture
def keychain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file in which the keychain of this test is: the only place where a key may be."""
    return tmp_path_factory.mktemp("keychain") / "keychain.json"


@pytest.fixture
def person(workplace: Workplace) -> Workplace:
    """Give a workplace without a key in its environment."""
    workplace.settings["SMMPLUS_API_KEY"] = ""
    return workplace


def test_a_key_is_typed_once_and_is_in_the_keychain_alone(person: Workplace, keychain: Path):
    settings = settings_of(keychain)
    with pexpect.spawn(
        str(SMMPLUS), ["login"], env=person.environment(**settings), cwd=str(person.folder), timeout=PATIENCE
    ) as terminal:
        terminal.expect_exact("API key of account 'default' (it is not shown): ")
        terminal.sendline(person.panel.key)
        terminal.expect(pexpect.EOF)
        shown = terminal.before
    assert b"is kept in your keychain" in shown
    talkative = at_start(person, TALKATIVE)
    talkative["PYTHONPATH"] += f":{settings['PYTHONPATH']}"
    sheet = person.sheet("sheet.csv", orders(2))
    everything = settings | talkative
    said = [
        person.command("run", sheet, "--yes", "--rate", "0", **everything),
        person.command("logout", **everything),
    ]
    assert [done.status for done in said] == [0, 0]
    person.assert_each_row_once(sheet)
    assert "urllib3" in (person.folder / "everything.log").read_text("utf-8"), "the libraries did not speak"
    texts = (text for done in said for text in (done.out, done.err))
    assert leaks(person.panel.key, person.folder, shown, keychain, *texts) == []


def test_without_a_keychain_the_key_is_in_one_file_of_its_owner(person: Workplace):
    done = person.command("login", answer=f"{person.panel.key}\n")
    file = person.folder / "data" / "smmplus" / "credentials"
    assert (done.status, f"is kept in {file}." in done.out) == (0, True)
    assert file.stat().st_mode & 0o077 == 0
    sheet = person.sheet("sheet.csv", orders(1))
    assert person.run(sheet).status == 0
    assert leaks(person.panel.key, person.folder, done.out, done.err) == [str(file)]
    file.chmod(0o644)
    refused = person.run(sheet)
    assert (refused.status, f"chmod 600 {file}" in refused.said) == (2, True)


def test_a_wrong_key_leaves_nothing(person: Workplace):
    done = person.command("login", answer="wrong-key-0123456789\n")
    assert (done.status, "comes from your input" in done.err, "It was not kept." in done.err) == (5, True, True)
    assert list(person.folder.rglob("*")) == []


def test_the_demo_is_not_disturbed_by_what_is_kept(person: Workplace):
    assert person.command("login", "--account", "shop", "--default", answer=f"{person.panel.key}\n").status == 0
    before = person.ledger.count()
    done = person.command("demo", SMMPLUS_API_URL="", SMMPLUS_JOURNAL="")
    assert done.status == 0, done.err
    assert person.ledger.count() == before
    assert leaks(person.panel.key, person.folder / "smmplus-demo", done.out, done.err) == []
