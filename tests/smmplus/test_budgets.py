"""The budget of a campaign: kept in the journal, and never passed by workers side by side."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from smmplus.journal import State, budgets
from tests.databases import DATABASES, on_both, url_of
from tests.smmplus.desk import Desk

RUNS_ON = DATABASES


def test_a_campaign_has_no_budget_until_one_is_set(desk):
    assert budgets.budget(desk.journal, desk.campaign) is None
    budgets.set_budget(desk.journal, desk.campaign, Decimal("12.50"))
    assert str(budgets.budget(desk.journal, desk.campaign)) == "12.50"
    budgets.set_budget(desk.journal, desk.campaign, None)
    assert budgets.budget(desk.journal, desk.campaign) is None


def test_a_budget_is_one_campaign_s(journal):
    spring, autumn = Desk(journal, "spring"), Desk(journal, "autumn")
    budgets.set_budget(journal, spring.campaign, Decimal(5))
    assert budgets.budget(journal, autumn.campaign) is None


def test_all_budgets_tell_what_is_spent_in_doubt_and_left(journal):
    spring, shop = Desk(journal, "spring"), Desk(journal, "spring", account="shop")
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


def test_a_budget_below_what_is_spent_leaves_nothing(desk):
    desk.accepted(cost="2")
    budgets.set_budget(desk.journal, desk.campaign, Decimal(1))
    assert [each.left for each in budgets.all_budgets(desk.journal)] == [0]


def test_looking_for_a_campaign_makes_none(desk):
    assert budgets.find_campaign(desk.journal, desk.account, "spring") == desk.campaign
    assert budgets.find_campaign(desk.journal, desk.account, "sprong") is None
    assert budgets.find_campaign(desk.journal, desk.account + 1, "spring") is None
    assert len(budgets.all_budgets(desk.journal)) == 1


WORKER = """
import json, random, sys, threading
from smmplus.journal import Attempt, Event, Intent, Journal, Outcome

url, seed, entries = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
taken = []

def work(journal, order):
    for start in range(0, len(order), 4):
        answers = journal.apply([Intent(entry) for entry in order[start : start + 4]])
        attempts = [answer for answer in answers if isinstance(answer, Attempt)]
        taken.extend(attempt.entry for attempt in attempts)
        # Some answers are lost: their money is spent all the same.
        journal.apply([Outcome(each.entry, each.number, Event.DOUBT) for each in attempts if each.entry % 3 == 0])

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
    desk = Desk(journal)
    planned = [entry.id for entry in desk.plan(120, cost="0.07")]
    budgets.set_budget(journal, desk.campaign, Decimal("4.05"))
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
    assert desk.spent() == Decimal("3.99")
    entries = journal.with_ids(planned).values()
    assert sum(entry.state is State.PLANNED for entry in entries) == 63
