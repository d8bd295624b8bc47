"""Whole numbers as a locale writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk.model.cell_values import check_locale, is_ambiguous, plain_digits
from bulk.model.errors import SheetError

RIGHT = [
    ("id", "1.000", "1000"),
    ("id", "12.345.678", "12345678"),
    ("id", "1.000,00", "1000"),
    ("id", "1000,0", "1000"),
    ("id_ID", "1.000", "1000"),
    ("id-ID", "1.000", "1000"),
    ("en", "1,000", "1000"),
    ("en", "1,000.00", "1000"),
    ("en_IN", "1,00,000", "100000"),
    ("hi", "12,34,56,789", "123456789"),
    ("de_CH", "1\u2019000", "1000"),
    ("de_CH", "1'000", "1000"),
    ("fr", "1\u202f000", "1000"),
    ("fr", "1\u00a0000", "1000"),
    ("fr", "1 000 000", "1000000"),
    ("es_MX", "1,000", "1000"),
    ("pt_BR", "1.000", "1000"),
]

AS_IT_IS = [
    # What the locale reads as one, or one and a bit, may be somebody's thousand.
    ("id", "1,000"),
    ("en", "1.000"),
    ("es_MX", "1.000"),
    ("id", "1,5"),
    ("id", "1.000,5"),
    ("id", "1.000,000"),
    # Not how anybody writes thousands.
    ("id", "10.00"),
    ("id", "1.0000"),
    ("id", "1.000.00"),
    ("id", ".000"),
    ("id", "0.100"),
    ("id", "01.000"),
    ("id", "1000.000"),
    ("id", "1..000"),
    ("en", "100,00,000"),
    ("en_IN", "1,000,000"),
    ("de_CH", "1\u2019000'000"),
    ("fr", "1 000\u00a0000"),
    # No number, or none to order.
    ("id", "-1.000"),
    ("id", "+1.000"),
    ("id", "1.000 pcs"),
    ("id", "\u0661.\u0660\u0660\u0660"),
    ("ar_EG", "\u0661\u0660\u0660\u0660"),
    ("id", "1e3"),
    ("id", ""),
]


@pytest.mark.parametrize(("locale", "text", "digits"), RIGHT)
def test_a_number_in_a_locale_is_its_digits(locale, text, digits):
    assert plain_digits(text, locale) == digits


@pytest.mark.parametrize(("locale", "text"), AS_IT_IS)
def test_what_is_not_clearly_a_whole_number_there_stays_as_it_is(locale, text):
    assert plain_digits(text, locale) == text


@pytest.mark.parametrize("text", ["1000", "1.000", "1,000", "1 000", ""])
def test_without_a_locale_every_text_stays_as_it_is(text):
    assert plain_digits(text, None) == text


@given(st.integers(0, 10**15 - 1), st.sampled_from(["id", "en", "de", "pt_BR", "es_MX", "fr", "de_CH", "en_IN"]))
def test_what_a_locale_writes_is_read_as_it_was_meant(number, locale):
    from babel.numbers import format_decimal  # noqa: PLC0415

    assert plain_digits(format_decimal(number, locale=locale), locale) == str(number)
    assert plain_digits(str(number), locale) == str(number)


@pytest.mark.parametrize("locale", ["xx", "id_XX", "C", "indonesian", "/etc/passwd", "../id", "1", " "])
def test_a_locale_that_nobody_knows_is_refused(locale):
    with pytest.raises(SheetError, match=r"is not a known locale\. .* for example id, en or pt_BR"):
        check_locale(locale)


@pytest.mark.parametrize("text", ["1.000", "1,000", "12.345,6", "1 000", "1,00,000", "1\u2019000"])
def test_what_may_be_thousands_is_known(text):
    assert is_ambiguous(text)


@pytest.mark.parametrize("text", ["1000", "10.5", "1.00", "0.100", "1e3", "", "1.0000", "many"])
def test_and_what_cannot(text):
    assert not is_ambiguous(text)
