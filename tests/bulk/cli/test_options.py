"""The arguments that commands share."""

from decimal import Decimal

import pytest
import typer

from bulk.cli import options
from smmplus.errors import ConfigurationError

KEY = "0123456789abcdef"


@pytest.mark.parametrize(("text", "amount"), [(None, None), ("120", 120), ("99.50", Decimal("99.5")), ("0", 0)])
def test_an_amount_is_read_exactly(text, amount):
    assert options.money(text) == amount


@pytest.mark.parametrize(
    "text", ["", "1,000", "-1", "NaN", "sNaN", "Infinity", "ten", "5 USD", "1E+999999999", "1_000", "\u0661", ".5"]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ConfigurationError, match="write an amount such as 120"):
        options.money(text)
    with pytest.raises(ConfigurationError, match="--set "):
        options.money(text, "--set")


def test_the_panel_is_the_environments(monkeypatch):
    monkeypatch.setenv("SMMPLUS_API_KEY_SHOP", KEY)
    monkeypatch.setenv("SMMPLUS_API_URL", "https://shop.example")
    panel = options.panel_for("shop")
    assert (panel.key, panel.url) == (KEY, "https://shop.example")
    monkeypatch.setenv("SMMPLUS_API_KEY", KEY)
    with options.client_for("default") as client:
        assert client is not None


def test_the_journal_is_the_one_that_is_named(monkeypatch, tmp_path):
    path = tmp_path / "mine.sqlite3"
    monkeypatch.setenv("SMMPLUS_JOURNAL", f"sqlite:///{path}")
    with options.open_journal() as journal:
        assert journal.path == path


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_cannot_be_counted_with_is_refused(value):
    with pytest.raises(typer.BadParameter):
        options.finite(value)


@pytest.mark.parametrize("value", [None, 0.0, 2.5])
def test_what_can_be_counted_with_is_taken(value):
    assert options.finite(value) == value


@pytest.mark.parametrize(
    ("include", "visible_only", "how"), [(False, False, "refuse"), (True, False, "include"), (False, True, "skip")]
)
def test_hidden_rows_are_problems_until_a_person_says_what_they_are(include, visible_only, how):
    assert options.hidden(include=include, visible_only=visible_only) == how


def test_hidden_rows_cannot_be_both_included_and_left_out():
    with pytest.raises(ConfigurationError, match="cannot be used together"):
        options.hidden(include=True, visible_only=True)
