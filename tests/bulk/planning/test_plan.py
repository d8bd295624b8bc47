"""What a run would do: what is sent, what it costs, and what is left out."""

from decimal import Decimal

import pytest

from bulk.model.sheet import Problem
from bulk.planning.plan import Plan
from smmplus.api.error_texts import Meaning
from smmplus.journal import budgets
from smmplus.journal.entry import key_of
from smmplus.journal.state_machine import State
from tests.bulk.plans import LINK, Ledger, request, row, service, sheet_of

SUBSCRIPTION = service("7", kind="Subscriptions", rate="2")


def sent(plan: Plan):
    return [item.row.number for item in plan.to_send]


def subscription(**more):
    return {"service": "7", "username": "anna", "min": "100", "max": "200", "delay": "0", **more}


# What is sent.


def test_new_rows_are_sent_under_their_keys(week):
    plan = week.plan(sheet_of(row(), row(LINK + "/2")))
    assert [item.planned.key for item in plan.to_send] == [key_of(request(), 1), key_of(request(LINK + "/2"), 1)]
    assert [item.entry for item in plan.to_send] == [None, None]
    assert plan.problems == ()


@pytest.mark.parametrize("made", ["accepted", "in_doubt", "submitting"])
def test_what_may_have_cost_money_is_not_sent(week, made):
    getattr(week, made)()
    assert sent(week.plan(sheet_of(row()))) == []


def test_what_was_planned_is_sent_under_its_own_key(week):
    entry = week.planned(nth=3)
    (sending,) = week.plan(sheet_of(row())).to_send
    assert (sending.entry, sending.planned.key) == (entry, entry.key)


def test_a_known_refusal_of_the_row_is_sent_again(week):
    entry = week.refused()
    plan = week.plan(sheet_of(row()))
    assert [item.entry for item in plan.to_send] == [entry]
    assert plan.refused == {}


def test_an_unknown_refusal_is_not_sent_again(week):
    entry = week.refused(meaning=Meaning.UNKNOWN.name)
    plan = week.plan(sheet_of(row()))
    assert sent(plan) == []
    assert plan.refused == {2: entry}


def test_an_unknown_refusal_is_sent_again_when_a_person_says_so(week):
    entry = week.refused(meaning=Meaning.UNKNOWN.name)
    assert [item.entry for item in week.plan(sheet_of(row()), retry_refused=True).to_send] == [entry]


def test_a_row_with_a_question_is_not_sent(week):
    Ledger.of(week.journal, "last").accepted()
    plan = week.plan(sheet_of(row(), row(LINK + "/2")))
    assert sent(plan) == [3]
    assert list(plan.matching.questions) == [2]


def test_a_row_with_a_wrong_id_is_not_sent(week):
    plan = week.plan(sheet_of(row(order_id="999")))
    assert sent(plan) == []
    assert [problem.row for problem in plan.problems] == [2]


def test_a_named_campaign_is_ordered_anew(week):
    Ledger.of(week.journal, "last").accepted()
    assert sent(week.plan(sheet_of(row()), campaign="week")) == [2]


def test_an_empty_name_names_no_campaign(week):
    """`--campaign "$NAME"` without NAME must not silence the question."""
    Ledger.of(week.journal, "last").accepted()
    assert list(week.plan(sheet_of(row()), campaign="").matching.questions) == [2]


def test_an_adopted_order_is_not_sent(week):
    entry = Ledger.of(week.journal, "last").accepted()
    plan = week.plan(sheet_of(row()), adopt=True)
    assert sent(plan) == []
    assert plan.with_state(State.PLACED) == {2: entry}


# Problems.


def test_a_row_with_a_problem_is_not_sent_and_the_others_would_be(week):
    plan = week.plan(sheet_of(row(quantity="5"), row()))
    assert sent(plan) == [3]
    assert [problem.row for problem in plan.problems] == [2]


def test_a_row_that_is_placed_is_not_checked_again(week):
    """A service may be gone, or its limits changed, since the order was placed."""
    week.accepted()
    assert week.plan(sheet_of(row()), service("3")).problems == ()


def test_equal_rows_are_problems(week):
    plan = week.plan(sheet_of(row(), row()))
    assert sent(plan) == [2]
    assert [problem.message for problem in plan.problems] == ["duplicate of row 2"]


def test_equal_rows_that_are_meant_are_sent(week):
    plan = week.plan(sheet_of(row(), row()), allow_duplicates=True)
    assert [item.planned.key for item in plan.to_send] == [key_of(request(), 1), key_of(request(), 2)]
    assert plan.problems == ()


def test_a_row_added_beside_its_placed_equal_is_a_problem(week):
    week.accepted("501")
    plan = week.plan(sheet_of(row(), row(order_id="501")))
    assert (sent(plan), [problem.row for problem in plan.problems]) == ([], [2])


def test_problems_come_in_the_order_of_the_rows_after_those_of_the_sheet(week):
    unreadable = Problem("row 4", "", "", "is hidden and holds an order", "Unhide it.", 4)
    whole = Problem("column D", "runs", "runs", "is hidden", "Unhide it.")
    rows = (row(quantity="5"), row(order_id="999"), row(LINK + "/3"))
    plan = week.plan(sheet_of(*rows, problems=[unreadable, whole]))
    assert [problem.row for problem in plan.problems] == [None, 2, 3, 4]
    assert sent(plan) == []


# Money.


def test_prices_are_exact(week):
    plan = week.plan(sheet_of(row(quantity="333"), row(LINK + "/2", "1")), service(rate="0.0007", least=1))
    assert [item.planned.cost for item in plan.to_send] == [Decimal("0.0002331"), Decimal("0.0000007")]
    assert plan.total == Decimal("0.0002338")


def test_a_drip_feed_order_costs_all_its_runs(week):
    plan = week.plan(sheet_of(row(runs="5", interval="60")), service(rate="2"))
    assert (plan.to_send[0].units, plan.total) == (500, 1)


def test_a_package_costs_its_rate(week):
    plan = week.plan(sheet_of({"service": "4", "link": LINK}), service("4", rate="3.75", kind="Package"))
    assert (plan.to_send[0].units, plan.total) == (1, Decimal("3.75"))


def test_costs_are_told_by_service_the_most_expensive_first(week):
    rows = (row(), row(LINK + "/2"), row(service="3"), row(service="4", quantity="50"))
    plan = week.plan(sheet_of(*rows), service("2", "1"), service("3", "9"), service("4", "4"))
    assert [(each.service.id, each.rows, each.units, each.cost) for each in plan.by_service] == [
        ("3", 1, 100, Decimal("0.9")),
        ("2", 2, 200, Decimal("0.2")),
        ("4", 1, 50, Decimal("0.2")),
    ]


def test_a_row_without_bound_is_sent_and_not_in_the_sum(week):
    plan = week.plan(sheet_of(row(), subscription()), service(rate="1"), SUBSCRIPTION)
    assert (sent(plan), plan.total, plan.unbounded) == ([2, 3], Decimal("0.1"), 1)
    assert [each.units for each in plan.by_service] == [100, 0]


def test_a_row_without_bound_is_a_problem_where_there_is_a_budget(week):
    plan = week.plan(sheet_of(row(), subscription()), service(), SUBSCRIPTION, max_spend=Decimal(50))
    assert (sent(plan), plan.unbounded) == ([2], 0)
    (problem,) = plan.problems
    assert (problem.row, problem.field, problem.message) == (3, "posts", "its cost has no upper bound")


def test_what_is_an_upper_bound_is_counted(week):
    rows = (row(), subscription(), subscription(posts="5"), subscription(posts="6"))
    assert week.plan(sheet_of(*rows), service(), SUBSCRIPTION).upper_bounds == 2


def test_a_bounded_subscription_costs_the_most_that_it_may(week):
    plan = week.plan(sheet_of(subscription(posts="5")), SUBSCRIPTION, max_spend=Decimal(50))
    assert (plan.total, plan.problems) == (2, ())


def short(week, balance, sheet=None, spent=(), **options):
    for nth in spent:
        week.accepted(str(nth), request(LINK + "/spent"), nth)
    return week.plan(sheet or sheet_of(row()), service(rate="10"), balance=balance, **options).short_by


def test_a_balance_that_is_just_enough_is_enough(week):
    assert short(week, "1") == 0


def test_a_balance_that_is_short_tells_by_how_much(week):
    assert short(week, "0.999") == Decimal("0.001")


def test_a_balance_need_not_pay_for_more_than_the_budget(week):
    assert short(week, "0.4", max_spend=Decimal("0.5")) == Decimal("0.1")


def test_what_the_campaign_spent_before_is_no_longer_needed(week):
    assert short(week, "0.4", max_spend=Decimal("0.5"), spent=[1]) == 0


def test_an_overdrawn_account_is_short_of_nothing_where_nothing_is_to_be_sent(week):
    week.accepted()
    assert short(week, "-5") == 0


def test_an_overdrawn_account_is_short_of_what_it_owes_too(week):
    assert short(week, "-5") == 6


def test_the_budget_of_the_campaign_counts_what_it_spent(week):
    week.in_doubt()
    assert week.plan(sheet_of(row(LINK + "/2"))).campaign.spent == Decimal("0.15")


def test_a_column_of_the_users_own_that_is_called_like_a_result_is_a_problem(week):
    sheet = sheet_of({**row(), "currency": "IDR", "remains": "", "error": "ask client"})
    plan = week.plan(sheet)
    assert [(problem.field, problem.remedy) for problem in plan.problems] == [
        ("currency", "rename the column"),
        ("error", "rename the column"),
    ]


def test_beside_order_ids_such_columns_are_results(week):
    sheet = sheet_of({**row(), "order_id": "", "currency": "USD"})
    assert week.plan(sheet).problems == ()


def test_a_budget_that_is_too_small_is_known_beforehand(week):
    sheet = sheet_of(row(), row(LINK + "/2"))
    assert week.plan(sheet, max_spend=Decimal("0.20")).over_budget == Decimal("0.10")
    assert week.plan(sheet, max_spend=Decimal("0.30")).over_budget == 0
    assert week.plan(sheet).over_budget == 0


# The budget that the journal keeps.


def test_the_journal_s_budget_is_the_plan_s(week):
    budgets.set_budget(week.journal, week.campaign, Decimal("0.20"))
    plan = week.plan(sheet_of(row(), row(LINK + "/2")))
    assert (plan.max_spend, plan.over_budget) == (Decimal("0.20"), Decimal("0.10"))


def test_what_a_person_just_said_counts_before_it(week):
    budgets.set_budget(week.journal, week.campaign, Decimal("0.20"))
    assert week.plan(sheet_of(row()), max_spend=Decimal(5)).max_spend == 5


def test_a_row_without_bound_is_a_problem_under_the_journal_s_budget_too(week):
    budgets.set_budget(week.journal, week.campaign, Decimal(50))
    plan = week.plan(sheet_of(row(), subscription()), service(), SUBSCRIPTION)
    assert sent(plan) == [2]
    assert [(problem.row, "smmplus budget" in problem.remedy) for problem in plan.problems] == [(3, True)]


def test_budget_and_balance_are_compared_to_the_last_of_many_digits(week):
    rate = "12345678901234567890.12345678901234567890"
    sheet, many = sheet_of(row(quantity="1000")), service(rate=rate)
    assert week.plan(sheet, many, max_spend=Decimal(0)).over_budget == Decimal(rate)
    assert week.plan(sheet, many, balance="1").short_by == Decimal("12345678901234567889.12345678901234567890")


# The first rows alone.


def test_the_first_rows_in_the_sheet_s_order_are_sent_and_the_others_wait(week):
    week.accepted()
    plan = week.plan(sheet_of(row(), *(row(f"{LINK}/{n}") for n in range(4))), first=3)
    assert (sent(plan), [item.row.number for item in plan.deferred]) == ([3, 4, 5], [6])
    assert (plan.total, plan.short_by) == (Decimal("0.45"), 0)


def test_rows_with_problems_do_not_count_among_the_first(week):
    assert sent(week.plan(sheet_of(row(quantity="5"), row()), first=1)) == [3]


@pytest.mark.parametrize("first", [None, 2, 99])
def test_where_there_are_no_more_rows_none_waits(week, first):
    plan = week.plan(sheet_of(row(), row(LINK + "/2")), first=first)
    assert (sent(plan), plan.deferred) == ([2, 3], ())
