"""Match orders in doubt with orders on the panel: which ids to ask for, and whether one of them is the lost order.

The panel has no list of orders (https://smm.plus/api). But it answers the status of an order by its id, to the account
that placed it, and ids grow. So an order whose answer was lost is between those that were accepted before and after it.
The status does not contain the link. So an id is only taken for the lost order if everything else agrees.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from itertools import islice

from smmplus.journal.entry import Entry
from smmplus.orders.decimals import minus, plain
from smmplus.orders.models import COMPLETE, OrderStatus, Phase
from smmplus.reconciliation.balance_drops import last_digit
from smmplus.reconciliation.balance_evidence import Evidence, Verdict
from smmplus.texts import _, marked

STRETCH = 1000
"""How many ids to ask for beyond the known ones, if no later id limits the search."""


@dataclass(frozen=True, slots=True)
class KnownId:
    """An order id of an account that the journal knows, with its times."""

    order_id: str
    sent_at: str
    recorded_at: str


class Fit(Enum):
    """How an order's charge compares with what was expected."""

    EXACT = marked("the expected charge")
    NET = marked("less than the expected charge, which a refund may explain")
    UNKNOWN = marked("a charge that cannot be compared")
    NO = marked("another charge")


def fit(cost: Decimal | None, status: OrderStatus, *, at_most: bool = False) -> Fit:
    """Compare a charge with the expected one. One unit of its last digit is tolerated, a cent at most: panels round.

    The charge of a Partial or Canceled order is what is left after the refund. `at_most`: the cost is an upper bound.
    """
    if cost is None or status.charge is None:
        return Fit.UNKNOWN
    difference = minus(status.charge, cost)
    if abs(difference) <= last_digit(status.charge):
        return Fit.EXACT
    is_refunded = status.phase is Phase.FINAL and status.status.lower() not in COMPLETE
    return Fit.NET if difference < 0 and (is_refunded or at_most) else Fit.NO


def is_open_ended(doubt: Entry) -> bool:
    """Return whether an order is a subscription: its cost is an upper bound, debited post by post."""
    return "delay" in doubt.request.values


def misfit(doubt: Entry, order_id: str, status: OrderStatus, currency: str) -> str:
    """Return why an order cannot be the one in doubt; "" if it can. `currency` is the account's."""
    cost = doubt.cost
    wanted = "?" if cost is None else f"{plain(cost)} {currency}".strip()
    if currency and status.currency and status.currency.upper() != currency.upper():
        return _(
            "order {order_id} is {status!r} and charged in {charged}, and {order} was sent by an account in {currency}",
            order_id=order_id,
            status=status.status,
            charged=status.currency,
            order=doubt.name,
            currency=currency,
        )
    if fit(cost, status, at_most=is_open_ended(doubt)) is Fit.NO and status.charge is not None:
        charged = f"{plain(status.charge)} {status.currency}".strip()
        return _(
            "order {order_id} is {status!r} and was charged {charged}, and {order} was to be charged {wanted}",
            order_id=order_id,
            status=status.status,
            charged=charged,
            order=doubt.name,
            wanted=wanted,
        )
    return ""


def ids_to_ask(doubt: Entry, known: Sequence[KnownId]) -> Iterator[str]:
    """Yield the ids that a lost order can have, in order; none if the known ids are not numbers.

    They begin after the last id that was known before the order was sent. They end before the first id that was sent
    after the order came into doubt or, without one, `STRETCH` ids after the highest known one.
    """
    numbers = {int(item.order_id): item for item in known if _is_number(item.order_id)}
    sent_at, settled_at = doubt.sent_at or "", doubt.settled_at or ""
    lower = max((number for number, item in numbers.items() if item.recorded_at <= sent_at), default=None)
    upper = min((number for number, item in numbers.items() if item.sent_at > settled_at), default=None)
    if lower is None and numbers:
        lower = max(0, min(numbers) - STRETCH - 1)
    if lower is None or (upper is not None and upper < lower):  # ids that do not grow say nothing
        return
    if upper is None:
        upper = max(numbers) + STRETCH + 1
    yield from (str(number) for number in range(lower + 1, upper) if number not in numbers)


def why_unasked(doubt: Entry, known: Sequence[KnownId]) -> str:
    """Return why there is no id to ask for; "" if there is one."""
    if not known:
        return _("no order id of this account is known")
    if not any(_is_number(item.order_id) for item in known):
        return _("the order ids of this panel are not numbers")
    if next(ids_to_ask(doubt, known), None) is None:
        return _("the order ids that are known around it leave none free, or do not grow with time")
    return ""


def all_ids(doubts: Iterable[Entry], known: Sequence[KnownId], most: int) -> tuple[str, ...]:
    """Return the ids to ask for, for several orders in doubt: each once, and at most `most` for each order."""
    return tuple(dict.fromkeys(number for doubt in doubts for number in islice(ids_to_ask(doubt, known), most)))


@dataclass(frozen=True, slots=True)
class Probe:
    """The panel's answers for ids that no journal knows."""

    answers: Mapping[str, OrderStatus]
    """Orders of this account."""
    asked: int
    """How many ids were asked for."""
    calls: int
    cut: bool = False
    """Whether ids were left out because the number of calls was limited."""
    unasked: Mapping[int, str] = field(default_factory=dict)
    """Entries for which no id was asked, with the reason."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the evidence shows about one order in doubt."""

    doubt: Entry
    candidates: tuple[str, ...] = ()
    """Orders of this account that may be it."""
    order_id: str | None = None
    """The order that it is, if no other is possible."""
    why: str = ""
    """Why it is this order, or why it stays in doubt."""


def decide(
    doubts: Sequence[Entry],
    evidence: Mapping[int, Evidence],
    probe: Probe,
    sending: Collection[str] = (),
    rivals: Sequence[Entry] = (),
) -> list[Finding]:
    """Decide which orders on the panel the orders in doubt of an account are.

    `sending` names orders that are under way. `rivals` are orders in doubt of other account names that may have the
    same API key. If a candidate may be a rival's order, nothing is decided, and the rival is a finding, too.
    """
    findings = [_finding(doubt, doubts, evidence[doubt.id], probe, sending, rivals) for doubt in doubts]
    candidates = [order_id for finding in findings for order_id in finding.candidates]
    why = _("an order in doubt of another account name fits it as well")
    return findings + [
        Finding(rival, possible, why=why)
        for rival in rivals
        if (possible := _fitting(rival, candidates, probe, evidence[rival.id]))
    ]


def _finding(
    doubt: Entry,
    doubts: Sequence[Entry],
    weighed: Evidence,
    probe: Probe,
    sending: Collection[str],
    rivals: Sequence[Entry],
) -> Finding:
    candidates = _fitting(doubt, probe.answers, probe, weighed)
    against = (
        _against(doubt, doubts, weighed, probe, candidates) or _claimed(rivals, candidates, probe) or _sending(sending)
    )
    if against:
        return Finding(doubt, candidates, why=against)
    (order_id,) = candidates
    return Finding(doubt, candidates, order_id, _taken(doubt, probe.answers[order_id], weighed))


def _sending(names: Collection[str]) -> str:
    if not names:
        return ""
    return _("orders are being sent just now ({orders}): ask again when that is over", orders=", ".join(names))


def _fitting(doubt: Entry, order_ids: Iterable[str], probe: Probe, weighed: Evidence) -> tuple[str, ...]:
    """Return the orders that an order in doubt may be."""
    currency = "" if weighed.after is None else weighed.after.currency
    return tuple(
        order_id
        for order_id in dict.fromkeys(order_ids)
        if not misfit(doubt, order_id, probe.answers[order_id], currency)
    )


def claimants(doubts: Iterable[Entry], order_id: str, status: OrderStatus) -> list[Entry]:
    """Return the orders in doubt that may be an order."""
    return [doubt for doubt in doubts if not misfit(doubt, order_id, status, "")]


def _claimed(rivals: Sequence[Entry], candidates: tuple[str, ...], probe: Probe) -> str:
    claiming = [rival for order_id in candidates for rival in claimants(rivals, order_id, probe.answers[order_id])]
    text = marked("{order} of account {account!r}")
    names = ", ".join(dict.fromkeys(_(text, order=rival.name, account=rival.account) for rival in claiming))
    return _("the order that was found may also be {orders}: check the order page", orders=names) if names else ""


def _against(
    doubt: Entry, doubts: Sequence[Entry], weighed: Evidence, probe: Probe, candidates: tuple[str, ...]
) -> str:
    """Return why the evidence is not enough to resolve an order; "" if it is."""
    found = len(probe.answers)
    unasked = probe.unasked.get(doubt.id)
    verdict = weighed.verdict
    reasons = {
        marked("no order id was looked up, so this is no sign that it was not placed: {unasked}"): unasked is not None,
        marked("more order ids must be looked up: raise --max-calls"): probe.cut,
        marked("every order of this account that was found is in a journal"): not found,
        marked("{doubts} orders of this account are in doubt: check the order page to tell them apart"): (
            len(doubts) > 1
        ),
        marked("{found} orders of this account are in no journal: check the order page"): found > 1,
        marked("the order that was found does not match it, and may have been placed elsewhere"): not candidates,
        marked("the balance does not prove it: {verdict}"): verdict is not Verdict.DEBITED,
    }
    if first := next((reason for reason, holds in reasons.items() if holds), ""):
        return _(first, unasked=unasked, doubts=len(doubts), found=found, verdict=_(verdict.value))
    return _against_charge(doubt, probe.answers[candidates[0]])


def _against_charge(doubt: Entry, status: OrderStatus) -> str:
    fitting = fit(doubt.cost, status)
    if fitting is not Fit.EXACT or is_open_ended(doubt):
        return _("the order that was found has {charge}", charge=_(fitting.value))
    if doubt.cost is None or status.charge is None or doubt.cost <= 2 * last_digit(status.charge):
        return _("its charge is too small: rounding may hide a difference")
    return ""


def _taken(doubt: Entry, status: OrderStatus, weighed: Evidence) -> str:
    charge = "?" if status.charge is None else f"{plain(status.charge)} {status.currency}".strip()
    fell = "?" if weighed.left is None else plain(weighed.left)
    return (
        f"it is the only unrecorded order near that time ({status.status!r}), and this is the only order in doubt of "
        f"its account; its charge of {charge} matches the expected {plain(doubt.cost or Decimal(0))}, and the balance "
        f"dropped by {fell}"
    )


def _is_number(order_id: str) -> bool:
    return order_id.isascii() and order_id.isdigit() and str(int(order_id)) == order_id
