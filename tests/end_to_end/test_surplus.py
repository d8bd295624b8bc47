"""A panel that says more than it was asked: no order is sent twice, none gets another's id, and a doubt is told."""

from collections import Counter

import pytest

from tests.end_to_end.command import Finished, Workplace, orders, read_rows

pytestmark = pytest.mark.e2e

SURPLUS = [("doubled", 200), *((moment, status) for moment in ("before", "after") for status in (200, 408, 429))]
IDS = [f"{moment}-{status}" for moment, status in SURPLUS]


def assert_nothing_shifted(workplace: Workplace, done: Finished, struck: int) -> None:
    """Each row is in the ledger once, what is placed has its own id, and the others are told as doubts."""
    placed = workplace.ledger.orders()
    assert max(Counter(order["link"] for order in placed).values()) == 1
    assert (workplace.ledger.calls("add"), workplace.panel.faults_applied()[0]) == (len(placed), struck)
    ids = {order["link"]: order["order"] for order in placed}
    rows = read_rows(next(workplace.folder.glob("surplus.*")))
    for row in rows:
        assert row["order_id"] in {"", ids.get(row["link"])}
    doubts = [row for row in rows if row["order_status"] == "In doubt"]
    assert (len(doubts), done.status) == (struck, 4)
    assert done.json["states"]["in_doubt"] == struck
    workplace.assert_books_agree()


def settle_and_finish(workplace: Workplace, struck: int) -> None:
    workplace.panel.faults()
    sheet = next(workplace.folder.glob("surplus.*"))
    assert workplace.settle_doubts() == struck
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet)


def test_one_surplus_429_with_the_settings_that_the_command_has_by_itself(workplace: Workplace):
    """One order a second, sixteen in flight, answers after 0.6 seconds: seen to order one row twice, and one never."""
    sheet = workplace.sheet("surplus.csv", orders(8))
    workplace.panel.faults(
        {"fault": "surplus_answer", "action": "add", "calls": [3]},
        {"fault": "latency", "action": "add", "seconds": 0.6},
    )
    with workplace.start("run", sheet, "--yes", "--wait", "0", "--json") as running:
        done = running.finish()
    assert_nothing_shifted(workplace, done, 1)
    assert len(workplace.ledger.orders()) == 8
    settle_and_finish(workplace, 1)


@pytest.mark.parametrize(("moment", "status"), SURPLUS, ids=IDS)
@pytest.mark.parametrize("seconds", [0.0, 0.6])
def test_a_surplus_answer_at_every_moment(workplace: Workplace, moment: str, status: int, seconds: float):
    sheet = workplace.sheet("surplus.csv", orders(8))
    rule = {"fault": "surplus_answer", "moment": moment, "status": status, "seconds": seconds}
    workplace.panel.faults({**rule, "action": "add", "calls": [2, 5]})
    done = workplace.run(sheet, "--in-flight", "4")
    assert_nothing_shifted(workplace, done, 2)
    settle_and_finish(workplace, 2)


@pytest.mark.parametrize(("moment", "status"), SURPLUS, ids=IDS)
def test_surplus_answers_to_reads_move_no_status_and_no_balance(workplace: Workplace, moment: str, status: int):
    sheet = workplace.sheet("surplus.csv", orders(3))
    rule = {"fault": "surplus_answer", "moment": moment, "status": status}
    workplace.panel.faults(*({**rule, "action": action, "calls": [1]} for action in ("services", "balance", "status")))
    done = workplace.run(sheet)
    assert done.status == 0
    workplace.assert_each_row_once(sheet)
    # An answer that names none of the ids is nobody's: the orders stay as they were until the next round.
    for allowed in ({"Placed"}, {"Pending"}), ({"Pending"},):
        with workplace.start("status", sheet, "--json", "--rate", "0") as running:
            running.finish()
        assert {row["order_status"] for row in read_rows(sheet)} in allowed
    assert not workplace.query("SELECT id FROM balances WHERE amount = '0.01'")
