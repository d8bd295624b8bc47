"""`smmplus reconcile`."""

import pytest

from tests.bulk.plans import LINK

pytestmark = pytest.mark.e2e

RUN = ("--yes", "--rate", "0", "--wait", "0", "--in-flight", "1")


@pytest.fixture
def doubt(smmplus, path, sandbox):
    """Leave the second of three orders in doubt, and give its key."""
    path.write_text("service,link,quantity\n" + "".join(f"2,{LINK}/{number},100\n" for number in range(3)), "utf-8")
    sandbox.faults({"fault": "drop_after_accept", "action": "add", "calls": [2]})
    assert smmplus("run", path, *RUN).status == 4
    sandbox.faults()
    (found,) = smmplus("doubts", "--json").json["doubts"]
    return found["key"]


def test_without_a_doubt_there_is_nothing_to_settle(smmplus):
    done = smmplus("reconcile")
    assert (done.status, done.out) == (0, "balance: 1000.00 USD\nNo orders of this account are in doubt.\n")


def test_looking_shows_the_evidence_and_leads_to_the_search(smmplus, doubt):
    done = smmplus("reconcile")
    assert done.status == 4
    assert doubt in done.out
    assert "the order was probably placed" in done.words
    assert "To search the panel for the missing orders: smmplus reconcile --probe" in done.words
    told = smmplus("reconcile", "--json").json
    assert (told["asked"], told["unknown_orders"], told["fall"], told["exit_status"]) == (None, [], None, 4)


def test_a_search_takes_the_lost_order_up(smmplus, doubt, sandbox):
    done = smmplus("reconcile", "--probe", "--rate", "0")
    assert done.status == 0
    assert "Checked 1 order ID in 1 call: 1 order of this account not in the journal." in done.words
    assert f"matched to order {sandbox.orders()[-2]['order']}" in done.words


def test_a_program_is_told_the_same(smmplus, doubt, sandbox):
    told = smmplus("reconcile", "--probe", "--rate", "0", "--json").json
    (found,) = told["doubts"]
    order_id = str(sandbox.orders()[-2]["order"])
    assert (found["key"], found["recorded_as"], found["commands"]) == (doubt, order_id, [])
    assert (told["asked"], told["exit_status"]) == ({"ids": 1, "calls": 1, "cut": False}, 0)


def test_a_fall_for_no_known_reason_is_told(smmplus, sandbox):
    smmplus("balance")
    sandbox.balance("990")
    assert "the balance fell by 10 USD more than this journal knows" in smmplus("reconcile").words


def test_where_no_id_could_be_asked_for_that_is_said(smmplus, path, sandbox):
    path.write_text(f"service,link,quantity\n2,{LINK},100\n", "utf-8")
    sandbox.faults({"fault": "drop_before_accept", "action": "add", "calls": [1]})
    assert smmplus("run", path, *RUN).status == 4
    done = smmplus("reconcile", "--probe", "--rate", "0")
    assert done.status == 4
    assert "No order IDs could be checked" in done.words
    assert "no order id of this account is known" in done.words
    assert "probably not placed" not in done.words
