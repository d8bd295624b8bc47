"""What cannot be ordered is listed with the reason, and nothing of a price is guessed."""

from decimal import Decimal

import pytest

from smmplus.api import protocol
from smmplus.api.price_list import read_services
from smmplus.orders.decimals import Notation
from smmplus.orders.models import OrderRequest
from smmplus.orders.validation import problems
from tests.smmplus.api.test_protocol import LISTED, SERVICE, listed, read


def services(*rows, seen=()):
    notation = Notation()
    notation.learn(seen)
    return read_services(list(rows), notation)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rate": "free"}, "rate 'free' cannot be read"),
        ({"rate": None}, "rate is missing"),
        ({"rate": "-1"}, "rate '-1' cannot be read"),
        ({"rate": "1,234"}, "rate '1,234' cannot be read"),
        ({"min": "few"}, "min 'few' cannot be read"),
        ({"min": None}, "min is missing"),
        ({"max": "10.000"}, "max '10.000' cannot be read"),
        ({"max": -1}, "max '-1' cannot be read"),
        ({"rate": "1,234", "min": "x"}, "rate '1,234' cannot be read, min 'x' cannot be read"),
        ({"rate": "x" * 100}, f"rate '{'x' * 40}' cannot be read"),
    ],
)
def test_a_service_with_an_unreadable_field_is_listed_with_the_reason_and_its_rows_say_it(changes, reason):
    row = {**LISTED, "rate": "1", **changes}
    (service,) = services(row)
    assert (service.id, service.unusable) == ("1", reason)
    (problem,) = problems(OrderRequest.of(1, {"link": "https://x.example/a", "quantity": 100}), service)
    assert (problem.field, problem.message) == ("service", f"service 1 cannot be ordered: {reason}")


@pytest.mark.parametrize("field", ["rate", "min", "max"])
def test_an_absent_field_is_a_reason(field):
    (service,) = services({name: value for name, value in LISTED.items() if name != field})
    assert service.unusable == f"{field} is missing"


@pytest.mark.parametrize("most", [None, "", " ", "unlimited", "Unlimited", "UNLIMITED", "\u221e"])
def test_no_maximum_is_no_limit(most):
    (service,) = services(listed(max=most))
    assert (service.max, service.unusable) == (None, "")
    assert problems(OrderRequest.of(1, {"link": "https://x.example/a", "quantity": 10**14}), service) == ()


@pytest.mark.parametrize("kind", ["Package", "Custom Comments Package", "custom_comments_package"])
@pytest.mark.parametrize(
    "limits", [{}, {"min": None, "max": None}, {"min": "", "max": ""}, {"min": "x", "max": "1.000"}]
)
def test_a_package_needs_no_limits(kind, limits):
    row = {name: value for name, value in LISTED.items() if name not in {"min", "max"}}
    (service,) = services({**row, "type": kind, **limits})
    assert service.unusable == ""


def test_the_same_line_twice_is_one_service():
    assert services(LISTED, LISTED, listed(name="In another category", category="Best")) == [SERVICE]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"rate": "1.20"}, "the price list has it twice, at 0.9 and at 1.2"),
        ({"rate": "?"}, "the price list has it twice, once with this error: rate '?' cannot be read"),
        ({"min": "60"}, "the price list has it twice, with different types or limits"),
        ({"type": "Package"}, "the price list has it twice, with different types or limits"),
    ],
)
def test_a_doubled_id_with_another_price_or_limit_cannot_be_ordered(other, reason):
    (service,) = services(LISTED, listed(**other))
    assert service.unusable == reason
    (service,) = services(LISTED, listed(**other), LISTED)
    assert service.unusable == reason


@pytest.mark.parametrize(
    ("others", "rate", "most"),
    [(["0.90"], "1.2", 10), (["0,90"], "1200", 10000), (["0,90", "0.90"], None, None), (["1", "50"], None, None)],
)
def test_what_has_two_readings_is_settled_by_the_rest_of_the_list(others, rate, most):
    rows = [listed(service=number, rate=text, max="50") for number, text in enumerate(others, start=2)]
    service = services(listed(rate="1.200", min="1", max="10.000"), *rows)[0]
    assert (service.rate, service.max) == (None if rate is None else Decimal(rate), most)
    assert (service.unusable == "") == (rate is not None)


def test_what_has_two_readings_is_settled_by_the_balance():
    assert services(listed(rate="1.200"), seen=["100.84292"])[0].rate == Decimal("1.2")


@pytest.mark.parametrize("number", ["svc-1", "IG Followers", "12", 12, "x" * 64])
def test_a_service_s_id_may_be_any_short_text(number):
    assert services(listed(service=number))[0].id == str(number)


@pytest.mark.parametrize("wrap", [{"data": [LISTED]}, {"data": {"services": [LISTED]}}, {"result": [LISTED]}])
def test_the_price_list_may_come_in_an_envelope(wrap):
    assert read(protocol.services(), wrap) == [SERVICE]
