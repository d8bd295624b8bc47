"""What changed at the panel since a plan was made."""

from bulk.planning.blockers import blocking_change, price_increases, service_change
from smmplus.placing.placer import Stop
from tests.bulk.plans import LINK, prices, row, service, sheet_of

BEFORE = (service("2", "1.50"), service("3", "2"))


def plan_of(week, *rows, **options):
    return week.plan(sheet_of(*(rows or (row(), row(LINK, service="3")))), *BEFORE, **options)


def change(week, *now, rows=(), **about):
    return blocking_change(plan_of(week, *rows), prices(*now, **about))


def test_prices_that_stayed_or_fell_are_no_reason(week):
    assert change(week, service("2", "1.5"), service("3", "1.9"), service("4", "9")) is None


def test_a_price_that_rose_is_named(week):
    assert change(week, service("2", "1.501"), service("3", "2")) == (
        Stop.PRICE,
        "service 2 went from 1.5 to 1.501",
    )


def test_every_price_that_rose_is_named(week):
    now = prices(service("2", "1E+1"), service("3", "2.1")).services
    assert price_increases(plan_of(week), now) == "service 3 went from 2 to 2.1, service 2 went from 1.5 to 10"


def test_a_service_that_is_gone_is_named(week):
    assert change(week, service("2", "1.5")) == (
        Stop.SERVICE,
        "line 3, service: service 3 does not exist or is disabled",
    )


def test_a_service_that_no_row_uses_may_change(week):
    assert change(week, service("2", "1.5"), service("3", "99", least=5000), rows=[row()]) is None


def test_limits_that_no_longer_fit_a_row_are_told_with_its_place(week):
    assert change(week, service("2", "1.5", least=101), service("3", "2")) == (
        Stop.SERVICE,
        "line 2, quantity: 100 is less than the service's minimum",
    )


def test_limits_that_still_fit_are_no_reason(week):
    assert change(week, service("2", "1.5", least=100, most=100), service("3", "2")) is None


def test_a_type_that_takes_other_fields_is_a_reason(week):
    stop, words = change(week, service("2", "1.5", kind="Package"), service("3", "2"))
    assert (stop, "Package orders do not use quantity" in words) == (Stop.SERVICE, True)


def test_a_type_that_bills_more_at_the_same_rate_is_a_reason(week):
    rows = [row(runs="3", interval="5", service="2", country="ID", device="1", type_of_traffic="3")]
    traffic = service("2", "1.5", kind="Web Traffic")
    plan = week.plan(sheet_of(*rows), traffic)
    assert service_change(plan, prices(traffic)) is None
    texts = {"service": "2", "link": LINK, "comments": "one"}
    package = week.plan(sheet_of(texts), service("2", "1.5", kind="Custom Comments", least=1))
    now = prices(service("2", "1.5", kind="Custom Comments Package", least=1))
    assert service_change(package, now) == (Stop.SERVICE, "row 2 would cost more than was shown")


def test_a_row_whose_cost_nobody_knew_may_stay_so(week):
    cells = {"service": "7", "username": "anna", "min": "10", "max": "20", "delay": "0"}
    before, now = (service("7", rate, kind="Subscriptions") for rate in ("2", "1.9"))
    assert service_change(week.plan(sheet_of(cells), before), prices(now)) is None


def test_a_balance_that_no_longer_suffices_is_a_reason_to_begin_nothing(week):
    assert change(week, *BEFORE, balance="0.349") == (Stop.FUNDS, "short by 0.001")
    assert change(week, *BEFORE, balance="0.35") is None


def test_a_balance_is_no_reason_to_break_off(week):
    assert service_change(plan_of(week), prices(*BEFORE, balance="0")) is None


def test_a_budget_bounds_what_the_balance_must_pay(week):
    assert blocking_change(plan_of(week, max_spend=0), prices(*BEFORE, balance="0")) is None


def test_another_currency_is_another_price(week):
    assert change(week, *BEFORE, currency="IDR") == (Stop.PRICE, "the account's currency went from USD to IDR")
