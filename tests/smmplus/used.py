"""A journal that was used in every way, for tests that check it, copy it and export it."""

from smmplus.journal.states import Event
from smmplus.models import OrderStatus
from tests.smmplus.desk import Desk, request_for


def used(journal):
    """Use a journal in every way: all states, two campaigns, two accounts, late and second order ids, long amounts."""
    for account, campaign, base, found in (
        ("main", "spring", 100, "105"),
        ("main", "autumn", 200, "205"),
        ("shop", "spring", 100, "305"),
    ):
        desk = Desk(journal, account=account, campaign=campaign)
        desk.plan(2, cost="0.123456789012345678901")
        desk.plan(cost=None, request=request_for("https://example.com/other"))
        desk.accepted(str(base + 1), cost="99999999999999999999.5")
        desk.accepted(str(base + 2), cost="0.00000000000000000001")
        (refused,) = desk.plan()
        desk.settle(desk.intend(refused), Event.REFUSAL, error="no")
        doubt = desk.in_doubt()
        (late,) = desk.plan()
        attempt = desk.intend(late)
        desk.settle(attempt, Event.DOUBT)
        desk.settle(attempt, Event.ORDER_ID, str(base + 3))
        desk.settle(attempt, Event.ORDER_ID, str(base + 4))
        desk.intend(desk.plan()[0])
        (held,) = desk.plan()
        desk.settle(desk.intend(held), Event.HELD_BACK)
        journal.resolve_as_placed(desk.account, doubt, found, why="seen")
    journal.record_statuses({4: OrderStatus("Completed", None, None, None, "USD")})
