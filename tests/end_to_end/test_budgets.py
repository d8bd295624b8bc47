"""Money that runs out, prices that change while a person thinks, and control totals after a crash."""

from collections.abc import Iterator
from decimal import Decimal

import pexpect
import pytest

from tests.end_to_end.command import PATIENCE, SMMPLUS, Workplace, orders, wait_until

pytestmark = pytest.mark.e2e

COST = Decimal("0.035")
"""What a row of `orders` costs."""


@pytest.fixture
def price(workplace: Workplace) -> Iterator[None]:
    """Let a test change the service's price."""
    yield
    workplace.panel.service("2", rate="0.35", min=10)


def test_funds_that_run_out_in_the_middle_stop_the_run_and_topped_up_it_goes_on(workplace: Workplace):
    rows = orders(80)
    sheet = workplace.sheet("campaign.csv", rows)
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.2})
    with workplace.start_run(sheet, "--in-flight", "16") as running:
        wait_until(lambda: workplace.ledger.count() >= 16, "the first orders")
        workplace.panel.balance("0.36")
        done = running.finish()
    placed = workplace.ledger.count()
    # The money went into orders as far as it would reach, to the last digit.
    left = Decimal(workplace.panel.ledger()["balances"]["test"])
    assert Decimal(0) <= left < COST
    assert done.status == 5
    assert "Not enough funds on balance; the balance is 0.01 USD" in done.json["stopped"]
    # Nothing was sent after the first refusal, but what was under way.
    assert 1 <= workplace.ledger.calls("add") - placed <= 16
    assert workplace.states() == {"placed": placed, "not_sent": 80 - placed}
    assert Decimal(workplace.query("SELECT spent FROM campaigns")[0]["spent"]) == placed * COST
    workplace.panel.faults()
    workplace.panel.balance("1000")
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"]) == (0, 80 - placed)
    workplace.assert_each_row_once(sheet, rows)
    assert Decimal(workplace.panel.ledger()["balances"]["test"]) == 1000 - (80 - placed) * COST


def test_a_price_that_rises_at_the_question_sends_nothing(workplace: Workplace, price: None):
    sheet = workplace.sheet("campaign.csv", orders(2))
    child = pexpect.spawn(
        str(SMMPLUS), ["run", str(sheet), "--rate", "0", "--wait", "0"], cwd=workplace.folder, timeout=PATIENCE,
        env=workplace.environment(TERM="xterm"), encoding="utf-8", dimensions=(50, 160),
    )  # fmt: skip
    child.expect_exact("Place 2 orders for 0.07 USD from account")
    workplace.panel.service("2", rate="0.351")
    child.sendline("y")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 7
    assert "a price rose since it was shown (service 2 went from 0.35 to 0.351)" in " ".join(child.before.split())
    assert workplace.ledger.count() == 0
    assert workplace.run(sheet).status == 0
    assert {order["charge"] for order in workplace.ledger.orders()} == {"0.0351"}


def test_control_totals_fit_again_after_a_crash(workplace: Workplace):
    rows = orders(30)
    sheet = workplace.sheet("campaign.csv", rows)
    controls = ("--expect-rows", "30", "--expect-total", "1.05", "--in-flight", "2")
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.1})
    with workplace.start_run(sheet, *controls) as running:
        wait_until(lambda: workplace.ledger.count() >= 4, "the first orders")
        running.kill()
    workplace.panel.faults()
    again = workplace.run(sheet, *controls)
    assert (again.json["blocked"], again.status in {0, 4}) == ("", True)
    workplace.settle_doubts()
    assert workplace.run(sheet, *controls).status == 0
    workplace.assert_each_row_once(sheet, rows)
