"""Orders in doubt: what is known of each, and whether an order of the panel can be it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bulk.files.account_settings import DEFAULT_ACCOUNT
from smmplus.api.client import Client
from smmplus.api.panel import Panel
from smmplus.commands import command, local_time
from smmplus.errors import CallError, FollowUpError, JournalConflictError, UnknownRefusalError
from smmplus.journal import balances
from smmplus.journal.balances import Observation
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.queries import with_order_id_at_panel
from smmplus.journal.resolution import must_be_unclaimed
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import money
from smmplus.orders.models import OrderStatus
from smmplus.reconciliation.balance_evidence import Evidence, unsettled_of_siblings
from smmplus.reconciliation.doubt_matching import claimants, misfit
from smmplus.reconciliation.reconcile import ask, listed
from smmplus.texts import _, counted, marked

MOST_CHARACTERS = 300
"""Of what was ordered. Comments can be long; the sheet has them in full."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares orders of a panel with orders in doubt of one account."""

    journal: Journal
    panel: Panel
    account_id: int
    force: bool = False
    """A person insists on an order whose charge does not fit."""
    answered: frozenset[int] = frozenset()
    """Entries in doubt that are about to be settled, too."""

    def ask(self, ids: Sequence[str]) -> Mapping[str, OrderStatus]:
        """Ask the panel where orders stand, 100 a call; without those that it does not know."""
        with Client(self.panel) as client:
            return ask(client, ids, 2 * len(ids)).answers

    def settle_one(self, entry: Entry, order_id: str) -> list[str]:
        """Ask for one order, and compare it."""
        self._must_be_free(entry, order_id)
        return self.compare(entry, order_id, _status_of(self.panel, order_id))

    def compare(self, entry: Entry, order_id: str, status: OrderStatus | None) -> list[str]:
        """Give remarks on an order that is to be one in doubt; JournalConflictError where it cannot be."""
        if status is None:
            raise JournalConflictError(
                _(
                    "the panel knows no order {order_id} of account {account!r}",
                    order_id=order_id,
                    account=entry.account,
                )
            )
        self._must_be_free(entry, order_id)
        seen = balances.latest(self.journal, self.account_id)
        difference = misfit(entry, order_id, status, "" if seen is None else seen.currency)
        if difference and not self.force:
            raise JournalConflictError(
                _("{difference}. Nothing was recorded. To accept it anyway, add --force", difference=difference)
            )
        if difference:
            return [_("accepted with --force: {difference}", difference=difference)]
        if entry.cost is None or status.charge is None:
            return [_("its charge could not be compared: the expected or the actual charge is unknown")]
        return self._shared(entry, order_id, status)

    def _must_be_free(self, entry: Entry, order_id: str) -> None:
        with self.journal.reading() as connection:
            must_be_unclaimed(order_id, with_order_id_at_panel(connection, self.account_id, order_id), entry)

    def _shared(self, entry: Entry, order_id: str, status: OrderStatus) -> list[str]:
        """Name the other orders in doubt whose charge an order fits as well."""
        with self.journal.reading() as connection:
            doubts = unsettled_of_siblings(connection, self.account_id, State.IN_DOUBT)
        others = [other for other in doubts if other.id not in {entry.id, *self.answered}]
        found = listed(other.name for other in claimants(others, order_id, status))
        if not found:
            return []
        return [
            _("the charge of order {order_id} also fits {orders}: compare the links", order_id=order_id, orders=found)
        ]


def _status_of(panel: Panel, order_id: str) -> OrderStatus:
    with Client(panel) as client:
        try:
            return client.order_status(order_id)
        except (FollowUpError, UnknownRefusalError) as error:
            words = _(
                "the panel knows no order {order_id} of this account ({answer})", order_id=order_id, answer=error.text
            )
            raise JournalConflictError(words) from error
        except CallError as error:
            if not error.transient:
                raise
            words = _(
                "nothing was recorded: the panel could not be asked about order {order_id} ({reason})",
                order_id=order_id,
                reason=error,
            )
            raise CallError(words) from error


def facts_of(entry: Entry, evidence: Evidence | None) -> dict[str, str]:
    """Return what was sent, by a name that is translated where it is shown."""
    seen = None if evidence is None else evidence.after or evidence.before
    what = " ".join(f"{name}={value}" for name, value in entry.request.fields)
    facts = {marked("account"): entry.account} if entry.account != DEFAULT_ACCOUNT else {}
    order = _("service {service}", service=entry.request.service)
    expected = "" if entry.cost is None else money(entry.cost, seen.currency if seen else "")
    return facts | {
        marked("sent"): _("{time}, from {file}", time=local_time(entry.sent_at, seconds=True), file=entry.source),
        marked("order"): f"{order} {what[:MOST_CHARACTERS]}{'…' * (len(what) > MOST_CHARACTERS)}",
        marked("charge"): _("{amount} expected", amount=expected) if expected else _("unknown"),
        marked("error"): entry.error,
    }


def balances_of(entry: Entry, evidence: Evidence | None) -> Iterator[tuple[str, str]]:
    """Yield what the balances before and after say of an order, with names that are translated where they are shown."""
    if evidence is None:
        return
    before, after = evidence.before, evidence.after
    yield marked("before"), _("not read before it was sent") if before is None else _observed(before)
    yield marked("after"), _unread(entry) if after is None else _observed(after)
    if evidence.fell is not None and evidence.left is not None:
        orders = counted(evidence.orders, "confirmed order")
        explained = _("{orders} in between explain {amount}", orders=orders, amount=money(evidence.accepted, ""))
        others = [_("{count} more may be in it", count=evidence.others)] if evidence.others else []
        unexplained = _("{amount} unexplained", amount=money(evidence.left, ""))
        yield marked("dropped by"), "; ".join([money(evidence.fell, ""), explained, *others, unexplained])
    yield marked("balance"), _(evidence.verdict.value)


def _unread(entry: Entry) -> str:
    return _("not read since; to read it: {command}", command=command("reconcile", account=entry.account))


def _observed(seen: Observation) -> str:
    balance, time = money(seen.amount, seen.currency), local_time(seen.at, seconds=True)
    return _("{balance} at {time}", balance=balance, time=time)
