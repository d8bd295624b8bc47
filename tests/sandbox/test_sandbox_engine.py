from decimal import Decimal

import pytest

from smmplus.sandbox import lifecycle
from smmplus.sandbox.catalogue import TYPES, CatalogueError
from smmplus.sandbox.records import ServiceChanged


def test_the_first_order_has_the_documented_number(batch):
    assert batch.add() == {"order": 23501}


def test_ids_go_on_over_all_keys(batch):
    batch.add()
    assert batch.add(account="other") == {"order": 23502}


@pytest.mark.parametrize(
    ("fields", "charge"),
    [
        ({"quantity": 1000}, "0.9"),
        ({"quantity": 77}, "0.0693"),
        ({"service": 5, "quantity": 7777}, "9.6007065"),
        ({"quantity": 100, "runs": 7, "interval": 60}, "0.63"),
        ({"service": 6, "quantity": None}, "2.5"),
        ({"service": 8, "quantity": None, "comments": "a\nb\nc"}, "0.75"),
        ({"service": 27, "quantity": None, "comments": "a\nb\nc"}, "0.0333333"),
        ({"service": 21, "quantity": None, "link": None, "username": "a", "min": 10, "max": 10, "delay": 0}, "0"),
    ],
)
def test_the_charge_is_exact_and_leaves_the_balance_at_once(batch, fields, charge):
    order = batch.order(**fields)
    assert batch.status(order)["charge"] == charge
    assert batch.balance() == 1000 - Decimal(charge)


def test_the_last_money_may_be_spent(new_desk):
    assert "order" in new_desk(balance="0.9").add()


def test_an_order_beyond_the_balance_is_refused_and_takes_nothing(new_desk):
    batch = new_desk(balance="0.8999999")
    assert batch.add() == {"error": "Not enough funds on balance"}
    assert batch.balance() == Decimal("0.8999999")


def test_each_key_has_its_own_balance(batch):
    batch.add()
    assert batch.balance(account="other") == 1000


def test_the_same_order_twice_is_two_orders(batch):
    """The API has no idempotency key, and the panels that were tried placed both."""
    assert batch.add() != batch.add()


def test_the_duplicate_guard_refuses_while_the_first_is_active(new_desk):
    batch = new_desk(duplicate_guard=True)
    batch.add(now=0)
    assert "error" in batch.add(now=1199)
    assert "order" in batch.add(now=1200)


@pytest.mark.parametrize("other", [{"link": "https://instagram.com/b"}, {"service": 2}, {"account": "other"}])
def test_the_duplicate_guard_lets_other_orders_through(new_desk, other):
    batch = new_desk(duplicate_guard=True)
    batch.add()
    assert "order" in batch.add(**other)


def test_the_duplicate_guard_tells_subscriptions_apart_by_username(new_desk):
    batch = new_desk(duplicate_guard=True)
    fields = {"service": 21, "quantity": None, "link": None, "min": 10, "max": 10, "delay": 0}
    batch.add(username="a", **fields)
    assert "order" in batch.add(username="b", **fields)
    assert "error" in batch.add(username="a", **fields)


def test_a_new_order_has_the_documented_status(batch):
    expected = {"charge": "0.9", "start_count": None, "status": "Pending", "remains": "1000", "currency": "USD"}
    assert batch.status(batch.order()) == expected


def test_many_statuses_are_a_map_with_an_error_for_an_unknown_id(batch):
    order = batch.order()
    answer = batch.call("status", orders=f"{order},1")
    assert answer == {order: batch.status(order), "1": {"error": "Incorrect order ID"}}


@pytest.mark.parametrize("action", ["status", "refill", "cancel"])
def test_orders_of_another_key_are_unknown(batch, action):
    order = batch.order()
    answer = batch.call(action, account="other", orders=order)
    entry = answer[order] if action == "status" else answer[0][action]
    assert entry == {"error": "Incorrect order ID"}


def test_the_order_of_another_key_is_unknown_alone_too(batch):
    assert batch.status(batch.order(), account="other") == {"error": "Incorrect order ID"}


@pytest.mark.parametrize(("action", "many"), [("status", "orders"), ("refill", "orders"), ("refill_status", "refills"),
                                              ("cancel", "orders")])  # fmt: skip
def test_ids_beyond_a_hundred_are_dropped_without_a_word(batch, action, many):
    assert len(batch.call(action, **{many: ",".join(str(number) for number in range(101))})) == 100


def test_doubled_ids_merge_in_a_map_of_statuses(batch):
    order = batch.order()
    assert list(batch.call("status", orders=f"{order},{order}")) == [order]


def test_an_id_in_hexadecimal_is_known(batch):
    order = batch.order()
    assert batch.status(f"{int(order):024x}") == batch.status(order)


@pytest.mark.parametrize(
    ("action", "fields", "why"),
    [
        ("status", {}, "send order or orders"),
        ("status", {"order": ""}, "empty field order"),
        ("status", {"orders": ""}, "empty field orders"),
        ("status", {"order": "1", "orders": "1"}, "send order or orders"),
        ("status", {"order": "1", "service": "1", "link": "x"}, "unexpected field link, service"),
        ("refill", {}, "send order or orders"),
        ("refill_status", {"order": "1"}, "unexpected field order"),
        ("cancel", {}, "send orders"),
        ("cancel", {"order": "1"}, "unexpected field order"),
        ("cancel", {"orders": ""}, "empty field orders"),
        ("balance", {"order": "1"}, "unexpected field order"),
        ("services", {"service": "1"}, "unexpected field service"),
        ("services", {"orders[]": "1"}, "unexpected field orders[]"),
    ],
)
def test_wrong_fields_are_an_incorrect_request_that_names_them(batch, action, fields, why):
    assert batch.call(action, **fields) == {"error": f"Incorrect request: {why}"}


def test_a_name_that_could_be_a_key_is_not_repeated(batch):
    assert batch.call("balance", d36d6a4ae6493e70="1") == {"error": "Incorrect request"}


@pytest.mark.parametrize("action", ["Add", "BALANCE", "orders"])
def test_action_names_are_case_sensitive(batch, action):
    assert batch.call(action) == {"error": "Invalid action"}


def test_the_balance_is_plain_text(new_desk):
    assert new_desk(balance="100.84292").call("balance") == {"balance": "100.84292", "currency": "USD"}


def test_services_have_the_documented_fields_and_no_other(batch):
    assert batch.call("services")[0] == {
        "service": 1,
        "name": "Instagram Followers [refill 30 days]",
        "type": "Default",
        "category": "Instagram Followers",
        "rate": "0.90",
        "min": "50",
        "max": "100000",
        "refill": True,
        "cancel": True,
    }


def test_services_show_every_type(batch):
    assert {service["type"] for service in batch.call("services")} == TYPES.keys()


def test_a_disabled_service_is_not_listed(batch):
    assert 28 not in [service["service"] for service in batch.call("services")]


def test_a_changed_rate_is_listed_and_charged(batch):
    lifecycle.apply(batch.state, ServiceChanged("1", {"rate": "2.00"}, 0.0))
    assert batch.call("services")[0]["rate"] == "2.00"
    assert batch.status(batch.order())["charge"] == "2"


@pytest.mark.parametrize(
    "wrong", [{"rate": 2.0}, {"rate": "1e3"}, {"rate": "-1"}, {"colour": "red"}, {"service": "2"}, {"min": 0},
              {"refill": 1}, {"type": "Nothing"}, {"fate": "lost"}, {"min": True}]
)  # fmt: skip
def test_a_change_that_does_not_fit_changes_nothing(batch, wrong):
    before = dict(batch.state.services)
    with pytest.raises(CatalogueError):
        lifecycle.apply(batch.state, ServiceChanged("1", wrong, 0.0))
    assert batch.state.services == before


def test_a_refusal_tells_storage_nothing(batch):
    before = list(batch.events)
    batch.add(link="nowhere")
    assert batch.events == before


def test_a_charge_of_more_digits_than_the_default_context_holds_leaves_the_balance_exactly(new_desk):
    batch = new_desk(balance="10000000000")
    lifecycle.apply(batch.state, ServiceChanged("1", {"rate": "1234567890.123456789012345678901234567"}, 0.0))
    order = batch.order()
    assert batch.status(order)["charge"] == "1234567890.123456789012345678901234567"
    assert batch.call("balance")["balance"] == "8765432109.876543210987654321098765433"
