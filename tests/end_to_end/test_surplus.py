"""A panel that says more than it was asked: no order is sent twice, none gets another's id, and a doubt is told."""

from collections import Counter

import pytest

from tests.end_to_end.command import Desk, Finished, orders, read_rows

pytestmark = [pytest.mark.e2e, pytest.mark.covers]

SURPLUS = [("doubled", 200), *((moment, status) for moment in ("before", "after") for status in (200, 408, 429))]
IDS = [f"{moment}-{status}" for moment, status in SURPLUS]


def assert_nothing_shifted(desk: Desk, done: Finished, struck: int) -> None:
    """Each row is in the ledger once, what is placed has its own id, and the others are told as doubts."""
    placed = desk.ledger.orders()
    assert max(Counter(order["link"] for order in placed).values()) == 1
    assert (desk.ledger.calls("add"), desk.panel.faults_applied()[0]) == (len(placed), struck)
    ids = {order["link"]: order["order"] for order in placed}
    rows = read_rows(next(desk.folder.glob("surplus.*")))
    for row in rows:
        assert row["order_id"] in {"", ids.get(row["link"])}
    doubts = [row for row in rows if row["order_status"] == "In doubt"]
    assert (len(doubts), done.status) == (struck, 4)
    assert done.json["states"]["in_doubt"] == struck
    desk.assert_books_agree()


def settle_and_finish(desk: Desk, struck: int) -> None:
    desk.panel.faults()
    sheet = next(desk.folder.glob("surplus.*"))
    assert desk.settle_doubts() == struck
    assert desk.run(sheet).status == 0
    desk.assert_each_row_once(sheet)


def test_one_surplus_429_with_the_settings_that_the_command_has_by_itself(desk: Desk):
    """One order a second, sixteen in flight, answers after 0.6 seconds: seen to order one row twice, and one never."""
    sheet = desk.sheet("surplus.csv", orders(8))
    desk.panel.faults(
        {"fault": "surplus_answer", "action": "add", "calls": [3]},
        {"fault": "latency", "action": "add", "seconds": 0.6},
    )
    with desk.start("run", sheet, "--yes", "--wait", "0", "--json") as running:
        done = running.finish()
    assert_nothing_shifted(desk, done, 1)
    assert len(desk.ledger.orders()) == 8
    settle_and_finish(desk, 1)


@pytest.mark.parametrize(("moment", "status"), SURPLUS, ids=IDS)
@pytest.mark.parametrize("seconds", [0.0, 0.6])
def test_a_surplus_answer_at_every_moment(desk: Desk, moment: str, status: int, seconds: float):
    sheet = desk.sheet("surplus.csv", orders(8))
    rule = {"fault": "surplus_answer", "moment": moment, "status": status, "seconds": seconds}
    desk.panel.faults({**rule, "action": "add", "calls": [2, 5]})
    done = desk.run(sheet, "--in-flight", "4")
    assert_nothing_shifted(desk, done, 2)
    settle_and_finish(desk, 2)


@pytest.mark.parametrize(("moment", "status"), SURPLUS, ids=IDS)
def test_surplus_answers_to_reads_move_no_status_and_no_balance(desk: Desk, moment: str, status: int):
    sheet = desk.sheet("surplus.csv", orders(3))
    rule = {"fault": "surplus_answer", "moment": moment, "status": status}
    desk.panel.faults(*({**rule, "action": action, "calls": [1]} for action in ("services", "balance", "status")))
    done = desk.run(sheet)
    assert done.status == 0
    desk.assert_each_row_once(sheet)
    # An answer that names none of the ids is nobody's: the orders stay as they were until the next round.
    for allowed in ({"Placed"}, {"Pending"}), ({"Pending"},):
        with desk.start("status", sheet, "--json") as running:
            running.finish()
        assert {row["order_status"] for row in read_rows(sheet)} in allowed
    assert not desk.query("SELECT id FROM balances WHERE amount = '0.01'")
