"""What a report says: its scope, its orders, their figures, and what needs attention."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bulk.report.attention import Attention, attention_of
from bulk.report.figures import Figures, Group, Money, Standing, figures_of, standing_of
from bulk.report.orders import ReportedOrder, Scope
from smmplus.journal.refills_and_cancels import RequestState
from smmplus.orders.decimals import plain
from smmplus.texts import _, counted, marked

Json = dict[str, Any]

STANDINGS = {
    Standing.IN_DOUBT: marked("In doubt"),
    Standing.REJECTED: marked("Rejected"),
    Standing.CUT_SHORT: marked("Not delivered in full"),
    Standing.SENDING: marked("Sending"),
    Standing.WAITING: marked("Waiting to start"),
    Standing.RUNNING: marked("Being delivered"),
    Standing.COMPLETED: marked("Delivered in full"),
    Standing.NOT_SENT: marked("Not sent"),
}

REQUESTS = {
    RequestState.NOT_SENT: marked("not sent"),
    RequestState.SENDING: marked("being sent"),
    RequestState.ACCEPTED: marked("accepted"),
    RequestState.REJECTED: marked("rejected"),
    RequestState.IN_DOUBT: marked("in doubt"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """A report."""

    scope: Scope
    made_at: datetime
    orders: Sequence[ReportedOrder]
    """Those that need attention first, then the latest first."""
    figures: Figures
    attention: Sequence[Attention] = ()
    service_names: Mapping[str, str] = field(default_factory=dict)
    """Service ID -> its name, as far as the last price list that was kept has it."""

    @property
    def title(self) -> str:
        """What it is about, for people."""
        about = self.scope
        names = ", ".join([*([Path(about.sheet).name] if about.sheet else []), *about.campaigns])
        return names or (_("Account {account}", account=about.account) if about.account else _("All orders"))

    @property
    def period(self) -> str:
        """Its period, for people; "" if it has none."""
        since, until = self.scope.since, self.scope.until
        if since and until:
            return _("{since} to {until}", since=since, until=until)
        if since:
            return _("since {since}", since=since)
        return _("until {until}", until=until) if until else ""

    @property
    def requests(self) -> list[str]:
        """Its refills and cancels, for people: "3 refills: 2 accepted, 1 rejected"."""
        return [
            f"{counted(sum(states.values()), kind.value)}: "
            + ", ".join(f"{count} {_(REQUESTS[state])}" for state, count in states.items())
            for kind, states in self.figures.requests.items()
        ]

    def service_label(self, service: str) -> str:
        """Return a service with its name, if it is known."""
        name = self.service_names.get(service)
        return f"{service} – {name}" if name else service


def make_report(
    orders: Sequence[ReportedOrder],
    scope: Scope,
    now: datetime,
    unmatched: Sequence[Attention] = (),
    service_names: Mapping[str, str] = MappingProxyType({}),
) -> Report:
    """Make a report of orders; `unmatched` is what else needs attention, such as rows of a sheet without an order."""
    ranks = {standing: rank for rank, standing in enumerate(Standing)}
    latest = sorted(orders, key=lambda each: (each.entry.sent_at or "", each.entry.id), reverse=True)
    shown = sorted(latest, key=lambda each: ranks[standing_of(each)])
    attention = [*attention_of(orders, scope, now), *unmatched]
    return Report(scope, now, shown, figures_of(orders), attention, service_names)


def figures_object(report: Report) -> Json:
    """Describe a report without its orders, as plain JSON with amounts as text."""
    scope, figures = report.scope, report.figures
    return {
        "account": scope.account,
        "campaigns": list(scope.campaigns),
        "sheet": scope.sheet or None,
        "since": None if scope.since is None else scope.since.isoformat(),
        "until": None if scope.until is None else scope.until.isoformat(),
        "made_at": report.made_at.isoformat(timespec="seconds"),
        "attention": [asdict(each) for each in report.attention],
        "standings": dict(figures.standings),
        "statuses": dict(figures.statuses),
        "money": [_money_object(each) for each in figures.money],
        "delivery": asdict(figures.delivery),
        "by_service": [
            {"service": each.name, "name": report.service_names.get(each.name, "")} | _group_object(each)
            for each in figures.services
        ],
        "by_campaign": [
            {"account": each.account, "campaign": each.name} | _group_object(each) for each in figures.campaigns
        ],
        "timeline": [
            {
                "begins": each.begins.isoformat(),
                "ends": each.ends.isoformat(),
                "sent": each.sent,
                "finished": each.finished,
                "ordered": {currency: plain(amount) for currency, amount in each.ordered.items()},
            }
            for each in figures.timeline
        ],
        "requests": {
            kind.value: {state.value: count for state, count in counts.items()}
            for kind, counts in figures.requests.items()
        },
    }


def _money_object(money: Money) -> Json:
    """Describe what orders cost."""
    amounts = {name: amount for name, amount in asdict(money).items() if name != "currency"}
    amounts["difference"] = money.difference
    return {"currency": money.currency} | {name: plain(amount) for name, amount in amounts.items()}


def _group_object(group: Group) -> Json:
    money = [_money_object(each) for each in group.money]
    return {"orders": group.orders, "money": money, "delivery": asdict(group.delivery)}
