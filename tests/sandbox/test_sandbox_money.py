from decimal import Decimal, Inexact

import pytest

from smmplus.sandbox import money


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0.90000", "0.9"), ("1E+3", "1000"), ("0", "0"), ("0.000", "0"), ("-1.50", "-1.5"), ("1E-7", "0.0000001")],
)
def test_amounts_are_written_plainly(amount, text):
    assert money.plain(Decimal(amount)) == text


def test_a_charge_keeps_every_digit():
    assert money.times(money.per_thousand(Decimal("1.2345")), 7) == Decimal("0.0086415")


def test_a_sum_of_more_digits_than_the_default_context_holds_is_exact():
    assert money.plus(Decimal("1E+30"), Decimal("1E-7")) == Decimal("1000000000000000000000000000000.0000001")


def test_a_result_that_would_be_rounded_raises():
    with pytest.raises(Inexact):
        money.plus(Decimal("1E+90"), Decimal("1E-7"))


@pytest.mark.parametrize("text", ["1e3", "NaN", "Infinity", "", ".5", "1_000", " 1", "1,5", "٣", "1" * 41])
def test_only_plain_amounts_are_read(text):
    with pytest.raises(ValueError, match="written like"):
        money.parse(text)


@pytest.mark.parametrize("text", ["12.50", "0", "-3"])
def test_plain_amounts_are_read(text):
    assert money.parse(text) == Decimal(text)
