"""A journal that was used in every way, for tests that check it, copy it and export it."""

from smmplus.journal.state_machine import Event
from smmplus.orders.models import OrderStatus
from tests.smmplus.batches import Batch, request_for


def fill_journal(journal):
    """Use a journal in every way: all states, two campaigns, two accounts, late and second order ids, long amounts."""
    for account, campaign, base, found in (
        ("main", "spring", 100, "105"),
        ("main", "autumn", 200, "205"),
        ("shop", "spring", 100, "305"),
    ):
        batch = Batch(journal, account=account, campaign=campaign)
        batch.plan(2, cost="0.123456789012345678901")
        batch.plan(cost=None, request=request_for("https://example.com/other"))
        batch.accepted(str(base + 1), cost="99999999999999999999.5")
        batch.accepted(str(base + 2), cost="0.00000000000000000001")
        (refused,) = batch.plan()
        batch.settle(batch.intend(refused), Event.REFUSAL, error="no")
        doubt = batch.in_doubt()
        (late,) = batch.plan()
        attempt = batch.intend(late)
        batch.settle(attempt, Event.DOUBT)
        batch.settle(attempt, Event.ORDER_ID, str(base + 3))
        batch.settle(attempt, Event.ORDER_ID, str(base + 4))
        batch.intend(batch.plan()[0])
        (held,) = batch.plan()
        batch.settle(batch.intend(held), Event.HELD_BACK)
        journal.resolve_as_placed(batch.account, doubt, found, why="seen")
    journal.record_statuses({4: OrderStatus("Completed", None, None, None, "USD")})
