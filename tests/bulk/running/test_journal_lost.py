"""The journal fails in the middle of a run: what the panel has said must not be lost with it."""

import pytest

from bulk.model.errors import ExitStatus
from bulk.model.options import Options
from bulk.reading import read_sheet
from bulk.running import partitions
from bulk.running import run as runner
from bulk.running.events import RunListener
from smmplus.api.panel import Panel
from smmplus.errors import JournalError
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Outcome
from smmplus.placing.placer import Stop
from tests.panel import SandboxProcess

pytestmark = pytest.mark.e2e


class FailingJournal(Journal):
    """A real journal whose disk is gone when the first outcome is to be written, and stays gone."""

    gone = False

    def commit(self, moves):
        self.gone = self.gone or any(isinstance(move, Outcome) for move in moves)
        return self._unless_gone(super().commit, moves)

    def with_ids(self, ids):
        return self._unless_gone(super().with_ids, ids)

    def _unless_gone(self, method, argument):
        if self.gone:
            raise JournalError("the journal is gone")
        return method(argument)


@pytest.fixture
def run_it(tmp_path):
    sheet = tmp_path / "orders.csv"
    sheet.write_text("service,link,quantity\n1,https://example.com/a,100\n1,https://example.com/b,100\n")
    url = f"sqlite:///{tmp_path / 'journal.sqlite3'}"

    def run(panel, journal_class):
        with journal_class(url) as journal:
            access = Panel(key=panel.key, url=panel.address)
            options = Options(sheet, rate=0, in_flight=1, wait=0)
            return runner.run(options, access, journal, RunListener(agreed=True)), read_sheet(sheet)

    return run


def test_an_order_id_that_the_journal_cannot_take_is_told_and_stands_in_the_sheet(run_it):
    with SandboxProcess() as panel:
        outcome, sheet = run_it(panel, FailingJournal)
        (order,) = panel.orders()
    assert outcome.unrecorded == {2: order["order"]}
    assert outcome.stop is Stop.JOURNAL
    assert outcome.exit_status is ExitStatus.UNFINISHED
    assert sheet.frame.loc[2, "order_id"] == order["order"]


def test_it_waits_in_the_rescue_file_for_the_next_run_which_sends_the_rest(run_it):
    with SandboxProcess() as panel:
        outcome, _ = run_it(panel, FailingJournal)
        assert outcome.rescued[2].exists()
        again, sheet = run_it(panel, Journal)
        first, second = panel.orders()
    assert (again.plan.problems, again.exit_status, again.sent) == ((), ExitStatus.DONE, 1)
    assert list(sheet.frame["order_id"]) == [first["order"], second["order"]]
    assert not outcome.rescued[2].exists()


def test_where_the_file_is_lost_the_next_run_does_not_send_that_row_again(run_it):
    with SandboxProcess() as panel:
        outcome, _ = run_it(panel, FailingJournal)
        outcome.rescued[2].unlink()
        again, _ = run_it(panel, Journal)
        assert len(panel.orders()) == 1
    (problem,) = again.plan.problems
    assert "smmplus resolve" in problem.remedy


def test_an_order_id_of_a_part_is_told_too(tmp_path):
    """Nothing is written into a sheet then, and the machine that has the rescue file may be gone soon."""
    sheet, url = tmp_path / "orders.csv", f"sqlite:///{tmp_path / 'journal.sqlite3'}"
    sheet.write_text("service,link,quantity\n1,https://example.com/a,100\n")
    options, told = Options(sheet, rate=0, in_flight=1, wait=0), RunListener(agreed=True)
    notes: list[str] = []
    told.note = notes.append
    with SandboxProcess() as panel:
        access = Panel(key=panel.key, url=panel.address)
        with Journal(url) as journal:
            (keys,) = partitions.split(options, access, journal, told, size=10).parts
        with FailingJournal(url) as journal:
            partitions.place_part(options, access, journal, keys, told)
        (order,) = panel.orders()
    (words,) = (note for note in notes if f"order {order['order']}" in note)
    assert "could not be recorded in the journal" in words
