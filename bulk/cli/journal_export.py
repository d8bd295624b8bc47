"""All orders of a journal as CSV: exact amounts as text, and no cell that a spreadsheet takes for a formula."""

import csv
import io
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Connection, or_, select

from bulk.model.errors import SheetError
from bulk.writing.csv_editor import escape_formula
from smmplus.journal.backends.sqlite_file import new_file
from smmplus.journal.entry import select_entries
from smmplus.journal.schema import entries, order_ids
from smmplus.orders.models import OrderRequest
from smmplus.texts import _

_AS_THEY_STAND = (
    "cost",
    "order_id",
    "other_order_ids",
    "order_status",
    "charge",
    "currency",
    "start_count",
    "remains",
    "attempt",
    "sent_at",
    "settled_at",
    "polled_at",
    "error",
)
COLUMNS = ("account", "campaign", "key", "source", "state", "service", "link", "quantity", "fields", *_AS_THEY_STAND)
"""`fields` are the order's other form fields, as JSON; `other_order_ids` those that a row was given in excess."""

_PAGE = 1000


def export_csv(connection: Connection, file: Path | None, *, force: bool = False) -> int:
    """Write all orders into a file, whole or not at all, or to standard output; give their number.

    Raises SheetError if the file is there and `force` is not given, or if it cannot be written.
    """
    if file is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # as the file is: what another encoding lacks would be lost
        return _write(connection, sys.stdout)
    if file.exists() and not force:
        raise _taken(file)
    try:
        with new_file(file, replace=force) as made, made.open("x", encoding="utf-8-sig", newline="") as out:
            return _write(connection, out)
    except FileExistsError:
        raise _taken(file) from None
    except OSError as error:
        reason = error.strerror or error
        raise SheetError(_("{path}: cannot be written: {reason}", path=file, reason=reason)) from error


def _taken(file: Path) -> SheetError:
    return SheetError(_("{path} exists already. Use another name, or overwrite it with --force", path=file))


def _write(connection: Connection, out: TextIO) -> int:
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    orders = 0
    for values in _orders(connection):
        writer.writerow([escape_formula(cell) for cell in cells_of(values)])
        orders += 1
    return orders


def cells_of(values: Mapping[str, Any]) -> Iterator[str]:
    """Return an order's cells from its row of the journal. Damaged values are shown as they are."""
    known = {**values, **_content(values["content"])}
    return ("" if known[name] is None else str(known[name]) for name in COLUMNS)


def _content(content: str) -> dict[str, str]:
    try:
        request = OrderRequest.from_content(content)
        left = dict(request.fields)
        return {
            "service": request.service,
            "link": left.pop("link", ""),
            "quantity": left.pop("quantity", ""),
            "fields": json.dumps(left, ensure_ascii=False) if left else "",
        }
    except (ValueError, TypeError):
        return {"service": "", "link": "", "quantity": "", "fields": str(content)}


def _orders(connection: Connection) -> Iterator[dict[str, Any]]:
    others = _other_ids(connection)
    statement = select_entries().order_by(entries.c.id)
    for row in connection.execute(statement, execution_options={"yield_per": _PAGE}):
        values: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 (the documented way to a row's names)
        yield values | {"other_order_ids": " ".join(others.get(values["id"], ()))}


def _other_ids(connection: Connection) -> dict[int, list[str]]:
    """Return the second and later order ids of rows. Each is an alarm, and there are few."""
    statement = (
        select(order_ids.c.entry_id, order_ids.c.order_id)
        .join(entries, entries.c.id == order_ids.c.entry_id)
        .where(or_(entries.c.order_id.is_(None), entries.c.order_id != order_ids.c.order_id))
        .order_by(order_ids.c.entry_id, order_ids.c.order_id)
    )
    found = defaultdict(list)
    for entry_id, order_id in connection.execute(statement):
        found[entry_id].append(order_id)
    return found
