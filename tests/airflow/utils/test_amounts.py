"""Amounts as DAG authors write them."""

from decimal import Decimal

import pytest

from airflow_provider_smmplus.utils.arguments import amount
from smmplus.errors import ConfigurationError


def test_nothing_is_no_amount():
    assert amount(None, "max_spend") is None


@pytest.mark.parametrize(
    ("given", "value"),
    [("12.50", "12.50"), (" 3 ", "3"), (0, "0"), ("0", "0"), (7, "7"), (Decimal("0.1"), "0.1"), ("1e3", "1000")],
)
def test_an_amount_is_read_exactly(given, value):
    assert amount(given, "max_spend") == Decimal(value)


@pytest.mark.parametrize("given", ["", " ", "12,50", "ten", "None", "nan", "inf", "-1", -1, 12.5, True, [1], "$5"])
def test_what_is_no_amount_is_named(given):
    with pytest.raises(
        ConfigurationError, match=r'^max_spend is .*: pass an amount as a string, for example "12\.50"$'
    ):
        amount(given, "max_spend")
