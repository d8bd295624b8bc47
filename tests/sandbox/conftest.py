"""A panel without sockets: calls are plain functions of fields and a moment."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from smmplus.sandbox import lifecycle, panel
from smmplus.sandbox.catalogue import default_catalogue
from smmplus.sandbox.records import BalanceSet, State

LINK = "https://instagram.com/someone"


@dataclass
class Batch:
    """The engine with a state, and what it told storage."""

    state: State
    events: list = field(default_factory=list)

    def call(self, action, now=0.0, account="sandbox", **fields):
        result = panel.perform(self.state, account, action, {name: str(text) for name, text in fields.items()}, now)
        self.events += result.events
        return result.answer

    def add(self, now=0.0, account="sandbox", **fields):
        """Order service 1, unless told otherwise; a field set to None is left out."""
        given = {"service": 1, "link": LINK, "quantity": 1000, **fields}
        return self.call("add", now, account, **{name: value for name, value in given.items() if value is not None})

    def order(self, now=0.0, **fields):
        """Order, and give the id as text."""
        return str(self.add(now, **fields)["order"])

    def status(self, order, now=0.0, account="sandbox"):
        return self.call("status", now, account, order=order)

    def balance(self, now=0.0, account="sandbox"):
        return Decimal(self.call("balance", now, account)["balance"])


# Of the session, so that a property test may ask for a new batch in every example.
@pytest.fixture(scope="session")
def new_desk():
    def new(balance="1000", **options):
        state = State(default_catalogue(), **options)
        opened = [BalanceSet(account, Decimal(balance), 0.0) for account in ("sandbox", "other")]
        for event in opened:
            lifecycle.apply(state, event)
        return Batch(state, list(opened))

    return new


@pytest.fixture
def batch(new_desk):
    return new_desk()
