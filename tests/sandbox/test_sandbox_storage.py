import json
from decimal import Decimal

import pytest

from smmplus.sandbox import storage
from smmplus.sandbox.catalogue import CatalogueError, parse_catalogue
from smmplus.sandbox.storage import Clock, LineFile, StorageError, entry_of, parse_entry


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.jsonl"


@pytest.fixture
def line_file(path):
    file = LineFile(path)
    yield file
    file.close()


def test_lines_are_read_as_they_were_written(line_file):
    line_file.append([{"a": 1}, {"b": Decimal("0.50")}])
    assert list(line_file.read()) == [{"a": 1}, {"b": "0.50"}]


def test_a_torn_last_line_is_cut_off(path, line_file):
    path.write_text('{"a":1}\n{"b":')
    assert list(line_file.read()) == [{"a": 1}]
    line_file.append([{"c": 3}])
    assert path.read_text() == '{"a":1}\n{"c":3}\n'


@pytest.mark.parametrize("content", ['{"a":1}\n{"b":\n{"c":3}\n', "[1]\n", "service,link\n1,x", "text"])
def test_any_other_broken_line_is_an_error_and_stays(path, line_file, content):
    path.write_text(content)
    with pytest.raises(StorageError):
        list(line_file.read())
    assert path.read_text() == content


def test_a_file_has_one_writer(path, line_file):
    with pytest.raises(StorageError, match="in use by another sandbox"):
        LineFile(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(StorageError, match="directory"):
        LineFile(tmp_path)


@pytest.mark.parametrize("entry", [{}, {"event": "what"}, {"event": "cancel"}, {"event": "order", "order": "1"},
                                   {"event": "balance", "account": "a", "balance": "x", "at": 0}])  # fmt: skip
def test_an_entry_of_another_kind_is_an_error(entry):
    with pytest.raises(StorageError):
        parse_entry(entry)


def test_the_clock_is_stored_whole():
    clock = Clock(1.5, 2.25, 600.0)
    assert parse_entry(json.loads(json.dumps(entry_of(clock)))) == clock


def test_the_clock_runs_at_its_speed():
    assert Clock(100.0, 5000.0, 60.0).now(101.5) == 5090.0


def test_the_clock_does_not_go_back():
    clock = Clock(100.0, 5000.0, 60.0)
    assert clock.now(50.0) == 5000.0
    assert clock.not_before(6000.0).now(100.0) == 6000.0
    assert clock.not_before(4000.0) == clock


def test_another_speed_goes_on_from_here():
    assert Clock(100.0, 5000.0, 60.0).at_speed(101.0, 2.0).now(102.0) == 5062.0


def test_the_ledger_names_the_account_and_what_was_ordered(batch):
    order = batch.order(quantity=100, runs=3, interval=60)
    entry = storage.entry(batch.state.orders[order])
    assert entry == {
        "order": order,
        "key": "sandbox",
        "service": "1",
        "type": "Default",
        "link": "https://instagram.com/someone",
        "quantity": 300,
        "fields": {"service": "1", "link": "https://instagram.com/someone", "quantity": "100", "runs": "3",
                   "interval": "60"},
        "charge": "0.27",
        "time": "1970-01-01T00:00:00+00:00",
    }  # fmt: skip


def test_the_ledger_keeps_the_charge_and_tells_the_refund(batch):
    order = batch.order(service=22)
    batch.balance(1200)
    entry = storage.live_entry(batch.state, batch.state.orders[order], 1200)
    assert (entry["charge"], entry["refunded"], entry["status"], entry["remains"]) == ("0.5", "0.2", "Partial", 400)


def test_a_ledger_file_catches_up_with_orders_it_lacks(batch, line_file):
    first, second = batch.order(), batch.order()
    storage.append(line_file, [batch.state.orders[first]])
    storage.catch_up(line_file, batch.state.orders)
    assert [line["order"] for line in line_file.read()] == [first, second]


def test_a_ledger_of_another_state_is_an_error(batch, line_file):
    storage.append(line_file, [batch.state.orders[batch.order()]])
    with pytest.raises(StorageError, match="does not know"):
        storage.catch_up(line_file, {})


SERVICE = {"service": 1, "name": "A", "type": "Default", "category": "B", "rate": "0.90", "min": 1, "max": "10"}


def test_a_catalogue_is_read():
    service = parse_catalogue([SERVICE])["1"]
    assert (service.rate, service.min, service.max, service.fate) == (Decimal("0.90"), 1, 10, "completed")


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ({}, "must be a list of services"),
        ([], "must be a list of services"),
        ([1], "number 1 is not an object"),
        ([{"service": 1}], "number 1 lacks name"),
        ([SERVICE, SERVICE], "Service 1 is listed twice"),
        ([{**SERVICE, "rate": 0.9}], "rate cannot be 0.9"),
        ([{**SERVICE, "type": "Nothing"}], "no order type 'Nothing'"),
        ([{**SERVICE, "max": 0}], "1 <= min <= max"),
        ([{**SERVICE, "colour": "red"}], "unknown field 'colour'"),
        ([{**SERVICE, "fate": "lost"}], "fate cannot be 'lost'"),
    ],
)
def test_a_wrong_catalogue_is_a_clear_error(entries, error):
    with pytest.raises(CatalogueError, match=error):
        parse_catalogue(entries)
