"""What evidence says of orders in doubt: which ids are asked for, and what is taken for the lost order."""

from dataclasses import replace
from decimal import Decimal

import pytest

from smmplus.journal.balances import Observation
from smmplus.orders.models import OrderStatus
from smmplus.reconciliation.balance_evidence import Evidence, Verdict
from smmplus.reconciliation.doubt_matching import (
    STRETCH,
    Fit,
    KnownId,
    Probe,
    all_ids,
    decide,
    fit,
    ids_to_ask,
    misfit,
    why_unasked,
)
from tests.smmplus.batches import request_for


@pytest.fixture
def doubt(batch):
    return replace(batch.in_doubt(cost="1.5"), sent_at="2026-01-01T12:00:00", settled_at="2026-01-01T12:01:00")


def known(order_id, hour, minute=0):
    return KnownId(order_id, f"2026-01-01T{hour:02d}:{minute:02d}:00", f"2026-01-01T{hour:02d}:{minute:02d}:30")


def status(charge="1.5", word="Pending", currency="USD"):
    return OrderStatus(word, None if charge is None else Decimal(charge), None, None, currency)


# Which ids.


def test_ids_between_the_last_known_before_and_the_first_known_after(doubt):
    assert list(ids_to_ask(doubt, [known("90", 10), known("100", 11), known("104", 13), known("200", 14)])) == [
        "101",
        "102",
        "103",
    ]


def test_known_ids_are_not_asked_for(doubt):
    """Orders that were sent while this one was under way stand on either side of it."""
    during = KnownId("102", "2026-01-01T12:00:30", "2026-01-01T12:00:31")
    assert list(ids_to_ask(doubt, [known("100", 11), during, known("104", 13)])) == ["101", "103"]


def test_an_order_recorded_after_the_sending_is_no_lower_bound(doubt):
    overlapping = KnownId("103", "2026-01-01T11:59:59", "2026-01-01T12:00:01")
    assert list(ids_to_ask(doubt, [known("100", 11), overlapping, known("105", 13)])) == ["101", "102", "104"]


def test_an_order_sent_before_the_doubt_was_given_up_is_no_upper_bound(doubt):
    overlapping = KnownId("103", "2026-01-01T12:00:59", "2026-01-01T12:05:00")
    asked = list(ids_to_ask(doubt, [known("100", 11), overlapping]))
    assert asked[:3] == ["101", "102", "104"]
    assert asked[-1] == str(103 + STRETCH)


def test_without_a_later_order_a_stretch_after_the_highest_is_asked_for(doubt):
    asked = list(ids_to_ask(doubt, [known("100", 11)]))
    assert (asked[0], asked[-1], len(asked)) == ("101", str(100 + STRETCH), STRETCH)


def test_without_an_earlier_order_a_stretch_before_the_lowest_is_asked_for(doubt):
    asked = list(ids_to_ask(doubt, [known("5000", 13)]))
    assert (asked[0], asked[-1], len(asked)) == (str(5000 - STRETCH), "4999", STRETCH)
    assert list(ids_to_ask(doubt, [known("3", 13)])) == ["1", "2"]


@pytest.mark.parametrize("order_id", ["5f2c9a7b1d3e4f5061728394", "007", "AB-7", "٣"])
def test_ids_that_are_no_numbers_cannot_be_asked_for(doubt, order_id):
    assert list(ids_to_ask(doubt, [known(order_id, 11)])) == []


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        ([], "no order id of this account is known"),
        (["007"], "the order ids of this panel are not numbers"),
        (["100", "101"], "leave none free"),
        (["500", "100"], "do not grow with time"),
        (["100", "102"], ""),
    ],
)
def test_why_no_id_can_be_asked_for(doubt, ids, why):
    told = why_unasked(doubt, [known(number, 11 + 2 * place) for place, number in enumerate(ids)])
    assert why in told
    assert bool(told) == bool(why)


def test_ids_that_do_not_grow_are_not_asked_for(doubt):
    assert list(ids_to_ask(doubt, [known("500", 11), known("100", 13)])) == []


def test_the_ids_of_several_doubts_are_asked_for_once_and_no_more_than_may_be(doubt):
    ids = all_ids([doubt, doubt], [known("100", 11)], 3)
    assert ids == ("101", "102", "103")


# Which charge.


@pytest.mark.parametrize(
    ("cost", "charge", "word", "wanted"),
    [
        ("1.5", "1.5", "Pending", Fit.EXACT),
        ("0.085", "0.09", "Pending", Fit.EXACT),
        ("0.085", "0.08", "Completed", Fit.EXACT),
        ("0.085", "0.10", "Pending", Fit.NO),
        ("0.0851", "0.0852", "Pending", Fit.EXACT),
        ("0.0851", "0.0853", "Pending", Fit.NO),
        ("15", "16", "Pending", Fit.NO),
        ("1.5", "0.6", "Partial", Fit.NET),
        ("1.5", "0", "Canceled", Fit.NET),
        ("1.5", "0.6", "Completed", Fit.NO),
        ("1.5", "0.6", "In progress", Fit.NO),
        ("1.5", "1.7", "Partial", Fit.NO),
        ("1.5", None, "Pending", Fit.UNKNOWN),
        (None, "1.5", "Pending", Fit.UNKNOWN),
    ],
)
def test_a_charge_is_compared_with_the_expected_one(cost, charge, word, wanted):
    assert fit(None if cost is None else Decimal(cost), status(charge, word)) is wanted


def test_below_an_upper_bound_every_charge_is_possible():
    assert fit(Decimal("1.5"), status("0.2"), at_most=True) is Fit.NET
    assert fit(Decimal("1.5"), status("1.7"), at_most=True) is Fit.NO


def test_a_charge_that_does_not_fit_is_told_with_what_was_expected(doubt):
    assert misfit(doubt, "601", status("2"), "USD") == (
        f"order 601 is 'Pending' and was charged 2 USD, and {doubt.name} was to be charged 1.5 USD"
    )


def test_another_currency_does_not_fit(doubt):
    assert misfit(doubt, "601", status(currency="IDR"), "USD") == (
        f"order 601 is 'Pending' and charged in IDR, and {doubt.name} was sent by an account in USD"
    )


@pytest.mark.parametrize(
    ("answer", "currency"),
    [
        (status(), "USD"),
        (status(currency="usd"), "USD"),
        (status(currency=""), "USD"),
        (status(), ""),
        (status("0.5", "Partial"), "USD"),
        (status(None), "USD"),
    ],
)
def test_nothing_speaks_against_what_fits(doubt, answer, currency):
    assert misfit(doubt, "601", answer, currency) == ""


def test_a_subscription_may_have_been_charged_less(batch):
    request = request_for(username="anna", min=1, max=2, delay=0)
    (entry,) = batch.plan(cost="9", request=request)
    assert misfit(entry, "601", status("0"), "USD") == ""


# What is taken up.


def observed(amount):
    return Observation(1, "", "", Decimal(amount), "USD", Decimal(0), Decimal(0))


DEBITED = Evidence(observed("10"), observed("8.5"), Verdict.DEBITED, Decimal("1.5"))


def found(doubt, answers, weighed=DEBITED, *, others=(), cut=False, sending=()):
    doubts = [doubt, *others]
    probe = Probe(answers, 100, 1, cut)
    return decide(doubts, {entry.id: weighed for entry in doubts}, probe, sending)[0]


def test_one_doubt_one_order_its_charge_and_the_balance_are_taken_together(doubt):
    finding = found(doubt, {"601": status()})
    assert (finding.order_id, finding.candidates) == ("601", ("601",))
    assert finding.why == (
        "it is the only unrecorded order near that time ('Pending'), and this is the only order in doubt of its "
        "account; its charge of 1.5 USD matches the expected 1.5, and the balance dropped by 1.5"
    )


def test_no_order_is_found(doubt):
    finding = found(doubt, {})
    assert (finding.order_id, finding.candidates) == (None, ())
    assert "that was found is in a journal" in finding.why


def test_two_doubts_are_left_to_a_person(batch, doubt):
    finding = found(doubt, {"601": status()}, others=[batch.in_doubt(cost="1.5")])
    assert (finding.order_id, finding.candidates) == (None, ("601",))
    assert "2 orders of this account are in doubt" in finding.why


@pytest.mark.parametrize("charge", ["1.5", "7"])
def test_two_orders_are_left_to_a_person(doubt, charge):
    finding = found(doubt, {"601": status(), "602": status(charge)})
    assert finding.order_id is None
    assert finding.candidates == (("601", "602") if charge == "1.5" else ("601",))
    assert "2 orders of this account are in no journal" in finding.why


def test_an_order_that_does_not_fit_is_not_taken(doubt):
    finding = found(doubt, {"601": status("7")})
    assert (finding.order_id, finding.candidates) == (None, ())
    assert "does not match" in finding.why


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.DEBITED])
def test_a_balance_that_does_not_prove_it_settles_nothing(doubt, verdict):
    finding = found(doubt, {"601": status()}, replace(DEBITED, verdict=verdict))
    assert (finding.order_id, finding.candidates) == (None, ("601",))
    assert verdict.value in finding.why


def test_a_search_that_was_cut_short_settles_nothing(doubt):
    finding = found(doubt, {"601": status()}, cut=True)
    assert (finding.order_id, "--max-calls" in finding.why) == (None, True)


def test_while_orders_are_being_sent_an_unknown_id_may_be_theirs(doubt):
    finding = found(doubt, {"601": status()}, sending=["spring/x-1"])
    assert (finding.order_id, "spring/x-1" in finding.why) == (None, True)


@pytest.mark.parametrize("answer", [status("0.5", "Partial"), status(None)])
def test_a_charge_that_is_not_the_expected_one_settles_nothing(doubt, answer):
    finding = found(doubt, {"601": answer})
    assert (finding.order_id, finding.candidates) == (None, ("601",))
    assert "the order that was found has" in finding.why


def test_a_charge_that_rounding_makes_ambiguous_settles_nothing(doubt):
    finding = found(replace(doubt, cost=Decimal("0.009")), {"601": status("0.01")})
    assert (finding.order_id, "rounding" in finding.why) == (None, True)


def test_a_subscription_is_left_to_a_person(batch):
    request = request_for(username="anna", min=1, max=2, delay=0)
    (entry,) = batch.plan(cost="9", request=request)
    finding = found(entry, {"601": status("9")})
    assert finding.order_id is None


def test_an_order_in_another_currency_is_no_candidate(doubt):
    assert found(doubt, {"601": status(currency="IDR")}).candidates == ()
