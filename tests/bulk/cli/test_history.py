"""`smmplus history`."""

import pytest

from tests.bulk.plans import LINK

pytestmark = pytest.mark.slow


@pytest.fixture
def refillable(smmplus):
    services = smmplus("services", "--json").json["services"]
    return next(each["id"] for each in services if each["refill"] and each["type"] == "Default" and each["min"] <= 1000)


def life(smmplus, order):
    """Give the events of an order, without their times."""
    told = smmplus("history", order, "--json").json
    times = [event["at"] for event in told["history"]]
    assert times == sorted(times)
    return [{name: value for name, value in event.items() if name != "at"} for event in told["history"]]


def test_an_order_s_life_from_its_plan_to_its_refill(smmplus, sandbox, refillable):
    order = smmplus("order", refillable, LINK, "1000", "--yes", "--json").json["order"]["order_id"]
    sandbox.advance(1_000_000)
    smmplus("status", "--order-id", order)
    smmplus("refill", "--order-id", order, "--yes")
    events = life(smmplus, order)
    assert [event["event"] for event in events] == ["planned", "sent", "answered", "status", "refill"]
    assert (events[1]["attempt"], events[2]["order_id"], events[3]["status"]) == ("1", order, "Completed")
    assert (events[4]["state"], bool(events[4]["refill_id"])) == ("accepted", True)
    words = smmplus("history", order).words
    for text in (f"Order {order}: Completed", "the panel placed it", "refill requested", "charge"):
        assert text in words


def test_a_doubt_its_wrong_resolution_and_the_right_one(smmplus, sandbox, path, lost):
    smmplus("run", path, "--yes", "--rate", "0")
    doubt = smmplus("doubts", "--json").json["doubts"][0]
    placed = sandbox.orders()[-2]["order"]
    smmplus("resolve", doubt["key"], "--order-id", placed, "--why", "saw it", "--yes")
    smmplus("resolve", doubt["key"], "--undo", "--why", "was another")
    events = life(smmplus, doubt["key"])
    assert [event["event"] for event in events if event["event"] != "status"][:2] == ["planned", "sent"]
    kinds = [event["event"] for event in events]
    assert (kinds.count("resolved"), kinds.count("taken_back"), "answered" in kinds) == (1, 1, False)
    assert kinds.count("in_doubt") == 1
    resolved, undone = (
        next(event for event in events if event["event"] == kind) for kind in ("resolved", "taken_back")
    )
    assert (resolved["order_id"], resolved["why"].startswith("saw it")) == (str(placed), True)
    assert (undone["order_id"], undone["why"], bool(undone["who"])) == (str(placed), "was another", True)
    # The ID that was taken back still leads to the order that it was written for.
    assert life(smmplus, placed) == events


@pytest.mark.parametrize("order", ["99999999", "week/none-1"])
def test_an_unknown_order_is_named(smmplus, order):
    done = smmplus("history", order)
    assert (done.status, order in done.words) == (3, True)
