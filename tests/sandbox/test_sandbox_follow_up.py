from decimal import Decimal

import pytest

DAY = 86_400


def test_a_refill_of_a_completed_order_has_an_id_as_text(desk):
    assert desk.call("refill", 1200, order=desk.order()) == {"refill": "1"}


def test_refills_of_many_are_a_list(desk):
    first, second = desk.order(), desk.order(service=2)
    assert desk.call("refill", 1200, orders=f"{first},{second},x") == [
        {"order": int(first), "refill": 1},
        {"order": int(second), "refill": {"error": "Refill is disabled for this service"}},
        {"order": "x", "refill": {"error": "Incorrect order ID"}},
    ]


def test_only_a_completed_order_is_refilled(desk):
    assert desk.call("refill", 1199, order=desk.order()) == {"error": "The order is not completed"}


def test_while_a_refill_is_open_there_is_no_other(desk):
    order = desk.order()
    desk.call("refill", 1200, order=order)
    assert desk.call("refill", 1799, order=order) == {"error": "Refill already requested"}
    assert desk.call("refill", 1800, order=order) == {"refill": "2"}


def test_one_batch_cannot_open_two_refills_of_an_order(desk):
    order = desk.order()
    answers = desk.call("refill", 1200, orders=f"{order},{order}")
    assert [answer["refill"] for answer in answers] == [1, {"error": "Refill already requested"}]


def test_refills_end_with_the_services_days(desk):
    order = desk.order(service=5)
    assert desk.call("refill", 1200 + 7 * DAY + 1, order=order) == {"error": "Refill period has ended"}
    assert desk.call("refill", 1200 + 7 * DAY, order=order) == {"refill": "1"}


@pytest.mark.parametrize(("service", "last"), [(1, "Completed"), (26, "Rejected")])
def test_a_refill_goes_its_way(desk, service, last):
    desk.call("refill", 1200, order=desk.order(service=service))
    seen = [desk.call("refill_status", now, refill="1")["status"] for now in (1200, 1260, 1799, 1800)]
    assert seen == ["Pending", "In progress", "In progress", last]


def test_refill_statuses_of_many_are_a_list(desk):
    desk.call("refill", 1200, order=desk.order())
    assert desk.call("refill_status", 1200, refills="1,2") == [
        {"refill": 1, "status": "Pending"},
        {"refill": 2, "status": {"error": "Refill not found"}},
    ]


def test_a_refill_of_another_key_is_unknown(desk):
    desk.call("refill", 1200, order=desk.order())
    assert desk.call("refill_status", 1200, "other", refill="1") == {"error": "Refill not found"}


def test_a_cancel_is_a_request_that_takes_effect_later(desk):
    order = desk.order()
    assert desk.call("cancel", 10, orders=order) == [{"order": int(order), "cancel": 1}]
    assert desk.status(order, 69)["status"] == "Processing"
    assert desk.balance(69) == Decimal("999.1")
    assert desk.status(order, 70)["status"] == "Canceled"
    assert desk.balance(70) == 1000


def test_a_cancel_under_way_refunds_what_remains(desk):
    order = desk.order()
    desk.call("cancel", 630, orders=order)
    status = desk.status(order, 690)
    assert (status["status"], status["remains"], status["charge"]) == ("Canceled", "500", "0.45")
    assert desk.balance(5000) == Decimal("999.55")


def test_a_cancel_that_comes_too_late_changes_nothing(desk):
    order = desk.order()
    assert desk.call("cancel", 1199, orders=order)[0]["cancel"] == 1
    status = desk.status(order, 5000)
    assert (status["status"], status["remains"], status["charge"]) == ("Completed", "0", "0.9")


def test_a_cancel_does_not_refund_a_partial_order_again(desk):
    order = desk.order(service=22)
    desk.call("cancel", 1199, orders=order)
    assert desk.status(order, 5000)["status"] == "Partial"
    assert desk.balance(5000) == Decimal("999.7")


def test_a_cancel_before_a_partial_end_takes_its_place(desk):
    order = desk.order(service=22)
    desk.call("cancel", 0, orders=order)
    assert desk.status(order, 5000)["status"] == "Canceled"
    assert desk.balance(5000) == 1000


@pytest.mark.parametrize(
    ("fields", "now", "error"),
    [
        ({"service": 2}, 0, "Cancel is not available"),
        ({}, 1200, "This order cannot be canceled"),
    ],
)
def test_what_cannot_be_canceled(desk, fields, now, error):
    assert desk.call("cancel", now, orders=desk.order(**fields))[0]["cancel"] == {"error": error}


def test_a_second_cancel_is_refused_also_in_the_same_batch(desk):
    order = desk.order()
    answers = desk.call("cancel", 0, orders=f"{order},{order}")
    assert [answer["cancel"] for answer in answers] == [1, {"error": "Cancel already requested"}]
