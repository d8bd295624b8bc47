"""What a run would do: the rows to send with their prices, what is placed already, and what stands in the way."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bulk.model.fields import SWITCH_NAMES
from bulk.model.options import Options
from bulk.model.sheet import RESULT_FIELDS, Problem, Sheet
from bulk.planning.matching import Known, Matching, match_rows, repeats_message
from bulk.planning.orders import OrderRow, check_rows, equal_rows, order_rows, row_filters
from bulk.planning.warnings import JournalWarnings, journal_warnings, row_warnings
from smmplus.api.error_texts import Meaning
from smmplus.commands import command
from smmplus.journal import sheet_checks
from smmplus.journal.entry import Entry, Planned
from smmplus.journal.journal import Journal
from smmplus.journal.lookup import look_up
from smmplus.journal.maintenance.restore import Backup
from smmplus.journal.sheet_checks import Check
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import minus, total
from smmplus.orders.models import Balance, Service
from smmplus.orders.order_types import cost, is_upper_bound, units
from smmplus.reconciliation.balance_drops import Fall


@dataclass(frozen=True, slots=True)
class CampaignContext:
    """Where a job stands in the journal."""

    account_id: int
    campaign_id: int
    name: str
    batch_id: int | None
    """The sheet's unfinished batch, if there is one."""
    spent: Decimal
    budget: Decimal | None = None
    """What the journal lets the campaign spend over all its runs; None for no bound."""
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


def build_plan(sheet: Sheet, prices: Prices, campaign: CampaignContext, journal: Journal, options: Options) -> Plan:
    """Check every row, find out which orders are placed already, and price the rest. Sends nothing."""
    rows, switches = order_rows(sheet), row_filters(sheet)
    known = _known(journal, campaign, rows.values())
    binding = match_rows(
        sheet,
        rows,
        known,
        campaign_id=campaign.campaign_id,
        batch_id=campaign.batch_id,
        adopt=options.adopt,
        anew=bool(options.campaign),  # an empty name, of a variable that is not set, names none
        left_out=switches.left_out,
    )
    left_out = switches.left_out.difference(binding.entries)
    candidates = _candidates(rows, binding, retry_refused=options.retry_refused)
    problems = [
        *(problem for problem in sheet.problems if problem.row not in left_out or problem.field in SWITCH_NAMES),
        *switches.problems,
        *foreign_results(sheet),
        *binding.problems,
        *check_rows(sheet, candidates, prices.services, options.surface),
    ]
    if not options.allow_duplicates:
        problems += equal_rows(sheet, candidates, _without(left_out, rows.values()), options.surface)
    bad = {problem.row for problem in problems}
    sending = [_price(row, binding, prices.services) for row in candidates if row.number not in bad]
    max_spend = campaign.budget if options.max_spend is None else options.max_spend
    if max_spend is not None:
        problems += _without_bound(sheet, sending, campaign, options)
        sending = [item for item in sending if item.planned.cost is not None]
    ordered = tuple(sorted(problems, key=lambda problem: problem.row or 0))
    first, later = tuple(sending[: options.first]), tuple(sending[len(sending[: options.first]) :])
    ids = {row.order_id for row in rows.values() if row.order_id}
    signs = journal_warnings(
        journal,
        campaign.account_id,
        options.account,
        ids=ids,
        known=known.by_order_id,
        fall=prices.fall,
        surface=options.surface,
    )
    warnings = tuple(row_warnings(sheet, candidates, binding.entries, journal, campaign.campaign_id))
    anew = [binding.anew[item.row.number] for item in first if item.row.number in binding.anew]
    repeats = repeats_message(anew, len(first), journal.time())
    approved = options.expect_fingerprint
    expected = (
        None if approved is None else Expected(approved, sheet_checks.find(journal, campaign.account_id, approved))
    )
    return Plan(
        options,
        sheet,
        rows,
        campaign,
        prices,
        binding,
        ordered,
        first,
        signs,
        max_spend,
        later,
        warnings,
        repeats,
        left_out,
        expected,
    )


def foreign_results(sheet: Sheet) -> list[Problem]:
    """Find columns that are called like results and hold the user's own text: it would be written over.

    Where there is an `order_id` column, they are results of an earlier run.
    """
    if "order_id" in sheet.columns:
        return []
    held = [name for name in RESULT_FIELDS if name in sheet.columns and any(sheet.texts[name])]
    message = "holds text of your own, and results are written into a column of this name"
    return [
        Problem(f"column {sheet.columns[name].letter}", name, sheet.columns[name].header, message, "rename the column")
        for name in held
    ]


def _known(journal: Journal, campaign: CampaignContext, rows: Iterable[OrderRow]) -> Known:
    rows = list(rows)
    order_ids = (row.order_id for row in rows if row.order_id)
    fingerprints = (row.request.fingerprint for row in rows)
    found = look_up(journal, campaign.account_id, order_ids, fingerprints, campaign.batch_id)
    return Known(found.by_order_id, found.by_fingerprint, found.of_batch)


def _without(left_out: frozenset[int], rows: Iterable[OrderRow]) -> Iterable[OrderRow]:
    return [row for row in rows if row.number not in left_out] if left_out else rows


def _candidates(rows: Mapping[int, OrderRow], binding: Matching, *, retry_refused: bool) -> list[OrderRow]:
    """Choose the rows that would be sent if nothing is wrong with them."""
    return [
        row
        for row in rows.values()
        if row.number in binding.new or _is_sent_again(binding.entries.get(row.number), retry_refused=retry_refused)
    ]


def _is_sent_again(entry: Entry | None, *, retry_refused: bool) -> bool:
    if entry is None or entry.state not in {State.PLANNED, State.REJECTED}:
        return False
    return entry.state is State.PLANNED or retry_refused or entry.meaning != Meaning.UNKNOWN.name


def _price(row: OrderRow, binding: Matching, services: Mapping[str, Service]) -> PlannedRow:
    service, entry = services[row.request.service], binding.entries.get(row.number)
    key = binding.new[row.number] if entry is None else entry.key
    return PlannedRow(row, Planned(key, row.request, cost(row.request, service)), units(row.request, service), entry)


def _without_bound(
    sheet: Sheet, sending: Iterable[PlannedRow], campaign: CampaignContext, options: Options
) -> list[Problem]:
    lifted = command("budget", campaign.name, account=options.account, none=True)
    remedy = f"fill in posts, or remove the campaign's budget: `{lifted}`, and no {options.surface.name('max_spend')}"
    return [
        Problem(
            sheet.where(item.row.number, "posts"),
            "posts",
            item.row.request.values.get("posts", ""),
            "its cost has no upper bound",
            remedy,
            item.row.number,
        )
        for item in sending
        if item.planned.cost is None
    ]


def _service_cost(service: Service, group: list[PlannedRow]) -> ServiceCost:
    costs = total(item.planned.cost for item in group if item.planned.cost is not None)
    return ServiceCost(service, len(group), sum(item.units or 0 for item in group), costs)


def column_notes(plan: Plan) -> list[str]:
    """Say what headers stand for by a person's word, and which rows a column leaves out."""
    sheet, said = plan.sheet, []
    if sheet.headers:
        meant = ", ".join(f"{header!r} is {field}" for header, field in sheet.headers)
        kept = f" (kept in {sheet.headers_from.name})" if sheet.headers_from else ""
        said.append(f"headers as you say: {meant}{kept}")
    if plan.left_out:
        columns = " and ".join(repr(sheet.columns[name].header) for name in SWITCH_NAMES if name in sheet.columns)
        count, verb = ("1 row", "is") if len(plan.left_out) == 1 else (f"{len(plan.left_out)} rows", "are")
        said.append(f"{count} {verb} left out by the column {columns}")
    return said
