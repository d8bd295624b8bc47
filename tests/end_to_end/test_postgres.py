"""A run whose journal is in PostgreSQL, when the server fails it in the middle."""

import pytest

from tests.end_to_end.command import Desk, orders, wait_until
from tests.postgres import server

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("database", ["postgresql"], indirect=True)]


def end_every_connection(desk: Desk) -> None:
    """Do to a run what a restart of the server does."""
    name = desk.postgres.rpartition("/")[2]
    mine = f"datname = '{name}' AND pid <> pg_backend_pid()"
    server().execute(f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE {mine}")  # noqa: S608


def test_a_server_that_restarts_in_the_middle_ends_the_run_and_loses_nothing(desk: Desk):
    rows = orders(40)
    sheet = desk.sheet("restart.csv", rows)
    desk.panel.faults({"fault": "latency", "action": "add", "seconds": 0.3})
    with desk.start_run(sheet, "--in-flight", "4") as running:
        wait_until(lambda: desk.ledger.count() >= 6, "six orders in the ledger")
        end_every_connection(desk)
        done = running.finish()
    desk.panel.faults()
    assert (done.status, desk.ledger.count() < 40) == (7, True), done
    assert "alive is lost" in done.said or "terminating connection" in done.said, done
    desk.assert_books_agree()
    assert desk.states()["submitting"] == 0
    again = desk.run(sheet)
    doubts = desk.states()["in_doubt"]
    assert again.status == (4 if doubts else 0), again
    desk.settle_doubts()
    assert desk.run(sheet).status == 0
    desk.assert_each_row_once(sheet, rows)
