"""The budget of a campaign: kept in the journal, and never passed by workers side by side."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from smmplus.errors import JournalConflictError
from smmplus.journal import balances, budgets
from smmplus.journal.state_machine import State
from smmplus.orders.models import Balance
from tests.databases import DATABASES, on_both, url_of
from tests.smmplus.batches import Batch

RUNS_ON = DATABASES


def test_a_campaign_has_no_budget_until_one_is_set(batch):
    assert budgets.budget(batch.journal, batch.campaign) is None
    budgets.set_budget(batch.journal, batch.campaign, Decimal("12.50"))
    assert str(budgets.budget(batch.journal, batch.campaign)) == "12.50"
    budgets.set_budget(batch.journal, batch.campaign, None)
    assert budgets.budget(batch.journal, batch.campaign) is None


def test_a_budget_is_one_campaign_s(journal):
    spring, autumn = Batch(journal, "spring"), Batch(journal, "autumn")
    budgets.set_budget(journal, spring.campaign, Decimal(5))
    assert budgets.budget(journal, autumn.campaign) is None


def test_all_budgets_tell_what_is_spent_in_doubt_and_left(journal):
    spring, shop = Batch(journal, "spring"), Batch(journal, "spring", account="shop")
    spring.accepted(cost="1.20")
    spring.in_doubt(cost="0.70")
    spring.in_doubt(cost="0.10")
    spring.plan(cost="99")
    spring.in_doubt(cost=None)
    shop.in_doubt(cost="3")
    budgets.set_budget(journal, spring.campaign, Decimal("2.5"))
    first, second = budgets.all_budgets(journal)
    assert (first.account, first.campaign, first.campaign_id) == ("main", "spring", spring.campaign)
    assert (first.amount, first.spent, first.in_doubt, first.left) == tuple(
        map(Decimal, ("2.5", "2.00", "0.80", "0.50"))
    )
    assert (second.account, second.amount, second.spent, second.in_doubt, second.left) == ("shop", None, 3, 3, None)


def test_a_budget_below_what_is_spent_leaves_nothing(batch):
    batch.accepted(cost="2")
    budgets.set_budget(batch.journal, batch.campaign, Decimal(1))
    assert [each.left for each in budgets.all_budgets(batch.journal)] == [0]


def test_looking_for_a_campaign_makes_none(batch):
    assert budgets.find_campaign(batch.journal, batch.account, "spring") == batch.campaign
    assert budgets.find_campaign(batch.journal, batch.account, "sprong") is None
    assert budgets.find_campaign(batch.journal, batch.account + 1, "spring") is None
    assert len(budgets.all_budgets(batch.journal)) == 1


WORKER = """
import json, random, sys, threading
from smmplus.journal.state_machine import Event, Outcome
from smmplus.journal.journal import Journal
from smmplus.journal.group_commit import Attempt, Intent

url, seed, entries = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
taken = []

def work(journal, order):
    for start in range(0, len(order), 4):
        answers = journal.commit([Intent(entry) for entry in order[start : start + 4]])
        attempts = [answer for answer in answers if isinstance(answer, Attempt)]
        taken.extend(attempt.entry for attempt in attempts)
        # Some answers are lost: their money is spent all the same.
        journal.commit([Outcome(each.entry, each.number, Event.DOUBT) for each in attempts if each.entry % 3 == 0])

with Journal(url) as journal:
    print("ready", flush=True)
    sys.stdin.readline()
    random.seed(seed)
    threads = [threading.Thread(target=work, args=(journal, random.sample(entries, len(entries)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print(json.dumps(taken))
"""


@pytest.mark.e2e
@on_both
def test_processes_and_threads_side_by_side_spend_the_budget_and_no_more(journal):
    """Each order costs 0.07: 57 of them are 3.99, and a 58th would pass the budget."""
    batch = Batch(journal)
    planned = [entry.id for entry in batch.plan(120, cost="0.07")]
    budgets.set_budget(journal, batch.campaign, Decimal("4.05"))
    command = [sys.executable, "-c", WORKER, url_of(journal)]
    workers = [
        subprocess.Popen(
            [*command, str(seed), json.dumps(planned)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for seed in range(3)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    taken = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    every = [entry for entries in taken for entry in entries]
    assert (len(every), len(set(every))) == (57, 57)
    assert batch.spent() == Decimal("3.99")
    entries = journal.with_ids(planned).values()
    assert sum(entry.state is State.NOT_SENT for entry in entries) == 63


def test_a_campaign_is_in_the_currency_of_its_first_order(journal):
    batch = Batch(journal)
    assert budgets.standing(journal, batch.campaign).currency == ""
    for currency in ("", "USD", "usd ", ""):  # an unknown one holds to none
        budgets.hold_to_currency(journal, batch.campaign, currency)
    batch.accepted(cost="2.5")
    budgets.set_budget(journal, batch.campaign, Decimal(10))
    with pytest.raises(JournalConflictError, match=r"'spring' is in USD \(2.5 of 10 spent\), and .* in IDR now"):
        budgets.hold_to_currency(journal, batch.campaign, "IDR")
    assert [each.currency for each in budgets.all_budgets(journal)] == ["USD"]


def test_a_budget_that_is_set_first_is_in_the_accounts_currency_as_it_was_last_read(journal):
    batch = Batch(journal)
    before = balances.accepted(journal, batch.account)
    for currency in ("IDR", "USD"):
        balances.record(journal, batch.account, Balance(Decimal(100), currency), before)
    budgets.set_budget(journal, batch.campaign, Decimal(10))
    assert budgets.standing(journal, batch.campaign).currency == "USD"


def test_what_is_known_around_a_balance_is_in_its_currency_alone(journal):
    rupiah, dollars, unknown = (Batch(journal, campaign=name) for name in ("idr", "usd", "unknown"))
    for batch, cost, currency in ((rupiah, "15000", "IDR"), (dollars, "2", "USD"), (unknown, "1", "")):
        budgets.hold_to_currency(journal, batch.campaign, currency)
        batch.accepted(order_id=cost, cost=cost)
    seen = balances.record(
        journal, dollars.account, Balance(Decimal(100), "USD"), balances.accepted(journal, dollars.account)
    )
    assert (seen.accepted, seen.spent) == (3, 3)
