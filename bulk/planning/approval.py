"""Approval: what a check lets a person approve, and how a later plan differs from it.

A check sums up the rows that it would send as a fingerprint: what each orders and costs, under which campaign and
account, in which currency, and what its service is called. Row numbers and the file's name are not in it: people sort
and copy sheets. The journal keeps the rows of the check under the fingerprint, so that a run can name what differs.

Approved is each row that was to be sent, once. An order that was placed since uses up its row's approval, so that a run
that was killed goes on with the same fingerprint. A row that the panel refused since, or that a run leaves for later,
is not a difference. What was placed already when the sheet was checked is not approved to be sent once more.
"""

import json
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from os.path import commonprefix

from bulk.planning.matching import ORDERED
from bulk.planning.plan import Plan
from smmplus.errors import ConfigurationError
from smmplus.orders.decimals import plain
from smmplus.orders.models import OrderRequest
from smmplus.texts import _, counted, marked

_VERSION = 1
_FINGERPRINT = re.compile(r"[0-9a-f]{24}")

MOST_NAMED = 20
"""Differences in a message; the object for programs has them all."""


_LONGEST = 120
"""Characters of a text in a difference."""


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A row of a check."""

    number: int
    content: str
    """What it orders, in the canonical form."""
    cost: Decimal | None
    order: str = ""
    """The order that it was already when it was checked; "" for a row that was to be sent."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check covers."""

    account: str
    panel: str
    campaign: str
    currency: str
    services: Mapping[str, tuple[str, str]]
    """Name and type of the services of the rows that would be sent."""
    rows: tuple[CheckedRow, ...]

    @property
    def fingerprint(self) -> str:
        """24 hexadecimal digits, the same for the same rows in any order."""
        rows = sorted((row.content, _text(row.cost) or "", row.order) for row in self.rows)
        about = [_VERSION, self.account, self.panel, self.campaign, self.currency, sorted(self.services.items()), rows]
        return sha256(json.dumps(about).encode()).hexdigest()[:24]

    def packed(self) -> bytes:
        """Write it for the journal."""
        rows = [(row.number, row.content, _text(row.cost), row.order) for row in self.rows]
        about = [_VERSION, self.account, self.panel, self.campaign, self.currency, dict(self.services), rows]
        return zlib.compress(json.dumps(about).encode())

    @classmethod
    def unpacked(cls, content: bytes) -> "Checked":
        """Read what `packed` wrote."""
        account, panel, campaign, currency, services, rows = json.loads(zlib.decompress(content))[1:]
        read = tuple(
            CheckedRow(number, ordered, None if cost is None else Decimal(cost), order)
            for number, ordered, cost, order in rows
        )
        named = {number: (name, kind) for number, (name, kind) in services.items()}
        return cls(account, panel, campaign, currency, named, read)


_Pair = tuple[CheckedRow | None, CheckedRow]
"""What was approved at another price, if anything, and what would be sent."""


def parse_fingerprint(text: str, option: str = "--expect-fingerprint") -> str:
    """Return a fingerprint in its one spelling. Raise ConfigurationError for other text, such as an empty variable."""
    found = text.strip().lower()
    if not _FINGERPRINT.fullmatch(found):
        raise ConfigurationError(
            _(
                "{option} is {value!r}: it must be the fingerprint of a check, 24 digits and letters from a to f",
                option=option,
                value=text,
            )
        )
    return found


def with_fingerprint(plan: Plan) -> tuple[Plan, bytes]:
    """Return a plan with its fingerprint, and what the journal keeps under it."""
    found = summarize(plan)
    return replace(plan, fingerprint=found.fingerprint), found.packed()


def summarize(plan: Plan) -> Checked:
    """Return what a plan would do, as it is approved."""
    names = {item.row.request.service for item in plan.to_send}
    services = {number: (plan.prices.services[number].name, plan.prices.services[number].type) for number in names}
    ordered = (
        CheckedRow(row, entry.content, entry.cost, entry.name)
        for row, entry in plan.matching.entries.items()
        if entry.state in ORDERED
    )
    sending = (CheckedRow(item.row.number, item.row.request.content, item.planned.cost) for item in plan.to_send)
    campaign, currency = plan.campaign, plan.prices.balance.currency
    return Checked(
        plan.journal_warnings.account, campaign.panel, campaign.name, currency, services, (*ordered, *sending)
    )


def approval_message(plan: Plan) -> str:
    """Return how a plan differs from what was approved; "" if it does not, or if nothing had to be approved."""
    found = differences(plan)
    if not found:
        return ""
    named = found[:MOST_NAMED]
    if len(found) > MOST_NAMED:
        named.append(_("and {count} more", count=len(found) - MOST_NAMED))
    return _(
        "This is not what was approved ({differences}): {named}. Undo the changes, or check the sheet again and have "
        "the new fingerprint approved",
        differences=counted(len(found), "difference"),
        named="; ".join(named),
    )


def differences(plan: Plan) -> list[str]:
    """Return every difference between a plan and what was approved."""
    if plan.expected is None:
        return []
    now = summarize(plan)
    if plan.expected.check is not None:
        return list(_differences(Checked.unpacked(plan.expected.check.content), now, plan))
    if now.fingerprint == plan.expected.fingerprint:
        return []
    words = _(
        "the fingerprint is {found}, and {expected} was expected (this journal does not have the check that was "
        "approved, so the rows cannot be named)",
        found=now.fingerprint,
        expected=plan.expected.fingerprint,
    )
    return [words]


_OTHER = {
    "account": marked("the account was {before!r}, and is {now!r}"),
    "panel": marked("the panel was {before!r}, and is {now!r}"),
    "campaign": marked("the campaign was {before!r}, and is {now!r}"),
    "currency": marked("the currency was {before!r}, and is {now!r}"),
}
"""What is the same for all rows -> the difference."""


def _differences(then: Checked, now: Checked, plan: Plan) -> Iterator[str]:
    for what, text in _OTHER.items():
        if getattr(then, what) != getattr(now, what):
            yield _(text, before=getattr(then, what), now=getattr(now, what))
    for number in sorted(then.services.keys() & now.services.keys()):
        if then.services[number] != now.services[number]:
            before, after = (f"{name!r} ({kind})" for name, kind in (then.services[number], now.services[number]))
            yield _("service {service} was {before}, and is {now}", service=number, before=before, now=after)
    pairs, gone = _unmatched(then, now, plan)
    lost = {row.number: row for row in gone}
    for dearer, row in sorted(pairs, key=lambda pair: pair[1].number):
        yield _changed(plan, dearer or lost.pop(row.number, None), row, now.currency)
    yield from (_gone(plan, row) for row in sorted(lost.values(), key=lambda row: row.number))


def _unmatched(then: Checked, now: Checked, plan: Plan) -> tuple[list[_Pair], list[CheckedRow]]:
    """Return the rows to send that were not approved, each with its approval at another price, and the rows gone."""
    placed_then = {row.order for row in then.rows if row.order}
    approved = _by_content(row for row in then.rows if not row.order)
    for row in now.rows:
        is_placed_since = row.order and row.order not in placed_then
        if is_placed_since and _use_up(approved[row.content], row, _costs_the_same) is None:
            _use_up(approved[row.content], row)
    surplus = [row for row in now.rows if not row.order]
    # Of equal rows those that stayed where they were come first, then those at the approved price.
    for matches in (_is_same, _costs_the_same):
        surplus = [row for row in surplus if _use_up(approved[row.content], row, matches) is None]
    pairs = [(_use_up(approved[row.content], row), row) for row in surplus]
    waiting = Counter(_rows_without_orders(plan))
    gone = [row for content, rows in approved.items() for row in rows[waiting[content] :]]
    return pairs, gone


def _rows_without_orders(plan: Plan) -> Iterator[str]:
    """Yield the content of rows that are not sent now: refused since, or deferred."""
    yield from (entry.content for entry in plan.refused.values())
    yield from (item.row.request.content for item in plan.deferred)


def _by_content(rows: Iterable[CheckedRow]) -> dict[str, list[CheckedRow]]:
    found: dict[str, list[CheckedRow]] = defaultdict(list)
    for row in rows:
        found[row.content].append(row)
    return found


def _is_same(one: CheckedRow, other: CheckedRow) -> bool:
    return one.number == other.number and one.cost == other.cost


def _costs_the_same(one: CheckedRow, other: CheckedRow) -> bool:
    return one.cost == other.cost


def _use_up(
    approved: list[CheckedRow], row: CheckedRow, matches: Callable[[CheckedRow, CheckedRow], bool] = lambda *_both: True
) -> CheckedRow | None:
    """Remove and return the first approval that matches a row; None if there is none."""
    at = next((at for at, each in enumerate(approved) if matches(each, row)), None)
    return None if at is None else approved.pop(at)


def _changed(plan: Plan, was: CheckedRow | None, row: CheckedRow, currency: str) -> str:
    where = plan.sheet.where(row.number)
    if was is None:
        order, price = _describe(row), _price(row, currency)
        return _("{where} is new: {order}, {price}", where=where, order=order, price=price)
    before, now = _values(was), _values(row)
    names = [name for name in dict.fromkeys((*before, *now)) if before.get(name) != now.get(name)]
    changes = [_before_and_after(name, before.get(name, ""), now.get(name, "")) for name in names]
    if was.cost != row.cost:
        prices = _price(was, currency), _price(row, currency)
        changes.append(_("the price was {before}, and is {now}", before=prices[0], now=prices[1]))
    return f"{where}: {', '.join(changes)}"


def _before_and_after(name: str, was: str, now: str) -> str:
    """Return both texts, of long ones the part from where they begin to differ."""
    start = max(0, len(commonprefix([was, now])) - 20) if max(len(was), len(now)) > _LONGEST else 0  # noqa: RUF071 (no paths)
    texts = [f"{'…' * bool(start)}{text[start : start + _LONGEST]}" for text in (was, now)]
    return _("{name} was {before!r}, and is {now!r}", name=name, before=texts[0], now=texts[1])


def _gone(plan: Plan, row: CheckedRow) -> str:
    wrong = next((problem for problem in plan.problems if problem.row == row.number), None)
    if wrong is not None:
        return _(
            "{where} cannot be sent ({order}): {problem}",
            where=plan.sheet.where(row.number),
            order=_describe(row),
            problem=wrong.message,
        )
    return _("row {row} is gone: {order}", row=row.number, order=_describe(row))


def _values(row: CheckedRow) -> dict[str, str]:
    request = OrderRequest.from_content(row.content)
    return {"service": request.service, **request.values}


def _describe(row: CheckedRow) -> str:
    return ", ".join(f"{name} {text[:_LONGEST]}" for name, text in _values(row).items()).replace("\n", " ")


def _price(row: CheckedRow, currency: str) -> str:
    return _("without a bound") if row.cost is None else f"{plain(row.cost)} {currency}".strip()


def _text(cost: Decimal | None) -> str | None:
    return None if cost is None else plain(cost)
