"""What a person is asked to think of twice: warned of, and never stopped by."""

import pytest

from smmplus.commands import local_time
from smmplus.journal import lookup, queries
from smmplus.journal.state_machine import Event
from smmplus.orders.models import OrderStatus
from tests.bulk.plans import LINK, Ledger, request, row, service, sheet_of

TRACKED = "http://www.example.com/post/?utm_source=x&igsh=y"


def warned(plan):
    return [(warning.row, warning.field, warning.value, warning.message) for warning in plan.warnings]


def messages(plan):
    return [warning.message for warning in plan.warnings]


@pytest.fixture
def placed(week):
    """Let order 501 of 100 be placed in the campaign, by a run that is over."""
    entry = week.accepted("501")
    week.finish()
    return entry


def plan_of(week, *rows, **options):
    return week.plan(sheet_of(*rows), *(service(), service("3")), unfinished=False, **options)


def when(entry):
    return local_time(entry.sent_at)


# Ordered before in another way.


def test_another_quantity_is_told_with_the_order_and_its_time(week, placed):
    plan = plan_of(week, row(quantity="250"))
    message = f"the same service and link were ordered before with quantity 100: order 501 of {when(placed)}"
    assert warned(plan) == [(2, "quantity", "250", message)]
    assert plan.warnings[0].where == "line 2, quantity"


def test_a_warning_stops_nothing(week, placed):
    plan = plan_of(week, row(quantity="250"))
    assert [item.row.number for item in plan.to_send] == [2]
    assert plan.problems == ()
    assert not plan.blocker


def test_the_status_of_the_earlier_order_is_told(week, placed):
    week.journal.record_statuses({placed.id: OrderStatus("Canceled", None, None, None, "USD")})
    assert messages(plan_of(week, row(quantity="250")))[0].endswith("UTC, Canceled")


def test_an_order_in_doubt_may_have_been_placed(week):
    week.in_doubt()
    week.finish()
    (message,) = messages(plan_of(week, row(quantity="250")))
    assert "with quantity 100: an order in doubt of " in message


@pytest.mark.parametrize("made", ["planned", "refused"])
def test_what_was_never_placed_is_no_second_thought(week, made):
    getattr(week, made)()
    week.finish()
    assert plan_of(week, row(quantity="250")).warnings == ()


def test_of_several_earlier_orders_the_last_is_told_and_the_others_counted(week, placed):
    week.accepted("502", request(quantity="300"))
    (message,) = messages(plan_of(week, row(quantity="250")))
    assert "quantity 300: order 502" in message
    assert message.endswith(", and 1 more")


@pytest.mark.parametrize("cells", [row(LINK + "/2", "250"), row(quantity="250", service="3")])
def test_another_link_or_service_is_another_matter(week, placed, cells):
    assert plan_of(week, cells).warnings == ()


def test_another_campaign_is_another_matter(week, placed):
    other = Ledger.of(week.journal, "next")
    assert other.plan(sheet_of(row(quantity="250")), campaign="next").warnings == ()


def test_an_equal_order_is_asked_about_and_not_warned_of(week, placed):
    plan = plan_of(week, row())
    assert list(plan.matching.questions) == [2]
    assert plan.warnings == ()


def test_a_second_equal_order_that_is_meant_is_not_warned_of(week, placed):
    plan = plan_of(week, row(order_id="501"), row(), allow_duplicates=True)
    assert [item.row.number for item in plan.to_send] == [3]
    assert plan.warnings == ()


def test_the_row_of_the_earlier_order_is_named(week, placed):
    (message,) = messages(plan_of(week, row(order_id="501"), row(quantity="250", order_id="")))
    assert message.endswith("UTC, which is row 2")


def test_rows_that_are_placed_are_not_warned_of(week, placed):
    week.accepted("502", request(quantity="250"))
    assert plan_of(week, row(order_id="501"), row(quantity="250", order_id="502")).warnings == ()


def test_an_order_of_another_campaign_whose_row_is_in_the_sheet_counts(week):
    Ledger.of(week.journal, "last").accepted("501")
    (message,) = messages(plan_of(week, row(order_id="501"), row(quantity="250", order_id="")))
    assert message.endswith("UTC, which is row 2")


def test_every_field_that_differs_is_told(week):
    week.accepted("501", request(runs="2", interval="30"))
    week.finish()
    (warning,) = plan_of(week, row(quantity="250")).warnings
    assert "before with quantity 100 and runs 2 and interval 30: order 501" in warning.message
    (warning,) = plan_of(week, row(runs="5", interval="30")).warnings
    assert (warning.field, warning.value) == ("runs", "5")
    (warning,) = plan_of(week, row()).warnings
    assert "with runs 2 and interval 30:" in warning.message


def test_a_field_that_was_empty_then_is_told(week, placed):
    (warning,) = plan_of(week, row(runs="5", interval="30")).warnings
    assert "before with no runs and no interval: order 501" in warning.message


def test_lists_are_not_repeated(week):
    comments = service(kind="Custom Comments", least=1)
    week.accepted("501", request(quantity="", comments="one\ntwo"))
    (warning,) = week.plan(sheet_of(row(quantity="", comments="three")), comments).warnings
    assert "before with other comments: order 501" in warning.message


def test_subscriptions_are_known_by_their_user(week):
    kind = service("7", kind="Subscriptions")
    cells = {"service": "7", "username": "anna", "min": "100", "max": "200", "delay": "0"}
    week.accepted("501", request(link="", quantity="", **cells))
    (warning,) = week.plan(sheet_of(cells | {"max": "300"}), kind).warnings
    assert "the same service and username were ordered before with max 200: order 501" in warning.message


# Links that differ only in form.


def test_an_earlier_link_that_differs_only_in_form_is_told(week, placed):
    (warning,) = plan_of(week, row(TRACKED)).warnings
    assert warning.message == (
        f"the same service and link were ordered before as {LINK}, which differs only in form: "
        f"order 501 of {when(placed)}"
    )
    assert (warning.where, warning.field, warning.value) == ("line 2, link", "link", TRACKED)


def test_form_and_quantity_may_both_differ(week, placed):
    (warning,) = plan_of(week, row(TRACKED, "250")).warnings
    assert f"as {LINK}, which differs only in form, with quantity 100: order 501" in warning.message


def test_two_rows_whose_links_differ_only_in_form_are_told(week):
    plan = plan_of(week, row(), row(LINK + "/2"), row(TRACKED, "250"))
    message = f"differs only in form from line 2, link, for the same service: {LINK}"
    assert warned(plan) == [(4, "link", TRACKED, message)]


def test_each_other_form_is_told_once_and_against_the_first(week):
    plan = plan_of(week, row(), row(LINK + "/"), row(TRACKED, "250"), row(quantity="300"))
    assert [(warning.row, warning.field) for warning in plan.warnings] == [(3, "link"), (4, "link")]


def test_two_services_for_one_link_are_usual(week):
    assert plan_of(week, row(), row(TRACKED, service="3")).warnings == ()


def test_two_quantities_of_one_link_in_one_sheet_are_plain_to_see(week):
    assert plan_of(week, row(), row(quantity="250")).warnings == ()


def test_a_row_that_cannot_be_sent_yet_is_warned_of_all_the_same(week, placed):
    plan = plan_of(week, row(quantity="1"))
    assert [problem.row for problem in plan.problems] == [2]
    assert [warning.row for warning in plan.warnings] == [2]


def test_a_row_without_a_link_is_left_to_the_check(week, placed):
    assert plan_of(week, row(link="")).warnings == ()


# The look-up.


def test_the_journal_is_asked_through_an_index(week, placed):
    seen = []
    with week.journal.reading() as connection:
        original = connection.execute

        def execute(statement, *arguments, **options):
            seen.append(str(statement.compile(connection.engine, compile_kwargs={"literal_binds": True})))
            return original(statement, *arguments, **options)

        connection.execute = execute
        assert list(queries.spent_contents(connection, week.campaign)) == [(placed.id, placed.content)]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {seen[0]}").all()
    assert all("USING INDEX" in str(step) for step in plan)


def test_nothing_is_looked_up_where_nothing_is_sent(week, placed, monkeypatch):
    monkeypatch.setattr("bulk.planning.warnings.find_spent", None)
    assert plan_of(week, row(order_id="501")).warnings == ()


def test_found_orders_come_in_the_order_in_which_they_were_planned(week):
    made = [week.accepted(str(500 + number), request(quantity=str(100 + number))).id for number in range(3)]
    week.settled(Event.REFUSAL, request(quantity="900"))
    found = lookup.find_spent(week.journal, week.campaign, lambda order: order.service == "2")
    assert [entry.id for entry in found] == made


@pytest.mark.parametrize(
    ("comments", "many"), [("a | b", True), (r"a\nb", True), ("c\na|b", True), ("a\nb", False), ("a/n b", False)]
)
def test_comments_that_look_like_several_in_one_line_are_told(week, comments, many):
    sheet = sheet_of({"service": "2", "link": LINK, "comments": comments})
    plan = week.plan(sheet, service(kind="Custom Comments", least=1), unfinished=False)
    assert (len(plan.to_send), [warning.field for warning in plan.warnings]) == (1, ["comments"] if many else [])


@pytest.mark.parametrize(
    ("kind", "field", "others"),
    [
        ("Custom Comments Package", "comments", {}),
        ("Mentions Custom List", "usernames", {}),
        ("Mentions with Hashtags", "usernames", {"quantity": "50", "hashtags": "#a"}),
        ("Mentions with Hashtags", "hashtags", {"quantity": "50", "usernames": "a"}),
        ("SEO", "keywords", {"quantity": "50"}),
        ("Invites from Groups", "groups", {"quantity": "50"}),
    ],
)
def test_every_list_is_looked_at(week, kind, field, others):
    sheet = sheet_of({"service": "2", "link": LINK, field: "one|two\nthree", **others})
    (warning,) = week.plan(sheet, service(kind=kind, least=1), unfinished=False).warnings
    assert (warning.field, warning.value) == (field, "one|two")
    assert warning.message == f"a line has |, but each line is one of the {field}: 2 in all"


def test_a_bar_in_what_is_no_list_means_nothing(week):
    sheet = sheet_of({"service": "2", "link": LINK, "quantity": "50", "hashtag": "a|b"})
    assert not week.plan(sheet, service(kind="Mentions Hashtag"), unfinished=False).warnings
