from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smmplus.orders.models import OrderRequest
from smmplus.orders.order_types import cost, is_upper_bound, units
from tests.smmplus.orders import RIGHT, service_of

PACKAGES = {"Package", "Custom Comments Package"}


def order(kind, **fields):
    return OrderRequest.of("1", {**RIGHT[kind][0], **fields})


@pytest.mark.parametrize("kind", RIGHT)
def test_a_type_bills_its_units(kind):
    assert units(order(kind), service_of(kind)) == RIGHT[kind][1]


@pytest.mark.parametrize("kind", RIGHT)
def test_the_cost_is_rate_times_units_by_1000_and_a_package_costs_its_rate(kind):
    wanted = Decimal("1.2345") if kind in PACKAGES else Decimal("1.2345") * RIGHT[kind][1] / 1000
    assert cost(order(kind), service_of(kind, rate="1.2345")) == wanted


@pytest.mark.parametrize("kind", ["Default", "Web Traffic"])
def test_drip_feed_costs_all_its_runs(kind):
    once = cost(order(kind), service_of(kind))
    assert cost(order(kind, runs="7", interval="60"), service_of(kind)) == once * 7


def test_a_subscription_costs_at_most_its_old_posts_too():
    assert units(order("Subscriptions", old_posts="3"), service_of("Subscriptions")) == 20 * (5 + 3)


@pytest.mark.parametrize("posts", [None, 0])
def test_a_subscription_without_a_number_of_posts_has_no_bound(posts):
    """A PHP panel takes a limit of "0" for none at all."""
    request = order("Subscriptions", posts=posts, old_posts="3")
    assert cost(request, service_of("Subscriptions")) is None


@pytest.mark.parametrize("kind", [*RIGHT, "Odd"])
def test_the_cost_of_subscriptions_alone_is_an_upper_bound(kind):
    assert is_upper_bound(service_of(kind)) == (kind == "Subscriptions")


def test_an_unknown_type_has_no_price():
    assert (units(order("Default"), service_of("Odd")), cost(order("Default"), service_of("Odd"))) == (None, None)


@pytest.mark.slow
@given(
    st.decimals(min_value=0, max_value=10**6, places=5),
    st.integers(min_value=1, max_value=10**15 - 1),
    st.integers(min_value=1, max_value=10**15 - 1),
)
def test_a_cost_is_exact_whatever_the_quantity(rate, quantity, runs):
    request = order("Default", quantity=str(quantity), runs=str(runs), interval="1")
    with localcontext(prec=100):
        assert cost(request, service_of("Default", rate=str(rate))) * 1000 == rate * quantity * runs


def test_a_cost_does_not_depend_on_the_thread_s_decimal_context():
    with localcontext(prec=3):
        assert cost(order("Default", quantity="123457"), service_of("Default", rate="1.2345")) == Decimal("152.4076665")


@pytest.mark.parametrize("rate", ["9" * 20 + "." + "9" * 20, "0." + "0" * 19 + "1"])
def test_every_rate_that_is_read_can_be_priced_at_every_quantity(rate):
    most = "9" * 15
    request = order("Default", quantity=most, runs=most, interval="1")
    with localcontext(prec=200):
        assert cost(request, service_of("Default", rate=rate)) * 1000 == Decimal(rate) * int(most) ** 2
