"""Accounts at one panel that may be one account: an API key may be used under several names."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from smmplus.journal import entries as entry_queries
from smmplus.journal.entry import Entry
from smmplus.journal.schema import accounts, balances
from smmplus.journal.states import State


def siblings(connection: Connection, account_id: int) -> list[int]:
    """Find the accounts at the panel of an account, itself among them."""
    url = select(accounts.c.url).where(accounts.c.id == account_id).scalar_subquery()
    return list(connection.execute(select(accounts.c.id).where(accounts.c.url == url)).scalars())


def in_one_currency(connection: Connection, account_id: int) -> list[int]:
    """Find the siblings whose orders may have been debited from an account's balance: none in another currency."""
    found = connection.execute(select(balances.c.account_id, balances.c.currency).distinct()).all()
    own = _currencies(found, account_id)
    same = siblings(connection, account_id)
    return [each for each in same if each == account_id or not (other := _currencies(found, each)) or own & other]


def unsettled(connection: Connection, account_id: int, state: State) -> list[Entry]:
    """Find the entries of an account and its siblings that are submitting or in doubt."""
    return [
        entry for each in siblings(connection, account_id) for entry in entry_queries.unsettled(connection, each, state)
    ]


def _currencies(found: Iterable[tuple[int, str]], account_id: int) -> set[str]:
    return {currency for account, currency in found if account == account_id}
