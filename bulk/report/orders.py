"""Read the orders of a report from the journal, each with what is needed to judge it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.queries import campaign_currencies, last_changes, of_report
from smmplus.journal.refills_and_cancels import FollowUp, RequestKind, of_entries
from smmplus.orders.models import OrderRequest


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report is about. Everything that is not given leaves nothing out."""

    account: str = ""
    campaigns: tuple[str, ...] = ()
    sheet: str = ""
    """The path of the sheet's file, as it was given."""
    since: date | None = None
    until: date | None = None
    """The last day, in the local zone."""


@dataclass(frozen=True, slots=True)
class ReportedOrder:
    """An order of a report."""

    entry: Entry
    request: OrderRequest
    currency: str
    """The currency of what it was expected to cost; "" if it is not known."""
    changed_at: str | None = None
    """When the panel last said something new of it."""
    requests: tuple[tuple[RequestKind, FollowUp], ...] = ()
    """Its refills and cancels, the first one first."""

    @property
    def charge_currency(self) -> str:
        """The currency of what the panel charged."""
        return self.entry.currency or self.currency


def read_orders(
    journal: Journal, scope: Scope, account_id: int | None, campaign_ids: Sequence[int] | None
) -> list[ReportedOrder]:
    """Return the orders of an account, of campaigns and of a period, in the order in which they were planned."""
    since, until = _bounds(scope)
    with journal.reading() as connection:
        found = of_report(connection, account_id, campaign_ids, since, until)
    return with_details(journal, found)


def with_details(journal: Journal, found: Sequence[Entry]) -> list[ReportedOrder]:
    """Return orders with their currencies, the times of their latest changes, their refills and cancels."""
    open_ones = [entry.id for entry in found if entry.order_id and not entry.final]
    with journal.reading() as connection:
        currencies = campaign_currencies(connection)
        changes = last_changes(connection, open_ones)
        asked = of_entries(connection, (entry.id for entry in found if entry.order_id))
    return [
        ReportedOrder(
            entry,
            entry.request,
            currencies[entry.campaign_id] or entry.currency,
            changes.get(entry.id),
            tuple(asked.get(entry.id, ())),
        )
        for entry in found
    ]


def in_period(found: Iterable[Entry], scope: Scope) -> list[Entry]:
    """Return the orders that were sent in a period; all of them if there is none."""
    since, until = _bounds(scope)
    if since is None and until is None:
        return list(found)
    times = ((entry, entry.sent_at) for entry in found)
    return [entry for entry, at in times if at and (since or at) <= at and not (until and until <= at)]


def _bounds(scope: Scope) -> tuple[str | None, str | None]:
    """Return when a period begins, and when it is over: days of the local zone, as times of the journal."""
    after = None if scope.until is None else scope.until + timedelta(days=1)
    since, until = (None if day is None else _midnight(day) for day in (scope.since, after))
    return since, until


def _midnight(day: date) -> str:
    return datetime.combine(day, time()).astimezone(UTC).isoformat(timespec="milliseconds")


def local_day(at: str) -> date:
    """Return the day of a time of the journal, in the local zone."""
    return datetime.fromisoformat(at).astimezone().date()
