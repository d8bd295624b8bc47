"""Each order is in one place of its currency's sums, and its units in one place of the delivery."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulk.report.figures import Delivery, Money, Standing, figures_of, money_of, standing_of, timeline_of, units_of
from bulk.report.orders import Scope, read_orders
from smmplus.journal import budgets
from smmplus.journal.entry import Planned, key_of
from smmplus.journal.group_commit import Intent
from smmplus.journal.state_machine import Event, Outcome, State
from smmplus.orders.decimals import total
from smmplus.orders.models import OrderRequest, OrderStatus
from tests.bulk.plans import request
from tests.bulk.report.reported import order

USD = {"cost": Decimal("0.15")}


def money(*orders):
    (found,) = money_of(orders)
    return found


@pytest.mark.parametrize(
    ("about", "sums"),
    [
        ({"state": State.NOT_SENT}, {}),
        ({"state": State.REJECTED}, {}),
        ({"state": State.IN_DOUBT}, {"ordered": "0.15", "in_doubt": "0.15"}),
        ({"state": State.SENDING}, {"ordered": "0.15", "sending": "0.15"}),
        ({}, {"ordered": "0.15", "unreported": "0.15"}),
        ({"charge": "0.15", "order_status": "Completed"}, {"ordered": "0.15", "charged": "0.15"}),
        ({"charge": "0.09", "order_status": "Partial"}, {"ordered": "0.15", "charged": "0.09", "refunded": "0.06"}),
        ({"charge": "0", "order_status": "Canceled"}, {"ordered": "0.15", "refunded": "0.15"}),
        ({"charge": "0.15", "order_status": "Canceled"}, {"ordered": "0.15", "charged": "0.15"}),
        ({"charge": "0.14", "order_status": "Completed"}, {"ordered": "0.15", "charged": "0.14"}),
        ({"charge": "0.16", "order_status": "In progress"}, {"ordered": "0.15", "charged": "0.16"}),
        ({"cost": None, "charge": "0.16"}, {"charged": "0.16"}),
    ],
)
def test_an_order_is_in_one_place_of_the_sums(about, sums):
    charge = {"charge": Decimal(about["charge"])} if "charge" in about else {}
    one = order(**USD | about | charge)
    if not sums:
        assert money_of([one]) == ()
        return
    found = money(one)
    assert found == Money("USD", **{name: Decimal(amount) for name, amount in sums.items()})
    parts = (found.charged, found.refunded, found.unreported, found.in_doubt, found.sending)
    assert total(parts) == found.ordered + found.difference


def test_two_currencies_are_never_added():
    first, second = order(**USD), order(currency="IDR", cost=Decimal(5000))
    spelled = order(currency="usd", **USD)
    assert money_of([first, second, spelled]) == (
        Money("IDR", ordered=Decimal(5000), unreported=Decimal(5000)),
        Money("USD", ordered=Decimal("0.30"), unreported=Decimal("0.30")),
    )


def test_a_charge_in_another_currency_is_no_refund():
    about = {"cost": Decimal(100), "charge": Decimal("0.01"), "order_status": "Partial"}
    assert money(order(**about)).refunded == Decimal("99.99")
    abroad = money_of([order(currency="IDR", charged_in="USD", **about)])
    assert abroad == (Money("IDR", ordered=Decimal(100)), Money("USD", charged=Decimal("0.01")))
    assert [each.difference for each in abroad] == [Decimal(-100), Decimal("0.01")]


@pytest.mark.parametrize(
    ("about", "units"),
    [
        ({"order_status": "Completed", "remains": "0", "final": True}, Delivery(100, delivered=100)),
        ({"order_status": "Completed", "final": True}, Delivery(100, delivered=100)),
        ({"order_status": "Completed", "remains": "-12", "final": True}, Delivery(100, delivered=100, surplus=12)),
        ({"order_status": "Completed", "remains": "3", "final": True}, Delivery(100, delivered=97, missing=3)),
        ({"order_status": "Partial", "remains": "40", "final": True}, Delivery(100, delivered=60, missing=40)),
        ({"order_status": "Partial", "remains": None, "final": True}, Delivery(unknown=1)),
        ({"order_status": "Canceled", "remains": "0", "final": True}, Delivery(100, missing=100)),
        ({"order_status": "Canceled", "remains": "100", "final": True}, Delivery(100, missing=100)),
        ({"order_status": "In progress", "remains": "30"}, Delivery(100, delivered=70, open=30)),
        ({"order_status": "In progress", "remains": None}, Delivery(unknown=1)),
        ({"order_status": "Pending", "remains": "0"}, Delivery(100, open=100)),
        ({"order_status": "", "remains": None}, Delivery(100, open=100)),
        ({"order_status": "In progress", "remains": "1000"}, Delivery(unknown=1)),
        ({"state": State.IN_DOUBT}, Delivery(100, in_doubt=100)),
        ({"state": State.REJECTED}, Delivery()),
        ({"state": State.NOT_SENT}, Delivery()),
    ],
)
def test_units_are_delivered_open_missing_or_in_doubt(about, units):
    assert figures_of([order(**about)]).delivery == units


@pytest.mark.parametrize(
    ("wanted", "units"),
    [
        (request(quantity="100", runs="3"), 300),
        (OrderRequest.of(1, {"link": "a", "comments": "one\ntwo"}), 2),
        (OrderRequest.of(1, {"link": "a", "usernames": "one\ntwo\nthree"}), 3),
        (OrderRequest.of(1, {"link": "a"}), None),
        (OrderRequest.of(1, {"username": "a", "min": "10", "max": "20"}), None),
        (request(quantity="a hundred"), None),
    ],
)
def test_the_units_are_those_of_the_order(wanted, units):
    assert units_of(wanted) == units


def test_a_package_is_only_counted():
    one = order(OrderRequest.of(1, {"link": "a"}), order_status="Completed", remains="0", final=True)
    assert figures_of([one]).delivery == Delivery(unknown=1)


def test_orders_are_counted_by_how_far_they_are_and_by_the_words_of_the_panel():
    statuses = ("Completed", "completed", "Partial", "Canceled", "Fail", "In progress", "Pending", "Neu", "")
    orders = [order(order_status=status) for status in statuses] + [order(state=State.IN_DOUBT, order_id=None)]
    figures = figures_of(orders)
    assert figures.standings == {
        Standing.IN_DOUBT: 1,
        Standing.CUT_SHORT: 3,
        Standing.WAITING: 2,
        Standing.RUNNING: 2,
        Standing.COMPLETED: 2,
    }
    assert list(figures.standings) == [each for each in Standing if each in figures.standings]
    assert figures.statuses["Partial"] == figures.statuses["completed"] == figures.statuses["Placed"] == 1


@pytest.mark.parametrize(
    ("remains", "standing"), [("0", "completed"), (None, "completed"), ("-3", "completed"), ("7", "cut_short")]
)
def test_a_status_that_a_person_declared_final_is_judged_by_what_remains(remains, standing):
    one = order(order_status="Beres", final=True, remains=remains)
    assert standing_of(one).value == standing
    assert standing_of(order(order_status="Beres", remains=remains)) is Standing.RUNNING


def test_groups_are_services_and_campaigns_of_accounts():
    orders = [order(request(service="2")), order(request(service="10")), order(request(service="2"), account="other")]
    figures = figures_of(orders)
    assert [(each.name, each.orders) for each in figures.services] == [("2", 2), ("10", 1)]
    assert [(each.account, each.name, each.orders) for each in figures.campaigns] == [
        ("default", "week", 2),
        ("other", "week", 1),
    ]


def sent(at, **about):
    return order(sent_at=f"{at}T12:00:00.000+00:00", cost=Decimal(1), **about)


def test_the_timeline_has_every_day():
    ended = {"final": True, "order_status": "Completed", "polled_at": "2026-02-05T01:00:00.000+00:00"}
    periods = timeline_of([sent("2026-02-03", **ended), sent("2026-02-03"), sent("2026-02-05", currency="IDR")])
    assert [(each.begins, each.ends, each.sent, each.finished) for each in periods] == [
        (date(2026, 2, 3), date(2026, 2, 3), 2, 0),
        (date(2026, 2, 4), date(2026, 2, 4), 0, 0),
        (date(2026, 2, 5), date(2026, 2, 5), 1, 1),
    ]
    assert [each.ordered for each in periods] == [{"USD": 2}, {}, {"IDR": 1}]


@pytest.mark.parametrize(
    ("last", "periods", "first_ends"),
    [("2026-03-31", 10, date(2026, 2, 1)), ("2027-12-31", 24, date(2026, 1, 31))],
    ids=["weeks", "months"],
)
def test_a_long_timeline_has_weeks_or_months(last, periods, first_ends):
    found = timeline_of([sent("2026-01-30"), sent(last)])
    assert (len(found), found[0].ends, sum(each.sent for each in found)) == (periods, first_ends, 2)
    assert all(one.ends < other.begins for one, other in pairwise(found))


def test_days_are_those_of_the_local_zone(jakarta):
    late = order(sent_at="2026-02-03T18:00:00.000+00:00")
    assert [each.begins for each in timeline_of([late])] == [date(2026, 2, 4)]


def test_orders_that_cost_nothing_are_not_in_the_timeline():
    assert timeline_of([order(state=State.REJECTED), order(state=State.NOT_SENT, sent_at=None)]) == ()


# The journal.

amounts = st.decimals(min_value=0, max_value=10**12, places=20, allow_nan=False)
fates = st.tuples(
    st.integers(0, 2),
    amounts | st.none(),
    st.sampled_from(["planned", "refused", "doubt", "placed", "Completed", "Partial", "Canceled", "In progress"]),
    amounts | st.none(),
)
CURRENCIES = ("USD", "IDR", "")


def journal_of(journal, account, found):
    """Let a journal have orders, each in a campaign, with a cost and a charge, as far as they came."""
    account_id = journal.ensure_account("https://smm.plus/api/v2", account)
    for campaign, currency in enumerate(CURRENCIES):
        campaign_id = journal.ensure_campaign(account_id, f"c{campaign}")
        budgets.hold_to_currency(journal, campaign_id, currency)
        batch = journal.open_batch(campaign_id, "a.csv")
        mine = [each for each in found if each[0] == campaign]
        keys = [key_of(request(), number) for number in range(1, len(mine) + 1)]
        planned = [Planned(key, request(), each[1]) for key, each in zip(keys, mine, strict=True)]
        journal.plan(campaign_id, batch, planned, {})
        known = journal.with_keys(campaign_id, keys)
        for number, (key, (_campaign, _cost, fate, charge)) in enumerate(zip(keys, mine, strict=True)):
            if fate == "planned":
                continue
            (attempt,) = journal.commit([Intent(known[key].id)])
            event = {"refused": Event.REFUSAL, "doubt": Event.DOUBT}.get(fate, Event.ORDER_ID)
            order_id = f"{account}{campaign}{number}" if event is Event.ORDER_ID else None
            journal.commit([Outcome(known[key].id, attempt.number, event, order_id)])
            if fate[0].isupper():
                journal.record_statuses({known[key].id: OrderStatus(fate, charge, None, 0, currency)})
    return account_id


@pytest.mark.slow
def test_sums_are_those_of_the_journal_to_the_last_digit(journal):
    accounts = iter(range(10_000))

    @settings(max_examples=60, deadline=None)
    @given(st.lists(fates, max_size=8))
    def holds(found):
        account_id = journal_of(journal, f"a{next(accounts)}", found)
        with journal.reading() as connection:
            query = f"SELECT id, currency, spent FROM campaigns WHERE account_id = {account_id}"  # noqa: S608
            campaigns = {row.id: row for row in connection.exec_driver_sql(query)}
            rows = connection.exec_driver_sql("SELECT campaign_id, charge FROM entries WHERE charge IS NOT NULL")
            charges = [
                (campaigns[row.campaign_id].currency, row.charge) for row in rows if row.campaign_id in campaigns
            ]
        spent, charged = defaultdict(Fraction), defaultdict(Fraction)
        for row in campaigns.values():
            spent[row.currency] += Fraction(row.spent)
        for currency, charge in charges:
            charged[currency] += Fraction(charge)
        figures = figures_of(read_orders(journal, Scope(), account_id, None))
        told = {each.currency: each for each in figures.money}
        for currency in CURRENCIES:
            sums = told.get(currency, Money(currency))
            assert (Fraction(sums.ordered), Fraction(sums.charged)) == (spent[currency], charged[currency])
        for groups in (figures.services, figures.campaigns):
            assert add_up(groups) == {currency: exactly(each) for currency, each in told.items()}

    holds()


NAMES = ("ordered", "charged", "refunded", "unreported", "in_doubt", "sending", "difference")


def exactly(money):
    return [Fraction(getattr(money, name)) for name in NAMES]


def add_up(groups):
    sums = {}
    for each in (money for group in groups for money in group.money):
        before = sums.get(each.currency, [Fraction(0)] * len(NAMES))
        sums[each.currency] = [one + other for one, other in zip(before, exactly(each), strict=True)]
    return sums
