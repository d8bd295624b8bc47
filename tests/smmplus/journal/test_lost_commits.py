"""A journal that lacks commits of which its runs left traces, on both databases."""

import os
import shutil
import subprocess
import sys

import pytest

from smmplus.errors import JournalError, JournalInUseError
from smmplus.journal import metadata
from smmplus.journal.backends import run_traces
from smmplus.journal.backends.run_traces import Trace
from smmplus.journal.journal import Journal
from smmplus.journal.lost_commits import contradictions, why_lost
from smmplus.journal.maintenance.restore import backup_of
from smmplus.journal.state_machine import Event, State
from tests.databases import DATABASES, on_sqlite, url_of
from tests.smmplus.batches import Batch

pytestmark = pytest.mark.slow

RUNS_ON = DATABASES

TRACE = Trace("a journal", "0" * 31 + "1", "", "", 7, "host", "user", "2026-01-01T12:00:00.000+00:00", 5)


@pytest.mark.parametrize(
    ("commits", "known", "journal", "lacks"),
    [(5, True, 5, False), (5, True, 6, False), (5, True, 4, True), (5, False, 9, True), (0, False, 0, False)],
)
def test_a_journal_lacks_a_run_or_a_commit(commits, known, journal, lacks):
    trace = Trace(**{name: getattr(TRACE, name) for name in TRACE.__slots__} | {"commits": commits})
    assert bool(list(contradictions([trace], {TRACE.run} if known else set(), journal))) is lacks


@pytest.fixture
def behind(batch):
    """Give the URL of a journal whose number of commits was set back, as an older copy's is."""
    batch.accepted()
    (planned,) = batch.plan()
    url = url_of(batch.journal)
    batch.journal.close()
    batch.rows("UPDATE meta SET value = '1' WHERE name = 'commits'")
    return url, planned, batch


def test_what_it_holds_unsent_is_in_doubt_and_it_is_another_journal(behind, caplog):
    url, planned, batch = behind
    ((before,),) = batch.rows("SELECT value FROM meta WHERE name = 'uuid'")
    with Journal(url) as journal:
        assert journal.with_ids([planned.id])[planned.id].state is State.IN_DOUBT
        assert journal.uuid != before
        assert backup_of(journal).lost.startswith("it lacks the last commits of the run of process")
        assert journal.in_doubt()[0].error.startswith("the journal lost what was written into it after")
    assert "1 unsent orders are in doubt" in caplog.text


def test_the_same_loss_is_noticed_once(behind, caplog):
    url, _, _ = behind
    with Journal(url) as first:
        uuid = first.uuid
        first.begin_run()
    caplog.clear()
    with Journal(url) as second:
        assert (second.uuid, caplog.text) == (uuid, "")


def test_two_that_open_it_at_once_make_it_another_once(behind):
    url, _, batch = behind
    code = f"from smmplus.journal.journal import Journal\nprint(Journal({url!r}).uuid)"
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate() for process in both]
    ((uuid,),) = batch.rows("SELECT value FROM meta WHERE name = 'uuid'")
    assert {out.strip() for out, _ in said} == {uuid}, said
    assert sum("has lost" in err for _, err in said) == 1


def test_a_journal_that_lacks_what_a_live_run_did_is_refused_and_named(batch):
    batch.accepted()
    batch.rows("UPDATE meta SET value = '1' WHERE name = 'commits'")
    with pytest.raises(JournalInUseError, match=f"process {os.getpid()} on .* is placing orders"):
        Journal(url_of(batch.journal))


def test_a_run_that_finds_its_last_commit_gone_sends_nothing_more(batch):
    first, second = batch.plan(2)
    batch.intend(first)
    batch.rows("UPDATE meta SET value = '1' WHERE name = 'commits'")
    with pytest.raises(JournalError, match="replaced by an older copy"):
        batch.intend(second)
    assert batch.now(second).state is State.NOT_SENT


def test_runs_that_end_well_and_others_beside_them_are_no_loss(batch, caplog):
    with Journal(url_of(batch.journal)) as other:
        batch.settle(batch.intend(batch.plan()[0]), Event.ORDER_ID, "501")
        other.begin_run()
        batch.settle(batch.intend(batch.plan()[0]), Event.ORDER_ID, "502")
    batch.journal.close()
    with Journal(url_of(batch.journal)) as again:
        again.begin_run()
    with Journal(url_of(batch.journal)) as last:
        assert backup_of(last) is None
    assert caplog.text == ""


@on_sqlite
def test_a_torn_trace_counts_for_nothing_and_one_without_commits_neither(batch, tmp_path):
    batch.accepted()
    batch.journal.close()
    folder = run_traces.beside(tmp_path / "journal.sqlite3")
    (kept,) = folder.iterdir()
    (folder / ("0" * 32)).write_bytes(b"")
    (folder / ("1" * 32)).write_bytes(kept.read_bytes()[:40])
    (folder / ("2" * 32)).write_bytes(b"0" * 20 + kept.read_bytes()[20:].replace(kept.name.encode(), b"2" * 32))
    with Journal(url_of(batch.journal)) as journal:
        assert backup_of(journal) is None
        journal.begin_run()
        assert not (folder / kept.name).exists()  # the new run's trace says as much


@on_sqlite
def test_without_room_for_a_trace_no_run_begins(batch, tmp_path):
    run_traces.beside(tmp_path / "journal.sqlite3").write_text("")
    with pytest.raises(JournalError, match="cannot write to"):
        batch.journal.begin_run()
    assert batch.rows("SELECT count(*) FROM runs") == [(0,)]


@on_sqlite
def test_a_user_without_a_folder_of_their_own_has_the_trace_next_to_the_journal(batch, tmp_path, monkeypatch):
    (tmp_path / "state").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Journal(f"sqlite:///{tmp_path / 'other.sqlite3'}") as journal:
        assert Batch(journal).accepted().state is State.PLACED
    assert len(list(run_traces.beside(tmp_path / "other.sqlite3").iterdir())) == 1


@on_sqlite
def test_a_check_shows_it_and_changes_nothing(behind, tmp_path):
    url, _, batch = behind
    assert why_lost(url).startswith("it lacks the last commits")
    assert batch.rows("SELECT value FROM meta WHERE name = 'commits'") == [("1",)]
    with Journal(url):
        assert why_lost(url) == ""


@on_sqlite
def test_a_copy_of_the_file_alone_made_under_a_run_lacks_what_may_have_come_after(batch, tmp_path):
    batch.journal.begin_run()
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(tmp_path / "journal.sqlite3", tmp_path / "elsewhere")
    with Journal(f"sqlite:///{tmp_path / 'elsewhere' / 'journal.sqlite3'}") as copy:
        assert (
            backup_of(copy).lost
            == "a run died while it had the journal open, and the files that belong next to the journal are gone"
        )
        with copy.reading() as connection:
            assert metadata.opens(metadata.read(connection)) == set()
