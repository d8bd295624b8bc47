from decimal import Decimal

import pytest

DAY = 86_400


def test_a_refill_of_a_completed_order_has_an_id_as_text(batch):
    assert batch.call("refill", 1200, order=batch.order()) == {"refill": "1"}


def test_refills_of_many_are_a_list(batch):
    first, second = batch.order(), batch.order(service=2)
    assert batch.call("refill", 1200, orders=f"{first},{second},x") == [
        {"order": int(first), "refill": 1},
        {"order": int(second), "refill": {"error": "Refill is disabled for this service"}},
        {"order": "x", "refill": {"error": "Incorrect order ID"}},
    ]


def test_only_a_completed_order_is_refilled(batch):
    assert batch.call("refill", 1199, order=batch.order()) == {"error": "The order is not completed"}


def test_while_a_refill_is_open_there_is_no_other(batch):
    order = batch.order()
    batch.call("refill", 1200, order=order)
    assert batch.call("refill", 1799, order=order) == {"error": "Refill already requested"}
    assert batch.call("refill", 1800, order=order) == {"refill": "2"}


def test_one_batch_cannot_open_two_refills_of_an_order(batch):
    order = batch.order()
    answers = batch.call("refill", 1200, orders=f"{order},{order}")
    assert [answer["refill"] for answer in answers] == [1, {"error": "Refill already requested"}]


def test_refills_end_with_the_services_days(batch):
    order = batch.order(service=5)
    assert batch.call("refill", 1200 + 7 * DAY + 1, order=order) == {"error": "Refill period has ended"}
    assert batch.call("refill", 1200 + 7 * DAY, order=order) == {"refill": "1"}


@pytest.mark.parametrize(("service", "last"), [(1, "Completed"), (26, "Rejected")])
def test_a_refill_goes_its_way(batch, service, last):
    batch.call("refill", 1200, order=batch.order(service=service))
    seen = [batch.call("refill_status", now, refill="1")["status"] for now in (1200, 1260, 1799, 1800)]
    assert seen == ["Pending", "In progress", "In progress", last]


def test_refill_statuses_of_many_are_a_list(batch):
    batch.call("refill", 1200, order=batch.order())
    assert batch.call("refill_status", 1200, refills="1,2") == [
        {"refill": 1, "status": "Pending"},
        {"refill": 2, "status": {"error": "Refill not found"}},
    ]


def test_a_refill_of_another_key_is_unknown(batch):
    batch.call("refill", 1200, order=batch.order())
    assert batch.call("refill_status", 1200, "other", refill="1") == {"error": "Refill not found"}


def test_a_cancel_is_a_request_that_takes_effect_later(batch):
    order = batch.order()
    assert batch.call("cancel", 10, orders=order) == [{"order": int(order), "cancel": 1}]
    assert batch.status(order, 69)["status"] == "Processing"
    assert batch.balance(69) == Decimal("999.1")
    assert batch.status(order, 70)["status"] == "Canceled"
    assert batch.balance(70) == 1000


def test_a_cancel_under_way_refunds_what_remains(batch):
    order = batch.order()
    batch.call("cancel", 630, orders=order)
    status = batch.status(order, 690)
    assert (status["status"], status["remains"], status["charge"]) == ("Canceled", "500", "0.45")
    assert batch.balance(5000) == Decimal("999.55")


def test_a_cancel_that_comes_too_late_changes_nothing(batch):
    order = batch.order()
    assert batch.call("cancel", 1199, orders=order)[0]["cancel"] == 1
    status = batch.status(order, 5000)
    assert (status["status"], status["remains"], status["charge"]) == ("Completed", "0", "0.9")


def test_a_cancel_does_not_refund_a_partial_order_again(batch):
    order = batch.order(service=22)
    batch.call("cancel", 1199, orders=order)
    assert batch.status(order, 5000)["status"] == "Partial"
    assert batch.balance(5000) == Decimal("999.7")


def test_a_cancel_before_a_partial_end_takes_its_place(batch):
    order = batch.order(service=22)
    batch.call("cancel", 0, orders=order)
    assert batch.status(order, 5000)["status"] == "Canceled"
    assert batch.balance(5000) == 1000


@pytest.mark.parametrize(
    ("fields", "now", "error"),
    [
        ({"service": 2}, 0, "Cancel is not available"),
        ({}, 1200, "This order cannot be canceled"),
    ],
)
def test_what_cannot_be_canceled(batch, fields, now, error):
    assert batch.call("cancel", now, orders=batch.order(**fields))[0]["cancel"] == {"error": error}


def test_a_second_cancel_is_refused_also_in_the_same_batch(batch):
    order = batch.order()
    answers = batch.call("cancel", 0, orders=f"{order},{order}")
    assert [answer["cancel"] for answer in answers] == [1, {"error": "Cancel already requested"}]
