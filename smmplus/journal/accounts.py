"""Accounts. Every function runs in the caller's transaction.

An account is a panel's address and a name, both in a normal form. Its API key may change. If a key is known under
another name or address, two accounts may be one, and its orders would be placed once for each. Only a person can know
that, and says so with `smmplus account`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, func, insert, select, update

from smmplus.commands import command
from smmplus.errors import JournalConflictError, JournalInUseError
from smmplus.journal import metadata
from smmplus.journal.backends import file_locks
from smmplus.journal.metadata import SALT
from smmplus.journal.normal_forms import normal_name, normal_url
from smmplus.journal.schema import (
    account_keys,
    accounts,
    balances,
    batches,
    campaigns,
    checks,
    entries,
    follow_ups,
    meta,
    order_ids,
)
from smmplus.journal.schema import said_of_accounts as said
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import total
from smmplus.texts import _, counted, marked


def join_alike(connection: Connection, account_id: int, into: int, is_alive: Callable[[str], bool]) -> None:
    """Merge an account's campaigns with those of the same name of another account.

    Raises JournalInUseError if a live run is in one of them, and JournalConflictError if two have different currencies.
    """
    rows = connection.execute(select(campaigns).order_by(campaigns.c.id)).all()
    theirs = [row for row in rows if row.account_id == into]
    for row in rows:
        if row.account_id == account_id and (alike := _alike(theirs, row)) is not None:
            for each in (row, alike):
                if each.holder and is_alive(each.holder):
                    raise JournalInUseError(file_locks.of_campaign(connection, each.id))
            _join(connection, account_id, row.id, alike.id)


def _alike(theirs: list[Row[Any]], row: Row[Any]) -> Row[Any] | None:
    """Find the campaign with a name: one with the exact spelling comes first."""
    alike = [each for each in theirs if normal_name(each.name) == normal_name(row.name)]
    return min(alike, key=lambda each: each.name != row.name, default=None)


def _join(connection: Connection, account_id: int, old: int, new: int) -> None:
    was, now = (connection.execute(select(campaigns).where(campaigns.c.id == each)).one() for each in (old, new))
    if len({was.currency, now.currency} - {""}) > 1:
        raise JournalConflictError(
            _(
                "campaign {campaign!r} is in {currency} under one name and in {other} under the other: their "
                "amounts cannot be added, and one account has one currency",
                campaign=now.name,
                currency=was.currency,
                other=now.currency,
            )
        )
    # If both campaigns have an order with one key, they are two orders: equal ones, each placed under its own name.
    taken = select(entries.c.key).where(entries.c.campaign_id == new)
    doubled = update(entries).where(entries.c.campaign_id == old, entries.c.key.in_(taken))
    connection.execute(doubled.values(key=entries.c.key + f" (account {account_id})"))
    for table in (entries, batches, checks):
        connection.execute(update(table).where(table.c.campaign_id == old).values(campaign_id=new))
    _withdraw_confirmation(connection, old, new)
    budgets = [Decimal(each.budget) for each in (was, now) if each.budget is not None]
    values = {
        "spent": str(total([Decimal(was.spent), Decimal(now.spent)])),
        "budget": str(min(budgets)) if budgets else None,
        "currency": was.currency or now.currency,
    }
    connection.execute(delete(campaigns).where(campaigns.c.id == old))
    connection.execute(update(campaigns).where(campaigns.c.id == new).values(values))


def _withdraw_confirmation(connection: Connection, old: int, new: int) -> None:
    """Keep a person's confirmation after a restore only if it was given for both campaigns.

    It is removed for `old` in any case: its number may be used again.
    """
    said, names = metadata.read(connection), [metadata.settled(each) for each in (old, new)]
    of_both = all(said.get(name) == said[metadata.UUID_NAME] for name in names)
    for name in names[:1] if of_both else names:
        metadata.take_away(connection, name)


@dataclass(frozen=True, slots=True)
class Account:
    """An account, as shown to a person."""

    id: int
    name: str
    url: str
    campaigns: int
    orders: int
    """Orders that were sent, or may have been."""
    same_as: int | None
    """The account that it is the same as, as a person said; itself if a person said that it is a separate one."""


def find_or_make(connection: Connection, url: str, name: str) -> int:
    """Return an account's number, and create it if it is new; the other's if a person said that it is the same."""
    found = _find(connection, url, name)
    if found is None:
        values = {"url": normal_url(url), "name": name, "normal": normal_name(name)}
        return int(connection.execute(insert(accounts).values(values).returning(accounts.c.id)).scalar_one())
    same_as = connection.execute(select(said.c.same_as).where(said.c.account_id == found)).scalar_one_or_none()
    return found if same_as is None else int(same_as)


def _find(connection: Connection, url: str, name: str) -> int | None:
    """Find an account. The exact spelling comes first, because normal forms change with versions of Unicode."""
    columns = accounts.c
    alike = (columns.url == normal_url(url)) & ((columns.name == name) | (columns.normal == normal_name(name)))
    rows = connection.execute(select(columns.id, columns.name).where(alike)).all()
    return min(((row.name != name, int(row.id)) for row in rows), default=(False, None))[1]


def must_be_its_own(connection: Connection, account_id: int, key: str) -> None:
    """Record a salted hash of an account's key; raise JournalConflictError if the key is known as another account's.

    It is not raised if a person said of either account that it is a separate one, or if the other account's panel never
    answered: its URL was wrong, and it has no orders.
    """
    digest = _digest(connection, key)
    same = connection.execute(select(account_keys.c.account_id).where(account_keys.c.hash == digest)).scalars().all()
    if set(same) != {account_id}:
        known = {account.id: account for account in all_of(connection)}
        on_purpose = {account.id for account in known.values() if account.same_as == account.id}
        others = [known[other] for other in same if other not in on_purpose | {account_id}]
        others = [other for other in others if other.orders or _has_answered(connection, other.id)]
        if others and account_id not in on_purpose:
            raise JournalConflictError(_words(known[account_id], others[0], list(known.values())))
    if account_id not in same:
        connection.execute(insert(account_keys), {"account_id": account_id, "hash": digest})


def _has_answered(connection: Connection, account_id: int) -> bool:
    found = connection.execute(select(balances.c.id).where(balances.c.account_id == account_id).limit(1))
    return found.first() is not None


def _words(account: Account, other: Account, known: list[Account]) -> str:
    this, that = (_shortest(each, known) for each in (account, other))
    same, separate = command("account", this, same_as=that), command("account", this, separate=True)
    return _(
        "this API key belongs to account {other!r} at {other_url}, with {orders}, and not to account "
        "{account!r} at {url}: an order placed under one name would be placed again under the other. "
        "Nothing was sent. If both names are one account: `{same}`. If they are two accounts: `{separate}`",
        other=other.name,
        other_url=other.url,
        orders=counted(other.orders, "order"),
        account=account.name,
        url=account.url,
        same=same,
        separate=separate,
    )


def _shortest(account: Account, known: list[Account]) -> str:
    """Return an account as the command accepts it: its name, or its number if others have that name, too."""
    alike = [each for each in known if normal_name(each.name) == normal_name(account.name)]
    return account.name if len(alike) == 1 else str(account.id)


def _digest(connection: Connection, key: str) -> str:
    salt = connection.execute(select(meta.c.value).where(meta.c.name == SALT)).scalar_one()
    return hashlib.blake2b(key.encode(), key=bytes.fromhex(salt), digest_size=16).hexdigest()


def same_key(connection: Connection, account_id: int) -> list[int]:
    """Return the accounts that share an API key with an account, including itself."""
    of_account = select(account_keys.c.hash).where(account_keys.c.account_id == account_id)
    found = connection.execute(select(account_keys.c.account_id).where(account_keys.c.hash.in_(of_account)))
    return sorted({account_id, *found.scalars()})


def all_of(connection: Connection) -> list[Account]:
    """Return all accounts, in the order in which they were first used."""
    sent = (
        select(func.count())
        .select_from(entries.join(campaigns, campaigns.c.id == entries.c.campaign_id))
        .where(campaigns.c.account_id == accounts.c.id, entries.c.state != State.NOT_SENT.value)
        .scalar_subquery()
    )
    # A campaign that was only checked is none yet.
    is_used = exists().where(entries.c.campaign_id == campaigns.c.id) | campaigns.c.budget.is_not(None)
    of_account = select(func.count()).where(campaigns.c.account_id == accounts.c.id, is_used).scalar_subquery()
    columns = (accounts.c.id, accounts.c.name, accounts.c.url, of_account, sent, said.c.same_as)
    joined = accounts.outerjoin(said, said.c.account_id == accounts.c.id)
    return [Account(*row) for row in connection.execute(select(*columns).select_from(joined).order_by(accounts.c.id))]


def named(connection: Connection, name: str) -> Account:
    """Find an account by its name or its number; raise JournalConflictError if that is not exactly one."""
    known = all_of(connection)
    by_name = [each for each in known if normal_name(each.name) == normal_name(name)]
    found = by_name if len(by_name) == 1 else [each for each in known if str(each.id) == name.strip()]
    if len(found) != 1:
        if by_name:
            text = marked("{count} accounts are named {account!r}: use the number; `smmplus account` shows them")
            raise JournalConflictError(_(text, count=len(by_name), account=name))
        raise JournalConflictError(_("no account {account!r}; `smmplus account` shows them", account=name))
    return found[0]


def separate(connection: Connection, account: Account) -> None:
    """Record that an account is a separate one, even if its key is used under another name."""
    _say(connection, account.id, account.id)


def rename(connection: Connection, url: str, name: str, new: str) -> None:
    """Give an account another name, if it is known. The old name stays one of its names.

    What still uses the old name therefore finds the account's orders, and places none of them again. Raises
    JournalConflictError if the new name is another account's.
    """
    found, other = _find(connection, url, name), _find(connection, url, new)
    if found is None or found == other:
        return
    same_as = {row.account_id: row.same_as for row in connection.execute(select(said))}
    into = same_as.get(found, found)
    if other is not None and same_as.get(other) != into:
        joined = command("account", name, same_as=new)
        raise JournalConflictError(f"account {new!r} already exists. If both names are one account: `{joined}`")
    if other is not None:  # a name that the account had before
        _set_name(connection, other, f"{new} ({other})")
    _set_name(connection, found, new)
    if other is not None:
        _set_name(connection, other, name)
    else:
        _say(connection, find_or_make(connection, url, name), into)


def _set_name(connection: Connection, account_id: int, name: str) -> None:
    renamed = update(accounts).where(accounts.c.id == account_id)
    connection.execute(renamed.values(name=name, normal=normal_name(name)))


def merge(connection: Connection, account: Account, other: Account, is_alive: Callable[[str], bool]) -> None:
    """Record that an account is the same as another one, and move its orders there.

    Raises JournalConflictError if both have an order with one id, which only two accounts can have, and
    JournalInUseError if a live run is in a campaign that would be merged.
    """
    into = other.id if other.same_as is None else other.same_as
    if account.id == into:
        raise JournalConflictError(
            _("{account!r} and {other!r} are already one account", account=account.name, other=other.name)
        )
    ids = order_ids.alias()
    both = select(order_ids.c.order_id).join(ids, ids.c.order_id == order_ids.c.order_id)
    doubled = both.where(order_ids.c.account_id == account.id, ids.c.account_id == into)
    if (order_id := connection.execute(doubled.limit(1)).scalar()) is not None:
        raise JournalConflictError(
            _("both accounts have an order {order_id}, which only two accounts can have", order_id=order_id)
        )
    join_alike(connection, account.id, into, is_alive)
    for table in (campaigns, order_ids, balances):
        connection.execute(update(table).where(table.c.account_id == account.id).values(account_id=into))
    _move_unique(connection, account.id, into)
    connection.execute(update(said).where(said.c.same_as == account.id).values(same_as=into))
    _say(connection, account.id, into)


def _move_unique(connection: Connection, of: int, into: int) -> None:
    """Move keys and follow-ups, except those that the other account has as well."""
    there = follow_ups.alias()
    same = (there.c.account_id == into) & (there.c.kind == follow_ups.c.kind) & (there.c.key == follow_ups.c.key)
    is_there = select(there.c.id).where(same, there.c.order_id == follow_ups.c.order_id).exists()
    moving = update(follow_ups).where(follow_ups.c.account_id == of, ~is_there)
    connection.execute(moving.values(account_id=into))
    hashes = set(connection.execute(select(account_keys.c.hash).where(account_keys.c.account_id == of)).scalars())
    known = set(connection.execute(select(account_keys.c.hash).where(account_keys.c.account_id == into)).scalars())
    connection.execute(delete(account_keys).where(account_keys.c.account_id == of))
    if new := hashes - known:
        connection.execute(insert(account_keys), [{"account_id": into, "hash": each} for each in sorted(new)])


def _say(connection: Connection, account_id: int, same_as: int) -> None:
    connection.execute(delete(said).where(said.c.account_id == account_id))
    connection.execute(insert(said), {"account_id": account_id, "same_as": same_as})
