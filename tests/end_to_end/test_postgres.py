"""A run whose journal is in PostgreSQL, when the server fails it in the middle."""

import pytest

from tests.end_to_end.command import Workplace, orders, wait_until
from tests.postgres import server

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("database", ["postgresql"], indirect=True)]


def end_every_connection(workplace: Workplace) -> None:
    """Do to a run what a restart of the server does."""
    name = workplace.postgres.rpartition("/")[2]
    mine = f"datname = '{name}' AND pid <> pg_backend_pid()"
    server().execute(f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE {mine}")  # noqa: S608


def test_a_server_that_restarts_in_the_middle_ends_the_run_and_loses_nothing(workplace: Workplace):
    rows = orders(40)
    sheet = workplace.sheet("restart.csv", rows)
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.3})
    with workplace.start_run(sheet, "--in-flight", "4") as running:
        wait_until(lambda: workplace.ledger.count() >= 6, "six orders in the ledger")
        end_every_connection(workplace)
        done = running.finish()
    workplace.panel.faults()
    assert (done.status, workplace.ledger.count() < 40) == (7, True), done
    assert "alive is lost" in done.said or "terminating connection" in done.said, done
    workplace.assert_books_agree()
    assert workplace.states()["sending"] == 0
    again = workplace.run(sheet)
    doubts = workplace.states()["in_doubt"]
    assert again.status == (4 if doubts else 0), again
    workplace.settle_doubts()
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet, rows)
