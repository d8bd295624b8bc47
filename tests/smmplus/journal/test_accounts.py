"""Which account a name, an address and a key are, and what a person says of it."""

from decimal import Decimal

import pytest

from smmplus.errors import JournalConflictError, JournalInUseError
from smmplus.journal import accounts, balances, budgets
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance.integrity import audit
from smmplus.orders.models import Balance
from tests.databases import DATABASES, rows_of, url_of
from tests.smmplus.batches import Batch

RUNS_ON = DATABASES

URL = "https://smm.plus/api/v2"
KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("name", ["Shop", "shop", " SHOP ", "Sho\u200bp", "\uff53hop"])
@pytest.mark.parametrize("url", [URL, "https://SMM.plus:443//api/./%762/"])
def test_an_account_is_one_however_it_is_spelled(journal, name, url):
    first = journal.ensure_account(URL, "Shop")
    assert journal.ensure_account(url, name) == first
    assert [(each.name, each.url) for each in known(journal)] == [("Shop", URL)]


def test_a_campaign_is_one_however_it_is_spelled_and_shown_as_first_written(journal):
    account = journal.ensure_account(URL, "main")
    first = journal.ensure_campaign(account, " Week 1")
    spelled = ["week 1", "Week  1", "Week\u00a01", "WEEK 1\n", " Week 1"]
    assert {journal.ensure_campaign(account, name) for name in spelled} == {first}
    assert journal.ensure_campaign(account, "Week 2") != first
    assert journal.ensure_campaign(journal.ensure_account(URL, "other"), "Week 1") != first
    batch = Batch(journal, campaign="week 1")
    assert batch.accepted().campaign == " Week 1"


def known(journal):
    with journal.reading() as connection:
        return accounts.all_of(connection)


def say_one(connection, journal, one="shop", other="default"):
    accounts.merge(connection, accounts.named(connection, one), accounts.named(connection, other), journal.is_run_alive)


def answered(journal, account_id):
    """Record what the panel said to the account, as every run does first."""
    balances.record(journal, account_id, Balance(Decimal(5), "USD"), balances.accepted(journal, account_id))


def test_a_key_under_another_name_or_address_stops_until_a_person_says_what_it_is(journal):
    answered(journal, journal.ensure_account(URL, "default", key=KEY))
    for url, name in ((URL, "shop"), ("https://other.example/api", "default")):
        for _ in range(2):  # asked again, the answer is the same
            with pytest.raises(JournalConflictError, match="this API key belongs to account 'default'"):
                journal.ensure_account(url, name, key=KEY)
    assert journal.ensure_account(URL, "default", key=KEY) == 1


def test_an_address_that_never_answered_stops_nothing_until_it_does(journal):
    wrong = journal.ensure_account("https://panel.example", "default", key=KEY)
    right = journal.ensure_account(URL, "default", key=KEY)
    assert wrong != right
    answered(journal, wrong)
    with pytest.raises(JournalConflictError, match=r"belongs to account 'default' at https://panel\.example"):
        journal.ensure_account(URL, "default", key=KEY)
    assert journal.ensure_account("https://panel.example", "default", key=KEY) == wrong
    answered(journal, right)
    with pytest.raises(JournalConflictError):
        journal.ensure_account("https://panel.example", "default", key=KEY)


def test_what_stops_says_commands_that_work(journal):
    answered(journal, journal.ensure_account(URL, "default", key=KEY))
    with pytest.raises(JournalConflictError, match=r"`smmplus account 'my shop' --same-as default`") as raised:
        journal.ensure_account(URL, "my shop", key=KEY)
    assert "`smmplus account 'my shop' --separate`" in str(raised.value)
    assert KEY not in str(raised.value)
    with pytest.raises(JournalConflictError, match="`smmplus account 3 --same-as 1`"):
        journal.ensure_account("https://other.example", "default", key=KEY)


@pytest.mark.parametrize("said", ["shop", "default"])
def test_two_on_purpose_are_two_whichever_it_is_said_of(journal, said):
    answered(journal, journal.ensure_account(URL, "default", key=KEY))
    shop = journal.ensure_account(URL, "shop")
    with journal.transaction() as connection:
        accounts.separate(connection, accounts.named(connection, said))
    assert journal.ensure_account(URL, "shop", key=KEY) == shop != journal.ensure_account(URL, "default", key=KEY)
    assert journal.accounts_with_same_key(shop) == [1, shop]
    answered(journal, shop)
    with pytest.raises(JournalConflictError):
        journal.ensure_account(URL, "third", key=KEY)


def test_a_new_key_a_second_account_and_a_key_that_comes_back_stop_nothing(journal):
    for name, key in (("default", KEY), ("default", "another"), ("shop", "its own"), ("default", KEY)):
        journal.ensure_account(URL, name, key=key)
    assert journal.accounts_with_same_key(1) == [1]


def test_no_key_is_in_the_journal_and_another_journal_hashes_it_in_another_way(journal, tmp_path):
    with Journal(f"sqlite:///{tmp_path / 'other.sqlite3'}") as other:
        for each in (journal, other):
            each.ensure_account(URL, "default", key=KEY)
        hashes = [rows_of(url_of(each), "SELECT hash FROM account_keys")[0]["hash"] for each in (journal, other)]
    assert hashes[0] != hashes[1]
    assert KEY not in str(hashes)


def test_an_account_that_is_another_one_is_that_from_then_on(journal):
    theirs, ours = Batch(journal, account="shop"), Batch(journal, account="default")
    for batch, order_id in ((theirs, "501"), (ours, "502")):
        batch.accepted(order_id)
    with journal.transaction() as connection:
        say_one(connection, journal)
    assert (
        journal.ensure_account(URL, "SHOP", key=KEY) == journal.ensure_account(URL, "default", key=KEY) == ours.account
    )
    found = journal.with_order_ids(ours.account, ["501", "502"])
    assert {entry.name.partition("/")[0] for entry in found.values()} == {"spring"}
    assert {entry.account for entry in found.values()} == {"default"}
    with journal.reading() as connection:
        assert list(audit(connection)) == []


def test_campaigns_of_one_name_are_one_campaign_with_one_budget(journal):
    theirs, ours = (
        Batch(journal, account="shop", campaign="Week 1"),
        Batch(journal, account="default", campaign="week 1"),
    )
    theirs.accepted("501", cost="2")
    ours.accepted("502", cost="3")
    budgets.set_budget(journal, theirs.campaign, Decimal(5))
    with journal.transaction() as connection:
        say_one(connection, journal)
    assert journal.ensure_campaign(ours.account, "Week 1") == ours.campaign
    standing = budgets.standing(journal, ours.campaign)
    assert (standing.name, standing.spent, standing.budget) == ("week 1", Decimal(5), Decimal(5))
    assert {row["name"] for row in rows_of(url_of(journal), "SELECT name FROM campaigns")} == {"week 1"}


def test_campaigns_of_two_currencies_do_not_become_one(journal):
    for name, currency in (("shop", "IDR"), ("default", "USD")):
        budgets.hold_to_currency(journal, Batch(journal, account=name).campaign, currency)
    with pytest.raises(JournalConflictError, match="in IDR under one name and in USD"), journal.transaction() as opened:
        say_one(opened, journal)


@pytest.mark.parametrize("name", ["shop", "default"])
def test_campaigns_that_a_run_is_in_do_not_become_one(journal, name):
    desks = {each: Batch(journal, account=each) for each in ("shop", "default")}
    journal.hold_campaign(desks[name].campaign, wait=0)
    with pytest.raises(JournalInUseError, match="is being placed by process"), journal.transaction() as connection:
        say_one(connection, journal)


def test_an_account_that_another_one_is_may_itself_become_another_one(journal):
    desks = [Batch(journal, account=name) for name in ("a", "b", "c")]
    for batch, order_id in zip(desks, ("1", "2", "3"), strict=True):
        batch.accepted(order_id)
    for one, other in (("a", "b"), ("b", "c")):
        with journal.transaction() as connection:
            say_one(connection, journal, one, other)
    assert {journal.ensure_account(URL, name) for name in "abc"} == {desks[2].account}
    assert len(journal.with_order_ids(desks[2].account, "123")) == 3


def test_two_accounts_that_have_an_order_of_one_number_are_not_one(journal):
    for name in ("shop", "default"):
        Batch(journal, account=name).accepted("501")
    with pytest.raises(JournalConflictError, match="both accounts have an order 501"), journal.transaction() as opened:
        say_one(opened, journal)


def test_an_order_is_found_by_its_campaign_in_any_spelling(journal):
    batch = Batch(journal, campaign="Week 1")
    entry = batch.in_doubt()
    assert journal.find(batch.account, f" week  1/{entry.key}").id == entry.id


def rename(journal, name, new, url=URL):
    with journal.transaction() as connection:
        accounts.rename(connection, url, name, new)


def test_a_renamed_account_is_the_same_under_both_names_and_can_be_renamed_back(journal):
    first = journal.ensure_account(URL, "default", key=KEY)
    answered(journal, first)
    for name, new in (("default", "Shop"), ("shop", "third"), ("third", "DEFAULT"), ("default", "shop")):
        rename(journal, name, new)
        assert {each.id: each.name for each in known(journal)}[first] == new
        assert {journal.ensure_account(URL, each, key=KEY) for each in ("default", new)} == {first}
    assert {journal.ensure_account(URL, name, key=KEY) for name in ("default", "shop", "third")} == {first}
    assert len(known(journal)) == 3
    with journal.reading() as connection:
        assert list(audit(connection)) == []


def test_an_account_cannot_get_the_name_of_another(journal):
    first, other = (journal.ensure_account(URL, name) for name in ("shop", "other"))
    with pytest.raises(
        JournalConflictError, match="If both names are one account: `smmplus account shop --same-as Other`"
    ):
        rename(journal, "shop", "Other")
    assert (journal.ensure_account(URL, "shop"), journal.ensure_account(URL, "other")) == (first, other)


def test_what_is_renamed_is_known_and_of_this_address(journal):
    journal.ensure_account("https://other.example", "shop")
    rename(journal, "shop", "new")
    rename(journal, "nobody", "new")
    assert [each.name for each in known(journal)] == ["shop"]


def test_a_name_that_was_merged_and_an_account_kept_apart_can_be_renamed(journal):
    first = journal.ensure_account(URL, "default")
    journal.ensure_account(URL, "shop")
    with journal.transaction() as connection:
        say_one(connection, journal)
    rename(journal, "shop", "store")
    apart = journal.ensure_account(URL, "apart")
    with journal.transaction() as connection:
        accounts.separate(connection, accounts.named(connection, "apart"))
    rename(journal, "apart", "far")
    found = {name: journal.ensure_account(URL, name) for name in ("default", "shop", "store", "apart", "far")}
    assert found == {"default": first, "shop": first, "store": first, "apart": apart, "far": apart}
    assert [each.same_as for each in known(journal) if each.name == "far"] == [apart]


def test_a_campaign_counts_once_it_has_orders_or_a_budget(journal):
    batch = Batch(journal)

    def counted():
        with journal.reading() as connection:
            return [each.campaigns for each in accounts.all_of(connection)]

    empty = journal.ensure_campaign(batch.account, "only checked")
    assert counted() == [0]
    batch.plan()
    assert counted() == [1]
    budgets.set_budget(journal, empty, Decimal(5))
    assert counted() == [2]
