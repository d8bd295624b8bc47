"""What is judged by columns is judged as one by one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smmplus.models import OrderRequest
from smmplus.order_types import FIELDS, order_type
from smmplus.validation import problems
from smmplus.validation_columns import doubtful
from tests.smmplus.orders import RIGHT, service_of

OFFERED = {str(number): service_of(kind, number=str(number), least=2, most=50) for number, kind in enumerate(RIGHT)}
OFFERED["99"] = service_of("Carrier Pigeons", number="99")
TEXTS = {
    "quantity": ["", "1", "2", "3", "20", "50", "51", "07", "1e3", "x", "9" * 15, "1" * 16],
    "runs": ["", "1", "2", "3", "60", "0", "x"],
    "interval": ["", "5", "x"],
    "link": ["", "https://example.com/a", "https://example.com/b", "@someone", "example.com", "https://x"],
    "media": ["", "https://example.com/a", "x"],
    "referring_url": ["", "https://example.com/a", "x"],
    "comments": ["", "a", "a\nb", "c\nd", "\n".join("a" * 51)],
    "usernames": ["", "a", "a\nb", "\n".join("a" * 51), "a b", "a\nb,c"],
    "hashtags": ["", "#a", "#a\n#b", "#a;#b"],
    "username": ["", "someone", "other", "a\nb", "a b"],
    "min": ["", "1", "2", "10", "60"],
    "max": ["", "1", "5", "50", "60"],
    "device": ["", "1", "6"],
    "type_of_traffic": ["", "1", "2", "3", "4"],
    "google_keyword": ["", "shoes"],
    "delay": ["", "30", "31"],
    "posts": ["", "0", "5"],
    "expiry": ["", "31/12/2026", "2026-12-31", "31/02/2026"],
}


def columns_of(requests):
    return {name: [request.values.get(name, "") for request in requests] for name in FIELDS}


def found_by_columns(requests):
    return doubtful([request.service for request in requests], columns_of(requests), OFFERED)


def found_one_by_one(requests):
    return [at for at, request in enumerate(requests) if problems(request, OFFERED.get(request.service))]


@st.composite
def orders(draw):
    """Give an order that is right but for a few fields, or none."""
    number = draw(st.sampled_from([*OFFERED, "404", ""]))
    kind = order_type(OFFERED[number].type) if number in OFFERED else None
    fields = dict(RIGHT[kind.name][0]) if kind else {}
    names = kind.fields if kind else ("link", "quantity")
    for name in draw(st.lists(st.sampled_from([*names, *FIELDS[:4]]), max_size=3)):
        fields[name] = draw(st.sampled_from(TEXTS.get(name, ["", "x", "y\nz"])))
    return OrderRequest.of(number, fields)


@settings(deadline=None)
@given(st.lists(orders(), max_size=12))
def test_columns_find_the_requests_that_are_found_one_by_one(requests):
    assert found_by_columns(requests) == found_one_by_one(requests)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["0", "404"]), st.sampled_from(TEXTS["quantity"]), st.sampled_from(TEXTS["runs"]))
    )
)
def test_quantities_between_right_ones_are_right(rows):
    requests = [
        OrderRequest.of(
            number, {"link": "https://example.com/a", "quantity": text, "runs": runs, "interval": runs and "5"}
        )
        for number, text, runs in rows
    ]
    assert found_by_columns(requests) == found_one_by_one(requests)


@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_order_of_each_type_is_in_no_doubt(kind):
    number = str(list(RIGHT).index(kind))
    request = OrderRequest.of(number, RIGHT[kind][0] | ({"posts": "1"} if kind == "Subscriptions" else {}))
    offered = {number: service_of(kind, number=number)}
    assert doubtful([number] * 3, columns_of([request] * 3), offered) == []


def test_what_is_wrong_far_down_is_found():
    columns = {"link": ["https://example.com/a"] * 70_000, "quantity": ["20"] * 69_999 + ["51"]}
    assert doubtful(["0"] * 70_000, columns, OFFERED) == [69_999]


def test_two_links_in_one_are_no_link():
    columns = {
        "link": ["https://example.com/a", "https://example.com/a\nhttps://example.com/b"],
        "quantity": ["20", "20"],
    }
    assert doubtful(["0", "0"], columns, OFFERED) == [1]
