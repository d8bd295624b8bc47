from decimal import Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smmplus.orders.decimals import EXACT, Notation, minus, money, plain, total, written


def amount(value, *seen):
    """Read an amount of a panel that wrote these numbers before."""
    notation = Notation()
    notation.learn(seen)
    return notation.amount(value)


def count(value, *seen):
    notation = Notation()
    notation.learn(seen)
    return notation.count(value)


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
        (Decimal("1.000"), "1"),
        ("1,234.50000", "1234.50000"),
        ("1.234,50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234.50", "1234.50"),
        ("1'234.50", "1234.50"),
        ("1 234 567", "1234567"),
        ("12,345,678", "12345678"),
        ("12.345.678", "12345678"),
        ("0,035", "0.035"),
        ("0,900", "0.9"),
        ("0.900", "0.9"),
        ("12,5", "12.5"),
        ("1,2345", "1.2345"),
        ("1234,567", "1234.567"),
        ("1234.567", "1234.567"),
        ("$0.35", "0.35"),
        ("0,90 \u20ac", "0.90"),
        ("-$5", "-5"),
        ("Rp 15000", "15000"),
        ("100 USD", "100"),
        ("1.0E-5", "0.000010"),
        ("0", "0"),
    ],
)
def test_an_amount_that_can_be_read_in_one_way_is_read_exactly(value, read):
    assert {amount(value), amount(value, "0,5"), amount(value, "0.5"), amount(value, "0,5", "0.5")} == {Decimal(read)}


@pytest.mark.parametrize(
    ("value", "point", "comma"),
    [
        ("1,234", "1234", "1.234"),
        ("-1,234", "-1234", "-1.234"),
        ("1.000", "1", "1000"),
        ("10.000", "10", "10000"),
        ("$1.200", "1.2", "1200"),
        ("999,999", "999999", "999.999"),
    ],
)
def test_an_amount_that_can_be_read_in_two_ways_is_settled_by_the_panel_s_other_numbers(value, point, comma):
    assert amount(value) is None
    assert amount(value, "100.84292", "50", 5, None) == Decimal(point)
    assert amount(value, "0,90", "1.234.567") == Decimal(comma)
    assert amount(value, "0,90", "0.90") is None


def test_what_was_read_as_a_json_number_teaches_nothing():
    assert amount("1.000", Decimal("0.5"), 1000, "1.000", "50", "free") is None


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, "", " ", "free", ",123", "1,", "1,234,5", ".5", "5.", "1_000", "0x10", "NaN", "Infinity",
        "-", "$", "5k", "10K", "1.5M", "20%", "1.2.3", "1,23,456.00", "1,234 567", "5 5", "00,1,000", "٣", [], {}, [5],
        {"a": 1}, Decimal("NaN"), Decimal("Infinity"),
    ],
)  # fmt: skip
def test_what_is_not_clearly_an_amount_is_none(value):
    assert amount(value) is amount(value, "0,5") is amount(value, "0.5") is None


@given(st.integers(min_value=0, max_value=10**15), st.integers(min_value=0, max_value=99999))
def test_separators_of_thousands_change_nothing(whole, fraction):
    text = f"{whole:,}.{fraction:05}"
    assert amount(text) == amount(text.translate(str.maketrans(",.", ".,"))) == Decimal(text.replace(",", ""))


@given(st.from_regex(r"[1-9][0-9]{0,5}([,.][0-9]{1,6}){0,3}", fullmatch=True))
def test_no_digit_is_lost_and_a_certain_reading_stays_whatever_the_panel_wrote_before(text):
    readings = {found for found in (amount(text), amount(text, "0.5"), amount(text, "0,5")) if found is not None}
    assert {format(found, "f").replace(".", "") for found in readings} <= {text.replace(",", "").replace(".", "")}
    assert amount(text) is None or len(readings) == 1


@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_none(text):
    read = amount(text)
    assert read is None or read.is_finite()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**9), max_value=10**9))
def test_plain_writes_what_written_reads(number):
    assert written(plain(number)) == number


@pytest.mark.parametrize("text", ["", "1,5", "x", "1.234,5", "$5", " 5"])
def test_what_plain_does_not_write_is_not_read_back(text):
    assert written(text) is None


def test_a_float_is_read_by_its_shortest_text():
    assert amount(0.1) == Decimal("0.1")


@pytest.mark.parametrize(
    "value", ["1e999", "9" * 5000, "0." + "1" * 5000, Decimal("1E+999999999"), Decimal("1E-999999999")]
)
def test_a_number_beyond_all_money_is_none(value):
    """Such a one takes minutes to compute with, or cannot be written down."""
    assert amount(value) is None


@pytest.mark.parametrize(
    ("value", "read"),
    [(3572, 3572), ("3572", 3572), ("1,000,000", 1000000), ("-12", -12), ("5.0", 5), (Decimal("7.00"), 7),
     ("1e3", 1000), ("10 000", 10000)],
)  # fmt: skip
def test_whole_numbers_are_read(value, read):
    assert count(value) == read


def test_a_whole_number_that_can_be_read_in_two_ways_is_settled_like_an_amount():
    assert (count("10.000"), count("10.000", "0,5"), count("1,500", "0.5")) == (None, 10000, 1500)


@pytest.mark.parametrize("value", [None, "", "many", "1.5", True, False, [], "1,00x", "1,5"])
def test_what_is_no_whole_number_is_none(value):
    assert count(value) is None


def test_whether_something_could_not_be_told_apart_is_known_until_it_can():
    notation = Notation()
    notation.amount("1.000")
    assert (notation.is_wanted, notation.is_known) == (True, False)
    notation.learn(["0.5"])
    assert (notation.is_wanted, notation.is_known) == (False, True)
    notation.learn(["0,5"])
    assert (notation.is_wanted, notation.is_known) == (False, False)


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


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("5", "USD", "5.00 USD"),
        ("0.5", "USD", "0.50 USD"),
        ("0.00027", "USD", "0.00027 USD"),
        ("1E+3", "", "1000.00"),
        ("-1.25", "IDR", "-1.25 IDR"),
        ("0E-5", "USD", "0.00 USD"),
    ],
)
def test_amounts_are_exact_and_have_two_places_at_least(amount, currency, text):
    assert money(Decimal(amount), currency) == text
