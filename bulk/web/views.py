"""What templates show of a plan and of orders: pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bulk.model.fields import ORDER_FIELDS
from bulk.model.sheet import Problem
from bulk.model.surfaces import ANSWERS
from bulk.planning.plan import Plan, column_notes
from smmplus.journal.entry import Entry
from smmplus.journal.queries import Count
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import minus, money, plain
from smmplus.orders.models import COMPLETE
from smmplus.texts import _

MOST_ROWS = 200
"""Rows of a sheet, or orders, on one page."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a row."""

    field: str
    text: str
    is_bad: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a sheet, what is wrong with it, and what it costs."""

    number: int
    cells: Sequence[Cell]
    problems: Sequence[Problem]
    cost: str
    """"" for a row that is not sent."""
    is_sent: bool
    """Whether it is an order already."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """An answer to what blocks a sheet."""

    option: str
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class CheckView:
    """What a check found."""

    headers: Sequence[str]
    rows: Sequence[Row]
    rows_left_out: int
    """Rows that are not shown."""
    general: Sequence[Problem]
    """Problems of the sheet as a whole."""
    bad_rows: int
    notes: Sequence[str]
    warnings: Sequence[Problem]
    remedies: Sequence[Remedy]
    total: str
    total_amount: str
    balance: str
    balance_after: str
    spent: str
    budget: str
    short_by: str
    over_budget: str


def check_of(plan: Plan) -> CheckView:
    """Return what a check found; of many rows, those with problems come first."""
    fields = [name for name in plan.sheet.columns if name in ORDER_FIELDS]
    currency, balance = plan.prices.balance.currency, plan.prices.balance.amount
    rows = _rows(plan, fields)
    shown = sorted(sorted(rows, key=lambda row: not row.problems)[:MOST_ROWS], key=lambda row: row.number)
    signs = plan.journal_warnings
    return CheckView(
        [plan.sheet.columns[name].header for name in fields],
        shown,
        len(rows) - len(shown),
        [problem for problem in plan.problems if problem.row is None],
        sum(bool(row.problems) for row in rows),
        [*column_notes(plan), *([plan.repeats] if plan.repeats else []), *signs.warnings],
        plan.warnings[:20],
        _remedies(plan),
        money(plan.total, currency),
        plain(plan.total),
        money(balance, currency),
        money(minus(balance, plan.total), currency),
        money(plan.campaign.spent, currency),
        "" if plan.max_spend is None else money(plan.max_spend, currency),
        money(plan.short_by, currency) if plan.short_by else "",
        money(plan.over_budget, currency) if plan.over_budget else "",
    )


def _rows(plan: Plan, fields: Sequence[str]) -> list[Row]:
    problems: dict[int, list[Problem]] = defaultdict(list)
    for problem in plan.problems:
        if problem.row is not None:
            problems[problem.row].append(problem)
    costs = {item.row.number: item.planned.cost for item in plan.to_send}
    texts = [plan.sheet.texts[name] for name in fields]
    return [
        Row(
            number,
            [
                Cell(name, column[at], any(problem.field == name for problem in problems.get(number, ())))
                for name, column in zip(fields, texts, strict=True)
            ],
            problems.get(number, ()),
            _cost(costs[number]) if number in costs else "",
            number in plan.matching.entries,
        )
        for at, number in enumerate(plan.sheet.rows)
    ]


def _cost(cost: Decimal | None) -> str:
    return _("unknown") if cost is None else plain(cost)


def _remedies(plan: Plan) -> list[Remedy]:
    """Return the answers that the page can take."""
    remedies = () if plan.blocker is None else plan.blocker.remedies
    return [
        Remedy(option, "yes" if value is True else str(value), _answer(option, value))
        for remedy in remedies
        for option, value in remedy.items()
    ]


def _answer(option: str, value: object) -> str:
    words = _(ANSWERS[option])
    return words if value is True else f"{words}: {value}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the orders of a sheet, or of a campaign, are."""

    orders: int
    placed: int
    in_doubt: int
    rejected: int
    waiting: int
    """Not sent, or being sent."""
    complete: int
    final: int

    @property
    def done(self) -> int:
        """How many have an outcome."""
        return self.placed + self.in_doubt + self.rejected


def progress_of(counts: Iterable[Count]) -> Progress:
    """Add up counts."""
    states: dict[State, int] = defaultdict(int)
    complete = final = 0
    for each in counts:
        states[each.state] += each.orders
        if each.state is State.PLACED and each.is_final:
            final += each.orders
            complete += each.orders if each.order_status.lower() in COMPLETE else 0
    return Progress(
        sum(states.values()),
        states[State.PLACED],
        states[State.IN_DOUBT],
        states[State.REJECTED],
        states[State.NOT_SENT] + states[State.SENDING],
        complete,
        final,
    )


@dataclass(frozen=True, slots=True)
class ResultsView:
    """A page of the orders of a sheet."""

    progress: Progress
    entries: Sequence[Entry]
    first: int

    @property
    def before(self) -> int | None:
        """From where the page before this one is; None for none."""
        return max(0, self.first - MOST_ROWS) if self.first else None

    @property
    def after(self) -> int | None:
        """From where the next page is; None for none."""
        return self.first + MOST_ROWS if self.first + MOST_ROWS < self.progress.orders else None
