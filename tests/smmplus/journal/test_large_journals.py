"""What a look-up costs does not grow with the journal. Counted in steps of SQLite's machine: no clock is asked."""

import pytest

from smmplus.journal.journal import Journal
from tests.smmplus.batches import Batch, request_for

pytestmark = pytest.mark.slow


def many(one):
    """Ask for as many as one query takes, most of them unknown: that is what makes SQLite think of another way."""
    return [one, *map(str, range(499))]


LOOK_UPS = {
    "with_fingerprints": lambda batch, entry: batch.journal.with_fingerprints(batch.account, many(entry.fingerprint)),
    "with_order_ids": lambda batch, entry: batch.journal.with_order_ids(batch.account, many(entry.order_id)),
    "with_keys": lambda batch, entry: batch.journal.with_keys(batch.campaign, many(entry.key)),
    "with_ids": lambda batch, entry: batch.journal.with_ids([entry.id]),
    "in_doubt": lambda batch, _entry: batch.journal.in_doubt(),
}

PER_CALL = 100
"""Steps between two calls of the progress handler."""


def steps(batch, look_up):
    """Count SQLite's steps while a look-up runs."""
    counted = []
    with batch.journal.reading() as connection:
        database = connection.connection.dbapi_connection
    database.set_progress_handler(lambda: counted.append(None), PER_CALL)  # the pool gives the same one again
    look_up()
    database.set_progress_handler(None, PER_CALL)
    return len(counted) * PER_CALL


@pytest.mark.parametrize("name", LOOK_UPS)
def test_a_look_up_among_2000_orders_costs_as_much_as_among_20(tmp_path, name):
    counted = []
    for others in (20, 2000):
        with Journal(f"sqlite:///{tmp_path / str(others)}") as journal:
            batch = Batch(journal)
            batch.plan(others, request=request_for(link="https://example.com/other"))
            entry = batch.accepted()
            assert LOOK_UPS[name](batch, entry) or name == "in_doubt"
            counted.append(steps(batch, lambda batch=batch, entry=entry: LOOK_UPS[name](batch, entry)))
    few, many = counted
    assert many <= few + 500
