"""Build the plan of a sheet: match its rows with the journal, validate and price the others, find what blocks them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bulk.model.fields import SWITCH_NAMES
from bulk.model.options import Options
from bulk.model.sheet import RESULT_FIELDS, Problem, Sheet
from bulk.planning.blockers import find_blocker
from bulk.planning.matching import Known, Matching, match_rows, repeats_message
from bulk.planning.orders import OrderRow, check_half_read_rows, check_rows, equal_rows, order_rows, row_filters
from bulk.planning.plan import CampaignContext, Expected, Plan, PlannedRow, Prices
from bulk.planning.platforms import platform_warnings
from bulk.planning.warnings import JournalWarnings, journal_warnings, list_warnings, row_warnings, target_warnings
from smmplus.api.error_texts import Meaning
from smmplus.commands import command
from smmplus.journal import lookup
from smmplus.journal.entry import Entry, Planned
from smmplus.journal.journal import Journal
from smmplus.journal.lookup import look_up
from smmplus.journal.state_machine import State
from smmplus.orders.models import Service
from smmplus.orders.order_types import cost, units
from smmplus.texts import _


def build_plan(sheet: Sheet, prices: Prices, campaign: CampaignContext, journal: Journal, options: Options) -> Plan:
    """Match, validate and price every row of a sheet, and find what blocks it. Only reads the journal."""
    rows, filters = order_rows(sheet), row_filters(sheet)
    known = _find_known(journal, campaign, rows.values())
    matching = match_rows(
        sheet,
        rows,
        known,
        campaign_id=campaign.campaign_id,
        batch_id=campaign.batch_id,
        adopt=options.adopt,
        is_named=bool(options.campaign),  # an empty name, of a variable that is not set, names none
        left_out=filters.left_out,
    )
    left_out = filters.left_out.difference(matching.entries)
    candidates = _candidates(rows, matching, retry_refused=options.retry_refused)
    problems = [*filters.problems, *matching.problems]
    problems += _problems_of(sheet, candidates, rows, left_out, prices.services, options)
    bad = {problem.row for problem in problems}
    priced = [_price(row, matching, prices.services) for row in candidates if row.number not in bad]
    max_spend = campaign.budget if options.max_spend is None else options.max_spend
    if max_spend is not None:
        problems += _without_bound(sheet, priced, campaign, options)
        priced = [item for item in priced if item.planned.cost is not None]
    to_send = tuple(priced[: options.first])
    plan = Plan(
        options,
        sheet,
        rows,
        campaign,
        prices,
        matching,
        problems=tuple(sorted(problems, key=lambda problem: problem.row or 0)),
        to_send=to_send,
        journal_warnings=_journal_warnings(journal, campaign, rows.values(), known, prices, options),
        max_spend=max_spend,
        deferred=tuple(priced[len(to_send) :]),
        warnings=_warnings_of(sheet, candidates, prices.services, matching, campaign, journal),
        repeats=_repeats(to_send, matching, journal),
        left_out=left_out,
        expected=_find_expected(journal, campaign, options),
    )
    return replace(plan, blocker=find_blocker(plan))


def _problems_of(
    sheet: Sheet,
    candidates: Sequence[OrderRow],
    rows: Mapping[int, OrderRow],
    left_out: frozenset[int],
    services: Mapping[str, Service],
    options: Options,
) -> list[Problem]:
    """Find what is wrong with rows. Of rows that a column leaves out, only that column counts."""
    included = [row for row in rows.values() if row.number not in left_out]
    half_read = check_half_read_rows(sheet, services, options.surface)
    return [
        *(each for each in sheet.problems if each.row not in left_out or each.field in SWITCH_NAMES),
        *foreign_results(sheet),
        *check_rows(sheet, candidates, services, options.surface),
        *(each for each in half_read if each.row not in left_out),
        *([] if options.allow_duplicates else equal_rows(sheet, candidates, included, options.surface)),
    ]


def _warnings_of(
    sheet: Sheet,
    candidates: Sequence[OrderRow],
    services: Mapping[str, Service],
    matching: Matching,
    campaign: CampaignContext,
    journal: Journal,
) -> tuple[Problem, ...]:
    return (
        *platform_warnings(sheet, candidates, services),
        *list_warnings(sheet, candidates),
        *target_warnings(sheet, candidates),
        *row_warnings(sheet, candidates, matching.entries, journal, campaign.campaign_id),
    )


def _repeats(to_send: Sequence[PlannedRow], matching: Matching, journal: Journal) -> str:
    """Return what to say about rows that another campaign has placed."""
    repeated = [matching.repeated[item.row.number] for item in to_send if item.row.number in matching.repeated]
    return repeats_message(repeated, len(to_send), journal.time())


def _journal_warnings(
    journal: Journal,
    campaign: CampaignContext,
    rows: Iterable[OrderRow],
    known: Known,
    prices: Prices,
    options: Options,
) -> JournalWarnings:
    return journal_warnings(
        journal,
        campaign.account_id,
        options.account,
        ids={row.order_id for row in rows if row.order_id},
        known={*known.by_order_id, *known.taken_back},
        fall=prices.fall,
        surface=options.surface,
    )


def _find_known(journal: Journal, campaign: CampaignContext, rows: Iterable[OrderRow]) -> Known:
    rows = list(rows)
    order_ids = (row.order_id for row in rows if row.order_id)
    fingerprints = (row.request.fingerprint for row in rows)
    found = look_up(journal, campaign.account_id, order_ids, fingerprints, campaign.batch_id)
    return Known(found.by_order_id, found.by_fingerprint, found.of_batch, found.taken_back)


def _candidates(rows: Mapping[int, OrderRow], matching: Matching, *, retry_refused: bool) -> list[OrderRow]:
    """Return the rows that would be sent if nothing is wrong with them."""
    return [
        row
        for row in rows.values()
        if row.number in matching.new or _is_sent_again(matching.entries.get(row.number), retry_refused=retry_refused)
    ]


def _is_sent_again(entry: Entry | None, *, retry_refused: bool) -> bool:
    if entry is None or entry.state not in {State.NOT_SENT, State.REJECTED}:
        return False
    return entry.state is State.NOT_SENT or retry_refused or entry.meaning != Meaning.UNKNOWN.name


def foreign_results(sheet: Sheet) -> list[Problem]:
    """Find columns named like result columns that hold the user's own text: results would overwrite it.

    If the sheet has an `order_id` column, they are results of an earlier run.
    """
    if "order_id" in sheet.columns:
        return []
    held = [name for name in RESULT_FIELDS if name in sheet.columns and any(sheet.texts[name])]
    return [
        Problem(
            _("column {column}", column=sheet.columns[name].letter),
            name,
            sheet.columns[name].header,
            _("holds text of your own, and results are written into a column of this name"),
            _("rename the column"),
        )
        for name in held
    ]


def _price(row: OrderRow, matching: Matching, services: Mapping[str, Service]) -> PlannedRow:
    service, entry = services[row.request.service], matching.entries.get(row.number)
    key = matching.new[row.number] if entry is None else entry.key
    return PlannedRow(row, Planned(key, row.request, cost(row.request, service)), units(row.request, service), entry)


def _without_bound(
    sheet: Sheet, priced: Iterable[PlannedRow], campaign: CampaignContext, options: Options
) -> list[Problem]:
    """Find rows whose cost has no upper bound: a campaign with a budget cannot place them."""
    remedy = _(
        "fill in posts, or remove the campaign's budget: `{command}`, and no {option}",
        command=command("budget", campaign.name, account=options.account, remove=True),
        option=options.surface.name("max_spend"),
    )
    return [
        Problem(
            sheet.where(item.row.number, "posts"),
            "posts",
            item.row.request.values.get("posts", ""),
            _("its cost has no upper bound"),
            remedy,
            item.row.number,
        )
        for item in priced
        if item.planned.cost is None
    ]


def _find_expected(journal: Journal, campaign: CampaignContext, options: Options) -> Expected | None:
    fingerprint = options.expect_fingerprint
    if fingerprint is None:
        return None
    return Expected(fingerprint, lookup.find(journal, campaign.account_id, fingerprint))
