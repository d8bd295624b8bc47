"""Order ids that a dead run could only put into its rescue file, on both databases."""

import logging
import os
import subprocess
import sys
from itertools import count

import pytest

from smmplus.errors import JournalError
from smmplus.journal.group_commit import Intent
from smmplus.journal.journal import Journal
from smmplus.journal.rescue_file import LINE, LINES, RescueFile, folder_of, read_lines
from smmplus.journal.state_machine import Event, Outcome, State
from tests.databases import DATABASES, url_of

RUNS_ON = DATABASES

RUN = "0" * 31 + "1"


@pytest.fixture
def rescues(tmp_path):
    return tmp_path / "rescues"


@pytest.fixture
def journal(journal_url, rescues):
    with Journal(journal_url, rescues=rescues) as opened:
        yield opened


def file_in(folder):
    return RescueFile.allocate(folder, "journal", RUN)


def outcome_of(entry, order_id="501", attempt=1):
    return Outcome(entry, attempt, Event.ORDER_ID, order_id)


def rescued(batch, entry, order_id="501"):
    """Let a run send an entry, rescue this order id of it, and end; give the file that it leaves."""
    with Journal(url_of(batch.journal), rescues=batch.journal.rescues) as dead:
        (attempt,) = dead.commit([Intent(entry.id)])
        file = dead.rescue_file()
        file.keep([outcome_of(attempt.entry, order_id, attempt.number)], dead.time())
        file.close()
    return file.path


# The file.


def test_by_default_it_is_beside_the_journals_file(tmp_path):
    path = tmp_path / "journal.sqlite3"
    with Journal(f"sqlite:///{path}") as journal:
        assert journal.rescues == tmp_path / "journal.sqlite3.rescue"


def test_without_a_file_it_is_among_the_users_data(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert folder_of(None, "uuid") == tmp_path / "smmplus" / "rescue" / "uuid"


def test_all_of_it_is_on_disk_from_the_beginning(rescues):
    file = file_in(rescues)
    about = file.path.stat()
    assert about.st_size == LINE * LINES
    assert about.st_blocks * 512 >= about.st_size
    file.close()


def test_it_has_room_for_all_that_can_be_under_way_with_the_longest_ids(rescues):
    file = file_in(rescues)
    file.keep([outcome_of(10**18 + number, f"{number:x>64}") for number in range(256)], "2026-01-01T00:00:00.000+00:00")
    file.close()
    lines, damaged = read_lines(file.path)
    assert (len(lines), damaged, file.path.stat().st_size) == (256, 0, LINE * LINES)


def test_what_is_kept_can_be_read_by_a_person(rescues):
    file = file_in(rescues)
    file.keep([outcome_of(7, "501")], "now")
    file.close()
    text = file.path.read_text()
    assert text.startswith("# Order ids that the journal could not take. The next run records them")
    assert '"entry": 7, "attempt": 1, "order_id": "501", "at": "now"' in text


def test_nothing_but_order_ids_is_kept_and_each_once(rescues):
    file = file_in(rescues)
    refused = Outcome(8, 1, Event.REFUSAL, error="Bad link")
    for _ in range(2):
        file.keep([outcome_of(7), refused], "now")
    assert (file.holds(outcome_of(7)), file.holds(refused)) == (True, False)
    file.close()
    assert [line.entry for line in read_lines(file.path)[0]] == [7]


def test_a_place_is_written_over_once_the_journal_has_its_id(rescues):
    file = file_in(rescues)
    for number in range(3 * LINES):
        file.keep([outcome_of(number)], "now")
        file.forget(outcome_of(number - 1))
    file.close()
    assert file.path.stat().st_size == LINE * LINES
    assert outcome_of(3 * LINES - 1).entry in {line.entry for line in read_lines(file.path)[0]}


def test_what_holds_nothing_that_the_journal_has_not_is_removed(rescues):
    file = file_in(rescues)
    file.keep([outcome_of(7)], "now")
    file.forget(outcome_of(7))
    file.close()
    assert list(rescues.iterdir()) == []


def test_no_room_is_told_and_leaves_nothing(rescues):
    rescues.write_text("a file where the folder should be")
    with pytest.raises(JournalError, match=r"no rescue file can be made in .* Nothing is sent"):
        file_in(rescues)


FULL = """
import resource, signal, sys
from pathlib import Path
from smmplus.errors import JournalError
from smmplus.journal.state_machine import Event, Outcome
from smmplus.journal.rescue_file import LINE, RescueFile
folder = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = RescueFile.allocate(folder, "journal", "0" * 32)
# From here on no file can grow.
resource.setrlimit(resource.RLIMIT_FSIZE, (LINE * 9, LINE * 9))
try:
    RescueFile.allocate(folder, "journal", "0" * 32)
except JournalError as error:
    print(error)
file.keep([Outcome(number, 1, Event.ORDER_ID, "501") for number in range(8)], "now")
print(*(path.name for path in folder.iterdir()))
try:
    file.keep([Outcome(8, 1, Event.ORDER_ID, "501")], "now")
except OSError as error:
    print(error.strerror, file.holds(Outcome(8, 1, Event.ORDER_ID, "501")))
"""


def test_it_needs_no_room_when_it_is_needed(rescues):
    done = subprocess.run([sys.executable, "-c", FULL, rescues], capture_output=True, text=True, check=True)
    refused, left, beyond = done.stdout.splitlines()
    assert "no rescue file can be made" in refused
    assert beyond == "File too large False"
    (path,) = rescues.iterdir()
    assert left == path.name
    assert len(read_lines(path)[0]) == 8


# What the next run makes of it.


def test_a_rescued_id_is_put_on_record_and_the_file_removed(batch, rescues):
    (entry,) = batch.plan()
    rescued(batch, entry)
    assert batch.journal.recover_crashed_runs() == []
    now = batch.now(entry)
    assert (now.state, now.order_id, batch.spent()) == (State.PLACED, "501", 1)
    assert list(rescues.iterdir()) == []


def test_what_was_sent_beside_it_comes_into_doubt(batch):
    entry, other = batch.plan(2)
    with Journal(url_of(batch.journal)) as dead:
        dead.commit([Intent(other.id)])
    rescued(batch, entry)
    assert [recovered.id for recovered in batch.journal.recover_crashed_runs()] == [other.id]
    assert [batch.now(each).state for each in (entry, other)] == [State.PLACED, State.IN_DOUBT]


def test_a_run_that_was_killed_before_it_needed_its_file_leaves_nothing(batch, rescues):
    with Journal(url_of(batch.journal), rescues=rescues) as dead:
        dead.rescue_file()  # and never closes it
    batch.journal.recover_crashed_runs()
    assert list(rescues.iterdir()) == []


def test_an_id_that_comes_late_is_attached_to_its_row(batch):
    """Its row was given up by a process that did not see the file."""
    (entry,) = batch.plan()
    path = rescued(batch, entry)
    hidden = path.rename(path.with_name("hidden"))
    batch.journal.recover_crashed_runs()
    assert batch.now(entry).state is State.IN_DOUBT
    hidden.rename(path)
    batch.journal.recover_crashed_runs()
    assert (batch.now(entry).state, batch.now(entry).order_id) == (State.PLACED, "501")


def test_a_second_id_for_a_row_that_was_sent_again_is_an_alarm(batch, caplog):
    (entry,) = batch.plan()
    path = rescued(batch, entry, "501")
    hidden = path.rename(path.with_name("hidden"))
    batch.journal.recover_crashed_runs()
    batch.rows("UPDATE entries SET sent_at = '2020-01-01T00:00:00.000+00:00'")
    batch.journal.resolve_as_not_placed(batch.now(entry), why="looked")
    batch.settle(batch.intend(entry), Event.ORDER_ID, "502")
    hidden.rename(path)
    batch.journal.recover_crashed_runs()
    assert "ALARM: spring/" in caplog.text
    assert "two orders for one row: 502 and 501" in caplog.text
    assert batch.now(entry).error == "two orders for one row: 502 and 501"
    assert sorted(batch.rows("SELECT order_id FROM order_ids")) == [("501",), ("502",)]
    assert not path.exists()


def test_an_id_that_is_another_rows_is_told(batch, caplog):
    batch.accepted("501")
    (entry,) = batch.plan()
    rescued(batch, entry, "501")
    batch.journal.recover_crashed_runs()
    assert "order 501, which already belongs to another row" in caplog.text
    assert batch.now(entry).state is State.IN_DOUBT


def test_killed_between_the_commit_and_the_removal_it_does_no_harm(batch, monkeypatch):
    (entry,) = batch.plan()
    path = rescued(batch, entry)
    content = path.read_bytes()
    batch.journal.recover_crashed_runs()
    before = (
        batch.rows("SELECT * FROM entries"),
        batch.rows("SELECT * FROM order_ids"),
        batch.rows("SELECT * FROM notes"),
    )
    path.write_bytes(content)
    batch.journal.recover_crashed_runs()
    assert before == (
        batch.rows("SELECT * FROM entries"), batch.rows("SELECT * FROM order_ids"), batch.rows("SELECT * FROM notes")
    )  # fmt: skip
    assert not path.exists()


def test_while_the_journal_still_fails_the_file_stays(batch):
    (entry,) = batch.plan()
    path = rescued(batch, entry)
    content = path.read_bytes()
    batch.fill_the_disk()
    with pytest.raises(JournalError, match="the disk is full"):
        batch.journal.recover_crashed_runs()
    assert path.read_bytes() == content


def test_the_file_of_a_live_run_is_left_alone(batch, rescues):
    (entry,) = batch.plan()
    with Journal(url_of(batch.journal), rescues=rescues) as alive:
        (attempt,) = alive.commit([Intent(entry.id)])
        file = alive.rescue_file()
        file.keep([outcome_of(attempt.entry)], alive.time())
        batch.journal.recover_crashed_runs()
        assert (batch.now(entry).state, file.path.exists()) == (State.SENDING, True)
        file.close()


def test_several_files_are_taken_up_together(batch, rescues):
    entries = batch.plan(3)
    for entry, number in zip(entries, count(501), strict=False):
        rescued(batch, entry, str(number))
    batch.journal.recover_crashed_runs()
    assert [batch.now(entry).order_id for entry in entries] == ["501", "502", "503"]


# What stays, and is told.


def damage(path, place, data):
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


@pytest.mark.parametrize(
    ("place", "data"),
    [(LINE + 200, b"9"), (LINE, b"\0" * 9), (2 * LINE, b"half a li"), (3 * LINE, os.urandom(LINE))],
    ids=["a digit", "its beginning", "a torn line beside it", "a sector of noise"],
)
def test_a_damaged_line_keeps_the_file_and_is_told(batch, caplog, place, data):
    (entry,) = batch.plan()
    path = rescued(batch, entry)
    damage(path, place, data)
    batch.journal.recover_crashed_runs()
    whole = place > 2 * LINE - 1
    assert batch.now(entry).state is (State.PLACED if whole else State.IN_DOUBT)
    assert path.exists()
    assert f"the rescue file {path} is kept: 1 of its lines cannot be read" in caplog.text


def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(batch, caplog):
    (entry,) = batch.plan()
    path = rescued(batch, entry)
    os.truncate(path, LINE + 100)
    batch.journal.recover_crashed_runs()
    assert (path.exists(), "1 of its lines cannot be read" in caplog.text) == (True, True)


def test_another_journals_file_stays_and_is_told(batch, caplog, tmp_path):
    (entry,) = batch.plan()
    path = rescued(batch, entry)
    with Journal(f"sqlite:///{tmp_path / 'other.sqlite3'}", rescues=path.parent) as other:
        other.recover_crashed_runs()
    assert path.exists()
    assert "order 501" in caplog.text
    assert "does not belong to this journal" in caplog.text
    batch.journal.recover_crashed_runs()
    assert (batch.now(entry).order_id, path.exists()) == ("501", False)


def test_a_journal_from_a_backup_does_not_give_the_id_to_whoever_has_the_rows_number_now(batch, caplog):
    """It knows the run, and has an entry of this number: of another row, sent by another run."""
    (entry,) = batch.plan()
    path = rescued(batch, entry)
    batch.journal.begin_run()
    batch.rows("UPDATE entries SET run_id = (SELECT max(id) FROM runs WHERE id != run_id)")
    batch.journal.recover_crashed_runs()
    assert (batch.now(entry).order_id, path.exists()) == (None, True)
    assert "does not belong to this journal" in caplog.text


def test_a_journal_from_a_backup_that_never_heard_of_the_sending_does_not_take_it_up(batch, caplog):
    (entry,) = batch.plan()
    path = rescued(batch, entry)
    batch.rows("UPDATE entries SET state = 'not_sent', attempt = 0, run_id = NULL")
    batch.journal.recover_crashed_runs()
    assert (batch.now(entry).state, path.exists()) == (State.NOT_SENT, True)


def test_a_file_that_nobody_may_read_is_told(batch, caplog):
    (entry,) = batch.plan()
    path = rescued(batch, entry)
    path.unlink()
    path.mkdir()  # for root may read every file
    batch.journal.recover_crashed_runs()
    assert f"the rescue file {path} may hold order ids, and cannot be read" in caplog.text
    assert batch.now(entry).state is State.IN_DOUBT


def test_a_folder_that_cannot_be_looked_into_is_told(batch, rescues, caplog):
    rescues.write_text("")
    assert batch.journal.recover_crashed_runs() == []
    assert f"the rescue files in {rescues} cannot be listed" in caplog.text


def test_other_files_in_the_folder_are_nobodys_affair(batch, rescues, caplog):
    rescues.mkdir()
    (rescues / ".DS_Store").write_text("?")
    batch.journal.recover_crashed_runs()
    assert (caplog.text, [path.name for path in rescues.iterdir()]) == ("", [".DS_Store"])


def test_what_was_taken_up_is_told_once(batch, caplog):
    caplog.set_level(logging.INFO)
    (entry,) = batch.plan()
    path = rescued(batch, entry)
    batch.journal.recover_crashed_runs()
    batch.journal.recover_crashed_runs()
    assert caplog.messages == [f"order ids from the rescue file {path} were recorded: 501"]
