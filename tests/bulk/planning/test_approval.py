"""Approvals: what a check showed is what is sent, and what differs is named row by row."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bulk.planning.approval import Checked, CheckedRow, differences, parse_fingerprint, with_fingerprint
from smmplus.api.error_texts import Meaning
from smmplus.errors import ConfigurationError
from smmplus.journal import lookup
from tests.bulk.plans import LINK, Ledger, blocker_of, request, row, service, sheet_of

A, B, C = (f"{LINK}/{name}" for name in "abc")


def approve(week, *rows, services=(), **options):
    """Check a sheet, and keep what it would send."""
    plan, content = with_fingerprint(week.plan(sheet_of(*rows), *services, **options))
    lookup.keep(week.journal, week.campaign, plan.fingerprint, content)
    return plan.fingerprint


def found(week, fingerprint, *rows, services=(), numbers=None, **options):
    plan = week.plan(sheet_of(*rows, numbers=numbers), *services, expect_fingerprint=fingerprint, **options)
    return differences(plan)


def test_what_was_approved_may_go(week):
    assert found(week, approve(week, row(A), row(B)), row(A), row(B)) == []


def test_sorted_rows_and_rows_that_moved_are_the_same(week):
    approved = approve(week, row(A), row(B), row(C))
    assert found(week, approved, row(C), row(A), row(B), numbers=[7, 8, 20]) == []


def test_the_same_rows_have_the_same_fingerprint_in_any_order(week):
    assert approve(week, row(A), row(B)) == approve(week, row(B), row(A))


@pytest.mark.parametrize(
    ("changed", "services"),
    [
        ((row(A), row(C)), ()),
        ((row(A), row(B, quantity="200")), ()),
        ((row(A),), ()),
        ((row(A), row(B), row(B)), ()),
        ((row(A), row(B)), [service(rate="1.4")]),
        ((row(A), row(B)), [service(rate="1.6")]),
        ((row(A), row(B)), [service(name="Comments")]),
    ],
)
def test_what_was_not_approved_stops_it(week, changed, services):
    approved = approve(week, row(A), row(B))
    sheet, options = sheet_of(*changed), {"expect_fingerprint": approved, "allow_duplicates": True}
    words = blocker_of(week.plan(sheet, *services, **options))
    assert words.startswith("This is not what was approved")
    assert approve(week, *changed, services=services, allow_duplicates=True) != approved


def test_a_changed_cell_is_named_with_both_texts(week):
    assert found(week, approve(week, row(A), row(B)), row(A), row(C)) == [f"row 3: link was {B!r}, and is {C!r}"]


def test_a_long_text_is_shown_where_it_differs(week):
    before, after = "nice\n" * 100 + "good", "nice\n" * 100 + "bad"
    custom = [service("5", kind="Custom Comments", least=1)]
    rows = ({"service": "5", "link": A, "comments": text} for text in (before, after))
    (words,) = found(week, approve(week, next(rows), services=custom), next(rows), services=custom)
    assert "good'" in words
    assert "bad'" in words
    assert len(words) < 200


def test_a_price_is_named_with_both_amounts(week):
    words = found(week, approve(week, row(A), row(B)), row(A), row(B), services=[service(rate="2")])
    assert words == [f"row {number}: the price was 0.15 USD, and is 0.2 USD" for number in (2, 3)]


def test_rows_that_are_new_and_rows_that_are_gone_are_named(week):
    words = found(week, approve(week, row(A), row(B)), row(A), row(C), numbers=[2, 9])
    assert words == [
        f"row 9 is new: service 2, link {C}, quantity 100, 0.15 USD",
        f"row 3 is gone: service 2, link {B}, quantity 100",
    ]


def test_a_row_that_is_wrong_by_now_is_named_with_the_reason(week):
    approved = approve(week, row(A), row(B, quantity="20"))
    dear = [service(least=50)]
    (words,) = found(week, approved, row(A), row(B, quantity="20"), services=dear, skip_bad=True)
    assert words.startswith(f"row 3 cannot be sent (service 2, link {B}, quantity 20): ")


def test_another_service_under_the_same_number_is_named(week):
    (words,) = found(week, approve(week, row(A)), row(A), services=[service(name="Dislikes")])
    assert words == "service 2 was 'Likes' (Default), and is 'Dislikes' (Default)"


def test_a_run_that_was_killed_half_way_goes_on(week):
    approved = approve(week, row(A), row(B), row(C))
    week.accepted("501", request(A))
    week.in_doubt(request(B))
    assert found(week, approved, row(A, order_id="501"), row(B), row(C)) == []


def test_a_price_that_rose_after_half_of_the_rows_stops_the_rest(week):
    approved = approve(week, row(A), row(B))
    week.accepted("501", request(A))
    assert found(week, approved, row(A), row(B), services=[service(rate="2")]) == [
        "row 3: the price was 0.15 USD, and is 0.2 USD"
    ]


def test_an_approval_is_used_up_by_its_order(week):
    approved = approve(week, row(A))
    week.accepted("501", request(A))
    rows = row(A, order_id="501"), row(A)
    assert len(found(week, approved, *rows, allow_duplicates=True)) == 1


def test_what_was_placed_when_it_was_checked_is_not_approved_once_more(week):
    week.accepted("501", request(A))
    approved = approve(week, row(A, order_id="501"), row(B))
    other = Ledger.of(week.journal, campaign="anew")
    plan = other.plan(sheet_of(row(A), row(B)), campaign="anew", expect_fingerprint=approved)
    assert [item.row.number for item in plan.to_send] == [2, 3]
    assert any(words.startswith("row 2 is new") for words in differences(plan))


def test_a_row_that_was_refused_when_it_was_checked_is_not_approved(week):
    week.refused(request(A), meaning=Meaning.UNKNOWN.name)
    approved = approve(week, row(A), row(B))
    assert found(week, approved, row(A), row(B)) == []
    (words,) = found(week, approved, row(A), row(B), retry_refused=True)
    assert words.startswith("row 2 is new")


def test_a_row_that_was_refused_since_is_no_difference_and_may_be_sent_again(week):
    approved = approve(week, row(A), row(B))
    week.refused(request(A), meaning=Meaning.UNKNOWN.name)
    assert found(week, approved, row(A), row(B)) == []
    assert found(week, approved, row(A), row(B), retry_refused=True) == []


def test_a_few_of_what_was_approved_may_go_first(week):
    approved = approve(week, row(A), row(B), row(C))
    assert found(week, approved, row(A), row(B), row(C), first=1) == []


def test_who_approved_the_first_few_did_not_approve_the_rest(week):
    approved = approve(week, row(A), row(B), first=1)
    assert found(week, approved, row(A), row(B), first=1) == []
    (words,) = found(week, approved, row(A), row(B))
    assert words.startswith("row 3 is new")


def test_of_equal_rows_each_needs_its_own_approval(week):
    twice = (row(A), row(A))
    approved = approve(week, *twice, allow_duplicates=True)
    assert found(week, approved, *twice, allow_duplicates=True) == []
    (words,) = found(week, approved, *twice, row(A), allow_duplicates=True)
    assert words.startswith("row 4 is new")
    (words,) = found(week, approved, row(A))
    assert words.startswith("row 3 is gone")


def test_of_equal_rows_the_one_that_stayed_is_the_approved_one(week):
    twice = (row(A), row(A))
    assert found(week, approve(week, *twice, allow_duplicates=True), row(B), row(A)) == [
        f"row 2: link was {A!r}, and is {B!r}"
    ]


def test_another_campaign_was_not_approved(week):
    approved = approve(week, row(A))
    other = Ledger.of(week.journal, campaign="other")
    plan = other.plan(sheet_of(row(A)), expect_fingerprint=approved)
    plan = replace(plan, campaign=replace(plan.campaign, name="other"))
    assert differences(plan) == ["the campaign was 'week', and is 'other'"]


def test_another_currency_was_not_approved(week):
    approved = approve(week, row(A))
    plan = week.plan(sheet_of(row(A)), expect_fingerprint=approved)
    rupiah = replace(plan.prices.balance, currency="IDR")
    (words,) = differences(replace(plan, prices=replace(plan.prices, balance=rupiah)))
    assert words == "the currency was 'USD', and is 'IDR'"


def test_a_journal_without_the_check_still_knows_the_same_sheet(week):
    plan, _ = with_fingerprint(week.plan(sheet_of(row(A))))
    assert found(week, plan.fingerprint, row(A)) == []
    (words,) = found(week, plan.fingerprint, row(B))
    assert "this journal does not have the check that was approved" in words


def test_many_differences_are_counted_and_the_first_named(week):
    approved = approve(week, row(A))
    sheet = sheet_of(*(row(f"{LINK}/{number}") for number in range(30)))
    words = blocker_of(week.plan(sheet, expect_fingerprint=approved))
    assert "(30 differences)" in words
    assert "and 10 more" in words


def test_a_check_is_read_back_as_it_was_written():
    rows = (CheckedRow(2, request(A).content, Decimal("0.15")), CheckedRow(3, request(B).content, None, "week/1-1"))
    check = Checked("shop", "https://smm.plus/api/v2", "week", "USD", {"2": ("Likes", "Default")}, rows)
    assert Checked.unpacked(check.packed()) == check


@pytest.mark.parametrize("text", ["", "None", "0" * 23, "0" * 25, "g" * 24, " "])
def test_what_is_no_fingerprint_is_no_approval(text):
    with pytest.raises(ConfigurationError, match="the fingerprint of a check"):
        parse_fingerprint(text)


def test_a_fingerprint_that_was_pasted_is_read():
    assert parse_fingerprint(" 0123456789ABCDEF01234567\n") == "0123456789abcdef01234567"


def test_a_fingerprint_is_the_same_in_every_language(week, monkeypatch):
    rows = (row(A), row(B), row(C, quantity="1"))
    approved = approve(week, *rows, skip_bad=True)
    monkeypatch.setenv("SMMPLUS_LANGUAGE", "id")
    assert approve(week, *rows, skip_bad=True) == approved
    assert found(week, approved, *rows, skip_bad=True) == []
    assert found(week, approved, *rows[1:], skip_bad=True) == [
        f"baris 2 tidak ada lagi: service 2, link {A}, quantity 100"
    ]
