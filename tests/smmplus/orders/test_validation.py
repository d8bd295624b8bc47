import pytest
from hypothesis import given
from hypothesis import strategies as st

from smmplus.orders.models import OrderRequest
from smmplus.orders.order_types import cost, order_type, units
from smmplus.orders.validation import problems
from tests.smmplus.orders import RIGHT, service_of

WHOLE = ["0", "-1", "1.5", "1e3", "1,000", "1000abc", "+5", "05", "٣", "1 000", "1" * 16]
COUNT = ["-1", "1.5", "1e3", "01", "x", "1" * 16]
LINK = [
    "example.com/a",
    "ftp://example.com/a",
    "https://",
    "https://example",
    "https://a b.com",
    "http:/x.com",
    "@",
    "@a b",
    "x",
]
WRONG = {
    "quantity": WHOLE,
    "runs": WHOLE,
    "interval": WHOLE,
    "min": WHOLE,
    "max": WHOLE,
    "answer_number": WHOLE,
    "posts": COUNT,
    "old_posts": COUNT,
    "link": LINK,
    "media": LINK,
    "referring_url": LINK,
    "username": ["a\nb", "a b", "a,b"],
    "hashtag": ["#a\n#b", "#a #b"],
    "usernames": ["a b", "a, b", "a;b", "a\nb c\nd"],
    "hashtags": ["#a #b", "#a\n#b,#c"],
    "country": ["US\nDE"],
    "google_keyword": ["a\nb"],
    "device": ["0", "6", "1.0", "mobile", "11"],
    "type_of_traffic": ["0", "4", "organic"],
    "delay": ["1", "20", "45", "601", "630", "-5", "00", "soon"],
    "expiry": [
        "2026-12-31",
        "31.12.2026",
        "32/12/2026",
        "31/13/2026",
        "0/1/2026",
        "31/12/26",
        "31/12/20266",
        "30/02/2027",
    ],
}
FITTING = {
    "quantity": ["1", "100000"],
    "link": ["https://example.com/a?b=c#d", "HTTP://EXAMPLE.COM", "@someone", "https://пример.рф/x"],
    "delay": ["0", "5", "10", "15", *(str(minutes) for minutes in range(30, 601, 30))],
    "device": ["1", "2", "3", "4", "5"],
    "type_of_traffic": ["3"],
    "usernames": ["a", "@a\nb_2\nc.d", " a \n\n b "],
    "hashtags": ["#a\nb"],
    "posts": ["0", "1", "100"],
    "old_posts": ["0", "7"],
    "expiry": ["31/12/2026", "1/1/2027", "01/09/2026"],
}


def fields_with_problems(kind, offered=None, **changes):
    request = OrderRequest.of("1", {**RIGHT[kind][0], **changes})
    return [problem.field for problem in problems(request, offered or service_of(kind))]


def type_with(field):
    return next(kind for kind in RIGHT if field in order_type(kind).fields)


def also_needed(field):
    """Give what a field needs beside it, so that nothing but its shape can be wrong."""
    return {"runs": {"interval": 5}, "interval": {"runs": 1}}.get(field, {})


@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_order_of_a_type_has_no_problem(kind):
    assert fields_with_problems(kind) == []


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in RIGHT for field in order_type(kind).required])
def test_a_missing_required_field_is_the_one_problem(kind, field):
    assert fields_with_problems(kind, **{field: None}) == [field]


@pytest.mark.parametrize("kind", RIGHT)
def test_a_field_that_the_type_does_not_take_is_a_problem(kind):
    taken = order_type(kind).fields
    foreign = {name: "1" for name in ("key", "action", "service", "colour") if name not in taken}
    assert fields_with_problems(kind, **foreign) == sorted(foreign)


@pytest.mark.parametrize("kind", [kind for kind in RIGHT if "runs" not in order_type(kind).fields])
def test_drip_feed_is_for_types_that_take_it(kind):
    assert fields_with_problems(kind, runs=2, interval=5) == ["interval", "runs"]


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_a_wrong_shape_is_a_problem_of_its_field(field, value):
    assert field in fields_with_problems(type_with(field), **also_needed(field), **{field: value})


def test_of_a_list_the_item_that_is_wrong_is_told():
    request = OrderRequest.of("1", {**RIGHT["Mentions"][0], "usernames": "anna\nben, carl\ndora"})
    (problem,) = problems(request, service_of("Mentions"))
    assert (problem.field, problem.message) == ("usernames", "'ben, carl' is not one name")


def test_the_lines_of_a_list_are_told_where_they_are_too_many():
    request = OrderRequest.of("1", {**RIGHT["Custom Comments"][0], "comments": "a\nb\nc"})
    (problem,) = problems(request, service_of("Custom Comments", most=2))
    words = ("3 lines of comments is more than the service's maximum", "at most 2 lines of comments")
    assert (problem.message, problem.remedy) == words


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in FITTING.items() for value in values])
def test_a_fitting_shape_is_none(field, value):
    assert fields_with_problems(type_with(field), **{field: value}) == []


@pytest.mark.parametrize("kind", ["Default", "Web Traffic"])
@pytest.mark.parametrize(("given", "missing"), [("runs", "interval"), ("interval", "runs")])
def test_drip_feed_needs_both_of_its_fields(kind, given, missing):
    assert fields_with_problems(kind, **{given: 2}) == [missing]


@pytest.mark.parametrize(("traffic", "needed"), [("1", "google_keyword"), ("2", "referring_url")])
def test_a_type_of_traffic_needs_its_field(traffic, needed):
    assert fields_with_problems("Web Traffic", type_of_traffic=traffic) == [needed]


@pytest.mark.parametrize(
    ("traffic", "field", "value"), [("1", "google_keyword", "shoes"), ("2", "referring_url", "https://example.com/r")]
)
def test_a_type_of_traffic_with_its_field_is_right(traffic, field, value):
    assert fields_with_problems("Web Traffic", type_of_traffic=traffic, **{field: value}) == []


@pytest.mark.parametrize(
    ("quantity", "fields"), [("49", ["quantity"]), ("50", []), ("1000", []), ("1001", ["quantity"])]
)
def test_the_quantity_stays_within_the_service_s_limits(quantity, fields):
    assert fields_with_problems("Default", service_of("Default", least=50, most=1000), quantity=quantity) == fields


@pytest.mark.parametrize(
    ("quantity", "runs", "fields"),
    [("500", "2", []), ("500", "3", ["quantity"]), ("49", "20", ["quantity"]), ("50", "20", [])],
)
def test_each_run_is_bound_by_the_minimum_and_all_runs_by_the_maximum(quantity, runs, fields):
    service = service_of("Default", least=50, most=1000)
    assert fields_with_problems("Default", service, quantity=quantity, runs=runs, interval="5") == fields


@pytest.mark.parametrize(
    ("kind", "field"),
    [("Custom Comments", "comments"), ("Comment Replies", "comments"), ("Mentions Custom List", "usernames")],
)
@pytest.mark.parametrize(("lines", "right"), [(1, False), (2, True), (3, True), (4, False)])
def test_the_lines_of_a_list_stay_within_the_service_s_limits(kind, field, lines, right):
    service = service_of(kind, least=2, most=3)
    text = "\n".join(f"line{number}" for number in range(lines))
    assert fields_with_problems(kind, service, **{field: text}) == ([] if right else [field])


@pytest.mark.parametrize("kind", ["Package", "Custom Comments Package"])
def test_a_package_knows_no_limits(kind):
    assert fields_with_problems(kind, service_of(kind, least=100, most=100)) == []


@pytest.mark.parametrize(
    ("least", "most", "fields"),
    [("10", "1000", []), ("9", "20", ["min"]), ("10", "1001", ["max"]), ("30", "20", ["min"]), ("20", "20", [])],
)
def test_a_subscription_s_range_stays_within_the_service_s_limits(least, most, fields):
    service = service_of("Subscriptions", least=10, most=1000)
    assert fields_with_problems("Subscriptions", service, min=least, max=most) == fields


def test_all_problems_of_an_order_are_found_at_once():
    assert sorted(fields_with_problems("Default", link="x", quantity="many", runs=2)) == [
        "interval",
        "link",
        "quantity",
    ]


def test_a_service_that_the_panel_does_not_offer_is_the_problem():
    (problem,) = problems(OrderRequest.of(99, {}), None)
    assert (problem.field, "99" in problem.message) == ("service", True)


def test_a_missing_service_is_the_problem():
    (problem,) = problems(OrderRequest.of("", {}), None)
    assert (problem.field, problem.message) == ("service", "the service is missing")


def test_an_unknown_type_is_reported_and_does_not_raise():
    (problem,) = problems(OrderRequest.of(1, {"x": "y"}), service_of("Live Stream"))
    assert (problem.field, "'Live Stream'" in problem.message) == ("service", True)


@pytest.mark.parametrize("kind", RIGHT)
def test_every_problem_says_how_to_mend_it(kind):
    found = problems(OrderRequest.of("1", {"colour": "red"}), service_of(kind))
    assert all(problem.message and problem.remedy for problem in found)


NAMES = st.sampled_from(sorted({field for kind in RIGHT for field in order_type(kind).fields}))


@given(st.sampled_from(sorted(RIGHT)), st.dictionaries(NAMES, st.text(max_size=12) | st.integers(0, 10**6).map(str)))
def test_what_has_no_problem_can_be_counted_and_priced(kind, changes):
    request, service = OrderRequest.of("1", {**RIGHT[kind][0], **changes}), service_of(kind)
    if not problems(request, service):
        price = cost(request, service)
        assert price is None or price >= 0
        assert units(request, service) != 0
