"""Campaigns of one name become one campaign where a person says that their accounts are one.

Under two names, a command or a task that is repeated would not find its orders, and would place them once more.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from smmplus.errors import JournalConflictError, JournalInUseError
from smmplus.journal import holders, marks
from smmplus.journal.names import normal_name
from smmplus.journal.schema import batches, campaigns, checks, entries
from smmplus.numbers import total


def join_alike(connection: Connection, account_id: int, into: int, is_alive: Callable[[str], bool]) -> None:
    """Join an account's campaigns with those of the same name that another account has.

    Raises JournalInUseError where a run that is alive is in one of them, and JournalConflictError where two have
    different currencies.
    """
    rows = connection.execute(select(campaigns).order_by(campaigns.c.id)).all()
    theirs = [row for row in rows if row.account_id == into]
    for row in rows:
        if row.account_id == account_id and (alike := _alike(theirs, row)) is not None:
            for each in (row, alike):
                if each.holder and is_alive(each.holder):
                    raise JournalInUseError(holders.of_campaign(connection, each.id))
            _join(connection, account_id, row.id, alike.id)


def _alike(theirs: list[Row[Any]], row: Row[Any]) -> Row[Any] | None:
    """Find the campaign that a name means: one that is spelled just so comes first."""
    alike = [each for each in theirs if normal_name(each.name) == normal_name(row.name)]
    return min(alike, key=lambda each: each.name != row.name, default=None)


def _join(connection: Connection, account_id: int, old: int, new: int) -> None:
    was, now = (connection.execute(select(campaigns).where(campaigns.c.id == each)).one() for each in (old, new))
    if len({was.currency, now.currency} - {""}) > 1:
        raise JournalConflictError(
            f"campaign {now.name!r} is in {was.currency} under one name and in {now.currency} under the other: their "
            "amounts cannot be added, and one account has one currency"
        )
    # An order whose key the other campaign has, too, is another order: equal, and placed under the other name.
    taken = select(entries.c.key).where(entries.c.campaign_id == new)
    doubled = update(entries).where(entries.c.campaign_id == old, entries.c.key.in_(taken))
    connection.execute(doubled.values(key=entries.c.key + f" (account {account_id})"))
    for table in (entries, batches, checks):
        connection.execute(update(table).where(table.c.campaign_id == old).values(campaign_id=new))
    _take_back_words(connection, old, new)
    budgets = [Decimal(each.budget) for each in (was, now) if each.budget is not None]
    values = {
        "spent": str(total([Decimal(was.spent), Decimal(now.spent)])),
        "budget": str(min(budgets)) if budgets else None,
        "currency": was.currency or now.currency,
    }
    connection.execute(delete(campaigns).where(campaigns.c.id == old))
    connection.execute(update(campaigns).where(campaigns.c.id == new).values(values))


def _take_back_words(connection: Connection, old: int, new: int) -> None:
    """Let a person's word on a restored journal count only where it was given of both. `old` may be another one day."""
    said, names = marks.read(connection), [marks.settled(each) for each in (old, new)]
    of_both = all(said.get(name) == said[marks.UUID_NAME] for name in names)
    for name in names[:1] if of_both else names:
        marks.take_away(connection, name)
