"""All orders as CSV: exact, whole, and no formulas."""

import csv
import tracemalloc
from decimal import Decimal

import pytest

from bulk.cli.journal_export import COLUMNS, cells_of, export_csv
from bulk.model.errors import SheetError
from smmplus.journal.entry import Planned, key_of
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event
from smmplus.orders.models import OrderRequest
from tests.smmplus.batches import Batch, request_for

pytestmark = pytest.mark.slow


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_amounts_texts_and_second_order_ids_are_exact(journal, tmp_path):
    batch = Batch(journal, source="=cmd|'/c calc'!A1", campaign="-1+2")
    comments = '=HYPERLINK(1)\n@all, "wow" — bagus'
    (entry,) = batch.plan(cost="0.00000000000000000001", request=request_for("+62", comments=comments))
    attempt = batch.intend(entry)
    batch.settle(attempt, Event.DOUBT, error="@lost")
    batch.settle(attempt, Event.ORDER_ID, "12345678901234567890")
    batch.settle(attempt, Event.ORDER_ID, "12345678901234567891")
    with journal.reading() as connection:
        assert export_csv(connection, tmp_path / "a.csv") == 1
    (row,) = rows_of(tmp_path / "a.csv")
    assert tuple(row) == COLUMNS
    assert Decimal(row["cost"]) == Decimal("0.00000000000000000001")
    assert (row["order_id"], row["other_order_ids"]) == ("12345678901234567890", "12345678901234567891")
    assert (row["source"], row["campaign"]) == ("'=cmd|'/c calc'!A1", "'-1+2")
    assert row["link"] == "'+62"
    assert row["fields"] == '{"comments": "=HYPERLINK(1)\\n@all, \\"wow\\" — bagus"}'
    assert not any(cell.startswith(("=", "+", "@", "-")) for cell in row.values())


def test_an_order_whose_content_is_damaged_is_exported_as_it_stands(journal):
    batch = Batch(journal)
    batch.accepted()
    with journal.reading() as connection:
        values = dict(connection.exec_driver_sql("SELECT * FROM entries").one()._mapping)
    about = {"account": "a", "campaign": "c", "source": "s", "other_order_ids": ""}
    cells = dict(zip(COLUMNS, cells_of(values | about | {"content": "[torn"}), strict=True))
    assert (cells["fields"], cells["link"], cells["order_id"]) == ("[torn", "", "501")


def test_a_file_that_is_there_is_not_written_over_unless_told_so(journal, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("dear")
    with journal.reading() as connection:
        with pytest.raises(SheetError, match="--force"):
            export_csv(connection, path)
        assert path.read_text() == "dear"
        export_csv(connection, path, force=True)
    assert path.read_text("utf-8-sig").startswith("account,")
    assert [item.name for item in tmp_path.iterdir() if "a.csv" in item.name] == ["a.csv"]


def test_what_fails_in_the_middle_leaves_nothing(journal, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bulk.cli.journal_export._write", full)
    with journal.reading() as connection, pytest.raises(SheetError, match="No space left"):
        export_csv(connection, tmp_path / "a.csv")
    assert [item.name for item in tmp_path.iterdir() if "a.csv" in item.name] == []


def test_a_file_that_comes_meanwhile_stays(journal, tmp_path, monkeypatch):
    def slow(*_):
        (tmp_path / "a.csv").write_text("dear")
        return 0

    monkeypatch.setattr("bulk.cli.journal_export._write", slow)
    with journal.reading() as connection, pytest.raises(SheetError, match="exists already"):
        export_csv(connection, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "dear"


def test_ten_times_the_orders_take_no_more_memory(tmp_path):
    peaks = []
    for orders in (1_000, 10_000):
        with Journal(f"sqlite:///{tmp_path / str(orders)}") as journal:
            batch = Batch(journal)
            requests = [OrderRequest.of(2, {"link": f"https://example.com/{number}"}) for number in range(orders)]
            planned = [Planned(key_of(request, 1), request, Decimal(1)) for request in requests]
            journal.plan(batch.campaign, batch.id, planned, {})
            with journal.reading() as connection:
                export_csv(connection, tmp_path / "warm.csv", force=True)
                tracemalloc.start()
                export_csv(connection, tmp_path / "a.csv", force=True)
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]
