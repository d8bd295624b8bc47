from decimal import Decimal

import pytest


def words(batch, order, *moments):
    return [batch.status(order, now)["status"] for now in moments]


def test_an_order_goes_from_pending_to_completed_in_twenty_minutes(batch):
    seen = words(batch, batch.order(), 0, 59, 60, 179, 180, 1199, 1200)
    assert seen == ["Pending", "Pending", "Processing", "Processing", "In progress", "In progress", "Completed"]


def test_the_start_count_is_null_until_delivery_starts_and_then_stands(batch):
    order = batch.order()
    assert batch.status(order, 179)["start_count"] is None
    started = batch.status(order, 180)["start_count"]
    assert started.isdigit()
    assert batch.status(order, 1200)["start_count"] == started


def test_remains_fall_to_nothing(batch):
    order = batch.order()
    seen = [int(batch.status(order, now)["remains"]) for now in range(0, 1300, 20)]
    assert seen == sorted(seen, reverse=True)
    assert (seen[0], seen[-1]) == (1000, 0)
    assert len(set(seen)) > 40


def test_a_partial_order_is_refunded_for_what_remains(batch):
    order = batch.order(service=22)
    status = batch.status(order, 1200)
    assert (status["status"], status["remains"], status["charge"]) == ("Partial", "400", "0.3")
    assert batch.balance(1200) == Decimal("999.7")


def test_before_its_end_a_partial_order_is_charged_in_full(batch):
    assert batch.status(batch.order(service=22), 1199)["charge"] == "0.5"


def test_a_canceled_order_is_refunded_in_full_and_never_starts(batch):
    order = batch.order(service=23)
    status = batch.status(order, 180)
    assert status == {"charge": "0", "start_count": None, "status": "Canceled", "remains": "1000", "currency": "USD"}
    assert batch.balance(180) == 1000


def test_a_refund_is_booked_once_however_often_it_is_looked_at(batch):
    order = batch.order(service=23)
    for now in (180, 181, 5000):
        batch.status(order, now)
    assert batch.balance(9000) == 1000


def test_a_refund_is_there_although_nobody_asked_for_the_status(batch):
    batch.order(service=23)
    assert batch.balance(180) == 1000


def test_over_delivery_leaves_negative_remains_and_the_charge(batch):
    status = batch.status(batch.order(service=24), 1200)
    assert (status["status"], status["remains"], status["charge"]) == ("Completed", "-50", "0.2")


def test_a_stalled_order_stays_halfway(batch):
    status = batch.status(batch.order(service=25), 10**9)
    assert (status["status"], status["remains"]) == ("In progress", "500")


def test_a_subscription_is_active_and_then_completed(batch):
    fields = {"service": 21, "quantity": None, "link": None, "username": "a", "min": 10, "max": 10, "delay": 0}
    assert words(batch, batch.order(**fields), 0, 60, 1079, 1080) == ["Pending", "Active", "Active", "Completed"]


def test_drip_feed_delivers_run_by_run(batch):
    order = batch.order(quantity=100, runs=3, interval=60)
    remains = {now: batch.status(order, now)["remains"] for now in (180, 1200, 3779, 180 + 3600 + 1020, 8399, 8400)}
    assert list(remains.values()) == ["300", "200", "200", "100", "1", "0"]
    assert words(batch, order, 3000, 8399, 8400) == ["In progress", "In progress", "Completed"]


def test_runs_closer_than_a_delivery_overlap(batch):
    order = batch.order(quantity=102, runs=3, interval=1)
    assert batch.status(order, 180 + 60)["remains"] == str(306 - 6)
    assert batch.status(order, 180 + 120)["remains"] == str(306 - 12 - 6)
    assert batch.status(order, 180 + 120 + 1020)["status"] == "Completed"


def test_a_partial_drip_feed_order_is_refunded_over_all_runs(batch):
    status = batch.status(batch.order(service=22, quantity=100, runs=2, interval=60), 10_000)
    assert (status["status"], status["remains"], status["charge"]) == ("Partial", "80", "0.06")


@pytest.mark.parametrize("accepted", [0.1, 1795414830.3267553])
def test_the_last_unit_is_delivered_at_odd_moments(batch, accepted):
    order = batch.order(now=accepted)
    assert batch.status(order, accepted + 1200.001)["remains"] == "0"
