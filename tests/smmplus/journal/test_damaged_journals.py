"""Damaged, torn, emptied and foreign files: none is changed, none is taken for a new journal, all are told in words."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import gettempdir

import pytest

from smmplus.errors import JournalError
from smmplus.journal.backends import sqlite, sqlite_file
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event, State
from tests.smmplus.batches import Batch, request_for

pytestmark = pytest.mark.slow


def url_of(path):
    return f"sqlite:///{path}"


def ledger_in(path, orders):
    """Make a journal with orders in every state, and give its entries."""
    with Journal(url_of(path)) as journal:
        batch = Batch(journal)
        for number in range(orders):
            (entry,) = batch.plan(request=request_for(f"https://example.com/{number}"), cost=f"0.{number + 1:04}")
            ends = (None, Event.ORDER_ID, Event.ORDER_ID, Event.ORDER_ID, Event.DOUBT, Event.REFUSAL)[number % 6]
            if ends:
                batch.settle(batch.intend(entry), ends, str(70_000 + number) if ends is Event.ORDER_ID else None)
        return {entry.id: entry for entry in journal.of_batch(batch.id)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "journal.sqlite3"
    return path, ledger_in(path, 60)


@pytest.fixture
def copy(whole, tmp_path):
    path = tmp_path / "journal.sqlite3"
    shutil.copy(whole[0], path)
    return path


def refused(path, words):
    """Open a journal that must be refused with these words, and see that nothing of the file is changed."""
    before = path.read_bytes()
    with pytest.raises(JournalError, match=words) as caught:
        Journal(url_of(path))
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_a_file_of_another_program_is_refused_and_not_changed(tmp_path):
    path = tmp_path / "photos.sqlite3"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE photos (id INTEGER)")
        other.commit()
    refused(path, "another program's database, and no journal")
    assert [item.name for item in tmp_path.iterdir()] == ["photos.sqlite3"]


def test_an_empty_file_becomes_no_new_journal(tmp_path):
    path = tmp_path / "journal.sqlite3"
    path.touch()
    refused(path, "the file is empty, and a journal never is.*Keep this file.*smmplus journal restore")


def test_a_database_without_tables_becomes_no_new_journal(tmp_path):
    path = tmp_path / "journal.sqlite3"
    with closing(sqlite3.connect(path)) as torn:
        torn.execute("PRAGMA journal_mode=WAL").close()
    refused(path, "no tables.*ends with -wal")


@pytest.mark.parametrize("content", [b"\0" * 8192, b"PK\x03\x04" + b"x" * 2000, b"SQLite"])
def test_what_is_no_database_is_refused(tmp_path, content):
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(content)
    refused(path, "file is not a database.*Keep this file")


def test_a_folder_is_no_journal(tmp_path):
    with pytest.raises(JournalError, match="it is not a file"):
        Journal(url_of(tmp_path))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM meta WHERE name = 'uuid'", "has no uuid"),
        ("UPDATE meta SET value = 'none' WHERE name = 'uuid'", "uuid is 'none'"),
        ("DELETE FROM meta WHERE name = 'version'", "has no version"),
        ("UPDATE meta SET value = 'two' WHERE name = 'version'", "version is 'two'"),
    ],
)
def test_a_journal_that_does_not_say_what_it_is_is_refused(copy, statement, words):
    with closing(sqlite3.connect(copy)) as database:
        database.execute(statement)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    refused(copy, words)


@pytest.mark.parametrize("left", ["-wal", ".locks"])
def test_where_a_journal_was_no_new_one_is_made(tmp_path, left):
    path = tmp_path / "journal.sqlite3"
    beside = path.with_name(path.name + left)
    beside.mkdir() if left == ".locks" else beside.write_bytes(b"x")
    with pytest.raises(JournalError, match=r"is gone.*shows that one was here"):
        Journal(url_of(path))
    assert not path.exists()


def test_an_empty_write_ahead_log_shows_nothing(tmp_path):
    (tmp_path / "journal.sqlite3-wal").touch()
    with Journal(url_of(tmp_path / "journal.sqlite3")) as journal:
        assert journal.uuid


def test_two_that_open_a_new_journal_at_once_open_the_same(tmp_path):
    code = f"from smmplus.journal.journal import Journal\nprint(Journal({url_of(tmp_path / 'a')!r}).uuid)"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({process.communicate()[0] for process in both}) == 1


def test_a_new_journal_leaves_nothing_else_and_takes_no_name_that_is_taken(tmp_path):
    with Journal(url_of(tmp_path / "a")):
        pass
    assert [item.name for item in tmp_path.iterdir()] == ["a"]
    with pytest.raises(FileExistsError), sqlite_file.new_file(tmp_path / "a") as made:
        made.write_bytes(b"x")
    assert [item.name for item in tmp_path.iterdir()] == ["a"]


def test_without_hard_links_a_new_journal_takes_its_name_all_the_same(tmp_path, monkeypatch):
    def none_here(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", none_here)
    with Journal(url_of(tmp_path / "a")) as journal:
        assert journal.uuid
    with pytest.raises(FileExistsError, match="there already"), sqlite_file.new_file(tmp_path / "a") as made:
        made.write_bytes(b"x")


def test_the_latest_changes_of_another_journal_are_not_read_as_a_new_one_s(tmp_path):
    (tmp_path / "a-wal").write_bytes(b"x")
    with (
        pytest.raises(FileExistsError, match="belongs to another journal"),
        sqlite_file.new_file(tmp_path / "a") as made,
    ):
        made.write_bytes(b"x")


def test_where_sqlite_cannot_write_ahead_it_says_so():
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(JournalError, match="'memory' here"):
        sqlite._prepare(connection, None)


def test_a_large_journal_is_looked_at_for_its_structure(copy, monkeypatch):
    monkeypatch.setattr(sqlite_file, "THOROUGH_BYTES", 0)
    with Journal(url_of(copy)) as journal:
        assert journal.uuid
    data = bytearray(copy.read_bytes())
    data[8192:12288] = bytes(4096)
    copy.write_bytes(data)
    refused(copy, "it is damaged")


def test_an_index_that_misses_an_order_is_found(copy):
    """By it, an equal order would not be found, and would be placed again."""
    with closing(sqlite3.connect(copy)) as database:
        database.execute("PRAGMA writable_schema=ON").close()
        index = "SELECT sql FROM sqlite_master WHERE name = 'ix_entries_fingerprint'"
        (sql,) = database.execute(index).fetchone()
        database.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'ix_entries_fingerprint'", (sql + " WHERE 0",))
        database.commit()
    with closing(sqlite3.connect(copy)) as database:
        database.execute("REINDEX ix_entries_fingerprint").close()
        database.execute("PRAGMA writable_schema=ON").close()
        database.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'ix_entries_fingerprint'", (sql,))
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    refused(copy, "missing from index|wrong # of entries in index")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE entries SET state = 'acceptUd' WHERE id = 2", "acceptUd"),
        ("UPDATE entries SET cost = '0.0o1' WHERE id = 2", "damaged"),
        ("UPDATE entries SET cost = x'00' WHERE id = 2", "damaged"),
        ("UPDATE entries SET content = replace(content, '/1', '/2') WHERE id = 2", "does not match its fingerprint"),
        ("UPDATE entries SET content = x'00ff' WHERE id = 2", "damaged"),
        ("UPDATE campaigns SET spent = 'much'", "damaged"),
    ],
)
def test_a_damaged_order_is_told_in_words_and_not_sent(copy, statement, words):
    with closing(sqlite3.connect(copy)) as database:
        database.execute(statement)
        database.commit()
    with Journal(url_of(copy)) as journal, pytest.raises(JournalError, match=words):
        run_on(journal)


def run_on(journal):
    """Do with a journal what a run does, and give the entries as they were read first."""
    batch = Batch(journal)
    entries = {entry.id: entry for entry in journal.of_batch(1)}
    journal.with_fingerprints(batch.account, [entry.fingerprint for entry in entries.values()])
    journal.recover_crashed_runs()
    (entry,) = batch.plan(request=request_for("https://example.com/new"))
    batch.settle(batch.intend(entry, Decimal(1000)), Event.ORDER_ID, "99999")
    planned = [entry for entry in entries.values() if entry.state is State.NOT_SENT][:2]
    for entry in planned:
        batch.settle(batch.intend(entry), Event.DOUBT)
    journal.spent(batch.campaign)
    return entries


def damaged(data, kind, at, chance):
    """Damage a copy of a file's bytes."""
    data = bytearray(data)
    if kind == "torn off":
        del data[at:]
    elif kind == "a bit":
        data[at] ^= 1 << chance.randrange(8)
    elif kind == "some bytes":
        some = chance.randrange(2, 64)
        data[at : at + some] = chance.randbytes(len(data[at : at + some]))
    else:
        size = 512 if kind == "a sector of zeros" else 4096
        at -= at % size
        data[at : at + size] = bytes(size)
    return bytes(data)


@pytest.mark.parametrize("kind", ["a bit", "some bytes", "a sector of zeros", "a page of zeros", "torn off"])
def test_whatever_is_damaged_a_run_works_on_true_orders_or_fails_in_words(whole, tmp_path, kind):
    """True: what is ordered and where it stands. A digit changed inside a price or a time no file system notices."""
    source, true = whole
    data, chance, ends = source.read_bytes(), random.Random(kind), []  # noqa: S311
    for number in range(60):
        path = tmp_path / str(number)
        path.write_bytes(damaged(data, kind, chance.randrange(len(data)), chance))
        try:
            with Journal(url_of(path)) as journal:
                found = run_on(journal)
        except JournalError:
            ends.append("told")
        else:
            ends.append("ran")
            assert {id_: who_it_is(entry) for id_, entry in found.items()} == {
                id_: who_it_is(entry) for id_, entry in true.items()
            }
    assert "told" in ends
    if kind in {"a page of zeros", "torn off"}:
        assert "ran" not in ends


def who_it_is(entry):
    return entry.key, entry.fingerprint, entry.content, entry.state, entry.attempt


KILLED = """
import os, sys
from smmplus.journal.state_machine import Event
from smmplus.journal.journal import Journal
from tests.smmplus.batches import Batch, request_for
journal = Journal(sys.argv[1])
batch = Batch(journal)
for number in range(20):
    (entry,) = batch.plan(request=request_for(f"https://example.com/{number}"))
    batch.settle(batch.intend(entry), Event.ORDER_ID, str(500 + number))
    print(number, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Kill a process in the middle: its last commits stand in the -wal alone."""
    path = tmp_path_factory.mktemp("killed") / "journal.sqlite3"
    done = subprocess.run([sys.executable, "-c", KILLED, url_of(path)], check=False, cwd=Path(__file__).parents[3])
    assert done.returncode == -signal.SIGKILL
    return path


@pytest.mark.skipif(os.name == "nt", reason="Windows kills in another way")
def test_a_torn_write_ahead_log_is_read_to_its_last_whole_commit(killed, tmp_path):
    log = killed.with_name(killed.name + "-wal").read_bytes()
    assert len(log) > 100_000
    counts = []
    for number, share in enumerate((1.0, 0.9, 0.7, 0.5, 0.35, 0.2)):
        path = tmp_path / str(number)
        shutil.copy(killed, path)
        path.with_name(path.name + "-wal").write_bytes(log[: int(len(log) * share)])
        with Journal(url_of(path)) as journal:
            entries = journal.of_batch(1)
            counts.append(len(entries))
            assert [entry.order_id for entry in entries if entry.state is State.PLACED] == [
                str(500 + place) for place in range(sum(entry.state is State.PLACED for entry in entries))
            ]
    assert counts[0] == 20
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < 20


def test_a_new_journal_s_tables_stand_in_the_file_itself_not_in_its_write_ahead_log(killed, tmp_path):
    """Its file, copied alone, is known for a journal, and for which one."""
    path = tmp_path / "journal.sqlite3"
    shutil.copy(killed, path)
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as database:
        found = {name for (name,) in database.execute("SELECT name FROM meta")}
    assert {"uuid", "version"} <= found
    assert any(name.startswith("open ") for name in found)  # that a run died in it shows without anything beside it


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only the administrator can become somebody else")
def test_a_journal_of_somebody_else_is_told_in_words(copy):
    copy.chmod(0o600)
    code = f"""
import os
from smmplus.errors import JournalError
from smmplus.journal.journal import Journal
os.setuid(65534)
try:
    Journal({url_of(copy)!r})
except JournalError as error:
    print(error)
"""
    ours = (folder for folder in copy.parents if folder.is_relative_to(gettempdir()) and folder != Path(gettempdir()))
    for folder in ours:  # pytest's own, which are closed to others
        folder.chmod(0o755)
    # Somebody else can write no coverage.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=plain)
    assert (str(copy) in done.stdout, done.stderr) == (True, "")
    assert "rights" in done.stdout
