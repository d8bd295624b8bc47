from decimal import Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smmplus.numbers import EXACT, amount, count, minus, plain, total


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("0.27819", "0.27819"),
        ("100.84292", "100.84292"),
        (" 5 ", "5"),
        ("-1.50", "-1.50"),
        ("+3", "3"),
        (3572, "3572"),
        (Decimal("0.1"), "0.1"),
        ("1,234.50000", "1234.50000"),
        ("12,345,678", "12345678"),
        ("-1,234", "-1234"),
        ("1.0E-5", "0.000010"),
        ("0", "0"),
    ],
)
def test_amounts_are_read_exactly(value, read):
    assert amount(value) == Decimal(read)


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, "", " ", "free", "0,09", "1,23", "1,2345", "1234,567", ",123", "1,", "1,234,5", "1.234.567",
        "1.234,50", ".5", "5.", "1 234", "1_000", "0x10", "NaN", "Infinity", "-", "$5", "٣", [], {}, [5], {"a": 1},
        Decimal("NaN"), Decimal("Infinity"),
    ],
)  # fmt: skip
def test_what_is_not_clearly_an_amount_is_none(value):
    assert amount(value) is None


@given(st.integers(min_value=0, max_value=10**15), st.integers(min_value=0, max_value=99999))
def test_a_separator_of_thousands_changes_nothing(whole, fraction):
    text = f"{whole:,}.{fraction:05}"
    assert amount(text) == Decimal(text.replace(",", ""))


@given(st.from_regex(r"[0-9]{1,6}(,[0-9]{1,6}){1,3}(\.[0-9]{1,5})?", fullmatch=True))
def test_a_comma_is_never_a_decimal_point(text):
    read = amount(text)
    assert read is None or read == Decimal(text.replace(",", ""))


@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_none(text):
    read = amount(text)
    assert read is None or read.is_finite()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**9), max_value=10**9))
def test_plain_writes_what_amount_reads(number):
    assert amount(plain(number)) == number


def test_a_float_is_read_by_its_shortest_text():
    assert amount(0.1) == Decimal("0.1")


@pytest.mark.parametrize(
    "value", ["1e999", "9" * 5000, "0." + "1" * 5000, Decimal("1E+999999999"), Decimal("1E-999999999")]
)
def test_a_number_beyond_all_money_is_none(value):
    """Such a one takes minutes to compute with, or cannot be written down."""
    assert amount(value) is None


@pytest.mark.parametrize("value", [Decimal("1.0E+5000"), Decimal("1E+999999999"), 10**100])
def test_a_count_beyond_all_orders_is_none(value):
    assert count(value) is None


@pytest.mark.parametrize(
    ("value", "read"),
    [(3572, 3572), ("3572", 3572), ("1,000", 1000), ("-12", -12), ("5.0", 5), (Decimal("7.00"), 7), ("1e3", 1000)],
)
def test_whole_numbers_are_read(value, read):
    assert count(value) == read


@pytest.mark.parametrize("value", [None, "", "many", "1.5", True, False, [], "1,00"])
def test_what_is_no_whole_number_is_none(value):
    assert count(value) is None


@pytest.mark.parametrize(
    ("number", "text"),
    [("12.50", "12.5"), ("0.00027", "0.00027"), ("1E+3", "1000"), ("1000", "1000"), ("0.000", "0"), ("-1.10", "-1.1")],
)
def test_plain_writes_no_exponent_and_no_trailing_zeros(number, text):
    assert plain(Decimal(number)) == text


@given(st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=9)))
def test_a_total_is_exact(amounts):
    with localcontext(prec=100):
        assert total(amounts) == sum(amounts, Decimal(0))


def test_the_total_of_nothing_is_zero():
    assert total([]) == 0


LONG = Decimal("12345678901234567890.12345678901234567891")
"""More digits than Python's own context keeps: it rounds sums, differences and even a minus sign."""


def test_sums_and_differences_of_many_digits_are_exact():
    assert str(total([LONG, Decimal("0.00000000000000000009")])) == "12345678901234567890.12345678901234567900"
    assert str(minus(Decimal(0), LONG)) == f"-{LONG}"


def test_what_would_have_to_be_rounded_is_an_error():
    with pytest.raises(Inexact):
        EXACT.add(Decimal("1E+100"), Decimal("1E-100"))
