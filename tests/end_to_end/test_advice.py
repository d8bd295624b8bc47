"""What is printed as the way on, pasted as it stands, does what was said."""

import re
import shlex

import pytest

from tests.end_to_end.command import Finished, Workplace, orders

pytestmark = pytest.mark.e2e

WHO = [("default", "week.csv"), ("Shop 2", 'it\'s -- week "7".csv')]


def as_account(workplace: Workplace, account: str) -> list[str]:
    """Give the panel's key to this account only, and the options that name it."""
    if account == "default":
        return []
    workplace.settings |= {"SMMPLUS_API_KEY_SHOP_2": workplace.panel.key, "SMMPLUS_API_KEY": ""}
    return ["--account", account]


def run(workplace: Workplace, *arguments: str) -> Finished:
    return workplace.command("run", *arguments, "--yes", "--rate", "0", "--wait", "0", "--in-flight", "1")


def paste(workplace: Workplace, done: Finished, what: str, *more: str, **filled: str) -> Finished:
    """Run the one printed command that holds `what`, with placeholders filled in, and say yes to it."""
    found = {match[0] for match in re.finditer(r"smmplus [^`\n]*", done.out + done.err) if what in match[0]}
    assert len(found) == 1, (what, done.out, done.err)
    words = [filled.get(word, word) for word in shlex.split(found.pop())]
    assert words[0] == "smmplus"
    # In front of the rest: what comes behind `--` is an argument.
    return workplace.command(words[1], *more, *words[2:], answer="y\ny\n")


@pytest.mark.parametrize(("account", "name"), WHO)
def test_an_unknown_refusal_leads_to_the_rows_sent_once_more(workplace: Workplace, account: str, name: str):
    who = as_account(workplace, account)
    workplace.sheet(name, orders(2))
    workplace.panel.faults({"fault": "refuse", "text": "Moon in the wrong house", "action": "add", "calls": [1]})
    done = run(workplace, name, *who)
    workplace.panel.faults()
    assert done.status == 3
    # Which row, what it orders, and what the panel said, on the terminal.
    assert re.search(r"2\S* https://instagram.com/p/post-00001: .*Moon in the wrong house|line 2.*Moon", done.out)
    nothing = run(workplace, name, *who)
    assert (nothing.status, workplace.ledger.count()) == (3, 1)
    checked = paste(workplace, workplace.command("check", name, *who), "--retry-refused")
    assert "to send: 1 row" in checked.out
    assert paste(workplace, nothing, "--retry-refused").status == 0
    assert sorted(order["link"][-1] for order in workplace.ledger.orders()) == ["1", "2"]


@pytest.mark.parametrize(("account", "name"), WHO)
def test_a_doubt_leads_to_its_settling(workplace: Workplace, account: str, name: str):
    who = as_account(workplace, account)
    workplace.sheet(name, orders(2))
    workplace.panel.faults({"fault": "drop_after_accept", "action": "add", "calls": [1]})
    done = run(workplace, name, *who)
    workplace.panel.faults()
    assert done.status == 4
    shown = workplace.command("doubts")
    number = workplace.ledger.order_id("https://instagram.com/p/post-00001")
    for said in (done, shown):
        assert "--order-id NUMBER" in said.out
    assert paste(workplace, done, "--order-id NUMBER", NUMBER=number).status == 0
    assert run(workplace, name, *who).status == 0
    assert workplace.states() == {"placed": 2}
    assert workplace.ledger.count() == 2


def test_doubts_of_a_campaign_that_were_not_placed_are_settled_and_sent(workplace: Workplace):
    who = as_account(workplace, "Shop 2")
    workplace.sheet("week 7.csv", orders(2))
    workplace.panel.faults({"fault": "http_502", "action": "add"})
    done = run(workplace, "week 7.csv", *who, "--campaign", '-spring\'s "7"')
    workplace.panel.faults()
    assert (done.status, workplace.ledger.count()) == (4, 0)
    workplace.age_sendings()
    assert paste(workplace, done, "--not-placed").status == 0
    again = run(workplace, "week 7.csv", *who, '--campaign=-spring\'s "7"')
    assert (again.status, workplace.ledger.count()) == (0, 2)


@pytest.mark.parametrize("asked", [("--max-spend", "0.035"), ()])
def test_a_budget_that_would_be_passed_leads_to_a_larger_one(workplace: Workplace, asked: tuple[str, ...]):
    who = as_account(workplace, "Shop 2")
    workplace.sheet("week 7.csv", orders(3))
    if not asked:
        assert workplace.command("budget", "week 7", "--set", "0.035", *who).status == 0
    done = run(workplace, "week 7.csv", *who, *asked)
    assert (done.status, workplace.ledger.count()) == (5, 1)
    raised = paste(workplace, done, "0.105")
    assert raised.status == 0
    if not asked:
        assert paste(workplace, done, "smmplus run").status == 0
    assert workplace.ledger.count() == 3


@pytest.mark.parametrize(("answer", "placed"), [("--adopt", 2), ("--campaign", 4)])
def test_a_question_leads_to_its_answers(workplace: Workplace, answer: str, placed: int):
    who = as_account(workplace, "Shop 2")
    workplace.sheet("week 7.csv", orders(2))
    workplace.sheet("-next week.csv", orders(2))
    assert run(workplace, "week 7.csv", *who).status == 0
    done = workplace.command("run", "--yes", "--rate", "0", "--wait", "0", *who, "--", "-next week.csv")
    assert (done.status, workplace.ledger.count()) == (3, 2)
    assert paste(workplace, done, answer, "--wait", "0").status == 0
    assert workplace.ledger.count() == placed


def test_an_unfinished_run_leads_to_itself(workplace: Workplace):
    who = as_account(workplace, "Shop 2")
    workplace.sheet("week 7.csv", orders(3))
    workplace.panel.faults({"fault": "refuse", "text": "Not enough funds on balance", "action": "add", "calls": [2]})
    done = run(workplace, "week 7.csv", *who)
    workplace.panel.faults()
    assert (done.status, workplace.ledger.count()) == (5, 1)
    assert paste(workplace, done, "smmplus run").status == 0
    assert workplace.ledger.count() == 3
