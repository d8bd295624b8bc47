"""The plan: the rows to send with their prices, what is placed already, and what blocks it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bulk.model.fields import SWITCH_NAMES
from bulk.model.options import Options
from bulk.model.sheet import Problem, Sheet
from bulk.planning.matching import Matching
from bulk.planning.orders import OrderRow, none_rows
from bulk.planning.warnings import JournalWarnings
from smmplus.commands import Value
from smmplus.journal.entry import Entry, Planned
from smmplus.journal.lookup import Check
from smmplus.journal.maintenance.restore import Backup
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import minus, total
from smmplus.orders.models import Balance, Service
from smmplus.orders.order_types import is_upper_bound
from smmplus.reconciliation.balance_drops import Fall
from smmplus.texts import _, counted, joined


@dataclass(frozen=True, slots=True)
class CampaignContext:
    """A campaign as the journal knows it when its sheet is planned."""

    account_id: int
    campaign_id: int
    name: str
    batch_id: int | None
    """The sheet's unfinished batch, if there is one."""
    spent: Decimal
    budget: Decimal | None = None
    """What the campaign may spend over all its runs; None for no limit."""
    backup: Backup | None = None
    """The backup that the journal was restored from, as long as the campaign may have orders of since then."""
    panel: str = ""
    """The panel's URL."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What the panel said before the run."""

    services: Mapping[str, Service]
    balance: Balance
    fall: Fall | None = None
    """What the balance fell by for reasons that the journal does not know."""


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row that is to be sent."""

    row: OrderRow
    planned: Planned
    units: int | None
    entry: Entry | None
    """Its entry, where the journal has one already: planned, or refused and tried again."""


@dataclass(frozen=True, slots=True)
class ServiceCost:
    """What the rows of one service come to."""

    service: Service
    rows: int
    units: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Expected:
    """What was approved."""

    fingerprint: str
    check: Check | None
    """None where the journal does not know it."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """What a person must fix or answer before anything of a plan is sent."""

    message: str
    """What blocks the plan, and what to do about it."""
    remedies: tuple[dict[str, Value], ...] = ()
    """Options each of which allows it; empty if something must be fixed."""
    is_confirmable: bool = False
    """Whether the question before placing asks about it: a person who says yes there has answered it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run of a sheet would do. Nothing has been sent for it."""

    options: Options
    """What was asked for."""
    sheet: Sheet
    rows: Mapping[int, OrderRow]
    campaign: CampaignContext
    prices: Prices
    matching: Matching
    problems: tuple[Problem, ...]
    to_send: tuple[PlannedRow, ...]
    journal_warnings: JournalWarnings
    max_spend: Decimal | None
    """What the campaign may spend over all its runs, whether a person just said it or the journal keeps it."""
    deferred: tuple[PlannedRow, ...] = ()
    """Rows to be sent that this run leaves to a later one, because a person wants the first few only."""
    warnings: tuple[Problem, ...] = ()
    """What a person should think of twice. None of it stops a run."""
    repeats: str = ""
    """That other campaigns hold orders equal to rows to be sent; "" where none does."""
    left_out: frozenset[int] = frozenset()
    """Rows that the columns `skip` and `enabled` leave out, and that are no orders yet."""
    expected: Expected | None = None
    """What it must be the same as."""
    fingerprint: str = ""
    """Of a check: what it can be approved by."""
    blocker: Blocker | None = None
    """What a person must fix or answer before anything is sent; None if nothing blocks the plan."""

    @property
    def total(self) -> Decimal:
        """What the rows to be sent cost at most, in the account's currency; rows without a bound are not in it."""
        return total(sending.planned.cost for sending in self.to_send if sending.planned.cost is not None)

    @property
    def unbounded(self) -> int:
        """How many rows to be sent have no upper bound."""
        return sum(sending.planned.cost is None for sending in self.to_send)

    @property
    def upper_bounds(self) -> int:
        """How many rows to be sent may cost less than is summed up, and not more."""
        services = self.prices.services
        bounded = (item for item in self.to_send if item.planned.cost is not None)
        return sum(is_upper_bound(services[item.row.request.service]) for item in bounded)

    @property
    def over_budget(self) -> Decimal:
        """How much the rows to be sent are above what the campaign may still spend; 0 where they are not."""
        allowed = self._left_to_spend
        return Decimal(0) if allowed is None else max(Decimal(0), minus(self.total, allowed))

    @property
    def short_by(self) -> Decimal:
        """How much the balance lacks for what would be spent; 0 where it is enough."""
        if not self.to_send:
            return Decimal(0)
        allowed = self._left_to_spend
        wanted = self.total if allowed is None else min(self.total, allowed)
        return max(Decimal(0), minus(wanted, self.prices.balance.amount))

    @property
    def _left_to_spend(self) -> Decimal | None:
        return None if self.max_spend is None else minus(self.max_spend, self.campaign.spent)

    def with_state(self, *states: State) -> dict[int, Entry]:
        """Give the rows that are in the journal in these states."""
        return {row: entry for row, entry in self.matching.entries.items() if entry.state in states}

    @property
    def refused(self) -> dict[int, Entry]:
        """Rows that the panel refused, and that this run does not try again."""
        again = {sending.row.number for sending in self.to_send}
        return {row: entry for row, entry in self.with_state(State.REJECTED).items() if row not in again}

    @property
    def by_service(self) -> list[ServiceCost]:
        """The cost by service, the most expensive first."""
        groups: dict[str, list[PlannedRow]] = defaultdict(list)
        for sending in self.to_send:
            groups[sending.row.request.service].append(sending)
        costs = [_service_cost(self.prices.services[service], group) for service, group in groups.items()]
        return sorted(costs, key=lambda item: (-item.cost, item.service.id))


def _service_cost(service: Service, group: list[PlannedRow]) -> ServiceCost:
    costs = total(item.planned.cost for item in group if item.planned.cost is not None)
    return ServiceCost(service, len(group), sum(item.units or 0 for item in group), costs)


def column_notes(plan: Plan) -> list[str]:
    """Return notes on headers that the user mapped, and on rows that a column leaves out."""
    sheet, said = plan.sheet, []
    if sheet.headers:
        meant = ", ".join(_("{header!r} is {field}", header=header, field=field) for header, field in sheet.headers)
        if sheet.headers_from:
            said.append(_("Mapped headers: {headers} (saved in {name})", headers=meant, name=sheet.headers_from.name))
        else:
            said.append(_("Mapped headers: {headers}", headers=meant))
    if without := none_rows(sheet):
        said.append(_("0 or - in runs or interval means no drip-feed ({rows})", rows=counted(without, "row")))
    if plan.left_out:
        columns = joined(repr(sheet.columns[name].header) for name in SWITCH_NAMES if name in sheet.columns)
        if len(plan.left_out) == 1:
            said.append(_("1 row is left out by the column {columns}", columns=columns))
        else:
            rows = counted(len(plan.left_out), "row")
            said.append(_("{rows} are left out by the column {columns}", rows=rows, columns=columns))
    return said
