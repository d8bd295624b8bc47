"""What must hold between a journal, a sheet and the panel's ledger, whatever failed on the way.

::

    books = read_books(f"sqlite:///{path}")
    assert broken(books, ledger) == []            # at any moment at which no process is sending
    assert broken_when_settled(books, ledger) == []    # once nobody doubts any more: equality
    assert broken_in_sheet(books, rows) == []     # rows as `tests.end_to_end.command.read_rows` gives them

A ledger is a list of the sandbox's orders (`SandboxProcess.orders`), those of the journal's account alone. The journal
is read past the program, with SQL of its own. Each function gives the broken ones in words; none where all hold.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, text

from tests.end_to_end.command import RESULTS, number_of

Content = tuple[str, tuple[tuple[str, str], ...]]
"""What is ordered: the service, and every other field by name."""

Order = Mapping[str, Any]

OPEN = ("sending", "in_doubt")
"""It may be at the panel or not; what a dead process left as sending is as doubtful as what is called in doubt."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the journal, as far as the invariants speak of it."""

    number: int
    campaign: str
    content: Content
    state: str
    attempt: int
    cost: Decimal
    order: str | None
    """The number of its order; an id may be written in hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Books:
    """A journal of one account as it stands."""

    lines: Mapping[int, Line]
    orders: Mapping[str, int]
    """Number of an order -> entry, from the table of all ids that the panel ever gave."""
    spent: Mapping[str, Decimal]
    """Campaign -> what it counts as spent."""
    budgets: Mapping[str, Decimal]
    """Campaign -> its bound, for those that have one."""
    alarmed: frozenset[int]
    """Entries that a person was told of."""

    def of_state(self, *states: str) -> list[Line]:
        """Give the entries in some states."""
        return [line for line in self.lines.values() if line.state in states]


def past_the_program(url: str) -> Engine:
    """Open a journal's database, SQLite or PostgreSQL, without the program."""
    if url.startswith("sqlite"):
        return create_engine(url, poolclass=NullPool)
    options = {"options": "-c search_path=smmplus"}
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool, connect_args=options
    )


def read_books(url: str) -> Books:
    """Read a journal, past the program."""
    engine = past_the_program(url)
    with engine.connect() as database:
        campaigns = database.execute(text("SELECT id, name, spent, budget FROM campaigns")).all()
        entries = database.execute(text("SELECT * FROM entries ORDER BY id")).all()
        ids = database.execute(text("SELECT order_id, entry_id FROM order_ids")).all()
        alarms = database.execute(text("SELECT entry_id FROM notes WHERE what = 'alarm'")).all()
    engine.dispose()
    names = {campaign.id: campaign.name for campaign in campaigns}
    return Books(
        {entry.id: _line(entry, names) for entry in entries},
        {number_of(known.order_id): known.entry_id for known in ids},
        {campaign.name: Decimal(campaign.spent) for campaign in campaigns},
        {campaign.name: Decimal(campaign.budget) for campaign in campaigns if campaign.budget is not None},
        frozenset(alarm.entry_id for alarm in alarms),
    )


def _line(entry: Any, names: Mapping[int, str]) -> Line:
    _, service, fields = json.loads(entry.content)
    return Line(
        entry.id,
        names[entry.campaign_id],
        (service, tuple((name, value) for name, value in fields)),
        entry.state,
        entry.attempt,
        Decimal(entry.cost or 0),
        entry.order_id and number_of(entry.order_id),
    )


def content_of(order: Order) -> Content:
    """Give what an order of the ledger is for."""
    fields = {name: value for name, value in order["fields"].items() if name != "service"}
    return order["service"], tuple(sorted(fields.items()))


def content_of_row(row: Mapping[str, str]) -> Content:
    """Give what a row of a sheet orders."""
    fields = {name: value for name, value in row.items() if value and name not in {*RESULTS, "service"}}
    return row["service"], tuple(sorted(fields.items()))


def broken(books: Books, ledger: Sequence[Order]) -> list[str]:
    """Find what is broken while some orders may be in doubt: accepted <= ledger <= accepted + doubt, and the rest."""
    return [
        *_known_orders(books, ledger),
        *_unknown_orders(books, ledger),
        *_money(books, ledger),
        *_books_in_themselves(books),
    ]


def broken_when_settled(books: Books, ledger: Sequence[Order]) -> list[str]:
    """Find what is broken once every doubt is settled: journal and ledger are equal, in orders and in money."""
    found = [f"entry {line.number} is still {line.state}" for line in books.of_state(*OPEN)]
    accepted, charged = books.of_state("placed"), _charged(ledger)
    if len(accepted) != len(ledger):
        found.append(f"{len(accepted)} entries are accepted, and {len(ledger)} orders were placed")
    if (costs := sum(line.cost for line in accepted)) != charged:
        found.append(f"the accepted entries cost {costs}, and {charged} was charged")
    return [*broken(books, ledger), *found]


def broken_in_sheet(books: Books, rows: Iterable[Mapping[str, str]]) -> list[str]:
    """Find ids in a sheet that the journal does not know, that stand in two rows, or at what they did not order."""
    found, seen = [], Counter[str]()
    in_the_air = {line.content for line in books.of_state(*OPEN)}
    for row in rows:
        if not row["order_id"]:
            continue
        order = number_of(row["order_id"])
        entry = books.orders.get(order)
        # At a row that was changed since, the ID is wrong, and an equal row may be that order.
        seen[order] += entry is None or books.lines[entry].content == content_of_row(row)
        if entry is None and content_of_row(row) not in in_the_air:
            found.append(f"the sheet carries order {order}, which the journal does not know")
        if entry is not None and books.lines[entry].content != content_of_row(row):
            found.append(f"order {order} stands at a row that orders something else")
    return found + [f"order {order} stands in {times} rows" for order, times in seen.items() if times > 1]


def _known_orders(books: Books, ledger: Sequence[Order]) -> list[str]:
    placed = {order["order"]: order for order in ledger}
    found = []
    for number, entry in books.orders.items():
        line, order = books.lines[entry], placed.get(number)
        if order is None:
            found.append(f"the journal knows order {number}, which the panel never took")
        elif content_of(order) != line.content:
            found.append(f"order {number} is for {content_of(order)}, and its entry for {line.content}")
        elif line.order == number and Decimal(order["charge"]) != line.cost:
            found.append(f"order {number} was charged {order['charge']}, and its entry says {line.cost}")
    return found


def _unknown_orders(books: Books, ledger: Sequence[Order]) -> list[str]:
    """Every order whose id the journal has not must be one that it counts as open, at the price that it expects."""
    charges: dict[Content, Counter[Decimal]] = defaultdict(Counter)
    for order in ledger:
        if order["order"] not in books.orders:
            charges[content_of(order)][Decimal(order["charge"])] += 1
    costs: dict[Content, Counter[Decimal]] = defaultdict(Counter)
    for line in books.of_state(*OPEN):
        costs[line.content][line.cost] += 1
    lost = {content: unknown - costs[content] for content, unknown in charges.items()}
    return [
        f"{count} orders for {content} at {charge} are in no journal, and no entry is in doubt for them"
        for content, unknown in lost.items()
        for charge, count in unknown.items()
    ]


def _money(books: Books, ledger: Sequence[Order]) -> list[str]:
    least = sum(line.cost for line in books.of_state("placed"))
    most = least + sum(line.cost for line in books.of_state(*OPEN))
    charged = _charged(ledger)
    return [] if least <= charged <= most else [f"{charged} was charged, which is not within {least} and {most}"]


def _books_in_themselves(books: Books) -> list[str]:
    found = [
        f"entry {line.number} is accepted, and its order {line.order} is not in the table of ids"
        for line in books.of_state("placed")
        if line.order is None or books.orders.get(line.order) != line.number
    ]
    times = Counter(books.orders.values())
    found += [
        f"entry {entry} has {count} orders, and nobody was told"
        for entry, count in times.items()
        if count > 1 and entry not in books.alarmed
    ]
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in books.of_state("placed", *OPEN):
        sums[line.campaign] += line.cost
    found += [
        f"campaign {name} says that {spent} is spent, and its entries come to {sums[name]}"
        for name, spent in books.spent.items()
        if spent != sums[name]
    ]
    return found


def _charged(ledger: Sequence[Order]) -> Decimal:
    return sum((Decimal(order["charge"]) for order in ledger), Decimal(0))
